"""The fixtures every test shares: one cluster, a migrated template, the hand-made district, clients of every role."""

import os
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import psycopg
import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool
from starlette.testclient import TestClient

from api.cluster import Cluster
from api.settings import Settings
from data import migrate
from data.database import Database, open_database
from data.demo.load import load_demo
from data.sealing import keyring
from tests import factories

# The same examples in each run, however slow the machine is; to look for new ones: --hypothesis-profile=search
hypothesis.settings.register_profile("suite", deadline=None, derandomize=True)
hypothesis.settings.register_profile("search", deadline=None)
hypothesis.settings.load_profile("suite")
Client = Callable[..., TestClient]
WORKER = f"{os.environ.get('PYTEST_XDIST_WORKER', 'gw0')}_{os.getpid()}"


@dataclass(frozen=True)
class Clone:
    """A database of its own, reachable as the application and as the schema's owner."""

    name: str
    app_url: str
    schema_url: str

    def owner(self) -> psycopg.Connection:
        """A connection as the owner, who sees all rows; the caller commits and closes."""
        return psycopg.connect(self.schema_url.replace("+psycopg", ""))

    def as_app(self) -> psycopg.Connection:
        """A connection as the application's role, to which row-level security applies."""
        return psycopg.connect(self.app_url.replace("+psycopg", ""))


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The PostGIS cluster of this run."""
    with Cluster.for_tests() as running:
        yield running


@pytest.fixture(scope="session")
def migrated(cluster: Cluster) -> Iterator[str]:
    """Name of a template with the whole schema and no rows of ours."""
    name = f"migrated_{WORKER}"
    cluster.create_database(name)
    migrate.upgrade(cluster.url("schema", name))
    yield name
    cluster.drop_database(name)


@pytest.fixture(scope="session")
def district_template(cluster: Cluster, migrated: str) -> Iterator[tuple[str, factories.District]]:
    """Name of a template that holds the hand-made district, and its ids."""
    with cloned(cluster, migrated, "district") as clone:
        with clone.owner() as connection:
            district = factories.make_district(connection)
            connection.commit()
        with psycopg.connect(clone.schema_url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute("ANALYZE")
        yield clone.name, district


@pytest.fixture(scope="session")
def district(district_template: tuple[str, factories.District]) -> factories.District:
    """The ids of the hand-made district."""
    return district_template[1]


@pytest.fixture(scope="session")
def shared(cluster: Cluster, district_template: tuple[str, factories.District]) -> Iterator[Clone]:
    """One database with the district for all tests that leave nothing behind."""
    with cloned(cluster, district_template[0], "shared") as clone:
        yield clone


@pytest.fixture
def database(shared: Clone) -> Iterator[Database]:
    """The district as the application sees it; whatever a test writes is rolled back at its end."""
    engine = create_engine(shared.app_url, poolclass=NullPool)
    with engine.connect() as connection:
        outer = connection.begin()
        yield Database(connection)
        outer.rollback()
    engine.dispose()


@pytest.fixture
def fresh(cluster: Cluster, district_template: tuple[str, factories.District]) -> Iterator[Clone]:
    """A database with the district for one test alone: for commits, concurrency and writes as the owner."""
    with cloned(cluster, district_template[0], f"fresh_{uuid.uuid4().hex[:8]}") as clone:
        yield clone


@pytest.fixture
def fresh_database(fresh: Clone) -> Iterator[Database]:
    """The database of `fresh` over a pool, as in service: commits are real."""
    opened = open_database(fresh.app_url, pool_size=8)
    yield opened
    opened.close()


@pytest.fixture
def empty(cluster: Cluster, migrated: str) -> Iterator[Clone]:
    """The schema without any ground, for one test alone."""
    with cloned(cluster, migrated, f"empty_{uuid.uuid4().hex[:8]}") as clone:
        yield clone


@pytest.fixture(scope="session")
def demo_template(cluster: Cluster, migrated: str, data_dir: Path) -> Iterator[str]:
    """Name of a template that holds the demo district in its small size. Nobody connects to it, or it could not be copied."""
    with cloned(cluster, migrated, "demo") as clone:
        load_demo(clone.schema_url, clone.app_url, "small", keys=keyring(data_dir))
        yield clone.name


@pytest.fixture(scope="session")
def demo_small(cluster: Cluster, demo_template: str) -> Iterator[Clone]:
    """The demo district in its small size, for one run: read it, do not change it."""
    with cloned(cluster, demo_template, "demo_small") as clone:
        yield clone


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for keys and files of this run."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def settings(shared: Clone, data_dir: Path) -> Settings:
    """The settings of an application on the shared database."""
    return settings_for(shared, data_dir)


@pytest.fixture
def app(settings: Settings, database: Database) -> FastAPI:
    """The application on the rolled-back `database`."""
    return make_app(settings, database)


@pytest.fixture
def client(app: FastAPI) -> Client:
    """`client("planner", "a1")`: a client with the token of that role in that area; `client(None)`: of nobody."""
    return clients_of(app)


@pytest.fixture
def fresh_client(fresh: Clone, fresh_database: Database, data_dir: Path) -> Client:
    """Like `client`, on the database of `fresh`, where commits are real."""
    return clients_of(make_app(settings_for(fresh, data_dir), fresh_database))


@pytest.fixture(scope="session")
def live_server(demo_small: Clone, data_dir: Path) -> Iterator[str]:
    """Address of a real server on a free port, on the small demo district."""
    with serve(demo_small, data_dir) as address:
        yield address


@contextmanager
def serve(clone: Clone, data_dir: Path) -> Iterator[str]:
    """A real server on a free loopback port, in a thread of this process."""
    with serving(clone, data_dir) as served:
        yield served.address


@dataclass
class Served:
    """A server that a test may stop and start again on the same port."""

    settings: Settings
    listening: socket.socket
    running: "tuple[uvicorn.Server, threading.Thread] | None" = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.listening.getsockname()[1]}"

    def start(self) -> None:
        """Serve; the socket listens already, so that a first request waits in its queue until the server accepts."""
        from api.server import Server  # noqa: PLC0415  as the application

        server = Server(make_app(self.settings, open_database(self.settings.database_url, pool_size=8)), log_level="warning")
        thread = threading.Thread(target=server.run, kwargs={"sockets": [self.listening.dup()]}, daemon=True)
        self.running = (server, thread)
        thread.start()

    def stop(self) -> None:
        """End it, open streams with it; what asks now is refused."""
        if self.running is None:
            return
        server, thread = self.running
        self.running = None
        server.should_exit = True
        thread.join(timeout=20)


@contextmanager
def serving(clone: Clone, data_dir: Path) -> Iterator[Served]:
    """A real server in a thread of this process that can be stopped and started again."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        served = Served(settings_for(clone, data_dir), listening)
        served.start()
        yield served
        served.stop()


def settings_for(clone: Clone, data_dir: Path) -> Settings:
    """Settings that point at one database and nothing of the machine's environment."""
    return Settings(database_url=clone.app_url, schema_url=clone.schema_url, data_dir=data_dir)


def make_app(settings: Settings, database: Database) -> FastAPI:
    """The whole application; imported late, so that tests of other rooms run while it does not start."""
    from api.main import create_app  # noqa: PLC0415

    return create_app(settings, database)


def clients_of(app: FastAPI) -> Client:
    """A maker of clients with the token of a role in an area of the district."""

    def make(role: str | None = "operator", area: str = "district", *, raises: bool = True) -> TestClient:
        headers = {} if role is None else {"Authorization": f"Bearer {factories.token(role, area)}"}
        return TestClient(app, headers=headers, raise_server_exceptions=raises, follow_redirects=False)

    return make


@contextmanager
def cloned(cluster: Cluster, template: str, name: str) -> Iterator[Clone]:
    """A database made of a template, dropped at the end; each process has its own by that name."""
    name = f"{name}_{WORKER}"
    cluster.create_database(name, template=template)
    yield Clone(name, cluster.url("app", name), cluster.url("schema", name))
    cluster.drop_database(name)
