"""Use cases of plans: make, list, show, name, copy, withdraw; what may be done with one and by whom."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from sqlalchemy.orm import Session

from api.actor import Actor
from data.queries import audit, plan_ground, plan_ops, plans
from data.queries.plans import Plan
from data.queries.reach import reach
from gis.errors import BadValue, NotFound, TransitionRefused

Answer = dict[str, Any]
OPEN_STATES = frozenset({"draft", "submitted", "approved", "publishing"})


def page(session: Session, actor: Actor, *, area: str | None, state: str | None) -> list[Answer]:
    """Plans the actor may see, of an area and all below it, the newest first."""
    actor.must("plans")
    areas = None
    if area is not None:
        within = reach(session, actor.scope, area)
        areas = plans.areas_below(session, actor.scope, within.area_id) if within.area_id is not None else None
    rows = plans.page(session, actor.scope, person=actor.person_id, areas=areas, state=state)
    return [_told(row, actor) for row in rows]


def one(session: Session, actor: Actor, id: int) -> Answer:
    """One plan with what it changes and what the actor may do; NotFound out of scope."""
    actor.must("plans")
    rows = plans.page(session, actor.scope, person=actor.person_id, id=id)
    if not rows:
        raise NotFound("There is no such plan.", plan=id)
    return _told(rows[0], actor)


def create(session: Session, actor: Actor, asked: Mapping[str, Any], *, reverses: int | None = None) -> Answer:
    """A new draft over an area in scope. Its communities are those of today; its band is the scheme's unless given."""
    actor.must("plans.write")
    within = reach(session, actor.scope, asked["area"])
    communities = [each for each in within.communities if each]
    low, high = asked.get("household_min"), asked.get("household_max")
    if low is not None and high is not None and low > high:
        raise BadValue("The smallest number of households is above the largest.", at="household_min", min=low, max=high)
    facts = {
        "name": asked["name"].strip(), "note": asked.get("note", ""), "area_id": within.area_id, "scheme": asked.get("scheme"),
        "communities": communities, "household_min": low, "household_max": high, "person": actor.person_id, "reverses": reverses,
    }  # fmt: skip
    if not facts["name"]:
        raise BadValue("A plan needs a name.", at="name")
    id = plans.create(session, actor.scope, facts)
    if id is None:
        raise NotFound("There is no such scheme of grids.", scheme=asked.get("scheme"))
    audit.record(session, actor, "create", "plan", id, facts={"area": asked["area"]})
    return one(session, actor, id)


def rename(session: Session, actor: Actor, id: int, *, name: str | None, note: str | None) -> Answer:
    """Give a plan that is not yet decided another name or note."""
    plan = drafted(session, actor, id)
    columns = {key: value.strip() for key, value in (("name", name), ("note", note)) if value is not None}
    if not columns:
        raise BadValue("Say what is to change: name or note.")
    if columns.get("name") == "":
        raise BadValue("A plan needs a name.", at="name")
    plans.change(session, actor.scope, plan.id, **columns)
    audit.record(session, actor, "update", "plan", id, facts={"columns": sorted(columns)})
    return one(session, actor, id)


def copy(session: Session, actor: Actor, id: int, *, name: str) -> Answer:
    """A new draft that begins with the ground of another; it is one row in its log, which undo takes back."""
    actor.must("plans.write")
    plan = plans.seen(session, actor.scope, id)
    told = one(session, actor, id)
    asked = {
        "name": name, "note": told["note"], "area": told["area"]["code"], "scheme": told["scheme"]["code"],
        "household_min": plan.household_min, "household_max": plan.household_max,
    }  # fmt: skip
    made = create(session, actor, asked)
    plans.copy_ground(session, actor.scope, from_plan=id, to_plan=made["id"])
    _log_copied(session, actor, made["id"], id)
    return one(session, actor, made["id"])


def withdraw(session: Session, actor: Actor, id: int) -> Answer:
    """Put a plan away; nothing of it is lost, and nobody works on it any more."""
    actor.must("plans.write")
    plan = plans.held(session, actor.scope, id)
    if "withdraw" not in permitted(plan.state, plan.revision, None, actor):
        raise TransitionRefused("This plan cannot be withdrawn any more.", state=plan.state)
    plans.change(session, actor.scope, id, state="withdrawn")
    audit.record(session, actor, "withdraw", "plan", id)
    return one(session, actor, id)


def drafted(session: Session, actor: Actor, id: int) -> Plan:
    """A plan under its lock that may be edited now; TransitionRefused when it is no draft."""
    actor.must("plans.write")
    plan = plans.held(session, actor.scope, id)
    if plan.state != "draft":
        raise TransitionRefused("Only a draft may be changed.", state=plan.state)
    return plan


def permitted(state: str, revision: int, submitted_by: int | None, actor: Actor) -> list[str]:
    """What the actor may do with a plan in a state."""
    writes, reviews = actor.may("plans.write"), actor.may("plans.review")
    another = submitted_by != actor.person_id
    may = {
        "edit": writes and state == "draft",
        "submit": writes and state == "draft" and revision > 0,
        "approve": reviews and state == "submitted" and another,
        "return": reviews and state in ("submitted", "approved", "publishing"),
        "publish": reviews and state == "approved",
        "withdraw": writes and state in OPEN_STATES,
        "reverse": writes and state == "published",
        "comment": (writes or reviews) and state not in ("published", "withdrawn"),
    }
    return [name for name, granted in may.items() if granted]


def _log_copied(session: Session, actor: Actor, id: int, source: int) -> None:
    """What came along as the first row of the copy's log."""
    plan = plans.seen(session, actor.scope, id)
    drawn = plan_ground.overlay(session, actor.scope, id)
    copied = [each for each in drawn.values() if each.base_version is not None]
    today = plan_ground.today(session, actor.scope, plan, [each.id for each in copied], (-180.0, -90.0, 180.0, 90.0)) if copied else {}
    steps = [plan_ops.Step.between(each.id, today.get(each.id), each) for each in drawn.values()]
    areas = [plan_ops.AreaStep(each.id, None, each) for each in plan_ops.areas_of(session, actor.scope, id)]
    if steps or areas:
        entry = plan_ops.Entry(uuid4(), actor.person_id, "copy", {"kind": "copy", "plan": source}, {}, steps, areas)
        plan_ops.append(session, actor.scope, id, 1, entry)


def _told(row: Any, actor: Actor) -> Answer:
    people = {
        f"{deed}_by": None
        if getattr(row, f"{deed}_by") is None
        else {"id": getattr(row, f"{deed}_by"), "name": getattr(row, f"{deed}_by_name")}
        for deed in ("made", "submitted", "decided")
    }
    plain = (
        "id", "name", "note", "area", "scheme", "household_min", "household_max", "state", "revision", "made_at", "submitted_at",
        "decided_at", "decision_note", "effective_at", "published_at", "failure", "reverses", "bounds", "can_undo", "can_redo",
    )  # fmt: skip
    return {
        **{name: getattr(row, name) for name in plain},
        **people,
        "counts": {name: getattr(row, name) for name in ("grids", "changed", "new", "ended", "communities")},
        "may": permitted(row.state, row.revision, row.submitted_by, actor),
    }
