"""Balanced grids from atoms: one click on a bad grid, and whole communities put in place of what they were."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon
from sqlalchemy.orm import Session

from api.plans import operations, schemas
from api.plans.changes import NOWHERE, box_of, holders
from data.queries import atoms, plan_ground, plans
from data.queries.plan_ground import Box, GridState, Shape
from data.queries.plans import Plan
from data.scope import Scope
from gis import cutting
from gis.balance.graph import Graph, graph_of
from gis.balance.one_click import balance
from gis.borders import operations as borders
from gis.borders.model import Change
from gis.borders.refusals import refused
from gis.errors import NotFound
from gis.faces import NOBODY, polygonal
from gis.lattice import STEP

Ints = NDArray[np.int64]
Shapes = NDArray[np.object_]
BESIDE = 2.0**-13
"""Degrees, about 13 m: neighbours this near are part of the ground of a community."""


@dataclass(frozen=True, slots=True)
class Divided:
    """A community's atoms within its ground in a draft: shapes (degrees), households, block, building, and the grid each lies in.

    `kept`: the grids that are to stay; atoms are cut along their borders. Where an atom is cut, its households and its
    building go with the piece its building stands on.
    """

    grids: dict[int, GridState]
    kept: frozenset[int]
    shapes: Shapes
    households: Ints
    block: Ints
    building_ids: Ints
    holder: Ints


@dataclass(frozen=True, slots=True)
class _Atoms:
    """Atoms with a point inside each (degrees): its building's, where it has one that is lived in."""

    shapes: Shapes
    households: Ints
    block: Ints
    building_ids: Ints
    inside: Shapes

    def cut(self, pieces: Shapes, numbers: Ints) -> "_Atoms":
        """Pieces of these atoms, by the number of the atom each is of."""
        split = np.bincount(numbers, minlength=len(self.shapes))[numbers] > 1
        here = ~split | shapely.intersects(pieces, self.inside[numbers])
        # On a border between two pieces the first has it.
        _, first = np.unique(np.where(here, numbers, -1 - np.arange(len(numbers))), return_index=True)
        here &= np.isin(np.arange(len(numbers)), first)
        inside = np.where(here, self.inside[numbers], shapely.point_on_surface(pieces))
        return _Atoms(
            pieces, self.households[numbers] * here, self.block[numbers], np.where(here, self.building_ids[numbers], NOBODY), inside
        )


def divided(
    session: Session, scope: Scope, plan: Plan, community_id: int, *,
    spare_dedicated: bool, kept: Collection[int] = (), but: int | None = None, all_borders: bool = False,
) -> Divided:  # fmt: skip
    """The atoms of a community of a draft, cut to its ground where that is another than today.

    Grids in `kept` stay, locked ones do, and with `spare_dedicated` those for one place alone, save `but`. `all_borders`: atoms
    are cut along those of all grids, so that what hangs together by atoms does so on the ground.
    """
    grids = standing(session, scope, plan, [community_id])
    if not grids:
        raise NotFound("There is no such community in this plan.", community=community_id)
    shapes = {id: state.shape for id, state in grids.items() if state.shape is not None}
    stay = {*kept, *plans.locked_among(session, scope, plan.id, list(grids))} & shapes.keys()
    if spare_dedicated:
        stay |= {id for id in shapes if grids[id].kind == "dedicated" and id != but}
    found = _atoms_under(session, scope, plan, community_id, shapes)
    found = found.cut(*cutting.along(found.shapes, [shapes[id] for id in sorted(shapes if all_borders else stay)]))
    holder = holders(found.inside, shapes)
    mine = holder != NOWHERE
    return Divided(
        grids, frozenset(stay), found.shapes[mine], found.households[mine], found.block[mine], found.building_ids[mine], holder[mine]
    )


def standing(session: Session, scope: Scope, plan: Plan, communities: Sequence[int]) -> dict[int, GridState]:
    """The grids of some communities of a draft."""
    rows = plan_ground.whole(session, scope, plan, communities)
    return plan_ground.named(session, scope, plan.id, [row.id for row in rows])


