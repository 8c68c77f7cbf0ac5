"""What the map shows, keeps apart and comes back from: tiles that fail, places far away, layers, names, the work of a hover."""

import math
import re
from itertools import combinations

import pytest
from playwright.sync_api import Page, Route, expect
from shapely import Point, Polygon

from tests.browser.conftest import Opener, Watched
from tests.browser.test_every_look import Look, look
from tests.browser.test_one_screen import OVERLAPS, address, pixels
from tests.conftest import Clone

__all__ = ["look"]
pytestmark = pytest.mark.browser
# What names and marks each sheet shows where, in pixels of the window.
DRAWN = """
    const sheets = new Map();
    let drawn = { labels: [], marks: [] };
    const hook = (kind, name, before) => {
        const own = kind.prototype[name];
        kind.prototype[name] = function (...given) { before(this, ...given); return own.apply(this, given); };
    };
    const inked = (context, corners) => corners.map(([x, y]) => context.getTransform().transformPoint(new DOMPoint(x, y)));
    hook(OffscreenCanvasRenderingContext2D, "fillText", (context, text) => {
        const { width, actualBoundingBoxAscent: up, actualBoundingBoxDescent: down } = context.measureText(text);
        drawn.labels.push({ text, box: inked(context, [[-width / 2, -up], [width / 2, -up], [width / 2, down], [-width / 2, down]]) });
    });
    hook(OffscreenCanvasRenderingContext2D, "fill", (context, path) => {
        if (path instanceof Path2D) drawn.marks.push({ box: inked(context, [[12, 12]]) });
    });
    hook(ImageBitmapRenderingContext, "transferFromImageBitmap", ({ canvas }) => {
        sheets.set(canvas, drawn);
        drawn = { labels: [], marks: [] };
    });
    const on = (pane) => [...sheets].filter(([canvas]) => canvas.isConnected && canvas.parentElement.classList.contains(`leaflet-${pane}-pane`))
        .flatMap(([canvas, each]) => each[pane].map(({ text, box }) => {
            const { left, top } = canvas.getBoundingClientRect();
            return { text, box: box.map(({ x, y }) => [x / devicePixelRatio + left, y / devicePixelRatio + top]) };
        }));
    window.drawn = () => ({ names: on("labels"), marks: on("marks").map(({ box }) => box[0]) });
"""
# How often the canvases of each pane are painted.
PAINTED = """() => {
    window.painted = {};
    const show = ImageBitmapRenderingContext.prototype.transferFromImageBitmap;
    ImageBitmapRenderingContext.prototype.transferFromImageBitmap = function (picture) {
        const pane = /leaflet-(\\w+)-pane/.exec(this.canvas.closest(".leaflet-map-pane > .leaflet-pane")?.className ?? "")?.[1];
        if (pane && picture) window.painted[pane] = (window.painted[pane] ?? 0) + 1;
        return show.call(this, picture);
    };
}"""
# Texts that are cut and whose whole is told nowhere.
CUT = """() => { const seen = (each) => getComputedStyle(each.closest("h1") ?? each).clipPath === "none"; return [...document.querySelectorAll("body *")]
    .filter((each) => getComputedStyle(each).textOverflow === "ellipsis" && each.checkVisibility() && seen(each) && each.scrollWidth > each.clientWidth)
    .filter((each) => each.localName !== "input")
    .filter((each) => {
        const told = each.closest("[title], [data-explain]");
        return !(told?.dataset.explain || told?.title.includes(each.textContent.trim()));
    })
    .map((each) => `${each.className || each.localName}: ${each.textContent}`); }"""
FADED = """() => [...document.querySelectorAll(".feed, .rank, .bars")]
    .filter((each) => each.scrollHeight > each.clientHeight + 1 && !getComputedStyle(each).maskImage.includes("gradient"))
    .map((each) => each.className)"""
SETTLED = "() => !document.querySelector('.leaflet-tile:not(.leaflet-tile-loaded)')"
MARKS = """wanted => [...document.querySelectorAll('.leaflet-marks-pane canvas')].map(c => c.toDataURL()).sort().join() === wanted"""


