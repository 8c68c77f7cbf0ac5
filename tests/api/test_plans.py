"""Drafts: from a plan through operations, undo and redo back to the first state, on real PostGIS."""

from typing import Any
from uuid import uuid4

import pytest

from gis.lattice import STEP
from tests.conftest import Client
from tests.factories import CELL, SOUTH, WEST

MIDDLE = WEST + CELL / 2
"""Where the first grid of a1 is cut in two."""
CUT = [[MIDDLE, SOUTH - 1e-3], [MIDDLE, SOUTH + CELL + 1e-3]]


def new_plan(client: Any, area: str = "990101001000", **more: object) -> dict[str, Any]:
    answer = client.post("/api/v1/plans", json={"name": "调整方案", "area": area, **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def operate(
    client: Any, plan: int, operation: dict[str, object], base: dict[int, int] | None = None, *, dry: bool = False, key: str = ""
) -> Any:
    body = {"client_id": key or str(uuid4()), "base": {str(id): version for id, version in (base or {}).items()}, "operation": operation}
    return client.post(f"/api/v1/plans/{plan}/operations", params={"dry_run": dry}, json=body)


def ground(client: Any, plan: int, **asked: object) -> dict[str, Any]:
    answer = client.get(f"/api/v1/plans/{plan}/ground", params=asked)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def rings(told: dict[str, Any], grid: int) -> set[tuple[float, float]]:
    """The vertices of a grid as degrees."""
    found = set()
    for polygon in next(each for each in told["grids"] if each["id"] == grid)["polygons"]:
        for ring in polygon:
            x, y = told["origin"]
            for dx, dy in zip(ring[::2], ring[1::2], strict=True):
                x, y = x + dx, y + dy
                found.add((x * STEP, y * STEP))
    return found


def test_a_plan_is_made_listed_and_shown_with_what_may_be_done(client: Client) -> None:
    planner = client("planner")
    plan = new_plan(planner)
    assert (plan["state"], plan["revision"], plan["area"]["code"], plan["scheme"]["code"]) == ("draft", 0, "990101001000", "governance")
    assert plan["counts"] == {"grids": 4, "changed": 0, "new": 0, "ended": 0, "communities": 2}
    assert plan["may"] == ["edit", "withdraw", "comment"]
    assert plan["made_by"]["name"] == "Person planner.district"
    assert next(each["id"] for each in planner.get("/api/v1/plans", params={"area": "990101001000"}).json()["items"]) == plan["id"]
    assert client("analyst").get(f"/api/v1/plans/{plan['id']}").json()["may"] == []


def test_who_does_not_see_every_community_of_a_plan_does_not_see_the_plan(client: Client) -> None:
    plan = new_plan(client("planner"))
    clerk = client("planner", "a1")
    assert clerk.get(f"/api/v1/plans/{plan['id']}").status_code == 404
    assert [each["id"] for each in clerk.get("/api/v1/plans").json()["items"]] == [900001]
    assert operate(clerk, plan["id"], {"kind": "split", "grid": 810001, "line": CUT}, {810001: 1}).status_code == 404


def test_the_ground_of_a_plan_comes_in_lattice_steps_with_neighbours_that_tell_nothing(client: Client) -> None:
    planner = client("planner")
    plan = new_plan(planner, "990101001001")
    told = ground(planner, plan["id"])
    assert [each["id"] for each in told["grids"]] == [810001, 810002]
    assert (WEST, SOUTH) in rings(told, 810001)
    assert all(each["id"] < 0 for each in told["around"])
    assert len(told["around"]) == 4
    first = told["grids"][0]
    assert first["officer"] == {"id": 860001, "name": "枫一社区网格员1"}
    assert (first["households"], first["changed"], first["locked"]) == (1, False, False)


def test_a_split_ends_a_grid_and_makes_two_that_hold_its_homes(client: Client) -> None:
    planner = client("planner")
    plan = new_plan(planner)["id"]
    answer = operate(planner, plan, {"kind": "split", "grid": 810001, "line": CUT}, {810001: 1})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["revision"], told["seq"], told["ended"], told["certificate"]) == (1, 1, [810001], True)
    new = [each for each in told["changed"] if each["base_version"] is None]
    assert len(new) == 2
    assert sum(each["households"] for each in new) == 1
    assert {each["name"] for each in new} == {"枫一社区甲-1", "枫一社区甲-2"}
    assert told["figures"]["before"][0]["households"] == 1
    shown = ground(planner, plan)
    assert {each["id"] for each in shown["grids"]} == {810002, 810003, 810004, *(each["id"] for each in new)}
    counts = planner.get(f"/api/v1/plans/{plan}").json()["counts"]
    assert counts == {"grids": 5, "changed": 0, "new": 2, "ended": 1, "communities": 2}


def test_incidents_on_changed_ground_are_told_of_grids_asked_for_by_number(client: Client) -> None:
    planner = client("planner")
    plan = new_plan(planner)["id"]
    today = {each["id"]: each for each in ground(planner, plan, grids="810001,810002,810003")["grids"]}
    merged = operate(planner, plan, {"kind": "merge", "grids": [810001, 810002], "keep": 810001}, {810001: 1, 810002: 1})
    assert merged.status_code == 200, merged.text
    told = ground(planner, plan, grids="810001,810003")["grids"]
    assert [each["id"] for each in told] == [810001, 810003]
    assert told[0]["open_incidents"] == today[810001]["open_incidents"] + today[810002]["open_incidents"] == 1
    assert told[0]["year_incidents"] == 2, "the closed one, too"
    assert told[1] == today[810003]


def test_undoing_a_split_gives_the_page_its_grid_back(client: Client) -> None:
    planner = client("planner")
    plan = new_plan(planner)["id"]
    halves = [each["id"] for each in operate(planner, plan, {"kind": "split", "grid": 810001, "line": CUT}, {810001: 1}).json()["changed"]]
    told = planner.post(f"/api/v1/plans/{plan}/undo", json={"client_id": str(uuid4())}).json()
    assert 810001 in [each["id"] for each in told["changed"]]
    assert 810001 not in told["ended"]
    assert set(told["ended"]) == set(halves) - {each["id"] for each in told["changed"]}


def test_undo_goes_back_to_the_first_state_bit_for_bit_and_redo_forward_again(client: Client) -> None:
    planner = client("planner")
    plan = new_plan(planner)["id"]
    first = ground(planner, plan)
    assert operate(planner, plan, {"kind": "split", "grid": 810001, "line": CUT}, {810001: 1}).status_code == 200
    second = ground(planner, plan)
    assert operate(planner, plan, {"kind": "merge", "grids": [810003, 810004]}, {810003: 1, 810004: 1}).status_code == 200
    third = ground(planner, plan)
    for expected in (second, first):
        back = planner.post(f"/api/v1/plans/{plan}/undo", json={"client_id": str(uuid4())})
        assert back.status_code == 200, back.text
        assert borders(ground(planner, plan)) == borders(expected)
    nothing = planner.post(f"/api/v1/plans/{plan}/undo", json={"client_id": str(uuid4())})
    assert (nothing.status_code, nothing.json()["reason"]) == (409, "nothing_to_undo")
    for expected in (second, third):
        assert planner.post(f"/api/v1/plans/{plan}/redo", json={"client_id": str(uuid4())}).status_code == 200
        assert borders(ground(planner, plan)) == borders(expected)
    assert planner.post(f"/api/v1/plans/{plan}/redo", json={"client_id": str(uuid4())}).json()["reason"] == "nothing_to_redo"


def borders(told: dict[str, Any]) -> dict[int, Any]:
    return {each["id"]: (each["polygons"], each["households"], each["name"], each["community_id"]) for each in told["grids"]}


@pytest.mark.parametrize(
    ("operation", "base"),
    [
        ({"kind": "redraw", "line": [[WEST + CELL, SOUTH + CELL * 0.25], [WEST + CELL * 1.25, SOUTH + CELL * 0.5],
                                     [WEST + CELL, SOUTH + CELL * 0.75]]}, {810001: 1, 810002: 1}),
        ({"kind": "move_vertex", "at": [WEST + CELL, SOUTH + CELL], "to": [WEST + CELL * 1.125, SOUTH + CELL], "cross_communities": True}, {}),
        ({"kind": "give", "to": 810001, "lasso": [[WEST + CELL * 0.9, SOUTH + CELL * 0.25], [WEST + CELL * 1.2, SOUTH + CELL * 0.25],
                                                  [WEST + CELL * 1.2, SOUTH + CELL * 0.5], [WEST + CELL * 0.9, SOUTH + CELL * 0.5]]}, {810001: 1}),
    ],
)  # fmt: skip
def test_each_kind_of_drawing_changes_the_grids_it_should(client: Client, operation: dict[str, object], base: dict[int, int]) -> None:
    planner = client("planner")
    plan = new_plan(planner, "990101000000")["id"]
    dry = operate(planner, plan, operation, base, dry=True)
    assert dry.status_code == 200, dry.text
    assert planner.get(f"/api/v1/plans/{plan}").json()["revision"] == 0
    answer = operate(planner, plan, operation, base)
    assert answer.status_code == 200, answer.text
    assert {each["id"] for each in answer.json()["changed"] if each["changed"]} >= {810001, 810002}


def test_checks_find_grids_out_of_the_band_and_buildings_that_a_border_cuts(client: Client) -> None:
    planner = client("planner")
    plan = new_plan(planner, household_min=1, household_max=2)["id"]
    assert planner.get(f"/api/v1/plans/{plan}/checks").json()["items"] == []
    # The building of the first grid stands in its middle, where the cut runs.
    assert operate(planner, plan, {"kind": "split", "grid": 810001, "line": CUT}, {810001: 1}).status_code == 200
    items = planner.get(f"/api/v1/plans/{plan}/checks").json()["items"]
    assert {each["kind"] for each in items} == {"building_cut", "out_of_band", "unbalanced"}
    cut = next(each for each in items if each["kind"] == "building_cut")
    assert (cut["detail"]["building"], len(cut["grids"])) == (820001, 2)
    assert abs(cut["place"][0] - MIDDLE) < 1e-4


def test_a_locked_grid_keeps_its_ground_until_it_is_unlocked(client: Client) -> None:
    planner = client("planner")
    plan = new_plan(planner)["id"]
    assert planner.put(f"/api/v1/plans/{plan}/locks/810001").json() == {"grid": 810001, "locked": True}
    refused = operate(planner, plan, {"kind": "merge", "grids": [810001, 810002]}, {810001: 1, 810002: 1})
    assert (refused.status_code, refused.json()["reason"]) == (422, "locked")
    assert next(each for each in ground(planner, plan)["grids"] if each["id"] == 810001)["locked"] is True
    assert planner.delete(f"/api/v1/plans/{plan}/locks/810001").status_code == 200
    assert operate(planner, plan, {"kind": "merge", "grids": [810001, 810002]}, {810001: 1, 810002: 1}).status_code == 200


def test_communities_merge_split_and_take_grids_of_each_other(client: Client) -> None:
    planner = client("planner")
    plan = new_plan(planner)["id"]
    moved = operate(planner, plan, {"kind": "transfer", "grids": [810003], "community": 7111}, {810003: 1})
    assert moved.status_code == 200, moved.text
    assert next(each for each in ground(planner, plan)["grids"] if each["id"] == 810003)["community_id"] == 7111
    torn = operate(planner, plan, {"kind": "transfer", "grids": [810002], "community": 7112}, {810002: 1})
    assert (torn.status_code, torn.json()["reason"]) == (422, "not_contiguous")
    empty = operate(planner, plan, {"kind": "transfer", "grids": [810004], "community": 7111}, {810004: 1})
    assert (empty.status_code, empty.json()["reason"]) == (422, "would_be_empty")
    split = operate(planner, plan, {"kind": "split_community", "community": 7111, "grids": [810001], "name": "枫三社区"}, {810001: 1})
    new = split.json()["communities"][0]["id"]
    known = {each["id"]: each for each in ground(planner, plan)["communities"]}
    assert (known[new]["name"], known[new]["code"]) == ("枫三社区", None)
    merged = operate(planner, plan, {"kind": "merge_communities", "communities": [7111, 7112], "keep": 7112, "name": "枫林社区"})
    assert merged.status_code == 200, merged.text
    told = ground(planner, plan)
    assert {each["id"]: (each["name"], each["ended"]) for each in told["communities"]} == {
        7111: ("枫一社区", True), 7112: ("枫林社区", False), new: ("枫三社区", False),
    }  # fmt: skip
    for _ in range(3):
        assert planner.post(f"/api/v1/plans/{plan}/undo", json={"client_id": str(uuid4())}).status_code == 200
    back = ground(planner, plan)
    assert [(each["id"], each["ended"]) for each in back["communities"]] == [(7111, False), (7112, False)]
    assert {each["id"]: each["community_id"] for each in back["grids"]} == {810001: 7111, 810002: 7111, 810003: 7112, 810004: 7112}


def test_a_snapshot_brings_all_ground_back_as_one_operation(client: Client) -> None:
    planner = client("planner")
    plan = new_plan(planner)["id"]
    operate(planner, plan, {"kind": "split", "grid": 810001, "line": CUT}, {810001: 1})
    then = borders(ground(planner, plan))
    assert planner.post(f"/api/v1/plans/{plan}/snapshots", json={"name": "初稿"}).status_code == 201
    assert planner.post(f"/api/v1/plans/{plan}/snapshots", json={"name": "初稿"}).status_code == 409
    operate(planner, plan, {"kind": "merge", "grids": [810003, 810004]}, {810003: 1, 810004: 1})
    later = borders(ground(planner, plan))
    assert operate(planner, plan, {"kind": "restore", "snapshot": "初稿"}).status_code == 200
    assert borders(ground(planner, plan)) == then
    planner.post(f"/api/v1/plans/{plan}/undo", json={"client_id": str(uuid4())})
    assert borders(ground(planner, plan)) == later
    copied = planner.post(f"/api/v1/plans/{plan}/copy", json={"name": "副本"}).json()
    assert copied["counts"] == planner.get(f"/api/v1/plans/{plan}").json()["counts"]
    assert not {each["id"] for each in ground(planner, copied["id"])["grids"] if each["base_version"] is None} & set(later)


def test_a_snapshot_comes_back_though_a_grid_that_only_gained_vertices_is_locked_since(client: Client) -> None:
    planner = client("planner")
    plan = new_plan(planner)["id"]
    along = [[WEST - 1e-3, SOUTH + CELL / 2], [WEST + CELL + 1e-4, SOUTH + CELL / 2]]
    split = operate(planner, plan, {"kind": "split", "grid": 810001, "line": along}, {810001: 1}).json()
    then = borders(ground(planner, plan))
    planner.post(f"/api/v1/plans/{plan}/snapshots", json={"name": "初稿"})
    planner.post(f"/api/v1/plans/{plan}/undo", json={"client_id": str(uuid4())})
    assert split["noded"]
    for grid in split["noded"]:
        planner.put(f"/api/v1/plans/{plan}/locks/{grid}")
    back = operate(planner, plan, {"kind": "restore", "snapshot": "初稿"})
    assert back.status_code == 200, back.text
    assert borders(ground(planner, plan)) == then


def test_a_stream_tells_of_operations_after_the_last_one_seen(client: Client) -> None:
    planner = client("planner")
    plan = new_plan(planner)["id"]
    operate(planner, plan, {"kind": "split", "grid": 810001, "line": CUT}, {810001: 1})
    quiet = planner.get(f"/api/v1/plans/{plan}/events", params={"seconds": 0})
    assert quiet.headers["content-type"].startswith("text/event-stream")
    assert "event:" not in quiet.text
    told = planner.get(f"/api/v1/plans/{plan}/events", params={"seconds": 0}, headers={"Last-Event-ID": "0"}).text
    assert "id: 1\nevent: operation\n" in told
    assert '"ended":[810001]' in told.replace(" ", "")
    # Of neighbours outside the plan, which only gained a vertex, nothing is told.
    assert "810005" not in told


@pytest.mark.parametrize(
    ("operation", "base", "status", "why"),
    [
        ({"kind": "split", "grid": 810001, "line": [[112.0, 28.0], [112.1, 28.0]]}, {810001: 1}, 422, "does_not_cross"),
        ({"kind": "split", "grid": 810007, "line": CUT}, {810007: 1}, 422, "unknown_grid"),
        ({"kind": "split", "grid": 1, "line": CUT}, {1: 1}, 422, "unknown_grid"),
        ({"kind": "split", "grid": 810001, "line": CUT}, {}, 422, "bad-value"),
        ({"kind": "split", "grid": 810001, "line": CUT[:1]}, {810001: 1}, 422, "bad-value"),
        ({"kind": "split", "grid": 810001, "line": [[200, 28], [113, 28]]}, {810001: 1}, 422, "bad-value"),
        ({"kind": "merge", "grids": [810002, 810003]}, {810002: 1, 810003: 1}, 422, "community_border"),
        ({"kind": "melt", "grid": 810001}, {810001: 1}, 422, "bad-value"),
        ({"kind": "give", "to": 810001}, {810001: 1}, 422, "bad-value"),
        ({"kind": "restore", "snapshot": "none"}, {}, 404, "not-found"),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_reason_and_changes_nothing(
    client: Client, operation: dict[str, object], base: dict[int, int], status: int, why: str
) -> None:
    planner = client("planner")
    plan = new_plan(planner)["id"]
    answer = operate(planner, plan, operation, base)
    assert answer.status_code == status, answer.text
    assert why in {answer.json().get("reason"), answer.json()["type"].rpartition("/")[2]}
    assert planner.get(f"/api/v1/plans/{plan}").json()["revision"] == 0


def test_blank_names_and_remarks_and_remarks_far_away_are_refused(client: Client) -> None:
    planner = client("planner")
    plan = new_plan(planner)["id"]
    comments, snapshots = f"/api/v1/plans/{plan}/comments", f"/api/v1/plans/{plan}/snapshots"
    assert planner.post(comments, json={"body": " \n\t"}).status_code == 422
    assert planner.post(snapshots, json={"name": "  "}).status_code == 422
    assert planner.post(f"/api/v1/plans/{plan}/copy", json={"name": "  "}).status_code == 422
    far = planner.post(comments, json={"body": "这里", "place": [0.0, 0.0]})
    assert (far.status_code, far.json()["fields"][0]["at"]) == (422, "place")
    told = planner.post(comments, json={"body": " 界外一点 ", "place": [WEST - CELL, SOUTH]})
    assert (told.status_code, told.json()["items"][0]["body"]) == (201, "界外一点")
    assert len(planner.get(comments).json()["items"]) == 1
