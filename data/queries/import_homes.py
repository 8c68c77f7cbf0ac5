"""Stores households and their heads by COPY, and makes the counts of buildings and grids the rows where there are rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from data.queries.import_buildings import plain
from data.queries.imports import raw_connection
from data.scope import Scope
from data.statements import statements

COLUMNS = {"source_id": "text", "cell": "int4", "building_id": "int8", "community_id": "int4", "unit": "text", "tenure": "text",
           "floating": "bool", "members": "int2", "has_address": "bool", "has_family": "bool", "has_work": "bool", "has_changes": "bool",
           "has_key_persons": "bool"}  # fmt: skip
SQL = statements("imports")
BUILDINGS = text("""
    SELECT building.id, cell, community_id, building.code, address, coalesce(building.source, '') AS source,
           coalesce(building.source_id, '') AS source_id, CASE WHEN :shapes THEN ST_AsBinary(building.geom) END AS wkb
      FROM building ORDER BY building.id
""")
OLD = "household.source = :source AND household.source_id = arriving.source_id AND household.cell <> arriving.cell"
LEAVE = (
    "DELETE FROM care USING arriving_household AS arriving, household, resident WHERE " + OLD
    + " AND resident.cell = household.cell AND resident.household_id = household.id AND care.cell = resident.cell"
    " AND care.resident_id = resident.id",
    "DELETE FROM resident USING arriving_household AS arriving, household WHERE " + OLD
    + " AND resident.cell = household.cell AND resident.household_id = household.id",
    "DELETE FROM household USING arriving_household AS arriving WHERE " + OLD,
)  # fmt: skip
FOLLOW = (
    "UPDATE resident SET community_id = household.community_id FROM arriving_household AS arriving, household"
    " WHERE household.source = :source AND household.source_id = arriving.source_id AND resident.cell = household.cell"
    " AND resident.household_id = household.id AND resident.community_id <> household.community_id",
    "UPDATE care SET community_id = resident.community_id FROM arriving_household AS arriving, household, resident"
    " WHERE household.source = :source AND household.source_id = arriving.source_id AND resident.cell = household.cell"
    " AND resident.household_id = household.id AND care.cell = resident.cell AND care.resident_id = resident.id"
    " AND care.community_id <> resident.community_id",
)
HEADS = text("""
    SELECT household.source_id, household.cell, household.id AS household_id, household.community_id,
           resident.id, resident.sealed, resident.sex, resident.birth_year,
           ARRAY(SELECT class FROM care WHERE care.cell = resident.cell AND care.resident_id = resident.id) AS care
      FROM household LEFT JOIN resident ON resident.cell = household.cell AND resident.household_id = household.id AND head
     WHERE household.source = :source AND household.source_id = ANY(CAST(:numbers AS text[])) ORDER BY resident.id
""")
PUT_HEADS = text("""
    INSERT INTO resident (cell, id, household_id, community_id, head, sex, birth_year, sealed, phone_index, number_index)
    VALUES (:cell, :id, :household_id, :community_id, true, :sex, :birth_year, :sealed, :phone_index, :number_index)
    ON CONFLICT (cell, id) DO UPDATE SET sex = EXCLUDED.sex, birth_year = EXCLUDED.birth_year, sealed = EXCLUDED.sealed,
           phone_index = EXCLUDED.phone_index, number_index = EXCLUDED.number_index, version = resident.version + 1
""")
PUT_CARE = text("""
    INSERT INTO care (cell, resident_id, class, community_id, since)
    VALUES (:cell, :id, :class, :community_id, coalesce(:since, (now() AT TIME ZONE :zone)::date)) ON CONFLICT DO NOTHING
