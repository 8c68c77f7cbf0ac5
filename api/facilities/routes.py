"""HTTP of facilities."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from api.deps import CurrentActor, Session
from api.facilities import schemas, service
from api.geojson import Place

router = APIRouter(prefix="/api/v1/facilities", tags=["facilities"])


@router.get("/nearest", response_model=schemas.NearestOut)
def nearest(
    place: Place,
    session: Session,
    actor: CurrentActor,
    kind: Annotated[str | None, Query(max_length=60, examples=["hydrant"])] = None,
    k: Annotated[int, Query(ge=1, le=100)] = 5,
) -> Any:
    """The nearest facilities to a place."""
    return {"items": service.nearest(session, actor, place, kind=kind, k=k)}


@router.get("/kinds", response_model=schemas.KindsOut)
def kinds(session: Session, actor: CurrentActor) -> Any:
    """The kinds of facilities there are."""
    return {"items": service.kinds(session, actor)}


@router.get("/{facility_id}", response_model=schemas.FacilityOut)
def facility(facility_id: Annotated[int, Path(ge=1, le=2**53, examples=[850001])], session: Session, actor: CurrentActor) -> Any:
    """One facility."""
    return service.one(session, actor, facility_id)
