"""Dispatch from the one screen: who could do it, who may decide it, and taking it back."""

from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from data.database import Database
from data.scope import Scope
from tests import factories
from tests.conftest import Clone
from tests.factories import CELL, SOUTH, WEST, District

A1 = {"lon": WEST + 0.5 * CELL, "lat": SOUTH + 0.5 * CELL}


def opened(client: TestClient, *actions: str) -> dict[str, Any]:
    told = client.post("/api/v1/incidents", json={"category_id": 410} | A1).json()
    for action in actions:
        told |= act(client, told, action).json()
    return told


def act(client: TestClient, incident: dict[str, Any], action: str, **facts: Any) -> Any:
    body = {"action": action, "version": incident["version"]} | facts
    return client.post(f"/api/v1/incidents/{incident['id']}/actions", json=body)


def undo(client: TestClient, incident: dict[str, Any]) -> Any:
    return client.post(f"/api/v1/incidents/{incident['id']}/undo", json={"version": incident["version"]})


def read(client: TestClient, incident: dict[str, Any]) -> dict[str, Any]:
    return client.get(f"/api/v1/incidents/{incident['id']}").json()


def test_hands_are_the_officer_of_the_grid_the_nearest_on_duty_and_the_queue(client, database: Database, district: District) -> None:
    operator = client("operator")
    incident = opened(operator)
    hands = operator.get(f"/api/v1/incidents/{incident['id']}/hands").json()
    with database.unit_of_work(Scope(token=factories.token("operator"))) as session:
        main = session.execute(
            text(f"SELECT officer_id FROM assignment WHERE grid_id = :grid AND duty = 'main' AND valid @> {factories.TODAY}"),
            {"grid": incident["grid_id"]},
        ).scalar_one()
        expected = session.execute(
            text(
                "SELECT id, ST_Distance(last_place::geography, ST_SetSRID(ST_MakePoint(:lon, :lat), 4490)::geography) AS away FROM officer"
                " WHERE on_duty AND id <> :main AND last_place IS NOT NULL ORDER BY away, id LIMIT 3"
            ),
            A1 | {"main": main},
        ).all()
    assert hands["grid_officer"]["id"] == main
    assert [each["id"] for each in hands["nearest"]] == [row.id for row in expected]
    assert [each["distance_m"] for each in hands["nearest"]] == pytest.approx([row.away for row in expected])
    assert hands["queue"]["community"] == factories.AREAS["a1"].code
    busy = hands["grid_officer"]["open"]
    assert act(operator, incident, "dispatch", officer_id=main).status_code == 200
    assert operator.get(f"/api/v1/incidents/{incident['id']}/hands").json()["grid_officer"]["open"] == busy + 1


def test_dispatch_files_what_was_not_filed_and_says_both_in_the_log(client, district: District) -> None:
    operator = client("operator")
    incident = opened(operator)
    told = act(operator, incident, "dispatch", officer_id=district.own.officers[0])
    assert told.status_code == 200, told.text
    assert (told.json()["state"], told.json()["undo_s"]) == ("dispatched", 10)
    found = read(operator, incident)
    assert [(line["action"], line["from_state"], line["to_state"]) for line in found["log"]] == [
        ("report", None, "reported"), ("file", "reported", "filed"), ("dispatch", "filed", "dispatched"),
    ]  # fmt: skip
    assert found["filed_at"] and found["dispatched_at"]
    assert found["officer"]["id"] == district.own.officers[0]


def test_the_queue_of_the_community_is_dispatched_to_nobody_in_particular(client) -> None:
    clerk = client("clerk", "a1")
    incident = opened(clerk)
    before = clerk.get(f"/api/v1/incidents/{incident['id']}/hands").json()["queue"]["waiting"]
    assert act(clerk, incident, "dispatch", queue=True).status_code == 200
    found = read(clerk, incident)
    assert (found["state"], found["officer"], found["level"]) == ("dispatched", None, "community")
    assert clerk.get(f"/api/v1/incidents/{incident['id']}/hands").json()["queue"]["waiting"] == before + 1


def test_dispatch_names_an_officer_or_the_queue_and_not_both(client, district: District) -> None:
    operator = client("operator")
    incident = opened(operator)
    assert act(operator, incident, "dispatch").status_code == 422
    assert act(operator, incident, "dispatch", queue=True, officer_id=district.own.officers[0]).status_code == 422
    assert read(operator, incident)["state"] == "reported"


@pytest.mark.parametrize(
    ("action", "facts"),
    [("dispatch", {"queue": True}), ("dispatch", {"officer_id": "own"}), ("escalate", {}), ("supervise", {"note": "领导关注"})],
)
def test_undo_puts_back_exactly_what_was_and_adds_to_the_log(
    client, database: Database, district: District, action: str, facts: dict[str, Any]
) -> None:
    operator = client("operator")
    incident = opened(operator, *(["file"] if action == "escalate" else []))
    asked = {name: district.own.officers[0] if each == "own" else each for name, each in facts.items()}
    before = row_of(database, incident)
    lines = len(read(operator, incident)["log"])
    told = act(operator, incident, action, **asked).json()
    assert row_of(database, incident) != before
    back = undo(operator, told)
    assert back.status_code == 200, back.text
    assert row_of(database, incident) == before
    log = read(operator, incident)["log"]
    assert len(log) > lines + 1
    assert log[-1]["action"] == "undo"
    assert back.json()["version"] == told["version"] + 1
    assert undo(operator, back.json()).json()["reason"] == "nothing"


