"""Use case: what a draft would do, in numbers, before anybody decides; beside today or beside another draft."""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon
from sqlalchemy.orm import Session

from api.actor import Actor
from api.plans.wire import encoded, origin_of
from api.spreadsheet import csv_text
from data.queries import audit, plan_impact, plans, statistics
from data.queries.plan_publish import shape
from gis.assignment import NOBODY, GridLocator
from gis.crs import LocalMetres, local_metres
from gis.errors import BadValue, NotFound
from gis.succession import Homes, Piece, heirs, same_grids, succession
from web.words import language_of, word

Answer = dict[str, Any]
Ground = Polygon | MultiPolygon
Ints = NDArray[np.int64]
TODAY = "today"
MOST_BUILDINGS = 5_000
COLUMNS = (
    "address", "building", "building_name", "unit", "household", "from_grid", "from_name", "to_grid", "to_name",
    "from_officer", "to_officer",
)  # fmt: skip
People = Mapping[int, tuple[int, int]]
"""Residents and households in care, by the number of a part."""


@dataclass
class State:
    """The grids on the ground in question as they are under one draft, or today."""

    borders: dict[int, Ground]
    codes: dict[int, str | None]
    names: dict[int, str]
    officers: dict[int, Any] = field(default_factory=dict)
    households: dict[int, int] = field(default_factory=dict)
    communities: dict[int, int] = field(default_factory=dict)
    """Of the grids as they were before."""

    @property
    def locator(self) -> GridLocator:
        """Finds the grid of a place; on a shared border the lowest code."""
        order = sorted(self.borders, key=lambda id: (self.codes[id] is None, self.codes[id] or "", id))
        return GridLocator([self.borders[id] for id in order], order)


@dataclass
class Comparison:
    """Two states of one ground, and where every building and incident lies in both."""

    plan: Any
    before: State
    after: State
    buildings: plan_impact.Buildings
    lies: tuple[Ints, Ints]
    pieces: list[Piece]


def of(session: Session, actor: Actor, plan_id: int, against: str = TODAY) -> Answer:
    """Figures of each grid before and after, who changes officer, and what moves; `against` is "today" or a plan's number."""
    found = compared(session, actor, plan_id, against)
    return nothing(plan_id) if found is None else figures(session, actor, found, against)


def figures(session: Session, actor: Actor, found: Comparison, against: str = TODAY) -> Answer:
    """The figures of a comparison."""
    plan_id, before, after = found.plan.id, found.before, found.after
    pairs, part = np.unique(np.stack(found.lies, axis=1), axis=0, return_inverse=True)
    people = plan_impact.people(session, actor.scope, plan_id, found.buildings.rows, part.ravel().tolist())
    cases = _incidents(session, actor, found)
    of_grids = _figures(session, actor, found, pairs, part.ravel(), people, cases)
    moves = _moves(found, pairs, part.ravel(), people, cases)
    changing = _changing(found)
    return {
        "plan": plan_id,
        "against": against,
        "grids": [
            {"id": id, "code": before.codes.get(id) or after.codes.get(id), "name": (after.names | before.names)[id],
             "before": of_grids[0].get(id), "after": of_grids[1].get(id)}
            for id in sorted({*before.borders, *after.borders}, key=lambda id: (before.codes.get(id) or after.codes.get(id) or "~", id))
        ],
        "totals": {"before": _total(of_grids[0], found.plan), "after": _total(of_grids[1], found.plan)},
        "moves": moves,
        "officers_changed": changing[:MOST_BUILDINGS],
        "officers_changed_total": {"buildings": len(changing), "households": sum(each["households"] for each in changing)},
        "moved": {
            name: sum(each[name] for each in moves)
            for name in ("households", "residents", "buildings", "care_households", "open_incidents")
        },
        "changed_area_m2": sum(piece.area_m2 for piece in found.pieces if piece.from_id != piece.to_id),
    }  # fmt: skip


def ground_before(session: Session, actor: Actor, plan_id: int) -> Answer:
    """Today's grids of a plan under everything it has drawn, or as a published plan found them; borders as in its ground."""
    actor.must("plans")
    plan, seen = _plan(session, actor, plan_id), plans.seen(session, actor.scope, plan_id)
    # A neighbour outside the plan that gained vertices has a row as well, which is nobody's business here.
    rows = {
        row.grid_id: row for row in plan_impact.overlay(session, actor.scope, plan_id)
        if row.base_version is not None and plans.holds(seen, row.community_id)
    }  # fmt: skip
    today = _today(session, actor, plan, rows, sorted(rows)) if rows else State({}, {}, {})
    shapes = list(today.borders.values())
    origin = origin_of(shapes)
    return {
        "origin": origin,
        "grids": [
            {"id": id, "code": today.codes[id], "name": today.names[id], "households": today.households[id], "polygons": polygons}
            for id, polygons in zip(today.borders, encoded(shapes, origin), strict=True)
        ],
    }


