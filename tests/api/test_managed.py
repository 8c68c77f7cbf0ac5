"""A managed database is prepared through its owner alone, and what cannot be done is asked of its administrator."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from api.cluster import Cluster
from api.commands import psql as psql_command
from api.deployment import Deployment
from api.managed import ManagedServer
from data import migrate, roles, sealing
from gis.errors import Conflict, Unavailable
from tests import factories

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
MANAGED, TEMPLATE, SUITE = (f"{name}_{WORKER}" for name in ("managed", "suite_template", "suite_one"))


@pytest.fixture
def server_url(cluster: Cluster) -> Iterator[str]:
    """A server's own database whose user may do everything, as a URL with a password in it."""
    if not isinstance(cluster, Cluster):
        pytest.skip("needs the embedded cluster")
    with psycopg.connect(cluster.url("admin", "postgres").replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {MANAGED}")
        connection.execute(f"CREATE DATABASE {MANAGED} TEMPLATE template0")
    yield cluster.url("admin", MANAGED).replace("+psycopg", "").replace("@", ":not-asked@", 1)
    with psycopg.connect(cluster.url("admin", "postgres").replace("+psycopg", "")) as connection:
        connection.execute("COMMENT ON ROLE wangge_app IS NULL")
    cluster.drop_database(MANAGED)


def test_the_first_start_prepares_a_managed_database_and_keeps_the_password_to_itself(
    server_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", server_url)
    with pytest.raises(Unavailable, match="not prepared yet"):
        assert Deployment(tmp_path / "data").urls
    deployment = Deployment(tmp_path / "data")
    assert "PostGIS 3." in deployment.ensure_database(lambda _: None)
    kept = tmp_path / "data" / "keys" / "app-password"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.read_text().strip() in deployment.urls.app
    again = Deployment(tmp_path / "data")
    again.ensure_database(lambda _: None)
    assert again.urls == deployment.urls
    with psycopg.connect(deployment.urls.app.replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT current_user, postgis_lib_version() > '3'").fetchone() == ("wangge_app", True)
    with psycopg.connect(server_url) as connection:
        row = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'wangge_app'").fetchone()
    assert row is not None
    assert row[0].startswith("SCRAM-SHA-256$")


@pytest.fixture
def settled(server_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """The deployment that the database belongs to: prepared, migrated, with a district and its keys."""
    monkeypatch.setenv("DATABASE_URL", server_url)
    first = Deployment(tmp_path / "first")
    first.ensure_database(lambda _: None)
    migrate.upgrade(first.urls.schema)
    first.take_database()
    with psycopg.connect(server_url) as connection:
        factories.make_district(connection)
    return first


def password_of(server_url: str) -> object:
    with psycopg.connect(server_url) as connection:
        return connection.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'wangge_app'").fetchone()


@pytest.mark.parametrize("kept", [True, False], ids=["with a fingerprint", "from before there were fingerprints"])
def test_a_second_data_folder_is_turned_away_from_a_database_that_belongs_to_another(
    settled: Deployment, server_url: str, tmp_path: Path, kept: bool
) -> None:
    if not kept:
        with psycopg.connect(server_url) as connection:
            connection.execute("DELETE FROM deployment WHERE key = 'keys'")
    before = password_of(server_url)
    second = Deployment(tmp_path / "second")
    with pytest.raises(Conflict, match=r"belongs to another data folder.*is missing.*Bring the folder keys"):
        second.ensure_database(lambda _: None)
    assert password_of(server_url) == before
    assert not (tmp_path / "second" / "keys").exists()


def test_keys_of_another_folder_are_turned_away_and_the_right_ones_let_in(settled: Deployment, server_url: str, tmp_path: Path) -> None:
    sealing.keyring(tmp_path / "second")
    second = Deployment(tmp_path / "second")
    with pytest.raises(Conflict, match="holds other keys"):
        second.ensure_database(lambda _: None)
    with pytest.raises(Unavailable, match="not prepared yet"):
        second.keys()
    shutil.rmtree(tmp_path / "second" / "keys")
    shutil.copytree(tmp_path / "first" / "keys", tmp_path / "second" / "keys")
    before = password_of(server_url)
    moved = Deployment(tmp_path / "second")
    moved.ensure_database(lambda _: None)
    assert moved.urls == settled.urls
    assert moved.keys() == settled.keys()
    sealing.rotate(tmp_path / "second")
    moved.ensure_database(lambda _: None)
    with psycopg.connect(moved.urls.app.replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("wangge_app",)
    assert before is not None


def test_an_import_into_the_database_of_another_folder_seals_nothing(
    settled: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_APP_URL", settled.urls.app)
    with pytest.raises(Conflict, match="belongs to another data folder"):
        Deployment(tmp_path / "second").keys()
    assert not (tmp_path / "second").exists()


def test_a_second_database_on_the_same_server_does_not_shut_the_first_one_out(
    settled: Deployment, cluster: Cluster, server_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(cluster.url("admin", "postgres").replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {SUITE} TEMPLATE template0")
    try:
        monkeypatch.setenv("DATABASE_URL", server_url.replace(MANAGED, SUITE))
        before = password_of(server_url)
        second = Deployment(tmp_path / "second")
        with pytest.raises(Conflict, match=r"Another deployment.*wangge_app its password.*keys/app-password"):
            second.ensure_database(lambda _: None)
        assert password_of(server_url) == before
        (tmp_path / "second" / "keys").mkdir()
        shutil.copy(tmp_path / "first" / "keys" / "app-password", tmp_path / "second" / "keys" / "app-password")
        second.ensure_database(lambda _: None)
        assert second.keys() != settled.keys()
    finally:
        cluster.drop_database(SUITE)


def test_of_two_folders_that_take_an_empty_database_at_once_one_is_told(settled: Deployment, server_url: str, tmp_path: Path) -> None:
    with psycopg.connect(server_url) as connection:
        connection.execute("UPDATE deployment SET value = to_jsonb('another'::text) WHERE key = 'keys'")
    with pytest.raises(Conflict, match="belongs to another"):
        settled.take_database()


def test_an_owner_who_may_not_create_roles_is_told_what_to_ask_for(
    server_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", server_url.replace("wangge_admin", "wangge_schema"))
    with pytest.raises(Unavailable, match=r"CREATE ROLE wangge_app LOGIN.*DATABASE_APP_URL"):
        Deployment(tmp_path / "data").ensure_database(lambda _: None)


def test_an_owner_who_may_not_make_the_extensions_is_told_who_may(
    server_url: str, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {MANAGED} OWNER TO wangge_schema")
        connection.execute("ALTER ROLE wangge_schema CREATEROLE")
    try:
        monkeypatch.setenv("DATABASE_URL", server_url.replace("wangge_admin", "wangge_schema"))
        with pytest.raises(Unavailable, match=r"administrator.*CREATE EXTENSION postgis;"):
            Deployment(tmp_path / "data").ensure_database(lambda _: None)
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute("ALTER ROLE wangge_schema NOCREATEROLE")


def test_the_suite_can_run_on_a_managed_server(server_url: str) -> None:
    server = ManagedServer(server_url)
    server.create_database(TEMPLATE)
    server.create_database(SUITE, template=TEMPLATE)
    try:
        assert roles.standing(server.url("app", SUITE)).superuser is False
        assert roles.box_functions_leakproof(server.url("schema", SUITE))
    finally:
        server.drop_database(SUITE)
        server.drop_database(TEMPLATE)


def test_psql_on_a_managed_database_keeps_the_password_off_the_list_of_processes(
    server_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    monkeypatch.setenv("DATABASE_URL", server_url.replace("not-asked", "se%2Fcret"))
    monkeypatch.setenv("PGPASSWORD", "")
    monkeypatch.setattr(os, "execv", lambda _, words: asked.append(words))
    Deployment(tmp_path / "data").ensure_database(lambda _: None)
    psql_command.run(tmp_path / "data", ["-c", "SELECT 1"])
    assert asked[0][1:] == [server_url.replace(":not-asked", ""), "-c", "SELECT 1"]
    assert os.environ["PGPASSWORD"] == "se/cret"
