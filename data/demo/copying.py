"""Tables of a demo go into PostgreSQL by COPY, with ids taken beforehand and indexes built once from all rows."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd
import psycopg
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from psycopg import sql
from pyarrow import csv

from gis.crs import STORAGE_EPSG

BATCH_ROWS = 50_000


def ids(connection: psycopg.Connection, table: str, count: int) -> NDArray[np.int64]:
    """Fresh ids of a table's sequence, in order; nobody else may draw from it meanwhile."""
    if not count:
        return np.empty(0, dtype=np.int64)
    row = connection.execute("SELECT setval(%(name)s::regclass, nextval(%(name)s::regclass) + %(more)s)", {
        "name": f"{table}_id_seq", "more": count - 1}).fetchone()  # fmt: skip
    assert row is not None, "setval answers one row"
    return np.arange(row[0] - count + 1, row[0] + 1)


def copy(connection: psycopg.Connection, table: str, rows: pd.DataFrame) -> None:
    """COPY every column of a frame into the columns of the same names; None and NaN become NULL."""
    columns = sql.SQL(", ").join(sql.Identifier(name) for name in rows.columns)
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(sql.Identifier(table), columns)
    with connection.cursor().copy(statement) as stream:
        for start in range(0, len(rows), BATCH_ROWS):
            sink = pa.BufferOutputStream()
            part = pa.Table.from_pandas(rows.iloc[start : start + BATCH_ROWS], preserve_index=False)
            csv.write_csv(part, sink, csv.WriteOptions(include_header=False))
            stream.write(sink.getvalue())


def hexed(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Geometries in degrees as the text that COPY reads, with their system of coordinates."""
    return np.asarray(shapely.to_wkb(shapely.set_srid(shapes, STORAGE_EPSG), hex=True, include_srid=True), dtype=object)


def multi(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Each polygon as a multipolygon of one."""
    return np.asarray(shapely.multipolygons(shapes, indices=np.arange(len(shapes))), dtype=object)


@contextmanager
def bare(connection: psycopg.Connection, tables: list[str]) -> Iterator[None]:
    """Open tables to COPY by their owner: without row-level security, foreign keys and plain indexes, until the end.

    All within the caller's transaction, so that nobody ever sees the tables bare. Meant for tables that are empty.
    """
    keys = connection.execute(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'f' AND conrelid = ANY (%s::regclass[]) ORDER BY 1, 2", [tables],
    ).fetchall()  # fmt: skip
    indexes = connection.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
        " WHERE indrelid = ANY (%s::regclass[])"
        " AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid) ORDER BY 1", [tables],
    ).fetchall()  # fmt: skip
    for table in tables:
        connection.execute(sql.SQL("ALTER TABLE {} NO FORCE ROW LEVEL SECURITY").format(sql.Identifier(table)))
    for table, name, _ in keys:
        connection.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(sql.Identifier(table), sql.Identifier(name)))
    for name, _ in indexes:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    yield
    for _, definition in indexes:
        connection.execute(definition.encode())
    for table, name, definition in keys:
        # The definition is PostgreSQL's own text of what stood there.
        statement = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} ").format(sql.Identifier(table), sql.Identifier(name))
        connection.execute(statement.as_bytes(connection) + definition.encode())
    for table in tables:
        connection.execute(sql.SQL("ALTER TABLE {} FORCE ROW LEVEL SECURITY").format(sql.Identifier(table)))
