"""Who administers people, and what nobody can do to themselves or beyond their own ground."""

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from api import tokens
from data.database import Database, open_database
from gis.errors import BadValue, NotFound
from tests import factories
from tests.conftest import Clone, make_app, settings_for
from tests.factories import AREAS, District

NEW = {"sign_in_name": "li.lei", "name": "李雷", "roles": ["planner", "analyst"], "areas": [AREAS["a1"].code]}


def test_the_caller_is_told_who_they_are_and_what_they_look_at(client) -> None:
    me = client("planner", "a").get("/api/v1/me").json()
    assert me["roles"] == ["planner"] and "ground.write" in me["permissions"]
    assert me["scope"] == [{"code": AREAS["a"].code, "level": "street", "name": "枫桥街道", "name_en": "Maple Street"}]
    deployment = me["deployment"]
    assert deployment["bounds"] == [113.0, 28.0, 113.015625, 28.0078125]
    assert deployment["center"] == [113.0078125, 28.00390625]
    assert deployment["scheme"]["code"] == "governance"
    assert deployment["timezone"] == "Asia/Shanghai"


def test_before_any_ground_is_imported_the_deployment_has_no_bounds(empty: Clone, data_dir) -> None:
    bearer = tokens.bearer_token(empty.schema_url, "operator", None)
    database = open_database(empty.app_url, pool_size=2)
    answer = TestClient(make_app(settings_for(empty, data_dir), database), headers={"Authorization": f"Bearer {bearer}"}).get("/api/v1/me")
    database.close()
    assert answer.status_code == 200, answer.text
    assert answer.json()["deployment"]["bounds"] is None and answer.json()["scope"] == []


def test_a_chosen_language_is_remembered(client) -> None:
    assert client("planner").post("/api/v1/me/language", json={"language": "en"}).status_code == 204
    assert client("planner").get("/api/v1/me").json()["language"] == "en"
    assert client("planner").post("/api/v1/me/language", json={"language": "fr"}).status_code == 422


def test_a_security_administrator_adds_a_person_who_then_signs_in_by_link(client) -> None:
    admin = client("security_admin")
    made = admin.post("/api/v1/people", json=NEW)
    assert made.status_code == 201, made.text
    assert made.json()["areas"] == [{"code": AREAS["a1"].code, "level": "community", "name": "枫一社区", "name_en": "Maple One"}]
    link = admin.post(f"/api/v1/people/{made.json()['id']}/reset").json()["path"]
    newcomer = client(None)
    newcomer.headers["X-Wangge"] = "1"
    assert newcomer.post(link).status_code == 303
    assert newcomer.get("/api/v1/me").json()["sign_in_name"] == "li.lei"


def test_a_name_is_given_once(client) -> None:
    admin = client("security_admin")
    assert admin.post("/api/v1/people", json=NEW).status_code == 201
    again = admin.post("/api/v1/people", json=NEW)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/conflict")


@pytest.mark.parametrize("role", [each for each in factories.ROLES if each != "security_admin"])
def test_nobody_else_administers_people(client, district: District, role: str) -> None:
    somebody = client(role)
    person = district.people["planner", "a1"]
    asked = [
        somebody.post("/api/v1/people", json=NEW),
        somebody.patch(f"/api/v1/people/{person}", json={"roles": ["operator"]}),
        somebody.post(f"/api/v1/people/{person}/reset"),
        somebody.post(f"/api/v1/people/{person}/tokens", json={"label": "x"}),
        somebody.get("/api/v1/people"),
        somebody.get(f"/api/v1/people/{person}"),
        somebody.get(f"/api/v1/people/{person}/sessions"),
        somebody.delete(f"/api/v1/people/{person}/sessions"),
    ]
    assert {each.status_code for each in asked} == {403}


@pytest.mark.parametrize(
    "roles", [["security_admin", "operator"], ["system_admin", "audit_admin"], ["integration", "planner"], ["system"], ["mayor"], []]
)
def test_administrators_stay_apart_and_the_system_is_nobodys_role(client, roles: list[str]) -> None:
    assert client("security_admin").post("/api/v1/people", json={**NEW, "roles": roles}).status_code == 422