def row_of(database: Database, incident: dict[str, Any]) -> dict[str, Any]:
    """All that an incident is, but for its version."""
    with database.unit_of_work(Scope(token=factories.token("operator"))) as session:
        row = session.execute(text("SELECT * FROM incident WHERE id = :id"), {"id": incident["id"]}).one()
    return {name: value for name, value in row._mapping.items() if name != "version"}


def test_undo_is_refused_when_somebody_acted_in_between(client, district: District) -> None:
    operator, clerk = client("operator"), client("clerk", "a1")
    told = act(operator, opened(operator), "dispatch", officer_id=district.own.officers[0]).json()
    accepted = act(clerk, told, "accept").json()
    assert undo(operator, told).json()["type"] == "/problems/stale-version"
    assert undo(operator, accepted).json()["reason"] == "nothing"
    assert read(operator, told)["state"] == "handling"


def test_nobody_takes_back_what_somebody_else_did(client, district: District) -> None:
    operator, clerk = client("operator"), client("clerk", "a1")
    told = act(operator, opened(operator), "dispatch", officer_id=district.own.officers[0]).json()
    assert undo(clerk, told).json()["reason"] == "nothing"


def test_undo_is_refused_after_its_time(fresh: Clone, fresh_client, district: District) -> None:
    operator = fresh_client("operator")
    told = act(operator, opened(operator), "dispatch", officer_id=district.own.officers[0]).json()
    with fresh.owner() as connection:
        connection.execute("UPDATE incident_log SET undo_until = now() - interval '1 s' WHERE incident_id = %s", [told["id"]])
    answer = undo(operator, told)
    assert (answer.status_code, answer.json()["type"], answer.json()["reason"]) == (409, "/problems/transition-refused", "too-late")


def test_undo_is_audited_and_heard(fresh: Clone, fresh_client, district: District) -> None:
    operator = fresh_client("operator")
    told = act(operator, opened(operator), "dispatch", officer_id=district.own.officers[0]).json()
    undo(operator, told)
    with fresh.owner() as connection:
        facts = connection.execute("SELECT facts->>'action' FROM audit WHERE noun_id = %s ORDER BY id", [str(told["id"])]).fetchall()
        heard = connection.execute("SELECT count(*) FROM outbox WHERE layer = 'incident' AND noun_id = %s", [told["id"]]).fetchone()
    assert [each[0] for each in facts] == [None, "file", "dispatch", "undo"]
    assert heard == (4,)


def test_everybody_is_offered_what_they_may_do_and_no_more(client, district: District) -> None:
    operator, clerk, officer, analyst = client("operator"), client("clerk", "a1"), client("officer", "a1"), client("analyst")
    incident = opened(operator)
    offered = {"verify", "file", "decline", "close_on_spot", "dispatch", "supervise"}
    for who in (operator, clerk):
        assert {each["action"] for each in read(who, incident)["steps"]} - {"extend"} == offered
    assert set(read(officer, incident)["permitted"]) == {"verify", "file", "close_on_spot"}
    assert read(analyst, incident)["permitted"] == []
    assert officer.get(f"/api/v1/incidents/{incident['id']}/hands").status_code == 403
    assert act(officer, incident, "dispatch", officer_id=district.own.officers[0]).status_code == 403
    needs = {each["action"]: each["needs"] for each in read(operator, incident)["steps"]}
    assert (needs["decline"], needs["close_on_spot"], needs["dispatch"], needs["supervise"]) == (
        ["reason"], ["condition"], ["hands"], ["reason"],
    )  # fmt: skip


def test_every_step_that_is_offered_can_be_taken(client, district: District) -> None:
    """Walks the loop along every offered step once, from each state it reaches."""
    operator = client("operator")
    facts: dict[str, dict[str, Any]] = {
        "dispatch": {"officer_id": district.own.officers[0]},
        "suspend": {"until": "2099-01-01T00:00:00Z"},
    }
    seen: set[tuple[str, str]] = set()
    waiting: list[list[str]] = [[]]
    while waiting:
        way = waiting.pop()
        incident = opened(operator)
        for action in way:
            incident |= act(operator, incident, action, note="理由", confirmed=True, **until(facts, action, operator, incident)).json()
        found = read(operator, incident)
        for action in found["permitted"]:
            if (found["state"], action) in seen:
                continue
            seen.add((found["state"], action))
            waiting.append([*way, action])
            trial = opened(operator)
            for each in [*way, action]:
                answer = act(operator, trial, each, note="理由", confirmed=True, **until(facts, each, operator, trial))
                assert answer.status_code == 200, f"{way} {action}: {answer.text}"
                trial |= answer.json()
    assert {action for _, action in seen} >= {
        "file",
        "dispatch",
        "accept",
        "return",
        "suspend",
        "resume",
        "check",
        "close",
        "reject",
        "reopen",
    }


def until(facts: dict[str, dict[str, Any]], action: str, client: TestClient, incident: dict[str, Any]) -> dict[str, Any]:
    """What an action needs; a suspension ends within a year of the deployment's now."""
    if action == "suspend":
        now = client.get("/api/v1/me").json()["deployment"]["now"]
        return {"until": f"{int(now[:4])}-12-31T00:00:00Z" if now[5:10] < "12-30" else f"{int(now[:4]) + 1}-06-01T00:00:00Z"}
    return facts.get(action, {})
