"""A desk that reads files and a city to bring in; a planner, a reviewer and the worker's hands over a fresh district."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.cluster import Cluster
from api.tiles import routes
from api.work import Work
from data.database import open_database
from data.files.desk import Desk
from tests import insight
from tests.conftest import Clone, cloned
from tests.imported_city import City
from tests.insight import InsightCity


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with Desk() as opened:
        yield opened


@pytest.fixture
def city(tmp_path: Path, empty: Clone, desk: Desk) -> Iterator[City]:
    database = open_database(empty.schema_url, pool_size=2)
    made = City(tmp_path, empty, database, desk)
    made.write_ground()
    made.write_calls()
    yield made
    database.close()


@pytest.fixture(scope="session")
def insight_template(cluster: Cluster, migrated: str) -> Iterator[str]:
    """Name of a template with the ground of the city for analyses, made once a run."""
    with cloned(cluster, migrated, "insight") as clone:
        insight.make_city(clone)
        yield clone.name


@pytest.fixture
def insight_city(cluster: Cluster, insight_template: str) -> Iterator[InsightCity]:
    """The city for analyses, without any incident, for one test alone."""
    with cloned(cluster, insight_template, f"insight_{uuid.uuid4().hex[:8]}") as clone:
        yield InsightCity(clone)


@pytest.fixture
def insight_work(insight_city: InsightCity, tmp_path: Path) -> Iterator[Work]:
    """What a job works with, in that city."""
    opened = Work(insight_city.clone.schema_url, outbox=tmp_path / "outbox")
    yield opened
    opened.close()


@pytest.fixture
def work(fresh) -> Iterator[Work]:
    made = Work(fresh.schema_url)
    yield made
    made.close()


@pytest.fixture
def planner(fresh_client):
    return fresh_client("planner", "district")


@pytest.fixture
def reviewer(fresh_client):
    return fresh_client("planner", "a")


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is, each of several tiles is waited for."""
    monkeypatch.setattr(routes, "PATIENCE_S", 60.0)
