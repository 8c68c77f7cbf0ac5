"""The wall: foreign sites, bodies too large or unreadable, and what answers tell the browser."""

import urllib.error
import urllib.request
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from starlette.testclient import TestClient

from data.database import Database
from tests.factories import token

COOKIE = {"Cookie": f"wangge={token('planner')}"}
CHANGE = "/api/v1/me/language"
ENGLISH = {"language": "en"}


@pytest.fixture
def browser(client: Any) -> TestClient:
    """A planner's browser: the session comes as a cookie."""
    visitor: TestClient = client(None)
    visitor.headers.update(COOKIE)
    return visitor


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Wangge": "1", "Sec-Fetch-Site": "same-origin", "Origin": "http://testserver"},
        {"X-Wangge": "1", "Origin": "http://testserver"},
        {"X-Wangge": "1"},
    ],
)
def test_our_own_page_changes_things_by_cookie(browser: TestClient, headers: dict[str, str]) -> None:
    assert browser.post(CHANGE, json=ENGLISH, headers=headers).status_code == 204


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"X-Wangge": "1", "Sec-Fetch-Site": "cross-site"}, "foreign-site"),
        ({"X-Wangge": "1", "Sec-Fetch-Site": "same-site"}, "foreign-site"),
        ({"X-Wangge": "1", "Origin": "http://evil.example"}, "foreign-origin"),
        ({"X-Wangge": "1", "Origin": "null"}, "foreign-origin"),
        ({"X-Wangge": "1", "Origin": "http://testserver.evil.example"}, "foreign-origin"),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://testserver"}, "header-missing"),
        ({}, "header-missing"),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_another_sites_page_changes_nothing_by_our_cookie(browser: TestClient, method: str, headers: dict[str, str], reason: str) -> None:
    answer = browser.request(method, CHANGE, json=ENGLISH, headers=headers)
    assert (answer.status_code, answer.json()["reason"]) == (403, reason)


