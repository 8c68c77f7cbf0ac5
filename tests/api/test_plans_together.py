"""Several planners on one plan, and a server that dies: never a broken coverage, nothing lost, conflicts told."""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import orjson
import pytest
import shapely
from shapely.geometry import MultiPolygon, Polygon

from bench._crowd import crowd, faults, made_plan
from gis.certificate import loose_edges
from gis.lattice import STEP
from tests.api.test_plans import CUT, ground, new_plan, operate
from tests.conftest import Client, Clone
from tests.factories import CELL, SOUTH, WEST, token

PROJECT = Path(__file__).parent.parent.parent


def shapes_of(told: dict[str, Any]) -> dict[int, MultiPolygon]:
    """The borders of a ground as degrees."""

    def ring(flat: list[int]) -> Any:
        steps = np.array(flat, dtype=np.int64).reshape(-1, 2)
        steps[0] += told["origin"]
        return np.cumsum(steps, axis=0) * STEP

    return {
        each["id"]: MultiPolygon([Polygon(ring(polygon[0]), [ring(hole) for hole in polygon[1:]]) for polygon in each["polygons"]])
        for each in told["grids"]
    }


def refuse_broken(told: dict[str, Any], whole: MultiPolygon | Polygon) -> None:
    """Fail unless the grids tile exactly what they tiled before, every vertex on both sides."""
    shapes = list(shapes_of(told).values())
    union = shapely.coverage_union_all(shapes)
    assert all(shapely.is_valid(shapes))
    assert loose_edges(shapes, union) == []
    # Vertices that the outer border gains lie on the lattice, less than a step beside the old line.
    assert shapely.area(shapely.symmetric_difference(union, whole)) < shapely.length(union) * STEP


def outline(told: dict[str, Any]) -> Any:
    return shapely.coverage_union_all(list(shapes_of(told).values()))


def test_operations_on_different_ground_both_succeed_without_being_told_again(fresh_client: Client) -> None:
    one, other = fresh_client("planner"), fresh_client("planner", "a")
    plan = new_plan(one)["id"]
    before = ground(one, plan)
    start = threading.Barrier(2)

    def split(client: Any, grid: int, shift: float) -> int:
        start.wait()
        line = [[x + shift, y] for x, y in CUT]
        return int(operate(client, plan, {"kind": "split", "grid": grid, "line": line}, {grid: 1}).status_code)

    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(split, one, 810001, 0.0), pool.submit(split, other, 810004, 3 * CELL)]
        assert [each.result() for each in answers] == [200, 200]
    after = ground(one, plan)
    assert (after["revision"], len(after["grids"])) == (2, 6)
    refuse_broken(after, outline(before))


def test_on_the_same_ground_one_wins_and_the_other_is_told_what_changed(fresh_client: Client) -> None:
    one, other = fresh_client("planner"), fresh_client("planner", "a")
    plan = new_plan(one)["id"]
    start = threading.Barrier(2)

    def split(client: Any) -> Any:
        start.wait()
        return operate(client, plan, {"kind": "split", "grid": 810001, "line": CUT}, {810001: 1})

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(
            (each.result() for each in [pool.submit(split, one), pool.submit(split, other)]), key=lambda each: each.status_code
        )
    assert [each.status_code for each in answers] == [200, 409]
    won, lost = answers[0].json(), answers[1].json()
    assert lost["type"] == "/problems/stale-version"
    assert lost["grids"] == [{"id": 810001, "yours": 1, "now": None}]
    new = {each["id"] for each in won["changed"] if each["base_version"] is None}
    assert new <= {each["id"] for each in lost["changed"]}
    assert lost["by"]["name"].startswith("Person planner.")


def test_a_neighbour_that_only_gains_a_vertex_is_no_conflict(fresh_client: Client) -> None:
    planner = fresh_client("planner")
    plan = new_plan(planner)["id"]
    first = operate(planner, plan, {"kind": "split", "grid": 810001, "line": [[WEST - 1e-3, SOUTH + CELL / 2], [WEST + CELL + 1e-3, SOUTH + CELL / 2]]}, {810001: 1})  # fmt: skip
    assert first.json()["noded"] == [810002]
    second = operate(planner, plan, {"kind": "split", "grid": 810002, "line": [[x + CELL, y] for x, y in CUT]}, {810002: 1})
    assert second.status_code == 200, second.text


