"""A demo district arrives whole or not at all, and leaves every rule of the schema as it found it."""

from datetime import UTC, datetime

import psycopg
import pytest

from data.demo.load import load_demo
from data.sealing import Keyring
from gis.errors import Conflict

NOW = datetime(2026, 11, 23, 2, 30, tzinfo=UTC)
KEYS = Keyring.fresh()

RULES = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
     UNION ALL
    SELECT relname, relrowsecurity::text, relforcerowsecurity::text FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname !~ '^incident_[0-9]+'
     UNION ALL
    SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
     ORDER BY 1, 2, 3
"""


def asked(clone, statement, *values):
    with psycopg.connect(clone.schema_url.replace("+psycopg", "")) as connection:
        connection.execute("SET ROLE wangge_schema")
        return connection.execute(statement, values).fetchall()


def standing_rules(clone):
    return {rule for rule in asked(clone, RULES) if not rule[0].startswith("incident_2")}


@pytest.fixture
def loaded(empty):
    return load_demo(empty.schema_url, empty.app_url, "small", now=NOW, keys=KEYS)


def test_every_row_of_the_district_arrives(empty, loaded):
    for table, rows in loaded.rows.items():
        assert asked(empty, f"SELECT count(*) FROM {table}") == [(rows,)], table
    assert loaded.rows["grid"] == 24 and loaded.rows["household"] == 4_400 and loaded.rows["incident"] == 5_000


def test_the_database_finds_no_loose_edge(empty, loaded):
    pairs = asked(empty, "SELECT 0, id FROM area WHERE level <> 'community' UNION SELECT DISTINCT scheme_id, community_id FROM grid")
    assert len(pairs) == 7
    assert all(asked(empty, "SELECT * FROM loose_edges(%s, %s)", *pair) == [] for pair in pairs)
    assert asked(empty, "SELECT count(*) FROM coverage_due") == [(0,)]


def test_keys_indexes_and_row_level_security_stand_as_before(empty):
    before = standing_rules(empty)
    load_demo(empty.schema_url, empty.app_url, "small", now=NOW)
    assert standing_rules(empty) == before


def test_a_second_demo_is_refused_and_changes_nothing(empty, loaded):
    with pytest.raises(Conflict, match="only into an empty database"):
        load_demo(empty.schema_url, empty.app_url, "small", now=NOW, keys=KEYS)
    assert asked(empty, "SELECT count(*) FROM area") == [(loaded.rows["area"],)]


def test_a_load_that_fails_at_its_end_leaves_nothing(empty):
    with psycopg.connect(empty.schema_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("ALTER TABLE deployment ADD CONSTRAINT no_demo CHECK (key <> 'demo_clusters')")
    with pytest.raises(psycopg.errors.CheckViolation):
        load_demo(empty.schema_url, empty.app_url, "small", now=NOW, keys=KEYS)
    assert asked(empty, "SELECT (SELECT count(*) FROM area) + (SELECT count(*) FROM household) + (SELECT count(*) FROM incident)") == [(0,)]


def test_personal_fields_open_with_the_keys_and_are_found_by_their_index(empty, loaded):
    number, sealed, index = asked(empty, "SELECT id, sealed, phone_index FROM resident ORDER BY id LIMIT 1")[0]
    fields = KEYS.open_fields("resident.sealed", number, sealed)
    assert set(fields) == {"name", "phone", "number"} and fields["phone"].startswith("100")
    assert KEYS.blind_index("resident.phone", fields["phone"]) == bytes(index)
    officer, phone = asked(empty, "SELECT id, phone_sealed FROM officer ORDER BY id LIMIT 1")[0]
    assert KEYS.open("officer.phone_sealed", officer, phone).startswith(b"100")


def test_incidents_lie_where_the_database_says_and_keep_their_building(empty, loaded):
    wrong = """
        SELECT count(*) FROM incident JOIN grid ON grid.id = grid_id
         WHERE NOT ST_Covers(grid.geom, place) OR (placed_by = 'border') <> ST_Touches(grid.geom, place)
    """
    assert asked(empty, wrong) == [(0,)]
    foreign = "SELECT count(*) FROM incident JOIN building ON building.id = building_id WHERE building.grid_id <> incident.grid_id"
    assert asked(empty, foreign) == [(0,)]
    assert asked(empty, "SELECT count(*) > 1000 FROM incident WHERE building_id IS NOT NULL") == [(True,)]
    assert asked(empty, "SELECT count(*) > 0 FROM incident WHERE place IS NULL AND address <> ''") == [(True,)]
