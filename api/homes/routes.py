"""HTTP of homes."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from api.deps import AppSettings, CurrentActor, Session
from api.homes import schemas, service
from api.hot import Zone

router = APIRouter(prefix="/api/v1", tags=["homes"])
Id = Annotated[int, Path(ge=1, le=2**53, examples=[820001])]


@router.get("/buildings/{building_id}", response_model=schemas.BuildingOut)
def building(building_id: Id, session: Session, actor: CurrentActor) -> Any:
    """One building, the grid and the community it stands in."""
    return service.building(session, actor, building_id)


@router.get("/buildings/{building_id}/households", response_model=schemas.HouseholdsOut)
def households(building_id: Id, session: Session, actor: CurrentActor) -> Any:
    """The households of a building and how much of each is on record."""
    return {"items": service.households(session, actor, building_id)}


@router.get("/households/{household_id}/residents", response_model=schemas.ResidentsOut)
def residents(household_id: Id, session: Session, actor: CurrentActor, settings: AppSettings, zone: Zone, response: Response) -> Any:
    """The residents of a household, names and numbers masked."""
    response.headers["Cache-Control"] = "no-store"
    return {"items": service.residents(session, actor, household_id, settings.data_dir, zone)}


@router.post("/residents/{resident_id}/reveal", response_model=schemas.RevealedOut)
def reveal(
    resident_id: Id, asked: schemas.RevealIn, session: Session, actor: CurrentActor, settings: AppSettings, response: Response
) -> Any:
    """One field of one resident in the clear; who asked and why goes into the audit trail."""
    response.headers["Cache-Control"] = "no-store"
    return service.reveal(session, actor, resident_id, asked.field, asked.why, settings.data_dir)
