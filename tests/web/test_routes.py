"""Pages over HTTP: who may open them, in which language, and what a refusal looks like to a reader."""

import pytest

from tests.conftest import Client

READS = {"Accept": "text/html"}


def test_a_stranger_is_led_to_sign_in_and_back(client: Client) -> None:
    answer = client(None).get("/?area=a1&fill=open", headers=READS)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2F%3Farea%3Da1%26fill%3Dopen"
    assert 'data-next="/?area=a1&amp;fill=open"' in client(None).get(answer.headers["location"]).text


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\t/evil.example"]
)
def test_sign_in_leads_nowhere_else(client: Client, elsewhere: str) -> None:
    assert 'data-next="/"' in client(None).get("/sign-in", params={"next": elsewhere}).text
    assert client("operator").get("/sign-in", params={"next": elsewhere}).headers["location"] == "/"


def test_the_one_screen_opens_on_the_callers_own_ground(client: Client, district) -> None:  # type: ignore[no-untyped-def]
    whole, own = (client(role, area).get("/", headers=READS).text for role, area in (("operator", "district"), ("clerk", "a1")))
    assert '"bounds": [113.0, 28.0, ' in whole
    assert whole.split('"bounds": ')[1].split("]")[0] != own.split('"bounds": ')[1].split("]")[0]


def test_the_address_then_the_cookie_then_the_browser_choose_the_language(client: Client) -> None:
    visitor = client(None)
    assert 'lang="en"' in visitor.get("/sign-in", headers={"Accept-Language": "en-US"}).text
    assert 'lang="zh-CN"' in visitor.get("/sign-in", headers={"Accept-Language": "fr"}).text
    visitor.cookies.set("wangge_lang", "zh")
    visitor.cookies.set("wangge_theme", "light")
    assert 'lang="zh-CN" data-language="zh" data-theme="light"' in visitor.get("/sign-in", headers={"Accept-Language": "en-US"}).text
    assert 'lang="en" data-language="en" data-theme="dark"' in visitor.get("/sign-in?lang=en&theme=dark").text


def test_a_missing_page_is_a_page_for_readers_and_a_problem_for_programs(client: Client) -> None:
    page = client("operator").get("/no-such-page", headers=READS)
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "nonce-" in page.headers["content-security-policy"]
    plain = client("operator").get("/api/v1/no-such-thing", headers=READS)
    assert (plain.status_code, plain.headers["content-type"]) == (404, "application/problem+json")


def test_words_are_asked_for_once_and_then_by_tag(client: Client) -> None:
    first = client(None).get("/words/en.json")
    assert first.json()["title"] == "District overview"
    again = client(None).get("/words/en.json", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client(None).get("/words/fr.json").status_code == 404


def test_the_reference_of_the_api_needs_a_session(client: Client) -> None:
    assert client(None).get("/docs", headers=READS).status_code == 303
    assert "/static/vendor/swagger-ui-bundle.js" in client("analyst").get("/docs", headers=READS).text


def test_opening_a_one_time_link_only_asks(client: Client) -> None:
    answer = client(None).get("/sign-in/link/" + "a" * 43, headers=READS)
    assert answer.status_code == 200
    assert f'method="post" action="/sign-in/link/{"a" * 43}"' in answer.text
    assert "set-cookie" not in answer.headers


def test_the_planners_pages_open_light_and_only_for_who_may_see_plans(client: Client) -> None:
    for path in ("/plans", "/plans/1"):
        page = client("planner").get(path, headers=READS)
        assert page.status_code == 200
        assert 'data-theme="light"' in page.text
        assert 'data-theme="dark"' in client("planner").get(f"{path}?theme=dark", headers=READS).text
        assert client("officer").get(path, headers=READS).status_code == 403
        assert client(None).get(path, headers=READS).status_code == 303
    assert client("planner").get("/plans/0", headers=READS).status_code == 422
