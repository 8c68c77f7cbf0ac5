"""The second lock: whatever SQL the application comes to run, the database shows a caller only what is theirs."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import Connection, errors, sql

from tests.conftest import Clone
from tests.factories import District, token

# Table → the column of an id, and the kind of ids in the hand-made district.
SCOPED = {
    "grid": ("id", "grids"),
    "building": ("id", "buildings"),
    "household": ("id", "households"),
    "resident": ("id", "residents"),
    "care": ("resident_id", "residents"),
    "facility": ("id", "facilities"),
    "officer": ("id", "officers"),
    "assignment": ("id", "assignments"),
    "incident": ("id", "incidents"),
    "intake": ("incident_id", "incidents"),
    "incident_log": ("incident_id", "incidents"),
    "alert_grid": ("grid_id", "grids"),
    "alert": ("id", "alerts"),
    "schedule": ("id", "schedules"),
    "schedule_run": ("id", "runs"),
}
INSIGHT = {"alert_grid", "alert", "schedule", "schedule_run"}
"""For those who may read statistics; a community has one of each."""
TRIGGERS_AND_PROOFS = {
    "loose_edges", "coverage_must_hold", "note_areas", "note_areas_new", "note_areas_old", "note_areas_moved", "note_grids_new", "note_grids_old",
    "note_grids_moved", "keep_past_area", "keep_past_grid", "refresh_sessions", "close_disabled", "incident_partition", "not_by_oneself",
    "grant_new_district",
}  # fmt: skip
"""SECURITY DEFINER by design: they keep promises that hold for all rows, and give no row away."""


@pytest.fixture
def app(shared: Clone) -> Iterator[Connection]:
    """A connection as the application's role; everything is rolled back."""
    with shared.as_app() as connection:
        yield connection
        connection.rollback()


def name(connection: Connection, role: str, area: str = "a1") -> None:
    """Name a caller for this transaction, as the application does."""
    connection.execute("SELECT set_config('wangge.token', %s, true)", [token(role, area)])


def ids(connection: Connection, table: str) -> set[int]:
    column = sql.Identifier(SCOPED[table][0])
    return {row[0] for row in connection.execute(sql.SQL("SELECT DISTINCT {} FROM {}").format(column, sql.Identifier(table)))}


def count(connection: Connection, query: str, *values: object) -> int:
    row = connection.execute(query, values).fetchone()  # type: ignore[arg-type]
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("table", SCOPED)
def test_a_caller_sees_their_own_rows_and_no_others(app: Connection, district: District, table: str) -> None:
    kind = SCOPED[table][1]
    role = "analyst" if table in INSIGHT else "officer"
    name(app, role)
    own, foreign = getattr(district.own, kind), getattr(district.foreign, kind)
    shown = 1 if table == "care" or table in INSIGHT else 2  # the second resident's care is of a sensitive class
    assert ids(app, table) == set(own[:shown])
    name(app, role, "b2")
    assert ids(app, table) == set(foreign[:shown])


@pytest.mark.parametrize("table", SCOPED)
def test_a_foreign_id_asked_for_by_name_is_not_there(app: Connection, district: District, table: str) -> None:
    column, kind = SCOPED[table]
    name(app, "officer")
    query = sql.SQL("SELECT count(*) FROM {} WHERE {} = ANY (%s)").format(sql.Identifier(table), sql.Identifier(column))
    row = app.execute(query, [list(getattr(district.foreign, kind))]).fetchone()
    assert row == (0,)


@pytest.mark.parametrize("token_named", ["", "made-up", "' OR true --", token("officer", "a1") + "x"])
@pytest.mark.parametrize("table", [*SCOPED, "area", "scheme", "category", "person", "deployment", "audit", "outbox", "import_batch"])
def test_a_missing_or_made_up_token_sees_nothing(app: Connection, table: str, token_named: str) -> None:
    app.execute("SELECT set_config('wangge.token', %s, true)", [token_named])
    assert count(app, f"SELECT count(*) FROM {table}") == 0


