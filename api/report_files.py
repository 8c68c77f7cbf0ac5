"""Every file of one report: what a schedule writes into the outbox folder."""

from sqlalchemy.orm import Session

from api.reports import service
from api.reports.files import bundle
from data.queries.analyses import canonical
from data.scope import Scope
from web.words import language_of


def report_files(session: Session, scope: Scope, analysis_id: int, language: str) -> dict[str, bytes]:
    """File name → content of a finished analysis as the caller may see it. Conflict when there is no result."""
    found = service.finished(session, scope, analysis_id, language_of(language))
    return {"result.json": canonical(found.result)} | bundle(found, language_of(language))
