"""A planner's day in a real browser: from the list of plans to the ground in force, alone and with colleagues."""

import json
import re

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import NASTY
from tests.browser.plans import COMMUNITY, Planners, across, inside, pair, run_jobs, shape
from tests.conftest import Clone

pytestmark = pytest.mark.browser


def test_a_planner_makes_a_plan_from_the_empty_list(planners: Planners) -> None:
    planner = planners()
    page = planner.watched.open("/plans?lang=en")
    page.get_by_role("button", name="New plan").first.click()
    page.get_by_placeholder("Find an area by name or code").fill(COMMUNITY)
    page.get_by_role("button", name="Create").click()
    page.wait_for_url(re.compile(r"/plans/\d+"))
    planner.watched.ready()
    assert page.locator("#plan_name .chip").inner_text() == "Draft"
    page.goto(f"{planner.address}/plans?lang=en")
    page.wait_for_selector("tr[data-plan]")
    page.get_by_role("searchbox").fill("no such plan")
    expect(page.get_by_text("No plan matches")).to_be_visible()


def test_a_plan_is_copied_and_withdrawn_after_a_question(planners: Planners) -> None:
    planner = planners()
    plan = planner.plan("要撤回的")
    page = planner.watched.open("/plans?lang=en")
    row = page.locator(f"tr[data-plan='{plan}']")
    row.get_by_role("button", name="Copy").click()
    page.get_by_label("Name").fill("副本")
    page.locator("dialog footer .primary").click()
    page.wait_for_url(re.compile(r"/plans/\d+"))
    planner.watched.ready()
    assert "副本" in page.inner_text("#plan_name")
    planner.watched.open("/plans?lang=en")
    row.get_by_role("button", name="Withdraw").click()
    page.locator("dialog footer .danger").click()
    expect(row).to_have_count(0)
    page.select_option("#controls select >> nth=0", "withdrawn")
    expect(row).to_have_count(1)


def test_a_colleagues_operation_appears_while_one_looks(planners: Planners) -> None:
    planner, other = planners(), planners("second")
    plan = planner.plan()
    ground = planner.ground(plan)
    one, two = pair(ground)
    page = planner.open(plan)
    planner.grids(len(ground["grids"]))
    with page.expect_response(lambda answer: "/ground?grids=" in answer.url):
        other.operate(plan, {"kind": "merge", "grids": [one["id"], two["id"]]})
    planner.grids(len(ground["grids"]) - 1)
    expect(page.locator("[data-kind=said]")).to_contain_text("token.planner.990101")


def test_two_who_have_a_plan_open_see_each_other_until_one_leaves(planners: Planners) -> None:
    planner, other = planners(), planners("second")
    plan = planner.plan()
    page, second = planner.open(plan), other.open(plan)
    expect(page.locator("#people .chip")).to_have_text("token.planner.990101")
    expect(second.locator("#people .chip")).to_have_text("token.planner.all")
    second.goto(f"{other.address}/plans?lang=en")
    expect(page.locator("#people .chip")).to_have_count(0)


def test_a_conflict_says_who_changed_what_and_the_change_can_be_tried_again(planners: Planners) -> None:
    planner, other = planners(), planners("second")
    planner.expected += ["409", "ERR_FAILED"]
    plan = planner.plan()
    ground = planner.ground(plan)
    one, two = pair(ground)
    # Without the stream the page learns of it only when it is refused.
    planner.page.route("**/events", lambda route: route.abort())
    page = planner.open(plan, inside(one, ground["origin"]))
    planner.click(inside(one, ground["origin"]))
    planner.tool("s")
    line = across(one, ground["origin"])
    planner.click(line[0])
    page.mouse.dblclick(*planner.spot(line[1]))
    planner.pending()
    other.operate(plan, {"kind": "rename", "grid": one["id"], "name": "改过名的网格"})
    vertex = shape(two, ground["origin"]).exterior.coords[0]
    assert vertex
    other.operate(plan, {"kind": "merge", "grids": [one["id"], two["id"]], "keep": one["id"]})
    page.keyboard.press("Enter")
    planner.pending("conflict")
    assert "token.planner.990101" in page.inner_text("#pending")
    page.keyboard.press("Enter")
    page.wait_for_selector("#pending.ready, #pending.refused")
    assert len(planner.ground(plan)["grids"]) == len(ground["grids"]) - 1


