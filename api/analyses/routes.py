"""HTTP shape of analyses."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api.analyses import catalogue, service
from api.analyses.question import QuestionIn
from api.analyses.schemas import AnalysisOut, AskedOut, MethodsOut, PageOut, ResultOut
from api.deps import CurrentActor, Session
from api.idempotency import Once
from api.period import AskedArea, Period
from data.queries.statistics import moment

router = APIRouter(prefix="/api/v1/analyses", tags=["analyses"])
Id = Annotated[int, Path(gt=0, lt=2**63)]
State = Annotated[str | None, Query(pattern="^(asked|running|done|refused|cancelled|failed)$")]
Origin = Annotated[str | None, Query(pattern="^(person|nightly|watch|schedule|command)$")]
Method = Annotated[str | None, Query(max_length=20)]
Before = Annotated[int | None, Query(gt=0, lt=2**63)]
Limit = Annotated[int, Query(ge=1, le=200)]
Start = Annotated[date | datetime | None, Query(alias="from", description="Periods that end after this.")]
End = Annotated[date | datetime | None, Query(alias="to", description="Periods that begin before the end of this.")]


@router.post("", status_code=202, response_model=AskedOut, responses={200: {"model": AskedOut, "description": "Answered already."}})
def ask(asked: QuestionIn, session: Session, actor: CurrentActor, once: Once) -> Response:
    """Ask; the worker answers, `GET /analyses/{id}` tells how far it is. The same question on the same rows is answered at once."""
    answer = once.run(session, actor, 202, lambda: AskedOut.model_validate(service.ask(session, actor, asked)))
    if b'"stored":true' in bytes(answer.body):
        answer.status_code = 200
    return answer


@router.get("")
def page(
    session: Session, actor: CurrentActor, method: Method = None, state: State = None, origin: Origin = None, area: AskedArea = None,
    start: Start = None, end: End = None, before: Before = None, limit: Limit = 50,
) -> PageOut:  # fmt: skip
    """Analyses, newest first."""
    starts, ends = Period(start, end).times(moment(session))
    asked = {"method": method, "state": state, "origin": origin, "area": area, "starts": starts, "ends": ends, "before": before}
    return PageOut.model_validate(service.page(session, actor, asked, limit))


@router.get("/methods")
def methods(actor: CurrentActor) -> MethodsOut:
    """Every method with its parameters, defaults, bounds and minimum samples."""
    actor.must("statistics")
    return MethodsOut(items=catalogue.told())


@router.get("/{analysis_id}")
def one(analysis_id: Id, session: Session, actor: CurrentActor) -> ResultOut:
    """One analysis, whatever its state, with its result once it is done."""
    return ResultOut.model_validate(service.one(session, actor, analysis_id))


@router.post("/{analysis_id}/cancel", response_model=AnalysisOut)
def cancel(analysis_id: Id, session: Session, actor: CurrentActor, once: Once) -> Response:
    """Stop the work on an analysis."""
    return once.run(session, actor, 200, lambda: AnalysisOut.model_validate(service.cancel(session, actor, analysis_id)))


@router.delete("/{analysis_id}", status_code=204)
def remove(
    analysis_id: Id, session: Session, actor: CurrentActor, confirm: Annotated[str | None, Query(max_length=20)] = None
) -> None:  # fmt: skip
    """Remove an analysis with its result; asked for without the word, the refusal tells it."""
    service.remove(session, actor, analysis_id, confirm)
