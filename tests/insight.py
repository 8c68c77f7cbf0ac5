"""A city made for analyses: 8 × 8 equal grids in 16 communities, and incidents as a test wants them, in a database of its own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import psycopg
from numpy.typing import NDArray
from starlette.testclient import TestClient

from api.analyses import service, working
from api.analyses.question import QuestionIn, complete
from api.work import Work
from data.database import open_database
from data.queries import analyses
from gis import crs
from tests import factories
from tests.conftest import Clone, make_app, settings_for
from tests.factories import CELL, SCHEME, SOUTH, WEST, Place

SIDE = 8
ZONE = ZoneInfo("Asia/Shanghai")
TODAY = date(2026, 3, 31)
HOUSEHOLDS = 400
QUICK = {"permutations": 999, "alternate": False}
SCAN: dict[str, object] = {"method": "scan", "seed": 5, "parameters": {"permutations": 99}}
DISTRICT, STREET = 7200, 7210


def grid_id(column: int, row: int) -> int:
    """The id of the grid in a column and row."""
    return 820_000 + row * SIDE + column


def community_id(column: int, row: int) -> int:
    """The community, two by two grids, that a grid lies in."""
    return 7300 + (row // 2) * (SIDE // 2) + column // 2


HOT = [grid_id(column, row) for column in (4, 5, 6) for row in (4, 5, 6)]


@dataclass
class InsightCity:
    """The city in one database; days are those of Shanghai, and today is TODAY."""

    clone: Clone
    added: int = 0

    def add(
        self, days: NDArray[np.int64] | list[int], grids: NDArray[np.int64] | list[int], *, category: int = 410, source: str = "hotline",
        seed: int = 1, at: tuple[float, float] | None = None, hour: int | None = None, address: str = "",
    ) -> list[int]:  # fmt: skip
        """Incidents on some days (counted back from today, 0) in some grids; places by chance within the grid, or all `at` one."""
        rng = np.random.default_rng(seed)
        number = len(days)
        first = 1_000_000 + self.added
        self.added += number
        column, row = (np.asarray(grids) - 820_000) % SIDE, (np.asarray(grids) - 820_000) // SIDE
        lon, lat = WEST + (column + rng.uniform(0.02, 0.98, number)) * CELL, SOUTH + (row + rng.uniform(0.02, 0.98, number)) * CELL
        if at is not None:
            lon, lat = np.full(number, at[0]), np.full(number, at[1])
        seconds = rng.integers(1, 86_399, number) if hour is None else np.full(number, hour * 3600)
        keys = crs.morton_key(lon, lat)
        cells = crs.cell_of(lon, lat)
        with self.clone.owner() as connection, connection.cursor() as cursor:
            rows = []
            for each in range(number):
                moment = datetime.combine(TODAY - timedelta(days=int(days[each])), datetime.min.time(), ZONE)
                moment += timedelta(seconds=int(seconds[each]))
                late = each % 4 == 0
                rows.append((
                    int(cells[each]), first + each, moment, source, f"I{first + each}", category, address, float(lon[each]), float(lat[each]),
                    int(keys[each]), community_id(int(column[each]), int(row[each])), int(grids[each]),
                    moment + timedelta(hours=30 if late else 3), moment + timedelta(hours=24),
                ))  # fmt: skip
            cursor.executemany(
                "INSERT INTO incident (cell, id, reported_at, source, source_id, category_id, address, place, qk, community_id, grid_id, grid_version,"
                " placed_by, state, closed_at, due_at) VALUES (%s, %s, %s, %s, %s, %s, %s, ST_SetSRID(ST_MakePoint(%s, %s), 4490), %s, %s, %s, 1,"
                " 'covers', 'closed', %s, %s)",
                rows,
            )
            cursor.execute(
                "INSERT INTO intake (source, source_id, cell, incident_id, reported_at, community_id)"
                " SELECT source, source_id, cell, id, reported_at, community_id FROM incident WHERE id >= %s AND id < %s",
                (first, first + number),
            )
            connection.commit()
        return list(range(first, first + number))

    def background(self, mean: float, days: int = 90, *, category: int = 410, seed: int = 7) -> None:
        """The same chance everywhere: so many incidents a grid on average over the last days."""
        rng = np.random.default_rng(seed)
        counts = rng.poisson(mean, SIDE * SIDE)
        grids = np.repeat(820_000 + np.arange(SIDE * SIDE), counts)
        self.add(rng.integers(0, days, len(grids)), grids, category=category, seed=seed)


def make_city(clone: Clone) -> InsightCity:
    """Ground, households, categories and an analyst of the whole, of one community and of two streets' worth of it."""
    with clone.owner() as connection:
        _make_ground(connection)
        factories.make_categories(connection)
        connection.execute("SELECT incident_partition(2025), incident_partition(2026)")
        connection.execute("INSERT INTO deployment (key, value) VALUES ('now', '\"2026-03-31T23:59:00+08:00\"')")
        for name, roles, area in (
            ("whole", ["analyst"], DISTRICT),
            ("one", ["analyst"], community_id(0, 0)),
            ("clerk", ["clerk"], community_id(0, 0)),
        ):
            _make_person(connection, name, roles, area)
        connection.commit()
    return InsightCity(clone)


