"""Dispatch from the one screen: two clicks or one key, taken back for ten seconds, and honest when two people act at once."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests import factories
from tests.browser.conftest import Watched
from tests.browser.test_live import LONG_MS, hearing, hide, report, seen_by, shown
from tests.conftest import Served
from tests.events import ask

pytestmark = pytest.mark.browser

LOOKS = [
    ("zh", "dark", (1920, 1080)), ("en", "light", (1920, 1080)), ("en", "dark", (1280, 800)), ("en", "dark", (390, 844)), ("zh", "light", (390, 844)),
]  # fmt: skip


@pytest.fixture(scope="module")
def seats(browser: Browser, served: Served) -> Iterator[Callable[..., Watched]]:
    """`seats(role)` gives somebody's live page, the same one each time; nothing may have gone wrong on any."""
    with ExitStack() as opened:
        sitting: dict[str, Watched] = {}

        def seat(role: str = "operator", area: str = "district") -> Watched:
            if role not in sitting:
                sitting[role] = opened.enter_context(seen_by(browser, served.address, factories.token(role, area)))
                hearing(sitting[role])
            return sitting[role]

        yield seat
        # Chromium writes each refusal on the console; that a step comes too late is what is tested.
        assert [wrong for each in sitting.values() for wrong in each.wrong if "409" not in wrong] == []


@pytest.fixture
def desk(seats: Callable[..., Watched]) -> Page:
    """The page of an operator of the whole district, seen and without a card."""
    page = seats().page
    page.keyboard.press("Escape")
    return page


def of(served: Served, number: int, *, token: str = factories.token("operator")) -> dict[str, Any]:
    status, found = ask(served.address, "GET", f"/api/v1/incidents/{number}", token=token)
    assert status == 200, found
    return dict(found)


def hands(served: Served, number: int) -> dict[str, Any]:
    return dict(ask(served.address, "GET", f"/api/v1/incidents/{number}/hands")[1])


def written(served: Served, number: int) -> list[str]:
    """What the log says was done, in order."""
    return [line["action"] for line in of(served, number)["log"]]


def card(page: Page, number: int) -> Locator:
    """The first click: the item of the feed; its card, with the choices of this incident."""
    shown(page, number)
    page.locator(f'#feed [data-incident="{number}"]').click()
    expect(page.locator("#detail")).to_have_attribute("data-for", f"incident/{number}")
    expect(page.locator("#detail h3")).to_be_visible(timeout=LONG_MS)
    # New items wait for as long as somebody reads the feed.
    page.mouse.move(0, 0)
    page.evaluate("() => document.activeElement.blur()")
    return page.locator("#detail")


def acted(page: Page, act: Callable[[], object], route: str = "actions") -> int:
    """The status of the answer to what `act` sends."""
    with page.expect_response(lambda answer: answer.url.endswith(f"/{route}"), timeout=LONG_MS) as answer:
        act()
    return answer.value.status


def notice(page: Page, kind: str) -> Locator:
    return page.locator(f'#notices [data-kind="{kind}"]')


def test_two_clicks_dispatch_to_the_officer_of_the_grid_and_the_log_says_so(desk: Page, served: Served) -> None:
    number = report(served, "Two clicks")
    own = hands(served, number)["grid_officer"]
    shown_card = card(desk, number)
    assert acted(desk, shown_card.locator(".hand").first.click) == 200
    found = of(served, number)
    assert (found["state"], found["officer"]["id"]) == ("dispatched", own["id"])
    assert written(served, number) == ["report", "file", "dispatch"]
    expect(notice(desk, "undo")).to_contain_text(f"Dispatched to {own['name']}")
    expect(shown_card.locator(".marks")).to_contain_text("Dispatched", timeout=LONG_MS)
    expect(shown_card.locator(".hand")).to_have_count(0)


