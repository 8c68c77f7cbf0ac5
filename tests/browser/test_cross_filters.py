"""What one panel chooses the others follow: hours, days, figures with their rows; and the address says it all."""

import re

import pytest

from tests.browser.conftest import Opener
from tests.browser.test_one_screen import address, wait_for_address
from tests.conftest import Clone

pytestmark = pytest.mark.browser


def test_hours_are_chosen_by_dragging_and_by_keys_and_filter_everything(opener: Opener) -> None:
    page = opener().open("/?lang=en&period=1y")
    bars = page.locator("#time [data-hour]")
    first, last = bars.nth(8).bounding_box(), bars.nth(11).bounding_box()
    assert first
    assert last
    page.mouse.move(first["x"] + 3, first["y"] + 5)
    page.mouse.down()
    page.mouse.move(last["x"] + 3, last["y"] + 5)
    with page.expect_response(re.compile(r"/picture\?.*hours=8-12")), page.expect_response(re.compile(r"/tiles/incidents/.*hours=8-12")):
        page.mouse.up()
    wait_for_address(page, hours="8-12")
    page.wait_for_function("() => document.querySelectorAll('#time .hours [aria-pressed=true]').length === 4")
    page.get_by_role("button", name="Show the whole day").click()
    page.wait_for_url(lambda url: "hours=" not in url)
    page.locator('#time [data-hour="0"]').focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    wait_for_address(page, hours="1-2")
    page.locator('#time [data-hour="1"]').focus()
    page.keyboard.press("Shift+ArrowRight")
    wait_for_address(page, hours="1-3")


def test_play_moves_the_hours_and_stops_when_asked(opener: Opener) -> None:
    page = opener().open("/?lang=en&period=1y&hours=6-9")
    page.get_by_role("button", name="Play").click()
    wait_for_address(page, hours="7-10")
    wait_for_address(page, hours="8-11")
    page.locator("#time").get_by_role("button", name="Pause").click()
    held = address(page)["hours"]
    assert page.get_by_role("button", name="Play").is_visible()
    assert address(page)["hours"] == held


def test_every_figure_says_its_formula_on_focus_and_opens_its_rows(opener: Opener, demo_small: Clone) -> None:
    watched = opener()
    page = watched.open("/?lang=en&period=1y")
    with demo_small.owner() as owner:
        row = owner.execute("SELECT count(*) FROM incident WHERE is_open AND due_at < deployment_now()").fetchone()
    assert row
    for figure in ("today", "open", "overdue", "closing_rate", "mean_handling", "on_duty"):
        card = page.locator(f'[data-kpi="{figure}"]')
        page.keyboard.press("Tab")
        card.focus()
        page.wait_for_selector("#tip:not([hidden])")
        assert len(page.inner_text("#tip").splitlines()) >= 3
        page.keyboard.press("Enter")
        page.wait_for_selector(f'dialog[data-rows="{figure}"] .table, dialog[data-rows="{figure}"] .empty')
        assert address(page)["rows"] == figure
        if figure == "overdue":
            told = page.locator("dialog .note").inner_text()
            assert told == (f"{row[0]} in all" if row[0] < 50 else "The newest 50")
            assert watched.axe() == []
        page.keyboard.press("Escape")
        page.wait_for_selector("dialog", state="detached")
        page.wait_for_url(lambda url: "rows=" not in url)


def test_rows_come_by_pages_lead_to_their_place_and_leave_as_a_table(opener: Opener) -> None:
    page = opener().open("/?lang=en&period=1y&rows=period")
    rows = page.locator("dialog tbody tr")
    page.wait_for_function("() => document.querySelectorAll('dialog tbody tr').length === 50")
    page.get_by_role("button", name="Load more").click()
    page.wait_for_function("() => document.querySelectorAll('dialog tbody tr').length > 50")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export table").click()
    with open(download.value.path(), encoding="utf-8-sig") as file:
        assert len(file.readlines()) > rows.count()
    placed = page.locator("dialog tbody tr", has_text="Grid").first
    number = placed.get_attribute("data-incident")
    placed.locator("td").last.click()
    page.wait_for_selector("dialog", state="detached")
    page.wait_for_url(lambda url: "grid=" in url and f"incident={number}" in url and "rows=" not in url)
    page.go_back()
    page.locator(f"dialog tr[data-incident='{number}'] button").press("Enter")
    page.wait_for_url(lambda url: "grid=" in url and f"incident={number}" in url and "rows=" not in url)


def test_a_day_of_the_trend_becomes_the_period(opener: Opener) -> None:
    page = opener().open("/?lang=en")
    box = page.locator("#trend .chart").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.4)
    page.wait_for_url(lambda url: "from=" in url)
    assert address(page)["from"] == address(page)["to"]