def test_nobody_administers_themselves(client, district: District) -> None:
    me = district.people["security_admin", "district"]
    admin = client("security_admin")
    for change in ({"roles": ["operator"]}, {"areas": [AREAS["a1"].code]}, {"disabled": True}):
        assert admin.patch(f"/api/v1/people/{me}", json=change).status_code == 422
    assert admin.post(f"/api/v1/people/{me}/reset").status_code == 422


def test_an_administrator_of_a_community_gives_no_more_than_that_community(client, district: District) -> None:
    admin = client("security_admin", "a1")
    for code in (AREAS["b2"].code, AREAS["a"].code, AREAS["district"].code, "990101009009"):
        assert admin.post("/api/v1/people", json={**NEW, "areas": [code]}).status_code == 404
    assert admin.post("/api/v1/people", json=NEW).status_code == 201
    assert admin.get(f"/api/v1/people/{district.people['planner', 'b2']}").status_code == 404
    assert admin.get(f"/api/v1/people/{district.people['planner', 'district']}").status_code == 404
    shown = {each["sign_in_name"] for each in admin.get("/api/v1/people", params={"limit": 500}).json()["items"]}
    assert "planner.a1" in shown and not any(name.endswith((".b2", ".a", ".district")) for name in shown)


def test_changed_areas_and_roles_reach_open_sessions_at_once(client, district: District) -> None:
    planner = client("planner", "a1")
    assert [each["code"] for each in planner.get("/api/v1/me").json()["scope"]] == [AREAS["a1"].code]
    admin = client("security_admin")
    person = district.people["planner", "a1"]
    changed = admin.patch(f"/api/v1/people/{person}", json={"areas": [AREAS["b2"].code], "roles": ["analyst"]})
    assert changed.status_code == 200, changed.text
    me = planner.get("/api/v1/me").json()
    assert ([each["code"] for each in me["scope"]], me["roles"]) == ([AREAS["b2"].code], ["analyst"])


def test_a_disabled_person_is_out_at_once_and_stays_out(client, district: District) -> None:
    planner = client("planner", "a1")
    assert planner.get("/api/v1/me").status_code == 200
    admin = client("security_admin")
    person = district.people["planner", "a1"]
    assert admin.patch(f"/api/v1/people/{person}", json={"disabled": True}).json()["disabled_at"] is not None
    assert planner.get("/api/v1/me").status_code == 401
    assert admin.post(f"/api/v1/people/{person}/reset").status_code == 409
    assert admin.patch(f"/api/v1/people/{person}", json={"disabled": False}).json()["disabled_at"] is None


def test_a_token_for_an_integration_is_made_used_listed_and_revoked(client, district: District) -> None:
    admin = client("security_admin")
    person = district.people["integration", "a1"]
    made = admin.post(f"/api/v1/people/{person}/tokens", json={"label": "热线", "days": 30})
    assert made.status_code == 201, made.text
    feed = client(None)
    feed.headers["Authorization"] = f"Bearer {made.json()['token']}"
    assert feed.get("/api/v1/me").json()["kind"] == "token"
    listed = admin.get(f"/api/v1/people/{person}/sessions").json()["items"]
    mine = next(each for each in listed if each["label"] == "热线")
    assert admin.delete(f"/api/v1/people/{person}/sessions/{mine['id']}").json() == {"ended": 1}
    assert feed.get("/api/v1/me").status_code == 401
    assert admin.delete(f"/api/v1/people/{person}/sessions/{mine['id']}").status_code == 404


def test_tokens_are_for_integrations_only(client, district: District) -> None:
    answer = client("security_admin").post(f"/api/v1/people/{district.people['planner', 'a1']}/tokens", json={"label": "x"})
    assert answer.status_code == 422


def test_one_ends_ones_own_session_by_its_name(client) -> None:
    planner = client("planner", "a1")
    session = next(each for each in planner.get("/api/v1/me/sessions").json()["items"] if each["current"])
    assert planner.delete(f"/api/v1/me/sessions/{session['id']}").json() == {"ended": 1}
    assert planner.get("/api/v1/me").status_code == 401


