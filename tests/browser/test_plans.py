"""A planner's day in a real browser: draw, take back, meet a colleague, hand in, and see it in force."""

import asyncio
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shapely
from playwright.sync_api import Browser, expect
from shapely.geometry import LineString, Polygon

from api import tokens, worker
from api.cluster import Cluster
from data.demo.load import load_demo
from data.sealing import keyring
from tests.browser.conftest import NASTY, Watched, _watch
from tests.browser.plans import Place, Planner, Planners, rings
from tests.conftest import Clone, _clone, serve

pytestmark = pytest.mark.browser
DISTRICT = "990101"
COMMUNITY = "990101001001"


@pytest.fixture(scope="module")
def drawn_on(cluster: Cluster, migrated: str, data_dir: Path) -> Iterator[Clone]:
    """A small demo district that may be redrawn."""
    with _clone(cluster, migrated, "redrawn") as clone:
        load_demo(clone.schema_url, clone.app_url, "small", keys=keyring(data_dir))
        yield clone


@pytest.fixture(scope="module")
def server(drawn_on: Clone, data_dir: Path) -> Iterator[str]:
    """A real server on it."""
    with serve(drawn_on, data_dir) as address:
        yield address


@pytest.fixture(scope="module")
def people(drawn_on: Clone) -> dict[str, str]:
    """Tokens of two planners of the whole district and of somebody who may only look."""
    return {
        "first": tokens.bearer_token(drawn_on.schema_url, "planner", None),
        "second": tokens.bearer_token(drawn_on.schema_url, "planner", DISTRICT),
        "onlooker": tokens.bearer_token(drawn_on.schema_url, "analyst", None),
    }


@pytest.fixture
def planners(browser: Browser, server: str, people: dict[str, str]) -> Iterator[Planners]:
    """`planners("second")` gives a planner at a page of their own; at the end nothing may have gone wrong on any."""
    opened: list[Planner] = []

    def make(who: str = "first", width: int = 1920, height: int = 1080, **options: Any) -> Planner:
        context = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN", **options)
        context.add_cookies([{"name": "wangge", "value": people[who], "url": server}])
        watched = Watched(context.new_page(), server)
        _watch(watched)
        headers = {"Authorization": f"Bearer {people[who]}"}
        planner = Planner(watched, browser.new_context(extra_http_headers=headers).request, server, COMMUNITY)
        opened.append(planner)
        return planner

    yield make
    for each in opened:
        each.page.context.close()
    # A refused dry run is an answer, and Chromium writes each one on the console.
    wrong = [said for each in opened for said in each.watched.wrong if not any(code in said for code in each.expected)]
    assert wrong == []


def shape(grid: dict[str, Any], origin: list[int]) -> Polygon:
    return Polygon(max(rings(grid["polygons"], origin), key=len))


def inside(grid: dict[str, Any], origin: list[int]) -> Place:
    point = shapely.maximum_inscribed_circle(shape(grid, origin)).coords[0]
    return float(point[0]), float(point[1])


def across(grid: dict[str, Any], origin: list[int]) -> list[Place]:
    """Two places on either side of a grid, and the line between them runs through its middle."""
    ground = shape(grid, origin)
    x, y = inside(grid, origin)
    west, _, east, _ = ground.bounds
    through = LineString([(west - 0.0002, y), (east + 0.0002, y)]).intersection(ground)
    run = next(each for each in getattr(through, "geoms", [through]) if each.bounds[0] <= x <= each.bounds[2])
    return [(run.bounds[0] - 0.0001, y), (run.bounds[2] + 0.0001, y)]


