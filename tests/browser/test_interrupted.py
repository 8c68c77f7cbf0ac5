"""What is typed, chosen and shown outlives another person's step, a session that ends and a line that breaks."""

import re
from collections.abc import Iterator
from functools import partial

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from api import live
from tests import factories
from tests.browser.conftest import Watched
from tests.browser.test_dispatch import acted, card, hands, notice, of, written
from tests.browser.test_live import LONG_MS, hearing, report, seen_by, shown
from tests.conftest import Clone, Served
from tests.events import ask

pytestmark = pytest.mark.browser

OPERATOR = factories.token("operator")
ANSWERS_NO = re.compile("401|409|ERR_")
"""Chromium writes each answer that is a no, or did not come, on its console: they are what is tested."""


@pytest.fixture(scope="module")
def seat(browser: Browser, served: Served) -> Iterator[Watched]:
    """An operator's page; nothing else may go wrong on it."""
    with seen_by(browser, served.address, OPERATOR) as watched:
        hearing(watched)
        yield watched
        assert [wrong for wrong in watched.wrong if not ANSWERS_NO.search(wrong)] == []


@pytest.fixture
def desk(seat: Watched) -> Page:
    """It, without a card, signed in and on the line, whatever a test before left in its way."""
    seat.page.unroute_all()
    signed_in(seat)
    seat.page.context.set_offline(False)
    seat.page.keyboard.press("Escape")
    seat.page.evaluate("() => document.querySelectorAll('#notices .tool').forEach((each) => each.click())")
    return seat.page


def signed_in(seat: Watched) -> None:
    seat.page.context.add_cookies([{"name": "wangge", "value": OPERATOR, "url": seat.address}])


def reason(page: Page, text: str, action: str = "supervise") -> None:
    """The form of a step with a reason in it."""
    page.locator(f'#detail [data-act="{action}"]').click()
    page.locator("dialog textarea").fill(text)


def test_a_reason_typed_while_somebody_else_acted_is_kept_and_can_be_sent_again(desk: Page, served: Served) -> None:
    number = report(served, "While typing")
    card(desk, number)
    reason(desk, "Typed with care")
    verify = {"action": "verify", "version": of(served, number)["version"]}
    assert ask(served.address, "POST", f"/api/v1/incidents/{number}/actions", verify, token=factories.token("clerk"))[0] == 200
    send = desk.locator("dialog footer .primary")
    assert acted(desk, send.click) == 409
    expect(desk.locator("dialog [role=alert]")).to_contain_text("Somebody was faster. It is now: Verifying")
    expect(desk.locator("dialog textarea")).to_have_value("Typed with care")
    assert acted(desk, send.click) == 200
    expect(desk.locator("dialog")).to_have_count(0)
    assert written(served, number) == ["report", "verify", "supervise"]


def test_two_keys_in_a_hurry_dispatch_to_the_first_and_say_nothing_of_the_second(desk: Page, served: Served) -> None:
    number = report(served, "In a hurry")
    own = hands(served, number)["grid_officer"]
    card(desk, number)
    sent: list[str] = []
    desk.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)

    def hurry() -> None:
        desk.keyboard.press("1")
        desk.keyboard.press("2")

    assert acted(desk, hurry) == 200
    desk.keyboard.press("3")
    expect(desk.locator("#detail .marks")).to_contain_text("Dispatched", timeout=LONG_MS)
    assert len(sent) == 1
    assert notice(desk, "said").count() == 0
    assert of(served, number)["officer"]["id"] == own["id"]


def test_a_card_that_was_asked_for_before_a_step_does_not_come_back_after_it(desk: Page, served: Served) -> None:
    number = report(served, "Asked before")
    card(desk, number)
    held: list[Route] = []
    address = f"**/api/v1/incidents/{number}"
    older = desk.context.request.get(f"{served.address}/api/v1/incidents/{number}")
    desk.route(address, lambda route: held.append(route), times=1)  # noqa: PLW0108  Playwright asks a function for its signature
    with desk.expect_request(address):
        desk.evaluate("() => document.dispatchEvent(new CustomEvent('acted'))")
    assert acted(desk, partial(desk.keyboard.press, "1")) == 200
    desk.evaluate(
        "() => { window.redrawn = 0; new MutationObserver(() => redrawn++).observe(document.querySelector('#kpi'), { childList: true, subtree: true }); }"
    )
    [route] = held
    route.fulfill(response=older)
    desk.wait_for_function("() => redrawn > 0")
    assert desk.locator("#detail .hand:not([aria-disabled=true])").count() == 0
    expect(desk.locator("#detail .marks")).to_contain_text("Dispatched", timeout=LONG_MS)


