"""Down to the people of a household and up again; the worst grid and why; the wall."""

import math
import re

import pytest
from playwright.sync_api import Route, expect

from api import tokens
from tests.browser.conftest import Opener
from tests.browser.test_one_screen import address, wait_for_address
from tests.conftest import Clone

pytestmark = pytest.mark.browser

AT = "new URLSearchParams(location.search).get('at')?.split(',').map(Number)"
"""Where the map stands by the page's address."""
AGAIN_WHILE_IT_ZOOMS = """() => new MutationObserver((_, watch) => {
    if (!document.querySelector(".leaflet-zoom-anim")) return;
    watch.disconnect();
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
}).observe(document.querySelector(".leaflet-map-pane"), { attributes: true, attributeFilter: ["class"] })"""
"""Esc once more as soon as the map zooms."""


@pytest.fixture(scope="module")
def clerk(demo_small: Clone) -> str:
    """A token of somebody who may see residents."""
    return tokens.bearer_token(demo_small.schema_url, "clerk", None)


@pytest.fixture(scope="module")
def home(demo_small: Clone) -> tuple[str, str, str, str]:
    """A grid, a building in it, a household there with a resident in care, and the community's code."""
    with demo_small.owner() as owner:
        row = owner.execute(
            "SELECT building.grid_id, building.id, household.id, area.code FROM care"
            " JOIN resident ON resident.id = care.resident_id JOIN household ON household.id = resident.household_id"
            " JOIN building ON building.id = household.building_id JOIN area ON area.id = building.community_id"
            " WHERE NOT sensitive AND building.grid_id IS NOT NULL ORDER BY household.id LIMIT 1"
        ).fetchone()
    assert row
    return str(row[0]), str(row[1]), str(row[2]), row[3]


def test_a_household_opens_masked_and_one_field_is_revealed_for_a_reason(
    opener: Opener, demo_small: Clone, clerk: str, home: tuple[str, str, str, str]
) -> None:
    grid, building, household, _ = home
    watched = opener(token=clerk)
    page = watched.open(f"/?lang=en&grid={grid}&building={building}")
    page.locator(f'[data-household="{household}"]').click()
    wait_for_address(page, household=household)
    page.wait_for_selector(".resident .tool")
    assert "*" in page.inner_text(".resident")
    assert watched.axe() == []
    page.get_by_role("button", name="Show the full phone number").first.click()
    page.fill("dialog textarea", "ok")
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_selector("dialog .refusal:not([hidden])")
    page.fill("dialog textarea", "Arrange the weekly visit")
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_selector(".resident .clear")
    assert "*" not in page.inner_text(".resident .clear")
    with demo_small.owner() as owner:
        kept = owner.execute("SELECT action, why FROM audit WHERE action LIKE 'residents.%' ORDER BY id DESC LIMIT 2").fetchall()
    assert kept == [("residents.reveal", "Arrange the weekly visit"), ("residents.list", None)] or kept[0][1] == "Arrange the weekly visit"


def test_escape_climbs_from_the_household_to_the_district(opener: Opener, clerk: str, home: tuple[str, str, str, str]) -> None:
    grid, building, household, community = home
    page = opener(token=clerk).open(f"/?lang=en&grid={grid}&building={building}&household={household}")
    assert page.locator("#breadcrumb .crumb").count() == 5
    for gone in ("household", "building", "grid"):
        page.keyboard.press("Escape")
        page.wait_for_url(lambda url, gone=gone: f"{gone}=" not in url)
    assert address(page)["area"] == community


def test_who_may_not_see_residents_is_offered_none(opener: Opener, home: tuple[str, str, str, str]) -> None:
    grid, building, _, _ = home
    page = opener().open(f"/?lang=en&grid={grid}&building={building}")
    page.wait_for_selector(".homes li")
    assert page.locator("[data-household]").count() == 0
    assert page.locator('option[value="care"]').count() == 0


