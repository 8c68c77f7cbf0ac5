"""Use cases of hot spots: ask, work out, read. Opening a page computes nothing."""

from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from math import isfinite
from typing import Any

from sqlalchemy.orm import Session

from api.actor import Actor
from api.period import Period
from data import after_commit
from data.after_commit import Change
from data.queries import audit, categories, hotspots, statistics
from data.queries.reach import reach
from data.scope import Scope
from gis.errors import BadValue, Refusal
from gis.hotspots.gi_star import PERMUTATIONS, GiStar, gi_star

METHOD = "gi_star"
SEED = 20_261
FALSE_DISCOVERY = "benjamini-hochberg"
DEFAULT_DAYS = 90
FEW_INCIDENTS = 5
JOB = "hotspots:work_out"
CAVEATS = ("place-of-report-not-of-cause", "beyond-the-district-unknown", "reported-not-happened")
CLASS_NUMBERS = {"none": 0, "excluded": 0} | {
    f"{kind}_{level}": sign * level for kind, sign in (("hot", 1), ("cold", -1)) for level in (90, 95, 99)
}
Answer = dict[str, Any]


def code_version() -> str:
    """Which code found it: the version of this program and of what computes."""
    return f"wangge {_version('wangge')}; numpy {_version('numpy')}; scipy {_version('scipy')}; numba {_version('numba')}"


def ask(session: Session, actor: Actor, period: Period, category_ids: tuple[int, ...], area: str | None) -> Answer:
    """Store the question and defer the work; the answer is read later under its id."""
    actor.must("analyses.write")
    at = statistics.moment(session)
    unknown = set(category_ids) - categories.known(session, actor.scope, category_ids)
    if unknown:
        raise BadValue("There is no such category.", categories=sorted(unknown))
    asked = reach(session, actor.scope, area)
    whole = actor.scope.everything and asked.level in ("scope", "district")
    first, after = period.days(at)
    communities = () if whole else asked.communities
    run_id = _asked(session, actor.scope, (at.starts(first), at.starts(after)), category_ids, communities, actor.person_id)
    after_commit.defer(session, JOB, run_id=run_id)
    audit.record(session, actor, "create", "hotspot_run", run_id, facts={"area": area, "from": first, "to": after})
    return {"id": run_id, "state": "asked"}


def run_now(session: Session, scope: Scope, *, days: int = DEFAULT_DAYS, permutations: int = PERMUTATIONS) -> int:
    """The default run, worked out in this transaction: all categories of the last `days` days over the whole ground; its id.

    For the session of the system or of the schema's owner. Too little to analyse is stored as a refusal, not raised.
    """
    at = statistics.moment(session)
    after = at.today + timedelta(days=1)
    period = (at.starts(after - timedelta(days=days)), at.starts(after))
    run_id = _asked(session, scope, period, (), (), None, permutations=permutations)
    work_out(session, scope, run_id)
    return run_id


def first_run(session: Session, scope: Scope) -> str:
    """The default run if nothing was ever worked out; tells in a few words what there is."""
    if not hotspots.first_due(session, scope):
        return "nothing due"
    run = hotspots.one(session, scope, run_now(session, scope))
    return f"{run.incidents or 0:,} incidents of {DEFAULT_DAYS} days: {run.state}"


def run_told(session: Session, scope: Scope) -> str:
    """The default run after new incidents have come, and in a few words what became of it, a refusal with its reason."""
    run = hotspots.one(session, scope, run_now(session, scope))
    why = f" ({run.refusal['message']})" if run.refusal else ""
    return f"{run.incidents or 0:,} incidents of {DEFAULT_DAYS} days: {run.state}{why}"


