"""The ground the benches of tiles and lookups stand on: the demo district and a caller who may see all of it."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from bench.harness import BenchContext

TOKEN = "bench-token-0123456789"


@contextmanager
def prepared(context: BenchContext) -> Iterator[psycopg.Connection]:
    """The owner's connection to a database with incidents; views for the peer and the caller go away at the end."""
    url = context.schema_url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as owner:
        if owner.execute("SELECT count(*) FROM (SELECT FROM incident LIMIT 1) AS any_incident").fetchone() == (0,):
            from data.demo import load  # noqa: PLC0415  heavy, and only needed on an empty database

            load.load(context.schema_url, size="district")
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