def test_the_rows_of_what_is_open_can_be_cut_down_to_what_nobody_has_in_hand(desk: Page, served: Served) -> None:
    number = report(served, "In no hand")
    card(desk, number)
    assert acted(desk, partial(desk.keyboard.press, "1")) == 200
    waiting = report(served, "Waits for a hand")
    shown(desk, waiting)
    desk.keyboard.press("Escape")
    desk.locator("[data-kpi=open]").click()
    expect(desk.locator(f'dialog [data-incident="{number}"]')).to_be_visible()
    desk.get_by_role("button", name="To be dispatched").click()
    expect(desk.locator(f'dialog [data-incident="{number}"]')).to_have_count(0)
    expect(desk.get_by_text("Export table")).to_have_attribute("href", re.compile("state=filed&state=returned"))
    desk.locator(f'dialog [data-incident="{waiting}"] .link').click()
    assert acted(desk, desk.locator("#detail .hand").first.click) == 200
    assert of(served, waiting)["state"] == "dispatched"


def test_the_keys_one_to_five_choose_in_the_order_of_the_card(desk: Page, served: Served) -> None:
    for digit in range(1, 6):
        number = report(served, f"Key {digit}")
        offered = hands(served, number)
        wanted = [each["id"] for each in (offered["grid_officer"], *offered["nearest"])] + [None]
        expect(card(desk, number).locator(".hand kbd")).to_have_text(["1", "2", "3", "4", "5"])
        assert acted(desk, partial(desk.keyboard.press, str(digit))) == 200
        officer = of(served, number)["officer"]
        assert (officer and officer["id"]) == wanted[digit - 1]
        assert written(served, number)[-1] == "dispatch"


@pytest.mark.parametrize("by", ["button", "key"])
def test_what_was_dispatched_is_taken_back_within_ten_seconds_and_the_log_says_that_too(desk: Page, served: Served, by: str) -> None:
    number = report(served, f"Back by {by}")
    shown_card = card(desk, number)
    acted(desk, shown_card.locator(".hand").first.click)
    button = notice(desk, "undo").get_by_role("button", name="Undo")
    expect(button).to_be_visible()
    assert acted(desk, button.click if by == "button" else partial(desk.keyboard.press, "Control+z"), "undo") == 200
    assert written(served, number) == ["report", "file", "dispatch", "undo"]
    found = of(served, number)
    assert (found["state"], found["officer"]) == ("reported", None)
    expect(notice(desk, "said")).to_contain_text("Taken back")
    expect(notice(desk, "undo")).to_have_count(0)
    expect(shown_card.locator(".hand")).to_have_count(5, timeout=LONG_MS)


def test_escalate_and_supervise_are_taken_back_like_a_dispatch(desk: Page, served: Served) -> None:
    number = report(served, "Beside the loop")
    shown_card = card(desk, number)
    shown_card.locator('[data-act="supervise"]').click()
    desk.locator("dialog textarea").fill("Look after it")
    assert acted(desk, desk.locator("dialog footer .primary").click) == 200
    assert acted(desk, notice(desk, "undo").get_by_role("button", name="Undo").click, "undo") == 200
    expect(shown_card.locator(".marks")).not_to_contain_text("Supervised", timeout=LONG_MS)
    assert acted(desk, shown_card.locator('[data-act="file"]').click) == 200
    assert acted(desk, shown_card.locator('[data-act="escalate"]').click) == 200
    assert of(served, number)["level"] == "community"
    assert acted(desk, notice(desk, "undo").get_by_role("button", name="Undo").click, "undo") == 200
    assert written(served, number) == ["report", "supervise", "undo", "file", "escalate", "undo"]
    assert of(served, number)["level"] == "grid"


def test_after_ten_seconds_nothing_is_offered_to_be_taken_back(browser: Browser, served: Served) -> None:
    number = report(served, "Too late")
    with seen_by(browser, served.address, factories.token("operator")) as watched:
        page = watched.page
        page.clock.install()
        watched.open(f"/?lang=en&incident={number}")
        acted(page, page.locator(".hand").first.click)
        expect(notice(page, "undo")).to_be_visible()
        page.clock.fast_forward(10_500)
        expect(notice(page, "undo")).to_have_count(0)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
        page.keyboard.press("Control+z")
        assert page.locator("#detail h3").is_visible()
        assert asked == []
        assert watched.wrong == []
    assert written(served, number)[-1] == "dispatch"


