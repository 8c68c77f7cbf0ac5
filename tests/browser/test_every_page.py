"""Every page, in both languages and themes, large and small: clean, accessible, and asking nobody outside."""

from unittest.mock import Mock

import pytest
from playwright.sync_api import expect

from api import tokens
from gis.errors import Unavailable
from tests.browser.conftest import Opener
from tests.conftest import Clone
from web.words import Language, word

pytestmark = pytest.mark.browser
SIZES = [(1920, 1080), (390, 844)]
CHOSEN_AT = """async () => {
    const asked = new URLSearchParams(location.search);
    const [lon, , zoom] = asked.get("at").split(",").map(Number);
    const { place } = await (await fetch(`/api/v1/incidents/${asked.get("incident")}`)).json();
    const map = document.querySelector("#map, .map").getBoundingClientRect();
    return map.left + map.width / 2 + ((place[0] - lon) / 360) * 256 * 2 ** zoom;
}"""
"""Where the chosen incident lies across the window, pixels."""
LOOKS: list[tuple[Language, str]] = [("zh", "dark"), ("en", "light")]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_one_screen_is_clean_and_accessible(opener: Opener, language: str, theme: str, size: tuple[int, int]) -> None:
    watched = opener(*size)
    page = watched.open(f"/?lang={language}&theme={theme}")
    page.wait_for_selector("#feed [data-incident]")
    page.wait_for_selector("#trend svg")
    assert page.locator("#kpi .kpi").count() == 6
    assert page.locator("#ranking tbody tr").count() >= 2
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert watched.axe() == []


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/link/" + "a" * 43])
def test_the_doors_are_clean_and_accessible(opener: Opener, path: str, language: str, theme: str) -> None:
    watched = opener(390, 844, signed_in=False)
    watched.page.goto(f"{watched.address}{path}?lang={language}&theme={theme}")
    watched.page.wait_for_selector("#tools .tool")
    assert watched.axe() == []


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_component_is_clean_and_accessible(opener: Opener, language: str, theme: str) -> None:
    watched = opener()
    page = watched.open(f"/design?lang={language}&theme={theme}")
    assert watched.axe() == []
    for which in range(3):
        page.locator("#overlays .button").nth(which).click()
        page.wait_for_selector("dialog[open]")
        assert watched.axe() == []
        page.keyboard.press("Escape")
        page.wait_for_selector("dialog", state="detached")
    for which in (3, 4):
        page.locator("#overlays .button").nth(which).click()
    page.wait_for_selector("#notices .notice >> nth=1")
    assert watched.axe() == []


@pytest.mark.parametrize(("language", "theme"), LOOKS)
@pytest.mark.parametrize(
    ("role", "withheld"),
    [
        ("officer", ("kpi", "trend", "categories", "ranking", "time")),
        ("system_admin", ("kpi", "trend", "categories", "ranking", "time", "feed")),
    ],
)
def test_who_may_see_little_is_told_so_in_each_panel(
    opener: Opener, demo_small: Clone, role: str, withheld: tuple[str, ...], language: Language, theme: str
) -> None:
    watched = opener(1280, 800, token=tokens.bearer_token(demo_small.schema_url, role, None))
    page = watched.open(f"/?lang={language}&theme={theme}")
    for panel in withheld:
        expect(page.locator(f"#{panel} .body")).to_have_text(word(language, "error.not_permitted"))
    expect(page.locator(".skeleton")).to_have_count(0)
    assert watched.axe() == []


@pytest.mark.parametrize(
    ("role", "language", "theme"),
    [("planner", "zh", "dark"), ("analyst", "en", "light"), ("clerk", "zh", "light"), ("integration", "en", "dark")],
)
def test_the_one_screen_of_every_role_is_clean_and_accessible(
    opener: Opener, demo_small: Clone, role: str, language: Language, theme: str
) -> None:
    watched = opener(1366, 768, token=tokens.bearer_token(demo_small.schema_url, role, None))
    page = watched.open(f"/?lang={language}&theme={theme}")
    expect(page.locator("#kpi .kpi")).to_have_count(6)
    expect(page.locator(".skeleton")).to_have_count(0)
    assert watched.axe() == []


@pytest.mark.parametrize(("language", "theme"), LOOKS)
def test_who_may_not_see_the_map_is_told_so_and_can_sign_out(opener: Opener, demo_small: Clone, language: Language, theme: str) -> None:
    watched = opener(390, 844, token=tokens.bearer_token(demo_small.schema_url, "audit_admin", None))
    watched.page.goto(f"{watched.address}/?lang={language}&theme={theme}")
    expect(watched.page.locator("h1")).to_have_text(word(language, "problem.403.title"))
    expect(watched.page.get_by_role("button", name=word(language, "tool.out"))).to_be_visible()
    assert watched.axe() == []
    assert all("403" in wrong for wrong in watched.wrong)
    watched.wrong.clear()


def test_a_page_nobody_has_says_so_and_leads_back(opener: Opener) -> None:
    watched = opener()
    watched.page.goto(f"{watched.address}/nowhere?lang=en")
    watched.page.wait_for_selector("#tools .tool")
    assert watched.page.inner_text("h1") == "No such page"
    assert watched.axe() == []
    # Chromium reports the page's own status on its console; that is the one thing to be told here.
    assert [wrong for wrong in watched.wrong if "404" not in wrong] == []
    watched.wrong.clear()


