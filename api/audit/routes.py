"""HTTP of the audit trail."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from api.audit import schemas, service
from api.deps import CurrentActor, Session
from data.queries import audit

router = APIRouter(tags=["audit"])

Word = Annotated[str | None, Query(max_length=100)]
Number = Annotated[int | None, Query(ge=0, le=2**53)]


@router.get("/api/v1/audit", response_model=schemas.TrailOut)
def trail(
    session: Session,
    actor: CurrentActor,
    person_id: Number = None,
    action: Word = None,
    noun: Word = None,
    noun_id: Word = None,
    outcome: Literal["done", "refused"] | None = None,
    since: Annotated[datetime | None, Query(alias="from")] = None,
    until: Annotated[datetime | None, Query(alias="to")] = None,
    before: Number = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Any:
    """Who did what, newest first; for the audit administrator."""
    wanted = audit.Filter(person_id, action, noun, noun_id, outcome, since, until, before, limit)
    found = service.entries(session, actor, wanted)
    return {"items": found, "next": found[-1]["id"] if len(found) == limit else None}