def graph_over(ground: Divided, weights: Any, roads: Sequence[shapely.Geometry]) -> Graph:
    """The atoms as a graph; `roads` are lines in degrees."""
    metres = operations.metres_near(shapely.total_bounds(ground.shapes).tolist())
    return graph_of(ground.shapes, weights, metres, list(roads), ground.block)


def balanced(
    session: Session, scope: Scope, plan: Plan, operation: schemas.Balance, grid: GridState
) -> tuple[dict[int, GridState], Change]:
    """The grids around a grid and the change that brings it into the plan's band with the help of its neighbours.

    Neither locked nor dedicated grids help: those were drawn on purpose. A dedicated one that is named itself is balanced.
    """
    if plans.locked_among(session, scope, plan.id, [grid.id]):
        raise refused("locked", grid.shape, grid=grid.id)
    ground = divided(session, scope, plan, grid.community_id, spare_dedicated=True, but=grid.id, all_borders=True)
    roads = [line for _, line in atoms.lines_of(session, scope, box_of(ground.shapes.tolist()))]
    found = balance(
        graph_over(ground, ground.households, roads), ground.holder, grid.id,
        low=plan.household_min, high=plan.household_max, locked=np.isin(ground.holder, list(ground.kept)),
    )  # fmt: skip
    if not found.in_range:
        nearest = [{"parts": each.parts, "weights": each.weights, "reason": each.reason} for each in found.impossible]
        raise refused("no_balance", grid.shape, grid=grid.id, households=grid.households, nearest=nearest)
    new = _moved(ground, found.labels)
    if not new:
        raise refused("nothing_moved", grid.shape, grid=grid.id)
    states = plan_ground.around(session, scope, plan.id, wide(box_of([each.shape for each in ground.grids.values() if each.shape])))
    return states, borders.replace(operations.ground_of(list(states.values())), new)


@dataclass
class Redivision:
    """Whole communities put in place one after the other, told as one change."""

    states: dict[int, GridState]
    before: dict[int, Shape] = field(default_factory=dict)
    after: dict[int, Shape] = field(default_factory=dict)
    touched: set[int] = field(default_factory=set)
    homes: dict[int, int] = field(default_factory=dict)
    moved_m2: float = 0.0
    warnings: list[Any] = field(default_factory=list)

    def put(self, community: int, shapes: Mapping[int, Shape]) -> None:
        """Let a community be divided as told; grids of it that are not named end. `shapes` by id, new ones too."""
        now = {id: state for id, state in self._current().items() if state.shape is not None}
        mine = {id for id, state in now.items() if state.community_id == community}
        west, south, east, north = wide(box_of([*shapes.values(), *(shape for id in mine if (shape := now[id].shape) is not None)]))
        bounds = shapely.bounds(np.array([state.shape for state in now.values()], dtype=object))
        near = (bounds[:, 0] <= east) & (bounds[:, 2] >= west) & (bounds[:, 1] <= north) & (bounds[:, 3] >= south)
        ground = operations.ground_of([state for state, close in zip(now.values(), near.tolist(), strict=True) if close])
        fresh = dict.fromkeys((id for id in shapes if id not in now), community)
        change = borders.replace(ground, shapes, ended=mine - set(shapes), communities=fresh)
        self._take(change, fresh)

    def change(self) -> Change:
        """All of it as one change."""
        original = {id: self.states[id].shape for id in {*self.before, *self.after} if id in self.states}
        noded = frozenset(id for id in self.after if id not in self.touched)
        before = {id: shape for id, shape in original.items() if shape is not None}
        return Change(before, self.after, noded, self.moved_m2, tuple(self.warnings))

    def _current(self) -> dict[int, GridState]:
        current = {id: state for id, state in self.states.items() if id not in self.before or id in self.after}
        for id, shape in self.after.items():
            like = current.get(id) or replace(next(iter(self.states.values())), id=id, community_id=self.homes.get(id, 0))
            current[id] = replace(like, shape=shape)
        return current

    def _take(self, change: Change, fresh: Mapping[int, int]) -> None:
        for id, shape in change.before.items():
            self.before.setdefault(id, shape)
            if id not in change.after:
                self.after.pop(id, None)
        self.after.update(change.after)
        self.touched |= change.touched
        self.homes.update(fresh)
        self.moved_m2 += change.moved_m2
        self.warnings += change.warnings


