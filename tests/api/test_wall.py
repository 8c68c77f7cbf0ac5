"""A wall's own session: it lasts for weeks, shows nothing personal, changes nothing and can be ended."""

from collections.abc import Iterator

import psycopg
import pytest
from starlette.testclient import TestClient

from api import live, tokens
from data import sealing
from data.database import Database
from data.hot import reads
from gis.errors import BadValue, NotFound
from tests import factories
from tests.api.test_auth_session import PASSWORD, browser, give_password, sign_in
from tests.conftest import Clone, make_app, serve, settings_for
from tests.events import ask, listening
from tests.factories import AREAS, District

SEES = ["facilities", "incidents", "map", "officers", "statistics"]


@pytest.fixture
def visitor(fresh: Clone, fresh_database: Database, data_dir) -> TestClient:
    return browser(make_app(settings_for(fresh, data_dir), fresh_database))


@pytest.fixture
def wall(visitor: TestClient, fresh: Clone) -> TestClient:
    """A browser that opened the link of a wall of the whole district."""
    answer = visitor.post(f"/sign-in/link/{tokens.wall_link(fresh.schema_url, None)}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/?wall=1")
    return visitor


def administrator(wall: TestClient) -> TestClient:
    return TestClient(wall.app, headers={"Authorization": f"Bearer {factories.token('security_admin')}"})


def older(fresh: Clone, days: int) -> None:
    """Let so many days go by for every wall's session, in which nobody touched it."""
    with fresh.owner() as connection:
        connection.execute(
            "UPDATE session SET created_at = created_at - %(gone)s::interval, last_seen_at = last_seen_at - %(gone)s::interval, expires_at = expires_at - %(gone)s::interval"
            " WHERE kind = 'wall' AND label <> 'test'",
            {"gone": f"{days} days"},
        )
        connection.commit()


def test_the_link_of_a_wall_opens_a_session_that_only_sees(wall: TestClient) -> None:
    me = wall.get("/api/v1/me").json()
    assert (me["sign_in_name"], me["kind"], me["roles"], me["permissions"]) == ("wall.all", "wall", ["wall"], SEES)
    assert [each["code"] for each in me["scope"]] == [AREAS["district"].code]
    assert wall.get("/?wall=stay").status_code == 200


def test_whatever_address_a_wall_opens_it_is_a_wall(wall: TestClient) -> None:
    for asked, led in {"/": "/?wall=1", "/?lang=en": "/?lang=en&wall=1", "/?wall=": "/?wall=1"}.items():
        answer = wall.get(asked)
        assert (answer.status_code, answer.headers["location"]) == (303, led)


def test_a_wall_lasts_for_weeks_without_anybody_and_ends_at_its_own_limit(wall: TestClient, fresh: Clone) -> None:
    older(fresh, 89)
    assert wall.get("/api/v1/me", headers={"X-Wangge-Background": "1"}).status_code == 200
    older(fresh, 2)
    assert wall.get("/api/v1/me").status_code == 401


def test_the_limit_is_a_setting_and_the_cookie_lasts_as_long(fresh: Clone, fresh_database: Database, data_dir) -> None:
    settings = settings_for(fresh, data_dir).model_copy(update={"wall_days": 7})
    short = browser(make_app(settings, fresh_database))
    answer = short.post(f"/sign-in/link/{tokens.wall_link(fresh.schema_url, None)}")
    assert f"Max-Age={7 * 86_400}" in answer.headers["set-cookie"]
    older(fresh, 8)
    assert short.get("/api/v1/me").status_code == 401


def test_a_wall_of_an_area_shows_that_area(visitor: TestClient, fresh: Clone) -> None:
    visitor.post(f"/sign-in/link/{tokens.wall_link(fresh.schema_url, AREAS['a1'].code)}")
    assert [each["code"] for each in visitor.get("/api/v1/me").json()["scope"]] == [AREAS["a1"].code]
    with pytest.raises(NotFound):
        tokens.wall_link(fresh.schema_url, "no-such-area")


def test_a_wall_reads_nothing_that_somebody_wrote_or_is_reached_by(wall: TestClient, fresh: Clone, district: District, data_dir) -> None:
    incident, officer = district.own.incidents[0], district.own.officers[0]
    phone = sealing.keyring(data_dir).seal("officer.phone_sealed", officer, b"13800001234")
    with fresh.owner() as connection:
        connection.execute("UPDATE officer SET phone_sealed = %s WHERE id = %s", [phone, officer])
        connection.execute("UPDATE incident SET title = '王女士来电', address = '枫一路8号302', source_id = '13800000000'")
        connection.commit()
    operator = TestClient(wall.app, headers={"Authorization": f"Bearer {factories.token('operator')}"})
    where = "/api/v1/near?layer=incidents&lon=113.0&lat=28.0&radius_m=5000"
    paths = ("/api/v1/incidents?limit=100&from=2000-01-01", f"/api/v1/search?q={incident}", where)
    assert any("王女士" in operator.get(path).text for path in paths), "there was something to read"
    for path in paths:
        shown = wall.get(path)
        assert shown.status_code == 200, shown.text
        assert not [word for word in ("王女士", "枫一路8号", "13800000000") if word in shown.text], path
    assert wall.get("/api/v1/incidents?limit=100&from=2000-01-01").json()["items"], "it sees the incidents themselves"
    assert wall.get(f"/api/v1/incidents/{incident}").status_code == 403
    assert wall.get(f"/api/v1/officers/{officer}").json()["phone_masked"] is None
    assert operator.get(f"/api/v1/officers/{officer}").json()["phone_masked"]
    assert wall.get(where.replace("incidents", "households")).status_code == 403


