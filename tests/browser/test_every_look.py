"""What the one screen does, in Chinese on dark and in English on light; axe-core looks at each state it comes to."""

import re
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from api import tokens
from tests.browser.conftest import Opener
from tests.browser.test_one_screen import address, pixels, wait_for_address
from tests.conftest import Clone
from web.words import Language, word

pytestmark = pytest.mark.browser
PANELS = "#kpi, #trend, #categories, #time, #legend, #switches, #ranking h2, #feed h2"


@dataclass(frozen=True)
class Look:
    """A language on a theme."""

    language: Language
    theme: str

    def path(self, query: str = "") -> str:
        """The one screen in this look."""
        return f"/?lang={self.language}&theme={self.theme}&{query}"

    def word(self, key: str, **facts: object) -> str:
        """A text of this language."""
        return word(self.language, key, **facts)


@pytest.fixture(params=[Look("zh", "dark"), Look("en", "light")], ids=lambda look: f"{look.language}-{look.theme}")
def look(request: pytest.FixtureRequest) -> Look:
    """Each of the two looks."""
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def clerk(demo_small: Clone) -> str:
    """A token of somebody who may see residents."""
    return tokens.bearer_token(demo_small.schema_url, "clerk", None)


@pytest.fixture(scope="module")
def home(demo_small: Clone) -> dict[str, Any]:
    """The way down to a household: codes, names in both languages, ids."""
    with demo_small.owner() as owner:
        row = owner.execute(
            "SELECT s.code, s.name, s.name_en, c.code, c.name, c.name_en, building.grid_id, building.id, building.address, household.id"
            " FROM household JOIN building ON building.id = building_id JOIN area AS c ON c.id = building.community_id"
            " JOIN area AS s ON s.id = c.parent_id JOIN grid ON grid.id = building.grid_id"
            " WHERE building.address <> '' AND grid.valid_to IS NULL ORDER BY household.id LIMIT 1"
        ).fetchone()
    assert row
    street, community = {"code": row[0], "zh": row[1], "en": row[2]}, {"code": row[3], "zh": row[4], "en": row[5]}
    return {"areas": (street, community), "grid": row[6], "building": row[7], "address": row[8], "household": row[9]}


def put_state(page: Page, look: Look, query: str) -> None:
    """Go to an address of the page as somebody does who steps back to it."""
    page.evaluate("at => { history.pushState(null, '', at); dispatchEvent(new PopStateEvent('popstate')); }", look.path(query))


def test_down_to_a_household_by_click_and_search_and_up_by_escape(opener: Opener, clerk: str, home: dict[str, Any], look: Look) -> None:
    watched = opener(token=clerk)
    page = watched.open(look.path())
    for area in home["areas"]:
        with page.expect_response(lambda answer, area=area: "/picture" in answer.url and f"area={area['code']}" in answer.url):
            page.locator(f'#ranking [data-area="{area["code"]}"]').click()
        expect(page.locator("#breadcrumb .crumb").last).to_have_text(area[look.language])
    assert watched.axe() == []
    with page.expect_response(lambda answer: "/picture" in answer.url and f"grid={home['grid']}" in answer.url):
        page.locator(f'#ranking [data-grid="{home["grid"]}"]').click()
    expect(page.locator("#detail h4").filter(has_text=look.word("card.officer"))).to_be_visible()
    assert watched.axe() == []
    page.keyboard.press("/")
    page.keyboard.insert_text(home["address"])
    page.wait_for_selector("#found li[aria-selected=true]")
    assert watched.axe() == []
    page.keyboard.press("Enter")
    wait_for_address(page, building=str(home["building"]))
    page.locator(f'[data-household="{home["household"]}"]').click()
    page.wait_for_selector(".resident")
    assert watched.axe() == []
    for gone in ("household", "building", "grid"):
        page.evaluate("() => document.activeElement.blur()")
        page.keyboard.press("Escape")
        page.wait_for_url(lambda url, gone=gone: f"{gone}=" not in url)
        expect(page.locator(".resident:visible")).to_have_count(0)
    assert address(page)["area"] == home["areas"][1]["code"]


def test_panels_speak_one_language_and_each_filters_the_others(opener: Opener, look: Look) -> None:
    page = opener().open(look.path("period=1y"))
    said = page.locator(PANELS).all_inner_texts()
    foreign = r"[A-Za-z]{3,}" if look.language == "zh" else r"[㐀-鿿]"
    assert re.findall(foreign, " ".join(said)) == []
    assert re.search({"zh": r"\d+月\d+日", "en": r"[A-Z][a-z]{2}"}[look.language], page.inner_text("#clock"))
    page.locator("[data-kpi=closing_rate]").hover()
    told = page.locator("#tip").inner_text()
    assert look.word("kpi.closing_rate.formula") in told
    assert re.search({"zh": r"\d{4}/\d+/\d+", "en": r"[A-Z][a-z]{2} \d"}[look.language], told)
    with page.expect_response(lambda answer: "/picture" in answer.url and "category=" in answer.url):
        page.locator("#categories .bars button").first.click()
    page.locator('#time [data-hour="9"]').focus()
    with page.expect_response(lambda answer: "/picture" in answer.url and "hours=9-10" in answer.url and "category=" in answer.url):
        page.keyboard.press("Enter")
    page.locator("#time").get_by_role("button", name=look.word("hours.play")).click()
    wait_for_address(page, hours="10-11")