def test_every_change_to_people_is_in_the_trail(client, district: District) -> None:
    admin = client("security_admin")
    made = admin.post("/api/v1/people", json=NEW).json()["id"]
    admin.patch(f"/api/v1/people/{made}", json={"roles": ["operator"]})
    admin.post(f"/api/v1/people/{made}/reset")
    admin.delete(f"/api/v1/people/{made}/sessions")
    trail = client("audit_admin").get("/api/v1/audit", params={"noun": "person", "noun_id": str(made)}).json()["items"]
    assert [each["action"] for each in trail] == ["end_session", "reset", "update", "create"]
    assert {each["person_id"] for each in trail} == {district.people["security_admin", "district"]}
    assert trail[2]["facts"]["roles_before"] == ["analyst", "planner"]


def test_a_refused_change_leaves_nothing_behind(client) -> None:
    admin = client("security_admin", "a1")
    admin.post("/api/v1/people", json={**NEW, "areas": [AREAS["b2"].code]})
    assert client("security_admin").get("/api/v1/people", params={"q": "li.lei"}).json()["items"] == []


def test_the_command_line_makes_tokens_of_a_role_in_an_area(fresh: Clone, fresh_client) -> None:
    bearer = tokens.bearer_token(fresh.schema_url, "officer", AREAS["a1"].code)
    assert tokens.bearer_token(fresh.schema_url, "officer", AREAS["a1"].code) != bearer
    visitor = fresh_client(None)
    visitor.headers["Authorization"] = f"Bearer {bearer}"
    me = visitor.get("/api/v1/me").json()
    assert me["roles"] == ["officer"] and [each["code"] for each in me["scope"]] == [AREAS["a1"].code]
    visitor.headers["Authorization"] = f"Bearer {tokens.bearer_token(fresh.schema_url, 'analyst', None)}"
    assert visitor.get("/api/v1/me").json()["scope"][0]["level"] == "district"
    with pytest.raises(NotFound):
        tokens.bearer_token(fresh.schema_url, "officer", "000000000000")
    with pytest.raises(BadValue):
        tokens.bearer_token(fresh.schema_url, "system", None)


def test_the_first_link_signs_in_one_who_sees_the_whole_map_and_a_newer_link_voids_it(fresh: Clone, fresh_client) -> None:
    first, second = (tokens.sign_in_link(fresh.schema_url) for _ in range(2))
    visitor = fresh_client(None)
    assert visitor.post("/api/v1/session/link", json={"link": first}).status_code == 401
    assert visitor.post("/api/v1/session/link", json={"link": second}).status_code == 200
    visitor.headers["X-Wangge"] = "1"
    me = visitor.get("/api/v1/me").json()
    assert me["roles"] == ["analyst", "operator", "planner"]
    assert [each["code"] for each in me["scope"]] == [AREAS["district"].code]


def test_links_for_the_three_administrators_are_made_at_need(fresh: Clone, fresh_client) -> None:
    for name, (role, _) in tokens.ADMINISTRATORS.items():
        visitor = fresh_client(None)
        visitor.post("/api/v1/session/link", json={"link": tokens.sign_in_link(fresh.schema_url, name)})
        assert visitor.get("/api/v1/me").json()["roles"] == [role]
    with pytest.raises(NotFound):
        tokens.sign_in_link(fresh.schema_url, "nobody-at-all")


def test_the_systems_own_session_sees_everything_and_the_applications_role_cannot_open_one(fresh: Clone, fresh_database: Database) -> None:
    scope = tokens.system_session(fresh.schema_url)
    with fresh_database.unit_of_work(scope) as session:
        assert session.execute(text("SELECT count(*) FROM resident")).scalar_one() == 8
        assert session.execute(text("SELECT count(*) FROM care WHERE sensitive")).scalar_one() == 4
    with fresh_database.unit_of_work() as session:
        session.execute(text("SELECT gate.open_session(id, sha256('mine'), 'system', '1 day', NULL, '', NULL) FROM person"))
    with fresh.owner() as owner:
        assert owner.execute("SELECT count(*) FROM session WHERE token_hash = sha256('mine')").fetchone() == (0,)
