"""Stores facilities by COPY: known by source and number, moved with their grid where their place has changed."""

import pandas as pd
from sqlalchemy import text
from sqlalchemy.orm import Session

from data.queries.import_buildings import plain
from data.queries.imports import raw_connection
from data.scope import Scope
from data.statements import statements

COLUMNS = {"source_id": "text", "kind": "text", "code": "text", "name": "text", "name_en": "text", "status": "text", "cell": "int4",
           "qk": "int8", "community_id": "int4", "grid_id": "int8", "lon": "float8", "lat": "float8"}  # fmt: skip
SQL = statements("imports")


def store(session: Session, scope: Scope, source: str, rows: pd.DataFrame) -> tuple[int, int, int]:
    """Copy facilities in (places in degrees); how many were the same as before, changed and new."""
    session.execute(text("DROP TABLE IF EXISTS pg_temp.arriving_facility"))
    session.execute(text("CREATE TEMPORARY TABLE arriving_facility (" + ", ".join(map(" ".join, COLUMNS.items())) + ") ON COMMIT DROP"))
    with (
        raw_connection(session).cursor() as cursor,
        cursor.copy(f"COPY arriving_facility ({', '.join(COLUMNS)}) FROM STDIN (FORMAT binary)") as copy,
    ):
        copy.set_types(list(COLUMNS.values()))
        for row in rows[list(COLUMNS)].itertuples(index=False, name=None):
            copy.write_row(plain(row))
    session.execute(text("ANALYZE arriving_facility"))
    changed = len(session.execute(SQL["changed_facilities"], {"source": source}).all())
    fresh = len(session.execute(SQL["new_facilities"], {"source": source}).all())
    return len(rows) - changed - fresh, changed, fresh


def known(session: Session, scope: Scope, source: str) -> tuple[dict[str, str], dict[tuple[int, str], str]]:
    """Source id → code of a source's facilities; and who has which code of a community: source and number, or nothing."""
    codes: dict[str, str] = {}
    holders: dict[tuple[int, str], str] = {}
    for row in session.execute(text("SELECT community_id, code, source, source_id FROM facility")):
        holders[row.community_id, row.code] = row.source_id if row.source == source else ""
        if row.source == source:
            codes[row.source_id] = row.code
    return codes, holders
