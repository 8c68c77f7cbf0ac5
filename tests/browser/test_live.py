"""The one screen while things happen: changes show by themselves, together, and the page says how sure it is."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from api import live
from data.hot import reads
from data.hot.changes import ChangeFeed
from tests import factories
from tests.browser.conftest import Watched, _watch
from tests.conftest import Clone, Served, serving
from tests.events import ask
from tests.factories import CELL, SOUTH, WEST

pytestmark = pytest.mark.browser

OPERATOR = factories.token("operator")
AT = (WEST + 0.5 * CELL, SOUTH + 0.5 * CELL)
LONG_MS = 40_000
"""Patience with a machine that does other things as well."""

# Figures that must agree in each frame: reports of the period by ranking and fill; what is open; today's reports and the feed.
AGREE = """() => {
  window.seen = [];
  const number = (text) => Number(text.replace(/\\D/g, ''));
  const sum = (selector) => [...document.querySelectorAll(selector)].reduce((total, each) => total + number(each.textContent), 0);
  const look = () => {
    if (!document.querySelector('#ranking tbody tr')) return;
    window.seen.push({
      ranked: sum('#ranking tbody td:nth-child(3)'),
      fill: number(document.querySelector('#legend').textContent.match(/n = ([\\d,]+)/)[1]),
      open: sum('#ranking tbody td:nth-child(5)'),
      waiting: number(document.querySelector('[data-kpi=open] .value').textContent),
      today: number(document.querySelector('[data-kpi=today] .value').textContent),
      fed: [...document.querySelectorAll('#feed .what')].filter((each) => each.textContent.startsWith('Together')).length,
    });
  };
  const turn = () => { look(); requestAnimationFrame(turn); };
  requestAnimationFrame(turn);
}"""


Open = Callable[..., Page]


@pytest.fixture
def look(browser: Browser, served: Served) -> Iterator[Open]:
    """`look(path)` opens a page that hears what happens, as an operator of the whole district; nothing may go wrong on any."""
    with ExitStack() as opened:
        watched: list[Watched] = []

        def make(path: str = "/?lang=en", *, script: str = "", token: str = OPERATOR) -> Page:
            watched.append(opened.enter_context(seen_by(browser, served.address, token)))
            if script:
                watched[-1].page.add_init_script(script)
            return hearing(watched[-1], path)

        yield make
        assert [wrong for each in watched for wrong in each.wrong] == []


@contextmanager
def seen_by(browser: Browser, address: str, token: str) -> Iterator[Watched]:
    context = browser.new_context(viewport={"width": 1920, "height": 1080}, locale="zh-CN")
    context.add_cookies([{"name": "wangge", "value": token, "url": address}])
    watched = Watched(context.new_page(), address)
    _watch(watched)
    yield watched
    context.close()


def hearing(watched: Watched, path: str = "/?lang=en") -> Page:
    """A page that says of itself that it is live."""
    page = watched.open(path)
    expect(page.locator("#live")).to_have_attribute("data-state", "live", timeout=LONG_MS)
    return page


def report(served: Served, title: str, *, beside: float = 0.0) -> int:
    status, told = ask(
        served.address, "POST", "/api/v1/incidents", {"category_id": 410, "lon": AT[0] + beside, "lat": AT[1], "title": title}
    )
    assert status == 201, told
    return int(told["id"])


def shown(page: Page, number: int) -> None:
    page.wait_for_selector(f'#feed [data-incident="{number}"]', timeout=LONG_MS)


def test_a_report_shows_on_two_pages_without_reload(look: Open, served: Served) -> None:
    first, second = look(), look("/?lang=zh")
    number = report(served, "Seen at once")
    for page in (first, second):
        shown(page, number)


def test_counters_ranking_feed_and_fill_agree_in_every_frame(look: Open, served: Served) -> None:
    page = look("/?lang=en&period=7d&fill=rate")
    page.evaluate(AGREE)
    numbers = [report(served, f"Together {n}") for n in range(12)]
    shown(page, numbers[-1])
    seen = page.evaluate("() => window.seen")
    assert len({each["ranked"] for each in seen}) > 1
    assert [each for each in seen if each["ranked"] != each["fill"]] == []
    # What lies in no community is open and ranked nowhere.
    assert len({each["waiting"] - each["open"] for each in seen}) == 1
    # Of today, what the feed shows of this test and what was there before; the first frame may have seen some of it already.
    assert len({each["today"] - each["fed"] for each in seen}) == 1


def tiles_of(url: str) -> list[tuple[int, int, int]]:
    """Zoom, column and row of the tiles that an address asks for: one, or several of a zoom."""
    path, _, query = url.partition("?")
    if "at=" not in query:
        z, x, y = (int(part) for part in path.split("/")[-3:])
        return [(z, x, y)]
    places = query.split("at=")[1].split("&")[0].split(",")
    return [(int(path.split("/")[-1]), *(int(part) for part in place.split("."))) for place in places]  # type: ignore[misc]


def test_the_map_fetches_only_the_tiles_a_change_touches(look: Open, served: Served) -> None:
    page = look(f"/?lang=en&at={AT[0]:.5f},{AT[1]:.5f},17")
    page.wait_for_function("() => !document.querySelector('.leaflet-tile:not(.leaflet-tile-loaded)')")
    drawn = "() => [...document.querySelectorAll('.leaflet-marks-pane canvas')].map((each) => each.toDataURL()).join()"
    before = page.evaluate(drawn)
    tiles: list[str] = []
    page.on("request", lambda asked: tiles.append(asked.url) if "/tiles/" in asked.url else None)
    with page.expect_response(lambda answer: "/tiles/incidents/" in answer.url, timeout=LONG_MS):
        number = report(served, "One tile", beside=0.0003)
    shown(page, number)
    assert page.evaluate(drawn) != before
    assert all("/tiles/incidents/" in url for url in tiles)
    # All that is fetched lies in the one cell of zoom 14 that was touched.
    assert len({(x >> (z - 14), y >> (z - 14)) for url in tiles for z, x, y in tiles_of(url)}) == 1


def test_hidden_pages_wait_and_show_all_when_they_are_seen(look: Open, served: Served) -> None:
    page, other = look(), look()
    hide(page, hidden=True)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/picture" in request.url else None)
    number = report(served, "While nobody looked")
    shown(other, number)
    assert asked == []
    hide(page, hidden=False)
    shown(page, number)


def hide(page: Page, *, hidden: bool) -> None:
    page.evaluate(
        "hidden => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});"
        " document.dispatchEvent(new Event('visibilitychange')); }",
        hidden,
    )


def test_without_a_shared_worker_the_page_listens_for_itself(look: Open, served: Served) -> None:
    page = look(script="delete window.SharedWorker")
    shown(page, report(served, "By its own line"))


def test_what_a_page_asks_by_itself_does_not_keep_its_session_alive(look: Open, served: Served) -> None:
    page = look()
    with page.expect_request(lambda asked: "/picture" in asked.url, timeout=LONG_MS) as asked:
        report(served, "Nobody asked")
    assert asked.value.headers.get("x-wangge-background") == "1"


def test_two_minutes_without_a_sign_are_told_with_the_time(browser: Browser, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    with seen_by(browser, served.address, OPERATOR) as watched:
        watched.page.clock.install()
        page = hearing(watched)
        shown(page, report(served, "The last sign"))
        monkeypatch.setattr(ChangeFeed, "alive", False)
        page.clock.fast_forward(130_000)
        expect(page.locator("#live")).to_have_attribute("data-state", "stale", timeout=LONG_MS)
        assert page.locator("#live").inner_text().startswith("Since ")
        assert page.locator("#live svg").count() == 1
        assert "may be out of date" in page.inner_text("#notices")
        assert watched.axe() == []
        assert watched.wrong == []


def test_the_page_says_that_the_line_is_lost_and_recovers_from_a_restart_without_reload(
    browser: Browser, stage: Clone, data_dir: Path
) -> None:
    with serving(stage, data_dir) as served, seen_by(browser, served.address, OPERATOR) as watched:
        page = hearing(watched)
        page.evaluate("() => { window.same = true }")
        served.stop()
        expect(page.locator("#live")).to_have_attribute("data-state", "lost", timeout=LONG_MS)
        assert "Connection lost" in page.inner_text("#notices")
        served.start()
        shown(page, report(served, "After the restart"))
        expect(page.locator("#live")).to_have_attribute("data-state", "live", timeout=LONG_MS)
        assert page.locator("#notices .notice").count() == 0
        assert page.evaluate("() => window.same")
        # A browser writes into its console of every answer that did not come: that is what was tested.
        assert all("ERR_" in wrong for wrong in watched.wrong)


def test_a_session_that_ends_is_told_by_the_stream(browser: Browser, stage: Clone, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "CHECK_S", 0.2)
    token = factories.token("analyst")
    with seen_by(browser, served.address, token) as watched:
        page = hearing(watched)
        with stage.owner() as connection:
            connection.execute("DELETE FROM session WHERE token_hash = sha256(convert_to(%s, 'UTF8'))", [token])
        expect(page.locator("#live")).to_have_attribute("data-state", "out", timeout=LONG_MS)
        page.get_by_role("link", name="Sign in").wait_for()


@pytest.mark.parametrize("how", ["while it is open", "when it comes back"])
def test_who_may_not_hear_any_more_is_not_told_to_sign_in(
    browser: Browser, stage: Clone, served: Served, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(live, "CHECK_S", 0.2 if how == "while it is open" else 1e6)
    monkeypatch.setattr(reads, "CALLER_KEPT_S", 0.1)
    token = factories.token("planner")
    may = "UPDATE session SET permissions = %s WHERE token_hash = sha256(convert_to(%s, 'UTF8'))"
    with stage.owner() as connection:
        row = connection.execute("SELECT permissions FROM session WHERE token_hash = sha256(convert_to(%s, 'UTF8'))", [token]).fetchone()
    assert row
    with seen_by(browser, served.address, token) as watched:
        page = hearing(watched)
        with stage.owner() as connection:
            connection.execute(may, [[each for each in row[0] if each != "map"], token])
        if how == "when it comes back":
            served.stop()
            served.start()
        expect(page.locator("#live")).to_have_attribute("data-state", "barred", timeout=LONG_MS)
        expect(page.locator("#notices")).to_contain_text("You may not see the map any more")
        assert page.get_by_role("link", name="Sign in").count() == 0
    with stage.owner() as connection:
        connection.execute(may, [row[0], token])


def test_a_wall_that_is_ended_says_so_and_leads_nowhere(
    browser: Browser, stage: Clone, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "CHECK_S", 0.2)
    token = factories.token("wall")
    with seen_by(browser, served.address, token) as watched:
        page = hearing(watched)
        assert "wall=1" in page.url, "whatever it opens"
        page.mouse.click(
            *page.locator("#feed li").first.evaluate("(row) => [row.getBoundingClientRect().x + 50, row.getBoundingClientRect().y + 10]")
        )
        assert "incident=" not in page.url
        with stage.owner() as connection:
            connection.execute("DELETE FROM session WHERE token_hash = sha256(convert_to(%s, 'UTF8'))", [token])
        expect(page.locator("#live")).to_have_attribute("data-state", "out", timeout=LONG_MS)
        assert "This wall's session has ended" in page.inner_text("#notices")
        assert page.locator("#notices a").count() == 0


def heap(page: Page) -> float:
    """Live objects of the page after the collector has run, bytes."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    used = float(session.send("Runtime.getHeapUsage")["usedSize"])
    session.detach()
    return used