def test_submitted_approved_by_another_and_in_force(planners: Planners, drawn_on: Clone) -> None:
    author, reviewer = planners(), planners("second")
    plan = author.plan("要生效的")
    ground = author.ground(plan)
    grid = max(ground["grids"], key=lambda each: each["area_m2"])
    author.operate(plan, {"kind": "split", "grid": grid["id"], "line": across(grid, ground["origin"])})
    page = author.open(plan)
    page.get_by_role("button", name="Submit").click()
    expect(page.locator("dialog .outlook dd").first).to_contain_text("2 new")
    page.locator("dialog footer .primary").click()
    expect(page.locator("#plan_name .chip")).to_have_text("In review")
    assert page.get_by_role("button", name="Approve").count() == 0
    assert page.locator("button[data-tool=split]").is_disabled()
    second = reviewer.open(plan)
    second.get_by_role("button", name="Approve").click()
    second.locator("dialog textarea").fill("同意")
    second.locator("dialog footer .primary").click()
    expect(second.locator("#plan_name .chip")).to_have_text("Approved")
    second.get_by_role("button", name="Publish").click()
    second.locator("dialog footer .primary").click()
    expect(second.locator("#plan_name .chip")).to_have_text("Publishing")
    run_jobs(drawn_on)
    expect(second.locator("#plan_name .chip")).to_contain_text("In force", timeout=20_000)
    second.get_by_role("tab", name="History").click()
    expect(second.get_by_text("Split a grid").first).to_be_visible()


def test_no_button_of_a_step_moves_while_its_figures_come(planners: Planners) -> None:
    planner = planners()
    plan = planner.plan()
    planner.operate(plan, {"kind": "merge", "grids": [each["id"] for each in pair(planner.ground(plan))]})
    page = planner.open(plan)
    held: list[Route] = []
    page.route("**/impact", lambda route: held.append(route))  # noqa: PLW0108  Playwright asks a function for its signature
    with page.expect_request("**/impact"):
        page.get_by_role("button", name="Submit").click()
    button = page.locator("dialog footer .primary")
    before = button.bounding_box()
    expect(page.locator("dialog [data-figure=moves]")).to_have_text("–")
    held[0].continue_()
    expect(page.locator("dialog [data-figure=moves]")).not_to_have_text("–")
    assert button.bounding_box() == before


def test_an_answer_that_was_overtaken_is_not_shown(planners: Planners) -> None:
    planner, other = planners(), planners("second")
    plan = planner.plan()
    page = planner.open(plan)
    held: list[Route] = []
    page.route(f"**/api/v1/plans/{plan}", lambda route: held.append(route), times=1)  # noqa: PLW0108  Playwright asks a function for its signature
    with page.expect_request(f"**/api/v1/plans/{plan}"):
        other.ask("PATCH", f"/plans/{plan}", {"name": "先改的"})
    overtaken = page.context.request.get(f"{planner.address}/api/v1/plans/{plan}")
    assert "先改的" in overtaken.text()
    other.ask("PATCH", f"/plans/{plan}", {"name": "后改的"})
    expect(page.locator("#plan_name b")).to_have_text("后改的")
    [route] = held
    with page.expect_response(f"**/api/v1/plans/{plan}"):
        route.fulfill(response=overtaken)
    page.wait_for_function("() => new Promise((done) => requestAnimationFrame(() => done(true)))")
    assert page.inner_text("#plan_name b") == "后改的"


def test_a_returned_plan_says_why(planners: Planners) -> None:
    author, reviewer = planners(), planners("second")
    plan = author.plan()
    ground = author.ground(plan)
    author.operate(plan, {"kind": "merge", "grids": [each["id"] for each in pair(ground)]})
    author.ask("POST", f"/plans/{plan}/submit", {})
    page = reviewer.open(plan)
    page.get_by_role("button", name="Return").click()
    page.locator("dialog footer .primary").click()
    expect(page.locator("dialog .refusal")).to_be_visible()
    page.locator("dialog textarea").fill(NASTY)
    page.locator("dialog footer .primary").click()
    expect(page.locator("#plan_name .chip")).to_have_text("Draft")
    expect(page.locator(".decision")).to_contain_text("Returned by token.planner.990101")
    expect(page.locator(".decision")).to_contain_text(NASTY)


