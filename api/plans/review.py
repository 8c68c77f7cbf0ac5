"""Use cases between a draft and its publication: submit, approve or return, ask for publishing, reverse. Another person decides."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from api.actor import Actor
from api.plans import reversal, service
from data import after_commit
from data.after_commit import Change
from data.queries import audit, plan_publish, plan_review
from gis.errors import BadValue, NotPermitted, PlanRefused, TransitionRefused

Answer = dict[str, Any]
PERMISSION = {
    "submit": "plans.write",
    "approve": "plans.review",
    "return": "plans.review",
    "publish": "plans.review",
    "reverse": "plans.write",
}
FROM_STATES = {
    "submit": ("draft",),
    "approve": ("submitted",),
    "return": ("submitted", "approved", "publishing"),
    "publish": ("approved",),
    "reverse": ("published",),
}
JOB = "plans:publish"


def submit(session: Session, actor: Actor, plan_id: int) -> Answer:
    """Hand a draft in for review; nobody edits it until it is returned."""
    _held(session, actor, plan_id, "submit")
    if not plan_review.changes(session, actor.scope, plan_id):
        raise PlanRefused("The plan changes nothing yet: there is nothing to review.", reason="nothing_changes", plan=plan_id)
    plan_review.submit(session, actor.scope, plan_id, actor.person_id)
    return _told(session, actor, plan_id, "submit")


def approve(session: Session, actor: Actor, plan_id: int, note: str) -> Answer:
    """Agree to a plan that somebody else submitted."""
    plan = _held(session, actor, plan_id, "approve")
    if plan.submitted_by == actor.person_id:
        raise NotPermitted("Who submitted a plan does not decide on it; ask a colleague.", reason="own_plan", plan=plan_id)
    plan_review.decide(session, actor.scope, plan_id, actor.person_id, "approved", note.strip())
    return _told(session, actor, plan_id, "approve", note)


def give_back(session: Session, actor: Actor, plan_id: int, reason: str) -> Answer:
    """Return a plan to its authors with the reason; one that waits for its date is called off."""
    _held(session, actor, plan_id, "return")
    if not reason.strip():
        raise BadValue("Say why the plan is returned.", field="reason")
    plan_review.decide(session, actor.scope, plan_id, actor.person_id, "draft", reason.strip())
    return _told(session, actor, plan_id, "return", reason)


def publish(session: Session, actor: Actor, plan_id: int, effective_at: datetime | None) -> Answer:
    """Have an approved plan published by the worker: at once, or when its date comes."""
    _held(session, actor, plan_id, "publish")
    if effective_at is not None and effective_at.tzinfo is None:
        raise BadValue("A date needs its time zone, such as 2026-12-01T00:00:00+08:00.", field="effective_at")
    later = plan_review.schedule(session, actor.scope, plan_id, effective_at)
    if not later:
        after_commit.defer(session, JOB, once=f"{JOB}:{plan_id}", plan_id=plan_id)
    return _told(session, actor, plan_id, "ask_publish", facts={"effective_at": effective_at})


def reverse(session: Session, actor: Actor, plan_id: int, name: str | None = None) -> Answer:
    """A new draft that restores the ground as it was before a publication."""
    plan = _held(session, actor, plan_id, "reverse")
    made = reversal.draft_of(session, actor, plan, name)
    audit.record(session, actor, "reverse", "plan", plan_id, facts={"draft": made})
    return service.one(session, actor, made)


def shown(session: Session, actor: Actor, plan_id: int) -> Answer:
    """The plan as it is now."""
    return service.one(session, actor, plan_id)


def _held(session: Session, actor: Actor, plan_id: int, action: str) -> Any:
    """A plan under its lock, in a state that permits the action, for an actor who may do it."""
    actor.must(PERMISSION[action])
    plan = plan_publish.locked(session, actor.scope, plan_id)
    if plan.state not in FROM_STATES[action]:
        raise TransitionRefused(
            "The state of the plan does not permit this.", plan=plan_id, state=plan.state, action=action, from_states=FROM_STATES[action]
        )
    return plan


def _told(session: Session, actor: Actor, plan_id: int, action: str, why: str = "", facts: Answer | None = None) -> Answer:
    audit.record(session, actor, action, "plan", plan_id, why=why.strip(), facts=facts)
    after_commit.publish(session, Change("plan", "update", plan_id))
    return service.one(session, actor, plan_id)
