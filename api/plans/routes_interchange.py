"""HTTP of a draft as a file: out to a GIS program, and back as one operation; and as a document for signature."""

from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from api.deps import CurrentActor, Session
from api.plans import interchange
from api.plans.wire import answer
from gis.errors import TooLarge

router = APIRouter(prefix="/api/v1/plans", tags=["plans"])
PlanId = Annotated[int, Path(ge=1, le=2**53)]
AT_MOST_BYTES = 50_000_000
MEDIA = {"gpkg": "application/geopackage+sqlite3", "shp": "application/zip"}


async def _file(request: Request) -> bytes:
    """The body of a request, as long as it is no longer than a plan can be."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > AT_MOST_BYTES:
            raise TooLarge(f"The file is larger than {AT_MOST_BYTES // 1_000_000} MB.")
    return bytes(body)


FileBody = Annotated[bytes, Depends(_file)]


@router.get("/{plan_id}/export", response_class=Response)
def export(
    plan_id: PlanId,
    session: Session,
    actor: CurrentActor,
    format: Annotated[interchange.Format, Query(description="gpkg: GeoPackage with styles; shp: zipped Shapefile in UTF-8.")] = "gpkg",
    atoms: Annotated[bool, Query(description="Atoms too, to snap to.")] = False,
) -> Response:
    """The plan's grids and what lies around them, to be edited in a GIS program. Keep the column `id`."""
    body = interchange.exported(session, actor, plan_id, format, with_atoms=atoms)
    name = f"plan-{plan_id}.{'gpkg' if format == 'gpkg' else 'zip'}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return Response(body, media_type=MEDIA[format], headers=headers)


@router.post("/{plan_id}/import")
def take_back(
    plan_id: PlanId,
    session: Session,
    actor: CurrentActor,
    body: FileBody,
    client_id: Annotated[UUID | None, Query(description="The same number again gives the same answer.")] = None,
    dry_run: Annotated[bool, Query(description="Do all of it, tell, and store nothing.")] = False,
) -> Response:
    """An edited file (GeoPackage, zipped Shapefile or GeoJSON, as the body) as one operation: matched, checked and mended."""
    return answer(interchange.imported(session, actor, plan_id, client_id or uuid4(), body, dry_run=dry_run))
