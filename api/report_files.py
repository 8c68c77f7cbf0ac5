"""Every file of one report: what a schedule writes into the outbox folder and a page offers to take away."""

import csv
import io
from typing import Any

from sqlalchemy.orm import Session

from data.queries import analyses
from data.queries.analyses import canonical
from data.scope import Scope
from gis.errors import NotFound

NESTED = (dict, list)
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "|")


def report_files(session: Session, scope: Scope, analysis_id: int, language: str) -> dict[str, bytes]:
    """File name → content of a finished analysis as the caller may see it. NotFound when there is no result."""
    found = analyses.document(session, scope, analysis_id)
    if found is None:
        raise NotFound("The analysis has no result.", analysis=analysis_id)
    tables = {"units.csv": found["units"], "clusters.csv": found["clusters"], "table.csv": found["table"] or []}
    return {"result.json": canonical(found)} | {name: _csv(rows) for name, rows in tables.items() if rows}


def _csv(rows: list[dict[str, Any]]) -> bytes:
    """One line a row; what is nested is told as JSON. With a mark that tells spreadsheets it is UTF-8."""
    out = io.StringIO()
    names = list(rows[0])
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in names])
    return out.getvalue().encode("utf-8-sig")


def _cell(value: Any) -> Any:
    if isinstance(value, NESTED):
        return canonical(value).decode()
    # A text that begins like a formula would be run by a spreadsheet.
    return f"'{value}" if isinstance(value, str) and value.startswith(DANGEROUS) else value