def test_the_worst_grid_of_the_district_is_found_and_says_why(opener: Opener, demo_small: Clone) -> None:
    with demo_small.owner() as owner:
        row = owner.execute(
            "SELECT grid_id FROM incident WHERE grid_id IS NOT NULL AND reported_at >= (SELECT max(reported_at) FROM incident) - interval '200 days'"
            " GROUP BY 1 ORDER BY count(*) DESC, grid_id LIMIT 1"
        ).fetchone()
    assert row
    watched = opener()
    page = watched.open("/?lang=en&period=1y")
    page.get_by_role("button", name="All grids").click()
    wait_for_address(page, ranked="grid")
    page.wait_for_selector("#ranking [data-grid]")
    page.get_by_role("button", name=re.compile("^Per 1,000")).click()
    page.wait_for_selector("#ranking th[aria-sort] button:has-text('Per 1,000')")
    page.locator("#ranking [data-grid]").first.click()
    page.wait_for_selector("#detail .reasons li")
    assert "per 1,000 households against" in page.inner_text("#detail .reasons")
    page.get_by_role("button", name="Incidents of the period").click()
    page.wait_for_selector('dialog[data-rows="period"] tbody tr')
    assert watched.axe() == []


def test_a_grid_of_the_whole_ground_is_named_without_the_word_that_all_share(opener: Opener) -> None:
    page = opener().open("/?lang=en&ranked=grid")
    page.wait_for_selector("#ranking [data-grid]")
    names = page.locator("#ranking [data-grid]").all_inner_texts()
    assert any(re.fullmatch(r"[A-Z][a-z']+ Grid \d+", name) for name in names), names
    assert not any("Community" in name for name in names)


def test_the_keyboard_stands_where_it_was_while_the_ranking_is_made_anew(opener: Opener) -> None:
    page = opener().open("/?lang=en")
    page.get_by_role("button", name="All grids").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#ranking [data-grid]")
    expect(page.get_by_role("button", name="All grids")).to_be_focused()
    page.get_by_role("button", name=re.compile("^Per 1,000")).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#ranking th[aria-sort] button")).to_be_focused()
    page.locator("#ranking [data-grid]").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#detail .close")).to_be_focused()