@pytest.mark.parametrize(("language", "theme"), LOOKS)
def test_the_reference_of_the_api_opens_offline(opener: Opener, language: Language, theme: str) -> None:
    watched = opener()
    watched.page.goto(f"{watched.address}/docs?lang={language}&theme={theme}")
    watched.page.wait_for_selector(".opblock", timeout=30_000)
    assert watched.page.locator(".opblock").count() > 20
    assert watched.axe() == []
    for width, height in ((390, 844), (1920, 1080)):
        watched.page.set_viewport_size({"width": width, "height": height})
        assert watched.page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        expect(watched.page.get_by_role("link", name=word(language, "title"), exact=True)).to_be_visible()
    other = "zh" if language == "en" else "en"
    watched.page.locator("#tools a.tool").click()
    watched.page.wait_for_selector(f"html[data-language={other}] .opblock")
    watched.page.get_by_role("link", name=word(other, "title"), exact=True).click()
    watched.page.wait_for_selector("html[data-page=one-screen]")


@pytest.mark.parametrize(("language", "theme"), LOOKS)
@pytest.mark.parametrize("status", [403, 404, 422, 500, 503])
def test_a_page_that_is_refused_or_fails_says_so_and_is_accessible(
    opener: Opener, demo_small: Clone, monkeypatch: pytest.MonkeyPatch, status: int, language: Language, theme: str
) -> None:
    paths = {403: "/plans", 404: "/nowhere", 422: "/plans/none", 500: "/design", 503: "/design"}
    if status >= 500:
        failing = Unavailable("The database does not answer now.") if status == 503 else RuntimeError("a bug")
        monkeypatch.setattr("api.pages.first_view", Mock(side_effect=failing))
    watched = opener(390, 844, token=tokens.bearer_token(demo_small.schema_url, "officer", None))
    answer = watched.page.goto(f"{watched.address}{paths[status]}?lang={language}&theme={theme}")
    assert answer
    assert answer.status == status
    watched.page.wait_for_selector("#tools .tool")
    expect(watched.page.locator("h1")).to_have_text(word(language, f"problem.{404 if status == 422 else status}.title"))
    expect(watched.page.locator("html")).to_have_attribute("data-theme", theme)
    assert watched.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert watched.axe() == []
    assert [wrong for wrong in watched.wrong if str(status) not in wrong] == []
    watched.wrong.clear()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_forced_colours_leave_data_and_choices_to_be_told_apart(opener: Opener, theme: str) -> None:
    page = opener(forced_colors="active").open(f"/?lang=en&theme={theme}")
    page.wait_for_selector("#categories .track i")
    for one, other in (("#categories .track i", "#categories .track"), (".ramp i:first-child", ".ramp i:last-child"), ("#time .hours i", "#time .hours"),
                       ("#time .segments [aria-pressed=true]", "#time .segments [aria-pressed=false]")):  # fmt: skip
        grounds = [page.locator(each).first.evaluate("each => getComputedStyle(each).backgroundColor") for each in (one, other)]
        assert grounds[0] != grounds[1], one


def test_on_a_phone_on_its_side_a_card_lies_beside_the_map(opener: Opener) -> None:
    watched = opener(844, 390, has_touch=True, is_mobile=True)
    page = watched.open("/?lang=en")
    page.locator("#feed [data-incident]").first.tap()
    page.wait_for_selector("#detail h3")
    card = page.locator("#detail").bounding_box()
    assert card
    assert card["x"] > 844 * 0.4
    assert card["height"] <= 390
    page.wait_for_function("() => new URLSearchParams(location.search).get('at')?.split(',')[2] >= 17")
    assert 0 < page.evaluate(CHOSEN_AT) < card["x"], "what was chosen is not under the card"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert watched.axe() == []


def test_every_text_of_the_one_screen_is_there_on_a_320_pixel_phone(opener: Opener) -> None:
    watched = opener(320, 640)
    page = watched.open("/?lang=en")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Legend").click()
    page.locator("#legend").wait_for(state="visible")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Layers").click()
    page.locator("#switches select").wait_for(state="visible")


def test_a_wrong_password_is_refused_in_words(opener: Opener) -> None:
    watched = opener(signed_in=False)
    watched.page.goto(f"{watched.address}/sign-in?lang=en")
    watched.page.wait_for_selector("#tools .tool")
    watched.page.fill("#name", "nobody")
    watched.page.fill("#password", "wrong-password")
    watched.page.keyboard.press("Enter")
    watched.page.wait_for_selector("#refusal:not([hidden])")
    assert watched.page.inner_text("#refusal") == "The name, password or code is not right."
    assert [wrong for wrong in watched.wrong if "401" not in wrong] == []
    watched.wrong.clear()


@pytest.mark.parametrize("path", ["/", "/plans", "/reports", "/design", "/sign-in"])
def test_words_and_modules_are_fetched_early_and_once(opener: Opener, path: str) -> None:
    watched = opener(signed_in=path != "/sign-in")
    asked: list[str] = []
    watched.page.on("request", lambda request: asked.append(request.url.removeprefix(watched.address)))
    watched.page.goto(watched.address + path)
    watched.page.wait_for_selector("#tools .tool")
    early = watched.page.eval_on_selector_all("link[rel$=preload]", "links => links.map(link => link.getAttribute('href'))")
    assert [each.split("/")[1] for each in early] == ["static", "words"]
    assert [asked.count(each) for each in early] == [1, 1]