@pytest.fixture(scope="module")
def busy(demo_small: Clone) -> tuple[float, float]:
    """A place in a grid with open incidents."""
    with demo_small.owner() as owner:
        row = owner.execute(
            "SELECT ST_X(place), ST_Y(place) FROM incident WHERE is_open AND grid_id IS NOT NULL ORDER BY reported_at DESC LIMIT 1"
        ).fetchone()
    assert row
    return float(row[0]), float(row[1])


def at(place: tuple[float, float], zoom: float) -> str:
    """Where the map stands, as an address says it."""
    return f"at={place[0]:.6f},{place[1]:.6f},{zoom}"


def only(watched: Watched, status: str) -> None:
    """Chromium writes each answer that failed on its console; nothing else may have gone wrong."""
    assert [wrong for wrong in watched.wrong if status not in wrong] == []
    watched.wrong.clear()


@pytest.mark.parametrize("which", ["incidents", "map"])
def test_a_tile_that_fails_is_told_and_asked_for_again(opener: Opener, busy: tuple[float, float], look: Look, which: str) -> None:
    path = look.path(f"layers=incidents&{at(busy, 16.5)}")
    whole = opener().open(path)
    whole.wait_for_function(SETTLED)
    pane = "marks" if which == "incidents" else "ink"
    wanted = pixels(whole, pane)
    watched = opener()
    watched.page.route(re.compile(rf"/tiles/{which}/"), lambda route: route.fulfill(status=503, body=""))
    page = watched.open(path)
    expect(page.locator('#notices [data-kind="map"]')).to_contain_text(look.word("map.lacking"))
    assert watched.axe() == []
    page.unroute(re.compile(rf"/tiles/{which}/"))
    expect(page.locator('#notices [data-kind="map"]')).to_have_count(0, timeout=30_000)
    page.wait_for_function(
        "([pane, wanted]) => [...document.querySelectorAll(`.leaflet-${pane}-pane canvas`)].map(c => c.toDataURL()).sort().join() === wanted",
        arg=[pane, wanted],
    )
    only(watched, "503")


def test_a_view_that_came_later_is_not_replaced_by_one_that_took_longer(opener: Opener, busy: tuple[float, float]) -> None:
    path = f"/?layers=incidents&{at(busy, 16.5)}"
    wanted = pixels(opener().open(path), "marks")
    watched, held = opener(), list[Route]()

    def hold(route: Route) -> None:
        held.append(route)

    watched.page.route(re.compile(r"/tiles/incidents/1[0-3][/?]"), hold)
    watched.page.goto(watched.address + f"/?layers=incidents&{at(busy, 13)}")
    page = watched.page
    watched.ready()
    page.wait_for_selector("#feed li")
    page.evaluate("at => { history.pushState(null, '', at); dispatchEvent(new PopStateEvent('popstate')); }", path)
    page.wait_for_function(MARKS, arg=wanted)
    for each in held:
        each.continue_()
    page.wait_for_function(
        "n => performance.getEntriesByType('resource').filter(({ name }) => /tiles.incidents.1[0-3]/.test(name)).length >= n", arg=len(held)
    )
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert held
    assert page.evaluate(MARKS, wanted)


@pytest.mark.parametrize("far", ["999,999,16", "0,0,16", "-170,80,3"])
def test_an_address_far_from_the_ground_shows_the_ground(opener: Opener, look: Look, far: str) -> None:
    usual = opener(1280, 800).open(look.path())
    usual.wait_for_function(SETTLED)
    page = opener(1280, 800).open(look.path(f"at={far}"))
    page.wait_for_function(SETTLED)
    assert pixels(page, "fill") == pixels(usual, "fill")
    assert "at" not in address(page)


def test_from_where_no_ground_is_to_be_seen_one_click_leads_back(opener: Opener, demo_small: Clone, look: Look) -> None:
    with demo_small.owner() as owner:
        row = owner.execute(
            "SELECT ST_XMax(geom) + (ST_XMax(geom) - ST_XMin(geom)) / 2, ST_YMax(geom) FROM area WHERE level = 'district'"
        ).fetchone()
    assert row
    watched = opener(1280, 800)
    page = watched.open(look.path(f"layers=&{at((row[0], row[1]), 17)}"))
    home = page.get_by_role("button", name=look.word("map.home"))
    expect(home).to_be_visible()
    assert watched.axe() == []
    home.click()
    expect(home).to_be_hidden()
    lon, lat, _ = (float(each) for each in address(page)["at"].split(","))
    assert abs(lon - row[0]) < 0.2
    assert abs(lat - row[1]) < 0.2


