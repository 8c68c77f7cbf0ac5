"""Whoever writes sees it on the next question; and after any sequence of writes all that is counted equals a plain recount."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from starlette.testclient import TestClient

from gis import crs
from tests import factories
from tests.conftest import Clone, make_app, settings_for
from tests.factories import CELL, SOUTH, WEST, District
from tests.mvt import read

WRITES = 60


@pytest.fixture
def operator(fresh: Clone, data_dir: Path, fresh_database: Any) -> Iterator[TestClient]:
    """A client of a served application: held connections, cached tiles, real commits."""
    app = make_app(settings_for(fresh, data_dir), fresh_database)
    with TestClient(app, headers={"Authorization": f"Bearer {factories.token('operator')}"}) as client:
        yield client


def tile_at(lon: float, lat: float, z: int) -> str:
    key = int(crs.morton_key([lon], [lat])[0]) >> (2 * (24 - z))
    x = sum((key >> (2 * bit) & 1) << bit for bit in range(z))
    y = sum((key >> (2 * bit + 1) & 1) << bit for bit in range(z))
    return f"/tiles/incidents/{z}/{x}/{y}"


def shown(client: TestClient, path: str) -> Counter[str]:
    """How many incidents a tile shows, one by one or in cells."""
    answer = client.get(path)
    assert answer.status_code in (200, 204), answer.text
    found: Counter[str] = Counter()
    for layer, features in (read(answer.content) if answer.content else {}).items():
        found[layer] += sum(each.properties.get("n", 1) for each in features)
    return found


def picture(client: TestClient) -> dict[str, Any]:
    answer = client.get("/api/v1/picture", params={"fill": "open", "feed": 200})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def figure(told: dict[str, Any], name: str) -> float:
    return float(next(each["value"] for each in told["overview"]["kpi"] if each["id"] == name))


def test_the_tile_and_the_panels_a_writer_changed_are_fresh_on_the_next_request(operator: TestClient) -> None:
    lon, lat = WEST + 0.5 * CELL, SOUTH + 0.5 * CELL
    near, far = tile_at(lon, lat, 16), tile_at(lon, lat, 12)
    for n in range(5):
        before = (shown(operator, near)["incident"], shown(operator, far)["incident_cell"], figure(picture(operator), "today"))
        answer = operator.post("/api/v1/incidents", json={"category_id": 410, "lon": lon, "lat": lat, "title": f"Fresh {n}"})
        assert answer.status_code == 201
        told = picture(operator)
        assert (shown(operator, near)["incident"], shown(operator, far)["incident_cell"], figure(told, "today")) == tuple(
            each + 1 for each in before
        )
        assert told["feed"]["items"][0]["id"] == answer.json()["id"]


@pytest.mark.parametrize("seed", [1, 2])
def test_after_any_writes_panels_feed_ranking_and_map_equal_a_recount(
    operator: TestClient, fresh: Clone, district: District, seed: int
) -> None:
    random = Random(seed)
    mine: list[dict[str, Any]] = []
    for _ in range(WRITES):
        write(operator, random, district, mine)
    told = picture(operator)
    with fresh.owner() as connection:
        still_open, today = connection.execute(
            "SELECT count(*) FILTER (WHERE is_open), count(*) FILTER (WHERE (reported_at AT TIME ZONE deployment_time_zone())::date"
            " = (deployment_now() AT TIME ZONE deployment_time_zone())::date) FROM incident"
        ).fetchone() or (0, 0)
        by_grid = dict(connection.execute("SELECT grid_id, count(*) FROM incident WHERE is_open GROUP BY grid_id").fetchall())
        by_street = dict(
            connection.execute(
                "SELECT street.code, count(*) FROM incident JOIN area AS c ON c.id = community_id JOIN area AS street ON street.id = c.parent_id"
                " WHERE is_open GROUP BY 1"
            ).fetchall()
        )
        states = dict(connection.execute("SELECT id, state FROM incident").fetchall())
        placed = connection.execute("SELECT count(*) FROM incident WHERE place IS NOT NULL").fetchone()
    assert (figure(told, "open"), figure(told, "today")) == (still_open, today)
    assert {row["code"]: row["open"] for row in told["overview"]["ranking"] if row["open"]} == by_street
    assert {int(grid): n for grid, n in told["fill"]["values"].items() if n} == {grid: n for grid, n in by_grid.items() if grid}
    assert {each["id"]: each["state"] for each in told["feed"]["items"]} == {
        each["id"]: states[each["id"]] for each in told["feed"]["items"]
    }
    assert {each["id"] for each in mine} <= {each["id"] for each in told["feed"]["items"]}
    assert placed
    assert shown(operator, tile_at(WEST + 2 * CELL, SOUTH + CELL, 10))["incident_cell"] == placed[0]


def write(client: TestClient, random: Random, district: District, mine: list[dict[str, Any]]) -> None:
    """One write as people make them: a report, a step that is open, sometimes taken back."""
    if not mine or random.random() < 0.45:
        at = {"lon": WEST + random.random() * 4 * CELL, "lat": SOUTH + random.random() * 2 * CELL}
        answer = client.post("/api/v1/incidents", json={"category_id": random.choice([410, 420]), **at})
        assert answer.status_code == 201, answer.text
        mine.append({"id": answer.json()["id"]})
        return
    incident = random.choice(mine)["id"]
    found = client.get(f"/api/v1/incidents/{incident}").json()
    steps = [each for each in found["steps"] if "date" not in each["needs"] and each["action"] != "extend"]
    if not steps:
        return
    step = random.choice(steps)
    asked = {"action": step["action"], "version": found["version"], "note": "理由", "confirmed": True}
    if "hands" in step["needs"]:
        asked |= {"queue": True} if random.random() < 0.5 else {"officer_id": random.choice(district.own.officers)}
    told = client.post(f"/api/v1/incidents/{incident}/actions", json=asked)
    assert told.status_code == 200, told.text
    if told.json()["undo_s"] and random.random() < 0.5:
        assert client.post(f"/api/v1/incidents/{incident}/undo", json={"version": told.json()["version"]}).status_code == 200
