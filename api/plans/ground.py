"""Use cases of a draft's ground: grids, neighbours, communities, atoms and lines, as an editor opens them."""

import hashlib
from collections import Counter
from typing import Any

import numpy as np
import shapely
from sqlalchemy.orm import Session

from api.actor import Actor
from api.plans.changes import compactness, holders
from api.plans.wire import encoded, origin_of
from data.queries import atoms, plan_ground, plans, statistics
from data.queries.plan_ground import Box
from data.queries.plans import Plan
from gis.errors import NotFound

Answer = dict[str, Any]
AROUND = 2.0**-13
"""Degrees, about 13 m: how far beside the plan neighbours are told."""
BOX_AT_MOST = 0.5
"""Degrees on a side of a box of lines."""


def ground(session: Session, actor: Actor, plan: Plan, community: str | None, grids: list[int] | None) -> Answer:
    """All grids of a plan, of one community, or some by number, with neighbours outside the plan that touch them."""
    within = None if community is None else [_community(session, actor, plan, community)]
    if grids is not None and within is None:
        within = sorted({state.community_id for state in plan_ground.named(session, actor.scope, plan.id, grids).values()})
    rows = plan_ground.whole(session, actor.scope, plan, within)
    if grids is not None:
        rows = [row for row in rows if row.id in set(grids)]
    shapes = shapely.from_wkb(np.array([bytes(row.wkb) for row in rows], dtype=object)) if rows else np.empty(0, dtype=object)
    near = [] if grids is not None else _neighbours(session, actor, plan, shapes, {row.id for row in rows})
    origin = origin_of([*shapes, *(shape for _, shape in near)])
    polygons = encoded(shapes, origin)
    # Counting takes longer than all the rest: a page asks for the grids whose incidents it shows.
    reported = _reported(session, actor, {row.id: shape for row, shape in zip(rows, shapes, strict=True)}) if grids is not None else {}
    return {
        "revision": plan.revision,
        "origin": origin,
        "grids": [{**_grid(row, rings), **reported.get(row.id, {})} for row, rings in zip(rows, polygons, strict=True)],
        "around": around_told(plan.id, near, origin),
        "communities": [
            {"id": row.id, "code": row.code, "name": row.name, "name_en": row.name_en, "ended": row.ended}
            for row in plan_ground.communities(session, actor.scope, plan)
            if within is None or row.id in within
        ],
    }


def _reported(session: Session, actor: Actor, drawn: dict[int, Any]) -> dict[int, Answer]:
    """Open incidents and those of the last 365 days on the ground of grids, by grid."""
    if not drawn:
        return {}
    at_present = statistics.moment(session)
    found = plan_ground.incidents(session, actor.scope, _box(list(drawn.values())), at_present.starts(at_present.year[0]))
    at = holders(found.places, drawn)
    counted = [Counter(at[chosen].tolist()) for chosen in (found.open, found.recent)]
    return {id: {"open_incidents": counted[0][id], "year_incidents": counted[1][id]} for id in drawn}


def around_told(plan_id: int, near: list[tuple[int, Any]], origin: tuple[int, int]) -> list[Answer]:
    """Borders of neighbours outside the plan, under numbers that tell nothing of them."""
    polygons = encoded([shape for _, shape in near], origin)
    return [{"id": veiled(plan_id, id), "polygons": rings} for (id, _), rings in zip(near, polygons, strict=True)]


def veiled(plan_id: int, grid_id: int) -> int:
    """A number below zero that stands for a neighbour within one plan; it tells nobody which grid that is."""
    digest = hashlib.blake2b(f"{plan_id}:{grid_id}".encode(), digest_size=6).digest()
    return -1 - int.from_bytes(digest)


def atoms_told(session: Session, actor: Actor, plan: Plan, community: str) -> Answer:
    """The atoms of one community of a plan, by which borders are painted."""
    found = atoms.atoms_of(session, actor.scope, _community(session, actor, plan, community))
    origin = origin_of(found.shapes)
    polygons = encoded(found.shapes, origin)
    columns = zip(found.ids.tolist(), found.block.tolist(), found.building_ids.tolist(), found.households.tolist(), polygons, strict=True)
    return {
        "origin": origin,
        "atoms": [
            {"id": id, "block": block, "building_id": None if building < 0 else building, "households": households, "polygons": rings}
            for id, block, building, households, rings in columns
        ],
    }


def lines_told(session: Session, actor: Actor, plan: Plan, community: str | None, box: Box | None) -> Answer:
    """Roads and banks of water near a community or within a box, for borders to snap to."""
    if box is None:
        within = None if community is None else [_community(session, actor, plan, community)]
        rows = plan_ground.whole(session, actor.scope, plan, within)
        shapes = shapely.from_wkb(np.array([bytes(row.wkb) for row in rows], dtype=object)) if rows else np.empty(0, dtype=object)
        if not len(shapes):
            return {"lines": []}
        box = _box(shapes)
    found = atoms.lines_of(session, actor.scope, box)
    return {"lines": [{"kind": kind, "coordinates": np.round(shapely.get_coordinates(line), 9).tolist()} for kind, line in found]}


def _community(session: Session, actor: Actor, plan: Plan, code: str) -> int:
    """A community of a plan by its code, or by its number with a # for one that the plan makes."""
    for row in plan_ground.communities(session, actor.scope, plan):
        if row.code == code or (row.code is None and code == f"#{row.id}"):
            return int(row.id)
    raise NotFound("There is no such community in this plan.", community=code)


def _neighbours(session: Session, actor: Actor, plan: Plan, shapes: Any, own: set[int]) -> list[tuple[int, Any]]:
    if not len(shapes) or not actor.may("plans.write"):
        return []
    found = plan_ground.around(session, actor.scope, plan.id, _box(shapes, AROUND))
    outside = {id: state.shape for id, state in found.items() if id not in own and state.shape is not None}
    if not outside:
        return []
    ids = np.array(sorted(outside), dtype=np.int64)
    tree = shapely.STRtree(np.asarray(shapes, dtype=object))
    touching, _ = tree.query(np.array([outside[id] for id in ids.tolist()], dtype=object), predicate="intersects")
    return [(id, outside[id]) for id in ids[np.unique(touching)].tolist()]


def _box(shapes: Any, margin: float = 0.0) -> Box:
    west, south, east, north = shapely.total_bounds(shapes).tolist()
    return west - margin, south - margin, east + margin, north + margin


def _grid(row: Any, polygons: Any) -> Answer:
    area, perimeter = row.area_m2 or 0.0, row.perimeter_m or 0.0
    return {
        "id": row.id, "code": row.code, "name": row.name, "name_en": row.name_en, "kind": row.kind, "community_id": row.community_id,
        "version": row.version, "polygons": polygons, "households": row.households, "area_m2": round(area, 1),
        "perimeter_m": round(perimeter, 1), "compactness": compactness(area, perimeter),
        "officer": None if row.officer_id is None else {"id": row.officer_id, "name": row.officer_name},
        "base_version": row.base_version, "changed": row.overlaid and not row.noded_only, "noded_only": row.noded_only,
        "locked": row.locked,
    }  # fmt: skip


def plan_of(session: Session, actor: Actor, id: int) -> Plan:
    """A plan the actor may see."""
    actor.must("plans")
    return plans.seen(session, actor.scope, id)