def stand(page: Page, look: Look, query: str) -> None:
    """Go to an address of the page and wait until the map stands there with all its tiles."""
    page.evaluate("at => { history.pushState(null, '', at); dispatchEvent(new PopStateEvent('popstate')); }", look.path(query))
    settle(page)


def settle(page: Page) -> None:
    """Wait until each tile has come and what hangs on it is drawn."""
    page.wait_for_function(SETTLED)
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def test_names_lie_on_no_other_name_and_on_no_mark(opener: Opener, busy: tuple[float, float], look: Look) -> None:
    watched = opener()
    watched.page.add_init_script(DRAWN)
    page = watched.open(look.path("layers=incidents"))
    for zoom in (12.5, 13.6, 14.6, 15.3, 16.2, 17.5):
        stand(page, look, f"layers=incidents&{at(busy, zoom)}")
        page.wait_for_function("() => window.drawn().names.length > 1 && window.drawn().marks.length")
        drawn = page.evaluate("() => window.drawn()")
        names = [(each["text"], Polygon(each["box"])) for each in drawn["names"]]
        over = [(one, other) for (one, a), (other, b) in combinations(names, 2) if a.intersection(b).area > 1]
        assert over == [], zoom
        assert [name for name, box in names for mark in drawn["marks"] if box.contains(Point(mark))] == [], zoom


def test_a_number_rather_touches_the_rims_of_two_marks_than_hides_one(opener: Opener, busy: tuple[float, float], look: Look) -> None:
    watched = opener()
    watched.page.add_init_script(DRAWN)
    page = watched.open(look.path(f"layers=&{at(busy, 15.3)}"))
    page.wait_for_function(SETTLED)
    page.wait_for_function("() => window.drawn().names.some(({ text }) => /^[0-9]+$/.test(text))")
    names = [(each["text"], Polygon(each["box"])) for each in page.evaluate("() => window.drawn().names")]
    # The one that other names are the least in the way of stands at its own place.
    number, box = max(
        ((text, box) for text, box in names if text.isdigit()),
        key=lambda each: min(each[1].distance(other) for _, other in names if other is not each[1]),
    )
    middle = box.centroid
    # Pins on its place, above and below it: wherever it may stand, it touches one.
    places = [place_under(page, busy, 15.3, (middle.x, middle.y + down)) for down in (0, -46, 46)]

    def pinned(route: Route) -> None:
        told = route.fetch().json()
        told["feed"]["items"] = [each | {"place": place} for each, place in zip(told["feed"]["items"], places, strict=False)]
        route.fulfill(json=told)

    other = opener()
    other.page.add_init_script(DRAWN)
    other.page.route("**/api/v1/picture*", pinned)
    page = other.open(look.path(f"{at(busy, 15.3)}"))
    page.wait_for_function(SETTLED)
    page.wait_for_function("() => window.drawn().marks.length >= 3")
    drawn = page.evaluate("() => window.drawn()")
    near = [(each["text"], Polygon(each["box"])) for each in drawn["names"] if Polygon(each["box"]).centroid.distance(middle) < 50]
    assert number in [text for text, _ in near]
    assert [text for text, box in near for mark in drawn["marks"] if box.contains(Point(mark))] == []


def place_under(page: Page, centre: tuple[float, float], zoom: float, point: tuple[float, float]) -> tuple[float, float]:
    """Longitude and latitude under a point of the window, where the map stands at `centre`."""
    box = page.locator("#map, .map").first.bounding_box()
    assert box
    pixels = 256 * 2**zoom
    right, down = point[0] - box["x"] - box["width"] / 2, point[1] - box["y"] - box["height"] / 2
    return centre[0] + right / pixels * 360, centre[1] - down / pixels * 360 * math.cos(math.radians(centre[1]))


