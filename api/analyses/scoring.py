"""How well a map did: its hot units on the period after it, of equal length, beside the naive map; counted by a job once that is over."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

import numpy as np

from api.analyses.service import asked_of
from api.analyses.study import counted
from data import after_commit
from data.after_commit import Change
from data.queries import analyses, analysis_rows, statistics
from data.queries.analysis_rows import Selection
from gis.errors import Refusal
from gis.hotspots.accuracy import accuracy


def score_due(work: Any) -> int:
    """Score every finished analysis whose following period is over; returns how many."""
    with work.unit() as (session, scope):
        at = statistics.moment(session)
        rows = analyses.unscored(session, scope, at.now)
    for row in rows:
        with work.unit() as (session, scope):
            analyses.score(session, scope, row.id, _scored(session, scope, row, at))
            after_commit.publish(session, Change("analysis", "update", row.id))
    return len(rows)


def _scored(session: Any, scope: Any, row: Any, at: statistics.Moment) -> dict[str, Any]:
    asked = asked_of(row)
    found = analyses.document(session, scope, row.id) or {"units": []}
    units = analysis_rows.units(session, scope, row.ground, row.scheme_id, of=asked.question["unit"])
    told = {(each["grid_id"] if units.are_grids else each["community_id"]): each for each in found["units"]}
    same = {id: told[id]["version"] for id in told} == dict(zip(units.ids.tolist(), units.versions.tolist(), strict=True))
    if not same:
        return {
            "refusal": {
                "code": "borders-changed",
                "message": "The borders have changed since; the map cannot be scored on today's.",
                "facts": {},
            }
        }
    after = Selection(row.ground, asked.ends, asked.ends + (asked.ends - asked.starts), asked.selection.categories, asked.selection.sources)
    hot = np.array([told[id]["hot"] for id in units.ids.tolist()], dtype=np.bool_)
    period = {"from": after.starts.astimezone(at.zone).date().isoformat(),
              "to": (after.ends.astimezone(at.zone).date() - timedelta(days=1)).isoformat()}  # fmt: skip
    try:
        later, before = (counted(session, scope, each, units, row.scheme_id) for each in (after, asked.selection))
        score = accuracy(hot, units.area_m2, later, before=before)
    except Refusal as refused:
        return period | {"refusal": {"code": refused.code, "message": refused.message, "facts": refused.facts}}
    return period | asdict(score)