def _moved(ground: Divided, labels: Ints) -> dict[int, Shape]:
    """New borders of the grids that take or lose atoms; free-hand borders elsewhere stay as they are."""
    new: dict[int, Shape] = {}
    moved = labels != ground.holder
    touched = np.unique(np.concatenate([labels[moved], ground.holder[moved]])).tolist()
    theirs = shapely.union_all([ground.grids[id].shape for id in touched], grid_size=STEP)
    for id in touched:
        shape = ground.grids[id].shape
        gained = shapely.intersection(ground.shapes[moved & (labels == id)], theirs, grid_size=STEP)
        lost = ground.shapes[(labels != id) & (ground.holder == id)]
        united = shapely.union_all([shape, *gained], grid_size=STEP)
        left = shapely.difference(united, shapely.union_all(lost, grid_size=STEP), grid_size=STEP) if len(lost) else united
        new[id] = polygonal(left)
    return new


def _atoms_under(session: Session, scope: Scope, plan: Plan, community_id: int, shapes: Mapping[int, Shape]) -> _Atoms:
    """The atoms under the ground of a community of a draft."""
    known = [row.id for row in plan_ground.communities(session, scope, plan) if row.base_version is not None]
    area = polygonal(shapely.union_all(np.array(list(shapes.values()), dtype=object)))
    lived_in = plan_ground.homes(session, scope, plan, box_of([area]))
    if community_id in known:
        found = _with_places(atoms.atoms_of(session, scope, community_id), lived_in)
        if shapely.area(shapely.symmetric_difference(area, shapely.union_all(found.shapes))) < shapely.area(area) * 1e-6:
            return found
    touching = plan_ground.communities_under(session, scope, plan, box_of([area]))
    parts = [_with_places(atoms.atoms_of(session, scope, each), lived_in) for each in touching]
    inside = [part.cut(*cutting.within(part.shapes, area)) for part in parts]
    blocks = np.concatenate([part.block * len(touching) + number for number, part in enumerate(inside)])
    columns = [np.concatenate([getattr(part, name) for part in inside]) for name in ("shapes", "households", "building_ids", "inside")]
    return _Atoms(columns[0], columns[1], blocks, columns[2], columns[3])


def _with_places(found: atoms.GroundAtoms, lived_in: plan_ground.Homes) -> _Atoms:
    inside = shapely.point_on_surface(found.shapes)
    order = np.argsort(lived_in.ids)
    at = np.searchsorted(lived_in.ids[order], found.building_ids)
    at[at == len(order)] = 0
    has = np.isin(found.building_ids, lived_in.ids)
    inside[has] = lived_in.inside[order][at[has]]
    return _Atoms(found.shapes, found.households, found.block, found.building_ids, inside)


def wide(box: Box) -> Box:
    """A box with what lies beside it."""
    west, south, east, north = box
    return west - BESIDE, south - BESIDE, east + BESIDE, north + BESIDE


def polygon_of(polygons: Sequence[Sequence[Sequence[int]]], origin: Sequence[int]) -> Shape:
    """A border from its lattice steps, as `wire.encoded` wrote it."""
    parts = []
    for polygon in polygons:
        rings = []
        for ring in polygon:
            steps = np.array(ring, dtype=np.int64).reshape(-1, 2)
            steps[0] += np.array(origin, dtype=np.int64)
            rings.append(np.cumsum(steps, axis=0) * STEP)
        parts.append(Polygon(rings[0], rings[1:]))
    return parts[0] if len(parts) == 1 else MultiPolygon(parts)
