"""Use cases of going back: undo, redo, and a whole snapshot, by putting stored borders back, never by computing them again."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import shapely
from shapely.geometry import MultiPolygon
from sqlalchemy.orm import Session

from api.actor import Actor
from api.plans.changes import Deed, box_of
from data.queries import plan_ground, plan_ops, plans
from data.queries.plan_ground import GridState, Shape
from data.queries.plan_ops import AreaState, AreaStep, Effect, Step
from data.queries.plans import Plan
from gis.borders.refusals import refused
from gis.certificate import loose_edges
from gis.errors import Conflict, NotFound

Targets = Mapping[int, GridState | None]
"""How grids shall be in the overlay; None: as today, or, for a grid that the draft made, not at all."""


def taken_back(session: Session, actor: Actor, plan: Plan) -> tuple[int, Deed]:
    """The caller's last operation that stands, and what takes it back; Conflict when somebody built on its ground."""
    last = plan_ops.undoable(session, actor.scope, plan.id, actor.person_id)
    if last is None:
        raise Conflict("There is nothing of yours to take back.", reason="nothing_to_undo")
    effect = plan_ops.effect(session, actor.scope, plan.id, last.seq)
    facts = plan_ops.facts_of(session, actor.scope, plan.id, last.seq)
    noded = frozenset(facts.get("noded", []))
    _refuse_built_over(session, actor, plan, last.seq, effect, {step.id: step.after for step in effect.steps})
    deed = _deed(session, actor, plan, {step.id: step.before for step in effect.steps}, noded, effect)
    return last.seq, replace_areas(session, actor, plan, deed, {step.id: step.before for step in effect.areas})


def brought_back(session: Session, actor: Actor, plan: Plan) -> tuple[int, Deed]:
    """What the caller took back last, and what does it again; Conflict when the ground is another by now."""
    last = plan_ops.redoable(session, actor.scope, plan.id, actor.person_id)
    if last is None:
        raise Conflict("There is nothing of yours to do again.", reason="nothing_to_redo")
    effect = plan_ops.effect(session, actor.scope, plan.id, last.seq)
    facts = plan_ops.facts_of(session, actor.scope, plan.id, last.seq)
    noded = frozenset(facts.get("noded", []))
    _refuse_built_over(session, actor, plan, last.seq, effect, {step.id: step.before for step in effect.steps})
    deed = _deed(session, actor, plan, {step.id: step.after for step in effect.steps}, noded, effect)
    return last.seq, replace_areas(session, actor, plan, deed, {step.id: step.after for step in effect.areas})


def restored(session: Session, actor: Actor, plan: Plan, name: str) -> Deed:
    """All ground as it was when a snapshot was taken; whatever came after it can be had again by undo."""
    found = next((each for each in plans.snapshots(session, actor.scope, plan.id) if each.name == name), None)
    if found is None:
        raise NotFound("There is no such snapshot.", snapshot=name)
    grids, areas = plan_ops.states_at(session, actor.scope, plan.id, found.seq)
    now = plan_ground.overlay_of(session, actor.scope, plan.id, list(grids))
    differing = {id: then for id, then in grids.items() if not _same(now.get(id), then)}
    noded = frozenset(id for id, then in differing.items() if _today_but_for_vertices(now.get(id)) and _today_but_for_vertices(then))
    deed = _deed(session, actor, plan, differing, noded, Effect())
    return replace_areas(session, actor, plan, deed, areas)


def _today_but_for_vertices(state: GridState | None) -> bool:
    return state is None or state.noded_only


def replace_areas(session: Session, actor: Actor, plan: Plan, deed: Deed, targets: Mapping[int, AreaState | None]) -> Deed:
    """The same deed with communities as they shall be."""
    if not targets:
        return deed
    now = {each.id: each for each in plan_ops.areas_of(session, actor.scope, plan.id)}
    steps = [AreaStep(id, now.get(id), then) for id, then in targets.items() if now.get(id) != then]
    return replace(deed, area_steps=steps)


def _deed(session: Session, actor: Actor, plan: Plan, targets: Targets, noded: frozenset[int], effect: Effect) -> Deed:
    seq = plan.revision + 1
    now = plan_ground.overlay_of(session, actor.scope, plan.id, list(targets))
    kept = {step.id: step.was_shape for step in effect.steps}
    today = _today(session, actor, plan, targets, now, kept)
    steps = []
    for id, then in targets.items():
        was = now.get(id) or today.get(id)
        if then is None and id not in now:
            continue
        steps.append(Step.between(id, was, None if then is None else _anew(then, seq, same_ground=id in noded)))
    _certify(session, actor, plan, steps, today)
    return Deed(steps, noded=noded & {step.id for step in steps})