@pytest.mark.parametrize(
    "ended", ["expires_at = now() - interval '1 second'", "idle_limit = '1 minute', last_seen_at = now() - interval '2 minutes'"]
)
def test_a_token_that_has_ended_sees_nothing(fresh: Clone, ended: str) -> None:
    with fresh.owner() as owner:
        owner.execute(f"UPDATE session SET {ended} WHERE kind <> 'wall'")  # type: ignore[arg-type]
        owner.commit()
    with fresh.as_app() as connection:
        name(connection, "officer")
        assert count(connection, "SELECT count(*) FROM grid") == 0


def test_the_caller_ends_with_the_transaction_so_that_a_pooled_connection_carries_nobody_over(app: Connection) -> None:
    name(app, "officer")
    assert count(app, "SELECT count(*) FROM grid") == 2
    app.commit()
    assert count(app, "SELECT count(*) FROM grid") == 0


def test_one_prepared_plan_serves_many_callers_and_tells_each_only_their_own(app: Connection, district: District) -> None:
    for _ in range(3):
        for area in ("a1", "b2", "a2", "b1"):
            name(app, "officer", area)
            rows = app.execute("SELECT id FROM grid ORDER BY id", prepare=True).fetchall()
            assert tuple(row[0] for row in rows) == district.communities[area].grids


def test_aggregates_count_only_what_is_in_scope(app: Connection) -> None:
    name(app, "officer")
    assert count(app, "SELECT sum(households) FROM grid") == 2
    assert count(app, "SELECT count(*) FROM incident") == 2
    assert count(app, "SELECT count(DISTINCT community_id) FROM building") == 1


@pytest.mark.parametrize(
    ("role", "change"),
    [
        ("planner", "UPDATE grid SET households = 7 WHERE id = ANY (%s)"),
        ("planner", "DELETE FROM grid WHERE id = ANY (%s)"),
        ("operator", "UPDATE incident SET title = 'x' WHERE grid_id = ANY (%s)"),
        ("operator", "DELETE FROM incident WHERE grid_id = ANY (%s)"),
    ],
)
def test_a_foreign_row_can_be_neither_changed_nor_deleted(app: Connection, district: District, role: str, change: str) -> None:
    name(app, role)
    assert app.execute(change, [list(district.foreign.grids)]).rowcount == 0  # type: ignore[arg-type]


def test_a_row_cannot_be_put_into_or_moved_to_foreign_ground(app: Connection, district: District) -> None:
    name(app, "operator")
    with pytest.raises(errors.InsufficientPrivilege), app.transaction():
        app.execute(
            "INSERT INTO incident (cell, reported_at, source, source_id, category_id, community_id) VALUES (0, now(), 't', 't', 410, %s)",
            [district.foreign.area],
        )
    with pytest.raises(errors.InsufficientPrivilege), app.transaction():
        app.execute("UPDATE incident SET community_id = %s WHERE id = %s", [district.foreign.area, district.own.incidents[0]])
    with pytest.raises(errors.InsufficientPrivilege), app.transaction():
        app.execute("UPDATE incident SET community_id = 0 WHERE id = %s", [district.own.incidents[0]])


def test_an_unplaced_incident_is_seen_by_whole_district_scopes_only(app: Connection) -> None:
    name(app, "operator", "district")
    app.execute("INSERT INTO incident (cell, id, reported_at, source, source_id, category_id) VALUES (0, 899999, now(), 't', 't', 410)")
    assert count(app, "SELECT count(*) FROM incident WHERE id = 899999") == 1
    name(app, "operator", "a1")
    assert count(app, "SELECT count(*) FROM incident WHERE id = 899999") == 0


@pytest.mark.parametrize(
    ("role", "table"),
    [
        ("operator", "resident"), ("planner", "resident"), ("analyst", "resident"), ("integration", "household"), ("system_admin", "household"),
        ("security_admin", "household"), ("security_admin", "incident"), ("audit_admin", "incident"), ("system_admin", "officer"),
        ("operator", "audit"), ("security_admin", "audit"), ("system_admin", "import_batch"), ("planner", "import_batch"),
    ],
)  # fmt: skip
def test_a_role_without_the_permission_sees_no_row_even_of_its_own_ground(app: Connection, role: str, table: str) -> None:
    name(app, role, "district")
    assert count(app, f"SELECT count(*) FROM {table}") == 0


def test_sensitive_care_is_hidden_from_those_who_may_see_care(app: Connection, district: District) -> None:
    name(app, "officer", "district")
    rows = app.execute("SELECT DISTINCT class FROM care").fetchall()
    assert rows == [("lone_elder",)]