def test_the_keyboard_goes_on_to_a_card_that_arrives_after_the_ranking_was_made_anew(opener: Opener) -> None:
    page = opener().open("/?lang=en")
    page.get_by_role("button", name="All grids").click()
    page.wait_for_selector("#ranking [data-grid]")
    held = list[Route]()

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/v1/grids/*/card*", hold)
    page.locator("#ranking [data-grid]").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#ranking tr[aria-current=true]")
    expect(page.locator("#ranking tr[aria-current=true] button")).to_be_focused()
    for each in held:
        each.continue_()
    expect(page.locator("#detail .close")).to_be_focused()
    page.unroute("**/api/v1/grids/*/card*")


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (390, 844)])
def test_a_building_that_an_address_names_is_shown_beside_its_card(
    opener: Opener, demo_small: Clone, home: tuple[str, str, str, str], width: int, height: int
) -> None:
    grid, building, *_ = home
    with demo_small.owner() as owner:
        place = owner.execute(
            "SELECT ST_X(c), ST_Y(c) FROM (SELECT ST_PointOnSurface(geom) c FROM building WHERE id = %s) b", (building,)
        ).fetchone()
    assert place
    page = opener(width, height).open(f"/?grid={grid}&building={building}")
    page.wait_for_url(re.compile("[?&]at="))
    lon, lat, zoom = (float(part) for part in address(page)["at"].split(","))
    pixels_a_degree = 256 * 2**zoom / 360
    map_box, card = page.locator("#one_screen").bounding_box(), page.locator("#detail").bounding_box()
    assert map_box and card
    x = map_box["x"] + map_box["width"] / 2 + (place[0] - lon) * pixels_a_degree
    y = map_box["y"] + map_box["height"] / 2 - (place[1] - lat) * pixels_a_degree / math.cos(math.radians(lat))
    assert zoom >= 17
    assert 0 < x < width
    assert map_box["y"] < y < map_box["y"] + map_box["height"]
    assert not (card["x"] < x < card["x"] + card["width"] and card["y"] < y < card["y"] + card["height"])


def test_an_address_and_enter_without_a_pause_tell_who_answers_for_it(opener: Opener, demo_small: Clone) -> None:
    with demo_small.owner() as owner:
        row = owner.execute(
            "SELECT building.address, building.id, building.grid_id, officer.name FROM building"
            " JOIN assignment USING (grid_id) JOIN officer ON officer.id = officer_id"
            " WHERE building.address <> '' AND duty = 'main' AND valid @> current_date ORDER BY building.id DESC LIMIT 1"
        ).fetchone()
    assert row
    page = opener().open()
    page.keyboard.press("/")
    page.keyboard.insert_text(row[0])
    page.keyboard.press("Enter")
    wait_for_address(page, building=str(row[1]), grid=str(row[2]))
    page.wait_for_selector("#detail .person")
    assert row[3] in page.inner_text("#detail .person")
    assert page.locator("#breadcrumb .crumb").count() == 5


def test_a_house_number_that_nothing_has_offers_the_closest_of_its_street(opener: Opener, demo_small: Clone) -> None:
    with demo_small.owner() as owner:
        row = owner.execute("SELECT substring(address FROM '^[^0-9]+') FROM building WHERE address ~ '^[^0-9]+[0-9]+号' LIMIT 1").fetchone()
    assert row
    watched = opener()
    page = watched.open("/?lang=en")
    page.keyboard.press("/")
    page.keyboard.insert_text(f"{row[0]}99999号")
    page.wait_for_selector("#found li[aria-selected='true']")
    assert page.locator("#found li").first.inner_text() == "No building has this number. The closest:"
    assert watched.axe() == []
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("building="))


def test_an_address_with_a_grid_and_an_incident_shows_the_incident(opener: Opener, demo_small: Clone) -> None:
    with demo_small.owner() as owner:
        row = owner.execute("SELECT id, grid_id FROM incident WHERE grid_id IS NOT NULL ORDER BY id DESC LIMIT 1").fetchone()
    assert row
    page = opener().open(f"/?grid={row[1]}&incident={row[0]}")
    wait_for_address(page, grid=str(row[1]), incident=str(row[0]))
    page.wait_for_selector(f'#detail[data-for="incident/{row[0]}"] .marks')


def test_a_building_is_shown_in_its_own_grid_whichever_the_address_names(opener: Opener, demo_small: Clone) -> None:
    with demo_small.owner() as owner:
        row = owner.execute(
            "SELECT building.id, grid_id, area.code, (SELECT min(id) FROM grid WHERE valid_to IS NULL AND id <> grid_id) FROM building"
            " JOIN area ON area.id = community_id WHERE grid_id IS NOT NULL ORDER BY building.id DESC LIMIT 1"
        ).fetchone()
    assert row
    building, own, community, other = row
    page = opener().open(f"/?grid={other}&building={building}")
    wait_for_address(page, grid=str(own), building=str(building), area=community)


@pytest.mark.parametrize("wrong", ["hours=25-3&layers=__proto__,x", "hours=8-8&category=x", "fill=constructor&at=NaN,2,3&rows=constructor"])
def test_what_an_address_misspells_is_as_if_it_were_not_there(opener: Opener, wrong: str) -> None:
    page = opener(1280, 800).open(f"/?{wrong}")
    assert page.locator("#kpi .kpi").count() == 6
    assert page.locator(".failed").count() == 0


@pytest.mark.parametrize("wrong", ["category=999999", "from=0001-01-01&to=0001-01-02"])
def test_a_filter_that_nobody_can_answer_is_left_out_and_the_page_says_so(opener: Opener, wrong: str) -> None:
    watched = opener(1280, 800)
    page = watched.open(f"/?lang=en&{wrong}")
    page.wait_for_selector("#kpi .kpi")
    assert "shown without that filter" in page.inner_text("#notices")
    assert wrong.partition("=")[0] not in address(page)
    assert page.locator(".failed").count() == 0
    assert all("422" in said for said in watched.wrong)
    watched.wrong.clear()


@pytest.mark.parametrize("nowhere", ["area=990101999", "grid=999999999", "building=999999999", "grid=x"])
def test_a_place_that_is_not_there_is_told_and_the_whole_is_shown(opener: Opener, nowhere: str) -> None:
    watched = opener(1280, 800)
    page = watched.open(f"/?lang=en&{nowhere}")
    page.wait_for_selector("#kpi .kpi")
    assert "Not found, or outside your area" in page.inner_text("#notices")
    assert address(page) == {"lang": "en"}
    assert all("404" in said or "422" in said for said in watched.wrong)
    watched.wrong.clear()


def test_a_server_that_is_away_for_a_moment_costs_nobody_their_place(opener: Opener, demo_small: Clone) -> None:
    with demo_small.owner() as owner:
        row = owner.execute("SELECT code, name FROM area WHERE level = 'street' ORDER BY code LIMIT 1").fetchone()
    assert row
    watched = opener(1280, 800)
    page = watched.open("/?lang=zh")
    away = f"**/api/v1/areas/{row[0]}"
    page.route(away, lambda route: route.fulfill(status=503, body="{}"))
    with page.expect_response(lambda answer: answer.status == 503):
        page.locator(f'#ranking [data-area="{row[0]}"]').click()
    page.unroute(away)
    page.wait_for_function("name => document.querySelector('#breadcrumb').textContent.includes(name)", arg=row[1])
    assert address(page)["area"] == row[0]
    assert all("503" in said for said in watched.wrong)
    watched.wrong.clear()


