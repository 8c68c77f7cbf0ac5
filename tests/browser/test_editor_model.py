"""The editor's own geometry, asked in a browser: vertices exist once, borders are arcs, a drag that crosses is seen."""

from typing import Any

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

ORIGIN = [15_166_611_456, 3_783_262_208]
# Four squares of 1,000 steps around a common corner, as the wire tells them: first a place, then steps.
SQUARES = """
const square = (id, x, y) => ({ id, community_id: 1, polygons: [[[x, y, 1000, 0, 0, 1000, -1000, 0]]] });
const { Ground } = await import("/static/js/editor/ground.js");
const ground = new Ground({ origin: ORIGIN, grids: [square(1, 0, 0), square(2, 1000, 0), square(3, 0, 1000), square(4, 1000, 1000)] });
""".replace("ORIGIN", str(ORIGIN))


def ask(page: Page, script: str) -> Any:
    return page.evaluate(f"async () => {{ {script} }}")


def test_a_vertex_of_four_grids_exists_once_and_knows_them_all(modules: Page) -> None:
    found = ask(
        modules, SQUARES + "return [ground.vertices.size, ground.usersOf(ground.vertices.find(1000, 1000)).map((face) => face.id)];"
    )
    assert found == [9, [1, 2, 3, 4]]


def test_borders_are_arcs_from_node_to_node_each_with_its_two_sides(modules: Page) -> None:
    arcs = ask(modules, SQUARES + "return ground.arcs().map(({ ids, one, other }) => [ids.length, one.id, other?.id ?? null]);")
    inner = sorted(sorted(arc[1:]) for arc in arcs if arc[2] is not None)
    assert inner == [[1, 2], [1, 3], [2, 4], [3, 4]]
    # The four outer ones go round a corner that is no node.
    assert sorted(arc[0] for arc in arcs if arc[2] is None) == [3, 3, 3, 3]


def test_a_ring_without_a_node_is_one_closed_arc(modules: Page) -> None:
    script = """
    const { Ground } = await import("/static/js/editor/ground.js");
    const hole = [300, 300, 400, 0, 0, 400, -400, 0];
    const island = new Ground({ origin: [0, 0], grids: [
      { id: 1, polygons: [[[0, 0, 1000, 0, 0, 1000, -1000, 0], hole]] }, { id: 2, polygons: [[hole]] }] });
    return island.arcs().map(({ ids, one, other }) => [ids.length, ids[0] === ids.at(-1), one.id, other?.id ?? null]);
    """
    assert sorted(ask(modules, script), key=str) == sorted([[5, True, 1, 2], [5, True, 1, None]], key=str)


def test_a_place_is_in_the_grid_that_holds_it_and_not_in_its_hole(modules: Page) -> None:
    script = """
    const { mercator } = await import("/static/js/editor/lattice.js");
    const at = (x, y) => ground.at(mercator(ground.vertices.degreesOf(x, y)))?.id ?? null;
    return [at(500, 500), at(1500, 500), at(500, 1500), at(1500, 1500), at(2500, 500)];
    """
    assert ask(modules, SQUARES + script) == [1, 2, 3, 4, None]


def test_a_vertex_may_move_until_a_border_would_cross_another(modules: Page) -> None:
    script = """
    const { lift, allowed, moved } = await import("/static/js/editor/preview.js");
    const { mercator } = await import("/static/js/editor/lattice.js");
    const centre = ground.vertices.find(1000, 1000);
    const lifted = lift(ground, centre);
    const to = (x, y) => mercator(ground.vertices.degreesOf(x, y));
    const may = [[1100, 900], [1900, 1900], [2100, 1000], [1000, -50], [-400, -400], [1000, 0]].map(([x, y]) => allowed(ground, lifted, to(x, y)));
    return [lifted.faces.length, lifted.neighbours.length, may, moved(ground, lifted.faces[0], centre, to(1100, 900)).flat().length];
    """
    assert ask(modules, SQUARES + script) == [4, 4, [True, True, False, False, False, False], 4]


