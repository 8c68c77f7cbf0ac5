"""HTTP of officers."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from api.deps import AppSettings, CurrentActor, Session
from api.hot import Zone
from api.officers import schemas, service
from api.times import AsOf

router = APIRouter(prefix="/api/v1/officers", tags=["officers"])


@router.get("", response_model=schemas.OfficersOut)
def officers(
    session: Session,
    actor: CurrentActor,
    zone: Zone,
    as_of: AsOf,
    area: Annotated[
        str | None, Query(max_length=40, description="Code of a district, street or community.", examples=["990101001001"])
    ] = None,
) -> Any:
    """Officers in the caller's scope, where they were last, and the grids they answer for on the day."""
    return {"items": service.page(session, actor, zone, area=area, as_of=as_of)}


@router.get("/{officer_id}", response_model=schemas.OfficerCard)
def officer(
    officer_id: Annotated[int, Path(ge=1, le=2**53, examples=[860001])],
    session: Session,
    actor: CurrentActor,
    settings: AppSettings,
    zone: Zone,
) -> Any:
    """One officer."""
    return service.one(session, actor, zone, officer_id, settings.data_dir)