def test_an_error_raised_by_a_condition_does_not_tell_of_rows_out_of_scope(app: Connection, district: District) -> None:
    name(app, "officer")
    assert count(app, "SELECT count(*) FROM grid WHERE (1 / (id - %s)) IS NOT NULL", district.foreign.grids[0]) == 2
    assert count(app, "SELECT count(*) FROM officer WHERE name NOT LIKE '柳%%' OR CAST(name AS integer) > 0") == 2


def test_row_security_cannot_be_switched_off_and_no_other_role_taken_on(app: Connection) -> None:
    name(app, "officer")
    for attack in ("SET LOCAL row_security = off; SELECT count(*) FROM grid", "SET ROLE wangge_schema", "SET SESSION AUTHORIZATION wangge_schema",
                   "SET ROLE wangge_admin", "ALTER TABLE grid DISABLE ROW LEVEL SECURITY", "CREATE POLICY mine ON grid USING (true)",
                   "COPY grid FROM STDIN", "SELECT gate.guard('grid', 'true', 'true')", "TRUNCATE grid"):  # fmt: skip
        with pytest.raises((errors.InsufficientPrivilege, errors.FeatureNotSupported)), app.transaction():
            app.execute(attack)  # type: ignore[arg-type]


def test_the_application_can_never_become_the_system(app: Connection) -> None:
    app.execute(
        "SELECT gate.open_session((SELECT person_id FROM gate.credential_of('operator.a1')), sha256('x'), 'system', '1 day', NULL, '', NULL)"
    )
    for person_id in (1, 2):
        app.execute("SELECT gate.open_session(%s, sha256('forged'), 'system', '1 day', NULL, '', NULL)", [person_id])
    app.execute("SELECT set_config('wangge.token', 'forged', true)")
    assert count(app, "SELECT count(*) FROM gate.who()") == 0


def test_statistics_of_the_planner_show_no_foreign_values(app: Connection) -> None:
    name(app, "officer")
    assert (
        count(
            app,
            "SELECT count(*) FROM pg_stats WHERE tablename = ANY (%s)",
            ["grid", "building", "household", "resident", "incident", "officer"],
        )
        == 0
    )


def test_every_table_with_rows_of_a_place_is_guarded_by_force(shared: Clone) -> None:
    with shared.owner() as owner:
        readable = owner.execute(
            "SELECT relname, relrowsecurity AND relforcerowsecurity FROM pg_class"
            " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
            " AND has_table_privilege('wangge_app', oid, 'SELECT') ORDER BY 1"
        ).fetchall()
        placed = {
            row[0]
            for row in owner.execute("SELECT table_name FROM information_schema.columns WHERE column_name = 'community_id'").fetchall()
        }
    unguarded = {table for table, guarded in readable if not guarded}
    assert not unguarded & placed, "rows of a place without row-level security"
    assert unguarded <= {"role_permission", "limit_hit", "spatial_ref_sys"} | {
        each for each in unguarded if each.startswith(("job", "procrastinate", "tile_"))
    }


def test_no_view_runs_as_its_owner(shared: Clone) -> None:
    with shared.owner() as owner:
        open_views = owner.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm')"
            " AND has_table_privilege('wangge_app', oid, 'SELECT') AND NOT coalesce('security_invoker=true' = ANY (reloptions), false)"
            " AND relname NOT IN ('geometry_columns', 'geography_columns')"
        ).fetchall()
    assert open_views == []


def test_no_function_outside_the_known_ones_runs_as_its_owner(shared: Clone) -> None:
    with shared.owner() as owner:
        definers = owner.execute(
            "SELECT nspname, proname, coalesce(array_to_string(proconfig, ','), '') FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace"
            " WHERE prosecdef AND nspname NOT LIKE 'pg\\_%' AND pg_get_userbyid(proowner) = 'wangge_schema'"
        ).fetchall()
    assert all("search_path" in settings for _, _, settings in definers), "a definer's search path must be fixed"
    callable_ones = {function for schema, function, _ in definers if schema != "gate"} - TRIGGERS_AND_PROOFS
    with shared.owner() as owner:
        reachable = owner.execute(
            "SELECT DISTINCT proname FROM pg_proc WHERE proname = ANY (%s) AND prorettype <> 'trigger'::regtype AND has_function_privilege('wangge_app', oid, 'EXECUTE')",
            [sorted(callable_ones)],
        ).fetchall()
    assert {row[0] for row in reachable} <= set(REVIEWED), (
        "a new SECURITY DEFINER function: read it, then name it in REVIEWED with its reason"
    )