def test_the_database_itself_lets_a_wall_change_nothing(wall: TestClient, fresh: Clone, district: District) -> None:
    with fresh.as_app() as connection:
        connection.execute("SELECT set_config('wangge.token', %s, false)", [wall.cookies["wangge"]])
        assert connection.execute("SELECT count(*) > 0 FROM incident").fetchone() == (True,)
        for table in ("incident", "officer", "grid", "plan", "person", "facility"):
            assert connection.execute(f"DELETE FROM {table} RETURNING 1").fetchall() == [], table  # type: ignore[arg-type]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("INSERT INTO scheme (id, code, name, name_en, code_pattern) VALUES (77, 'x', 'x', 'x', 'x')")
    with fresh.as_app() as connection:
        connection.execute("SELECT set_config('wangge.token', %s, false)", [wall.cookies["wangge"]])
        assert connection.execute("SELECT count(*) FROM incident_log").fetchone() == (0,)
        assert connection.execute("SELECT gate.set_password('x', 5)").fetchone() == (None,)
        assert connection.execute("SELECT gate.set_second_factor('x', 1)").fetchone() == (None,)


def test_a_wall_cannot_come_in_by_password_nor_carry_a_token(wall: TestClient, fresh: Clone) -> None:
    give_password(fresh, "wall.all")
    assert sign_in(browser(wall.app), "wall.all", PASSWORD).json()["type"] == "/problems/sign-in-refused"
    with pytest.raises(BadValue):
        tokens.bearer_token(fresh.schema_url, "wall", None)
    with fresh.owner() as connection:
        factories.open_session(connection, wall.get("/api/v1/me").json()["person_id"], "a-browser-for-a-wall-0123456789")
        assert connection.execute(
            "SELECT count(*) FROM session JOIN person ON person.id = person_id WHERE sign_in_name = 'wall.all'"
        ).fetchone() == (1,)


def test_an_administrator_makes_lists_and_ends_a_wall_and_the_trail_tells_it(wall: TestClient, fresh: Clone) -> None:
    admin = administrator(wall)
    (listed,) = [each for each in admin.get("/api/v1/people?role=wall").json()["items"] if each["sign_in_name"] == "wall.all"]
    (session,) = admin.get(f"/api/v1/people/{listed['id']}/sessions").json()["items"]
    assert session["kind"] == "wall"
    assert admin.delete(f"/api/v1/people/{listed['id']}/sessions/{session['id']}").json() == {"ended": 1}
    assert wall.get("/api/v1/me").status_code == 401
    with fresh.owner() as connection:
        rows = connection.execute(
            "SELECT action, facts ->> 'wall', facts ->> 'kind' FROM audit WHERE noun_id = %s OR person_id = %s ORDER BY id",
            [str(listed["id"]), listed["id"]],
        ).fetchall()
    assert rows == [("issue_link", "all", None), ("sign_in", None, "wall"), ("end_session", None, None)]
    lobby = {"sign_in_name": "wall.lobby", "name": "大厅大屏", "roles": ["wall"], "areas": [AREAS["a"].code]}
    made = admin.post("/api/v1/people", json=lobby).json()
    path = admin.post(f"/api/v1/people/{made['id']}/reset").json()["path"]
    assert browser(wall.app).post(path).headers["location"] == "/?wall=1"


def test_a_wall_that_becomes_somebody_else_begins_anew(wall: TestClient, fresh: Clone) -> None:
    person = wall.get("/api/v1/me").json()["person_id"]
    assert administrator(wall).patch(f"/api/v1/people/{person}", json={"roles": ["operator"]}).status_code == 200
    assert wall.get("/api/v1/me").status_code == 401, "an operator's session is not without an idle limit"


def test_somebody_can_sign_in_where_a_wall_was(wall: TestClient, fresh: Clone) -> None:
    assert wall.get("/sign-in").status_code == 200
    give_password(fresh, "operator.a1")
    before = wall.cookies["wangge"]
    assert sign_in(wall, "operator.a1").status_code == 200
    assert TestClient(wall.app, cookies={"wangge": before}).get("/api/v1/me").status_code == 401


@pytest.fixture
def address(fresh: Clone, data_dir) -> Iterator[str]:
    with serve(fresh, data_dir) as address:
        yield address


def test_a_wall_that_is_ended_hears_so(address: str, fresh: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "CHECK_S", 0.2)
    monkeypatch.setattr(reads, "CALLER_KEPT_S", 0.1)
    person = wall_person(fresh)
    with listening(address, "wall") as listener:
        status, told = ask(address, "DELETE", f"/api/v1/people/{person}/sessions", token=factories.token("security_admin"))
        assert (status, told) == (200, {"ended": 1})
        assert [(event.name, event.content) for event in listener.rest()] == [("end", {"reason": "signed-out"})]


def wall_person(fresh: Clone) -> int:
    with fresh.owner() as connection:
        row = connection.execute("SELECT id FROM person WHERE sign_in_name = 'wall.district'").fetchone()
    assert row is not None
    return int(row[0])