def test_a_link_to_an_incident_alone_leads_to_where_it_happened(opener: Opener, demo_small: Clone) -> None:
    with demo_small.owner() as connection:
        row = connection.execute(
            "SELECT incident.id, grid_id, area.code, ST_X(place), ST_Y(place) FROM incident JOIN area ON area.id = community_id"
            " WHERE grid_id IS NOT NULL AND is_open ORDER BY incident.id LIMIT 1"
        ).fetchone()
    assert row is not None
    page = opener().open(f"/?incident={row[0]}")
    wait_for_address(page, incident=str(row[0]), grid=str(row[1]), area=row[2])
    lon, lat, zoom = (float(each) for each in address(page)["at"].split(","))
    assert zoom >= 17
    assert abs(lon - row[3]) < 0.004
    assert abs(lat - row[4]) < 0.004
    page.wait_for_selector(f"#detail[data-for='incident/{row[0]}'] .marks")


def test_the_oldest_that_is_overdue_comes_first(opener: Opener, demo_small: Clone) -> None:
    with demo_small.owner() as owner:
        oldest = owner.execute("SELECT id FROM incident WHERE is_open AND due_at < now() ORDER BY due_at, id LIMIT 1").fetchone()
    assert oldest
    page = opener().open()
    page.locator("[data-kpi=overdue]").click()
    page.wait_for_selector(f'dialog tbody tr:first-child[data-incident="{oldest[0]}"]')


def test_every_panel_follows_a_grid(opener: Opener, home: tuple[str, str, str, str]) -> None:
    grid = home[0]
    page = opener().open("/?lang=en&period=1y")
    whole = page.inner_text('[data-kpi="open"] .value')
    with page.expect_response(re.compile(rf"/(?:overview|picture)\?.*grid={grid}")):
        page.evaluate(
            "grid => { history.pushState(null, '', `?lang=en&period=1y&grid=${grid}`); dispatchEvent(new PopStateEvent('popstate')); }",
            grid,
        )
    page.wait_for_function("whole => document.querySelector('[data-kpi=open] .value').textContent !== whole", arg=whole)
    page.wait_for_selector(f'#ranking tr[aria-current] [data-grid="{grid}"]')


def test_the_hot_spots_are_told_one_by_one_with_a_way_to_their_report(opener: Opener) -> None:
    watched = opener()
    page = watched.open("/?lang=en")
    page.get_by_role("button", name="Hot spots one by one").click()
    page.wait_for_selector('dialog[data-rows="hotspots"] .cluster, dialog[data-rows="hotspots"] .empty')
    assert watched.axe() == []
    if page.locator(".cluster").count():
        assert re.match(r"/reports/\d+", str(page.locator(".cluster a").first.get_attribute("href")))
        page.get_by_role("button", name="Show on the map").first.click()
        page.wait_for_selector("dialog", state="detached")