def test_a_step_from_a_card_that_has_not_heard_of_ones_own_undo_is_one_on_top_of_it(desk: Page, served: Served) -> None:
    number = report(served, "Not heard of it")
    card(desk, number)
    reason(desk, "Look after it")
    assert acted(desk, desk.locator("dialog footer .primary").click) == 200
    expect(desk.locator("#detail .marks")).to_contain_text("Supervised", timeout=LONG_MS)
    held: list[Route] = []
    desk.route(f"**/api/v1/incidents/{number}", lambda route: held.append(route))  # noqa: PLW0108  Playwright asks a function for its signature
    assert acted(desk, notice(desk, "undo").get_by_role("button", name="Undo").click, "undo") == 200
    expect(desk.locator("#detail .marks")).to_contain_text("Supervised")
    assert acted(desk, desk.locator('#detail [data-act="file"]').click) == 200
    for each in held:
        each.continue_()
    desk.unroute(f"**/api/v1/incidents/{number}")
    expect(desk.locator("#detail .marks")).to_contain_text("Filed", timeout=LONG_MS)
    assert written(served, number) == ["report", "supervise", "undo", "file"]


def test_a_key_dispatches_while_a_newer_card_waits_for_the_rest_of_the_page(desk: Page, served: Served) -> None:
    number = report(served, "Key while it waits")
    card(desk, number)
    held: list[Route] = []
    desk.route("**/api/v1/picture*", lambda route: held.append(route), times=1)  # noqa: PLW0108  Playwright asks a function for its signature
    with desk.expect_response(f"**/incidents/{number}/hands"):
        desk.evaluate("() => document.dispatchEvent(new CustomEvent('acted'))")
    desk.evaluate("() => fetch('/api/v1/me')")  # the newer card is made by then, and not shown
    assert acted(desk, partial(desk.keyboard.press, "1")) == 200
    [route] = held
    route.continue_()
    expect(desk.locator("#detail .marks")).to_contain_text("Dispatched", timeout=LONG_MS)


def test_a_newer_card_offers_nobody_while_a_dispatch_is_on_its_way_and_until_it_has_heard_of_it(desk: Page, served: Served) -> None:
    number = report(served, "On its way")
    card(desk, number)
    held: list[Route] = []
    sent: list[str] = []
    desk.route("**/actions", lambda route: held.append(route), times=1)  # noqa: PLW0108  Playwright asks a function for its signature
    desk.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    with desk.expect_request("**/actions"):
        desk.keyboard.press("1")
    older = desk.locator("#detail .hand").first.element_handle()
    desk.evaluate("() => document.dispatchEvent(new CustomEvent('acted'))")
    desk.wait_for_function("older => !older.isConnected", arg=older)
    desk.keyboard.press("2")
    [route] = held
    newest: list[Route] = []
    desk.route(f"**/api/v1/incidents/{number}", lambda route: newest.append(route))  # noqa: PLW0108  Playwright asks a function for its signature
    route.continue_()
    expect(notice(desk, "undo")).to_be_visible(timeout=LONG_MS)
    desk.keyboard.press("2")
    for each in newest:
        each.continue_()
    desk.unroute(f"**/api/v1/incidents/{number}")
    expect(desk.locator("#detail .marks")).to_contain_text("Dispatched", timeout=LONG_MS)
    assert (len(sent), notice(desk, "said").count()) == (1, 0)


def test_a_session_that_ended_under_a_form_keeps_what_was_typed_and_opens_the_way_in_beside_it(
    desk: Page, served: Served, seat: Watched
) -> None:
    number = report(served, "Signed out")
    card(desk, number)
    reason(desk, "Still here")
    desk.context.clear_cookies()
    send = desk.locator("dialog footer .primary")
    assert acted(desk, send.click) == 401
    way_in = desk.locator("dialog [role=alert]").get_by_role("link", name="Sign in")
    expect(way_in).to_have_attribute("target", "_blank")
    expect(way_in).to_have_attribute("href", re.compile(f"next=.*incident%3D{number}"))
    signed_in(seat)
    expect(desk.locator("dialog textarea")).to_have_value("Still here")
    assert acted(desk, send.click) == 200
    assert written(served, number)[-1] == "supervise"


