"""The ground benches stand on: the demo district, and a caller who may see all of it."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg

from bench.harness import BenchContext
from data.demo.load import load_demo
from gis.errors import NothingToAnalyse

NOW = datetime(2026, 10, 1, 4, tzinfo=UTC)
TOKEN = "bench-token-0123456789"


def settled(context: BenchContext) -> None:
    """See to it that the database holds a district: a throw-away one gets the demo district, somebody's own is left alone."""
    with psycopg.connect(context.schema_url.replace("+psycopg", "")) as owner:
        if owner.execute("SELECT EXISTS (SELECT FROM incident)").fetchone() == (True,):
            return
    if not context.throw_away:
        raise NothingToAnalyse("The database of this deployment holds no incidents; leave --data out to measure on the demo district.")
    load_demo(context.schema_url, context.app_url, "district", now=NOW)


@contextmanager
def prepared(context: BenchContext) -> Iterator[psycopg.Connection]:
    """The owner's connection to a database with incidents; views for the peer and the caller go away at the end."""
    settled(context)
    with psycopg.connect(context.schema_url.replace("+psycopg", ""), autocommit=True) as owner:
        _clean(owner)
        owner.execute("CREATE SCHEMA bench")
        owner.execute("CREATE VIEW bench.building AS SELECT id, grid_id, use, levels, households, geom FROM public.building")
        owner.execute("CREATE VIEW bench.incident AS SELECT id, category_id, severity, is_open, urgent, place FROM public.incident")
        owner.execute("INSERT INTO person (sign_in_name, display_name, roles) VALUES ('bench', 'Bench', '{clerk}')")
        owner.execute(
            "INSERT INTO person_scope (person_id, area_id) SELECT person.id, area.id FROM person, area"
            " WHERE sign_in_name = 'bench' AND level = 'district' AND valid_to IS NULL"
        )
        owner.execute(
            "SELECT gate.open_session((SELECT id FROM person WHERE sign_in_name = 'bench'), %s, 'token', '1 hour', NULL, 'bench', NULL)",
            [hashlib.sha256(TOKEN.encode()).digest()],
        )
        try:
            yield owner
        finally:
            _clean(owner)


def _clean(owner: psycopg.Connection) -> None:
    owner.execute("DROP SCHEMA IF EXISTS bench CASCADE")
    owner.execute("DELETE FROM person WHERE sign_in_name = 'bench'")
