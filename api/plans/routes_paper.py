"""HTTP of a plan on paper."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from api.deps import CurrentActor, Session
from api.plans import paper
from web.words import Language, language_of

router = APIRouter(prefix="/api/v1/plans", tags=["plans"])


@router.get("/{plan_id}/document.pdf", response_class=Response)
def document(
    plan_id: Annotated[int, Path(ge=1, le=2**53)],
    session: Session,
    actor: CurrentActor,
    language: Annotated[Language | None, Query(description="zh or en; without it, the caller's own.")] = None,
) -> Response:
    """The plan for signature: what changes, on a map and in tables, the households that move, and boxes to sign in."""
    body = paper.paper(session, actor, plan_id, language or language_of(actor.language))
    headers = {"Content-Disposition": f'inline; filename="plan-{plan_id}.pdf"', "Cache-Control": "private, no-store"}
    return Response(body, media_type="application/pdf", headers=headers)