REVIEWED = {
    "deployment_time_zone": "everybody may know the deployment's zone",
    "deployment_now": "everybody may know the deployment's clock",
    "fold_incident_bins": "adds up counters that tiles read below their own policy; gives back a number of rows",
}


def test_one_widens_nobody_and_nobody_oneself(app: Connection, district: District) -> None:
    name(app, "security_admin", "district")
    me = district.people["security_admin", "district"]
    with pytest.raises(errors.CheckViolation, match="own rights"), app.transaction():
        app.execute("UPDATE person SET roles = '{operator}' WHERE id = %s", [me])
    with pytest.raises(errors.CheckViolation, match="own rights"), app.transaction():
        app.execute("INSERT INTO person_scope (person_id, area_id) VALUES (%s, %s)", [me, district.own.area])
    with pytest.raises(errors.CheckViolation, match="person_admins_apart"), app.transaction():
        app.execute("UPDATE person SET roles = '{security_admin,operator}' WHERE id = %s", [district.people["planner", "a1"]])
    name(app, "system_admin", "district")
    assert app.execute("UPDATE person SET roles = '{operator}' WHERE id = %s", [district.people["planner", "a1"]]).rowcount == 0
    with pytest.raises(errors.InsufficientPrivilege), app.transaction():
        app.execute("INSERT INTO person_scope (person_id, area_id) VALUES (%s, %s)", [district.people["planner", "a1"], district.own.area])


def test_grants_reach_open_sessions_at_once(fresh: Clone, district: District) -> None:
    with fresh.owner() as owner:
        owner.execute(
            "INSERT INTO person_scope (person_id, area_id) VALUES (%s, %s)", [district.people["officer", "a1"], district.foreign.area]
        )
        owner.commit()
        with fresh.as_app() as connection:
            name(connection, "officer", "a1")
            assert count(connection, "SELECT count(*) FROM grid") == 4
        owner.execute("UPDATE person SET disabled_at = now() WHERE id = %s", [district.people["officer", "a1"]])
        owner.commit()
        with fresh.as_app() as connection:
            name(connection, "officer", "a1")
            assert count(connection, "SELECT count(*) FROM grid") == 0


def test_a_new_district_is_granted_to_whom_covers_every_district(empty: Clone) -> None:
    with empty.owner() as owner:
        owner.execute("INSERT INTO person (sign_in_name, display_name, roles, every_district) VALUES ('operator', 'x', '{operator}', true)")
        owner.execute(
            "INSERT INTO area (id, level, code, name, geom)"
            " VALUES (5, 'district', '1', 'x', ST_Multi(ST_MakeEnvelope(113, 28, 113.5, 28.5, 4490)))"
        )
        owner.commit()
        assert owner.execute("SELECT area_id FROM person_scope").fetchall() == [(5,)]


def test_the_shared_memory_of_the_trail_is_append_only(app: Connection) -> None:
    name(app, "audit_admin", "district")
    app.execute("INSERT INTO audit (person_id, action, noun) VALUES (gate.person_id(), 'read', 'audit')")
    for attack in (
        "UPDATE audit SET why = 'x'",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "DELETE FROM audit_default",
        "UPDATE incident_log SET note = 'x'",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), app.transaction():
            app.execute(attack)  # type: ignore[arg-type]


def test_nobody_writes_the_trail_in_anothers_name(app: Connection, district: District) -> None:
    name(app, "operator")
    with pytest.raises(errors.InsufficientPrivilege), app.transaction():
        app.execute("INSERT INTO audit (person_id, action, noun) VALUES (%s, 'create', 'incident')", [district.people["planner", "a1"]])
    app.execute("SELECT set_config('wangge.token', '', true)")
    with pytest.raises(errors.InsufficientPrivilege), app.transaction():
        app.execute("INSERT INTO audit (person_id, action, noun) VALUES (NULL, 'create', 'incident')")
