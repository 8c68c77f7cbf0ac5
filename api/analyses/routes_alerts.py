"""HTTP shape of alerts."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api.analyses import alerting
from api.analyses.schemas import AcknowledgeIn, AlertOut, AlertsOut
from api.deps import CurrentActor, Session
from api.idempotency import Once
from api.period import AskedArea

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])
Id = Annotated[int, Path(gt=0, lt=2**63)]


@router.get("")
def page(  # noqa: PLR0913, PLR0917  each is a parameter of the query
    session: Session, actor: CurrentActor, state: Annotated[str | None, Query(pattern="^(open|acknowledged)$")] = None,
    area: AskedArea = None, category_id: Annotated[int | None, Query(gt=0, lt=2**31)] = None,
    first: Annotated[date | None, Query(alias="from", description="Seen on this day or later.")] = None,
    last: Annotated[date | None, Query(alias="to", description="Raised on this day or before.")] = None,
    before: Annotated[int | None, Query(gt=0, lt=2**63)] = None, limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> AlertsOut:  # fmt: skip
    """Alerts, newest first."""
    asked = {"state": state, "category_id": category_id, "first": first, "last": last, "before": before}
    return AlertsOut.model_validate(alerting.page(session, actor, asked, area, limit))


@router.get("/{alert_id}")
def one(alert_id: Id, session: Session, actor: CurrentActor) -> AlertOut:
    """One alert with its newest cluster."""
    return AlertOut.model_validate(alerting.one(session, actor, alert_id))


@router.post("/{alert_id}/acknowledge", response_model=AlertOut)
def acknowledge(alert_id: Id, told: AcknowledgeIn, session: Session, actor: CurrentActor, once: Once) -> Response:
    """Take an alert in hand, with a note on what is done about it."""
    return once.run(session, actor, 200, lambda: AlertOut.model_validate(alerting.acknowledge(session, actor, alert_id, told.note)))
