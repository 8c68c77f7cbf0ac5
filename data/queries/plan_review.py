"""The states of a plan between draft and publication, and the ground that a publication took the place of."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from data.scope import Scope
from data.statements import statements

CHANGES = text("""
    SELECT EXISTS (SELECT FROM plan_grid WHERE plan_id = :id AND NOT noded_only AND NOT (geom IS NULL AND base_version IS NULL))
        OR EXISTS (SELECT FROM plan_area WHERE plan_id = :id)
""")
SUBMIT = text("""
    UPDATE plan SET state = 'submitted', submitted_by = :person, submitted_at = now(), decided_by = NULL, decided_at = NULL,
           decision_note = '', effective_at = NULL, failure = NULL
     WHERE id = :id
""")
DECIDE = text("""
    UPDATE plan SET state = :state, decided_by = :person, decided_at = now(), decision_note = :note, effective_at = NULL WHERE id = :id
""")
SCHEDULE = text("""
    UPDATE plan SET state = 'publishing', effective_at = :effective_at, failure = NULL WHERE id = :id
    RETURNING coalesce(effective_at > now(), false)
""")


def changes(session: Session, scope: Scope, plan_id: int) -> bool:
    """Whether a draft changes any grid or community."""
    return bool(session.execute(CHANGES, {"id": plan_id}).scalar_one())


def submit(session: Session, scope: Scope, plan_id: int, person_id: int) -> None:
    """Mark a draft as handed in; what was decided before is over."""
    session.execute(SUBMIT, {"id": plan_id, "person": person_id})


def decide(session: Session, scope: Scope, plan_id: int, person_id: int, state: str, note: str) -> None:
    """Keep a decision: `approved`, or back to `draft`."""
    session.execute(DECIDE, {"id": plan_id, "person": person_id, "state": state, "note": note})


def schedule(session: Session, scope: Scope, plan_id: int, effective_at: datetime | None) -> bool:
    """Let a plan wait for its publication; True when its date is still to come."""
    return bool(session.execute(SCHEDULE, {"id": plan_id, "effective_at": effective_at}).scalar_one())


def grids_before(session: Session, scope: Scope, plan_id: int) -> Sequence[Row[Any]]:
    """Each grid that a published plan changed, made or ended, as it was right before (nothing for one it made) and what it made of it."""
    return session.execute(statements("plan_review")["grids_before"], {"id": plan_id}).all()


def areas_before(session: Session, scope: Scope, plan_id: int) -> Sequence[Row[Any]]:
    """Each community that a published plan made, renamed or ended, as it was right before."""
    return session.execute(statements("plan_review")["areas_before"], {"id": plan_id}).all()


def draft_like(session: Session, scope: Scope, plan_id: int, person_id: int, name: str | None) -> int:
    """A new draft over the ground of a published plan, which it is to reverse; returns its number."""
    values = {"id": plan_id, "person": person_id, "name": name}
    return int(session.execute(statements("plan_review")["draft_like"], values).scalar_one())
