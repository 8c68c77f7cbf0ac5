"""The live watch: every category of every district asked each day whether something goes on now; what does becomes an alert, once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from api.analyses import service, working
from api.analyses.question import QuestionIn, code_version, complete
from data import after_commit
from data.after_commit import Change
from data.queries import alerts, analyses, statistics
from data.queries.analyses import multirange
from gis.hotspots.scan import MINIMUM_CASES
from gis.hotspots.trend import compared

STUDY_DAYS = 365
"""How busy a place usually is must be known: with 90 days three of the four clusters that the demo district plants were never seen."""
SAME_WITHIN_DAYS = 14
"""A cluster of the same category in the same place within so many days is the same alert."""
SCORE_DAYS = (7, 14)
BASE_DAYS = 28
"""What was usual is counted on so many days before a cluster began."""
LEAST_LATELY = 3
LEAST_REPLICAS = 999


@dataclass(frozen=True, slots=True)
class Watched:
    """What one run of the watch did."""

    day: date
    looked: int
    computed: int
    raised: list[int]
    went_on: list[int]
    refused: int


def run(work: Any, *, as_of: date | None = None, recurrence_days: float, say: Callable[[str], None] = lambda _: None) -> Watched:
    """Watch every district and category up to the end of the day `as_of` (default: yesterday); safe to repeat."""
    with work.unit() as (session, scope):
        at = statistics.moment(session)
        day = min(as_of or at.today - timedelta(days=1), at.today)
        questions = _questions(session, scope, day, at, recurrence_days)
    raised: list[int] = []
    went_on: list[int] = []
    computed = refused = 0
    for number, asked in enumerate(questions, 1):
        say(f"category {number} of {len(questions)}")
        id, fresh = _answered(work, asked)
        computed += fresh
        with work.unit() as (session, scope):
            row = analyses.one(session, scope, id)
            refused += row.state != "done"
            if row.state == "done":
                new, old = _alerts(session, scope, id, _Look(asked.category_ids[0], day, len(questions), recurrence_days))
                raised += new
                went_on += old
    return Watched(day, len(questions), computed, raised, went_on, refused)


def score_due(work: Any) -> int:
    """Count what happened in the days after each alert against what was usual there; returns how many counts were kept."""
    kept = 0
    with work.unit() as (session, scope):
        at = statistics.moment(session)
        for days in SCORE_DAYS:
            for row in alerts.unscored(session, scope, days, at.today):
                after = row.raised_for + timedelta(days=1)
                observed = alerts.happened(
                    session, scope, row.grids, row.category_ids, at.starts(after), at.starts(after + timedelta(days=days))
                )
                usual = alerts.happened(
                    session, scope, row.grids, row.category_ids, at.starts(row.begins - timedelta(days=BASE_DAYS)), at.starts(row.begins)
                )
                found = compared([observed], [usual], later_days=float(days), earlier_days=float(BASE_DAYS)).iloc[0]
                told = {"observed": observed, "expected": usual / BASE_DAYS * days, "ratio": found["ratio"], "low": found["low"],
                        "high": found["high"], "went_on": bool(found["low"] > 1)}  # fmt: skip
                alerts.score(session, scope, row.id, {str(days): told})
                after_commit.publish(session, *(Change("alert", "update", row.id, community_id=each) for each in row.community_ids))
                kept += 1
    return kept


def _questions(session: Any, scope: Any, day: date, at: statistics.Moment, recurrence_days: float) -> list[QuestionIn]:
    first = day - timedelta(days=STUDY_DAYS - 1)
    replicas = max(LEAST_REPLICAS, int(2 * recurrence_days) - 1)
    asked = []
    for district in alerts.districts(session, scope):
        whole = complete(session, scope, _question(district.code, first, day, [], replicas))
        recent = at.starts(day - timedelta(days=whole.told["parameters"]["max_days"] - 1))
        wanted = {
            "ground": whole.ground,
            "starts": whole.starts,
            "ends": whole.ends,
            "recent": recent,
            "enough": MINIMUM_CASES,
            "least": LEAST_LATELY,
        }
        asked += [_question(district.code, first, day, [each], replicas) for each in alerts.watched(session, scope, wanted)]
    return asked


def _question(area: str, first: date, last: date, categories: list[int], replicas: int) -> QuestionIn:
    # Whoever is sent there sees the incidents anyway, so nothing is held back.
    told = {"method": "watch", "area": area, "from": first, "to": last, "category_ids": categories, "small_cell": 1}
    return QuestionIn.model_validate(told | {"parameters": {"permutations": min(replicas, 99_999)}})


def _answered(work: Any, asked: QuestionIn) -> tuple[int, bool]:
    """The analysis that answers a question on the rows of now, and whether it had to be worked out."""
    with work.unit() as (session, scope):
        question = complete(session, scope, asked)
        stored = analyses.stored(session, scope, question.hash, code_version())
        if stored is not None and stored.state == "done" and service.still_true(session, scope, question, stored):
            return stored.id, False
        id = service.keep(session, scope, question, origin="watch", asked_by=None)
    working.work_out(work, id)
    return id, True


@dataclass(frozen=True, slots=True)
class _Look:
    """One category on one day, among so many looks."""

    category: int
    day: date
    looks: int
    recurrence_days: float


def _alerts(session: Any, scope: Any, id: int, look: _Look) -> tuple[list[int], list[int]]:
    raised: list[int] = []
    went_on: list[int] = []
    for cluster in (analyses.document(session, scope, id) or {"clusters": []})["clusters"]:
        again, members, communities = cluster["recurrence_days"], cluster["members"], cluster["community_ids"]
        if again is None or again < look.recurrence_days:
            continue
        facts = {
            "category_id": look.category, "analysis_id": id, "rank": cluster["rank"], "communities": multirange(communities),
            "day": look.day, "begins": date.fromisoformat(cluster["period"]["from"]), "recurrence_days": again, "looks": look.looks,
        }  # fmt: skip
        known = alerts.same(session, scope, look.category, members, look.day, SAME_WITHIN_DAYS)
        if known is None:
            known = alerts.put(session, scope, facts, members)
            raised.append(known)
        elif alerts.go_on(session, scope, known, facts, members):
            went_on.append(known)
        else:
            continue
        op = "insert" if known in raised else "update"
        after_commit.publish(session, *(Change("alert", op, known, community_id=each) for each in communities))
    return raised, went_on