def test_a_form_of_another_site_cannot_sign_anybody_in(client: Any) -> None:
    answer = client(None).post("/sign-in/link/" + "x" * 43, headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403


def test_programs_with_a_token_need_no_header_of_ours(client: Any) -> None:
    assert client("planner").post(CHANGE, json=ENGLISH).status_code == 204


def test_nobody_is_told_that_other_sites_may_read(client: Any) -> None:
    answer = client("planner").options(
        CHANGE,
        headers={"Origin": "http://evil.example", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-wangge"},
    )
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "body",
    [
        b'{"language": NaN}', b'{"language": Infinity}', b'{"language": -Infinity}', b'{"language": 1e999}', b'{"language": "\\ud800"}',
        b'{"language": "en", "language": "zh"}', b'{"a": [{"b": 1, "b": 2}]}', b"[" * 900 + b"]" * 900, b"[" * 1000 + b"]" * 1000,
        b'{"language": "e\\u0000n"}', b'{"a\\u0000": 1}', b"\xff\xfe", b'{"language"', b"[" * 5000, b'{"language": 123456789012345678901234567890}',
        b'"just text"', b"[]", b"null", b'{"language": "en", "extra": 1}',
    ],
)  # fmt: skip
def test_unreadable_or_wrong_bodies_are_refused_with_a_reason_and_not_echoed(client: Any, body: bytes) -> None:
    answer = client("planner", raises=False).post(CHANGE, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422, answer.text
    assert answer.json()["type"] == "/problems/bad-value"
    assert answer.json()["fields"] and "123456789012345678901234567890" not in answer.text


@pytest.mark.parametrize("address", ["/api/v1/people?q=%00", "/api/v1/audit?action=a%00b", "/api/v1/areas/99%00"])
def test_a_nul_in_an_address_is_refused(client: Any, address: str) -> None:
    assert client("security_admin", raises=False).get(address).status_code in {404, 422}


@pytest.mark.parametrize("number", ["0", "-1", "99999999999999999999", "1e3", "abc", "%F0%9F%98%80", "1%00"])
def test_ids_that_no_thing_can_have_are_refused_and_never_a_bug(client: Any, number: str) -> None:
    for path in (f"/api/v1/people/{number}", f"/api/v1/grids/{number}"):
        assert client("security_admin", raises=False).get(path).status_code in {403, 404, 422}


def test_a_body_over_the_limit_is_refused_by_what_it_says_and_by_what_it_sends(client: Any) -> None:
    planner = client("planner")
    big = b'{"language": "' + b"x" * 1_100_000 + b'"}'
    said = planner.post(CHANGE, content=big, headers={"Content-Type": "application/json"})
    assert (said.status_code, said.json()["type"], said.json()["limit_bytes"]) == (413, "/problems/too-large", 1_000_000)

    def pieces() -> Any:
        for start in range(0, len(big), 65536):
            yield big[start : start + 65536]

    sent = planner.post(CHANGE, content=pieces(), headers={"Content-Type": "application/json"})
    assert sent.status_code == 413
    form = planner.post(CHANGE, content=pieces(), headers={"Content-Type": "text/plain"})
    assert (form.status_code, form.json()["type"]) == (413, "/problems/too-large")


def test_who_sends_a_whole_body_before_listening_hears_that_it_is_too_large(live_server: str) -> None:
    sent = urllib.request.Request(live_server + CHANGE, data=b" " * 24_000_000, method="POST", headers={"Content-Type": "application/json"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(sent, timeout=30)
    assert refused.value.code == 413
    assert b"/problems/too-large" in refused.value.read()


def test_answers_carry_the_headers_that_keep_them_harmless(client: Any) -> None:
    headers = client("planner").get("/api/v1/me").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert "server" not in headers


def test_a_script_asked_for_again_keeps_the_policy_it_came_with(client: Any) -> None:
    browser = client(None)
    script = browser.get("/static/js/stream.js")
    assert "connect-src 'self'" in script.headers["Content-Security-Policy"]
    again = browser.get("/static/js/stream.js", headers={"If-None-Match": script.headers["ETag"]})
    assert again.status_code == 304
    # What a 304 names replaces what is kept, and a worker under a policy without connect-src hears nothing.
    assert "Content-Security-Policy" not in again.headers


def test_a_bug_is_answered_from_inside_the_wall_and_tells_nothing(app: FastAPI, client: Any) -> None:
    def broken() -> None:
        raise ZeroDivisionError("张三 13800000000")

    app.add_api_route("/api/v1/broken", broken)
    answer = client(raises=False).get("/api/v1/broken")
    assert (answer.status_code, answer.json()["type"]) == (500, "/problems/bug")
    assert "张三" not in answer.text and "ZeroDivision" not in answer.text
    healthy = client("planner").get("/api/v1/me").headers
    for name in ("content-security-policy", "x-content-type-options", "cross-origin-resource-policy", "cache-control"):
        assert answer.headers[name] == healthy[name]
    with pytest.raises(ZeroDivisionError):
        client().get("/api/v1/broken")


def test_an_error_of_the_database_does_not_carry_values_into_the_log(fresh_database: Database) -> None:
    with pytest.raises(DBAPIError) as failed, fresh_database.unit_of_work() as session:
        session.execute(text("SELECT :name / 0"), {"name": 13800000000})
    assert "13800000000" not in str(failed.value)


def test_a_page_names_a_new_nonce_each_time_and_allows_nothing_else(client: Any) -> None:
    policies = [client(None).get("/sign-in", headers={"Accept": "text/html"}).headers["content-security-policy"] for _ in range(2)]
    assert policies[0] != policies[1]
    assert "'unsafe-inline'" not in policies[0] and "http" not in policies[0]
    assert "default-src 'none'" in policies[0] and "frame-ancestors 'self'" in policies[0]


def test_a_browser_without_a_session_is_led_to_the_sign_in_page_and_back(client: Any) -> None:
    visitor = client(None)
    assert visitor.get("/docs", headers={"Accept": "text/html"}).headers["location"] == "/sign-in?next=%2Fdocs"
    assert visitor.get("/", headers={"Accept": "text/html"}).headers["location"] == "/sign-in"
    answer = visitor.get("/api/v1/me", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize(("path", "kind"), [("me/language", "text/plain"), ("incidents", ""), ("buildings/within", "application/xml")])
def test_a_body_of_another_type_is_refused_with_the_type_to_send(client, path: str, kind: str) -> None:
    answer = client("operator").post(f"/api/v1/{path}", content=b"{}", headers={"Content-Type": kind} if kind else {})
    assert answer.status_code == 422
    assert "Content-Type: application/json" in answer.json()["detail"]
