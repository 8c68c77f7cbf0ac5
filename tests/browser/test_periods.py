"""Which days are shown: five periods up to now, days somebody names, and an archive that ended long ago."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Route

from tests.browser.conftest import Opener

pytestmark = pytest.mark.browser


HEAD_IN_ORDER = """() => {
  const [path, title, tools] = [".bar .breadcrumb", ".bar h1", ".bar .tools"].map((each) => document.querySelector(each).getBoundingClientRect());
  const name = document.querySelector(".bar h1 b");
  const first = document.querySelector(".bar .tools > :first-child").getBoundingClientRect();
  if (path.right > title.left) return "the path runs into the title";
  if (title.right > first.left) return `the tools lie on the title: ${title.right} > ${first.left}`;
  return name.scrollWidth > name.clientWidth ? "the title is cut" : "in order";
}"""


def address(page: Page) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def asked(page: Page, path: str) -> list[dict[str, str]]:
    """Collects what the page asks of a path from now on."""
    found: list[dict[str, str]] = []

    def keep(url: str) -> None:
        if path in url:
            found.append({key: values[0] for key, values in parse_qs(urlsplit(url).query).items()})

    page.on("request", lambda request: keep(request.url))
    return found


def days_back(page: Page, days: int) -> str:
    """A day so many days before today, where the server is."""
    return str(page.evaluate("days => new Date(Date.now() - days * 86400000).toISOString().slice(0, 10)", days))


def test_days_of_ones_own_reach_every_panel_with_the_keyboard_alone_and_stand_in_the_address(opener: Opener) -> None:
    page = opener().open("/?lang=en")
    first, last = days_back(page, 40), days_back(page, 20)
    questions = {path: asked(page, path) for path in ("/picture", "/tiles/incidents/")}
    page.locator("#time .own").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.name") == "from"
    page.fill('#time [name="from"]', first)
    page.fill('#time [name="to"]', last)
    page.locator('#time [name="to"]').focus()
    with page.expect_response(lambda answer: "/picture" in answer.url and "dated=true" in answer.url):
        page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('#trend h2').textContent.startsWith('14 days to')")
    assert (address(page)["from"], address(page)["to"]) == (first, last)
    assert page.locator("#time .own").get_attribute("aria-pressed") == "true"
    assert page.locator("#time .days").is_hidden()
    for path, found in questions.items():
        assert found, path
        assert {(each["from"], each["to"]) for each in found} == {(first, last)}, path
    page.locator("#time .segments button").first.click()
    page.wait_for_url(lambda url: "from=" not in url)
    page.go_back()
    page.wait_for_url(lambda url: f"from={first}" in url)
    page.wait_for_function("() => document.querySelector('#time .own').getAttribute('aria-pressed') === 'true'")


def test_days_that_end_before_they_begin_are_not_asked_for(opener: Opener) -> None:
    page = opener().open("/?lang=en")
    page.locator("#time .own").click()
    page.fill('#time [name="from"]', days_back(page, 5))
    page.fill('#time [name="to"]', days_back(page, 9))
    page.locator('#time .days button[type="submit"]').click()
    assert page.locator("#time .days").is_visible()
    assert page.evaluate("() => document.querySelector('#time [name=to]').validationMessage") == "The last day is before the first"
    assert "from" not in address(page)
    page.keyboard.press("Escape")
    assert page.locator("#time .days").is_hidden()
    assert page.evaluate("() => document.activeElement.className") == "own"


@pytest.mark.parametrize("wrong", ["from=2026-02-30&to=2026-03-01", "from=2026-03-01", "from=2026-03-02&to=2026-03-01", "from=x&to=y"])
def test_an_address_with_half_or_wrong_days_shows_the_usual_period(opener: Opener, wrong: str) -> None:
    page = opener().open(f"/?{wrong}")
    assert page.locator('#time .segments [aria-pressed="true"]').inner_text() == "7 天"


def test_where_nothing_was_reported_one_click_leads_to_the_days_up_to_the_newest(opener: Opener) -> None:
    page = opener().open("/?lang=en&from=2009-01-01&to=2009-02-01")
    offer = page.locator("#time [data-around]")
    offer.wait_for()
    newest = offer.get_attribute("data-around")
    assert page.locator("#categories .empty").inner_text().startswith("Nothing in this area and period")
    assert page.locator("#trend .empty").is_visible()
    offer.click()
    page.wait_for_selector("#categories .bars button")
    assert address(page)["to"] == newest
    assert page.locator("#time .hours").is_visible()


def test_an_archive_says_of_which_day_it_is_and_counts_ages_from_then(opener: Opener) -> None:
    watched = opener()

    def years_ago(route: Route) -> None:
        answer = route.fetch()
        me = answer.json()
        me["deployment"] |= {"now": "2022-10-22T15:00:00Z", "archive": True}
        route.fulfill(response=answer, body=json.dumps(me))

    def reported_then(route: Route) -> None:
        answer = route.fetch()
        picture = answer.json()
        for item in picture["feed"]["items"]:
            item["reported_at"] = "2022-10-22T12:00:00Z"
        route.fulfill(response=answer, body=json.dumps(picture))

    watched.page.route("**/api/v1/me", years_ago)
    watched.page.route("**/api/v1/picture*", reported_then)
    page = watched.open("/?lang=en&period=30d")
    assert page.locator("#as_of").inner_text() == "As of 2022-10-22"
    assert page.locator("#feed .age").first.inner_text() == "3 h ago"
    assert watched.axe() == []
    for width in (1920, 1440, 1280, 1024):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(HEAD_IN_ORDER) == "in order", width


def test_a_running_district_carries_no_such_chip_and_tells_its_own_time_on_a_pc_that_is_a_day_ahead(opener: Opener) -> None:
    watched = opener(timezone_id="America/New_York")
    watched.page.clock.install(time=datetime.now(UTC) + timedelta(hours=27))
    page = watched.open("/?lang=en")
    assert page.locator("#as_of").count() == 0
    told = page.locator("#clock").get_attribute("datetime")
    assert told
    assert abs(datetime.fromisoformat(told) - datetime.now(UTC)) < timedelta(minutes=10)


def test_the_legend_folds_away_and_comes_back(opener: Opener) -> None:
    page = opener().open("/?lang=en")
    page.locator("#legend .fold").click()
    assert page.locator("#legend .body").is_hidden()
    assert page.locator("#legend .fold").get_attribute("aria-expanded") == "false"
    page.locator("#legend .fold").click()
    assert page.locator("#legend .body").is_visible()


def test_a_communitys_grids_are_ranked_by_their_short_names(opener: Opener) -> None:
    page = opener().open("/?lang=en")
    page.locator("#ranking [data-area]").first.click()
    page.wait_for_function("() => document.querySelector('#ranking th:nth-child(2)').textContent === 'Community'")
    community = page.locator("#ranking [data-area]").first
    name = community.inner_text()
    community.click()
    page.wait_for_function("() => document.querySelector('#ranking th:nth-child(2)').textContent === 'Grid'")
    buttons = page.locator("#ranking td button")
    # A dedicated grid has a name of its own.
    assert any(each.startswith("Grid ") for each in buttons.all_inner_texts())
    assert not any(name in each for each in buttons.all_inner_texts())
    assert all(name in full for full in buttons.evaluate_all("all => all.map((each) => each.title)") if "dedicated" not in full)


def test_on_a_phone_the_days_of_ones_own_lie_within_the_window(opener: Opener) -> None:
    page = opener(390, 844).open("/?lang=en")
    page.locator("#time .own").click()
    box = page.locator("#time .days").bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
