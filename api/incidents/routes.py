"""HTTP shape of incidents."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import ValidationError
from starlette.responses import Response

from api.deps import AppSettings, CurrentActor, Session
from api.idempotency import Once
from api.incidents import intake, service, workflow
from api.incidents.schemas import (
    ActionIn,
    ActionOut,
    BulkOut,
    BulkRow,
    FeedOut,
    HandsOut,
    IncidentOut,
    ListOut,
    ReportIn,
    ReportOut,
    UndoIn,
)
from api.incidents.service import Listing
from api.period import AskedChoice
from data.queries.incidents import Order, Timed
from gis.errors import BadValue, TooLarge

BULK_LIMIT = 5_000
"""Most reports one request may bring; more go through `./wangge import`."""
router = APIRouter(prefix="/api/v1", tags=["incidents"])
Limit = Annotated[int, Query(ge=1, le=200)]
Before = Annotated[str | None, Query(max_length=80, description="`next` of the page before, or a time: what is older.")]
IncidentId = Annotated[int, Path(gt=0, lt=2**63)]


async def lines_of(request: Request) -> list[bytes]:
    """The lines of a body in NDJSON; empty ones are left out, and counted for the line numbers all the same."""
    lines = (await request.body()).split(b"\n")
    if sum(1 for line in lines if line.strip()) > BULK_LIMIT:
        raise TooLarge("Too many reports in one request.", limit=BULK_LIMIT)
    return lines


def asked_listing(
    choice: AskedChoice,
    state: Annotated[list[str] | None, Query(max_length=12)] = None,
    is_open: Annotated[bool | None, Query(alias="open")] = None,
    overdue: bool | None = None,
    timed: Annotated[Timed, Query(alias="by", description="Which time the period is about.")] = "reported",
    order: Annotated[Order, Query(description="`due`: what has been due for the longest first, without what has no deadline.")] = "newest",
) -> Listing:
    """Which incidents a request lists."""
    return Listing(choice, states=tuple(state or ()), is_open=is_open, overdue=overdue, by=timed, order=order)


AskedListing = Annotated[Listing, Depends(asked_listing)]


@router.get("/feed")
def feed(session: Session, actor: CurrentActor, choice: AskedChoice, limit: Limit = 30, before: Before = None) -> FeedOut:
    """The newest incidents of an area or a grid, of a period if one is named."""
    return FeedOut.model_validate(service.feed(session, actor, choice, limit, before))


@router.get("/incidents")
def list_incidents(session: Session, actor: CurrentActor, listing: AskedListing, limit: Limit = 50, cursor: Before = None) -> ListOut:
    """Incidents that match, newest first by default: of the last 30 days unless a period, or what is open or overdue, is asked for."""
    return ListOut.model_validate(service.listed(session, actor, listing, limit, cursor))


@router.get("/incidents.csv", response_class=Response)
def export(session: Session, actor: CurrentActor, listing: AskedListing) -> Response:
    """The same incidents as a table for a spreadsheet, at most 50,000."""
    text = service.exported(session, actor, listing)
    headers = {"Content-Disposition": 'attachment; filename="incidents.csv"', "Cache-Control": "private, no-store"}
    return Response(text.encode(), media_type="text/csv; charset=utf-8", headers=headers)


@router.post("/incidents", status_code=201, response_model=ReportOut)
def report(report: ReportIn, session: Session, actor: CurrentActor, settings: AppSettings, once: Once) -> Response:
    """Report an incident. The same `source` and `source_id` with the same content answers with the first one (`created` false)."""
    asked = report.model_dump()
    return once.run(
        session, actor, 201,
        lambda: ReportOut.model_validate(intake.report(session, actor, asked, ambiguous_within_m=settings.ambiguous_within_m)),
    )  # fmt: skip


BULK = """{"category_id": 9, "lon": 113.0005, "lat": 28.2005, "source": "12345", "source_id": "2026-000127"}
{"category_id": 3, "area": "990101001001", "title": "井盖缺失", "source": "12345", "source_id": "2026-000128"}
"""


@router.post(
    "/incidents/bulk",
    response_model=BulkOut,
    openapi_extra={"requestBody": {"required": True, "content": {"application/x-ndjson": {"schema": {"type": "string"}, "example": BULK}}}},
)
def report_bulk(
    session: Session,
    actor: CurrentActor,
    settings: AppSettings,
    once: Once,
    lines: Annotated[list[bytes], Depends(lines_of)],
    all_or_nothing: bool = False,
) -> Response:
    """Report many incidents, one JSON object a line. Each line has its own outcome; with `all_or_nothing` one refusal refuses all."""
    return once.run(
        session, actor, 200,
        lambda: _bulk(session, actor, lines, all_or_nothing=all_or_nothing, ambiguous_within_m=settings.ambiguous_within_m),
    )  # fmt: skip


@router.get("/incidents/{incident_id}")
def one_incident(incident_id: IncidentId, session: Session, actor: CurrentActor) -> IncidentOut:
    """One incident with its log, its placement and what may be done next."""
    return IncidentOut.model_validate(service.detail(session, actor, incident_id))


@router.post("/incidents/{incident_id}/actions", response_model=ActionOut)
def act(incident_id: IncidentId, asked: ActionIn, session: Session, actor: CurrentActor, settings: AppSettings, once: Once) -> Response:
    """Take an incident one step further, or correct it beside the loop."""
    step = workflow.Step(**asked.model_dump())
    return once.run(
        session, actor, 200,
        lambda: ActionOut.model_validate(workflow.act(session, actor, incident_id, step, ambiguous_within_m=settings.ambiguous_within_m)),
    )  # fmt: skip


@router.get("/incidents/{incident_id}/hands")
def hands(incident_id: IncidentId, session: Session, actor: CurrentActor) -> HandsOut:
    """To whom an incident can be dispatched: who answers for its grid, the nearest three on duty, the community's queue."""
    return HandsOut.model_validate(service.hands(session, actor, incident_id), from_attributes=True)


