"""Reports in a real browser: asked for, waited for, read, linked between map and table, compared; clean in every look."""

import pytest
from playwright.sync_api import expect

from api import tokens
from api.analyses import service, working
from api.analyses.question import QuestionIn, complete
from api.work import Work
from tests.browser.conftest import Opener, Watched
from tests.conftest import Clone

pytestmark = pytest.mark.browser
QUICK = {"method": "scan", "parameters": {"permutations": 99}}


@pytest.fixture(scope="module")
def reports(demo_small: Clone, session_token: str) -> tuple[int, int]:
    """Two finished scans of two periods on the small demo."""
    work = Work(demo_small.schema_url)
    made = []
    for question in (QUICK, QUICK | {"seed": 3}):
        with work.unit() as (session, scope):
            whole = complete(session, scope, QuestionIn.model_validate(question))
            made.append(service.keep(session, scope, whole, origin="person", asked_by=None))
        assert working.work_out(work, made[-1]) == "done"
    work.close()
    return made[0], made[1]


@pytest.fixture(scope="module")
def analyst(demo_small: Clone) -> str:
    return tokens.bearer_token(demo_small.schema_url, "analyst", None)


def as_analyst(watched: Watched, token: str) -> Watched:
    watched.page.context.clear_cookies()
    watched.page.context.add_cookies([{"name": "wangge", "value": token, "url": watched.address}])
    return watched


@pytest.mark.parametrize(
    ("language", "theme", "size"),
    [("zh", "light", (1920, 1080)), ("en", "dark", (1920, 1080)), ("zh", "dark", (390, 844)), ("en", "light", (390, 844))],
)
def test_reports_are_clean_and_accessible(opener: Opener, reports, analyst, language, theme, size) -> None:
    watched = as_analyst(opener(*size), analyst)
    look = f"lang={language}&theme={theme}"
    for path in (f"/reports?{look}", f"/reports/{reports[0]}?{look}", f"/reports/compared?first={reports[0]}&second={reports[1]}&{look}"):
        page = watched.open(path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert watched.axe() == [], path


def test_who_may_not_ask_reads_the_list_over_the_whole_width(opener: Opener, reports) -> None:
    page = opener().open("/reports?lang=en")
    expect(page.locator("#asking")).to_be_hidden()
    assert page.locator("#list table").bounding_box()["width"] > 1000
    page.get_by_role("button", name="By the clock").click()
    expect(page.locator("#list .empty")).to_contain_text("Your role reads reports")


def test_map_and_table_lead_to_each_other(opener: Opener, reports) -> None:
    watched = opener()
    page = watched.open(f"/reports/{reports[0]}?lang=en")
    row = page.locator('table[data-table="clusters"] tr[data-rank="1"]')
    before = page.inner_text("#report_map .leaflet-control-scale-line")
    row.locator("button").click()
    expect(row).to_have_class("linked chosen")
    page.wait_for_function("before => document.querySelector('#report_map .leaflet-control-scale-line').textContent !== before", arg=before)
    page.locator("#report_map .rank").filter(has_text="2").first.dispatch_event("click")
    expect(page.locator('table[data-table="clusters"] tr[data-rank="2"]')).to_have_class("linked chosen")
    expect(page.locator('table[data-table="clusters"] tr[data-rank="2"] button')).to_be_focused()


def test_a_question_is_asked_waited_for_and_read(opener: Opener, demo_small: Clone, analyst, reports) -> None:
    watched = as_analyst(opener(), analyst)
    page = watched.open("/reports?lang=en")
    page.select_option("select[name=method]", "scan")
    page.get_by_text("More choices").click()
    page.fill("input[name=seed]", "77")
    page.fill("input[name=permutations]", "99")
    page.get_by_role("button", name="Analyse").click()
    page.wait_for_selector("#waiting progress")
    assert watched.axe() == []
    work = Work(demo_small.schema_url)
    assert working.work_out(work, int(page.url.partition("/reports/")[2].partition("?")[0])) == "done"
    work.close()
    page.wait_for_selector("table[data-table=clusters]", timeout=60_000)
    assert page.inner_text(".lead-list li >> nth=0").startswith("Yunlu District")


def test_a_wrong_question_says_what_is_wrong_and_keeps_the_form(opener: Opener, analyst, reports) -> None:
    watched = as_analyst(opener(), analyst)
    page = watched.open("/reports?lang=en")
    page.select_option("select[name=method]", "knox")
    page.fill("input[name=bands_m]", "100")
    page.get_by_role("button", name="Analyse").click()
    page.wait_for_selector("#asking .refusal:not([hidden])")
    assert page.input_value("input[name=bands_m]") == "100"
    assert [wrong for wrong in watched.wrong if "422" not in wrong] == []
    watched.wrong.clear()


def test_two_reports_are_ticked_and_compared(opener: Opener, reports, analyst) -> None:
    watched = as_analyst(opener(), analyst)
    page = watched.open("/reports?lang=en")
    for id in reports:
        page.locator(f'tr[data-analysis="{id}"] input').check()
    page.get_by_role("link", name="Compare").click()
    page.wait_for_selector("table[data-table=figures]")


def test_who_may_only_read_is_offered_no_form(opener: Opener, reports) -> None:
    page = opener().open("/reports?lang=en")
    expect(page.locator("#asking")).to_be_hidden()
    expect(page.locator("#list a").first).to_be_visible()