@pytest.mark.parametrize("rows", ["overdue", "on_duty", "period", "hotspots", "alerts"])
def test_every_drawer_is_clean_and_accessible(opener: Opener, look: Look, rows: str) -> None:
    watched = opener(1280, 800)
    page = watched.open(look.path(f"period=1y&rows={rows}"))
    page.wait_for_selector("dialog[open]:not(:has(.skeleton))")
    assert watched.axe() == []
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")


def test_every_fill_and_layer_is_named_and_drawn(opener: Opener, clerk: str, look: Look) -> None:
    watched = opener(token=clerk)
    page = watched.open(look.path("layers="))
    page.wait_for_function("() => !document.querySelector('.leaflet-tile:not(.leaflet-tile-loaded)')")
    seen = set()
    for fill in ("rate", "open", "overdue_share", "households", "officer_load", "assignment", "care", "service"):
        page.select_option("#switches select", fill)
        expect(page.locator("#legend h3").first).to_contain_text(look.word(f"fill.{fill}"))
        expect(page.locator("#legend .unit").first).to_have_text(look.word(f"fill.{fill}.unit"))
        expect(page.locator("#legend .ramp i")).to_have_count(0 if fill == "assignment" else 5)
        seen.add(pixels(page, "fill"))
    assert len(seen) == 8
    bare = pixels(page, "marks")
    for layer in ("hotspots", "incidents", "facilities", "officers"):
        page.get_by_role("button", name=look.word(f"layer.{layer}"), exact=True).click()
    expect(page.locator('#switches [aria-pressed="true"]')).to_have_count(4)
    page.wait_for_function(
        "bare => [...document.querySelectorAll('.leaflet-marks-pane canvas')].map(c => c.toDataURL()).sort().join() !== bare", arg=bare
    )
    assert watched.axe() == []


def test_on_a_phone_sheets_search_and_card_are_clean(opener: Opener, home: dict[str, Any], look: Look) -> None:
    watched = opener(390, 844, has_touch=True, is_mobile=True)
    page = watched.open(look.path())
    for name, sheet in (("legend.title", "#legend"), ("layers.title", "#switches")):
        page.get_by_role("button", name=look.word(name), exact=True).tap()
        page.locator(sheet).wait_for(state="visible")
        assert watched.axe() == []
        page.keyboard.press("Escape")
    page.locator("button.find").tap()
    page.keyboard.type(home["areas"][0]["code"])
    page.wait_for_selector("#found li[aria-selected=true]")
    assert watched.axe() == []
    page.keyboard.press("Enter")
    wait_for_address(page, area=home["areas"][0]["code"])
    put_state(page, look, f"grid={home['grid']}")
    page.wait_for_selector("#detail h3")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert watched.axe() == []


@pytest.mark.parametrize("size", [(3840, 1080), (1920, 1080)])
def test_a_wall_speaks_its_language_and_has_nothing_to_press(opener: Opener, look: Look, size: tuple[int, int]) -> None:
    watched = opener(*size)
    page = watched.open(look.path("wall=stay"))
    page.wait_for_selector("#feed [data-incident]")
    said = page.locator(PANELS).all_inner_texts()
    foreign = r"[A-Za-z]{3,}" if look.language == "zh" else r"[㐀-鿿]"
    assert re.findall(foreign, " ".join(said)) == []
    expect(page.locator("html")).to_have_attribute("data-theme", look.theme)
    for control in ("#tools", "#search", "#switches", ".leaflet-control-zoom", ".home"):
        assert not page.locator(control).first.is_visible(), control
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth && document.documentElement.scrollHeight <= innerHeight")
    assert watched.axe() == []


@pytest.mark.parametrize(("role", "shown"), [("clerk", True), ("operator", False), ("analyst", False)])
def test_people_of_a_household_open_for_those_alone_who_may_see_them(
    opener: Opener, demo_small: Clone, home: dict[str, Any], look: Look, role: str, shown: bool
) -> None:
    watched = opener(token=tokens.bearer_token(demo_small.schema_url, role, None))
    asked: list[str] = []
    watched.page.on("request", lambda request: asked.append(request.url) if "/residents" in request.url else None)
    page = watched.open(look.path(f"grid={home['grid']}&building={home['building']}&household={home['household']}"))
    page.wait_for_selector("#detail h3")
    if shown:
        page.wait_for_selector(".resident")
        assert "*" in page.inner_text(".resident")
    else:
        expect(page.locator("#detail .skeleton")).to_have_count(0)
        assert page.locator(".resident, [data-household]").count() == 0
        assert asked == []
    assert watched.axe() == []


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_a_page_turned_and_made_small_and_large_again_holds_together(opener: Opener, look: Look, motion: str) -> None:
    watched = opener(1920, 1080, reduced_motion=motion)
    page = watched.open(look.path())
    for width, height in ((390, 844), (844, 390), (960, 540), (1920, 1080)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function("() => document.documentElement.scrollWidth <= innerWidth")
        box = page.locator("#one_screen").bounding_box()
        assert box
        assert box["height"] > 150, (width, height)
    assert watched.axe() == []