def test_why_a_grid_stands_out_follows_the_filter(opener: Opener, demo_small: Clone) -> None:
    with demo_small.owner() as owner:
        row = owner.execute("SELECT grid_id FROM incident WHERE grid_id IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC LIMIT 1").fetchone()
    assert row
    page = opener().open(f"/?lang=en&period=1y&grid={row[0]}")
    page.wait_for_selector("#detail .why li")
    told = page.inner_text("#detail .why")
    page.locator('#time [data-hour="3"]').focus()
    page.keyboard.press("Enter")
    page.wait_for_function("(told) => (document.querySelector('#detail .why')?.innerText || told) !== told", arg=told)


@pytest.mark.parametrize(("often", "hours"), [("DESC", "6-18"), ("ASC", "")])
def test_why_a_grid_stands_out_counts_only_the_chosen_categories_and_hours(
    opener: Opener, demo_small: Clone, often: str, hours: str
) -> None:
    with demo_small.owner() as owner:
        row = owner.execute(
            "SELECT grid_id, category_id, count(*) FROM incident JOIN grid ON grid.id = grid_id"
            f" WHERE households >= 20 AND reported_at > now() - interval '360 days' GROUP BY 1, 2 ORDER BY 3 {often} LIMIT 1"
        ).fetchone()
        homes = owner.execute("SELECT sum(households) FROM grid WHERE valid_to IS NULL").fetchone()
    assert row
    assert homes
    watched = opener()
    with watched.page.expect_response(lambda answer: "/overview?" in answer.url and "grid=" not in answer.url) as whole:
        page = watched.open(f"/?lang=en&period=1y&grid={row[0]}&category={row[1]}&hours={hours}")
    page.wait_for_selector("#detail .why li")
    told = page.locator("#detail .why li").all_inner_texts()
    rate = page.locator("#ranking tr[aria-current=true] td").nth(3).inner_text()
    found = re.match(r"([\d.]+) per 1,000 households against ([\d.]+) in the district", told[0])
    assert found
    assert found[1] == rate
    usual = sum(each["count"] for each in whole.value.json()["ranking"]) / homes[0] * 1000
    assert float(found[2]) == pytest.approx(usual, abs=0.051)
    chosen = page.locator("#categories [aria-pressed=true]").inner_text().split("\n")
    kinds = [each.split(", where")[0] for each in told if "the usual rate gives" in each]
    assert kinds in ([], [f"{chosen[0]}: {chosen[-1]}"])
    first, after = (int(each) for each in (hours or "0-24").split("-"))
    busiest = [int(each.split()[2].split(":")[0]) for each in told if each.startswith("Most between")]
    assert all(first <= each < after for each in busiest)


def test_the_card_of_a_grid_counts_what_the_key_figures_count(opener: Opener, demo_small: Clone) -> None:
    with demo_small.owner() as owner:
        row = owner.execute(
            "SELECT grid_id, count(*) FROM incident WHERE grid_id IS NOT NULL AND is_open GROUP BY 1 ORDER BY 2 DESC LIMIT 1"
        ).fetchone()
    assert row
    grid, waiting = row
    page = opener().open(f"/?lang=en&period=1y&grid={grid}")
    agreed = """(other) => {
        const card = Object.fromEntries([...document.querySelectorAll("#detail dl > div")].map((each) => [each.children[0].textContent, each.children[1].textContent]));
        const figure = (id) => document.querySelector(`[data-kpi=${id}] .value`)?.textContent;
        return card.Open === figure("open") && card.Overdue === figure("overdue") && card.Today === figure("today") && card.Open !== other;
    }"""
    page.wait_for_function(agreed)
    assert page.inner_text("[data-kpi=open] .value") == str(waiting)
    page.locator('#time [data-hour="9"]').focus()
    page.keyboard.press("Enter")
    page.wait_for_function(agreed, arg=str(waiting))
    page.locator("#categories .bars button").first.click()
    wait_for_address(page, hours="9-10")
    page.wait_for_function("() => new URLSearchParams(location.search).get('category')")
    page.wait_for_function(agreed)


@pytest.mark.parametrize("period", ["period=30d", "from=2020-01-01&to=2020-01-31"])
def test_a_chosen_category_can_be_let_go_of_where_none_of_it_was_reported(opener: Opener, demo_small: Clone, period: str) -> None:
    never = "NOT EXISTS (SELECT FROM incident WHERE grid_id = grid.id AND category_id = category.id)"
    lately = "EXISTS (SELECT FROM incident WHERE grid_id = grid.id AND reported_at > now() - interval '20 days')"
    with demo_small.owner() as owner:
        row = owner.execute(
            f"SELECT grid.id, category.id FROM grid, category WHERE {never} AND {lately}"
            " AND category.id IN (SELECT category_id FROM incident) LIMIT 1"
        ).fetchone()
    assert row
    page = opener().open(f"/?lang=en&{period}&grid={row[0]}&category={row[1]}")
    chosen = page.locator("#categories [aria-pressed=true]")
    assert chosen.locator(".n").inner_text() == "0"
    chosen.click()
    page.wait_for_url(lambda url: "category=" not in url)
    page.wait_for_function("() => document.querySelectorAll('#categories [aria-pressed=true]').length === 0")
