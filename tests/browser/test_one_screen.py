"""What an operator does on the one screen: look, go down, come back, filter, follow the feed."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Route

from tests.browser.conftest import NASTY, Opener
from tests.conftest import Clone

pytestmark = pytest.mark.browser

OVERLAPS = """asked => {
    const seen = [...document.querySelectorAll(asked)].filter((each) => each.checkVisibility() && getComputedStyle(each).clipPath === "none");
    const boxes = seen.map((each) => [each, each.closest("h1") && getComputedStyle(each.closest("h1")).clipPath !== "none", each.getBoundingClientRect()]);
    const shown = boxes.filter(([, hidden]) => !hidden);
    return shown.flatMap(([one, , a], i) => shown.slice(i + 1)
        .filter(([other, , b]) => !one.contains(other) && !other.contains(one) && a.right > b.left + 1 && b.right > a.left + 1 && a.bottom > b.top + 1 && b.bottom > a.top + 1)
        .map(([other]) => `${one.className || one.localName} / ${other.className || other.localName}`));
}"""
# Tiles that lie on no map any more are drawn as well.
WIDEST = """() => {
    window.widest = 0;
    const show = ImageBitmapRenderingContext.prototype.transferFromImageBitmap;
    ImageBitmapRenderingContext.prototype.transferFromImageBitmap = function (picture) {
        if (this.canvas.classList.contains("leaflet-tile")) window.widest = Math.max(window.widest, picture?.width ?? 0);
        return show.call(this, picture);
    };
}"""
ARRIVED = "n => performance.getEntriesByType('resource').filter(({ name }) => /tiles.map.1[0-3]/.test(name)).length >= n"
DRAWN = ".leaflet-ink-pane .leaflet-tile-loaded"
INSIDE = "ST_X(ST_PointOnSurface(geom)), ST_Y(ST_PointOnSurface(geom))"


def address(page: Page) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def click_middle(page: Page) -> None:
    box = page.locator("#one_screen").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def pixels(page: Page, pane: str) -> str:
    """What a pane of the map shows, as a digest."""
    return str(
        page.evaluate("pane => [...document.querySelectorAll(`.leaflet-${pane}-pane canvas`)].map(c => c.toDataURL()).sort().join()", pane)
    )


def wait_for_address(page: Page, **wanted: str) -> None:
    for key, value in wanted.items():
        page.wait_for_url(re.compile(rf"[?&]{key}={re.escape(value)}(&|$)"))


def test_twelve_known_grids_and_buildings_are_picked_right(opener: Opener, demo_small: Clone) -> None:
    with demo_small.owner() as owner:
        grids = owner.execute(
            f"SELECT g.id, {INSIDE.replace('geom', 'g.geom')}, a.code FROM grid g JOIN area a ON a.id = community_id"
            " WHERE g.valid_to IS NULL ORDER BY md5(g.code) LIMIT 6"
        ).fetchall()
        buildings = owner.execute(
            f"SELECT id, {INSIDE}, grid_id FROM building WHERE grid_id IS NOT NULL ORDER BY md5(id::text) LIMIT 6"
        ).fetchall()
    watched = opener()
    for grid, lon, lat, community in grids:
        page = watched.open(f"/?area={community}&layers=&at={lon:.6f},{lat:.6f},17.5")
        click_middle(page)
        wait_for_address(page, grid=str(grid))
    for building, lon, lat, grid in buildings:
        page = watched.open(f"/?grid={grid}&layers=&at={lon:.7f},{lat:.7f},19")
        click_middle(page)
        wait_for_address(page, building=str(building))


def test_down_by_click_up_by_escape_and_back_by_history(opener: Opener, demo_small: Clone) -> None:
    with demo_small.owner() as owner:
        row = owner.execute(
            f"SELECT g.id, {INSIDE.replace('geom', 'g.geom')}, c.code, s.code, c.name, s.name FROM grid g JOIN area c ON c.id = g.community_id"
            " JOIN area s ON s.id = c.parent_id WHERE g.valid_to IS NULL AND g.households > 0 ORDER BY g.code LIMIT 1"
        ).fetchone()
    assert row
    grid, lon, lat, community, street, community_name, street_name = row
    page = opener().open(f"/?layers=&at={lon:.6f},{lat:.6f},18")
    for wanted in ({"area": street}, {"area": community}, {"grid": str(grid)}):
        page.evaluate("() => document.activeElement.blur()")
        click_middle(page)
        wait_for_address(page, **wanted)
        page.goto(
            re.sub(r"at=[^&]*", f"at={lon:.6f},{lat:.6f},18", page.url) if "at=" in page.url else f"{page.url}&at={lon:.6f},{lat:.6f},18"
        )
        page.wait_for_function("() => document.body.dataset.ready === 'true'")
    assert [street_name, community_name] == page.locator("#breadcrumb .crumb").all_inner_texts()[1:3]
    assert page.locator("#detail h3").is_visible()
    page.keyboard.press("Escape")
    page.wait_for_url(lambda url: "grid=" not in url)
    assert page.locator("#detail").is_hidden()
    page.keyboard.press("Escape")
    wait_for_address(page, area=street)
    page.keyboard.press("Escape")
    page.wait_for_url(lambda url: "area=" not in url)
    page.go_back()
    wait_for_address(page, area=street)
    page.wait_for_function("name => document.querySelector('#breadcrumb').textContent.includes(name)", arg=street_name)


def test_the_ranking_leads_down_with_the_keyboard_alone(opener: Opener) -> None:
    page = opener().open("/?lang=en")
    first = page.locator("#ranking [data-area]").first
    code = first.get_attribute("data-area")
    first.focus()
    page.keyboard.press("Enter")
    wait_for_address(page, area=str(code))
    page.wait_for_function("() => document.querySelector('#ranking th:nth-child(2)').textContent === 'Community'")


def test_another_fill_colours_the_grids_anew_without_fetching_a_tile(opener: Opener) -> None:
    watched = opener()
    page = watched.open("/?layers=")
    page.wait_for_function("() => document.querySelectorAll('.leaflet-fill-pane canvas').length > 0")
    seen = {"rate": pixels(page, "fill")}
    tiles: list[str] = []
    page.on("request", lambda asked: tiles.append(asked.url) if "/tiles/" in asked.url else None)
    titles = []
    for metric in ("open", "households", "officer_load", "assignment", "service", "none"):
        with page.expect_response(lambda answer: "/api/v1/fills" in answer.url) if metric != "none" else _nothing():
            page.select_option("#switches select", metric)
        page.wait_for_function(
            "metric => document.querySelector('#legend h3').textContent.includes(document.querySelector(`option[value=${metric}]`).textContent)",
            arg=metric,
        )
        titles.append(page.inner_text("#legend h3"))
        seen[metric] = pixels(page, "fill")
    assert address(page)["fill"] == "none"
    assert len(set(seen.values())) == len(seen)
    assert len(set(titles)) == len(titles)
    assert [url for url in tiles if "/ground/" in url or "/base/" in url] == []


def test_hot_spots_can_be_switched_off_and_say_their_method(opener: Opener) -> None:
    page = opener().open("/?lang=en")
    assert "Gi*" in page.inner_text("#legend")
    assert page.locator(".leaflet-hot-pane canvas").count() > 0
    page.locator('[data-layer="hotspots"]').click()
    wait_for_address(page, layers="incidents")
    assert page.locator(".leaflet-hot-pane canvas").count() == 0
    assert "Gi*" not in page.inner_text("#legend")


def test_the_legend_explains_every_mark_that_a_layer_puts_on_the_map(opener: Opener) -> None:
    page = opener().open("/?lang=en&layers=facilities,officers")
    legend = page.inner_text("#legend")
    assert all(told in legend for told in ("Facilities", "Working", "Faulty", "Officers", "On duty", "Off duty"))
    assert page.locator("#legend .hotkeys canvas").count() == 4


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_busiest_hour_is_lit_in_both_themes(opener: Opener, theme: str) -> None:
    page = opener().open(f"/?theme={theme}")
    tint = "selector => getComputedStyle(document.querySelector(selector)).backgroundColor"
    assert page.evaluate(tint, "#time .most i") != page.evaluate(tint, "#time .hours button:not(.most) i")


def test_a_day_is_told_by_the_name_of_its_month_in_english(opener: Opener) -> None:
    page = opener().open("/?lang=en&from=2015-03-04&to=2015-03-04")
    assert "Mar 4, 2015" in page.inner_text("#trend h2")


def test_a_category_filters_every_panel_and_stands_in_the_address(opener: Opener) -> None:
    page = opener().open("/?period=1y")
    bar = page.locator("#categories .bars button").first
    with page.expect_response(lambda answer: "/picture" in answer.url and "category=" in answer.url):
        bar.click()
    page.wait_for_selector('#categories button[aria-pressed="true"]')
    assert address(page)["category"].isdigit()


def test_a_feed_item_leads_to_its_place(opener: Opener, demo_small: Clone) -> None:
    page = opener().open("/?lang=en")
    first = page.locator("#feed [data-incident]").first
    number = first.get_attribute("data-incident")
    with demo_small.owner() as owner:
        row = owner.execute("SELECT ST_X(place), ST_Y(place), grid_id FROM incident WHERE id = %s", [number]).fetchone()
    assert row
    first.click()
    wait_for_address(page, grid=str(row[2]))
    page.wait_for_function("() => document.querySelector('#detail').hidden === false")
    lon, lat, zoom = map(float, address(page)["at"].split(","))
    assert zoom >= 16.9
    assert abs(lon - row[0]) < 0.005
    assert abs(lat - row[1]) < 0.005


def test_what_people_wrote_stays_text_wherever_it_is_shown(opener: Opener, demo_small: Clone) -> None:
    watched = opener()
    page = watched.open("/?lang=en&layers=incidents,officers")
    assert page.locator("#feed .what", has_text=NASTY).count() == 5
    page.locator("#feed [data-incident]").first.click()
    page.wait_for_selector("#detail h3")
    with demo_small.owner() as owner:
        row = owner.execute("SELECT grid_id FROM assignment WHERE officer_id = (SELECT min(id) FROM officer) LIMIT 1").fetchone()
    assert row
    watched.open(f"/?grid={row[0]}")
    page.wait_for_selector("#detail .person")
    assert NASTY in page.inner_text("#detail")
    assert page.locator("img[src='x']").count() == 0


def test_search_finds_a_grid_by_its_code_with_the_keyboard_alone(opener: Opener, demo_small: Clone) -> None:
    with demo_small.owner() as owner:
        row = owner.execute("SELECT id, code FROM grid WHERE valid_to IS NULL ORDER BY code DESC LIMIT 1").fetchone()
    assert row
    page = opener().open("/")
    page.keyboard.press("/")
    page.keyboard.type(row[1])
    page.wait_for_selector("#found li[aria-selected='true']")
    page.keyboard.press("Enter")
    wait_for_address(page, grid=str(row[0]))


def test_a_panel_that_fails_says_so_and_can_be_tried_again(opener: Opener) -> None:
    watched = opener()
    watched.page.route("**/api/v1/picture*", lambda route: route.fulfill(status=503, body="{}"))
    page = watched.open("/?lang=en")
    assert page.locator("#kpi .failed").inner_text().startswith("▲ The data did not arrive")
    assert page.locator("#kpi .failed button").is_visible()
    page.unroute("**/api/v1/picture*")
    # It tries again by itself as well, so the button may be gone by now.
    page.evaluate("() => document.querySelector('#kpi .failed button')?.click()")
    page.wait_for_selector("#kpi .kpi")
    assert all("503" in wrong for wrong in watched.wrong)
    watched.wrong.clear()


def test_symbols_that_come_after_their_incidents_are_drawn_all_the_same(opener: Opener, demo_small: Clone) -> None:
    with demo_small.owner() as owner:
        row = owner.execute(
            "SELECT ST_X(place), ST_Y(place) FROM incident WHERE is_open AND grid_id IS NOT NULL ORDER BY reported_at DESC LIMIT 1"
        ).fetchone()
    assert row
    path = f"/?layers=incidents&at={row[0]:.6f},{row[1]:.6f},18"
    marks = pixels(opener().open(path), "marks")
    late = opener()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    late.page.route("**/api/v1/categories", hold)
    late.page.goto(late.address + path)
    late.page.wait_for_selector("#feed li")
    late.page.wait_for_function("() => performance.getEntriesByType('resource').some(({ name }) => name.includes('/tiles/incidents/'))")
    held[0].continue_()
    late.ready()
    late.page.wait_for_function(
        "([pane, wanted]) => [...document.querySelectorAll(`.leaflet-${pane}-pane canvas`)].map(c => c.toDataURL()).sort().join() === wanted",
        arg=["marks", marks],
    )


def test_a_tile_that_comes_late_is_not_drawn_at_the_size_of_a_nearer_zoom(opener: Opener, demo_small: Clone) -> None:
    with demo_small.owner() as owner:
        row = owner.execute("SELECT ST_X(ST_Centroid(geom)), ST_Y(ST_Centroid(geom)) FROM area WHERE level = 'district'").fetchone()
    assert row
    watched, held = opener(), list[Route]()
    far = re.compile(r"/tiles/map/1[0-3]\b")

    def hold(route: Route) -> None:
        held.append(route)

    watched.page.route(far, hold)
    page = watched.page
    page.goto(f"{watched.address}/?layers=&at={row[0]:.5f},{row[1]:.5f},13")
    watched.ready()
    near = f"?layers=&at={row[0]:.5f},{row[1]:.5f},18"
    page.evaluate("at => { history.pushState(null, '', at); dispatchEvent(new PopStateEvent('popstate')); }", near)
    page.wait_for_function("() => document.querySelector('.leaflet-ink-pane .leaflet-tile-loaded')")
    page.evaluate(WIDEST)
    for each in held:
        each.continue_()
    assert held
    page.wait_for_function(ARRIVED, arg=len(held))
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.evaluate("() => window.widest") < 2 * 513


def test_the_tiles_of_a_view_come_in_one_answer(opener: Opener) -> None:
    watched, asked = opener(), list[str]()
    watched.page.on("request", lambda request: asked.append(request.url) if "/tiles/map/" in request.url else None)
    page = watched.open("/?layers=")
    page.wait_for_function(f"() => document.querySelectorAll('{DRAWN}').length >= 4")
    (together,) = asked
    assert len(together.split("?at=")[1].split(",")) >= 4


def test_tiles_that_an_answer_had_no_time_for_are_asked_for_alone(opener: Opener) -> None:
    watched, alone = opener(), list[str]()

    def without(route: Route) -> None:
        places = route.request.url.split("?at=")[1].split(",")
        route.fulfill(body=b"\xff\xff\xff\xff" * len(places), content_type="application/vnd.wangge.tiles")

    watched.page.route(re.compile(r"/tiles/map/\d+\?at="), without)
    watched.page.on("request", lambda request: alone.append(request.url) if re.search(r"/tiles/map/\d+/", request.url) else None)
    page = watched.open("/?layers=")
    page.wait_for_function(f"() => document.querySelectorAll('{DRAWN}').length >= 4")
    assert len(alone) >= 4
    assert len({*alone}) == len(alone)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_nothing_in_the_head_lies_over_anything_else(opener: Opener, language: str) -> None:
    for width, height in ((1920, 1080), (1366, 768), (390, 844)):
        page = opener(width, height).open(f"/?lang={language}")
        over = page.evaluate(OVERLAPS, ".breadcrumb, .bar h1 b, .search, .clock, .live-sign, .bar .tool")
        assert over == [], width


def test_a_page_that_is_only_looked_at_moves_nothing(opener: Opener) -> None:
    # Without a graphics card a mark that breathes keeps a tenth of a processor busy, for weeks on a wall.
    page = opener().open()
    page.wait_for_selector('#live[data-state="live"]')
    endless = (
        "() => document.getAnimations().filter((each) => each.effect.getTiming().iterations === Infinity).map((each) => each.animationName)"
    )
    assert page.evaluate(endless) == []


def test_a_change_from_nothing_is_told_as_it_is(opener: Opener) -> None:
    watched = opener()

    def from_nothing(route: Route) -> None:
        told = route.fetch().json()
        for each in told["overview"]["kpi"]:
            if each["id"] == "today":
                each |= {"value": 4, "reference": 0}
            elif each["id"] == "mean_handling":
                each |= {"value": 98.4, "reference": 26.5}
        route.fulfill(json=told)

    watched.page.route("**/api/v1/picture*", from_nothing)
    page = watched.open("/?lang=en")
    assert page.locator("[data-kpi=today] .change").inner_text() == "↑ 4 from 0"
    assert page.locator("[data-kpi=mean_handling] .change").inner_text() == "↑ 271% from 26.5 h"


def test_an_ended_session_leads_back_to_the_same_view(opener: Opener) -> None:
    watched = opener()
    page = watched.open("/?lang=en&fill=open")
    page.context.clear_cookies()
    page.locator("#categories .bars button").first.click()
    link = page.get_by_role("link", name="Sign in")
    link.wait_for()
    assert "next=%2F%3F" in str(link.get_attribute("href"))
    page.close()  # no answer comes after this
    assert all("401" in wrong for wrong in watched.wrong)
    watched.wrong.clear()


class _nothing:  # noqa: N801
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...