def test_a_refused_publication_lists_what_stands_in_its_way_and_leads_there(planners: Planners, drawn_on: Clone) -> None:
    author, reviewer = planners(), planners("second")
    ground = author.ground(author.plan())
    grid, community = ground["grids"][0], ground["communities"][0]
    first, second = author.plan("先发布的"), author.plan("后发布的")
    for plan, name in ((first, "First Grid"), (second, "Second Grid")):
        author.operate(plan, {"kind": "rename", "grid": grid["id"], "name": name, "name_en": name})
        author.ask("POST", f"/plans/{plan}/submit", {})
        reviewer.ask("POST", f"/plans/{plan}/approve", {})
    for plan in (first, second):
        reviewer.ask("POST", f"/plans/{plan}/publish", {})
        run_jobs(drawn_on)
    page = reviewer.watched.open(f"/plans/{second}?lang=zh&theme=light")
    reviewer.settle()
    expect(page.locator(".failure")).to_contain_text("另一方案改动了同样的地方")
    page.locator(".failure button.line", has_text="Second Grid").click()
    expect(page.locator(".selection h2")).to_contain_text("Second Grid")
    with drawn_on.owner() as owner:
        told = {"id": community["id"], "name": "先名社区", "name_en": "First", "was": "旧名", "wanted": "Third", "ended": False}
        gone = {"id": -1, "name": "没了的", "name_en": "Gone", "ended": True, "place": list(inside(grid, ground["origin"]))}
        facts = {"code": "stale-version", "message": "x", "facts": {"areas": [told, gone]}}
        owner.execute("UPDATE plan SET failure = %s WHERE id = %s", (json.dumps(facts), second))
        owner.commit()
    page = reviewer.open(second)
    entries = page.locator(".failure button.line")
    expect(entries.first).to_contain_text("this plan calls it “Third”, its name today is “First”")
    entries.first.click()
    expect(page.locator(".selection h2")).to_contain_text(str(len(ground["grids"])))
    before = page.evaluate("() => location.search")
    entries.filter(has_text="Gone").click()
    page.wait_for_function("(before) => location.search !== before", arg=before)


def test_a_plan_waits_for_its_date_and_is_called_off(planners: Planners) -> None:
    author, reviewer = planners(), planners("second")
    plan = author.plan()
    author.operate(plan, {"kind": "merge", "grids": [each["id"] for each in pair(author.ground(plan))]})
    author.ask("POST", f"/plans/{plan}/submit", {})
    reviewer.ask("POST", f"/plans/{plan}/approve", {})
    page = reviewer.open(plan)
    page.get_by_role("button", name="Publish").click()
    page.locator("dialog input[type=date]").fill("2099-01-01")
    page.locator("dialog footer .primary").click()
    expect(page.locator("#plan_name .chip")).to_have_text("Publishing")
    expect(page.locator(".decision")).to_contain_text("In force from Jan 1, 2099")
    page.get_by_role("button", name="Return").click()
    page.locator("dialog textarea").fill("改期")
    page.locator("dialog footer .primary").click()
    expect(page.locator("#plan_name .chip")).to_have_text("Draft")


def test_what_people_wrote_stays_text(planners: Planners) -> None:
    planner = planners()
    plan = planner.plan(NASTY)
    ground = planner.ground(plan)
    grid = ground["grids"][0]
    planner.operate(plan, {"kind": "rename", "grid": grid["id"], "name": NASTY, "name_en": NASTY})
    planner.ask("POST", f"/plans/{plan}/comments", {"body": NASTY, "grid": grid["id"]})
    page = planner.open(plan, inside(grid, ground["origin"]), "&tab=comments")
    expect(page.locator(".words")).to_have_text(NASTY)
    planner.click(inside(grid, ground["origin"]))
    page.get_by_role("tab", name="Plan").click()
    expect(page.locator(".selection h2")).to_contain_text("<img")
    page.get_by_role("tab", name="History").click()
    expect(page.locator(".log li")).to_have_count(1)
    planner.watched.open("/plans?lang=en")
    expect(page.get_by_role("link", name=NASTY)).to_be_visible()


