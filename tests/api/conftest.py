"""Fixtures of the import: a desk that reads files, and a city to bring in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from data.database import open_database
from data.files.desk import Desk
from tests.conftest import Clone
from tests.imported_city import City


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
