"""The same ground with many times its incidents: every row again, as much of it open, a little earlier each time."""

from typing import LiteralString

import psycopg
from psycopg import sql

from data.queries.incident_load import finish_load

WITHIN_S = 1800
"""A copy is up to this much earlier than its model: hours of the day and days of the week stay as they were."""
MOVED: tuple[LiteralString, ...] = (
    "reported_at", "filed_at", "dispatched_at", "handled_at", "closed_at", "due_at", "suspended_at", "suspended_until", "suspended_due_at",
)  # fmt: skip
LEAVES = """
    SELECT relname, pg_get_expr(relpartbound, pg_class.oid) FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
     WHERE inhparent = 'incident'::regclass ORDER BY relname"""
COLUMNS = """
    SELECT attname FROM pg_attribute
     WHERE attrelid = 'incident'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum"""


def multiply(schema_url: str, times: int) -> None:
    """Have `times` as many incidents as there are, as the owner of the schema, with rollups and map cells; other tables stay."""
    with psycopg.connect(schema_url.replace("+psycopg", "")) as owner:
        columns = [name for (name,) in owner.execute(COLUMNS)]
        highest = owner.execute("SELECT max(id) FROM incident").fetchone()
        leaves: list[tuple[str, LiteralString]] = owner.execute(LEAVES).fetchall()
        for leaf, bound in leaves:
            if owner.execute(sql.SQL("SELECT FROM {} LIMIT 1").format(sql.Identifier(leaf))).fetchone() is not None:
                _multiply_leaf(owner, leaf, bound, columns, {"times": times, "apart": highest[0] if highest else 0, "within": WITHIN_S})
        owner.execute("SELECT setval('incident_id_seq', (SELECT max(id) FROM incident))")
    finish_load(schema_url)


def _multiply_leaf(owner: psycopg.Connection, leaf: str, bound: LiteralString, columns: list[str], binds: dict[str, int]) -> None:
    """A table of its own in the place of a partition, in the order of the ground as a load leaves it; its indexes are made once."""
    here, more = sql.Identifier(leaf), sql.Identifier(f"{leaf}_more")
    told = [_told(name) for name in columns]
    owner.execute(sql.SQL("CREATE TABLE {} (LIKE incident INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING CONSTRAINTS)").format(more))
    owner.execute(
        sql.SQL(
            "INSERT INTO {more} ({columns}) SELECT {told} FROM {here} AS model, generate_series(0, %(times)s - 1) AS copy,"
            # No copy leaves its model's partition.
            " LATERAL (SELECT least(copy * (abs(hashint8(id + copy)) %% %(within)s) / %(times)s * interval '1 second',"
            "                       reported_at - date_trunc('year', reported_at, 'UTC')) AS by) AS earlier ORDER BY qk"
        ).format(
            more=more, here=here, columns=sql.SQL(", ").join(map(sql.Identifier, columns)), told=sql.SQL(", ").join(told)
        ),
        binds,
    )  # fmt: skip
    owner.execute(sql.SQL("DROP TABLE {}").format(here))
    owner.execute(sql.SQL("ALTER TABLE {} RENAME TO {}").format(more, here))
    owner.execute(sql.SQL("ALTER TABLE incident ATTACH PARTITION {} {}").format(here, sql.SQL(bound)))


def _told(name: str) -> sql.Composable:
    if name == "id":
        return sql.SQL("id + copy * %(apart)s")
    if name == "source_id":
        return sql.SQL("CASE copy WHEN 0 THEN source_id ELSE source_id || '-' || copy END")
    if name in MOVED:
        return sql.SQL("{} - earlier.by").format(sql.Identifier(name))
    return sql.Identifier(name)
