"""What an import asks and stores besides the rows themselves: the deployment, the ground as it stands, categories, the record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import psycopg
import shapely
from numpy.typing import NDArray
from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from data.scope import Scope
from data.tables.imports import ImportBatch
from data.zone import ZONE

SYMBOLS = ("circle", "square", "diamond", "triangle", "triangle_down", "star", "cross", "hexagon", "pentagon", "plus", "ring", "bar")


@dataclass(frozen=True)
class Ground:
    """Current areas of one level, or current grids of the primary scheme, in the order of their codes; borders in degrees."""

    ids: NDArray[np.int64]
    parent_ids: NDArray[np.int64]
    columns: dict[str, list[str]]
    borders: NDArray[np.object_]

    def names(self, column: str) -> dict[int, str]:
        """Id → code, name, name_en or source_id."""
        return dict(zip(self.ids.tolist(), self.columns[column], strict=True))


LOCK = text("SELECT pg_advisory_xact_lock(8420, 2)")
AREAS = text("""
    SELECT id, coalesce(parent_id, 0), code, name, name_en, coalesce(source_id, ''), coalesce(source, ''), ST_AsBinary(geom)
      FROM area WHERE level = :level AND valid_to IS NULL ORDER BY code
""")
GRIDS = text("""
    SELECT grid.id, community_id, grid.code, grid.name, grid.name_en, coalesce(source_id, ''), coalesce(source, ''),
           ST_AsBinary(geom)
      FROM grid JOIN scheme ON scheme.id = scheme_id AND is_primary WHERE valid_to IS NULL ORDER BY grid.code
""")


def wait_for_others(session: Session, scope: Scope) -> None:
    """One import at a time: the second waits here until the first has committed."""
    session.execute(LOCK)


def ground(session: Session, scope: Scope, level: str) -> Ground:
    """The current ground of a level: district, street, community, or grid."""
    rows = session.execute(GRIDS).all() if level == "grid" else session.execute(AREAS, {"level": level}).all()
    columns = {name: [row[place] for row in rows] for place, name in enumerate(("code", "name", "name_en", "source_id", "source"), 2)}
    borders = np.asarray(shapely.from_wkb([bytes(row[7]) for row in rows]), dtype=object).reshape(len(rows))
    ids = np.array([row[0] for row in rows], dtype=np.int64)
    return Ground(ids, np.array([row[1] for row in rows], dtype=np.int64), columns, borders)


def deployment(session: Session, scope: Scope) -> dict[str, Any]:
    """Every key of the deployment."""
    return {row.key: row.value for row in session.execute(text("SELECT key, value FROM deployment"))}


def time_zone(session: Session, scope: Scope) -> tuple[str, bool]:
    """The zone in which days are cut, and whether anything stored depends on it already."""
    zone, settled = session.execute(text(ZONE)).one()
    return zone, settled


def set_deployment(session: Session, scope: Scope, values: Mapping[str, object]) -> None:
    """Write keys of the deployment; others stay."""
    statement = text("INSERT INTO deployment VALUES (:key, CAST(:value AS jsonb)) ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value")
    for key, value in values.items():
        session.execute(statement, {"key": key, "value": orjson.dumps(value).decode()})


def catalogue(session: Session, scope: Scope, *, code: str, version: str, name: str, name_en: str) -> int:
    """The id of a catalogue, made if it is missing."""
    session.execute(
        text(
            "INSERT INTO category_catalogue (code, version, name, name_en) VALUES (:code, :version, :name, :name_en) ON CONFLICT DO NOTHING"
        ),
        {"code": code, "version": version, "name": name, "name_en": name_en},
    )
    found = session.execute(
        text("SELECT id FROM category_catalogue WHERE code = :code AND version = :version"), {"code": code, "version": version}
    )
    return int(found.scalar_one())


def categories(session: Session, scope: Scope, catalogue_id: int) -> dict[str, tuple[int, str, str, str]]:
    """Code → id, name, English name and parent's code of a catalogue's categories."""
    rows = session.execute(
        text("""SELECT category.code, category.id, category.name, category.name_en, coalesce(parent.code, '')
                  FROM category LEFT JOIN category AS parent ON parent.id = category.parent_id WHERE category.catalogue_id = :id"""),
        {"id": catalogue_id},
    )
    return {row[0]: (row[1], row[2], row[3], row[4]) for row in rows}


def put_category(session: Session, scope: Scope, catalogue_id: int, row: Mapping[str, object], number: int) -> int:
    """Make a category or give it its new words; its parent must be there. `number` chooses a symbol where the row has none."""
    statement = text("""
        INSERT INTO category (catalogue_id, parent_id, code, name, name_en, symbol)
        VALUES (:catalogue_id, (SELECT id FROM category WHERE catalogue_id = :catalogue_id AND code = :parent),
                :code, :name, :name_en, :symbol)
        ON CONFLICT (catalogue_id, code) DO UPDATE SET name = EXCLUDED.name, name_en = EXCLUDED.name_en, parent_id = EXCLUDED.parent_id
        RETURNING id
    """)
    symbol = row.get("symbol") or SYMBOLS[number % len(SYMBOLS)]
    return int(session.execute(statement, {**row, "catalogue_id": catalogue_id, "symbol": symbol}).scalar_one())


def known_files(session: Session, scope: Scope, file_hash: bytes, mapping_hash: bytes) -> bool:
    """Whether the same file came in through the same mapping before."""
    statement = select(ImportBatch.id).where(ImportBatch.file_hash == file_hash, ImportBatch.mapping_hash == mapping_hash).limit(1)
    return session.execute(statement).first() is not None


def record_batch(session: Session, scope: Scope, row: Mapping[str, object]) -> int:
    """Keep what became of a file; its id."""
    return int(session.execute(insert(ImportBatch).values(**row).returning(ImportBatch.id)).scalar_one())


def tell_bulk(session: Session, scope: Scope, layers: Sequence[str]) -> None:
    """One outbox row for each layer that changed as a whole, so that open pages and tile caches hear of it."""
    for layer in layers:
        session.execute(text("INSERT INTO outbox (layer, op) VALUES (:layer, 'bulk')"), {"layer": layer})


def raw_connection(session: Session) -> psycopg.Connection:
    """The driver's connection of this transaction, for COPY."""
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    return connection