def test_a_deadline_that_passes_is_told_within_a_minute_though_nobody_changes_anything(browser: Browser, served: Served) -> None:
    with seen_by(browser, served.address, OPERATOR) as watched:
        watched.page.clock.install()
        page = hearing(watched)

        def later(route: Route) -> None:
            told = route.fetch()
            picture = told.json()
            [overdue] = [each for each in picture["overview"]["kpi"] if each["id"] == "overdue"]
            overdue["value"] = 4321
            route.fulfill(response=told, json=picture)

        page.route("**/api/v1/picture*", later)
        page.clock.fast_forward(61_000)
        expect(page.locator("[data-kpi=overdue] .value")).to_have_text("4,321", timeout=LONG_MS)


def test_a_short_storm_leaves_the_heap_as_it_was(look: Open, served: Served) -> None:
    """Some seconds of what scripts/soak does for ten minutes."""
    page = look()
    storm(page, served, reports=70)
    before, nodes = heap(page), page.evaluate("() => document.querySelectorAll('*').length")
    storm(page, served, reports=120)
    assert heap(page) < before * 1.25 + 2e6
    assert page.evaluate("() => document.querySelectorAll('*').length") < nodes + 200
    assert page.locator("#feed li").count() == 60


def storm(page: Page, served: Served, *, reports: int) -> None:
    for number in range(reports):
        last = report(served, f"Storm {number}")
    shown(page, last)
