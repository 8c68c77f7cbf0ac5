"""Stores buildings by COPY, and the household counts that are spread over buildings and grids."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from data.queries.imports import raw_connection
from data.scope import Scope

COLUMNS = ("source_id", "code", "name", "address", "use", "levels", "height_m", "built_year", "households", "cell", "community_id",
           "grid_id", "wkb")  # fmt: skip
STAGE = """
    CREATE TEMPORARY TABLE arriving (
        source_id text, code text, name text, address text, use text, levels smallint, height_m real, built_year smallint,
        households integer, cell integer, community_id integer, grid_id bigint, wkb bytea) ON COMMIT DROP"""
# What is compared is what the source says: where a building lies follows from its border, its count may have been spread since.
SAME = """
    (old.name, old.address, old.use, old.levels, old.height_m, old.built_year)
    IS NOT DISTINCT FROM (arriving.name, arriving.address, arriving.use, arriving.levels, arriving.height_m, arriving.built_year)
    AND ST_AsBinary(old.geom) = ST_AsBinary(ST_Multi(ST_GeomFromWKB(arriving.wkb, 4490)))"""
UNCHANGED = f"""
    SELECT arriving.source_id
      FROM arriving JOIN building AS old ON old.source = :source AND old.source_id = arriving.source_id WHERE {SAME}"""
CHANGED = f"""
    UPDATE building AS old
       SET name = arriving.name, address = arriving.address, use = arriving.use, levels = arriving.levels, height_m = arriving.height_m,
           built_year = arriving.built_year, geom = ST_Multi(ST_GeomFromWKB(arriving.wkb, 4490)),
           community_id = arriving.community_id, grid_id = arriving.grid_id, version = old.version + 1
      FROM arriving WHERE old.source = :source AND old.source_id = arriving.source_id AND NOT ({SAME})"""
FRESH = """
    INSERT INTO building (cell, community_id, grid_id, code, name, address, use, levels, height_m, built_year, households, geom,
                          source, source_id)
    SELECT cell, community_id, grid_id, code, name, address, use, levels, height_m, built_year, households,
           ST_Multi(ST_GeomFromWKB(wkb, 4490)), :source, source_id
      FROM arriving
     WHERE NOT EXISTS (SELECT FROM building AS old WHERE old.source = :source AND old.source_id = arriving.source_id)
     ORDER BY cell"""
PLACED = text("""
    SELECT id, cell, coalesce(grid_id, 0), use, households, ST_Area(geom::geography),
           ST_X(ST_PointOnSurface(geom)), ST_Y(ST_PointOnSurface(geom))
      FROM building ORDER BY id
""")
SET_BUILDINGS = text("""
    UPDATE building SET households = fresh.households
      FROM unnest(CAST(:cells AS integer[]), CAST(:ids AS bigint[]), CAST(:households AS integer[])) AS fresh (cell, id, households)
     WHERE building.cell = fresh.cell AND building.id = fresh.id AND building.households <> fresh.households
""")
SET_GRIDS = text("""
    UPDATE grid SET households = fresh.households
      FROM unnest(CAST(:ids AS bigint[]), CAST(:households AS integer[])) AS fresh (id, households)
     WHERE grid.id = fresh.id AND grid.households <> fresh.households
""")


@dataclass(frozen=True)
class Footprints:
    """Every building as the spreading of counts sees it; grid 0 for none, areas in m², places in degrees."""

    ids: NDArray[np.int64]
    cells: NDArray[np.int64]
    grid_ids: NDArray[np.int64]
    uses: NDArray[np.object_]
    households: NDArray[np.int64]
    area_m2: NDArray[np.float64]
    points: NDArray[np.object_]


def store(session: Session, scope: Scope, source: str, rows: pd.DataFrame) -> tuple[set[str], int, int]:
    """Copy buildings in; returns the source ids that are the same as before, and how many were changed and new."""
    session.execute(text("DROP TABLE IF EXISTS pg_temp.arriving"))
    session.execute(text(STAGE))
    with (
        raw_connection(session).cursor() as cursor,
        cursor.copy(f"COPY arriving ({', '.join(COLUMNS)}) FROM STDIN (FORMAT binary)") as copy,
    ):
        copy.set_types(["text", "text", "text", "text", "text", "int2", "float4", "int2", "int4", "int4", "int4", "int8", "bytea"])
        for row in rows[list(COLUMNS)].itertuples(index=False, name=None):
            copy.write_row(plain(row))
    session.execute(text("ANALYZE arriving"))
    same = set(session.execute(text(UNCHANGED), {"source": source}).scalars())
    changed = _count(session, CHANGED, source)
    fresh = _count(session, FRESH, source)
    return same, changed, fresh


def codes_in_use(session: Session, scope: Scope) -> set[tuple[int, str]]:
    """Community and code of every building."""
    return {(row[0], row[1]) for row in session.execute(text("SELECT community_id, code FROM building"))}


def known_ids(session: Session, scope: Scope, source: str) -> dict[str, str]:
    """Source id → code of a source's buildings."""
    rows = session.execute(text("SELECT source_id, code FROM building WHERE source = :source"), {"source": source})
    return {row.source_id: row.code for row in rows}


def footprints(session: Session, scope: Scope) -> Footprints:
    """All buildings with their footprints, in the order of their ids."""
    rows = session.execute(PLACED).all()
    table = pd.DataFrame(rows, columns=["id", "cell", "grid", "use", "households", "area", "x", "y"])
    return Footprints(
        table["id"].to_numpy(np.int64), table["cell"].to_numpy(np.int64), table["grid"].to_numpy(np.int64), table["use"].to_numpy(object),
        table["households"].to_numpy(np.int64), table["area"].to_numpy(float),
        np.asarray(shapely.points(table["x"].to_numpy(float), table["y"].to_numpy(float)), dtype=object),
    )  # fmt: skip


def set_households(
    session: Session, scope: Scope, of_buildings: tuple[Iterable[int], ...] | None, of_grids: tuple[Sequence[int], ...]
) -> int:
    """Write counts of buildings (cells, ids, counts) and grids (ids, counts); how many rows changed."""
    changed = 0
    if of_buildings is not None:
        cells, ids, counts = (list(map(int, each)) for each in of_buildings)
        changed += _rows(session.execute(SET_BUILDINGS, {"cells": cells, "ids": ids, "households": counts}))
    ids, counts = (list(map(int, each)) for each in of_grids)
    return changed + _rows(session.execute(SET_GRIDS, {"ids": ids, "households": counts}))


def _count(session: Session, statement: str, source: str) -> int:
    return _rows(session.execute(text(statement), {"source": source}))


def _rows(result: object) -> int:
    return int(getattr(result, "rowcount", 0))


def plain(row: tuple[object, ...]) -> list[object]:
    """A row as psycopg writes it: nothing for what is missing, Python's own numbers."""
    return [None if value is None or value is pd.NA or value != value else _python(value) for value in row]  # noqa: PLR0124  NaN


def _python(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else value