def test_a_comment_is_pinned_to_a_place_and_resolved(planners: Planners) -> None:
    planner = planners()
    plan = planner.plan()
    ground = planner.ground(plan)
    grid = ground["grids"][0]
    page = planner.open(plan, inside(grid, ground["origin"]))
    planner.tool("c")
    planner.click(inside(grid, ground["origin"]))
    page.get_by_role("textbox", name="Write a comment").fill("这里有一所学校")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".words")).to_have_text("这里有一所学校")
    told = planner.ask("GET", f"/plans/{plan}/comments")["items"][0]
    assert told["grid"] == grid["id"]
    assert told["place"] == pytest.approx(list(inside(grid, ground["origin"])), abs=3e-5)
    page.get_by_role("button", name="Resolve").click()
    expect(page.locator(".comments .done")).to_have_count(1)


def test_one_takes_back_ones_own_words_after_a_question_and_not_those_of_others(planners: Planners) -> None:
    author, other = planners(), planners("second")
    plan = author.plan()
    author.ask("POST", f"/plans/{plan}/comments", {"body": "写错了"})
    other.ask("POST", f"/plans/{plan}/comments", {"body": "别人的话"})
    page = author.open(plan, query="&tab=comments")
    expect(page.locator(".comments > li")).to_have_count(2)
    delete = page.locator(".comments").get_by_role("button", name="Delete")
    expect(delete).to_have_count(1)
    delete.click()
    expect(page.locator("dialog blockquote")).to_have_text("写错了")
    page.locator("dialog footer .danger").click()
    expect(page.locator(".comments .words")).to_have_text(["别人的话"])


def test_who_may_only_look_has_no_tool_that_draws(planners: Planners) -> None:
    plan = planners().plan()
    onlooker = planners("onlooker")
    page = onlooker.open(plan)
    assert page.locator("button[data-tool=split]").is_disabled()
    assert page.locator("button[data-tool=measure]").is_enabled()
    page.keyboard.press("s")
    assert "tool=split" not in page.url
    assert page.get_by_role("button", name="Submit").count() == 0


def test_a_lost_connection_is_told_and_found_again(planners: Planners) -> None:
    planner = planners()
    planner.expected += ["ERR_INTERNET_DISCONNECTED", "ERR_NETWORK", "ERR_INCOMPLETE"]
    page = planner.open(planner.plan())
    page.context.set_offline(True)
    expect(page.locator("[data-kind=lost]")).to_be_visible()
    page.context.set_offline(False)
    expect(page.locator("[data-kind=lost]")).to_have_count(0)


def test_the_address_says_what_is_shown(planners: Planners) -> None:
    planner = planners()
    page = planner.open(planner.plan())
    page.keyboard.press("b")
    page.get_by_role("tab", name="History").click()
    assert "tool=paint" in page.url
    assert "tab=history" in page.url
    page.reload()
    planner.watched.ready()
    assert page.locator("button[data-tool=paint]").get_attribute("aria-pressed") == "true"
    assert page.locator("#tab_history").get_attribute("aria-selected") == "true"


@pytest.mark.parametrize("size", [(1920, 1080), (390, 844)])
@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_planners_pages_are_clean_and_accessible(planners: Planners, language: str, theme: str, size: tuple[int, int]) -> None:
    planner = planners("first", *size)
    planner.expected.append("422")
    plan = planner.plan()
    ground = planner.ground(plan)
    planner.operate(plan, {"kind": "merge", "grids": [each["id"] for each in pair(ground)]})
    page = planner.watched.open(f"/plans/{plan}?lang={language}&theme={theme}")
    # Colours differ by theme and places by size; the words of a language are looked at once.
    thorough = size[0] > 1000 and language == "en"
    for tab in ("plan", "changes", "issues", "comments", "history", "impact") if thorough else ("impact",):
        page.click(f"#tab_{tab}")
        page.wait_for_selector(f"[aria-labelledby=tab_{tab}]:not(:has(.skeleton))")
        assert planner.watched.axe() == [], tab
    page.locator(".beside button").click()
    page.wait_for_selector("#swipe")
    planner.tool("m")
    page.keyboard.press("p")
    page.wait_for_selector("dialog[open]")
    assert planner.watched.axe() == []
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]")
    assert planner.watched.axe() == []
    page.keyboard.press("Escape")
    page.locator("#ground_under_edit").focus()
    page.keyboard.press("n")
    page.keyboard.press("Shift+n")
    page.click("button[data-tool=balance]")
    page.wait_for_selector("#pending.ready, #pending.refused")
    assert planner.watched.axe() == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    planner.watched.open(f"/plans?lang={language}&theme={theme}")
    assert planner.watched.axe() == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
