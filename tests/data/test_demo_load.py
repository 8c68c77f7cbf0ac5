"""A demo district arrives whole or not at all, and leaves every rule of the schema as it found it."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import psycopg
import pytest

from data import roles
from data.demo import generate, load
from data.demo.beside import Beside, BesideFailed
from data.demo.history import remembered
from data.demo.load import load_demo
from data.queries.incident_load import finish_if_due
from data.sealing import Keyring
from gis.errors import Conflict
from gis.lifecycle import TRANSITIONS

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
    assert loaded.rows["grid"] == 36 and loaded.rows["household"] == 6_600 and loaded.rows["incident"] == 5_000


def test_a_past_that_comes_in_parts_is_loaded_whole_and_a_part_may_have_no_history(empty, monkeypatch):
    told = []

    def only_the_last_part(own, now_us):
        told.append(len(own))
        return remembered(own, now_us) if len(told) == 6 else np.empty(0, dtype=np.int64)

    monkeypatch.setattr(generate, "PART", 900)
    monkeypatch.setattr(load, "PEOPLE", 1_000)
    monkeypatch.setattr(load, "remembered", only_the_last_part)
    report = load_demo(empty.schema_url, empty.app_url, "small", now=datetime(2026, 3, 1, tzinfo=UTC), keys=KEYS)
    assert told == [900] * 5 + [500]
    assert asked(empty, "SELECT count(*), count(DISTINCT id), count(DISTINCT source_id) FROM incident") == [(5_000, 5_000, 5_000)]
    assert asked(empty, "SELECT min(source_id), max(source_id), count(*) FROM intake") == [("YL000000001", "YL000005000", 5_000)]
    assert asked(empty, "SELECT count(*) FROM incident AS i JOIN intake USING (source, source_id) WHERE i.id = incident_id") == [(5_000,)]
    assert asked(empty, "SELECT count(DISTINCT date_part('year', reported_at)) FROM incident") == [(2,)]
    assert asked(empty, "SELECT count(*) FROM resident WHERE sealed IS NULL") == [(0,)]
    assert asked(empty, "SELECT statistics_mend()") == [(0,)]
    assert report.rows["incident_log"] > 0


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


KILLED = """
import os, signal, sys
from datetime import datetime
from data.demo.history import remembered
from data.demo.load import load_demo
schema, app, point, now = sys.argv[1:]
def tell(step, share):
    if step == point:
        os.kill(os.getpid(), signal.SIGKILL)
load_demo(schema, app, "small", tell, now=datetime.fromisoformat(now))
"""


@pytest.mark.parametrize("point", ["buildings", "people loaded", "incidents loaded", "commit"])
def test_a_load_that_is_killed_is_made_whole_by_the_next_one(empty, point):
    words = [empty.schema_url, empty.app_url, point, NOW.isoformat()]
    killed = subprocess.run([sys.executable, "-c", KILLED, *words], check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    # What `up` does, in its order.
    found = roles.districts(empty.schema_url)
    assert found == (1 if point == "commit" else 0)
    if not found:
        load_demo(empty.schema_url, empty.app_url, "small", now=NOW)
    assert finish_if_due(empty.schema_url) == bool(found)
    assert asked(empty, "SELECT (SELECT count(*) FROM incident), (SELECT count(*) FROM intake), (SELECT count(*) FROM household)") == [
        (5_000, 5_000, 6_600)
    ]
    assert asked(empty, "SELECT sum(reported) FROM statistics_day") == [(5_000,)]
    assert asked(empty, "SELECT sum(n) FROM incident_bin WHERE level = 13 AND category_id = 0") == asked(
        empty, "SELECT count(*) FROM incident WHERE place IS NOT NULL"
    )
    assert asked(empty, "SELECT statistics_mend()") == [(0,)]
    assert not finish_if_due(empty.schema_url)


def test_open_and_recent_incidents_have_the_history_of_their_state(empty, loaded):
    rows = asked(empty, """
        SELECT incident_id, serial, at, action, from_state, to_state, incident.state, reported_at, closed_at, log.cell = incident.cell,
               log.community_id = incident.community_id, seconds_used
          FROM incident_log AS log JOIN incident ON incident.id = incident_id ORDER BY incident_id, serial
    """)  # fmt: skip
    assert len(rows) == loaded.rows["incident_log"]
    assert {row[0] for row in rows} == {row[0] for row in asked(
        empty, "SELECT id FROM incident WHERE is_open OR reported_at >= %s - interval '30 days'", NOW)}  # fmt: skip
    steps = {(str(state), str(action)): str(step.to) for (state, action), step in TRANSITIONS.items()}
    state, before = "", NOW
    for number, (_, serial, at, action, came_from, leads_to, stands, reported, closed, same_cell, same_community, used) in enumerate(rows):
        assert same_cell and same_community and 0 <= used <= (at - reported).total_seconds() and at <= NOW
        if serial == 1:
            assert (action, came_from, leads_to, at, used) == ("report", None, "reported", reported, 0)
        else:
            assert came_from == state and steps[came_from, action] == leads_to and at >= before
        state, before = leads_to, at
        if number + 1 == len(rows) or rows[number + 1][1] == 1:
            assert state == stands and (closed is None or at == closed)


def test_places_told_by_the_generator_are_those_of_the_stored_borders(empty, loaded):
    from data.hot.ground import GroundIndex  # noqa: PLC0415

    index = GroundIndex(
        "", asked(empty, "SELECT id, version, community_id, border FROM gate.current_grids()"),
        asked(empty, "SELECT id, border FROM gate.current_communities()"), 10.0,
    )  # fmt: skip
    stored = asked(
        empty, "SELECT ST_X(place), ST_Y(place), grid_id, community_id, border_distance_m, ambiguous FROM incident WHERE place IS NOT NULL"
    )
    at = index.place_many([row[0] for row in stored], [row[1] for row in stored])
    assert at.grid_ids.tolist() == [-1 if row[2] is None else row[2] for row in stored]
    assert at.community_ids.tolist() == [row[3] for row in stored]
    inside = [number for number, row in enumerate(stored) if row[2] is not None]
    assert at.border_distance_m[inside].tolist() == pytest.approx([stored[number][4] for number in inside], abs=1e-3)
    assert at.ambiguous[inside].tolist() == [stored[number][5] for number in inside]


def test_work_beside_tells_each_result_as_it_comes_or_its_whole_failure():
    with Beside(lambda: iter([1, [2], 3])) as work:
        assert list(work.results()) == [1, [2], 3]

    def breaks_off() -> Iterator[int]:
        yield 1
        [].pop()

    with Beside(breaks_off) as work:
        told = work.results()
        assert next(told) == 1
        with pytest.raises(BesideFailed, match="pop from empty list"):
            next(told)
