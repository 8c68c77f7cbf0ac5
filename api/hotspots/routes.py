"""HTTP shape of hot spots."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from api.deps import CurrentActor, Session
from api.hotspots import service
from api.hotspots.schemas import AskedOut, AskIn, HotspotsOut
from api.idempotency import Once
from api.period import AskedArea, Period

router = APIRouter(prefix="/api/v1/hotspots", tags=["hotspots"])


@router.post("", status_code=202, response_model=AskedOut)
def ask(asked: AskIn, session: Session, actor: CurrentActor, once: Once) -> Response:
    """Ask for hot spots; the worker finds them, `GET /hotspots/{id}` tells how far it is."""
    period = Period(asked.first, asked.last)
    categories = tuple(sorted(set(asked.category_ids)))
    return once.run(session, actor, 202, lambda: AskedOut.model_validate(service.ask(session, actor, period, categories, asked.area)))


@router.get("/latest")
def latest(session: Session, actor: CurrentActor, area: AskedArea = None) -> HotspotsOut:
    """The newest finished run that covers the area, cut to it."""
    return HotspotsOut.model_validate(service.latest(session, actor, area))


@router.get("/{run_id}")
def one(run_id: Annotated[int, Path(gt=0, lt=2**63)], session: Session, actor: CurrentActor) -> HotspotsOut:
    """One run, whatever its state."""
    return HotspotsOut.model_validate(service.one(session, actor, run_id))
