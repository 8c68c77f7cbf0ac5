"""Signing in with a password, a code or a link; staying signed in; being signed out."""

import base64
import time
from datetime import timedelta

import psycopg
import pytest
from fastapi import FastAPI
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from starlette.testclient import TestClient

from api.people import one_time_code, passwords
from api.people.sign_in import SECOND_FACTOR
from data import sealing
from data.database import Database
from gis.errors import BadValue
from tests.conftest import Clone, make_app, settings_for

PASSWORD = "Maple-tree-47"
OURS = {"X-Wangge": "1", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same algorithm with little work: these tests ask what happens, not how slow guessing is."""
    quick = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
    nobody = quick.hash("nobody has this password")
    monkeypatch.setattr(passwords, "_argon2", lambda: quick)
    monkeypatch.setattr(passwords, "_nobody", lambda: nobody)


@pytest.fixture
def visitor(fresh: Clone, fresh_database: Database, data_dir) -> TestClient:
    """Somebody with a browser and nothing else, where commits are real."""
    return browser(make_app(settings_for(fresh, data_dir), fresh_database))


def browser(app: FastAPI) -> TestClient:
    return TestClient(app, base_url="http://testserver", headers=OURS, follow_redirects=False)


def give_password(fresh: Clone, name: str, password: str = PASSWORD, *, days_old: int = 0) -> int:
    with fresh.owner() as connection:
        row = connection.execute("SELECT id FROM person WHERE sign_in_name = %s", [name]).fetchone()
        assert row is not None
        connection.execute(
            "INSERT INTO credential (person_id, password_hash, changed_at) VALUES (%s, %s, now() - %s)",
            [row[0], passwords.hashed(password), timedelta(days=days_old)],
        )
        connection.commit()
    return int(row[0])


def give_second_factor(fresh: Clone, person_id: int, data_dir) -> bytes:
    secret = one_time_code.fresh_secret()
    with fresh.owner() as connection:
        sealed = sealing.keyring(data_dir).seal(SECOND_FACTOR, person_id, secret)
        connection.execute("UPDATE credential SET totp_sealed = %s WHERE person_id = %s", [sealed, person_id])
        connection.commit()
    return secret


def give_link(fresh: Clone, name: str, link: str, lifetime: str = "1 day") -> None:
    with fresh.owner() as connection:
        connection.execute(
            "SELECT gate.add_link(id, sha256(%s::bytea), %s::interval) FROM person WHERE sign_in_name = %s", [link.encode(), lifetime, name]
        )
        connection.commit()


def sign_in(client: TestClient, name: str, password: str = PASSWORD, **more: str):
    return client.post("/api/v1/session", json={"name": name, "password": password, **more})


def tries_left_alone(fresh: Clone, question: str = "SELECT count(*) FROM limit_hit") -> int:
    with fresh.owner() as connection:
        row = connection.execute(question).fetchone()
    assert row is not None
    return int(row[0])


def test_a_right_password_opens_a_session_that_scripts_and_other_sites_cannot_use(visitor: TestClient, fresh: Clone) -> None:
    give_password(fresh, "operator.a1")
    answer = sign_in(visitor, "operator.a1")
    assert answer.status_code == 200, answer.text
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/" in cookie
    me = visitor.get("/api/v1/me").json()
    assert me["sign_in_name"] == "operator.a1"
    assert [area["code"] for area in me["scope"]] == ["990101001001"]
    assert me["deployment"]["district_code"] == "990101000000"


def test_only_the_hash_of_a_token_is_stored(visitor: TestClient, fresh: Clone) -> None:
    give_password(fresh, "operator.a1")
    sign_in(visitor, "operator.a1")
    token = visitor.cookies["wangge"]
    assert len(token) >= 43
    with fresh.owner() as connection:
        assert connection.execute("SELECT count(*) FROM session WHERE token_hash = sha256(%s::bytea)", [token.encode()]).fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM session WHERE session::text LIKE %s", [f"%{token}%"]).fetchone() == (0,)


def test_over_https_the_cookie_is_bound_to_the_host_and_the_plain_name_counts_for_nothing(fresh, fresh_database, data_dir) -> None:
    give_password(fresh, "operator.a1")
    settings = settings_for(fresh, data_dir).model_copy(update={"secure_cookies": True})
    secure = TestClient(make_app(settings, fresh_database), base_url="https://testserver", headers=OURS)
    answer = sign_in(secure, "operator.a1")
    assert answer.headers["set-cookie"].startswith("__Host-wangge=") and "Secure" in answer.headers["set-cookie"]
    assert "max-age" in answer.headers["strict-transport-security"]
    planted = TestClient(secure.app, base_url="https://testserver", cookies={"wangge": secure.cookies["__Host-wangge"]})
    assert planted.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize("name", ["operator.a1", "nobody-of-that-name", "system"])
def test_a_wrong_password_and_an_unknown_name_get_the_same_answer_and_the_same_lock(visitor: TestClient, fresh: Clone, name: str) -> None:
    give_password(fresh, "operator.a1")
    answers = [sign_in(visitor, name, "Wrong-guess-99") for _ in range(6)]
    assert [each.status_code for each in answers] == [401] * 5 + [429]
    assert {each.json()["type"] for each in answers[:5]} == {"/problems/sign-in-refused"}
    assert {each.json()["detail"] for each in answers[:5]} == {"The name, the password or the code is wrong."}
    assert sign_in(visitor, name, PASSWORD).status_code == 429, "locked for the right password too"


def test_a_lock_ends_when_the_failures_are_old_enough(visitor: TestClient, fresh: Clone) -> None:
    give_password(fresh, "operator.a1")
    for _ in range(5):
        sign_in(visitor, "operator.a1", "Wrong-guess-99")
    with fresh.owner() as connection:
        connection.execute("UPDATE limit_hit SET at = at - interval '31 minutes'")
        connection.commit()
    assert sign_in(visitor, "operator.a1").status_code == 200


def test_a_good_sign_in_clears_the_failures_before_it(visitor: TestClient, fresh: Clone) -> None:
    give_password(fresh, "operator.a1")
    for _ in range(2):
        assert [sign_in(visitor, "operator.a1", "Wrong-guess-99").status_code for _ in range(4)] == [401] * 4
        assert sign_in(visitor, "operator.a1").status_code == 200
    assert tries_left_alone(fresh, "SELECT count(*) FROM limit_hit WHERE bucket LIKE 'name:%'") == 0


def test_one_address_cannot_try_many_names(visitor: TestClient) -> None:
    answers = [sign_in(visitor, f"name-{number}", "Wrong-guess-99").status_code for number in range(21)]
    assert answers == [401] * 20 + [429]


def test_failed_tries_are_on_record_without_what_was_typed(visitor: TestClient, fresh: Clone) -> None:
    person = give_password(fresh, "operator.a1")
    sign_in(visitor, "operator.a1", "Wrong-guess-99")
    sign_in(visitor, "my-secret-typed-here", "Wrong-guess-99")
    with fresh.owner() as connection:
        rows = connection.execute("SELECT person_id, outcome, audit::text FROM audit WHERE action = 'sign_in' ORDER BY id").fetchall()
    assert [(row[0], row[1]) for row in rows] == [(person, "refused"), (None, "refused")]
    assert not any("secret" in row[2] or "guess" in row[2] for row in rows)


def test_an_idle_session_ends_and_a_used_one_goes_on(visitor: TestClient, fresh: Clone) -> None:
    give_password(fresh, "operator.a1")
    sign_in(visitor, "operator.a1")
    age(fresh, "last_seen_at = now() - interval '29 minutes'")
    assert visitor.get("/api/v1/me").status_code == 200
    age(fresh, "last_seen_at = last_seen_at - interval '29 minutes'")
    assert visitor.get("/api/v1/me").status_code == 200, "the request before counted as use"
    age(fresh, "last_seen_at = now() - interval '31 minutes'")
    assert visitor.get("/api/v1/me").status_code == 401


def test_a_page_that_asks_by_itself_does_not_keep_a_session_alive(visitor: TestClient, fresh: Clone) -> None:
    give_password(fresh, "operator.a1")
    sign_in(visitor, "operator.a1")
    age(fresh, "last_seen_at = now() - interval '29 minutes'")
    assert visitor.get("/api/v1/me", headers={"X-Wangge-Background": "1"}).status_code == 200
    age(fresh, "last_seen_at = last_seen_at - interval '2 minutes'")
    assert visitor.get("/api/v1/me").status_code == 401


def test_a_session_ends_at_its_absolute_limit_however_busy(visitor: TestClient, fresh: Clone) -> None:
    give_password(fresh, "operator.a1")
    sign_in(visitor, "operator.a1")
    age(fresh, "expires_at = now() - interval '1 second'")
    assert visitor.get("/api/v1/me").status_code == 401


def age(fresh: Clone, change: str) -> None:
    with fresh.owner() as connection:
        connection.execute("UPDATE session SET " + change + " WHERE kind = 'browser' AND idle_limit IS NOT NULL")  # type: ignore[arg-type]
        connection.commit()


def test_signing_in_again_ends_the_session_before_so_that_none_can_be_planted(visitor: TestClient, fresh: Clone) -> None:
    give_password(fresh, "operator.a1")
    sign_in(visitor, "operator.a1")
    first = visitor.cookies["wangge"]
    sign_in(visitor, "operator.a1")
    assert visitor.cookies["wangge"] != first
    assert TestClient(visitor.app, cookies={"wangge": first}).get("/api/v1/me").status_code == 401


def test_signing_out_ends_the_session_at_once(visitor: TestClient, fresh: Clone) -> None:
    give_password(fresh, "operator.a1")
    sign_in(visitor, "operator.a1")
    token = visitor.cookies["wangge"]
    answer = visitor.delete("/api/v1/session")
    assert answer.status_code == 204 and 'wangge=""' in answer.headers["set-cookie"]
    assert TestClient(visitor.app, cookies={"wangge": token}).get("/api/v1/me").status_code == 401


def test_an_old_password_is_replaced_at_sign_in_and_not_by_itself(visitor: TestClient, fresh: Clone) -> None:
    give_password(fresh, "operator.a1", days_old=91)
    expired = sign_in(visitor, "operator.a1")
    assert (expired.status_code, expired.json()["reason"]) == (401, "password-expired")
    assert sign_in(visitor, "operator.a1", new_password=PASSWORD).json()["reason"] == "repeated"
    assert sign_in(visitor, "operator.a1", new_password="Willow-bank-58").status_code == 200
    assert sign_in(visitor, "operator.a1", "Willow-bank-58").status_code == 200


def test_an_administrator_needs_a_second_factor(visitor: TestClient, fresh: Clone) -> None:
    give_password(fresh, "security-admin.district")
    answer = sign_in(visitor, "security-admin.district")
    assert (answer.status_code, answer.json()["reason"]) == (401, "second-factor-missing")


def test_a_code_is_asked_for_and_counts_once(visitor: TestClient, fresh: Clone, data_dir) -> None:
    person = give_password(fresh, "security-admin.district")
    secret = give_second_factor(fresh, person, data_dir)
    assert sign_in(visitor, "security-admin.district").json()["reason"] == "code-needed"
    code = one_time_code.code_at(secret, int(time.time()) // 30)
    assert sign_in(visitor, "security-admin.district", code=code).status_code == 200
    again = sign_in(visitor, "security-admin.district", code=code)
    assert (again.status_code, again.json()["reason"]) == (401, "wrong")


def test_guessing_codes_locks_even_with_the_right_password(visitor: TestClient, fresh: Clone, data_dir) -> None:
    person = give_password(fresh, "security-admin.district")
    give_second_factor(fresh, person, data_dir)
    answers = []
    for _ in range(3):
        answers += [
            sign_in(visitor, "security-admin.district").status_code,
            sign_in(visitor, "security-admin.district", code="000000").status_code,
        ]
    assert answers == [401] * 5 + [429]


def test_a_link_signs_in_once(visitor: TestClient, fresh: Clone) -> None:
    link = "a-link-that-is-used-once-0123456789"
    give_link(fresh, "planner.district", link)
    answer = visitor.post(f"/sign-in/link/{link}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert visitor.get("/api/v1/me").json()["sign_in_name"] == "planner.district"
    other = browser(visitor.app)
    assert other.post("/api/v1/session/link", json={"link": link}).status_code == 401
    assert other.get("/api/v1/me").status_code == 401


def test_an_old_link_and_a_made_up_link_open_nothing(visitor: TestClient, fresh: Clone) -> None:
    give_link(fresh, "planner.district", "a-link-that-is-too-old-0123456789", lifetime="-1 second")
    for link in ("a-link-that-is-too-old-0123456789", "a-link-that-never-was-0123456789"):
        assert visitor.post("/api/v1/session/link", json={"link": link}).status_code == 401
    assert "wangge" not in visitor.cookies


def test_a_newcomer_sets_a_password_after_the_link_and_then_needs_the_old_one_to_change_it(visitor: TestClient, fresh: Clone) -> None:
    give_link(fresh, "planner.district", "a-link-for-the-newcomer-0123456789")
    visitor.post("/api/v1/session/link", json={"link": "a-link-for-the-newcomer-0123456789"})
    assert visitor.post("/api/v1/me/password", json={"new_password": PASSWORD}).status_code == 204
    assert visitor.post("/api/v1/me/password", json={"new_password": "Willow-bank-58"}).status_code == 401
    assert visitor.post("/api/v1/me/password", json={"new_password": "Willow-bank-58", "old_password": PASSWORD}).status_code == 204
    back = visitor.post("/api/v1/me/password", json={"new_password": PASSWORD, "old_password": "Willow-bank-58"})
    assert (back.status_code, back.json()["reason"]) == (422, "repeated")
    assert sign_in(browser(visitor.app), "planner.district", "Willow-bank-58").status_code == 200


def test_a_second_factor_is_set_up_with_its_first_code_and_replaced_only_with_a_code_of_the_old_one(
    visitor: TestClient, fresh: Clone, data_dir
) -> None:
    give_link(fresh, "audit-admin.district", "a-link-for-the-auditor-0123456789")
    visitor.post("/api/v1/session/link", json={"link": "a-link-for-the-auditor-0123456789"})
    begun = visitor.post("/api/v1/me/second-factor").json()
    assert begun["address"].startswith("otpauth://totp/")
    secret = unshown(begun["secret"])
    wrong = visitor.post("/api/v1/me/second-factor/confirm", json={"pending": begun["pending"], "code": other_than(secret)})
    assert wrong.status_code == 401
    body = {"pending": begun["pending"], "code": one_time_code.code_at(secret, int(time.time()) // 30)}
    assert visitor.post("/api/v1/me/second-factor/confirm", json=body).status_code == 204
    second = visitor.post("/api/v1/me/second-factor").json()
    body = {"pending": second["pending"], "code": one_time_code.code_at(unshown(second["secret"]), int(time.time()) // 30)}
    refused = visitor.post("/api/v1/me/second-factor/confirm", json=body)
    assert (refused.status_code, refused.json()["reason"]) == (401, "current-code")


def unshown(secret: str) -> bytes:
    return base64.b32decode(secret + "=" * (-len(secret) % 8))


def other_than(secret: bytes) -> str:
    now = int(time.time()) // 30
    valid = {one_time_code.code_at(secret, now + step) for step in range(-2, 3)}
    return next(code for code in ("000000", "111111", "222222", "333333", "444444", "555555") if code not in valid)


def test_a_second_factor_of_one_person_cannot_be_confirmed_by_another(visitor: TestClient, client) -> None:
    begun = client("planner").post("/api/v1/me/second-factor").json()
    body = {"pending": begun["pending"], "code": one_time_code.code_at(unshown(begun["secret"]), int(time.time()) // 30)}
    assert client("operator").post("/api/v1/me/second-factor/confirm", json=body).status_code == 422


@pytest.mark.parametrize(
    "password", ["short-1A", "alllowercaseletters", "Password2024!", "P@ssw0rd!!", "Wangge12345!", "planner-1A-planner", "x" * 201]
)
def test_weak_passwords_are_refused(password: str) -> None:
    with pytest.raises(BadValue):
        passwords.refuse_weak(password, sign_in_name="planner")


@pytest.mark.parametrize("password", ["Maple-tree-47", "三棵枫树 Aa1 的路口", "correct horse 9 Battery"])
def test_good_passwords_are_taken(password: str) -> None:
    passwords.refuse_weak(password, sign_in_name="planner")


def test_codes_follow_the_published_test_values() -> None:
    secret = b"12345678901234567890"
    assert [one_time_code.code_at(secret, seconds // 30) for seconds in (59, 1111111109, 2000000000)] == ["287082", "081804", "279037"]
    assert one_time_code.step_of(secret, "287082", 59 + 30) == 1
    assert one_time_code.step_of(secret, "287082", 59 + 90) is None


def test_names_nobody_has_cost_as_much_work_as_real_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str] = []
    real = passwords._argon2()
    monkeypatch.setattr(type(real), "verify", lambda self, password, password_hash: verified.append(password_hash) or False)
    assert not passwords.matches("x", None)
    assert len(verified) == 1 and verified[0].startswith("$argon2id$"), "a hash was verified although nobody has one"


def test_the_application_cannot_read_credentials_links_or_sessions(fresh: Clone) -> None:
    with fresh.as_app() as connection:
        for table in ("credential", "sign_in_link", "session"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"SELECT * FROM {table}")  # type: ignore[arg-type]
            connection.rollback()