def test_what_somebody_else_went_on_with_is_not_taken_back_and_the_page_says_why(desk: Page, served: Served) -> None:
    number = report(served, "Went on")
    acted(desk, card(desk, number).locator(".hand").first.click)
    accept = {"action": "accept", "version": of(served, number)["version"]}
    assert ask(served.address, "POST", f"/api/v1/incidents/{number}/actions", accept, token=factories.token("clerk"))[0] == 200
    assert acted(desk, notice(desk, "undo").get_by_role("button", name="Undo").click, "undo") == 409
    expect(notice(desk, "said")).to_contain_text("Not taken back: somebody acted since. It is now: Handling")
    assert written(served, number)[-1] == "accept"
    expect(desk.locator("#detail .marks")).to_contain_text("Handling", timeout=LONG_MS)


def test_of_two_people_at_once_the_second_hears_that_the_first_was_faster(
    desk: Page, seats: Callable[..., Watched], served: Served
) -> None:
    number = report(served, "Two at once")
    other = seats("clerk", "a1").page
    offered = hands(served, number)
    first, second = card(desk, number), card(other, number)
    expect(second.locator('[data-act="queue"]')).to_be_visible()
    hide(other, hidden=True)  # they have not seen it yet
    assert acted(desk, first.locator(".hand").first.click) == 200
    assert acted(other, second.locator('[data-act="queue"]').click) == 409
    expect(notice(other, "said")).to_contain_text("Somebody was faster. It is now: Dispatched")
    expect(notice(other, "undo")).to_have_count(0)
    hide(other, hidden=False)
    expect(second).to_contain_text(offered["grid_officer"]["name"], timeout=LONG_MS)
    expect(second.locator(".hand")).to_have_count(0)
    assert written(served, number) == ["report", "file", "dispatch"]


def test_who_may_not_dispatch_is_offered_nothing_of_it(seats: Callable[..., Watched], served: Served) -> None:
    number = report(served, "Not theirs")
    asked: list[str] = []
    for role, area, steps in (("officer", "a1", ["verify", "file", "close_on_spot"]), ("analyst", "district", [])):
        watched = seats(role, area)
        watched.page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
        shown_card = card(watched.page, number)
        expect(shown_card.locator(".history")).to_be_visible()
        assert shown_card.locator(".hand").count() == 0
        assert ("Hot-spot" in watched.page.inner_text("#legend")) == (role == "analyst"), "of what one may not see nothing is told"
        assert sorted(each.get_attribute("data-act") or "" for each in shown_card.locator(".steps button").all()) == sorted(steps)
        watched.page.keyboard.press("1")
    assert asked == []
    assert written(served, number) == ["report"]


@pytest.mark.parametrize(("language", "theme", "size"), LOOKS)
def test_card_and_notice_are_clean_and_whole_in_every_look(
    browser: Browser, served: Served, language: str, theme: str, size: tuple[int, int]
) -> None:
    number = report(served, "")
    with seen_by(browser, served.address, factories.token("operator")) as watched:
        page = watched.page
        page.set_viewport_size({"width": size[0], "height": size[1]})
        watched.open(f"/?lang={language}&theme={theme}&incident={number}")
        expect(page.locator(".hand")).to_have_count(5)
        assert watched.axe() == []
        page.locator('[data-act="queue"]').click()
        expect(notice(page, "undo")).to_be_visible()
        box, button = notice(page, "undo").bounding_box(), notice(page, "undo").locator(".button").bounding_box()
        assert box
        assert button
        assert 0 <= box["x"] <= box["x"] + box["width"] <= size[0]
        # The words stand in two lines at the most, and cover no button of the map.
        assert box["height"] <= 2 * button["height"] + 24
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert watched.axe() == []
        assert watched.wrong == []