def test_an_area_is_named_once_though_a_place_is_called_the_same(opener: Opener, demo_small: Clone, look: Look) -> None:
    with demo_small.owner() as owner:
        place = owner.execute(
            "SELECT ST_X(p.geom), ST_Y(p.geom), p.name, p.name_en FROM base_feature p JOIN area a ON a.name = p.name"
            " WHERE p.layer = 'place' AND a.level = 'community' ORDER BY p.name LIMIT 1"
        ).fetchone()
    assert place
    name = place[3] if look.language == "en" else place[2]
    watched = opener()
    watched.page.add_init_script(DRAWN)
    page = watched.open(look.path("layers="))
    for zoom in (14.6, 15.3, 16.2):
        stand(page, look, f"layers=&{at((place[0], place[1]), zoom)}")
        # Names are taken away while the map moves, so what is counted is what stands in the end.
        settle(page)
        page.wait_for_function("name => window.drawn().names.filter(({ text }) => text === name).length === 1", arg=name)


def test_facilities_and_officers_are_drawn_and_told_where_they_are(opener: Opener, demo_small: Clone, look: Look) -> None:
    with demo_small.owner() as owner:
        facility = owner.execute(
            "SELECT ST_X(geom), ST_Y(geom), name, name_en, kind FROM facility WHERE grid_id IS NOT NULL ORDER BY md5(id::text) LIMIT 1"
        ).fetchone()
        officer = owner.execute(
            "SELECT ST_X(last_place), ST_Y(last_place), name FROM officer WHERE last_place IS NOT NULL ORDER BY id DESC LIMIT 1"
        ).fetchone()
    assert facility
    assert officer
    page = opener().open(look.path("layers="))
    said = (facility[3] if look.language == "en" else facility[2]) or look.word(f"facility.{facility[4]}")
    for layer, row, name in (("facilities", facility, said), ("officers", officer, officer[2])):
        stand(page, look, f"layers=&{at((row[0], row[1]), 18)}")
        bare = pixels(page, "marks")
        page.get_by_role("button", name=look.word(f"layer.{layer}"), exact=True).click()
        page.wait_for_function("bare => !(" + MARKS + ")(bare)", arg=bare)
        box = page.locator("#one_screen").bounding_box()
        assert box
        page.mouse.move(box["x"] + box["width"] / 2 + 1, box["y"] + box["height"] / 2)
        expect(page.locator("#tip")).to_contain_text(name)
        page.mouse.move(5, 5)


def test_a_hover_asks_for_nothing_and_paints_no_tile(opener: Opener, busy: tuple[float, float]) -> None:
    page = opener().open(f"/?layers=incidents&{at(busy, 15.5)}")
    settle(page)
    page.evaluate(PAINTED)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    middle = page.locator("#one_screen").bounding_box()
    assert middle
    x, y = middle["x"] + middle["width"] / 2, middle["y"] + middle["height"] / 2
    for step in range(60, -1, -1):
        page.mouse.move(x + 3 * step, y - 2 * step)
    page.wait_for_selector("#tip:not([hidden])")
    painted = page.evaluate("() => window.painted")
    # Only the outline of what the pointer is on, and that only where it is on something else.
    assert set(painted) <= {"hover"}
    assert painted.get("hover", 0) < 60
    assert asked == []


def test_who_drags_while_the_map_still_zooms_goes_nowhere(opener: Opener) -> None:
    page = opener().open("/?lang=en")
    box = page.locator("#one_screen").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    # Leaflet takes no drag while it zooms, so that the browser tells a press, a release and a click and nothing else.
    release = """([x, y]) => { for (const [kind, at] of [["mousedown", x], ["mouseup", x + 60], ["click", x + 60]])
        document.elementFromPoint(x, y).dispatchEvent(new MouseEvent(kind, { bubbles: true, view: window, clientX: at, clientY: y })); }"""
    page.evaluate(f"at => {{ document.querySelector('.leaflet-map-pane').classList.add('leaflet-zoom-anim'); ({release})(at); }}", [x, y])
    page.evaluate("() => document.querySelector('.leaflet-map-pane').classList.remove('leaflet-zoom-anim')")
    page.evaluate("() => fetch('/api/v1/me')")  # as long as finding what lies there takes at least
    assert "area" not in address(page)
    page.mouse.click(x, y)
    page.wait_for_url(lambda url: "area=" in url)