def test_undo_is_refused_when_somebody_has_built_on_the_ground(fresh_client: Client) -> None:
    one, other = fresh_client("planner"), fresh_client("planner", "a")
    plan = new_plan(one)["id"]
    told = operate(one, plan, {"kind": "split", "grid": 810001, "line": CUT}, {810001: 1}).json()
    new = sorted(each["id"] for each in told["changed"] if each["base_version"] is None)
    versions = {each["id"]: each["version"] for each in told["changed"]}
    assert operate(other, plan, {"kind": "merge", "grids": new}, {id: versions[id] for id in new}).status_code == 200
    refused = one.post(f"/api/v1/plans/{plan}/undo", json={"client_id": str(uuid4())})
    assert (refused.status_code, refused.json()["reason"], refused.json()["seq"]) == (409, "built_over", 2)
    assert other.post(f"/api/v1/plans/{plan}/undo", json={"client_id": str(uuid4())}).status_code == 200
    back = one.post(f"/api/v1/plans/{plan}/undo", json={"client_id": str(uuid4())})
    assert back.status_code == 200, back.text


def test_the_same_client_id_is_answered_alike_and_done_once(fresh_client: Client) -> None:
    planner = fresh_client("planner")
    plan, key = new_plan(planner)["id"], str(uuid4())
    operation = {"kind": "split", "grid": 810001, "line": CUT}
    first = operate(planner, plan, operation, {810001: 1}, key=key)
    again = operate(planner, plan, operation, {810001: 1}, key=key)
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert planner.get(f"/api/v1/plans/{plan}").json()["revision"] == 1
    other = operate(planner, plan, {**operation, "line": [[x + 1e-4, y] for x, y in CUT]}, {810001: 1}, key=key)
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-mismatch")


def test_whatever_was_done_undo_goes_back_to_the_first_state_bit_for_bit_and_redo_to_the_last(fresh_client: Client) -> None:
    planner = fresh_client("planner")
    plan, chance = new_plan(planner)["id"], random.Random(11)
    states = [state_of(planner, plan)]
    while len(states) < 20:
        answer = _random_edit(planner, plan, ground(planner, plan), chance, undoes=False)
        if answer.status_code == 200:
            states.append(state_of(planner, plan))
    for expected in reversed(states[:-1]):
        back = planner.post(f"/api/v1/plans/{plan}/undo", json={"client_id": str(uuid4())})
        assert back.status_code == 200, back.text
        assert state_of(planner, plan) == expected
    for expected in states[1:]:
        forward = planner.post(f"/api/v1/plans/{plan}/redo", json={"client_id": str(uuid4())})
        assert forward.status_code == 200, forward.text
        assert state_of(planner, plan) == expected


def state_of(client: Any, plan: int) -> dict[int, Any]:
    told = ground(client, plan)
    shapes = shapes_of(told)
    return {each["id"]: (shapes[each["id"]].wkb, each["households"], each["name"], each["community_id"]) for each in told["grids"]}


@pytest.mark.slow
def test_eight_planners_on_one_community_never_break_it_and_lose_nothing(fresh: Clone, data_dir: Path) -> None:
    holders = [token("planner", area) for area in ("a1", "a", "district")]
    database = fresh.schema_url.replace("+psycopg", "")
    with _server(fresh, data_dir) as (_, port):
        plan = made_plan(port, holders[0], "990101001001")
        everybody = [holders[number % 3] for number in range(8)]
        told = crowd(port, plan, everybody, goes_on=lambda edits, _: edits < 12, database=database)
        assert faults(port, plan, holders[0], told, database) == []
        with fresh.owner() as connection:
            connection.execute(
                "UPDATE plan_grid SET geom = ST_Translate(geom, 2.0 ^ -27, 0) WHERE plan_id = %(plan)s AND grid_id ="
                " (SELECT max(grid_id) FROM plan_grid WHERE plan_id = %(plan)s AND geom IS NOT NULL)",
                {"plan": plan},
            )
        assert len(faults(port, plan, holders[0], told, database)) >= 3, "one step of the lattice is seen by each of the proofs"
    by = told.by_status()
    assert by[200] > 8
    assert by[409] > 0, "eight at once on so little ground meet"
    assert told.proofs > 1