def work_out(session: Session, scope: Scope, run_id: int) -> str:
    """Count, analyse and store a run that was asked for; safe to repeat. Returns the state it ends in."""
    run = hotspots.begin(session, scope, run_id)
    if run is None:
        return "done"
    counted = hotspots.counts(session, scope, run)
    parameters = run.parameters
    try:
        found = gi_star(
            counted.borders, counted.incidents, counted.households, permutations=parameters["permutations"], seed=parameters["seed"]
        )
    except Refusal as refusal:
        told = {"code": refusal.code, "message": refusal.message, "facts": refusal.facts}
        hotspots.finish(session, scope, run_id, "refused", refusal=told, incidents=sum(counted.incidents), grids=len(counted.grid_ids))
        return "refused"
    hotspots.store(session, scope, run_id, _rows(counted, found))
    hotspots.finish(
        session, scope, run_id, "done",
        incidents=sum(counted.incidents), grids=found.analysed, caveats=_caveats(found),
        parameters={"islands": len(found.islands), "without_households": len(found.empty), "few_households": len(found.small)},
    )  # fmt: skip
    after_commit.publish(session, Change("hotspot", "bulk", run_id))
    return "done"


def latest(session: Session, actor: Actor, area: str | None) -> Answer:
    """The newest finished run that covers the area, cut to it; `run` is None when there is none yet."""
    actor.must("statistics")
    communities = reach(session, actor.scope, area).communities
    run = hotspots.latest(session, actor.scope, communities)
    if run is None:
        return {"run": None, "items": []}
    return {"run": _told(run), "items": _items(session, actor, run.id, communities)}


def one(session: Session, actor: Actor, run_id: int) -> Answer:
    """A run with its state and, once it is done, what it found in the caller's scope."""
    actor.must("statistics")
    run = hotspots.one(session, actor.scope, run_id)
    communities = reach(session, actor.scope).communities
    return {"run": _told(run), "items": _items(session, actor, run_id, communities) if run.state == "done" else []}


def _asked(
    session: Session, scope: Scope, period: tuple[datetime, datetime], category_ids: tuple[int, ...], communities: tuple[int, ...],
    asked_by: int | None, *, permutations: int = PERMUTATIONS,
) -> int:  # fmt: skip
    parameters = {
        "permutations": permutations, "seed": SEED, "false_discovery": FALSE_DISCOVERY, "weights": "queen", "rate": "eb-standardised",
    }  # fmt: skip
    return hotspots.ask(
        session, scope, communities,
        {
            "asked_by": asked_by, "starts": period[0], "ends": period[1], "categories": list(category_ids), "method": METHOD,
            "parameters": parameters, "code_version": code_version(),
        },
    )  # fmt: skip


def _rows(counted: hotspots.Counted, found: GiStar) -> list[Answer]:
    flags = (
        dict.fromkeys(found.islands, "island") | dict.fromkeys(found.empty, "no-households") | dict.fromkeys(found.small, "few-households")
    )
    rows = []
    for at, line in enumerate(found.table.to_dict("records")):
        few = "few-incidents" if line["count"] < FEW_INCIDENTS else ""
        rows.append(
            {
                "grid_id": counted.grid_ids[at], "community_id": counted.community_ids[at],
                "incidents": counted.incidents[at], "households": counted.households[at],
                "rate": _number(line["rate_per_1000"]), "rate_smoothed": _number(line["eb_rate_per_1000"]),
                "z": _number(line["z"]), "p": _number(line["p"]), "q": _number(line["q"]),
                "class": CLASS_NUMBERS[line["class"]], "flag": flags.get(at, few),
            }
        )  # fmt: skip
    return rows


def _caveats(found: GiStar) -> list[str]:
    """What a reader has to know, as codes for the page's words."""
    left_out = {"islands": found.islands, "without-households": found.empty, "few-households": found.small}
    return [*CAVEATS, *(f"{which}-left-out" for which, grids in left_out.items() if grids)]


def _told(run: Any) -> Answer:
    return {
        "id": run.id, "state": run.state, "method": run.method, "period_from": run.period_from, "period_to": run.period_to,
        "category_ids": run.category_ids, "asked_at": run.asked_at, "done_at": run.done_at, "incidents": run.incidents, "grids": run.grids,
        "draws": run.parameters.get("permutations"), "seed": run.parameters.get("seed"), "fdr": run.parameters.get("false_discovery"),
        "code_version": run.code_version, "caveats": run.caveats, "refusal": run.refusal,
    }  # fmt: skip


def _items(session: Session, actor: Actor, run_id: int, communities: tuple[int, ...]) -> list[Answer]:
    return [dict(row._mapping) for row in hotspots.items(session, actor.scope, run_id, communities)]


def _number(value: float) -> float | None:
    return float(value) if isfinite(value) else None


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "0.1.0"
