"""HTTP of proposals: questions for balanced grids and their alternatives."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from api.deps import CurrentActor, Session
from api.idempotency import Once
from api.plans import proposals, schemas
from api.plans.wire import answer

router = APIRouter(prefix="/api/v1/plans/{plan_id}/proposals", tags=["plans"])
PlanId = Annotated[int, Path(ge=1, le=2**53)]
ProposalId = Annotated[int, Path(ge=1, le=2**53)]


@router.post("", status_code=202)
def ask(plan_id: PlanId, asked: schemas.ProposalIn, session: Session, actor: CurrentActor, once: Once) -> Response:
    """Ask for balanced grids; the worker finds them, `GET` tells how far it is."""
    return once.run(session, actor, 202, lambda: proposals.ask(session, actor, plan_id, asked.model_dump()))


@router.get("")
def page(plan_id: PlanId, session: Session, actor: CurrentActor) -> Response:
    """Questions asked of a plan, with the figures of their alternatives."""
    return answer({"items": proposals.page(session, actor, plan_id)})


@router.get("/{proposal_id}")
def one(plan_id: PlanId, proposal_id: ProposalId, session: Session, actor: CurrentActor) -> Response:
    """One question, how far the work is, and its alternatives with borders."""
    return answer(proposals.one(session, actor, plan_id, proposal_id))


@router.post("/{proposal_id}/cancel")
def cancel(plan_id: PlanId, proposal_id: ProposalId, session: Session, actor: CurrentActor) -> Response:
    """Stop the work."""
    return answer(proposals.cancel(session, actor, plan_id, proposal_id))