def token(name: str) -> str:
    """The bearer token of `whole`, `one` or `clerk`."""
    return f"insight-token-of-{name}-0123456789-0123456789"


@contextmanager
def people(city: InsightCity, data_dir: Path) -> Iterator[Callable[..., TestClient]]:
    """`make("whole")`: a client of somebody of the city."""
    database = open_database(city.clone.app_url, pool_size=4)
    app = make_app(settings_for(city.clone, data_dir), database)

    def make(name: str = "whole") -> TestClient:
        return TestClient(app, headers={"Authorization": f"Bearer {token(name)}"}, follow_redirects=False)

    yield make
    database.close()


def _make_ground(connection: psycopg.Connection) -> None:
    connection.execute(
        "INSERT INTO scheme (id, code, name, name_en, code_pattern, is_primary) VALUES (%s, 'governance', '治理网格', 'Governance grids',"
        " '{community}{serial:03d}', true)",
        (SCHEME,),
    )
    half = SIDE // 2
    places = [(DISTRICT, "district", None, "990201000000", Place("", DISTRICT, "district", None, "", "", "", 0, 0, SIDE, SIDE)),
              (STREET, "street", DISTRICT, "990201001000", Place("", STREET, "street", None, "", "", "", 0, 0, SIDE, SIDE))]  # fmt: skip
    for at in range(half * half):
        column, row = 2 * (at % half), 2 * (at // half)
        place = Place("", 7300 + at, "community", None, "", "", "", column, row, 2, 2)
        places.append((7300 + at, "community", STREET, f"990201001{at + 1:03d}", place))
    for id, level, parent, code, place in places:
        connection.execute(
            "INSERT INTO area (id, level, parent_id, code, name, name_en, geom, valid_from) VALUES (%s, %s, %s, %s, %s, %s, %s, '2020-01-01')",
            (id, level, parent, code, f"区域{id}", f"Area {id}", factories.wkb(factories.outline(place))),
        )
    for row in range(SIDE):
        for column in range(SIDE):
            community = community_id(column, row)
            place = Place("", 0, "grid", None, "", "", "", column, row, 1, 1)
            serial = (row % 2) * 2 + column % 2 + 1
            connection.execute(
                "INSERT INTO grid (id, scheme_id, community_id, code, name, name_en, households, geom, valid_from)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, '2020-01-01')",
                (grid_id(column, row), SCHEME, community, f"990201001{community - 7299:03d}{serial:03d}", f"网格{column}-{row}", f"Grid {column}-{row}",
                 HOUSEHOLDS, factories.wkb(factories.outline(place))),
            )  # fmt: skip


def _make_person(connection: psycopg.Connection, name: str, roles: list[str], area: int) -> None:
    row = connection.execute(
        "INSERT INTO person (sign_in_name, display_name, roles) VALUES (%s, %s, %s) RETURNING id", (f"insight-{name}", name, roles)
    ).fetchone()
    assert row is not None
    connection.execute("INSERT INTO person_scope (person_id, area_id) VALUES (%s, %s)", (row[0], area))
    factories.open_session(connection, row[0], token(name))


def with_a_hot_corner(city: InsightCity, extra: int = 40) -> None:
    """The same chance everywhere, and in nine grids far more."""
    city.background(20)
    city.add(np.arange(extra * len(HOT)) % 90, np.repeat(HOT, extra), seed=3)


def asked(work: Work, **question: object) -> int:
    """A question stored for the worker; its id."""
    with work.unit() as (session, scope):
        found = complete(session, scope, QuestionIn.model_validate(question))
        return service.keep(session, scope, found, origin="command", asked_by=None)


def answered(work: Work, **question: object) -> tuple[str, Any, Any]:
    """A question worked out: its state, its result, its row."""
    id = asked(work, **question)
    state = working.work_out(work, id)
    with work.unit() as (session, scope):
        return state, analyses.document(session, scope, id), analyses.one(session, scope, id)
