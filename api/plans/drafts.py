"""The use case of editing: one operation on a draft, checked against what others did, written with its log in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.orm import Session

from api.actor import Actor
from api.plans import balancing, changes, communities, operations, painting, proposals, schemas, undoing
from api.plans.changes import Deed, Naming
from api.plans.ground import around_told
from api.plans.operations import Materials
from api.plans.wire import encoded, origin_of
from data.queries import audit, plan_ground, plan_ops, plans
from data.queries.plan_ground import GridState
from data.queries.plans import Plan
from gis.borders.model import Change
from gis.borders.refusals import refused
from gis.errors import BadValue, IdempotencyMismatch, StaleVersion, TransitionRefused

Answer = dict[str, Any]
Size = tuple[float, float]
"""Area (m²) and perimeter (m)."""
DRY_IDS = 2**52
"""Numbers of new grids in a dry run begin here, so that looking costs no real ones."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One operation as a client sends it."""

    client_id: UUID
    base: Mapping[int, int]
    operation: Any
    dry_run: bool = False


def apply(session: Session, actor: Actor, plan_id: int, asked: Asked) -> Answer:
    """Do one operation, or only look (`dry_run`); under a `client_id` that came before, the answer it had.

    Raises StaleVersion with what changed, EditRefused with reason and place, TransitionRefused when the plan is no draft.
    """
    plan = _plan(session, actor, plan_id, asked.dry_run)
    told = asked.operation.model_dump(mode="json", exclude_none=True)
    before = None if asked.dry_run else plan_ops.known(session, actor.scope, plan_id, asked.client_id)
    if before is not None:
        if before.operation != orjson.loads(orjson.dumps(told)):
            raise IdempotencyMismatch("This client_id came with another operation before. Use a new one.", seq=before.seq)
        return answer_again(session, actor, plan, before)
    if plan.state != "draft":
        raise TransitionRefused("Only a draft may be changed.", state=plan.state)
    named = named_states(session, actor, plan, asked)
    deed = deed_of(session, actor, plan, asked, named)
    described = described_for(session, actor, plan, deed)
    if not isinstance(asked.operation, schemas.Rename):
        refuse_locked(deed, described)
    if asked.dry_run:
        sizes, seq = sizes_of(session, actor, deed), plan.revision + 1
        return {"revision": seq, **answer(session, actor, plan, seq, deed, described, sizes, households_of(plan, deed))}
    entry = plan_ops.Entry(asked.client_id, actor.person_id, told["kind"], told, {}, deed.steps, deed.area_steps)
    return write(session, actor, plan, entry, deed, described)


def named_states(session: Session, actor: Actor, plan: Plan, asked: Asked) -> dict[int, GridState]:
    """The grids an operation names, at the versions its caller saw; StaleVersion otherwise, EditRefused for unknown or locked ones."""
    wanted = operations.named_by(asked.operation)
    missing = [id for id in wanted if id not in asked.base]
    if missing:
        raise BadValue("`base` says which version was seen of each grid that the operation names.", at="base", missing=missing[:20])
    ids = sorted({*wanted, *asked.base})
    found = plan_ground.named(session, actor.scope, plan.id, ids)
    unknown = [id for id in ids if id not in found or not plans.holds(plan, found[id].community_id)]
    if unknown:
        raise refused("unknown_grid", None, grid=unknown[0])
    stale = [id for id in ids if found[id].version != asked.base[id] or found[id].shape is None]
    if stale:
        raise stale_version(session, actor, plan, found, stale, asked.base)
    return found


def deed_of(session: Session, actor: Actor, plan: Plan, asked: Asked, named: Mapping[int, GridState]) -> Deed:
    """What the operation does; nothing is written yet."""
    operation = asked.operation
    match operation:
        case schemas.Restore():
            deed = undoing.restored(session, actor, plan, operation.snapshot)
        case schemas.Rename():
            deed = communities.renamed(plan, named[operation.grid], operation)
        case schemas.Transfer() | schemas.MergeCommunities() | schemas.SplitCommunity():
            deed = communities.moved(session, actor, plan, operation, named, dry=asked.dry_run)
        case schemas.Balance():
            states, change = balancing.balanced(session, actor.scope, plan, operation, named[operation.grid])
            deed = changes.deed_of(session, actor, plan, states, change, Naming())
        case schemas.ApplyProposal():
            dry_ids = DRY_IDS if asked.dry_run else None
            states, change, naming = proposals.taken(session, actor, plan, operation.proposal, operation.alternative, dry_ids=dry_ids)
            deed = changes.deed_of(session, actor, plan, states, change, naming)
        case _:
            deed = _drawn(session, actor, plan, asked, named)
    return deed


