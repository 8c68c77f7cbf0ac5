"""What is behind a cluster: where, when, what, how often the same building, who worked on it, and whether deadlines were kept."""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from api.analyses.findings import Found
from api.analyses.study import Study
from data.queries.analysis_rows import DUE, KEPT
from gis.hotspots.doubts import spots
from gis.hotspots.rates import poisson_interval

TOP = 5
NAMED = 20
"""Categories, sources and officers told of one cluster."""
Facts = dict[str, Any]


def described(study: Study, rank: int, found: Found, analysed: int) -> Facts:
    """One cluster in the shape that docs/analyses.md gives, nothing held back yet.

    `analysed`: incidents of all units that have a number expected.
    """
    rows = found.incidents if found.incidents is not None else study.of_units(found.members, found.days)
    observed = len(rows)
    low, high = (float(each) for each in poisson_interval(observed))
    due = found.expected
    days = found.days or (0, study.days - 1)
    return {
        "rank": rank, "kind": found.kind, "partial": False, "members": sorted(study.units.ids[found.members].tolist()),
        "community_ids": sorted(set(study.units.communities[found.members].tolist())), "place": _place(study, found, rows),
        "period": {"from": study.date_of(days[0]).isoformat(), "to": study.date_of(days[1]).isoformat(), "days": days[1] - days[0] + 1},
        "observed": observed, "expected": due, "ratio": observed / due if due else None,
        "interval": [low / due, high / due] if due else None,
        "relative_risk": found.relative_risk if found.relative_risk is not None else _relative_risk(analysed, observed, due),
        "population": found.at_risk if study.question["denominator"] != "none" else None,
        "llr": found.llr, "p": found.p, "p_kind": found.p_kind, "gumbel_p": found.gumbel_p, "q": found.q,
        "recurrence_days": found.recurrence_days, "class": found.confidence,
        # Gi* is of an area and its neighbours: it may be hot although it has no more than its own share.
        "by_neighbours": found.kind == "hot" and due is not None and observed <= due,
        **told_of(study, rows), "repeat": _repeat(study, rows),
        "officers": _most(study.rows.officer[rows][study.rows.officer[rows] >= 0], "officer_id"), "deadlines": _deadlines(study, rows),
    }  # fmt: skip


def told_of(study: Study, rows: NDArray[np.int64] | slice = slice(None)) -> Facts:
    """Categories, sources, hours and weekdays of some incidents, or of all."""
    own = study.rows
    return {
        "categories": _most(own.category[rows], "category_id"),
        "sources": _sources(study, own.source[rows]),
        "hours": np.bincount(study.hour[rows], minlength=24).tolist(),
        "weekdays": np.bincount(study.weekday[rows], minlength=7).tolist(),
    }


def deadlines_of(study: Study, rows: NDArray[np.int64] | slice = slice(None)) -> tuple[int, int]:
    """How many deadlines fell due within the period, and how many of them were kept."""
    marks = study.rows.marks[rows]
    due = (marks & DUE) > 0
    return int(due.sum()), int((due & ((marks & KEPT) > 0)).sum())


def _deadlines(study: Study, rows: NDArray[np.int64]) -> Facts:
    due, kept = deadlines_of(study, rows)
    every, every_kept = deadlines_of(study)
    around, around_kept = every - due, every_kept - kept
    return {"due": due, "kept": kept, "overdue_share": 1 - kept / due if due else None,
            "overdue_share_around": 1 - around_kept / around if around else None}  # fmt: skip


def _place(study: Study, found: Found, rows: NDArray[np.int64]) -> Facts:
    place = {"hull": None, **found.place}
    if "lon" not in place:
        together = shapely.union_all(study.metres.to_metres(np.array([study.units.borders[each] for each in found.members], dtype=object)))
        middle = shapely.point_on_surface(together)
        place["radius_m"] = float(shapely.hausdorff_distance(middle, shapely.convex_hull(together)))
        there = study.metres.to_degrees(middle)
        place |= {"lon": there.x, "lat": there.y}
    ids, number = np.unique(study.units.communities[study.unit[rows][study.unit[rows] >= 0]], return_counts=True)
    if len(ids):
        most = int(np.argmax(number))
        return place | {"community_id": int(ids[most]), "community_share": float(number[most] / number.sum())}
    return place | {"community_id": None, "community_share": None}


def _relative_risk(analysed: int, observed: int, due: float | None) -> float | None:
    """(observed / expected) inside over the same outside."""
    if not due or analysed - due <= 0 or analysed <= observed:
        return None
    return float(observed / due / ((analysed - observed) / (analysed - due)))


def _repeat(study: Study, rows: NDArray[np.int64]) -> Facts:
    named = study.rows.building[rows]
    ids, number = np.unique(named[named >= 0], return_counts=True)
    order = np.argsort(-number, kind="stable")[:TOP]
    again, least = number >= 2, max(2, study.question["small_cell"])
    places = study.xy[rows]
    places = places[np.isfinite(places).all(axis=1)]
    one_place = int(np.bincount(spots(*places.T)).max(initial=0))
    return {
        "top": [{"building_id": int(ids[each]), "observed": int(number[each])} for each in order if number[each] >= least],
        "buildings": int(again.sum()), "in_repeat_buildings": int(number[again].sum()),
        "top_share": float(number[order[0]] / len(rows)) if len(order) and number[order[0]] >= least else None, "one_place": one_place,
    }  # fmt: skip


def _most(values: NDArray[np.integer], name: str) -> list[Facts]:
    ids, number = np.unique(values, return_counts=True)
    order = np.argsort(-number, kind="stable")[:NAMED]
    return [{name: int(ids[each]), "observed": int(number[each])} for each in order]


def _sources(study: Study, values: NDArray[np.integer]) -> list[Facts]:
    number = np.bincount(values, minlength=len(study.sources) + 1)
    names = ["", *study.sources]
    order = [each for each in np.argsort(-number, kind="stable").tolist() if number[each]]
    return [{"source": names[each], "observed": int(number[each])} for each in order[:NAMED]]