@router.post("/incidents/{incident_id}/undo", response_model=ActionOut)
def undo(incident_id: IncidentId, asked: UndoIn, session: Session, actor: CurrentActor, once: Once) -> Response:
    """Take back what the caller did last (dispatch, escalate, supervise), within ten seconds and if nobody acted since."""
    return once.run(session, actor, 200, lambda: ActionOut.model_validate(workflow.undo(session, actor, incident_id, asked.version)))


def _bulk(session: Session, actor: CurrentActor, lines: list[bytes], *, all_or_nothing: bool, ambiguous_within_m: float) -> BulkOut:
    rows: list[BulkRow] = []
    reports: list[tuple[int, dict[str, object]]] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            reports.append((number, ReportIn.model_validate_json(line).model_dump()))
        except ValidationError as invalid:
            first = invalid.errors(include_input=False, include_url=False)[0]
            at = ".".join(str(part) for part in first["loc"]) or "line"
            if all_or_nothing:
                raise BadValue("A line is not a report this route takes.", line=number, at=at, why=first["msg"]) from None
            rows.append(BulkRow(line=number, state="refused", code=BadValue.code, detail=f"{at}: {first['msg']}"))
    outcomes = intake.report_many(
        session, actor, [asked for _, asked in reports], all_or_nothing=all_or_nothing, ambiguous_within_m=ambiguous_within_m
    )
    for (number, _), outcome in zip(reports, outcomes, strict=True):
        refusal = outcome.refusal
        code, detail = (refusal.code, refusal.message) if refusal else (None, None)
        told = {"line": number, "state": outcome.state, "id": outcome.incident_id, "code": code, "detail": detail}
        rows.append(BulkRow.model_validate(told))
    rows.sort(key=lambda row: row.line)
    counts = {state: sum(row.state == state for row in rows) for state in ("created", "known", "refused")}
    return BulkOut(**counts, items=rows)