def moved_csv(session: Session, actor: Actor, plan_id: int, against: str = TODAY) -> str:
    """Every household whose grid changes, with both grids and officers, for a spreadsheet; told to the audit trail."""
    actor.must("households")
    found = compared(session, actor, plan_id, against)
    language = language_of(actor.language)
    homes: list[tuple[object, ...]] = []
    if found is not None:
        goes = {row.id: (start, end) for row, start, end in crossing(found)}
        rows = [row for row in found.buildings.rows if row.id in goes]
        for row in plan_impact.moving(session, actor.scope, rows):
            start, end = goes[row.building_id]
            grids = (*_named(found.before, start), *_named(found.after, end))
            people = (_officer_name(found.before, start), _officer_name(found.after, end))
            homes.append((row.address, row.building_code, row.building_name, row.unit, row.id, *grids, *people))
    audit.record(session, actor, "export", "plan", plan_id, facts={"households": len(homes), "against": against})
    return csv_text([word(language, f"moved.{each}") for each in COLUMNS], homes)


def compared(session: Session, actor: Actor, plan_id: int, against: str) -> Comparison | None:
    """Both states of the ground that the draft (or either draft) changes; None when nothing changes."""
    actor.must("plans")
    plan, rows = _plan(session, actor, plan_id), _changes(session, actor, plan_id)
    others = {} if against == TODAY else _changes(session, actor, _other(session, actor, plan, against))
    touched = sorted({*rows, *others})
    if not touched:
        return None
    today = _today(session, actor, plan, rows, touched)
    others = _as_named(others, rows, today)
    before, after = (_state(others, today) if others or against != TODAY else today), _state(rows, today)
    found = plan_impact.buildings(session, actor.scope, list(today.borders.values()) or list(after.borders.values()))
    at = [state.locator.ids_at(found.lon, found.lat) for state in (today, before, after)]
    inside = (at[1] != NOBODY) | (at[2] != NOBODY)
    at = [each[inside] for each in at]
    kept = [row for row, wanted in zip(found.rows, inside, strict=True) if wanted]
    buildings = plan_impact.Buildings(kept, found.lon[inside], found.lat[inside])
    day = _day_of(session, plan)
    today.officers = plan_impact.officers(session, actor.scope, today.borders, day)
    for state, lies in ((before, at[1]), (after, at[2])):
        _inherit(today, state, kept, at[0], lies)
    if plan.state == "published":
        # Duties change with the day: who answered until then, and who answers since.
        today.officers |= plan_impact.officers(session, actor.scope, today.borders, day - timedelta(days=1))
        after.officers = plan_impact.officers(session, actor.scope, after.borders, day)
    pieces = _pieces(before, after, kept, at[1], at[2])
    return Comparison(plan, before, after, buildings, (at[1], at[2]), pieces)


def _day_of(session: Session, plan: Any) -> date:
    """The day whose officers count: today, of a published plan the one on which its duties began."""
    at = statistics.moment(session)
    return min(plan.effective_at.astimezone(at.zone).date(), at.today) if plan.state == "published" else at.today


def _plan(session: Session, actor: Actor, plan_id: int) -> Any:
    plan = plan_impact.plan(session, actor.scope, plan_id)
    if plan is None:
        raise NotFound("There is no such plan.", plan=plan_id)
    return plan


def _other(session: Session, actor: Actor, plan: Any, against: str) -> int:
    if not against.isdecimal() or len(against) > 15:
        raise BadValue("Compare with today or with the number of a plan.", field="against")
    other = _plan(session, actor, int(against))
    if other.scheme_id != plan.scheme_id:
        raise BadValue("Plans of two schemes cannot be compared.", field="against")
    return int(other.id)


def _changes(session: Session, actor: Actor, plan_id: int) -> dict[int, Any]:
    rows = plan_impact.overlay(session, actor.scope, plan_id)
    return {row.grid_id: row for row in rows if not row.noded_only and not (row.mine is None and row.base_version is None)}


def _as_named(others: Mapping[int, Any], rows: Mapping[int, Any], today: State) -> dict[int, Any]:
    """The changes of the other plan, what it made under the numbers that the same grids have in this one: a copy has its own."""
    made, theirs = (
        {id: _border(row.mine) for id, row in each.items() if row.mine is not None and id not in today.borders} for each in (rows, others)
    )
    if not made or not theirs:
        return dict(others)
    same = same_grids(made, theirs, _metres(theirs))
    return {same.get(id, id): row for id, row in others.items()}