def test_a_card_that_is_refused_says_why_and_can_be_tried_again(desk: Page, served: Served, seat: Watched) -> None:
    number = report(served, "Card of nobody")
    shown(desk, number)
    desk.context.clear_cookies()
    desk.locator(f'#feed [data-incident="{number}"]').click()
    expect(desk.locator("#detail .failed")).to_contain_text("Your session has ended")
    signed_in(seat)
    desk.locator("#detail .failed button").click()
    expect(desk.locator("#detail h3")).to_have_text("Card of nobody")


def test_play_stops_where_the_session_ends(desk: Page, seat: Watched) -> None:
    play = desk.locator(".hours-chosen button").first
    play.click()
    expect(play).to_have_attribute("aria-pressed", "true")
    desk.context.clear_cookies()
    expect(play).to_have_attribute("aria-pressed", "false")
    signed_in(seat)
    desk.get_by_role("button", name="Show the whole day").click()
    expect(desk.locator("#kpi .kpi").first).to_be_visible()


def test_play_waits_for_what_takes_long_and_the_panels_say_that_it_is_on_its_way(browser: Browser, served: Served) -> None:
    with seen_by(browser, served.address, OPERATOR) as watched:
        watched.page.clock.install()
        page = watched.open("/?lang=en")
        held: list[Route] = []

        def hold(route: Route) -> None:
            held.append(route)

        page.route("**/api/v1/picture?*hours=*", hold)
        page.get_by_role("button", name="Play").click()
        page.wait_for_url(lambda url: "hours=" in url)
        page.clock.fast_forward(5_000)
        expect(page.locator("#kpi[data-busy]")).to_be_visible()
        assert watched.axe() == []
        first = page.url
        assert len(held) == 1
        held[0].continue_()
        expect(page.locator("[data-busy]")).to_have_count(0)
        page.clock.fast_forward(2_000)
        page.wait_for_url(lambda url: url != first)


def test_what_could_not_be_taken_back_offline_is_still_offered(desk: Page, served: Served) -> None:
    number = report(served, "Back online")
    card(desk, number)
    acted(desk, partial(desk.keyboard.press, "1"))
    undo = notice(desk, "undo").get_by_role("button", name="Undo")
    desk.context.set_offline(True)
    undo.click()
    expect(notice(desk, "said")).to_contain_text("The server cannot be reached")
    desk.context.set_offline(False)
    assert acted(desk, undo.click, "undo") == 200
    assert written(served, number) == ["report", "file", "dispatch", "undo"]


def test_panels_that_found_nobody_come_by_themselves_and_the_feed_with_them(desk: Page) -> None:
    def silent(route: Route) -> None:
        route.abort()

    desk.route("**/api/v1/picture*", silent)
    desk.get_by_role("button", name="30 days").click()
    expect(desk.locator("#kpi .failed")).to_contain_text("The server cannot be reached")
    expect(desk.locator("#feed .failed")).to_be_visible()
    desk.get_by_role("button", name="7 days").click()
    expect(desk.locator("#feed .skeleton")).to_have_count(0)
    desk.unroute("**/api/v1/picture*")
    expect(desk.locator("#kpi .kpi").first).to_be_visible(timeout=LONG_MS)
    expect(desk.locator("#feed [data-incident]").first).to_be_visible()
    expect(desk.locator(".failed")).to_have_count(0)


def test_a_question_that_failed_is_told_though_a_change_was_asked_for_after_it(desk: Page) -> None:
    held: list[Route] = []
    desk.route("**/api/v1/picture*", lambda route: held.append(route))  # noqa: PLW0108  Playwright asks a function for its code
    with desk.expect_request("**/api/v1/picture*"):
        desk.get_by_role("button", name="30 days").click()
    with desk.expect_request("**/api/v1/picture*"):
        desk.evaluate("() => document.dispatchEvent(new CustomEvent('acted'))")
    for route in held:
        route.abort()
    expect(desk.locator("#kpi .failed")).to_contain_text("The server cannot be reached")
    desk.unroute("**/api/v1/picture*")
    expect(desk.locator("#kpi .kpi").first).to_be_visible(timeout=LONG_MS)
    desk.get_by_role("button", name="7 days").click()
    expect(desk.locator(".failed")).to_have_count(0)


