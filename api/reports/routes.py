"""HTTP of reports: the map behind a page, the files, and two analyses side by side."""

from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Path, Query, Response

from api.deps import CurrentActor, Session
from api.reports import service
from web.paper.typeset import pdf
from web.words import Language, language_of

router = APIRouter(prefix="/api/v1/reports", tags=["reports"])
Id = Annotated[int, Path(gt=0, lt=2**63)]
Other = Annotated[int, Query(gt=0, lt=2**63)]
Asked = Annotated[Language | None, Query(description="zh or en; without it, the caller's own.")]
MEDIA = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "gpkg": "application/geopackage+sqlite3",
    "csv": "text/csv; charset=utf-8",
}


@router.get("/sources")
def sources(session: Session, actor: CurrentActor) -> dict[str, list[str]]:
    """Every source of incidents, for the form of a question."""
    return {"items": service.sources(session, actor)}


@router.get("/compared/report.pdf", response_class=Response)
def compared(first: Other, second: Other, session: Session, actor: CurrentActor, language: Asked = None) -> Response:
    """Two analyses of one method side by side, on paper."""
    document = service.compared(session, actor, (first, second), language or language_of(actor.language))
    return _file(pdf(document), f"reports-{first}-{second}.pdf", "pdf")


@router.get("/{analysis_id}/map")
def map_of(analysis_id: Id, session: Session, actor: CurrentActor, language: Asked = None) -> Response:
    """Units and clusters of a finished analysis as GeoJSON, degrees."""
    told = service.map_of(session, actor, analysis_id, language or language_of(actor.language))
    return Response(orjson.dumps(told), media_type="application/json", headers={"Cache-Control": "private, no-cache"})


@router.get("/{analysis_id}/files/{report_file}", response_class=Response)
def file(
    analysis_id: Id,
    report_file: Annotated[str, Path(pattern=r"^(report\.(pdf|xlsx|gpkg)|[a-z_]{1,40}\.csv)$")],
    session: Session,
    actor: CurrentActor,
    language: Asked = None,
) -> Response:
    """One file of a report: report.pdf, report.xlsx, report.gpkg (with styles for QGIS), or a table such as clusters.csv."""
    body = service.file(session, actor, analysis_id, report_file, language or language_of(actor.language))
    ending = report_file.rsplit(".", 1)[1]
    return _file(body, f"report-{analysis_id}-{report_file}" if ending == "csv" else f"report-{analysis_id}.{ending}", ending)


def _file(body: bytes, name: str, ending: str) -> Response:
    shown: Literal["inline", "attachment"] = "inline" if ending == "pdf" else "attachment"
    headers = {"Content-Disposition": f'{shown}; filename="{name}"', "Cache-Control": "private, no-store"}
    return Response(body, media_type=MEDIA[ending], headers=headers)