def _today(session: Session, actor: Actor, plan: Any, rows: Mapping[int, Any], touched: Sequence[int]) -> State:
    """Today's grids; for a plan that is published, the grids as it found them."""
    if plan.state == "published":
        found = {id: row for id, row in rows.items() if row.base is not None}
        borders = {id: _border(row.base) for id, row in found.items()}
        return State(
            borders, {id: row.now_code for id, row in found.items()}, {id: row.base_name for id, row in found.items()},
            households={id: row.now_households if row.mine is None else _households_before(row) for id, row in found.items()},
            communities={id: row.base_community for id, row in found.items()},
        )  # fmt: skip
    living = plan_impact.today(session, actor.scope, touched)
    return State(
        {row.id: _border(row.border) for row in living}, {row.id: row.code for row in living}, {row.id: row.name for row in living},
        households={row.id: row.households for row in living},
        communities={row.id: row.community_id for row in living},
    )  # fmt: skip


def _households_before(row: Any) -> int:
    return int(row.base_households if row.base_households is not None else row.now_households)


def _state(rows: Mapping[int, Any], today: State) -> State:
    borders = {id: border for id, border in today.borders.items() if id not in rows or rows[id].mine is not None}
    borders |= {id: _border(row.mine) for id, row in rows.items() if row.mine is not None}
    names = {id: rows[id].name if id in rows else today.names[id] for id in borders}
    return State(borders, {id: today.codes.get(id) for id in borders}, names)


def _border(stored: Any) -> Ground:
    border = shape(stored)
    assert border is not None, "a grid that lives has a border"
    return border


def _pieces(before: State, after: State, rows: Sequence[Any], start: Ints, end: Ints) -> list[Piece]:
    homes = [Homes(a, b, row.households) for row, a, b in zip(rows, start.tolist(), end.tolist(), strict=True) if NOBODY not in (a, b)]
    return succession(before.borders, after.borders, before.households, homes, _metres(before.borders))


def _metres(borders: Mapping[int, Ground]) -> LocalMetres:
    west, south, east, north = shapely.total_bounds(np.array(list(borders.values()), dtype=object))
    return local_metres((west + east) / 2, (south + north) / 2)


def _inherit(today: State, state: State, rows: Sequence[Any], start: Ints, end: Ints) -> None:
    """Households and officers of a state, from today's: the same rules by which a plan is published."""
    if state is today:
        return
    pieces = _pieces(today, state, rows, start, end)
    state.households = {id: sum(piece.households for piece in pieces if piece.to_id == id) for id in state.borders}
    inherited = {id: heir.main for id, heir in heirs(today.borders, state.borders, pieces).items()}
    answering = {id: today.officers.get(inherited.get(id, id)) for id in state.borders}
    state.officers = {id: officer for id, officer in answering.items() if officer is not None}


def _incidents(session: Session, actor: Actor, found: Comparison) -> tuple[NDArray[np.bool_], NDArray[np.bool_], Ints, Ints]:
    """Whether each incident is open and recent, and where it lies before and after."""
    if not actor.may("incidents"):
        none = np.empty(0, dtype=np.bool_)
        return none, none, np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    at = statistics.moment(session)
    cases = plan_impact.incidents(session, actor.scope, list(found.before.borders.values()), at.starts(at.year[0]))
    start, end = (state.locator.ids_at(cases.lon, cases.lat) for state in (found.before, found.after))
    return cases.open, cases.recent, start, end


def _figures(
    session: Session, actor: Actor, found: Comparison, pairs: Ints, part: Ints, people: People, cases: tuple[Any, ...]
) -> tuple[dict[int, Answer], dict[int, Answer]]:  # fmt: skip
    is_open, recent, *places = cases
    told: list[dict[int, Answer]] = []
    for side, state in enumerate((found.before, found.after)):
        sizes = dict(zip(state.borders, plan_impact.measures(session, actor.scope, list(state.borders.values())), strict=True))
        counts: dict[int, Counter[str]] = defaultdict(Counter)
        for number, pair in enumerate(pairs.tolist()):
            residents, care = people.get(number, (0, 0))
            counts[pair[side]].update(residents=residents, care_households=care, buildings=int((part == number).sum()))
        waiting, yearly = Counter(places[side][is_open].tolist()), Counter(places[side][recent].tolist())
        told.append({id: _figure(found.plan, state, id, sizes[id], counts[id], (waiting[id], yearly[id])) for id in state.borders})
    return told[0], told[1]