def _random_edit(client: Any, plan: int, told: dict[str, Any], chance: random.Random, *, undoes: bool = True) -> Any:
    grid = chance.choice(told["grids"])
    shape = shapes_of(told)[grid["id"]]
    way = chance.random()
    if way < 0.2 and undoes:
        return client.post(f"/api/v1/plans/{plan}/undo", json={"client_id": str(uuid4())})
    if way < 0.4 and len(told["grids"]) > 3:
        other = chance.choice([each for each in told["grids"] if each["id"] != grid["id"]])
        base = {grid["id"]: grid["version"], other["id"]: other["version"]}
        return operate(client, plan, {"kind": "merge", "grids": sorted(base)}, base)
    place, angle = shapely.point_on_surface(shape), chance.uniform(0, np.pi)
    reach = np.array([np.cos(angle), np.sin(angle)]) * 4 * CELL
    line = [[float(place.x - reach[0]), float(place.y - reach[1])], [float(place.x + reach[0]), float(place.y + reach[1])]]
    return operate(client, plan, {"kind": "split", "grid": grid["id"], "line": line}, {grid["id"]: grid["version"]})


@pytest.mark.slow
def test_a_server_killed_in_the_middle_of_operations_leaves_whole_operations_only(
    fresh: Clone, fresh_client: Client, data_dir: Path
) -> None:
    planner = fresh_client("planner")
    plan = new_plan(planner)["id"]
    start = ground(planner, plan)
    acknowledged = 0
    for round_number in range(4):
        with _server(fresh, data_dir) as (process, port):
            killer = threading.Timer(0.5 + 0.07 * round_number, process.send_signal, [signal.SIGKILL])
            chance = random.Random(round_number)
            with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
                killer.start()
                with suppress(OSError, HTTPException):
                    while True:
                        acknowledged += _edit_over(connection, plan, chance)
            process.wait(timeout=30)
        told = ground(planner, plan)
        refuse_broken(told, outline(start))
        log = planner.get(f"/api/v1/plans/{plan}/operations").json()["items"]
        assert [each["seq"] for each in log] == list(range(1, told["revision"] + 1))
        # What was answered is there; one more may have been committed whose answer never left.
        assert acknowledged <= told["revision"] <= acknowledged + round_number + 1
    assert acknowledged > 0


def _edit_over(connection: HTTPConnection, plan: int, chance: random.Random) -> int:
    told = _ask(connection, "GET", f"/api/v1/plans/{plan}/ground", None)[1]
    grid = max(told["grids"], key=lambda each: each["area_m2"])
    place, angle = shapely.point_on_surface(shapes_of(told)[grid["id"]]), chance.uniform(0, np.pi)
    reach = np.array([np.cos(angle), np.sin(angle)]) * 4 * CELL
    line = [[float(place.x - reach[0]), float(place.y - reach[1])], [float(place.x + reach[0]), float(place.y + reach[1])]]
    body = {"client_id": str(uuid4()), "base": {str(grid["id"]): grid["version"]},
            "operation": {"kind": "split", "grid": grid["id"], "line": line}}  # fmt: skip
    return int(_ask(connection, "POST", f"/api/v1/plans/{plan}/operations", body)[0] == 200)


def _ask(connection: HTTPConnection, method: str, path: str, body: Any) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token('planner')}", "Content-Type": "application/json"}
    connection.request(method, path, body=None if body is None else orjson.dumps(body), headers=headers)
    answer = connection.getresponse()
    return answer.status, orjson.loads(answer.read())


@contextmanager
def _server(clone: Clone, data_dir: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {**os.environ, "WANGGE_DATABASE_URL": clone.app_url, "WANGGE_DATA_DIR": str(data_dir)}
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "--factory",
        "api.main:create_app_from_settings",
        "--port",
        str(port),
        "--log-level",
        "error",
    ]
    process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while process.poll() is None:
            with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
                try:
                    connection.request("GET", "/readyz")
                    connection.getresponse().read()
                    break
                except OSError:
                    threading.Event().wait(0.05)
        yield process, port
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(timeout=30)
