"""From a change of borders to new states of grids: who lives there now, what is reported there, which versions they have."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from api.actor import Actor
from api.plans.operations import metres_near
from data.queries import plan_ground
from data.queries.plan_ground import Box, GridState, Shape
from data.queries.plan_ops import AreaStep, Step
from data.queries.plans import Plan
from gis.borders.model import Change

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Deed:
    """What an operation does, before it is written: steps of grids and of communities, and what a person should know."""

    steps: list[Step]
    area_steps: list[AreaStep] = field(default_factory=list)
    warnings: list[dict[str, object]] = field(default_factory=list)
    moved_m2: float = 0.0
    moved_households: int = 0
    noded: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Naming:
    """What new grids of an operation are called, and whose they are."""

    names: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    communities: Mapping[int, int] = field(default_factory=dict)


def deed_of(session: Session, actor: Actor, plan: Plan, states: Mapping[int, GridState], change: Change, naming: Naming) -> Deed:
    """The steps by which the states around an operation become those after it."""
    touched = sorted(change.touched)
    before = {each: change.before[each] for each in touched if each in change.before}
    after = {each: change.after[each] for each in touched if each in change.after}
    counted = _counted(session, actor, plan, states, before, after)
    seq = plan.revision + 1
    steps = []
    for id in sorted({*change.before, *change.after}):
        prior = states.get(id)
        if id in change.noded_only and prior is not None:
            new: GridState | None = replace(prior, shape=change.after[id], overlaid=True, noded_only=not prior.overlaid or prior.noded_only)
        elif id not in change.after:
            assert prior is not None, "only what is there can end"
            new = None if prior.base_version is None else plan_ground.ended(prior, prior.base_version + seq)
        else:
            new = _changed(id, prior, change, seq, naming, counted)
        steps.append(Step.between(id, prior, new))
    warnings: list[dict[str, object]] = [{"code": each.code, "facts": each.facts} for each in change.warnings]
    return Deed(steps, [], warnings, change.moved_m2, counted.moved, change.noded_only)


@dataclass(frozen=True, slots=True)
class _Counted:
    households: dict[int, int]
    moved: int


def _changed(id: int, prior: GridState | None, change: Change, seq: int, naming: Naming, counted: _Counted) -> GridState:
    """A grid whose ground is another now, or a new one."""
    if prior is None:
        name, name_en = naming.names.get(id, ("", ""))
        prior = GridState(
            id=id, community_id=naming.communities[id], version=seq, base_version=None, noded_only=False, overlaid=True, name=name,
            name_en=name_en, kind="basic", households=0, shape=None,
        )  # fmt: skip
    return replace(
        prior,
        shape=change.after[id],
        community_id=change.communities.get(id, prior.community_id),
        version=(prior.base_version or 0) + seq,
        noded_only=False,
        overlaid=True,
        households=counted.households[id],
        area_m2=None,
        perimeter_m=None,
    )


def _counted(
    session: Session, actor: Actor, plan: Plan, states: Mapping[int, GridState], before: Mapping[int, Shape], after: Mapping[int, Shape]
) -> _Counted:
    if not after:
        return _Counted({}, 0)
    box = box_of([*before.values(), *after.values()])
    homes = plan_ground.homes(session, actor.scope, plan, box)
    standing = {id: state.shape for id, state in states.items() if state.shape is not None}
    was = holders(homes.inside, standing)
    now = holders(homes.inside, {**{id: shape for id, shape in standing.items() if id not in before}, **after})
    households = dict.fromkeys(after, 0) | _sums(now, homes.households, after)
    had = _sums(was, homes.households, before)
    spare = {id: states[id].households - had.get(id, 0) for id in before if states[id].households != had.get(id, 0)}
    for id, extra in _spread(spare, before, after).items():
        households[id] = max(households[id] + extra, 0)
    moved = int(homes.households[(was != now) & (np.isin(was, list(before)) | np.isin(now, list(after)))].sum())
    return _Counted(households, moved)


NOWHERE = -1


def holders(places: NDArray[np.object_], shapes: Mapping[int, Shape]) -> Ints:
    """The grid that holds each place (degrees), on a border the one with the lowest number; -1 for none."""
    found = np.full(len(places), NOWHERE, dtype=np.int64)
    ids = np.array(sorted(shapes), dtype=np.int64)
    if not len(ids) or not len(places):
        return found
    place, shape = shapely.STRtree([shapes[id] for id in ids.tolist()]).query(places, predicate="intersects")
    order = np.lexsort((ids[shape], place))
    first, at = np.unique(place[order], return_index=True)
    found[first] = ids[shape[order][at]]
    return found


def box_of(shapes: Collection[shapely.Geometry]) -> Box:
    """The box around some shapes, degrees."""
    west, south, east, north = shapely.total_bounds(np.array(list(shapes), dtype=object)).tolist()
    return west, south, east, north


def _sums(holder: Ints, weights: Ints, among: Collection[int]) -> dict[int, int]:
    ids, place = np.unique(holder, return_inverse=True)
    totals = np.bincount(place, weights=weights, minlength=len(ids)).tolist()
    return {id: round(total) for id, total in zip(ids.tolist(), totals, strict=True) if id in among}


def _spread(spare: Mapping[int, int], before: Mapping[int, Shape], after: Mapping[int, Shape]) -> dict[int, int]:
    """Households that no building accounts for go along with the ground, by area, none lost by rounding."""
    given: dict[int, int] = {}
    for id, count in spare.items():
        metres = metres_near(shapely.bounds(before[id]).tolist())
        takers = sorted(after)
        pieces = shapely.intersection(before[id], np.array([after[each] for each in takers], dtype=object))
        share = shapely.area(metres.to_metres(pieces))
        if share.sum() <= 0:
            continue
        exact = np.cumsum(share) / share.sum() * count
        whole = np.diff(np.rint(exact), prepend=0.0)
        for taker, part in zip(takers, whole.tolist(), strict=True):
            given[taker] = given.get(taker, 0) + int(part)
    return given


def told(state: GridState, described: Any | None, measure: tuple[float, float] | None, polygons: Any) -> dict[str, object]:
    """A grid as pages get it."""
    area, perimeter = measure if measure is not None else (state.area_m2 or 0.0, state.perimeter_m or 0.0)
    own = state.overlaid and not state.noded_only
    return {
        "id": state.id,
        "code": None if described is None else described.code,
        "name": state.name,
        "name_en": state.name_en,
        "kind": state.kind,
        "community_id": state.community_id,
        "version": state.version,
        "polygons": polygons,
        "households": state.households,
        "area_m2": round(area, 1),
        "perimeter_m": round(perimeter, 1),
        "compactness": compactness(area, perimeter),
        "officer": _officer(described),
        "base_version": state.base_version,
        "changed": own,
        "noded_only": state.noded_only,
        "locked": described is not None and described.locked,
    }


def compactness(area_m2: float, perimeter_m: float) -> float:
    """Polsby and Popper's figure: 4 π area over outline squared, 1 for a circle."""
    return round(4 * np.pi * area_m2 / perimeter_m**2, 4) if perimeter_m > 0 else 0.0


def _officer(described: Any | None) -> dict[str, object] | None:
    if described is None or described.officer_id is None:
        return None
    return {"id": described.officer_id, "name": described.officer_name}