def _drawn(session: Session, actor: Actor, plan: Plan, asked: Asked, named: Mapping[int, GridState]) -> Deed:
    operation = asked.operation
    involved = [named[id] for id in operations.named_by(operation)]
    materials = Materials(
        area=painting.area_of(session, actor, plan, operation) if isinstance(operation, schemas.Give) else None,
        new_ids=_new_ids(session, actor, 2, asked.dry_run) if isinstance(operation, schemas.Split) else (),
    )
    box = operations.reach_of(operation, involved, materials)
    if isinstance(operation, schemas.Straighten | schemas.Trace):
        materials = Materials(lines=painting.lines_within(session, actor, box))
    states = plan_ground.around(session, actor.scope, plan.id, box)
    ground = operations.ground_of(list(states.values()))
    change = operations.perform(operation, ground, materials)
    if change.outer:
        # The proof may have had to look further than the box: then what lay beyond it was taken for nobody's ground.
        wider = plan_ground.around(session, actor.scope, plan.id, changes.box_of([*change.before.values(), *change.after.values()]))
        if not set(wider) <= set(states):
            states = {**states, **wider}
            change = operations.perform(operation, operations.ground_of(list(states.values())), materials)
    refuse_outside(session, actor, plan, states, change)
    return changes.deed_of(session, actor, plan, states, change, _naming(operation, named, materials.new_ids))


def _naming(operation: Any, named: Mapping[int, GridState], new_ids: Sequence[int]) -> Naming:
    if not isinstance(operation, schemas.Split):
        return Naming()
    parent = named[operation.grid]
    names = {
        id: (f"{parent.name}-{number}", f"{parent.name_en}-{number}" if parent.name_en else "")
        for number, id in enumerate(new_ids, start=1)
    }
    return Naming(names, dict.fromkeys(new_ids, parent.community_id))


def refuse_outside(session: Session, actor: Actor, plan: Plan, states: Mapping[int, GridState], change: Change) -> None:
    """EditRefused if ground outside the plan would change hands; that a neighbour there gains a vertex is no such thing."""
    for id in sorted(change.touched):
        if id in states and not plans.holds(plan, states[id].community_id):
            raise refused("outside_plan", states[id].shape)


def refuse_locked(deed: Deed, described: Mapping[int, Any]) -> None:
    """EditRefused if a locked grid's ground would change."""
    locked = [step for step in deed.steps if step.id not in deed.noded and step.id in described and described[step.id].locked]
    if locked:
        raise refused("locked", locked[0].was_shape, grid=locked[0].id, grids=[step.id for step in locked])


def write(session: Session, actor: Actor, plan: Plan, entry: plan_ops.Entry, deed: Deed, described: Mapping[int, Any]) -> Answer:
    """Write a deed with its row of the log; the answer is what pages get."""
    if not deed.steps and not deed.area_steps:
        raise refused("nothing_moved", None)
    seq = plan.revision + 1
    facts = {
        "moved_m2": round(deed.moved_m2, 2), "moved_households": deed.moved_households, "warnings": deed.warnings,
        "households": households_of(plan, deed), "noded": sorted(deed.noded),
    }  # fmt: skip
    sizes = plan_ops.append(session, actor.scope, plan.id, seq, replace(entry, facts=facts))
    audit.record(session, actor, "update", "plan", plan.id, facts={"seq": seq, "kind": entry.kind})
    return {"revision": seq, **answer(session, actor, plan, seq, deed, described, sizes, facts["households"])}