def _figure(plan: Any, state: State, id: int, size: tuple[float, float], counts: Counter[str], cases: tuple[int, int]) -> Answer:
    area, perimeter = size
    officer = state.officers.get(id)
    lived = state.households.get(id, 0)
    return {
        "households": lived,
        "residents": counts["residents"],
        "care_households": counts["care_households"],
        "buildings": counts["buildings"],
        "area_m2": area,
        "perimeter_m": perimeter,
        "compactness": min(4 * math.pi * area / perimeter**2, 1.0) if perimeter else 0.0,
        "officer": None if officer is None else {"id": officer.id, "name": officer.name},
        "open_incidents": cases[0],
        "year_incidents": cases[1],
        "deviation": min(lived - plan.household_min, 0) + max(lived - plan.household_max, 0),
    }


def _total(figures: Mapping[int, Answer], plan: Any) -> Answer:
    summed = ("households", "residents", "care_households", "buildings", "area_m2", "open_incidents", "year_incidents")
    total: Answer = {name: sum(each[name] for each in figures.values()) for name in summed}
    lived = [each["households"] for each in figures.values()]
    compact = [each["compactness"] for each in figures.values()]
    return total | {
        "grids": len(figures),
        "in_range": sum(each["deviation"] == 0 for each in figures.values()),
        "households_min": min(lived, default=0),
        "households_max": max(lived, default=0),
        "compactness": sum(compact) / len(compact) if compact else None,
        "officers": len({each["officer"]["id"] for each in figures.values() if each["officer"]}),
    }


def _moves(found: Comparison, pairs: Ints, part: Ints, people: People, cases: tuple[Any, ...]) -> list[Answer]:
    """What goes from one grid to another, by pairs of grids, the most households first."""
    is_open, _, start, end = cases
    opened = Counter(zip(start[is_open].tolist(), end[is_open].tolist(), strict=True))
    households = np.array([row.households for row in found.buildings.rows], dtype=np.int64)
    areas = {(piece.from_id, piece.to_id): piece.area_m2 for piece in found.pieces}
    numbers = {tuple(pair): number for number, pair in enumerate(pairs.tolist())}
    wanted = {pair for pair in {*numbers, *areas, *opened} if pair[0] != pair[1] and NOBODY not in pair}
    rows = []
    for pair in wanted:
        number = numbers.get(pair, -1)
        residents, care = people.get(number, (0, 0))
        rows.append(
            {
                "from_grid": pair[0], "to_grid": pair[1], "area_m2": areas.get(pair, 0.0),
                "households": int(households[part == number].sum()), "residents": residents, "care_households": care,
                "buildings": int((part == number).sum()), "open_incidents": opened[pair],
                "from_officer": _officer(found.before, pair[0]), "to_officer": _officer(found.after, pair[1]),
            }
        )  # fmt: skip
    return sorted(rows, key=lambda each: (-each["households"], -each["area_m2"], each["from_grid"], each["to_grid"]))


def crossing(found: Comparison) -> list[tuple[Any, int, int]]:
    """Buildings whose grid changes."""
    lies = zip(found.buildings.rows, found.lies[0].tolist(), found.lies[1].tolist(), strict=True)
    return [(row, start, end) for row, start, end in lies if start != end and NOBODY not in (start, end)]


def _changing(found: Comparison) -> list[Answer]:
    """Buildings that get another officer, by both grids."""
    lies = zip(found.buildings.rows, found.lies[0].tolist(), found.lies[1].tolist(), strict=True)
    rows = [
        {"building_id": row.id, "address": row.address, "households": row.households, "from_grid": start, "to_grid": end,
         "from_officer": _officer(found.before, start), "to_officer": _officer(found.after, end)}
        for row, start, end in lies
        if NOBODY not in (start, end) and _officer(found.before, start) != _officer(found.after, end)
    ]  # fmt: skip
    return sorted(rows, key=lambda each: (each["from_grid"], each["to_grid"], each["address"], each["building_id"]))


def _officer(state: State, id: int) -> Answer | None:
    officer = state.officers.get(id)
    return None if officer is None else {"id": officer.id, "name": officer.name}


def _officer_name(state: State, id: int) -> str:
    officer = state.officers.get(id)
    return "" if officer is None else str(officer.name)


def _named(state: State, id: int) -> tuple[str, str]:
    return state.codes.get(id) or "", state.names[id]


def nothing(plan_id: int) -> Answer:
    moved = dict.fromkeys(("households", "residents", "buildings", "care_households", "open_incidents"), 0)
    return {
        "plan": plan_id, "against": TODAY, "grids": [], "totals": {"before": {}, "after": {}}, "moves": [], "officers_changed": [],
        "officers_changed_total": {"buildings": 0, "households": 0}, "moved": moved, "changed_area_m2": 0.0,
    }  # fmt: skip
