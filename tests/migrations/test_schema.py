"""The migrations run up, down and up again, and the mapped tables are what they make."""

import importlib
import pkgutil
import re
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import Table as CoreTable
from sqlalchemy.dialects import postgresql

import data.tables
from api.cluster import Cluster
from data import migrate
from data.tables.base import Table
from gis.errors import Unavailable
from tests.conftest import WORKER

for module in pkgutil.iter_modules(data.tables.__path__):
    importlib.import_module(f"data.tables.{module.name}")

COLUMNS = """
    SELECT attname, upper(format_type(atttypid, atttypmod)), attnotnull, attgenerated <> '', attcollation = '"C"'::regcollation
      FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped
"""
EVERYTHING = """
    SELECT n.nspname, c.relkind::text, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
     WHERE n.nspname IN ('public', 'gate') AND c.relname <> 'alembic_version' AND c.relname <> 'alembic_version_pkc'
       AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = c.oid AND deptype = 'e')
    UNION ALL
    SELECT n.nspname, 'function', p.oid::regprocedure::text FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = pronamespace
     WHERE n.nspname IN ('public', 'gate') AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e')
"""


@pytest.fixture
def bare(cluster: Cluster) -> Iterator[str]:
    """A database without any schema, by the owner's URL."""
    name = f"bare_{WORKER}"
    cluster.create_database(name)
    yield cluster.url("schema", name)
    cluster.drop_database(name)


def test_a_schema_of_a_newer_program_is_refused_and_left_alone(bare: str) -> None:
    migrate.upgrade(bare)
    before = everything(bare)
    with psycopg.connect(bare.replace("+psycopg", "")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999_from_the_future'")
    with pytest.raises(Unavailable, match=r"9999_from_the_future.*newer"):
        migrate.upgrade(bare)
    assert everything(bare) == before


def test_migrations_go_up_down_and_up_and_leave_nothing_behind(bare: str) -> None:
    before = everything(bare)
    migrate.upgrade(bare)
    first = everything(bare)
    migrate.downgrade(bare, "base")
    assert everything(bare) == before
    migrate.upgrade(bare)
    assert everything(bare) == first
    assert migrate.upgrade(bare) == (migrate.newest(), migrate.newest())


def test_partitions_have_the_columns_of_their_table_at_the_same_places(cluster: Cluster, migrated: str) -> None:
    """Where they differ, PostgreSQL shows triggers no generated columns of what is inserted: a column is never dropped."""
    with psycopg.connect(cluster.url("schema", migrated).replace("+psycopg", "")) as connection:
        differing = connection.execute(
            "SELECT inhparent::regclass::text, inhrelid::regclass::text FROM pg_inherits JOIN pg_class AS leaf ON leaf.oid = inhrelid"
            " WHERE relkind = 'r' AND ARRAY(SELECT attname FROM pg_attribute WHERE attrelid = inhparent AND attnum > 0 ORDER BY attnum)"
            "                      <> ARRAY(SELECT attname FROM pg_attribute WHERE attrelid = inhrelid AND attnum > 0 ORDER BY attnum)"
        ).fetchall()
        dropped = connection.execute(
            "SELECT attrelid::regclass::text FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid WHERE relkind = 'p' AND attisdropped"
        ).fetchall()
    assert (differing, dropped) == ([], [])


@pytest.mark.parametrize("table", sorted(Table.metadata.tables.values(), key=lambda each: each.name), ids=lambda each: each.name)
def test_a_mapped_table_is_what_the_migrations_make(cluster: Cluster, migrated: str, table: CoreTable) -> None:
    with psycopg.connect(cluster.url("schema", migrated).replace("+psycopg", "")) as connection:
        made = {row[0]: row[1:] for row in connection.execute(COLUMNS, [table.name]).fetchall()}
    mapped = {column.name: (type_of(column), not column.nullable) for column in table.columns}
    assert set(mapped) == set(made)
    for name, (kind, required) in mapped.items():
        stored, not_null, generated, _ = made[name]
        assert kind == stored, name
        assert generated == (table.columns[name].computed is not None), name
        # PostgreSQL does not say of a generated column that it is never null.
        assert generated or required == not_null, name


def type_of(column) -> str:
    """A mapped type as PostgreSQL writes it."""
    kind = column.type.compile(dialect=postgresql.dialect()).upper()
    kind = re.sub(r' COLLATE "C"', "", kind)
    kind = {"FLOAT": "DOUBLE PRECISION", "GEOMETRY(GEOMETRY,4490)": "GEOMETRY(GEOMETRY,4490)"}.get(kind, kind)
    return re.sub(r", ", ",", kind)


def everything(url: str) -> set[tuple[str, ...]]:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        return set(connection.execute(EVERYTHING).fetchall())
