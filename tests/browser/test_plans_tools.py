"""The tools of the boundary editor in a real browser: by mouse, by keys alone, by touch; what they refuse and why."""

import math
from typing import Any

import pytest
import shapely

from tests.browser.plans import Place, Planner, Planners, across, inside, movable, paintable, pair, rings, shape

pytestmark = pytest.mark.browser


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


def test_a_vertex_is_dragged_with_both_its_grids(planners: Planners) -> None:
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


@pytest.mark.parametrize("brush", ["box", "lasso"])
def test_a_rectangle_and_a_lasso_give_the_buildings_they_hold(planners: Planners, brush: str) -> None:
    planner = planners()
    plan = planner.plan()
    ground = planner.ground(plan)
    to, atom = paintable(planner, plan, ground)
    page = planner.open(plan, inside(to, ground["origin"]))
    planner.click(inside(to, ground["origin"]))
    with page.expect_response(lambda answer: "/atoms" in answer.url):
        planner.tool("b")
    names = {"box": "Rectangle", "lasso": "Lasso, whole buildings"}
    page.get_by_role("button", name=names[brush]).click()
    told = planner.ask("GET", f"/plans/{plan}/atoms?community={planner.community}")
    shown = next(each for each in told["atoms"] if each["id"] == atom["id"])
    west, south, east, north = shape(shown, told["origin"]).bounds
    corners = [planner.spot(each) for each in ((west, north), (east, north), (east, south), (west, south))]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for each in [corners[2]] if brush == "box" else corners[1:]:
        page.mouse.move(*each)
    page.mouse.up()
    planner.pending()
    planner.accept(plan)
    given = planner.ask("GET", f"/plans/{plan}/operations")["items"][0]
    assert given["kind"] == "give"
    assert (
        next(each["households"] for each in planner.ground(plan)["grids"] if each["id"] == to["id"])
        >= to["households"] + atom["households"]
    )


def test_a_stroke_that_is_given_up_leaves_no_figure_behind(planners: Planners) -> None:
    planner = planners()
    plan = planner.plan()
    ground = planner.ground(plan)
    to, atom = paintable(planner, plan, ground)
    begun = inside(to, ground["origin"])
    grids = [shape(each, ground["origin"]) for each in ground["grids"]]
    south = min(each.bounds[1] for each in grids if shapely.Point(begun).within(each) or shapely.Point(atom["at"]).within(each))
    # Both grids above the middle: the map moves where the bar of the pending change would hide them.
    page = planner.open(plan, (begun[0], south))
    pixels = "() => document.querySelector('.leaflet-fill-pane canvas').toDataURL()"
    with page.expect_response(lambda answer: "/atoms" in answer.url):
        planner.tool("b")
    before = page.evaluate(pixels)
    page.mouse.move(*planner.spot(begun))
    page.mouse.down()
    page.mouse.move(*planner.spot(atom["at"]))
    page.mouse.up()
    planner.pending()
    page.keyboard.press("Escape")
    page.wait_for_selector("#pending", state="hidden")
    assert page.evaluate(pixels) == before


def test_a_finger_selects_more_by_a_long_press_and_grabs_a_vertex_beside_it(planners: Planners) -> None:
    planner = planners("first", 390, 844, has_touch=True, is_mobile=True)
    plan = planner.plan()
    ground = planner.ground(plan)
    grid, vertex = movable(ground)
    other = next(each for each in ground["grids"] if each["id"] != grid["id"] and vertex in rings(each["polygons"], ground["origin"])[0])
    page = planner.open(plan, vertex)
    hand = page.context.new_cdp_session(page)

    def touch(kind: str, *at: tuple[float, float]) -> None:
        hand.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in at]})

    planner.page.touchscreen.tap(*near(planner, grid, vertex, ground["origin"]))
    touch("touchStart", near(planner, other, vertex, ground["origin"]))
    page.wait_for_function("() => document.querySelector('.selection h2')?.textContent.includes('2')")
    touch("touchEnd")
    page.locator("button[data-tool=vertices]").tap()
    x, y = planner.spot(vertex)
    touch("touchStart", (x + 7, y + 7))
    for step in range(1, 6):
        touch("touchMove", (x + 7 + step, y + 7 + step))
    touch("touchEnd")
    planner.pending()
    assert page.locator("#pending h2").inner_text() == "Move a vertex"


def near(planner: Planner, grid: dict[str, Any], vertex: Place, origin: list[int]) -> Place:
    """A place of the window inside a grid, not far from one of its vertices."""
    x, y = planner.spot(vertex)
    to_x, to_y = planner.spot(inside(grid, origin))
    far = math.hypot(to_x - x, to_y - y)
    share = min(1.0, 60 / far)
    return x + (to_x - x) * share, y + (to_y - y) * share
