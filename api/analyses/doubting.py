"""Data doubts first: what of a study's incidents may be the records' habits; counted, and left out as the question says."""

from typing import Any

import numpy as np
import pandas as pd
import shapely

from api.analyses.study import Study, local_times
from gis.hotspots import doubts
from gis.hotspots.doubts import CHECKS, LEFT_OUT

MOST_TOLD = 20
AWAY_M = 1e6
"""The checks take 0 and 0 for no place; metres around the middle of the ground have a default point just there."""
Doubt = dict[str, Any]


def doubted(study: Study, *, by_place: bool) -> tuple[Study, list[Doubt]]:
    """The study without what is dropped, and every check with its count, its share and what was done.

    `by_place`: the method needs coordinates; else an incident that is known to lie in a unit needs none.
    """
    rows = study.rows
    placed = np.isfinite(study.xy).all(axis=1)
    at_home = placed & study.placed if by_place else study.placed
    found = doubts.doubts(_frame(study), defaults=_middles(study))
    flags = {each: np.asarray(found.flags[each], dtype=np.bool_) for each in CHECKS}
    flags["no-place"] = np.asarray(~placed if by_place else ~placed & ~study.placed)
    flags["outside"] = np.asarray(~at_home & ~flags["no-place"])
    done = {each: _done(study, each) for each in CHECKS}
    # What lies in no unit can be counted in none, whatever is asked for.
    done |= {"no-place": "dropped", "outside": "dropped"}
    dropped = np.zeros(len(rows), dtype=np.bool_)
    for each in CHECKS:
        if done[each] == "dropped":
            dropped |= flags[each]
    asked = dict(zip(found.table["check"], found.table["asked"], strict=True)) | {"outside": True}
    facts = {
        "pile": {"piles": _piles(study, found.piles)},
        "day-pile": {"days": _days(found.days)},
        "level": {"levels": _levels(found.levels)},
    }
    told = [_told("merged", study.merged, len(rows) + study.merged, "dropped")]
    told += [_told(each, int(flags[each].sum()), len(rows), done[each], asked=bool(asked[each]), facts=facts.get(each)) for each in CHECKS]
    return study.only(~dropped) if dropped.any() else study, told


def _told(code: str, incidents: int, of: int, done: str, *, asked: bool = True, facts: Doubt | None = None) -> Doubt:
    return {"code": code, "asked": asked, "incidents": incidents, "share": incidents / max(1, of), "done": done, "facts": facts or {}}


def _done(study: Study, check: str) -> str:
    asked = study.question["doubts"].get(check)
    if asked is not None:
        return {"keep": "kept", "drop": "dropped"}[asked]
    return "dropped" if check in LEFT_OUT else "kept"


def _frame(study: Study) -> pd.DataFrame:
    rows = study.rows
    return pd.DataFrame({
        "x": study.xy[:, 0] + AWAY_M, "y": study.xy[:, 1] + AWAY_M, "time": local_times(rows, study.zone), "category": rows.category,
        "source": pd.Categorical.from_codes(rows.source, pd.Index(["", *study.sources])),
        "address": pd.arrays.IntegerArray(rows.address, rows.address == 0),
    }, copy=False)  # fmt: skip


def _middles(study: Study) -> list[tuple[float, float]]:
    """Where a geocoder puts what it does not find: the middles of the ground."""
    return [(each.x + AWAY_M, each.y + AWAY_M) for each in (study.outline.centroid, shapely.box(*study.outline.bounds).centroid)]


def _piles(study: Study, piles: pd.DataFrame) -> list[Doubt]:
    shown = piles.head(MOST_TOLD)
    lon, lat = study.metres.degrees(shown["x"] - AWAY_M, shown["y"] - AWAY_M)
    return [
        {
            "lon": lon[at], "lat": lat[at], "incidents": int(row["rows"]), "share": row["share"], "categories": row["categories"],
            "addresses": row["addresses"], "likely_default": bool(row["likely_default"]),
        }
        for at, row in enumerate(shown.to_dict("records"))
    ]  # fmt: skip


def _days(days: pd.DataFrame) -> list[Doubt]:
    rows = days.head(MOST_TOLD).to_dict("records")
    return [{"day": row["day"].date().isoformat(), "incidents": int(row["rows"]), "usual": row["usual"]} for row in rows]


def _levels(levels: pd.DataFrame) -> list[Doubt]:
    names = ("source", "before", "after", "ratio", "low", "high")
    rows = levels.head(MOST_TOLD).to_dict("records")
    return [{name: row[name] for name in names} | {"from": row["step_start"].date().isoformat()} for row in rows]
