"""HTTP shape of the map of hot spots."""

from fastapi import APIRouter

from api.analyses import maps
from api.analyses.schemas import HotspotsOut
from api.deps import CurrentActor, Session
from api.period import AskedArea

router = APIRouter(prefix="/api/v1/hotspots", tags=["hotspots"])


@router.get("/latest")
def latest(session: Session, actor: CurrentActor, area: AskedArea = None) -> HotspotsOut:
    """The newest map of hot spots that covers the area, cut to it."""
    return HotspotsOut.model_validate(maps.latest(session, actor, area))
