"""HTTP shape of a plan's second half: review, publication, reversal, impact."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, ConfigDict, Field
from starlette.responses import Response

from api.deps import CurrentActor, Session
from api.idempotency import Once
from api.plans import impact, review
from api.plans.schemas import In, Name
from api.plans.wire import answer

router = APIRouter(prefix="/api/v1/plans/{plan_id}", tags=["plans"])
PlanId = Annotated[int, Path(ge=1, le=2**53)]
Against = Annotated[str, Query(pattern=r"^(today|[1-9][0-9]{0,14})$", description="today, or the number of another plan.")]


class ApproveIn(In):
    """What the reviewer adds to a yes."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "同意，自下月起执行。"}]})

    note: Annotated[str, Field(max_length=4_000)] = ""


class ReturnIn(In):
    """Why a plan goes back to its authors."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "两个网格超过 500 户。"}]})

    reason: Annotated[str, Field(min_length=1, max_length=4_000)]


class ReverseIn(In):
    """What the new draft is called; without a name, 撤销： and the name of the plan."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Back to the borders before May"}]})

    name: Name | None = None


class PublishIn(In):
    """When the new borders begin; without a date, at once."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"effective_at": "2027-01-01T00:00:00+08:00"}]})

    effective_at: AwareDatetime | None = None


@router.post("/submit")
def submit(plan_id: PlanId, session: Session, actor: CurrentActor, once: Once) -> Response:
    """Hand a draft in for review."""
    return once.run(session, actor, 200, lambda: review.submit(session, actor, plan_id))


@router.post("/approve")
def approve(plan_id: PlanId, asked: ApproveIn, session: Session, actor: CurrentActor, once: Once) -> Response:
    """Agree to a plan that somebody else submitted."""
    return once.run(session, actor, 200, lambda: review.approve(session, actor, plan_id, asked.note))


@router.post("/return")
def give_back(plan_id: PlanId, asked: ReturnIn, session: Session, actor: CurrentActor, once: Once) -> Response:
    """Return a plan to its authors with the reason."""
    return once.run(session, actor, 200, lambda: review.give_back(session, actor, plan_id, asked.reason))


@router.post("/publish", status_code=202)
def publish(plan_id: PlanId, asked: PublishIn, session: Session, actor: CurrentActor, once: Once) -> Response:
    """Have an approved plan published, now or at a date; the worker does it, the plan's state tells how it went."""
    at: datetime | None = asked.effective_at
    return once.run(session, actor, 202, lambda: review.publish(session, actor, plan_id, at))


@router.post("/reverse", status_code=201)
def reverse(plan_id: PlanId, session: Session, actor: CurrentActor, once: Once, asked: ReverseIn | None = None) -> Response:
    """A new draft that restores the ground as it was before this plan was published."""
    name = None if asked is None else asked.name
    return once.run(session, actor, 201, lambda: review.reverse(session, actor, plan_id, name))


@router.get("/before")
def before(plan_id: PlanId, session: Session, actor: CurrentActor) -> Response:
    """The grids under what the plan draws as they are today, or were before it came into force; borders in steps as its ground."""
    return answer(impact.ground_before(session, actor, plan_id))


@router.get("/impact")
def impact_of(plan_id: PlanId, session: Session, actor: CurrentActor, against: Against = impact.TODAY) -> Response:
    """What the plan would do: figures of each grid before and after, what moves, who changes officer."""
    return answer(impact.of(session, actor, plan_id, against))


@router.get("/impact/moved.csv")
def moved(plan_id: PlanId, session: Session, actor: CurrentActor, against: Against = impact.TODAY) -> Response:
    """The households whose grid changes, as a table for a spreadsheet."""
    text = impact.moved_csv(session, actor, plan_id, against)
    headers = {"Content-Disposition": f'attachment; filename="plan-{plan_id}-moved.csv"', "Cache-Control": "private, no-store"}
    return Response(text.encode(), media_type="text/csv; charset=utf-8", headers=headers)