""")


@dataclass(frozen=True)
class Buildings:
    """Every building as a household looks for it; `shapes` (degrees) only where places are asked for."""

    table: pd.DataFrame
    shapes: NDArray[np.object_]


def buildings(session: Session, scope: Scope, *, shapes: bool) -> Buildings:
    """All buildings with what a household may know them by."""
    rows = session.execute(BUILDINGS, {"shapes": shapes}).all()
    columns = ["id", "cell", "community_id", "code", "address", "source", "source_id", "wkb"]
    table = pd.DataFrame(rows, columns=columns)
    wkb = table.pop("wkb")
    found: list[object] = [shapely.from_wkb(bytes(each)) for each in wkb] if shapes else []
    return Buildings(table, np.array([*found, None], dtype=object)[:-1])


def store(session: Session, scope: Scope, source: str, rows: pd.DataFrame) -> set[str]:
    """Copy households in; the source ids of those that are new, moved or changed. Residents move with their household."""
    session.execute(text("DROP TABLE IF EXISTS pg_temp.arriving_household"))
    session.execute(text("CREATE TEMPORARY TABLE arriving_household (" + ", ".join(map(" ".join, COLUMNS.items())) + ") ON COMMIT DROP"))
    with (
        raw_connection(session).cursor() as cursor,
        cursor.copy(f"COPY arriving_household ({', '.join(COLUMNS)}) FROM STDIN (FORMAT binary)") as copy,
    ):
        copy.set_types(list(COLUMNS.values()))
        for row in rows[list(COLUMNS)].itertuples(index=False, name=None):
            copy.write_row(plain(row))
    session.execute(text("ANALYZE arriving_household"))
    named = {"source": source}
    touched = set(session.execute(SQL["changed_households"], named).scalars())
    touched |= set(session.execute(SQL["new_households"], named).scalars())
    for name in ("moved_residents", "moved_care"):
        session.execute(SQL[name], named)
    for statement in (*LEAVE, *FOLLOW):
        session.execute(text(statement), named)
    return touched


def heads(session: Session, scope: Scope, source: str, numbers: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Source id → the household's key and its head as stored (sealed), `id` None where there is none."""
    rows = session.execute(HEADS, {"source": source, "numbers": list(numbers)}).mappings()
    found: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        found.setdefault(row["source_id"], dict(row))
    return found


def new_resident_ids(session: Session, scope: Scope, count: int) -> list[int]:
    """Ids for new residents, which their seals are bound to."""
    return list(session.execute(text("SELECT nextval('resident_id_seq') FROM generate_series(1, :count)"), {"count": count}).scalars())


def put_heads(session: Session, scope: Scope, residents: Sequence[Mapping[str, Any]], care: Sequence[Mapping[str, Any]]) -> None:
    """Store new and changed heads of households, sealed already, and their classes of care; care that was ended stays ended."""
    if residents:
        session.execute(PUT_HEADS, list(residents))
    if care:
        session.execute(PUT_CARE, list(care))


def stored(session: Session, scope: Scope, source: str) -> int:
    """How many households a source has brought so far."""
    return int(session.execute(text("SELECT count(*) FROM household WHERE source = :source"), {"source": source}).scalar_one())


def count_rows(session: Session, scope: Scope) -> Mapping[str, int]:
    """Make the counts of grids with household rows, and of their buildings, the rows: `grids`, `households`, `changed`, `others`."""
    return dict(session.execute(SQL["counts_of_households"]).mappings().one())


def grids_with_rows(session: Session, scope: Scope) -> set[int]:
    """Grids whose counts are household rows that were imported, which no estimate may replace."""
    found = session.execute(
        text("SELECT DISTINCT grid_id FROM household JOIN building ON building.cell = household.cell AND building.id = building_id"
             " WHERE household.source IS NOT NULL AND grid_id IS NOT NULL")
    )  # fmt: skip
    return set(found.scalars())


def households_of_grids(session: Session, scope: Scope, grid_ids: Sequence[int]) -> NDArray[np.int64]:
    """The counts of grids as they stand, in the order asked."""
    found = {row.id: row.households for row in session.execute(text("SELECT id, households FROM grid"))}
    return np.array([found[each] for each in grid_ids], dtype=np.int64)
