"""Homes: what each role sees of a building, its households and who lives there."""

import pytest

from data import sealing
from tests.conftest import Clone


def test_a_building_tells_whose_ground_it_stands_on(client) -> None:
    building = client().get("/api/v1/buildings/820001").json()
    assert (building["name"], building["levels"], building["grid"]["id"], building["community"]["code"]) == (
        "枫一社区1号楼",
        6,
        810001,
        "990101001001",
    )
    assert building["center"] == pytest.approx([113.001953125, 28.001953125])


def test_households_need_a_permission_and_tell_what_is_on_record(client) -> None:
    (household,) = client().get("/api/v1/buildings/820001/households").json()["items"]
    assert (household["id"], household["unit"], household["tenure"], household["members"]) == (830001, "101", "own", 1)
    assert household["checks"] == {"address": False, "family": False, "work": False, "changes": False, "key_persons": False}
    assert client("integration").get("/api/v1/buildings/820001/households").status_code == 403


def test_homes_outside_the_scope_are_not_there(client, district) -> None:
    foreign, clerk = district.foreign, client("clerk", "a1")
    assert clerk.get(f"/api/v1/buildings/{foreign.buildings[0]}").status_code == 404
    assert clerk.get(f"/api/v1/buildings/{foreign.buildings[0]}/households").status_code == 404
    assert clerk.get(f"/api/v1/households/{foreign.households[0]}/residents").status_code == 404
    assert (
        clerk.post(f"/api/v1/residents/{foreign.residents[0]}/reveal", json={"field": "phone", "why": "A weekly visit"}).status_code == 404
    )


def test_residents_come_masked_and_the_look_is_written_down(fresh: Clone, fresh_client, data_dir) -> None:
    seal(fresh, data_dir)
    answer = fresh_client("clerk").get("/api/v1/households/830001/residents")
    (resident,) = answer.json()["items"]
    assert (resident["name_masked"], resident["phone_masked"], resident["number_masked"]) == ("张*", "138****0000", "990101********123X")
    assert resident["care"] == ["lone_elder"]
    assert answer.headers["cache-control"] == "no-store"
    assert "张三" not in answer.text
    with fresh.owner() as owner:
        assert owner.execute("SELECT action, noun, noun_id, community_id FROM audit").fetchall() == [
            ("residents.list", "household", "830001", 7111)
        ]


def test_sensitive_care_stays_hidden_without_its_own_permission(client) -> None:
    (resident,) = client("clerk").get("/api/v1/households/830002/residents").json()["items"]
    assert resident["care"] == []


def test_residents_need_a_permission(client) -> None:
    for role in ("operator", "planner", "analyst", "integration", "system_admin"):
        assert client(role).get("/api/v1/households/830001/residents").status_code == 403


def test_a_field_is_revealed_with_a_reason_that_is_kept(fresh: Clone, fresh_client, data_dir) -> None:
    seal(fresh, data_dir)
    answer = fresh_client("clerk").post(
        "/api/v1/residents/840001/reveal", json={"field": "phone", "why": "Arrange the weekly visit"}, headers={"X-Wangge": "1"}
    )
    assert answer.json() == {"field": "phone", "value": "13800000000"}
    with fresh.owner() as owner:
        rows = owner.execute("SELECT action, noun, noun_id, why, facts, person_id IS NOT NULL FROM audit").fetchall()
    assert rows == [("residents.reveal", "resident", "840001", "Arrange the weekly visit", {"field": "phone"}, True)]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"field": "phone"},
        {"field": "phone", "why": "   "},
        {"field": "sealed", "why": "A good reason"},
        {"field": "phone", "why": "x" * 501},
    ],
)
def test_nothing_is_revealed_without_a_reason(fresh: Clone, fresh_client, body: dict[str, str]) -> None:
    answer = fresh_client("clerk").post("/api/v1/residents/840001/reveal", json=body, headers={"X-Wangge": "1"})
    assert answer.status_code == 422
    with fresh.owner() as owner:
        assert owner.execute("SELECT count(*) FROM audit WHERE action = 'residents.reveal'").fetchone() == (0,)


def test_revealing_needs_a_permission(client) -> None:
    assert (
        client("operator")
        .post("/api/v1/residents/840001/reveal", json={"field": "phone", "why": "Curious"}, headers={"X-Wangge": "1"})
        .status_code
        == 403
    )


def seal(fresh: Clone, data_dir) -> None:
    sealed = sealing.keyring(data_dir).seal_fields(
        "resident.sealed", 840001, {"name": "张三", "phone": "13800000000", "number": "99010119500101123X"}
    )
    with fresh.owner() as owner:
        owner.execute("UPDATE resident SET sealed = %s WHERE id = 840001", [sealed])