def test_another_fill_paints_each_tile_of_the_fill_once_and_nothing_else(opener: Opener) -> None:
    page = opener().open("/?layers=hotspots,incidents")
    settle(page)
    page.evaluate(PAINTED)
    with page.expect_response(lambda answer: "/api/v1/fills" in answer.url):
        page.select_option("#switches select", "households")
    page.wait_for_function("() => window.painted.fill")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    tiles = page.locator(".leaflet-fill-pane canvas.leaflet-tile").count()
    assert page.evaluate("() => window.painted") == {"fill": tiles}


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1366, 768), (1920, 1080), (390, 844)])
def test_what_is_cut_is_told_whole_and_lists_end_softly(opener: Opener, look: Look, width: int, height: int) -> None:
    page = opener(width, height).open(look.path("period=1y&ranked=grid"))
    page.wait_for_selector("#ranking tbody tr")
    page.wait_for_selector("#feed [data-incident]")
    assert page.evaluate(CUT) == []
    assert page.evaluate(FADED) == []


@pytest.mark.parametrize(("width", "height"), [(1024, 700), (1280, 720), (1366, 768), (1920, 1080)])
def test_card_scale_zoom_and_hours_lie_beside_each_other(
    opener: Opener, demo_small: Clone, busy: tuple[float, float], look: Look, width: int, height: int
) -> None:
    with demo_small.owner() as owner:
        row = owner.execute("SELECT id FROM grid WHERE valid_to IS NULL AND households > 0 ORDER BY households DESC LIMIT 1").fetchone()
    assert row
    page = opener(width, height).open(look.path(f"grid={row[0]}"))
    page.wait_for_selector("#detail h3")
    page.wait_for_selector("#detail .reasons")
    assert page.evaluate(OVERLAPS, "#detail, .leaflet-control-scale, .leaflet-control-zoom, #time, aside.left, aside.right") == []


@pytest.mark.parametrize(
    ("state", "said"),
    [(None, "no_run"), ("asked", "working"), ("running", "working"), ("failed", "is_failed"), ("refused", "refused"), ("away", "")],
)
def test_why_there_are_no_hot_spots_is_told_in_legend_and_drawer(opener: Opener, look: Look, state: str | None, said: str) -> None:
    watched = opener(1280, 800)
    unmade = state and {"id": 7, "state": state}

    def answer(route: Route) -> None:
        if state == "away":
            route.fulfill(status=503, body="{}")
        else:
            route.fulfill(json={"run": None, "items": [], "unmade": unmade})

    watched.page.route("**/hotspots/latest*", answer)
    page = watched.open(look.path("rows=hotspots"))
    told = look.word(f"legend.{said}") if said else look.word("error.failed")
    expect(page.locator("dialog")).to_contain_text(told)
    expect(page.locator("#legend")).to_contain_text(told)
    assert watched.axe() == []
    only(watched, "503")
    if state == "failed":
        href = page.locator("dialog a.link").get_attribute("href")
        assert href
        assert href.startswith("/reports/7")
    if state != "away":
        return
    page.unroute("**/hotspots/latest*")
    page.locator("dialog .failed button").click()
    page.wait_for_selector("dialog .cluster, dialog .empty")
    expect(page.locator("#legend")).to_contain_text("Gi*")


def test_on_a_phone_the_panels_come_in_their_order(opener: Opener, look: Look) -> None:
    page = opener(390, 844, has_touch=True, is_mobile=True).open(look.path())
    page.wait_for_selector("#feed [data-incident]")
    order = ["header.bar", "#one_screen", "#time", "#feed", "#ranking", "#kpi", "#trend", "#categories"]
    boxes = [page.locator(each).bounding_box() for each in order]
    tops = [box["y"] for box in boxes if box]
    assert len(tops) == len(order)
    assert tops == sorted(tops)
    assert boxes[1]
    assert 0.5 < boxes[1]["height"] / 844 < 0.58
    for sheet in ("#legend", "#switches"):
        expect(page.locator(sheet)).to_be_hidden()