def test_vertices_are_found_again_by_their_numbers_however_many_there_are(modules: Page) -> None:
    script = """
    const { Vertices } = await import("/static/js/editor/lattice.js");
    const kept = new Vertices(ORIGIN, 16);
    const places = Array.from({ length: 50_000 }, (_, i) => [(i * 7919) % 1_000_003, -((i * 104_729) % 999_983)]);
    const ids = places.map(([x, y]) => kept.at(x, y));
    const again = places.every(([x, y], i) => kept.find(x, y) === ids[i]);
    return [kept.size, again, kept.find(5, 5)];
    """.replace("ORIGIN", str(ORIGIN))
    assert ask(modules, script) == [50_000, True, -1]


def test_degrees_of_a_vertex_are_exact(modules: Page) -> None:
    script = """
    const { Vertices } = await import("/static/js/editor/lattice.js");
    const kept = new Vertices(ORIGIN, 16);
    return Array.from({ length: 200 }, (_, i) => [i * 17 - 900, i * 31]).every(([x, y]) => {
      const [lon, lat] = kept.degrees(kept.at(x, y));
      const [backX, backY] = kept.nearest([lon, lat]);
      return backX === x && backY === y && lon * 2 ** 27 === kept.origin[0] + x && lat * 2 ** 27 === kept.origin[1] + y;
    });
    """.replace("ORIGIN", str(ORIGIN))
    assert ask(modules, script) is True


def test_patches_with_an_origin_of_their_own_land_on_the_same_vertices(modules: Page) -> None:
    script = """
    const [x, y] = ground.vertices.origin;
    ground.put([{ id: 4, community_id: 1, polygons: [[[500, 500, 1000, 0, 0, 1000, -1000, 0]]] }], [x + 500, y + 500]);
    return [ground.vertices.size, ground.usersOf(ground.vertices.find(1000, 1000)).length, ground.grids.size];
    """
    assert ask(modules, SQUARES + script) == [9, 4, 4]


def test_a_trembling_line_loses_only_points_that_say_nothing(modules: Page) -> None:
    script = """
    const { plainer } = await import("/static/js/editor/shapes.js");
    const straight = Array.from({ length: 50 }, (_, i) => [i, i % 2 ? 0.1 : 0]);
    return [plainer(straight, 0.5).length, plainer([[0, 0], [5, 0], [5, 5], [10, 5]], 0.5).length, plainer([[0, 0]], 1).length];
    """
    assert ask(modules, script) == [2, 4, 1]


def test_the_name_of_a_grid_stands_inside_it_even_where_the_grid_is_bent(modules: Page) -> None:
    script = """
    const { inside, roomiest } = await import("/static/js/editor/shapes.js");
    const bent = [[0, 0], [10, 0], [10, 1], [1, 1], [1, 9], [10, 9], [10, 10], [0, 10]];
    return inside(bent, roomiest([bent]));
    """
    assert ask(modules, script) is True


def test_borders_that_come_and_go_are_told_by_where_they_lie_and_today_stays_to_be_seen(modules: Page) -> None:
    script = """
    const { Before } = await import("/static/js/editor/before.js");
    for (const { facts } of ground.grids.values()) Object.assign(facts, { base_version: 1, changed: false });
    const before = new Before({ ground, plan: { revision: 0 }, communities: new Map() });
    const asked = before.differences();
    await before.load();
    before.keep([1, 2]);
    ground.drop([2]);
    ground.put([{ id: 1, community_id: 1, base_version: 1, changed: true, polygons: [[[0, 0, 2000, 0, 0, 1000, -1000, 0, -1000, 0]]] }]);
    const places = (lines) => lines.map((ids) => [...ids].map((id) => [ground.vertices.xs[id], ground.vertices.ys[id]]));
    const { fresh, gone } = before.differences();
    return [asked.fresh.length, places(fresh), places(gone).map((line) => line.sort()), [...before.ground().grids.keys()].sort(), ground.grids.size];
    """
    asked, fresh, gone, today, standing = ask(modules, SQUARES + script)
    assert (asked, fresh, today, standing) == (0, [], [1, 2, 3, 4], 3)
    assert [[1000, 0], [1000, 1000]] in gone
