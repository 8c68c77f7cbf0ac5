"""Names of grids and the communities they belong to: transfers, merged and split communities. Their ground follows their grids."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import shapely
from sqlalchemy.orm import Session

from api.actor import Actor
from api.plans import schemas
from api.plans.changes import Deed
from data.queries import plan_ground
from data.queries.plan_ground import GridState
from data.queries.plan_ops import AreaState, AreaStep, Step
from data.queries.plans import Plan
from gis.borders.refusals import refused

DRY_AREA = 2**31 - 1
"""The number of a new community in a dry run."""


def renamed(plan: Plan, grid: GridState, operation: schemas.Rename) -> Deed:
    """A grid under another name; its ground and its version stay, so that nobody's border is in the way."""
    name_en = grid.name_en if operation.name_en is None else operation.name_en.strip()
    new = replace(
        grid, name=operation.name.strip() or grid.name, name_en=name_en, overlaid=True, version=_next(plan, grid), noded_only=False
    )
    if (new.name, new.name_en) == (grid.name, grid.name_en):
        raise refused("nothing_moved", grid.shape, grid=grid.id)
    return Deed([Step.between(grid.id, grid, new)])


def moved(
    session: Session, actor: Actor, plan: Plan, operation: Any, named: Mapping[int, GridState], *, dry: bool
) -> Deed:  # fmt: skip
    """Grids go to another community: EditRefused when it would be torn apart or nothing would remain of the one they leave."""
    known = {row.id: row for row in plan_ground.communities(session, actor.scope, plan)}
    areas: list[AreaStep] = []
    match operation:
        case schemas.Transfer():
            _standing(known, [operation.community])
            to, going = operation.community, [named[id] for id in dict.fromkeys(operation.grids)]
        case schemas.MergeCommunities():
            to, going, areas = _merged(session, actor, plan, operation, known)
        case schemas.SplitCommunity():
            _standing(known, [operation.community])
            to = DRY_AREA if dry else plan_ground.new_area_id(session, actor.scope)
            going, areas = [named[id] for id in dict.fromkeys(operation.grids)], [_new_community(operation, known, to)]
            if any(each.community_id != operation.community for each in going):
                raise refused("community_border", going[0].shape, community=operation.community)
        case _:
            raise AssertionError(operation)
    going = [each for each in going if each.community_id != to]
    if not going:
        raise refused("nothing_moved", None, community=to)
    ended = {step.id for step in areas if step.after is not None and step.after.ended}
    _refuse_torn(session, actor, plan, going, to, ended)
    steps = [
        Step.between(each.id, each, replace(each, community_id=to, version=_next(plan, each), overlaid=True, noded_only=False))
        for each in going
    ]
    return Deed(steps, areas)


def _merged(
    session: Session, actor: Actor, plan: Plan, operation: schemas.MergeCommunities, known: Mapping[int, Any]
) -> tuple[int, list[GridState], list[AreaStep]]:
    ids = list(dict.fromkeys(operation.communities))
    _standing(known, [*ids, operation.keep])
    if operation.keep not in ids or len(ids) < 2:
        raise refused("unknown_grid", None, community=operation.keep)
    gone = [id for id in ids if id != operation.keep]
    rows = plan_ground.whole(session, actor.scope, plan, gone)
    going = list(plan_ground.named(session, actor.scope, plan.id, [row.id for row in rows]).values())
    areas = [AreaStep(id, _overlaid(known[id]), replace(_area(known[id]), ended=True)) for id in gone]
    if operation.name is not None:
        kept = known[operation.keep]
        areas.append(AreaStep(kept.id, _overlaid(kept), replace(_area(kept), name=operation.name.strip() or kept.name)))
    return operation.keep, going, areas


def _new_community(operation: schemas.SplitCommunity, known: Mapping[int, Any], id: int) -> AreaStep:
    parent = known[operation.community]
    made = AreaState(id, None, parent.parent_id, operation.name.strip(), operation.name_en.strip(), parent.class_code)
    return AreaStep(id, None, made)


def _refuse_torn(session: Session, actor: Actor, plan: Plan, going: Sequence[GridState], to: int, ended: set[int]) -> None:
    """No community falls into more pieces than it had, and none is left empty without being ended."""
    touched = sorted({to, *(each.community_id for each in going)} - {DRY_AREA})
    rows = plan_ground.whole(session, actor.scope, plan, touched)
    was = {row.id: row.community_id for row in rows}
    shapes = {row.id: shapely.from_wkb(bytes(row.wkb)) for row in rows}
    now = {**was, **{each.id: to for each in going}}
    for community in {*touched, to}:
        after = [shapes[id] for id in now if now[id] == community]
        before = [shapes[id] for id in was if was[id] == community]
        if not after and community not in ended:
            raise refused("would_be_empty", before[0] if before else None, community=community)
        pieces = _pieces(after)
        if len(pieces) > max(len(_pieces(before)), 1):
            raise refused("not_contiguous", min(pieces, key=lambda each: float(each.area)), community=community)


def _pieces(shapes: Sequence[Any]) -> list[Any]:
    return list(shapely.get_parts(shapely.coverage_union_all(np.array(shapes, dtype=object)))) if shapes else []


def _standing(known: Mapping[int, Any], ids: Sequence[int]) -> None:
    missing = [id for id in ids if id not in known or known[id].ended]
    if missing:
        raise refused("unknown_community", None, community=missing[0])


def _area(row: Any) -> AreaState:
    return AreaState(row.id, row.base_version, row.parent_id, row.name, row.name_en, row.class_code, row.ended)


def _overlaid(row: Any) -> AreaState | None:
    return _area(row) if row.overlaid else None


def _next(plan: Plan, grid: GridState) -> int:
    return (grid.base_version or 0) + int(plan.revision) + 1
