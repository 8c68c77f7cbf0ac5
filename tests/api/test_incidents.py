"""Incidents as people meet them: what a report finds, what an action may do, what a stranger must not see."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests import factories
from tests.factories import CELL, SOUTH, WEST, District

A1 = {"lon": WEST + 0.5 * CELL, "lat": SOUTH + 0.5 * CELL}
B2 = {"lon": WEST + 3.5 * CELL, "lat": SOUTH + 1.5 * CELL}


def report(client: TestClient, headers: dict[str, str] | None = None, **facts: Any) -> Any:
    return client.post("/api/v1/incidents", json={"category_id": 410} | A1 | facts, headers=headers or {})


def act(client: TestClient, incident: int, action: str, version: int, **facts: Any) -> Any:
    return client.post(f"/api/v1/incidents/{incident}/actions", json={"action": action, "version": version} | facts)


def opened(client: TestClient, **facts: Any) -> dict[str, Any]:
    answer = report(client, **facts)
    assert answer.status_code == 201, answer.text
    return answer.json()


def with_calendar(fresh: Any) -> None:
    with fresh.owner() as connection:
        connection.execute("INSERT INTO calendar_year SELECT generate_series(2024, 2035)")


def test_a_report_finds_its_grid_and_says_how_sure_that_is(client, district: District):
    found = opened(client("clerk", "a1"), title="垃圾")
    assert found["created"] is True
    assert found["grid_id"] == district.own.grids[0]
    assert found["placed_by"] == "covers"
    assert found["community"] == factories.AREAS["a1"].code
    assert found["state"] == "reported"


def test_a_place_on_a_shared_border_belongs_to_the_lower_code_and_is_ambiguous(client, district: District):
    found = opened(client("clerk", "a1"), lon=WEST + CELL, lat=SOUTH + 0.5 * CELL)
    assert found["grid_id"] == district.own.grids[0]
    assert (found["placed_by"], found["ambiguous"], found["border_distance_m"]) == ("border", True, 0.0)


def test_a_place_outside_every_grid_is_taken_in_unplaced_with_a_note(client):
    found = opened(client("operator"), lon=WEST - 1, lat=SOUTH)
    assert (found["grid_id"], found["community"], found["placement_note"]) == (None, None, "outside-every-grid")


def test_a_report_without_a_place_waits_in_the_community_of_its_clerk(client):
    found = opened(client("clerk", "a1"), lon=None, lat=None)
    assert found["community"] == factories.AREAS["a1"].code
    assert found["placement_note"] == "no-place"


def test_a_report_from_outside_the_scope_is_refused(client):
    answer = report(client("clerk", "a1"), **B2)
    assert answer.status_code == 403
    assert factories.AREAS["b2"].code not in answer.text


def test_an_analyst_cannot_report(client):
    assert report(client("analyst")).status_code == 403


@pytest.mark.parametrize(
    "wrong",
    [
        {"category_id": 999999}, {"lon": 500.0}, {"lat": None}, {"severity": 9}, {"title": "a\x00b"}, {"nonsense": 1},
        {"reported_at": "2026-01-01T00:00:00"}, {"reported_at": "2999-01-01T00:00:00Z"},
    ],
)  # fmt: skip
def test_a_report_that_cannot_be_right_is_refused_with_a_reason(client, wrong):
    answer = report(client("operator"), **wrong)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_same_number_of_a_source_is_taken_in_once(client):
    caller = client("operator")
    first = opened(caller, source="12345", source_id="X1", title="one")
    again = report(caller, source="12345", source_id="X1", title="one")
    assert (again.json()["id"], again.json()["created"]) == (first["id"], False)
    other = report(caller, source="12345", source_id="X1", title="two")
    assert other.status_code == 409
    assert other.json()["type"] == "/problems/conflict"


def test_an_idempotency_key_answers_twice_and_reports_once(client):
    caller = client("operator")
    first = report(caller, {"Idempotency-Key": "k1"})
    again = report(caller, {"Idempotency-Key": "k1"})
    assert first.json() == again.json()
    assert report(caller, {"Idempotency-Key": "k1"}, title="else").status_code == 422


def test_a_report_names_what_it_may_repeat(client):
    caller = client("operator")
    near = opened(caller, lon=A1["lon"] + 0.0002)
    far = opened(caller, lon=A1["lon"] + 0.001)
    other = opened(caller, category_id=420)
    twins = {each["id"] for each in opened(caller)["may_repeat"]}
    assert near["id"] in twins
    assert not twins & {far["id"], other["id"]}


def test_a_deadline_runs_in_working_time_and_says_when_the_calendar_ends(fresh, fresh_client):
    caller = fresh_client("operator")
    assert opened(caller)["deadline"]["note"] == "beyond-calendar"
    with_calendar(fresh)
    friday = "2026-03-06T15:00:00+08:00"
    found = opened(caller, reported_at=friday)
    assert found["deadline"]["note"] is None
    assert datetime.fromisoformat(found["deadline"]["due_at"]) == datetime.fromisoformat("2026-03-10T15:00:00+08:00")


def test_bulk_answers_each_line_and_takes_in_the_good_ones(client):
    lines = [
        json.dumps({"category_id": 410, "source": "12345", "source_id": "B2"} | A1),
        "not json",
        json.dumps({"category_id": 410, "source": "12345", "source_id": "B1"} | A1),
        "",
        json.dumps({"category_id": 410, "source": "12345", "source_id": "B2"} | A1),
        json.dumps({"category_id": 999999} | A1),
    ]
    answer = client("operator").post("/api/v1/incidents/bulk", content="\n".join(lines))
    told = answer.json()
    assert [(row["line"], row["state"]) for row in told["items"]] == [
        (1, "created"), (2, "refused"), (3, "created"), (5, "known"), (6, "refused"),
    ]  # fmt: skip
    assert (told["created"], told["known"], told["refused"]) == (2, 1, 2)


def test_lines_are_taken_in_under_the_type_that_is_documented_for_them(client):
    described = client().get("/api/openapi.json").json()["paths"]["/api/v1/incidents/bulk"]["post"]["requestBody"]["content"]
    (kind,) = described
    lines = "\r\n".join(json.dumps({"category_id": 410, "source": "12345", "source_id": f"T{number}"} | A1) for number in range(3))
    told = client("operator").post("/api/v1/incidents/bulk", content=lines, headers={"Content-Type": kind}).json()
    assert (told["created"], told["known"], told["refused"]) == (3, 0, 0), told


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"lon": 0.5, "lat": 28.0}, "outside-district"),
        ({"lon": 28.002, "lat": 113.002}, "bad-coordinate"),
        ({"lon": True, "lat": 28.0}, "bad-value"),
        ({"lon": "113.002", "lat": 28.0}, "bad-value"),
        ({"urgent": "yes"}, "bad-value"),
        ({"reported_at": 0}, "bad-value"),
        ({"reported_at": 1764300000}, "bad-value"),
    ],
)
def test_a_report_that_cannot_be_meant_is_refused(client, wrong, code):
    answer = client("operator").post("/api/v1/incidents", json={"category_id": 410} | A1 | wrong)
    assert (answer.status_code, answer.json()["type"]) == (422, f"/problems/{code}"), answer.text


def test_bulk_all_or_nothing_stores_nothing_when_one_line_is_refused(fresh, fresh_client):
    lines = [json.dumps({"category_id": 410, "source": "12345", "source_id": "N1"} | A1), json.dumps({"category_id": 999999} | A1)]
    answer = fresh_client("operator").post("/api/v1/incidents/bulk?all_or_nothing=true", content="\n".join(lines))
    assert answer.status_code == 422
    with fresh.owner() as connection:
        assert connection.execute("SELECT count(*) FROM intake WHERE source = '12345'").fetchone() == (0,)


def test_the_same_batch_from_four_writers_is_stored_once_without_deadlocks(fresh, fresh_client):
    rows = [json.dumps({"category_id": 410, "source": "12345", "source_id": f"R{number:04d}"} | A1) for number in range(150)]

    def send(seed: int) -> dict[str, int]:
        shuffled = Random(seed).sample(rows, len(rows))
        return fresh_client("operator").post("/api/v1/incidents/bulk", content="\n".join(shuffled)).json()

    with ThreadPoolExecutor(4) as writers:
        told = list(writers.map(send, range(4)))
    assert sum(each["created"] for each in told) == len(rows)
    assert sum(each["known"] for each in told) == 3 * len(rows)
    with fresh.owner() as connection:
        assert connection.execute("SELECT count(*), count(DISTINCT source_id) FROM incident WHERE source = '12345'").fetchone() == (
            150,
            150,
        )


def test_an_incident_goes_all_the_way_round(client, district: District):
    caller = client("clerk", "a1")
    number = opened(caller)["id"]
    way = [
        ("verify", {}), ("file", {}), ("dispatch", {"officer_id": district.own.officers[0]}), ("accept", {}), ("feed_back", {}),
        ("check", {}), ("reject", {"note": "还有"}), ("feed_back", {}), ("check", {}), ("close", {"confirmed": True}),
    ]  # fmt: skip
    for version, (action, facts) in enumerate(way, start=1):
        answer = act(caller, number, action, version, **facts)
        assert answer.status_code == 200, (action, answer.text)
    found = caller.get(f"/api/v1/incidents/{number}").json()
    assert found["state"] == "closed"
    assert found["closed_at"]
    assert [line["action"] for line in found["log"]] == ["report"] + [action for action, _ in way]
    assert [line["serial"] for line in found["log"]] == list(range(1, 12))
    assert found["permitted"] == ["reopen"]


def test_a_state_does_not_permit_every_action_and_a_return_needs_a_reason(client, district: District):
    caller = client("clerk", "a1")
    number = opened(caller)["id"]
    refused = act(caller, number, "close", 1, confirmed=True)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/transition-refused")
    assert "file" in refused.json()["permitted"]
    assert act(caller, number, "decline", 1).json()["needs"] == "reason"
    assert act(caller, number, "close_on_spot", 1).json()["needs"] == "condition"
    assert caller.get(f"/api/v1/incidents/{number}").json()["version"] == 1


def test_who_saw_an_old_version_is_told_so(client):
    caller = client("clerk", "a1")
    number = opened(caller)["id"]
    act(caller, number, "file", 1)
    stale = act(caller, number, "dispatch", 1)
    assert (stale.status_code, stale.json()["type"], stale.json()["version"]) == (409, "/problems/stale-version", 2)


def test_an_officer_handles_but_does_not_dispatch(client, district: District):
    number = opened(client("clerk", "a1"))["id"]
    officer = client("officer", "a1")
    assert act(officer, number, "file", 1).status_code == 200
    assert act(officer, number, "dispatch", 2, officer_id=district.own.officers[0]).status_code == 403


def test_an_incident_of_another_area_does_not_exist_for_a_stranger(client, district: District):
    stranger, foreign = client("clerk", "a1"), district.foreign.incidents[0]
    assert stranger.get(f"/api/v1/incidents/{foreign}").status_code == 404
    assert act(stranger, foreign, "feed_back", 1).status_code == 404
    assert stranger.get("/api/v1/incidents", params={"area": factories.AREAS["b2"].code}).status_code == 404
    seen = stranger.get("/api/v1/incidents").text + stranger.get("/api/v1/feed").text
    assert not any(word in seen for word in district.foreign.words)


def test_an_officer_of_another_area_cannot_be_dispatched(client, district: District):
    caller = client("clerk", "a1")
    number = opened(caller)["id"]
    act(caller, number, "file", 1)
    assert act(caller, number, "dispatch", 2, officer_id=district.foreign.officers[0]).status_code == 404


def test_a_suspension_stops_the_clock_once_and_gives_back_what_was_left(fresh, fresh_client, district: District):
    with_calendar(fresh)
    caller = fresh_client("clerk", "a1")
    number = district.own.incidents[0]
    until = (datetime.now(UTC) + timedelta(days=9)).isoformat()
    assert act(caller, number, "suspend", 1, note="等配件").status_code == 422
    suspended = act(caller, number, "suspend", 1, note="等配件", until=until)
    assert (suspended.json()["state"], suspended.json()["due_at"]) == ("suspended", None)
    assert caller.get(f"/api/v1/incidents/{number}").json()["overdue"] is False
    assert act(caller, number, "resume", 2).json()["state"] == "handling"
    again = act(caller, number, "suspend", 3, note="再等", until=until)
    assert again.status_code == 409


def test_an_extension_is_refused_after_the_deadline(client, district: District):
    caller = client("clerk", "a1")
    answer = act(caller, district.own.incidents[0], "extend", 1, note="难")
    assert answer.status_code == 422


def test_a_duplicate_is_merged_and_stays(client, district: District):
    caller = client("clerk", "a1")
    first, second = opened(caller)["id"], opened(caller)["id"]
    assert act(caller, second, "merge", 1, note="同一件").status_code == 422
    merged = act(caller, second, "merge", 1, note="同一件", duplicate_of=first)
    assert merged.json()["state"] == "closed"
    assert caller.get(f"/api/v1/incidents/{second}").json()["duplicate_of"] == first
    third = opened(caller)["id"]
    assert act(caller, third, "merge", 1, note="同一件", duplicate_of=second).status_code == 409


def test_an_incident_placed_by_hand_takes_its_history_along(client, district: District):
    operator = client("operator", "a")
    number = opened(operator)["id"]
    moved = act(operator, number, "place", 1, note="地图有误", grid_id=district.communities["a2"].grids[0])
    assert moved.status_code == 200, moved.text
    assert client("clerk", "a1").get(f"/api/v1/incidents/{number}").status_code == 404
    found = client("clerk", "a2").get(f"/api/v1/incidents/{number}").json()
    assert found["placement"]["method"] == "hand"
    assert found["placement"]["history"][0]["grid_id"] == district.own.grids[0]
    assert [line["action"] for line in found["log"]] == ["report", "place"]
    assert act(client("clerk", "a2"), number, "place", 2, note="x", **B2).status_code == 403


def test_lists_page_without_gaps_or_repeats(client):
    caller = client("operator")
    for number in range(7):
        opened(caller, title=f"第{number}件")
    whole = [each["id"] for each in caller.get("/api/v1/incidents", params={"limit": 200}).json()["items"]]
    paged: list[int] = []
    cursor = None
    while True:
        page = caller.get("/api/v1/incidents", params={"limit": 4} | ({"cursor": cursor} if cursor else {})).json()
        paged += [each["id"] for each in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert paged == whole
    assert len(set(paged)) == len(paged) == 15


def test_what_has_been_due_for_the_longest_comes_first_page_by_page(fresh, fresh_client):
    caller = fresh_client("operator")
    for number in range(5):
        opened(caller, title=f"第{number}件")
    with fresh.owner() as owner:
        owner.execute("UPDATE incident SET due_at = now() - make_interval(hours => (id * 7 % 11)::integer + 1) WHERE is_open")
        owner.execute("UPDATE incident SET due_at = NULL WHERE id = (SELECT max(id) FROM incident)")
        wanted = [row[0] for row in owner.execute("SELECT id FROM incident WHERE is_open AND due_at < now() ORDER BY due_at, id")]
    found: list[int] = []
    cursor = None
    while True:
        asked = {"overdue": True, "order": "due", "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = caller.get("/api/v1/incidents", params=asked).json()
        found += [each["id"] for each in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(wanted) > 4
    assert found == wanted
    table = caller.get("/api/v1/incidents.csv", params={"overdue": True, "order": "due"}).text.splitlines()
    assert len(table) == len(wanted) + 1
    assert caller.get("/api/v1/incidents", params={"order": "worst"}).status_code == 422


def test_lists_know_what_is_open_and_late(client, district: District):
    caller = client("clerk", "a1")
    late = caller.get("/api/v1/incidents", params={"overdue": True}).json()["items"]
    assert [each["id"] for each in late] == [district.own.incidents[0]]
    done = caller.get("/api/v1/incidents", params={"open": False}).json()["items"]
    assert [each["id"] for each in done] == [district.own.incidents[1]]
    assert caller.get("/api/v1/incidents", params={"state": "nonsense"}).status_code == 422
    assert caller.get("/api/v1/incidents", params={"cursor": "x"}).status_code == 422


def test_every_change_is_in_the_audit_and_in_the_outbox(fresh, fresh_client):
    caller = fresh_client("clerk", "a1")
    number = opened(caller)["id"]
    act(caller, number, "file", 1)
    with fresh.owner() as connection:
        trail = connection.execute(
            "SELECT action FROM audit WHERE noun = 'incident' AND noun_id = %s ORDER BY id", [str(number)]
        ).fetchall()
        heard = connection.execute("SELECT op FROM outbox WHERE layer = 'incident' AND noun_id = %s ORDER BY id", [number]).fetchall()
    assert trail == [("create",), ("update",)]
    assert heard == [("insert",), ("update",)]