def _anew(then: GridState, seq: int, *, same_ground: bool) -> GridState:
    """A state of before as it is written now: under a version that was never there, unless nobody would notice."""
    return replace(then, version=then.version if same_ground else (then.base_version or 0) + seq, overlaid=True)


def _today(
    session: Session, actor: Actor, plan: Plan, targets: Targets, now: Mapping[int, GridState], kept: Mapping[int, Shape | None]
) -> dict[int, GridState]:
    """Today's grids under those that go back to it, or come from it."""
    wanted = [id for id, then in targets.items() if then is None or id not in now]
    shapes = [shape for shape in (now[id].shape if id in now else kept.get(id) for id in wanted) if shape is not None]
    shapes += [shape for shape in (kept.get(id) for id in wanted) if shape is not None]
    shapes += [then.shape for then in targets.values() if then is not None and then.shape is not None]
    if not wanted or not shapes:
        return {}
    return plan_ground.today(session, actor.scope, plan, wanted, box_of(shapes))


def _certify(session: Session, actor: Actor, plan: Plan, steps: Sequence[Step], today: Mapping[int, GridState]) -> None:
    """EditRefused unless what comes has exactly the outer edges of what goes, but for vertices where nobody else's ground is."""
    before = [step.was.shape for step in steps if step.was is not None and step.was.shape is not None]
    after = []
    for step in steps:
        state = step.after or (today.get(step.id) if step.before is not None and step.before.base_version is not None else None)
        if state is not None and state.shape is not None:
            after.append(state.shape)
    loose = loose_edges(after, before) if before or after else []
    if not loose:
        return
    own = {step.id for step in steps}
    near = plan_ground.around(session, actor.scope, plan.id, box_of(loose))
    others = [state.shape for id, state in near.items() if id not in own and state.shape is not None]
    rims = shapely.boundary(np.array(others, dtype=object))
    for edge in loose:
        if (shapely.length(shapely.intersection(rims, edge)) > 0).any():
            raise refused("not_certified", edge, loose=len(loose))


def _refuse_built_over(session: Session, actor: Actor, plan: Plan, seq: int, effect: Effect, expected: Targets) -> None:
    """Conflict unless each grid of a row of the log is as that row left it (for redo: found it)."""
    now = plan_ground.overlay_of(session, actor.scope, plan.id, list(expected))
    other = [id for id, then in expected.items() if not _same(now.get(id), then)]
    other += _moved_on(session, actor, plan, [step for step in effect.steps if expected[step.id] is None and step.id not in now])
    if other:
        last = plan_ops.last_touching(session, actor.scope, plan.id, other)
        by = None if last is None else {"id": last.person_id, "name": last.person_name}
        raise Conflict(
            "Somebody has built on this ground since.", reason="built_over", seq=None if last is None else last.seq, by=by,
            kind=None if last is None else last.kind, undoing=seq,
        )  # fmt: skip


def _moved_on(session: Session, actor: Actor, plan: Plan, steps: Sequence[Step]) -> list[int]:
    """Grids of which the draft has no row of its own, and which are another today than the log knew them."""
    based = {
        step.id: step for step in steps if step.was_shape is not None and (step.before is None or step.before.base_version is not None)
    }
    if not based:
        return []
    shapes = [step.was_shape for step in based.values() if step.was_shape is not None]
    today = plan_ground.today(session, actor.scope, plan, list(based), box_of(shapes))
    return [id for id, step in based.items() if id not in today or not _as_known(step, today[id])]


def _as_known(step: Step, today: GridState) -> bool:
    """A row of the log keeps today's border where it began with it, and its version where it went back to it."""
    return _bytes(today.shape) == _bytes(step.was_shape) if step.before is None else today.version == step.before.base_version


def _same(one: GridState | None, other: GridState | None) -> bool:
    """Whether two rows of the overlay have the same ground, community and name."""
    if one is None or other is None:
        return one is other
    return (one.community_id, one.name, one.name_en, _bytes(one.shape)) == (
        other.community_id,
        other.name,
        other.name_en,
        _bytes(other.shape),
    )


def _bytes(shape: Shape | None) -> bytes | None:
    if shape is None:
        return None
    return bytes(shapely.to_wkb(shape if isinstance(shape, MultiPolygon) else MultiPolygon([shape])))
