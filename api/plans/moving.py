"""What moves with the borders when a plan is published: homes, facilities, open incidents and who answers for each grid."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike
from sqlalchemy.orm import Session

from api.plans.new_ground import Grid, NewGround, metres_of
from data.hot.ground import ground_index
from data.queries import plan_publish, statistics
from data.queries.plan_publish import shape
from data.scope import Scope
from gis.assignment import NOBODY, GridLocator
from gis.succession import Heir, Homes, Piece, heirs, succession

Answer = dict[str, Any]
Columns = dict[str, list[Any]]
LAST_SERIAL = 99_999


@dataclass(frozen=True)
class Moment:
    """When the new ground begins, the day on which duties change, and what the deployment calls now."""

    at: datetime
    day: date
    now: datetime
    why: str
    by: int | None


@dataclass(frozen=True)
class Moves:
    """Where everything of the old grids goes: buildings with their new grid, and every piece of ground and households."""

    buildings: list[tuple[Any, int]]
    pieces: list[Piece]
    locator: GridLocator | None
    community_heirs: dict[int, int]
    """For a community that ends, the one that takes most of its households."""


def plan_moves(session: Session, scope: Scope, plan: Any, ground: NewGround) -> Moves:
    """Find out what goes where, before anything is written; the grids of `ground` get their new numbers of households."""
    before, after = ground.before, ground.after
    rows = _buildings(session, scope, plan, ground)
    order = sorted(after, key=lambda id: ground.grids[id].code or "")
    locator = GridLocator([after[id] for id in order], order) if order else None
    points = shapely.point_on_surface(np.array([shape(row.border) for row in rows], dtype=object))
    to = _located(locator, shapely.get_x(points), shapely.get_y(points))
    came = [row.grid_id for row in rows] if plan.is_primary else _located(_old(before), shapely.get_x(points), shapely.get_y(points))
    homes = [
        Homes(origin, goal, row.households) for row, origin, goal in zip(rows, came, to, strict=True) if origin in before and goal != NOBODY
    ]
    lived = {id: grid.households for id, grid in ground.grids.items() if id in before}
    lived |= {id: row.households for id, row in ground.ended.items()}
    pieces = succession(before, after, lived, homes, metres_of(ground)) if before else []
    for id in after:
        ground.grids[id].households = sum(piece.households for piece in pieces if piece.to_id == id)
    moving = [(row, goal) for row, goal in zip(rows, to, strict=True) if goal != NOBODY] if plan.is_primary else []
    return Moves(moving, pieces, locator, _community_heirs(ground, pieces))


def move_homes(session: Session, scope: Scope, ground: NewGround, moves: Moves) -> dict[str, int]:
    """Buildings go to their new grids, and to another community with all who live there; numbers moved, by noun."""
    changed = [(row, ground.grids[goal]) for row, goal in moves.buildings if (row.grid_id, row.community_id) != _goal(ground.grids[goal])]
    columns = _recoded(session, scope, "building", changed)
    plan_publish.write(session, scope, "move_buildings", columns)
    crossing = [(row, grid) for row, grid in changed if row.community_id != grid.community_id]
    homes: Columns = {"cells": [row.cell for row, _ in crossing], "ids": [row.id for row, _ in crossing]}
    communities = [grid.community_id for _, grid in crossing]
    households = plan_publish.write(session, scope, "move_households", homes | {"communities": communities})
    residents = plan_publish.write(session, scope, "move_residents", homes)
    plan_publish.write(session, scope, "move_care", homes)
    return {
        "buildings": len(changed),
        "households": sum(row.households for row, grid in changed if row.grid_id != grid.id),
        "households_to_another_community": households,
        "residents_to_another_community": residents,
    }


def move_facilities(session: Session, scope: Scope, ground: NewGround, moves: Moves) -> int:
    """Facilities go to the grids they stand in; returns how many."""
    rows = plan_publish.facilities(session, scope, list(ground.before), ground.ended_areas)
    goals = _located(moves.locator, [row.lon for row in rows], [row.lat for row in rows])
    changed = [(row, ground.grids[goal]) for row, goal in zip(rows, goals, strict=True) if goal != NOBODY]
    changed = [(row, grid) for row, grid in changed if (row.grid_id, row.community_id) != _goal(grid)]
    plan_publish.write(session, scope, "move_facilities", _recoded(session, scope, "facility", changed))
    return len(changed)


def move_incidents(session: Session, scope: Scope, ground: NewGround, moves: Moves, when: Moment) -> int:
    """Open incidents are placed anew, each that changes its grid with a record of why; returns how many changed."""
    communities = {grid.community_was or grid.community_id for grid in ground.grids.values()}
    communities |= {row.community_id for row in ground.ended.values()}
    rows = plan_publish.open_incidents(session, scope, communities, list(ground.before), ground.ended_areas)
    if not rows or moves.locator is None:
        return 0
    goals = _placed(rows, ground, moves)
    versions = plan_publish.versions(session, scope, {goal for goal, *_ in goals if goal != NOBODY})
    placed = [
        _goal_of(row, goal, versions[goal].version, versions[goal].community_id, distance, ambiguous, method)
        for row, (goal, distance, ambiguous, method) in zip(rows, goals, strict=True)
        if goal in versions
    ]
    return _write_incidents(session, scope, rows, placed, when)


def move_duties(session: Session, scope: Scope, ground: NewGround, moves: Moves, when: Moment) -> dict[str, int]:
    """Who answers for each grid from the day on; the numbers of duties ended and begun."""
    after = ground.after
    rows = plan_publish.assignments(session, scope, {*ground.before, *after}, when.day)
    inherit = heirs(ground.before, after, moves.pieces)
    closing = [row for row in rows if row.grid_id in ground.ended]
    dropping, opening = [], []
    for grid, heir in inherit.items():
        closed, opened = _inherited(grid, heir, rows, ground, when.day)
        closing += closed
        opening += opened
    ended_later = [row for row in closing if row.since > when.day or (row.since == when.day and row.grid_id not in ground.ended)]
    dropping = [row.id for row in ended_later]
    plan_publish.write(session, scope, "drop_assignments", {"ids": dropping})
    ends = [row.id for row in closing if row.id not in set(dropping)]
    plan_publish.write(session, scope, "close_assignments", {"ids": ends}, day=when.day, why=when.why)
    columns = {
        name: [row[at] for row in opening] for at, name in enumerate(("officers", "grids", "communities", "duties", "since", "until"))
    }
    plan_publish.write(session, scope, "open_assignments", columns, why=when.why)
    touched = [id for id, grid in ground.grids.items() if grid.community_was not in (None, grid.community_id)]
    every = sorted({*touched, *inherit, *ground.ended})
    heirs_of = moves.community_heirs
    plan_publish.write(session, scope, "follow_grids", {"grids": touched}, day=when.day)
    plan_publish.write(session, scope, "move_officers", {"grids": every}, day=when.day, ended=list(heirs_of), heirs=list(heirs_of.values()))
    return {"ended": len(closing), "begun": len(opening)}


def settle(session: Session, scope: Scope) -> int:
    """Place open incidents anew that were added by borders of a moment ago; returns how many changed their grid."""
    rows = plan_publish.astray(session, scope)
    if not rows:
        return 0
    now = statistics.moment(session).now
    at = ground_index(session).place_many([_degree(row.lon) for row in rows], [_degree(row.lat) for row in rows])
    placed = []
    for index, row in enumerate(rows):
        grid, version, community = int(at.grid_ids[index]), int(at.grid_versions[index]), int(at.community_ids[index])
        chosen = row.placed_by == "hand" or grid == NOBODY
        if chosen and not row.ended:
            grid, version, community = row.grid_id, row.now_version, row.now_community
        elif chosen and row.heir is not None:
            grid, version, community = row.heir, row.heir_version, row.heir_community
        if grid != NOBODY:
            method = row.placed_by if chosen else "border" if at.on_border[index] else "covers"
            distance, ambiguous = float(at.border_distance_m[index]), bool(at.ambiguous[index])
            placed.append(_goal_of(row, grid, version, community, distance, ambiguous, method))
    when = Moment(now, now.date(), now, "borders changed while it came in", None)
    return _write_incidents(session, scope, rows, placed, when)


def community_lineage(ground: NewGround, pieces: Sequence[Piece]) -> list[tuple[int, int, str, float, float | None]]:
    """From, to, kind and the shares of ground and households, of every community that gives ground to another."""
    origin = {id: grid.community_was for id, grid in ground.grids.items()} | {id: row.community_id for id, row in ground.ended.items()}
    flows: dict[tuple[int, int], tuple[float, int]] = {}
    for piece in pieces:
        start, end = origin[piece.from_id] or 0, ground.grids[piece.to_id].community_id
        if start != end:
            area, lived = flows.get((start, end), (0.0, 0))
            flows[start, end] = (area + piece.area_m2, lived + piece.households)
    metres = metres_of(ground)
    found = []
    for (start, end), (area, lived) in flows.items():
        source = ground.areas[start]
        whole = float(shapely.area(metres.to_metres(source.was))) if source.was is not None else area
        people = ground.community_households.get(start, 0)
        kind = "split" if ground.areas[end].is_new else "merge" if source.ended else "transfer"
        found.append((start, end, kind, min(area / whole, 1.0), min(lived / people, 1.0) if people else None))
    return found


def scope_heirs(ground: NewGround) -> list[tuple[int, int]]:
    """Communities whose people must see another as well: a new one they were divided into; where one ends, both each other."""
    moves = {
        (grid.community_was, grid.community_id) for grid in ground.grids.values() if grid.community_was not in (None, grid.community_id)
    }
    ended = {row.community_id for row in ground.ended.values()} & set(ground.ended_areas)
    pairs = {(start, end) for start, end in moves if start is not None and (ground.areas[start].ended or ground.areas[end].is_new)}
    pairs |= {(start, end) for start in ended for end in {grid.community_id for grid in ground.grids.values() if grid.is_new}}
    return sorted(pairs | {(end, start) for start, end in pairs if ground.areas[start].ended})


def _degree(value: float | None) -> float:
    return float("nan") if value is None else value


def _buildings(session: Session, scope: Scope, plan: Any, ground: NewGround) -> Sequence[Any]:
    if plan.is_primary:
        return plan_publish.buildings(session, scope, list(ground.before), ground.ended_areas)
    return plan_publish.buildings_within(session, scope, list(ground.after.values()))


def _old(before: Mapping[int, Any]) -> GridLocator | None:
    return GridLocator(list(before.values()), list(before)) if before else None


def _located(locator: GridLocator | None, lon: ArrayLike, lat: ArrayLike) -> list[int]:
    x, y = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
    if locator is None or not len(x):
        return [NOBODY] * len(x)
    found: list[int] = locator.ids_at(x, y).tolist()
    return found


def _goal(grid: Grid) -> tuple[int, int]:
    return grid.id, grid.community_id


def _community_heirs(ground: NewGround, pieces: Sequence[Piece]) -> dict[int, int]:
    homes = {id: grid.community_id for id, grid in ground.grids.items()}
    origin = {id: grid.community_was for id, grid in ground.grids.items()} | {id: row.community_id for id, row in ground.ended.items()}
    weights: dict[tuple[int, int], tuple[float, float]] = {}
    for piece in pieces:
        pair = (origin[piece.from_id] or 0, homes[piece.to_id])
        lived, area = weights.get(pair, (0.0, 0.0))
        weights[pair] = (lived + piece.households, area + piece.area_m2)
    found = {}
    for community in ground.ended_areas:
        goals = {to: weight for (start, to), weight in weights.items() if start == community and to != community}
        if goals:
            found[community] = max(goals, key=lambda to: (goals[to], -to))
    return found


def _recoded(session: Session, scope: Scope, noun: str, changed: Sequence[tuple[Any, Grid]]) -> Columns:
    """Rows with their goals; one that comes to a community where its code is taken gets the next free number there."""
    crossing = {grid.community_id for row, grid in changed if row.community_id != grid.community_id}
    used = plan_publish.codes_in(session, scope, noun, crossing) if crossing else {}
    codes = [row.code if row.community_id == grid.community_id else _free_code(row.code, used[grid.community_id]) for row, grid in changed]
    return {
        "cells": [row.cell for row, _ in changed],
        "ids": [row.id for row, _ in changed],
        "grids": [grid.id for _, grid in changed],
        "communities": [grid.community_id for _, grid in changed],
        "codes": codes,
    }


def _free_code(code: str, used: set[str]) -> str:
    """The code itself if nobody has it, else the next number of five digits, else the code with a number behind it."""
    fresh = code
    if code in used:
        highest = max((int(each) for each in used if each.isdecimal() and len(each) == len(code)), default=0)
        wide = code.isdecimal() and len(str(highest + 1)) <= len(code)
        fresh = f"{highest + 1:0{len(code)}d}" if wide else next(f"{code}-{n}" for n in range(2, LAST_SERIAL) if f"{code}-{n}" not in used)
    used.add(fresh)
    return fresh


def _placed(rows: Sequence[Any], ground: NewGround, moves: Moves) -> list[tuple[int, float | None, bool, str]]:
    """Grid, metres to its border, whether ambiguous, and the method, of each incident."""
    assert moves.locator is not None, "there is ground to place incidents on"
    nowhere = float("nan")
    lon = np.array([nowhere if row.lon is None else row.lon for row in rows])
    lat = np.array([nowhere if row.lat is None else row.lat for row in rows])
    at = moves.locator.assign(lon, lat)
    building = {row.id: goal for row, goal in moves.buildings}
    main = {id: _main_heir(id, moves.pieces) for id in ground.ended}
    before = GridLocator(list(ground.before.values()), list(ground.before)) if ground.before else None
    stood = _located(before, lon, lat)
    found: list[tuple[int, float | None, bool, str]] = []
    for index, row in enumerate(rows):
        grid, distance, ambiguous = int(at.ids[index]), float(at.distance_m[index]), bool(at.ambiguous[index])
        if row.placed_by == "building" and row.building_id in building:
            found.append((building[row.building_id], row.border_distance_m, row.ambiguous, "building"))
        elif grid == NOBODY or (row.placed_by == "hand" and stood[index] != row.grid_id):
            # Somebody chose the grid against the place, or without one: it stays there, or goes where most of that grid went.
            found.append((main.get(row.grid_id, row.grid_id or NOBODY), row.border_distance_m, row.ambiguous, row.placed_by))
        else:
            method = "hand" if row.placed_by == "hand" else "border" if at.on_border[index] else "covers"
            found.append((grid, distance, ambiguous, method))
    return found


def _main_heir(grid: int, pieces: Iterable[Piece]) -> int:
    own = [piece for piece in pieces if piece.from_id == grid]
    return max(own, key=lambda piece: (piece.households, piece.area_m2, -piece.to_id)).to_id if own else NOBODY


def _goal_of(row: Any, grid: int, version: int, community: int, distance: float | None, ambiguous: bool, method: str) -> Answer:
    """An incident as it was and as it will be."""
    return {
        "cell": row.cell, "id": row.id, "reported_at": row.reported_at, "state": row.state,
        "was_grid": row.grid_id, "was_version": row.grid_version, "was_placed_by": row.placed_by,
        "grid_id": grid, "grid_version": version, "community_id": community, "placed_by": method,
        "border_distance_m": distance, "ambiguous": ambiguous, "moved": (row.grid_id, row.community_id) != (grid, community),
    }  # fmt: skip


def _write_incidents(session: Session, scope: Scope, rows: Sequence[Any], placed: Sequence[Answer], when: Moment) -> int:
    """Store what differs; who may read an incident's history follows its community. Returns how many changed their grid."""
    was = {row.id: row for row in rows}
    stale = [
        each for each in placed
        if each["moved"] or (was[each["id"]].grid_version, was[each["id"]].ambiguous) != (each["grid_version"], each["ambiguous"])
    ]  # fmt: skip
    plan_publish.move_incidents(session, scope, stale, now=when.now, why=when.why, by=when.by)
    crossing = [each for each in stale if was[each["id"]].community_id != each["community_id"]]
    pairs: Columns = {"ids": [each["id"] for each in crossing], "communities": [each["community_id"] for each in crossing]}
    for history in ("move_logs", "move_placements", "move_intake"):
        plan_publish.write(session, scope, history, pairs)
    return sum(each["moved"] for each in stale)


def _inherited(
    grid: int, heir: Heir, rows: Sequence[Any], ground: NewGround, day: date
) -> tuple[list[Any], list[tuple[int, int, int, str, date, date | None]]]:
    """The grid's own duties that end, and the duties that begin: the main source's, and those of the others as assistants."""
    community = ground.grids[grid].community_id
    own = [row for row in rows if row.grid_id == grid]
    if heir.main == grid:
        closing, main = [], []
        kept = {row.officer_id for row in own}
    else:
        main = [row for row in rows if row.grid_id == heir.main]
        leading = {row.officer_id for row in main if row.duty == "main"}
        closing = [row for row in own if row.duty == "main" or row.officer_id in leading]
        kept = {row.officer_id for row in own} - {row.officer_id for row in closing}
    opening = [(row.officer_id, grid, community, row.duty, max(row.since, day), row.until) for row in main if row.officer_id not in kept]
    kept |= {row.officer_id for row in main}
    for row in rows:
        if row.grid_id in heir.others and row.officer_id not in kept:
            kept.add(row.officer_id)
            opening.append((row.officer_id, grid, community, "assist", max(row.since, day), row.until))
    return closing, opening
