"""Use cases around a draft: its log, locks, snapshots and comments."""

from typing import Any

from shapely.geometry import Point
from sqlalchemy.orm import Session

from api.actor import Actor
from api.plans import service
from api.plans.ground import plan_of
from data.queries import audit, plan_ground, plan_ops, plans
from data.queries.plans import Plan
from gis.borders.refusals import refused
from gis.errors import BadValue, Conflict, NotFound, NotPermitted, TransitionRefused

Answer = dict[str, Any]
LOG_AT_MOST = 500


def log(session: Session, actor: Actor, id: int, *, after: int) -> Answer:
    """The log of a plan after a row, at most 500 rows at once."""
    plan = plan_of(session, actor, id)
    rows = plan_ops.log(session, actor.scope, plan.id, after=after, limit=LOG_AT_MOST)
    return {"revision": plan.revision, "items": [_entry(row) for row in rows]}


def lock(session: Session, actor: Actor, id: int, grid: int) -> Answer:
    """Keep a grid's ground as it is until the lock is taken away."""
    plan = service.drafted(session, actor, id)
    _refuse_unknown(session, actor, plan, grid)
    plans.lock(session, actor.scope, plan.id, grid, actor.person_id)
    audit.record(session, actor, "update", "plan", id, facts={"locked": grid})
    return {"grid": grid, "locked": True}


def unlock(session: Session, actor: Actor, id: int, grid: int) -> Answer:
    """Let a grid's ground change again."""
    plan = service.drafted(session, actor, id)
    _refuse_unknown(session, actor, plan, grid)
    plans.unlock(session, actor.scope, plan.id, grid)
    audit.record(session, actor, "update", "plan", id, facts={"unlocked": grid})
    return {"grid": grid, "locked": False}


def snapshots(session: Session, actor: Actor, id: int) -> list[Answer]:
    """Named moments of a plan, the newest first."""
    plan = plan_of(session, actor, id)
    return [
        {"name": row.name, "seq": row.seq, "at": row.at, "person": {"id": row.person_id, "name": row.person_name}}
        for row in plans.snapshots(session, actor.scope, plan.id)
    ]


def take_snapshot(session: Session, actor: Actor, id: int, name: str) -> list[Answer]:
    """Name how the plan is now; the name must be new."""
    actor.must("plans.write")
    plan = plans.held(session, actor.scope, id)
    if not plans.take_snapshot(session, actor.scope, id, name=name.strip() or name, seq=plan.revision, person=actor.person_id):
        raise Conflict("A snapshot of this name is there already.", name=name)
    audit.record(session, actor, "update", "plan", id, facts={"snapshot": plan.revision})
    return snapshots(session, actor, id)


def comments(session: Session, actor: Actor, id: int) -> list[Answer]:
    """What people say of a plan, the oldest first."""
    plan = plan_of(session, actor, id)
    return [
        {
            "id": row.id, "body": row.body, "place": None if row.lon is None else [row.lon, row.lat], "grid": row.grid_id, "at": row.at,
            "person": {"id": row.person_id, "name": row.person_name}, "resolved_at": row.resolved_at,
            "resolved_by": None if row.resolved_by is None else {"id": row.resolved_by, "name": row.resolved_by_name},
        }
        for row in plans.comments(session, actor.scope, plan.id)
    ]  # fmt: skip


def comment(session: Session, actor: Actor, id: int, *, body: str, place: tuple[float, float] | None, grid: int | None) -> list[Answer]:
    """Say something about a plan, at a place, on a grid, or on the whole."""
    plan = _discussed(session, actor, id)
    if grid is not None:
        _refuse_unknown(session, actor, plan, grid)
    if place is not None:
        _refuse_far(service.one(session, actor, id)["bounds"], place)
    number = plans.comment(
        session, actor.scope, id, person=actor.person_id, body=body, place=None if place is None else Point(place), grid=grid
    )
    audit.record(session, actor, "create", "plan_comment", number, facts={"plan": id})
    return comments(session, actor, id)


def resolve(session: Session, actor: Actor, id: int, comment_id: int) -> list[Answer]:
    """Mark a remark as dealt with; one that was before stays so."""
    _discussed(session, actor, id)
    known = {row.id for row in plans.comments(session, actor.scope, id)}
    if comment_id not in known:
        raise NotFound("There is no such comment.", comment=comment_id)
    if plans.resolve_comment(session, actor.scope, id, comment_id, actor.person_id):
        audit.record(session, actor, "update", "plan_comment", comment_id, facts={"plan": id})
    return comments(session, actor, id)


def remove(session: Session, actor: Actor, id: int, comment_id: int) -> list[Answer]:
    """Take back what one has said oneself; NotPermitted for the words of others, which can be marked as dealt with."""
    _discussed(session, actor, id)
    said = next((row for row in plans.comments(session, actor.scope, id) if row.id == comment_id), None)
    if said is None:
        raise NotFound("There is no such comment.", comment=comment_id)
    if said.person_id != actor.person_id:
        raise NotPermitted("Only who wrote a comment deletes it; mark it as dealt with.", reason="not_your_comment", comment=comment_id)
    plans.remove_comment(session, actor.scope, id, comment_id)
    audit.record(session, actor, "delete", "plan_comment", comment_id, facts={"plan": id})
    return comments(session, actor, id)


def _discussed(session: Session, actor: Actor, id: int) -> Plan:
    if not actor.may("plans.write") and not actor.may("plans.review"):
        actor.must("plans.write")
    plan = plan_of(session, actor, id)
    if plan.state in ("published", "withdrawn"):
        raise TransitionRefused("This plan is closed.", state=plan.state)
    return plan


def _refuse_unknown(session: Session, actor: Actor, plan: Plan, grid: int) -> None:
    found = plan_ground.named(session, actor.scope, plan.id, [grid])
    if grid not in found or found[grid].shape is None or not plans.holds(plan, found[grid].community_id):
        raise refused("unknown_grid", None, grid=grid)


def _refuse_far(bounds: tuple[float, float, float, float], place: tuple[float, float]) -> None:
    """A remark on ground around the plan is welcome; one farther off than the plan is wide is a slip."""
    west, south, east, north = bounds
    wide = max(east - west, north - south)
    if not (west - wide <= place[0] <= east + wide and south - wide <= place[1] <= north + wide):
        raise BadValue("The place lies far from the ground of the plan.", fields=[{"at": "place", "why": "far from the plan"}])


def _entry(row: Any) -> Answer:
    return {
        "seq": row.seq, "at": row.at, "person": {"id": row.person_id, "name": row.person_name}, "kind": row.kind,
        "operation": row.operation, "client_id": row.client_id, "undoes": row.undoes, "redoes": row.redoes, "undone": row.undone,
        "changed": row.changed, "ended": row.ended,
        "facts": {name: row.facts[name] for name in ("moved_m2", "moved_households", "figures", "warnings") if name in row.facts},
    }  # fmt: skip