@pytest.mark.parametrize("size", [(3840, 1080), (1920, 1080)])
def test_a_wall_has_nothing_to_press_and_keeps_text_off_the_seams(opener: Opener, size: tuple[int, int]) -> None:
    watched = opener(*size)
    page = watched.open("/?wall=stay")
    for control in ("#tools", "#search", "#switches", "#legend .fold", "#time .segments", ".leaflet-control-zoom"):
        assert not page.locator(control).first.is_visible(), control
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth && document.documentElement.scrollHeight <= innerHeight")
    if size[0] == 3840:
        boxes = page.evaluate(
            "[...document.querySelectorAll('main .card, .bar h1')].map((e) => e.getBoundingClientRect()).map((b) => [b.left, b.right])"
        )
        assert not [box for box in boxes for seam in (960, 2880) if box[0] < seam < box[1] and box[1] - box[0] < 1800]
    assert watched.axe() == []


def test_a_wall_goes_round_the_streets_and_leaves_no_history(opener: Opener) -> None:
    watched = opener()
    watched.page.clock.install()
    page = watched.open("/?wall=1")
    before = page.evaluate("history.length")
    page.clock.fast_forward(21_000)
    page.wait_for_url(lambda url: "area=" in url)
    first = address(page)["area"]
    page.clock.fast_forward(21_000)
    page.wait_for_url(lambda url: f"area={first}" not in url)
    assert page.evaluate("history.length") == before


def test_a_wall_stays_with_what_it_heard_last_while_the_line_is_lost(opener: Opener) -> None:
    watched = opener()
    watched.page.clock.install()
    page = watched.open("/?wall=1")
    page.locator("#live").evaluate("live => { live.dataset.state = 'lost'; }")
    here = page.url
    page.clock.fast_forward(21_000)
    assert page.url == here
    page.locator("#live").evaluate("live => { live.dataset.state = 'live'; }")
    page.clock.fast_forward(21_000)
    page.wait_for_url(lambda url: url != here)


def test_what_was_chosen_in_the_feed_stays_in_sight_however_late_its_grid_arrives(opener: Opener) -> None:
    watched = opener(844, 390, has_touch=True, is_mobile=True)
    held = list[Route]()

    def hold(route: Route) -> None:
        held.append(route)

    page = watched.open("/?lang=en")
    page.route("**/api/v1/grids/*", hold)
    page.locator("#feed [data-incident]").first.tap()
    page.wait_for_function(f"() => {AT}?.[2] >= 17 && !document.querySelector('.leaflet-zoom-anim')")
    while not held:
        page.wait_for_event("request")
    for each in held:
        each.continue_()
    page.unroute("**/api/v1/grids/*")
    page.wait_for_function("() => document.querySelectorAll('#breadcrumb .crumb').length === 4")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.locator(".leaflet-zoom-anim").count() == 0
    assert float(address(page)["at"].split(",")[2]) >= 17


def test_a_step_up_while_the_map_still_zooms_leads_all_the_way(opener: Opener, demo_small: Clone) -> None:
    with demo_small.owner() as owner:
        row = owner.execute(
            "SELECT street.code, area.code FROM area JOIN area street ON street.id = area.parent_id WHERE area.level = 'community' LIMIT 1"
        ).fetchone()
    assert row
    street = opener().open(f"/?area={row[0]}")
    street.keyboard.press("Escape")
    street.wait_for_function(f"() => {AT} && !document.querySelector('.leaflet-zoom-anim')")
    page = opener().open(f"/?area={row[1]}")
    page.evaluate(AGAIN_WHILE_IT_ZOOMS)
    page.keyboard.press("Escape")
    page.wait_for_function(f"whole => {AT}?.join() === whole", arg=address(street)["at"])