def answer(
    session: Session, actor: Actor, plan: Plan, seq: int, deed: Deed, described: Mapping[int, Any], sizes: Mapping[int, Size],
    households: Any,
) -> Answer:  # fmt: skip
    """What an operation tells: changed grids, ended ones, those that gained vertices, figures before and after."""
    inside = {step.id: step for step in deed.steps if of_plan(plan, step)}
    # A grid that ended in the draft has no shape to look by when it comes back: it lies where the others were.
    back = [id for id, step in inside.items() if step.after is None and step.before is not None and step.before.base_version is not None]
    were = [step.was_shape for step in deed.steps if step.was_shape is not None]
    today = plan_ground.today(session, actor.scope, plan, back, changes.box_of(were)) if back and were else {}
    standing = {id: step.after or today.get(id) for id, step in inside.items()}
    shown = {id: state for id, state in standing.items() if state is not None and state.shape is not None}
    foreign = [step.after for step in deed.steps if step.id not in inside and step.after is not None]
    outside = [(state.id, state.shape) for state in foreign if state.shape is not None]
    shapes = [state.shape for state in shown.values() if state.shape is not None]
    origin = origin_of([*shapes, *(shape for _, shape in outside)])
    polygons = dict(zip(shown, encoded(shapes, origin), strict=True))
    changed = [changes.told(state, described.get(id), sizes.get(id), polygons[id]) for id, state in shown.items()]
    return {
        "seq": seq,
        "origin": origin,
        "changed": changed,
        "ended": [id for id in inside if id not in shown],
        "noded": sorted(id for id in deed.noded if id in inside),
        "around": around_told(plan.id, outside, origin),
        "figures": _figures(session, actor, inside, deed, changed, households),
        "communities": [{"id": each.id, **_area(each.after)} for each in deed.area_steps],
        "warnings": deed.warnings,
        "certificate": True,
    }


def answer_again(session: Session, actor: Actor, plan: Plan, before: Any) -> Answer:
    """The answer an operation had when it came first."""
    effect = plan_ops.effect(session, actor.scope, plan.id, before.seq)
    facts = before.facts
    deed = Deed(
        effect.steps, effect.areas, facts["warnings"], facts["moved_m2"], facts["moved_households"], frozenset(facts["noded"])
    )  # fmt: skip
    described, sizes = described_for(session, actor, plan, deed), sizes_of(session, actor, deed)
    told = answer(session, actor, plan, before.seq, deed, described, sizes, facts["households"])
    return {"revision": plan.revision, **told}


def described_for(session: Session, actor: Actor, plan: Plan, deed: Deed) -> dict[int, Any]:
    """Code, officer and lock of the grids of the plan that a deed is about."""
    return plan_ground.described(session, actor.scope, plan.id, [step.id for step in deed.steps if of_plan(plan, step)])


def sizes_of(session: Session, actor: Actor, deed: Deed) -> dict[int, Size]:
    """Area and perimeter of the grids as a deed leaves them, for one that is not written now."""
    shapes = {step.id: step.after.shape for step in deed.steps if step.after is not None and step.after.shape is not None}
    return dict(zip(shapes, plan_ground.measures(session, actor.scope, list(shapes.values())), strict=True))


def households_of(plan: Plan, deed: Deed) -> dict[str, dict[str, int]]:
    """Households of the grids of the plan whose ground changes, before and after."""
    touched = [step for step in deed.steps if step.id not in deed.noded and of_plan(plan, step)]
    before = {str(step.id): step.was.households for step in touched if step.was is not None and step.was.shape is not None}
    after = {str(step.id): step.after.households for step in touched if step.after is not None and step.after.shape is not None}
    return {"before": before, "after": after}


def stale_version(
    session: Session, actor: Actor, plan: Plan, found: Mapping[int, GridState], stale: list[int], base: Mapping[int, int]
) -> StaleVersion:
    """The refusal for an operation on ground that somebody else changed: who, when, and how it is now."""
    last = plan_ops.last_touching(session, actor.scope, plan.id, stale)
    fresh = {id: found[id] for id in stale if id in found}
    if last is not None:
        effect = plan_ops.effect(session, actor.scope, plan.id, last.seq)
        ids = [step.id for step in effect.steps if step.id not in fresh]
        fresh |= plan_ground.named(session, actor.scope, plan.id, ids)
    shown = {
        id: state for id, state in fresh.items()
        if state.shape is not None and plans.holds(plan, state.community_id)
    }  # fmt: skip
    shapes = [state.shape for state in shown.values() if state.shape is not None]
    origin = origin_of(shapes)
    described = plan_ground.described(session, actor.scope, plan.id, list(shown))
    changed = [
        changes.told(state, described.get(id), None, rings)
        for (id, state), rings in zip(shown.items(), encoded(shapes, origin), strict=True)
    ]
    return StaleVersion(
        "Somebody changed this ground in between.",
        grids=[{"id": id, "yours": base.get(id), "now": found[id].version if found[id].shape is not None else None} for id in stale],
        changed=changed, origin=origin, by=None if last is None else {"id": last.person_id, "name": last.person_name},
        at=None if last is None else last.at, seq=None if last is None else last.seq,
    )  # fmt: skip


