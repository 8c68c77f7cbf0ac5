"""The work on an analysis: read, doubt, compute, describe, store; each stage in its own transaction, so that a cancel is heard."""

import time
from typing import TYPE_CHECKING, Any

from api.analyses import areas, patterns, points, scans, service, telling
from api.analyses.catalogue import POINT_METHODS
from api.analyses.doubting import doubted
from api.analyses.findings import Findings
from api.analyses.neighbouring import neighbours
from api.analyses.other_cells import Homes, asked_again
from api.analyses.question import Asked
from api.analyses.study import Study, read
from data import after_commit
from data.after_commit import Change
from data.queries import analyses, analysis_rows
from data.scope import Scope
from gis.errors import Refusal, TooLarge
from gis.hotspots.weights import Neighbours

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

TELL_EVERY_S = 0.3
STAGES = {"reading": 0.02, "doubting": 0.25, "weighing": 0.35, "computing": 0.4, "describing": 0.9, "storing": 0.97}
"""How far an analysis is when a stage begins."""
WITH_NEIGHBOURS = frozenset({"gi", "moran", "emerging"})


class Cancelled(Exception):
    """Somebody does not want the answer any more."""


class Teller:
    """Tells progress now and then, and hears within that time whether the answer is still wanted."""

    def __init__(self, work: Any, id: int) -> None:
        self.work, self.id = work, id
        self.at = 0.0
        self.from_share, self.to_share, self.stage = 0.0, 0.0, "reading"

    def begin(self, stage: str) -> None:
        """Go on to the next stage."""
        later = [share for share in STAGES.values() if share > STAGES[stage]]
        self.stage, self.from_share, self.to_share = stage, STAGES[stage], min(later, default=1.0)
        self.at = 0.0
        self(0, 1)

    def __call__(self, done: int, whole: int) -> None:
        """So much of the stage is done. Raises Cancelled when the answer is not wanted any more."""
        if time.monotonic() - self.at < TELL_EVERY_S:
            return
        self.at = time.monotonic()
        share = self.from_share + (self.to_share - self.from_share) * min(1.0, done / max(1, whole))
        with self.work.unit() as (session, scope):
            wanted = analyses.tell(session, scope, self.id, self.stage, share)
        if not wanted:
            raise Cancelled


def work_out(work: Any, id: int) -> str:
    """Work an analysis out; safe to repeat, and by two at once. Returns the state it ends in."""
    with work.unit() as (session, scope):
        row = analyses.begin(session, scope, id)
    if row is None:
        return "nothing to do"
    try:
        return _worked_out(work, row)
    except Cancelled:
        return "cancelled"
    except Refusal as refusal:
        return _refused(work, id, refusal)
    except MemoryError:
        return _refused(work, id, TooLarge("The machine has too little memory for this question; take a shorter period or a smaller area."))
    except Exception:
        with work.unit() as (session, scope):
            analyses.finish(
                session, scope, id, "failed", refusal={"code": "bug", "message": "This is a fault of the program.", "facts": {}}
            )
        raise


def _worked_out(work: Any, row: Any) -> str:
    tell = Teller(work, row.id)
    asked = service.asked_of(row)
    question = asked.question
    tell.begin("reading")
    with work.unit() as (session, scope):
        study = read(session, scope, asked, tell)
        homes = _homes(session, scope, asked)
    tell.begin("doubting")
    every = len(study.rows) + study.merged
    study, doubts = doubted(study, by_place=question["method"] in POINT_METHODS)
    tell.begin("weighing")
    among = None
    if question["method"] in WITH_NEIGHBOURS or question["parameters"].get("smoothing") == "neighbours":
        with work.unit() as (session, scope):
            among = neighbours(session, scope, study)
    tell.begin("computing")
    findings = _found(study, among, tell, homes)
    tell.begin("describing")
    pieces, result_hash = telling.told(study, findings, doubts, every)
    tell.begin("storing")
    with work.unit() as (session, scope):
        analyses.store(session, scope, row.id, pieces)
        done = analyses.finish(
            session, scope, row.id, "done", incidents=len(study.rows), data_version=study.data_version, result_hash=result_hash
        )
        if not done:
            raise Cancelled
        after_commit.publish(session, Change("analysis", "update", row.id))
        if row.is_map:
            after_commit.publish(session, Change("hotspot", "bulk", row.id))
    return "done"


def _found(study: Study, among: Neighbours | None, tell: Teller, homes: Homes | None) -> Findings:
    method = study.question["method"]
    if method in ("gi", "moran", "emerging"):
        assert among is not None, "these methods have neighbours"
        if method == "gi":
            found = areas.gi(study, among, tell)
            if study.parameters["alternate"]:
                asked_again(study, found, homes)
            return found
        return areas.moran(study, among, tell) if method == "moran" else patterns.emerged(study, among, tell)
    if method == "rates":
        return areas.rates(study, among, tell)
    by_name = {"scan": scans.scanned, "watch": scans.watched, "trend": patterns.trended, "knox": points.near_repeats,
               "kde": points.density, "repeats": points.repeated}  # fmt: skip
    return by_name.get(method, points.clustered)(study, tell)


def _homes(session: "Session", scope: Scope, asked: Asked) -> Homes | None:
    question = asked.question
    if question["method"] != "gi" or not question["parameters"]["alternate"] or question["denominator"] != "households":
        return None
    return analysis_rows.homes(session, scope, asked.ground)


def _refused(work: Any, id: int, refusal: Refusal) -> str:
    told = {"code": refusal.code, "message": refusal.message, "facts": refusal.facts}
    with work.unit() as (session, scope):
        analyses.finish(session, scope, id, "refused", refusal=told)
        after_commit.publish(session, Change("analysis", "update", id))
    return "refused"
