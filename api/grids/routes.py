"""HTTP of grids."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from api.deps import AppSettings, CurrentActor, Session
from api.grids import schemas, service
from api.hot import Zone
from api.period import AskedCategories, AskedHours, Choice
from api.times import AsOf

router = APIRouter(prefix="/api/v1/grids", tags=["grids"])
GridId = Annotated[int, Path(ge=1, le=2**53, examples=[810001])]


@router.get("", response_model=schemas.GridsOut)
def grids(
    session: Session,
    actor: CurrentActor,
    zone: Zone,
    as_of: AsOf,
    area: Annotated[
        str | None, Query(max_length=40, description="Code of a district, street or community.", examples=["990101001001"])
    ] = None,
) -> Any:
    """Grids of the primary scheme in the caller's scope, each with the officer who answers for it."""
    return {"items": service.page(session, actor, service.Clock(zone, as_of), area=area)}


@router.get("/{grid_id}", response_model=schemas.GridOut)
def grid(grid_id: GridId, session: Session, actor: CurrentActor, zone: Zone, as_of: AsOf) -> Any:
    """One grid."""
    return service.one(session, actor, service.Clock(zone, as_of), grid_id)


@router.get("/{grid_id}/card", response_model=schemas.CardOut)
def card(
    grid_id: GridId, session: Session, actor: CurrentActor, settings: AppSettings, zone: Zone, category: AskedCategories, hours: AskedHours
) -> Any:
    """A grid with its officer, the nearest officers, its homes, its hot spot and, of some categories and hours, its incidents of now."""
    return service.card(session, actor, service.Clock(zone), grid_id, Choice(categories=category, hours=hours), settings.data_dir)


@router.get("/{grid_id}/border", responses={200: {"content": {"application/geo+json": {}}}})
def border(grid_id: GridId, session: Session, actor: CurrentActor) -> Response:
    """The current border as a GeoJSON MultiPolygon with every digit."""
    return Response(service.border(session, actor, grid_id), media_type="application/geo+json")