def test_a_page_goes_on_once_somebody_signed_in_again_on_another(
    browser: Browser, stage: Clone, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "CHECK_S", 0.2)
    token = factories.token("planner")
    of_token = "token_hash = sha256(convert_to(%s, 'UTF8'))"
    with seen_by(browser, served.address, token) as watched:
        page = hearing(watched)
        with stage.owner() as owner:
            owner.execute(f"CREATE TABLE left_session AS SELECT * FROM session WHERE {of_token}", [token])
            owner.execute(f"DELETE FROM session WHERE {of_token}", [token])
        expect(page.locator("#live")).to_have_attribute("data-state", "out", timeout=LONG_MS)
        number = report(served, "Meanwhile")
        with stage.owner() as owner:
            owner.execute("INSERT INTO session SELECT * FROM left_session")
            owner.execute("DROP TABLE left_session")
        beside = Watched(page.context.new_page(), served.address)
        beside.open("/?lang=en")
        expect(page.locator("#live")).to_have_attribute("data-state", "live", timeout=LONG_MS)
        shown(page, number)
        assert page.locator("#notices .notice").count() == 0


def test_who_signs_out_without_a_line_is_told_that_the_seat_stays_open(desk: Page) -> None:
    out = desk.get_by_role("button", name="Sign out")
    desk.context.set_offline(True)
    out.click()
    expect(notice(desk, "said")).to_contain_text("you are still signed in")
    desk.context.set_offline(False)
    assert "/sign-in" not in desk.url
    desk.locator("#notices [data-kind=said] button").click()


@pytest.mark.parametrize("place", ["#ranking td button", "#categories .body button", "#kpi .kpi", "#feed [data-incident]"])
def test_the_focus_outlives_a_change_that_redraws_its_panel(seat: Watched, served: Served, place: str) -> None:
    report(served, "Before the focus")
    desk = hearing(seat)
    name = desk.locator(place).nth(1).evaluate("each => (each.focus(), each.dataset.focus ?? each.dataset.incident)")
    before = desk.locator("[data-kpi=today] .value").inner_text()
    report(served, "Under the focus")
    expect(desk.locator("[data-kpi=today] .value")).not_to_have_text(before, timeout=LONG_MS)
    assert desk.evaluate("() => document.activeElement.dataset.focus ?? document.activeElement.dataset.incident") == name
    assert name


@pytest.mark.parametrize(("list_of", "rows"), [("#feed", "[data-incident]"), ("#ranking", "td button")])
def test_a_list_is_one_stop_of_tab_and_arrows_walk_it(seat: Watched, served: Served, list_of: str, rows: str) -> None:
    for number in range(3):
        report(served, f"To be walked {number}")
    desk = hearing(seat)
    buttons = desk.locator(f"{list_of} {rows}")
    desk.locator(f"{list_of} {rows}[tabindex='0']").focus()
    desk.keyboard.press("Home")
    expect(buttons.first).to_be_focused()
    desk.keyboard.press("ArrowDown")
    expect(buttons.nth(1)).to_be_focused()
    desk.keyboard.press("Tab")
    assert desk.evaluate("([list, rows]) => document.activeElement.matches(`${list} ${rows}`)", [list_of, rows]) is False
    desk.keyboard.press("Shift+Tab")
    expect(buttons.nth(1)).to_be_focused()
    desk.keyboard.press("End")
    expect(buttons.last).to_be_focused()
    assert desk.locator(f"{list_of} {rows}[tabindex='0']").count() == 1


def test_who_lives_in_a_building_is_not_asked_for_again_with_each_incident(seat: Watched, served: Served, stage: Clone) -> None:
    with stage.owner() as owner:
        found = owner.execute("SELECT grid_id, id FROM building WHERE grid_id IS NOT NULL ORDER BY id LIMIT 1").fetchone()
    assert found
    desk = hearing(seat, f"/?lang=en&grid={found[0]}&building={found[1]}")
    expect(desk.locator("#detail h3")).to_be_visible()
    asked: list[str] = []
    desk.on("request", lambda request: asked.append(request.url))
    desk.get_by_role("button", name="Pause").click()
    before = desk.locator("[data-kpi=today] .value").inner_text()
    report(served, "Beside a building")
    expect(desk.locator("[data-kpi=today] .value")).not_to_have_text(before, timeout=LONG_MS)
    assert [url for url in asked if "/buildings/" in url] == []
    assert any("/picture" in url for url in asked)


def test_what_a_heading_means_leaves_the_rows_under_it_to_be_read(seat: Watched) -> None:
    desk = hearing(seat)
    heading = desk.locator("#ranking th button").first
    heading.hover()
    tip, row = desk.locator("#tip").bounding_box(), desk.locator("#ranking td button").first.bounding_box()
    assert tip and row and tip["y"] + tip["height"] <= row["y"]
    desk.mouse.move(0, 0)
