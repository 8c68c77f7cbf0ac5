"""What a planner weighs before saying yes, in a real browser: proposals, comparison, locks, issues, snapshots."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.plans import Planner, Planners, across, inside, pair, run_jobs
from tests.conftest import Clone

pytestmark = pytest.mark.browser


def grid_of(planner: Planner, plan: int, id: int) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in planner.ground(plan)["grids"] if each["id"] == id)
    return found


def test_proposals_are_looked_at_on_the_map_one_after_the_other_before_one_is_taken(planners: Planners, drawn_on: Clone) -> None:
    planner = planners()
    plan = planner.plan()
    page = planner.open(plan)
    page.keyboard.press("p")
    page.locator("dialog [name=alternatives]").fill("6")
    page.locator("dialog [name=keep]").fill("0")  # like alternatives are told once: where today's is best, all are alike
    with page.expect_response(lambda answer: answer.url.endswith("/proposals") and answer.ok):
        page.locator("dialog footer .primary").click()
    run_jobs(drawn_on)
    options = page.locator("dialog .alternatives > li")
    expect(options.nth(1)).to_be_visible(timeout=20_000)
    assert options.first.locator("svg path").count() >= 2
    options.first.locator(".primary").click()
    planner.pending()
    expect(page.locator("#pending .sum")).to_contain_text("Grids in the band")
    assert planner.ask("GET", f"/plans/{plan}")["revision"] == 0
    page.locator("#pending .segments button").nth(1).click()
    planner.pending()
    assert page.locator("#pending .segments button").nth(1).get_attribute("aria-pressed") == "true"
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    options.nth(1).locator(".primary").click()
    planner.pending()
    planner.accept(plan)
    lived = [each["households"] for each in planner.ground(plan)["grids"] if each["kind"] == "basic"]
    low, high = (planner.ask("GET", f"/plans/{plan}")[each] for each in ("household_min", "household_max"))
    assert all(low <= each <= high for each in lived)


def test_a_grid_for_one_place_alone_is_left_as_it_is_unless_the_planner_says_otherwise(planners: Planners) -> None:
    planner = planners()
    plan = planner.plan()
    told = planner.ground(plan)
    one = told["grids"][0]
    # The small district may have no such grid here: the page is told of one.
    planner.page.route("**/ground", lambda route: route.fulfill(json={**told, "grids": [{**one, "kind": "dedicated"}, *told["grids"][1:]]}))
    page = planner.open(plan)
    page.keyboard.press("p")
    with page.expect_request(lambda asked: asked.url.endswith("/proposals") and asked.method == "POST") as first:
        page.locator("dialog footer .primary").click()
    assert first.value.post_data_json["spare_dedicated"] is True


def test_today_and_the_draft_lie_side_by_side_under_a_handle_for_keys_and_mouse(planners: Planners) -> None:
    planner = planners()
    plan = planner.plan()
    planner.operate(plan, {"kind": "merge", "grids": [each["id"] for each in pair(planner.ground(plan))]})
    page = planner.open(plan, query="&tab=impact")
    page.get_by_role("button", name="Swipe").click()
    expect(page.locator("#swipe .side")).to_have_text(["Today's grids", "This plan"])
    handle = page.get_by_role("slider")
    handle.focus()
    before = page.locator("#swipe i").bounding_box()
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    after = page.locator("#swipe i").bounding_box()
    assert before and after and after["x"] > before["x"] + 50
    page.get_by_role("button", name="End comparison").click()
    expect(page.locator("#swipe")).to_have_count(0)


def test_two_drafts_are_compared_by_figures_and_on_the_map(planners: Planners) -> None:
    planner = planners()
    mine, other = planner.plan("甲案"), planner.plan("乙案")
    planner.operate(mine, {"kind": "merge", "grids": [each["id"] for each in pair(planner.ground(mine))]})
    page = planner.open(mine, query="&tab=impact")
    page.select_option("[data-focus=against]", str(other))
    expect(page.locator("#swipe .side").first).to_have_text("乙案")
    expect(page.locator(".figures caption").first).to_have_text("Only the grids the plan touches")
    expect(page.locator(".figures tbody tr").first.locator("td")).to_have_text(["2", "1"])


def test_a_locked_grid_is_named_and_can_be_unlocked_on_the_spot(planners: Planners) -> None:
    planner = planners()
    planner.expected.append("422")
    plan = planner.plan()
    ground = planner.ground(plan)
    one, two = pair(ground)
    planner.ask("PUT", f"/plans/{plan}/locks/{one['id']}")
    page = planner.open(plan, inside(one, ground["origin"]))
    planner.tool("m")
    for each in (one, two):
        planner.click(inside(each, ground["origin"]))
    planner.pending("refused")
    named = page.locator("#pending .sub")
    expect(named).not_to_be_empty()
    assert one["name_en"].endswith(named.inner_text())
    page.get_by_role("button", name="Unlock and try again").click()
    planner.pending()
    planner.accept(plan)
    assert not grid_of(planner, plan, one["id"])["locked"]


def test_a_selected_grid_is_locked_and_balanced_by_keys_alone(planners: Planners) -> None:
    planner = planners()
    planner.expected.append("422")
    plan = planner.plan()
    page = planner.open(plan)
    page.locator("#ground_under_edit").focus()
    page.keyboard.press("n")
    chosen = page.locator(".selection")
    expect(chosen).to_be_visible()
    page.keyboard.press("q")
    page.wait_for_selector("#pending.ready, #pending.refused")
    page.keyboard.press("Escape")
    page.keyboard.press("l")
    page.keyboard.press("Enter")
    expect(chosen.locator(".chip").last).to_have_text("Locked")


def test_the_card_of_a_changed_grid_counts_its_incidents(planners: Planners) -> None:
    planner = planners()
    plan = planner.plan()
    merged = planner.operate(plan, {"kind": "merge", "grids": [each["id"] for each in pair(planner.ground(plan))]})
    (changed,) = [each for each in merged["changed"] if each["id"] not in merged["noded"]]
    page = planner.open(plan, inside(changed, merged["origin"]))
    planner.click(inside(changed, merged["origin"]))
    for fact in ("Open", "365 days"):
        expect(page.locator(".selection .facts div", has_text=fact).locator("dd")).to_have_text(re.compile("^[0-9,]+$"))


def test_an_issue_leads_to_its_place(planners: Planners) -> None:
    planner = planners()
    plan = planner.plan()
    ground = planner.ground(plan)
    grid = max(ground["grids"], key=lambda each: each["area_m2"])
    planner.operate(plan, {"kind": "split", "grid": grid["id"], "line": across(grid, ground["origin"])})
    assert planner.ask("GET", f"/plans/{plan}/checks")["items"]
    page = planner.open(plan, query="&tab=issues")
    before = page.evaluate("() => new URLSearchParams(location.search).get('at')")
    page.locator(".issue .line").first.click()
    page.wait_for_function("before => new URLSearchParams(location.search).get('at') !== before", arg=before)
    expect(page.locator("#tab_issues")).to_have_attribute("aria-selected", "true")


def test_a_snapshot_is_named_and_brought_back_from_the_panel_with_enter(planners: Planners) -> None:
    planner = planners()
    plan = planner.plan()
    first = planner.ground(plan)
    page = planner.open(plan, query="&tab=history")
    page.get_by_role("button", name="Save this state").click()
    page.locator("dialog input").fill("起点")
    page.locator("dialog footer .primary").click()
    expect(page.locator(".snapshots li")).to_have_count(1)
    planner.operate(plan, {"kind": "merge", "grids": [each["id"] for each in pair(first)]})
    planner.page.reload()
    planner.watched.ready()
    page.get_by_role("button", name="Restore").click()
    planner.pending()
    planner.accept(plan)
    assert len(planner.ground(plan)["grids"]) == len(first["grids"])


def test_the_page_of_a_plan_in_force_still_shows_what_it_changed(planners: Planners, drawn_on: Clone) -> None:
    author, reviewer = planners(), planners("second")
    plan = author.plan()
    one, two = pair(author.ground(plan))
    author.operate(plan, {"kind": "merge", "grids": [one["id"], two["id"]]})
    was = author.ask("GET", f"/plans/{plan}/before")["grids"]
    assert {each["id"] for each in was} >= {one["id"], two["id"]}
    for step, who in (("submit", author), ("approve", reviewer), ("publish", reviewer)):
        who.ask("POST", f"/plans/{plan}/{step}", {})
    run_jobs(drawn_on)
    page = author.open(plan, query="&tab=changes")
    expect(page.locator("#plan_name .chip")).to_contain_text("In force")
    expect(page.locator(".figures")).to_contain_text("Ends")
    expect(page.locator(".figures")).to_contain_text("Households from")
    kept = {each["id"]: each["households"] for each in author.ask("GET", f"/plans/{plan}/before")["grids"]}
    assert kept == {each["id"]: each["households"] for each in was}
    page.get_by_role("button", name="Reverse").click()
    page.locator("dialog footer .primary").click()
    page.wait_for_url(lambda address: f"/plans/{plan}" not in address)
    author.watched.ready()
    expect(page.locator("#plan_name .chip")).to_have_text("Draft")
    assert len(author.ground(int(page.url.split("/plans/")[1].split("?")[0]))["grids"]) >= 2


def test_a_grids_card_opens_its_history_with_what_it_came_from(planners: Planners, drawn_on: Clone) -> None:
    author, reviewer = planners(), planners("second")
    plan = author.plan("有沿革的")
    ground = author.ground(plan)
    grid = max(ground["grids"], key=lambda each: each["area_m2"])
    new = author.operate(plan, {"kind": "split", "grid": grid["id"], "line": across(grid, ground["origin"])})
    half = max((each for each in new["changed"] if each["base_version"] is None), key=lambda each: each["area_m2"])
    author.ask("POST", f"/plans/{plan}/submit", {})
    reviewer.ask("POST", f"/plans/{plan}/approve", {})
    reviewer.ask("POST", f"/plans/{plan}/publish", {})
    run_jobs(drawn_on)
    at = inside(half, new["origin"])
    page = author.open(author.plan("看沿革"), at)
    author.click(at)
    page.locator(".selection").get_by_role("button", name="History").click()
    expect(page.locator("dialog tbody tr")).to_have_count(1)
    expect(page.locator("dialog .lineage")).to_contain_text(f"{grid['code']} →")
