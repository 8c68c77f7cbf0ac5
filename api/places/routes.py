"""HTTP of spatial questions."""

from typing import Annotated, Any, Literal

import anyio.to_thread
from fastapi import APIRouter, Body, Depends, Query, Request

from api.deps import AppSettings, CurrentActor, Session
from api.geojson import Crs, DatumName, Lat, Lon, NearDistrict, Place, around, place_at, region_from
from api.hot import HotActor, HotSettings, Reads, Zone
from api.places import schemas, service
from api.times import AsOf, Within
from data.hot.ground import ground_index, ready_index
from data.queries.extent import around as margin

router = APIRouter(prefix="/api/v1", tags=["places"])
Categories = Annotated[
    list[Annotated[int, Query(ge=1, le=2**31 - 1)]] | None,
    Query(alias="category", max_length=100, description="Category id, repeatable; a parent stands for its children."),
]
Kind = Annotated[str | None, Query(max_length=60, description="Kind of facility.", examples=["lamp"])]


def _question(zone: Zone, as_of: AsOf, period: Within, categories: Categories = None, kind: Kind = None) -> service.Question:
    return service.Question(zone, as_of, period.since, period.until, categories, kind)


Question = Annotated[service.Question, Depends(_question)]


@router.get("/locate", response_model=schemas.LocatedOut)
async def locate(
    request: Request,
    actor: HotActor,
    reads: Reads,
    settings: HotSettings,
    zone: Zone,
    as_of: AsOf,
    lon: Lon,
    lat: Lat,
    crs: Crs = None,
    datum: DatumName = "wgs84",
) -> Any:
    """The areas and the grid a place lies in, and who answers for it; on a shared border the lowest code."""
    actor.must("map")
    database, tolerance = request.app.state.database, settings.ambiguous_within_m
    index = ready_index(database, tolerance)
    if index is None:
        index = await anyio.to_thread.run_sync(lambda: ground_index(database, tolerance_m=tolerance))
    place = place_at(lon, lat, crs=crs, datum=datum, bounds=margin(index.bounds))
    if as_of is None:
        day = await reads.today(actor.scope.token)
        return await service.locate_now(reads, actor, index.place(place.x, place.y), day)

    def then() -> Any:
        with database.unit_of_work(actor.scope) as session:
            return service.locate_then(session, actor, place, service.Question(zone, as_of), ambiguous_within_m=tolerance)

    return await anyio.to_thread.run_sync(then)


@router.get("/answerable", response_model=schemas.AnswerableOut)
def answerable(place: Place, session: Session, actor: CurrentActor, zone: Zone, as_of: AsOf) -> Any:
    """Who is answerable for a place on a day: officer, grid, community, street; and if nobody, why."""
    return service.answerable(session, actor, place, service.Question(zone, as_of))


@router.get("/near", response_model=schemas.NearOut)
def near(
    place: Place,
    session: Session,
    actor: CurrentActor,
    question: Question,
    layer: schemas.NearLayer,
    radius_m: Annotated[float, Query(description="Metres on the ellipsoid, up to 20000.", examples=[300])],
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Any:
    """What lies within a distance of a place, nearest first, with `distance_m`."""
    return service.near(session, actor, layer, around(place, radius_m), question, limit=limit)


@router.get("/nearest", response_model=schemas.NearOut)
def nearest(
    place: Place,
    session: Session,
    actor: CurrentActor,
    question: Question,
    layer: schemas.NearestLayer,
    k: Annotated[int, Query(ge=1, le=100)] = 5,
) -> Any:
    """The k nearest facilities, officers, incidents or buildings, with `distance_m`."""
    return service.nearest(session, actor, layer, place, question, k=k)


@router.get("/counts", response_model=schemas.CountsOut)
def counts(
    session: Session,
    actor: CurrentActor,
    question: Question,
    by: Literal["grid", "community", "street"],
    layer: Literal["incidents"] = "incidents",
    area: Annotated[str | None, Query(max_length=40, description="Only inside this area.", examples=["990101001000"])] = None,
) -> Any:
    """Counts of incidents by grid, community or street, and rates per 1,000 households with their exact Poisson interval."""
    return service.counts(session, actor, by, question, area=area)


@router.post("/{layer}/within", response_model=schemas.FoundOut)
def within(
    layer: schemas.Layer,
    session: Session,
    actor: CurrentActor,
    settings: AppSettings,
    question: Question,
    bounds: NearDistrict,
    region: Annotated[Any, Body(openapi_examples=schemas.REGION_EXAMPLES)],
    crs: Crs = None,
    datum: DatumName = "wgs84",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    after: Annotated[int, Query(ge=0, le=2**53, description="`next` of the page before.")] = 0,
) -> Any:
    """What lies within a polygon, a box or a distance. Residents are only counted by class of care, small numbers held back."""
    where = region_from(region, crs=crs, datum=datum, bounds=bounds, most_vertices=settings.vertex_limit)
    return service.within(session, actor, layer, where, question, after=after, limit=limit)
