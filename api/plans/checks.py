"""Use case of checking a draft: defects of its coverage, which there should never be, and what the rules say of its grids."""

from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry import mapping
from sqlalchemy.orm import Session

from api.actor import Actor
from api.plans.changes import box_of
from api.plans.ground import plan_of
from api.plans.operations import metres_near
from data.queries import plan_ground
from data.queries.plans import Plan
from gis.checks import Finding, findings
from gis.coverage import KINDS, defects
from gis.crs import STORAGE_EPSG, LocalMetres
from gis.errors import NotFound
from gis.faces import mean_width_m, polygonal

Answer = dict[str, Any]
DEFECTS = frozenset(KINDS) - {"multipart", "sliver"}
"""Kinds of findings that a certified draft never has; several pieces and narrow ones are a matter of the rules."""
CUT_M2 = 1.0
RIM_M = 0.02
"""Vertices that a draft's outer border gains lie this near to the outline of today."""


def check(session: Session, actor: Actor, id: int) -> Answer:
    """Everything to look at in a draft, each with its place, size, grids, and what would help."""
    plan = plan_of(session, actor, id)
    rows = plan_ground.whole(session, actor.scope, plan)
    if not rows:
        return {"revision": plan.revision, "items": []}
    ids = np.array([row.id for row in rows], dtype=np.int64)
    shapes = np.asarray(shapely.from_wkb(np.array([bytes(row.wkb) for row in rows], dtype=object)), dtype=object)
    metres = metres_near(shapely.total_bounds(shapes).tolist())
    by_rule = findings(
        ids, shapes, np.array([row.households for row in rows]), np.array([row.community_id for row in rows]), metres,
        low=plan.household_min, high=plan.household_max,
    )  # fmt: skip
    borders = dict(zip(ids.tolist(), shapes, strict=True))
    drawn = {row.id: borders[row.id] for row in rows if row.overlaid and not row.noded_only}
    items = [
        *_defects(ids, shapes, metres),
        *_beyond(plan_ground.outline(session, actor.scope, plan), shapes, metres),
        *_cut_buildings(session, actor, plan, drawn, metres),
        *(_told(each, borders[each.grids[0]]) for each in by_rule),
    ]
    return {"revision": plan.revision, "items": items}


def history(session: Session, actor: Actor, id: int) -> Answer:
    """A grid through the years: its states, newest first, and which grids it came from and became."""
    actor.must("map")
    states, lineage = plan_ground.history(session, actor.scope, id)
    if not states:
        raise NotFound("There is no such grid.")
    return {
        "id": id,
        "code": states[0].code,
        "states": [
            {
                "version": row.version, "name": row.name, "name_en": row.name_en, "households": row.households,
                "valid_from": row.valid_from, "valid_to": row.valid_to, "area_m2": row.area_m2,
            }
            for row in states
        ],
        "lineage": [
            {
                "from": {"id": row.from_id, "code": row.from_code}, "to": {"id": row.to_id, "code": row.to_code}, "at": row.at,
                "kind": row.kind, "area_share": row.area_share, "household_share": row.household_share,
            }
            for row in lineage
        ],
    }  # fmt: skip


def _defects(ids: Any, shapes: Any, metres: LocalMetres) -> list[Answer]:
    frame = gpd.GeoDataFrame({"code": ids}, geometry=shapes, crs=STORAGE_EPSG)
    table = defects(frame, metres=metres)
    return [
        {
            "kind": row.kind, "grids": [int(code) for code in row.codes], "place": _place(row.geometry), "area_m2": round(row.area_m2, 3),
            "width_m": round(row.width_m, 4), "detail": {"text": row.detail}, "suggestion": row.suggestion,
            "geometry": mapping(row.geometry),
        }
        for row in table.itertuples()
        if row.kind in DEFECTS
    ]  # fmt: skip


def _beyond(outline: Any, shapes: Any, metres: LocalMetres) -> list[Answer]:
    """Ground of the plan's area that no grid holds, and ground that grids hold beyond it.

    Vertices that the outer border gained lie on the lattice, a fraction of a millimetre beside the old line: no defect.
    """
    whole = shapely.coverage_union_all(shapes)
    told = []
    for kind, suggestion, piece in (("gap", "decide", outline.difference(whole)), ("outside", "fit", whole.difference(outline))):
        parts = shapely.get_parts(polygonal(piece))
        flat = metres.to_metres(parts)
        for part, area, width in zip(parts, shapely.area(flat).tolist(), mean_width_m(flat).tolist(), strict=True):
            if width >= RIM_M:
                told.append({
                    "kind": kind, "grids": [], "place": _place(part), "area_m2": round(area, 3), "width_m": round(width, 4),
                    "detail": {}, "suggestion": suggestion, "geometry": mapping(part),
                })  # fmt: skip
    return told


def _cut_buildings(session: Session, actor: Actor, plan: Plan, drawn: dict[int, Any], metres: LocalMetres) -> list[Answer]:
    """Buildings that a border drawn in this draft runs through, by CUT_M2 or more on both sides."""
    if not drawn:
        return []
    rows = plan_ground.buildings(session, actor.scope, plan, box_of(drawn.values()))
    outlines = np.asarray(shapely.from_wkb(np.array([bytes(row.wkb) for row in rows], dtype=object)), dtype=object)
    ids = np.array(sorted(drawn), dtype=np.int64)
    borders = shapely.boundary(np.array([drawn[id] for id in ids.tolist()], dtype=object))
    at, building = shapely.STRtree(outlines).query(borders, predicate="intersects") if len(rows) else (ids[:0], ids[:0])
    inside = shapely.intersection(outlines[building], np.array([drawn[id] for id in ids[at].tolist()], dtype=object))
    held, whole = shapely.area(metres.to_metres(inside)), shapely.area(metres.to_metres(outlines[building]))
    cut: dict[int, list[int]] = {}
    through = (held >= CUT_M2) & (held <= whole - CUT_M2)
    for which, grid in zip(building[through], ids[at[through]], strict=True):
        cut.setdefault(int(which), []).append(int(grid))
    told = []
    for which, grids in sorted(cut.items()):
        row, shape = rows[which], outlines[which]
        told.append({
            "kind": "building_cut", "grids": grids, "place": _place(shape), "width_m": None,
            "area_m2": round(float(shapely.area(metres.to_metres(shape))), 1),
            "detail": {"building": row.id, "address": row.address, "households": row.households}, "suggestion": "give",
            "geometry": mapping(shape),
        })  # fmt: skip
    return told


def _told(each: Finding, border: Any) -> Answer:
    return {
        "kind": each.kind, "grids": list(each.grids), "place": [each.place.x, each.place.y], "area_m2": round(each.area_m2, 1),
        "width_m": round(each.width_m, 2), "detail": each.detail, "suggestion": each.suggestion,
        "geometry": mapping(shapely.box(*border.bounds)),
    }  # fmt: skip


def _place(shape: Any) -> list[float] | None:
    if shapely.is_empty(shape):
        return None
    inside = shapely.point_on_surface(shape)
    return [inside.x, inside.y]