def pair(ground: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two grids with the longest border in common."""
    grids = ground["grids"]
    shapes = [shape(each, ground["origin"]) for each in grids]
    best = max(
        ((a, b) for a in range(len(grids)) for b in range(a)),
        key=lambda each: shapely.intersection(shapes[each[0]].exterior, shapes[each[1]].exterior).length,
    )
    return grids[best[0]], grids[best[1]]


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


def test_a_split_is_previewed_accepted_undone_and_redone_over_reloads(planners: Planners) -> None:
    planner = planners()
    plan = planner.plan()
    ground = planner.ground(plan)
    n, grid = len(ground["grids"]), max(ground["grids"], key=lambda each: each["area_m2"])
    page = planner.open(plan, inside(grid, ground["origin"]))
    planner.tool("s")
    one, other = across(grid, ground["origin"])
    planner.click(one)
    planner.page.mouse.dblclick(*planner.spot(other))
    planner.pending()
    assert page.locator("#pending li .number").count() == 3
    assert planner.ask("GET", f"/plans/{plan}")["revision"] == 0
    planner.accept(plan)
    planner.grids(n + 1)
    page.reload()
    planner.watched.ready()
    planner.grids(n + 1)
    page.keyboard.press("Control+z")
    planner.grids(n)
    page.reload()
    planner.watched.ready()
    planner.grids(n)
    assert planner.ground(plan)["grids"] == [
        {**each, "version": mine["version"]} for each, mine in zip(ground["grids"], planner.ground(plan)["grids"], strict=True)
    ]
    page.keyboard.press("Control+Shift+z")
    planner.grids(n + 1)


def test_escape_takes_back_what_is_pending_and_nothing_has_happened(planners: Planners) -> None:
    planner = planners()
    plan = planner.plan()
    ground = planner.ground(plan)
    one, other = pair(ground)
    page = planner.open(plan, inside(one, ground["origin"]))
    planner.tool("m")
    for each in (one, other):
        planner.click(inside(each, ground["origin"]))
    planner.pending()
    page.keyboard.press("Escape")
    page.wait_for_selector("#pending", state="hidden")
    assert planner.ask("GET", f"/plans/{plan}")["revision"] == 0


def test_two_neighbours_are_merged(planners: Planners) -> None:
    planner = planners()
    plan = planner.plan()
    ground = planner.ground(plan)
    one, other = pair(ground)
    planner.open(plan, inside(one, ground["origin"]))
    planner.tool("m")
    for each in (one, other):
        planner.click(inside(each, ground["origin"]))
    planner.pending()
    planner.accept(plan)
    left = planner.ground(plan)["grids"]
    assert len(left) == len(ground["grids"]) - 1
    assert next(each["households"] for each in left if each["id"] == one["id"]) == one["households"] + other["households"]


def test_a_stroke_over_a_building_gives_its_ground_to_the_grid_it_began_in(planners: Planners) -> None:
    planner = planners()
    plan = planner.plan()
    ground = planner.ground(plan)
    to, atom = paintable(planner, plan, ground)
    begun = inside(to, ground["origin"])
    page = planner.open(plan, begun)
    with page.expect_response(lambda answer: "/atoms" in answer.url):
        planner.tool("b")
    page.mouse.move(*planner.spot(begun))
    page.mouse.down()
    page.mouse.move(*planner.spot(begun))
    page.mouse.move(*planner.spot(atom["at"]))
    page.mouse.up()
    planner.pending()
    planner.accept(plan)
    after = {each["id"]: each["households"] for each in planner.ground(plan)["grids"]}
    assert after[to["id"]] >= to["households"] + atom["households"]
    assert sum(after.values()) == sum(each["households"] for each in ground["grids"])


def paintable(planner: Planner, plan: int, ground: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A grid, and an atom beside it that it may take."""
    told = planner.ask("GET", f"/plans/{plan}/atoms?community={COMMUNITY}")
    shapes = {each["id"]: shape(each, ground["origin"]) for each in ground["grids"]}
    for atom in told["atoms"]:
        ring = Polygon(max(rings(atom["polygons"], told["origin"]), key=len))
        at = inside(atom, told["origin"])
        holder = next((id for id, each in shapes.items() if each.contains(shapely.Point(at))), None)
        for grid in ground["grids"]:
            if grid["id"] == holder or atom["households"] == 0 or shapely.intersection(shapes[grid["id"]].exterior, ring).length < 1e-4:
                continue
            base = {str(each["id"]): each["version"] for each in ground["grids"]}
            body = {
                "client_id": "6f9b1b1e-1a3c-4c64-9a63-1f6f3b1f0c11",
                "base": base,
                "operation": {"kind": "give", "to": grid["id"], "atoms": [atom["id"]]},
            }
            # The stroke is a straight one: it may pass over these two grids alone.
            stroke = LineString([inside(grid, ground["origin"]), at])
            clean = stroke.difference(shapes[grid["id"]]).difference(ring).length < 1e-9
            if clean and planner.api.post(f"{planner.address}/api/v1/plans/{plan}/operations?dry_run=true", data=body).ok:
                return grid, {**atom, "at": at}
    raise AssertionError("no atom can be painted")


def movable(ground: dict[str, Any]) -> tuple[dict[str, Any], Place]:
    """A grid and a vertex of it that another grid of the plan has too, far from all others."""
    rims = {each["id"]: rings(each["polygons"], ground["origin"])[0] for each in ground["grids"]}
    for grid in ground["grids"]:
        others = {place for id, rim in rims.items() if id != grid["id"] for place in rim}
        rim = rims[grid["id"]]
        for i, place in enumerate(rim):
            near = min(shapely.Point(place).distance(shapely.Point(rim[j])) for j in (i - 1, (i + 1) % len(rim)))
            inner = sum(place in rims[id] for id in rims) == 2
            if place in others and near > 0.0002 and inner:
                return grid, place
    raise AssertionError("no vertex can be moved")


def test_a_vertex_is_dragged_with_both_its_grids_and_each_step_is_quick(planners: Planners) -> None:
    planner = planners()
    plan = planner.plan()
    ground = planner.ground(plan)
    grid, vertex = movable(ground)
    page = planner.open(plan, vertex)
    planner.click(inside(grid, ground["origin"]))
    planner.tool("e")
    x, y = planner.spot(vertex)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 4, y + 3, steps=8)
    page.mouse.up()
    planner.pending()
    planner.accept(plan)
    changed = [each for each in planner.ground(plan)["grids"] if each["changed"]]
    assert len(changed) == 2
    assert sum(each["area_m2"] for each in planner.ground(plan)["grids"]) == pytest.approx(
        sum(each["area_m2"] for each in ground["grids"]), abs=2
    )
    assert float(page.evaluate("document.body.dataset.longest")) < 16