def _figures(
    session: Session, actor: Actor, inside: Mapping[int, plan_ops.Step], deed: Deed, changed: list[Answer], households: Any
) -> Answer:
    told = [step for step in inside.values() if step.id not in deed.noded and str(step.id) in households["before"]]
    unknown = {step.id: step.was_shape for step in told if step.was is None and step.was_shape is not None}
    sizes = dict(zip(unknown, plan_ground.measures(session, actor.scope, list(unknown.values())), strict=True))
    before = []
    for step in told:
        area, perimeter = sizes.get(step.id) or ((step.was.area_m2 or 0.0, step.was.perimeter_m or 0.0) if step.was else (0.0, 0.0))
        before.append({
            "id": step.id, "households": households["before"][str(step.id)], "area_m2": round(area, 1),
            "compactness": changes.compactness(area, perimeter),
        })  # fmt: skip
    mine = [each for each in changed if str(each["id"]) in households["after"] or each["id"] in {step.id for step in told}]
    return {"before": before, "after": [{name: each[name] for name in ("id", "households", "area_m2", "compactness")} for each in mine]}


def of_plan(plan: Plan, step: plan_ops.Step) -> bool:
    """Whether a step is about a grid of the plan, not about a neighbour that gains vertices."""
    state = step.after or step.before
    # A base grid that only gained vertices and lost them again has no row of its own on either side of an undo.
    return state is None or plans.holds(plan, state.community_id)


def _area(state: plan_ops.AreaState | None) -> Answer:
    return {} if state is None else {"name": state.name, "name_en": state.name_en, "ended": state.ended}


def _plan(session: Session, actor: Actor, plan_id: int, dry_run: bool) -> Plan:
    actor.must("plans.write")
    return plans.seen(session, actor.scope, plan_id) if dry_run else plans.held(session, actor.scope, plan_id)


def _new_ids(session: Session, actor: Actor, count: int, dry: bool) -> list[int]:
    return [DRY_IDS + number for number in range(count)] if dry else plan_ground.new_ids(session, actor.scope, count)


def undo(session: Session, actor: Actor, plan_id: int, client_id: UUID) -> Answer:
    """Take back the caller's last operation that stands."""
    return _step(session, actor, plan_id, client_id, "undo")


def redo(session: Session, actor: Actor, plan_id: int, client_id: UUID) -> Answer:
    """Do again what the caller took back last."""
    return _step(session, actor, plan_id, client_id, "redo")


def _step(session: Session, actor: Actor, plan_id: int, client_id: UUID, kind: str) -> Answer:
    actor.must("plans.write")
    plan = plans.held(session, actor.scope, plan_id)
    before = plan_ops.known(session, actor.scope, plan_id, client_id)
    if before is not None:
        if before.kind != kind:
            raise IdempotencyMismatch("This client_id came with another operation before. Use a new one.", seq=before.seq)
        return answer_again(session, actor, plan, before)
    if plan.state != "draft":
        raise TransitionRefused("Only a draft may be changed.", state=plan.state)
    seq, deed = (undoing.taken_back if kind == "undo" else undoing.brought_back)(session, actor, plan)
    described = described_for(session, actor, plan, deed)
    refuse_locked(deed, described)
    undoes, redoes = (seq, None) if kind == "undo" else (None, seq)
    entry = plan_ops.Entry(client_id, actor.person_id, kind, {"kind": kind, "seq": seq}, {}, deed.steps, deed.area_steps, undoes, redoes)
    return write(session, actor, plan, entry, deed, described)