def test_a_vertex_moves_by_keys_alone(planners: Planners) -> None:
    planner = planners()
    plan = planner.plan()
    ground = planner.ground(plan)
    grid, vertex = movable(ground)
    page = planner.open(plan, vertex)
    planner.click(inside(grid, ground["origin"]))
    planner.tool("e")
    page.locator("#ground_under_edit").focus()
    rim = rings(grid["polygons"], ground["origin"])[0]
    for _ in range(rim.index(vertex) + 1):
        page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    planner.pending()
    planner.accept(plan)
    assert planner.ask("GET", f"/plans/{plan}/operations")["items"][0]["kind"] == "move_vertex"


def test_a_line_is_drawn_with_the_keyboard_alone(planners: Planners) -> None:
    planner = planners()
    plan = planner.plan()
    ground = planner.ground(plan)
    grid = max(ground["grids"], key=lambda each: each["area_m2"])
    one, other = across(grid, ground["origin"])
    page = planner.open(plan, one)
    page.locator("#ground_under_edit").focus()
    page.keyboard.press("s")
    page.keyboard.press("Space")
    for _ in range(40):
        if (
            planner.spot(other)[0] < planner.spot(one)[0]
            or page.evaluate("() => Number(new URLSearchParams(location.search).get('at').split(',')[0])") > other[0]
        ):
            break
        with page.expect_event("framenavigated"):
            page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    planner.pending()
    planner.accept(plan)
    assert len(planner.ground(plan)["grids"]) == len(ground["grids"]) + 1


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


def test_what_cannot_be_done_is_refused_in_words_and_leads_to_the_place(planners: Planners) -> None:
    planner = planners()
    planner.expected.append("422")
    plan = planner.plan()
    ground = planner.ground(plan)
    grid = ground["grids"][0]
    middle = inside(grid, ground["origin"])
    page = planner.open(plan, middle)
    planner.tool("s")
    planner.click(middle)
    x, y = planner.spot(middle)
    page.mouse.dblclick(x + 12, y)
    planner.pending("refused")
    assert "The line does not cut" in page.inner_text("#pending") or page.inner_text("#pending .why")
    page.keyboard.press("Escape")
    page.wait_for_selector("#pending", state="hidden")


def test_submitted_approved_by_another_and_in_force(planners: Planners, drawn_on: Clone) -> None:
    author, reviewer = planners(), planners("second")
    plan = author.plan("要生效的")
    ground = author.ground(plan)
    grid = max(ground["grids"], key=lambda each: each["area_m2"])
    author.operate(plan, {"kind": "split", "grid": grid["id"], "line": across(grid, ground["origin"])})
    page = author.open(plan)
    page.get_by_role("button", name="Submit").click()
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


def run_jobs(clone: Clone) -> None:
    """Let the worker do what waits, in a thread: the browser's driver has a loop of its own in this one."""
    thread = threading.Thread(target=lambda: asyncio.run(worker.work(clone.schema_url, wait=False)))
    thread.start()
    thread.join(timeout=60)
    assert not thread.is_alive()


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
    page.locator("dialog textarea").fill("第 3 网格过大")
    page.locator("dialog footer .primary").click()
    expect(page.locator("#plan_name .chip")).to_have_text("Draft")
    expect(page.get_by_text("第 3 网格过大")).to_be_visible()


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
    plan = planner.plan()
    ground = planner.ground(plan)
    planner.operate(plan, {"kind": "merge", "grids": [each["id"] for each in pair(ground)]})
    page = planner.watched.open(f"/plans/{plan}?lang={language}&theme={theme}")
    for tab in ("plan", "changes", "comments", "history", "impact"):
        page.click(f"#tab_{tab}")
        page.wait_for_selector(f"[aria-labelledby=tab_{tab}]:not(:has(.skeleton))")
        assert planner.watched.axe() == [], tab
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]")
    assert planner.watched.axe() == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    planner.watched.open(f"/plans?lang={language}&theme={theme}")
    assert planner.watched.axe() == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
