"""Whatever is drawn: an exact result or a refusal with a reason and a place, never an exception and never a changed ground."""

import contextlib
import math

import numpy as np
import pytest
import shapely
from shapely.geometry import LineString, MultiLineString, MultiPolygon, Point, Polygon

from gis.borders.model import Change
from gis.borders.operations import give, merge, move_vertex, redraw, replace, split, straighten, trace
from gis.borders.refining import certified
from gis.borders.refusals import REASONS, refused
from gis.errors import BadCoordinate, BadGeometry, BadValue, EditRefused
from gis.lattice import STEP
from tests.gis.grounds import UNIT, assert_sound, at, board, ground_of, square


def line(*places: tuple[float, float]) -> LineString:
    return LineString([at(*place) for place in places])


def reason_of(operation: object) -> str:
    """Why an operation is refused; it must be a known reason, with a place of finite degrees wherever there is one."""
    with pytest.raises(EditRefused) as refusal:
        operation()  # type: ignore[operator]
    facts = refusal.value.facts
    assert facts["reason"] in REASONS and refusal.value.message == REASONS[facts["reason"]]
    place = facts["place"]
    assert place is None or (len(place) == 2 and all(isinstance(each, float) and math.isfinite(each) for each in place))
    return str(facts["reason"])


def refused_with_place(operation: object, reason: str) -> None:
    with pytest.raises(EditRefused) as refusal:
        operation()  # type: ignore[operator]
    assert refusal.value.facts["reason"] == reason
    assert refusal.value.facts["place"] is not None


@pytest.mark.parametrize(
    "drawn",
    [
        line((7, 7), (8, 8)),
        line((0.5, 1.5), (1.5, 1.5)),
        line((1.2, 1.2), (1.8, 1.8)),
        line((1, 1), (2, 1)),
        line((0, 1), (3, 1)),
        line((0.5, 0.5), (1, 1), (0.5, 1.5)),
        line((0.5, 2), (1.5, 2), (2.5, 2)),
        line((1, 0.5), (1, 1), (1, 2.5)),
    ],
    ids=[
        "misses",
        "ends inside",
        "lies inside",
        "runs along the border",
        "runs along and past it",
        "touches a corner",
        "grazes",
        "grazes west",
    ],
)
def test_a_line_that_does_not_cut_the_grid_is_refused(drawn: LineString) -> None:
    ground = board()
    refused_with_place(lambda: split(ground, 5, drawn, [10, 11]), "does_not_cross")
    refused_with_place(lambda: redraw(ground, drawn, (5, 6)), "does_not_cross")


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 10, 100])
def test_a_line_a_few_steps_from_a_border_is_refused_or_exact(steps: int) -> None:
    ground = board()
    drawn = LineString([(at(2, 1)[0] - steps * STEP, at(2, 1)[1] - UNIT), (at(2, 1)[0] - steps * STEP, at(2, 2)[1] + UNIT)])
    assert reason_of(lambda: split(ground, 5, drawn, [10, 11])) in {"does_not_cross", "too_thin"}
    assert reason_of(lambda: redraw(ground, drawn, (5, 6))) in {"does_not_cross", "nothing_moved"}


def test_a_zigzag_of_single_steps_along_a_border_is_refused_or_exact() -> None:
    ground = board()
    x, y = at(2, 1)
    drawn = LineString([(x + (number % 2) * STEP, y + number * UNIT / 200) for number in range(-10, 211)])
    assert reason_of(lambda: redraw(ground, drawn, (5, 6))) in {"nothing_moved", "does_not_cross"}


@pytest.mark.parametrize("seed", range(12))
def test_a_scribble_that_crosses_itself_is_refused_or_exact(seed: int) -> None:
    random = np.random.default_rng(seed)
    ground = board()
    scribble = LineString(random.uniform(0.5, 2.5, (25, 2)) * UNIT)
    for operation in (
        lambda: split(ground, 5, scribble, [10, 11]),
        lambda: redraw(ground, scribble, (5, 6)),
        lambda: redraw(ground, scribble),
        lambda: give(ground, Polygon(scribble.coords), 5),
    ):
        with contextlib.suppress(EditRefused):
            assert_sound(ground, operation())


def test_a_figure_of_eight_cuts_out_both_of_its_loops_or_joins_them() -> None:
    ground = board()
    eight = line((1.2, 1.2), (1.8, 1.8), (1.8, 1.2), (1.2, 1.8), (1.2, 1.2))
    assert_sound(ground, split(ground, 5, eight, [10, 11, 12]))
    assert_sound(ground, split(ground, 5, eight, [10, 11]))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 181.0, 1e300])
def test_what_is_no_place_on_earth_is_refused(bad: float) -> None:
    ground = board()
    with np.errstate(invalid="ignore"):
        drawn, area = LineString([at(1, 1), (bad, 0.0), at(2, 2)]), Polygon([at(0, 0), (bad, 0.0), at(1, 1)])
    for operation in (
        lambda: split(ground, 5, drawn, [10, 11]), lambda: redraw(ground, drawn), lambda: move_vertex(ground, at(1, 1), (bad, 0.0)),
        lambda: move_vertex(ground, (bad, 0.0), at(1, 1)), lambda: give(ground, area, 5),
        lambda: replace(ground, {5: area}), lambda: trace(ground, 5, 6, [(bad, 0.0)], np.array([drawn])),
        lambda: straighten(ground, 5, 6, np.array([drawn], dtype=object)),
    ):  # fmt: skip
        with pytest.raises(BadCoordinate):
            operation()


@pytest.mark.parametrize("shape", [LineString(), Point(0, 0), Polygon(), line((1, 1), (1, 1)), MultiLineString()])
def test_what_has_no_length_or_no_ground_is_refused(shape: shapely.Geometry) -> None:
    ground = board()
    for operation in (lambda: split(ground, 5, shape, [10, 11]), lambda: redraw(ground, shape), lambda: give(ground, shape, 5)):  # type: ignore[arg-type]
        with pytest.raises(BadGeometry):
            operation()


def test_a_line_of_a_million_vertices_is_refused_before_any_work() -> None:
    ground = board()
    turn = np.linspace(0, 600, 1_000_000)
    drawn = LineString(np.column_stack([1.5 + 0.4 * np.cos(turn), 1.5 + 0.4 * np.sin(turn * 1.01)]) * UNIT)
    refused_with_place(lambda: split(ground, 5, drawn, [10, 11]), "too_many_vertices")
    refused_with_place(lambda: redraw(ground, drawn), "too_many_vertices")
    refused_with_place(lambda: give(ground, Polygon(drawn.coords), 5), "too_many_vertices")
    refused_with_place(lambda: trace(ground, 5, 6, [], np.array([drawn], dtype=object)), "too_many_vertices")


def test_a_line_of_twenty_thousand_vertices_is_exact() -> None:
    ground = board()
    x = np.linspace(0.9, 2.1, 19_000)
    change = split(ground, 5, LineString(np.column_stack([x, 1.5 + 0.01 * np.sin(x * 50)]) * UNIT), [10, 11])
    assert_sound(ground, change)


@pytest.mark.parametrize("to", [(2.5, 1.5), (0.25, 2.5), (1.5, 3.5), (2, 2), (-4, -4), (0, 0)])
def test_a_vertex_dragged_across_the_far_side_is_refused(to: tuple[float, float]) -> None:
    ground = board()
    assert reason_of(lambda: move_vertex(ground, at(1, 1), at(*to))) == "crosses_itself"


def test_a_triangle_turned_inside_out_is_refused() -> None:
    ground = ground_of([Polygon([at(0, 0), at(1, 0), at(0.5, 0.5)]), Polygon([at(0, 0), at(0.5, 0.5), at(1, 0), at(1, 2), at(0, 2)])])
    refused_with_place(lambda: move_vertex(ground, at(0.5, 0.5), at(0.5, -0.5)), "crosses_itself")


def test_the_outer_border_stays() -> None:
    ground = board()
    refused_with_place(lambda: move_vertex(ground, at(0, 0), at(0.1, 0.1)), "outer_border")
    refused_with_place(lambda: move_vertex(ground, at(1, 0), at(1, 0.1)), "outer_border")
    refused_with_place(lambda: move_vertex(ground, at(0.5, 0), at(0.5, -0.1)), "outer_border")
    refused_with_place(lambda: move_vertex(ground, at(0, 1), at(0, 1.1), cross_communities=True), "outer_border")


def test_a_vertex_nobody_has_is_refused() -> None:
    ground = board()
    refused_with_place(lambda: move_vertex(ground, at(1.5, 1.5), at(1.6, 1.5)), "no_vertex_here")
    refused_with_place(lambda: move_vertex(ground, at(50, 50), at(1, 1)), "no_vertex_here")
    refused_with_place(lambda: move_vertex(ground, at(1, 1), at(1, 1)), "nothing_moved")


def test_grids_that_are_not_there_or_are_named_twice_are_refused() -> None:
    ground = board()
    cut, area = line((1, 1.5), (2, 1.5)), square(1.2, 1.2)
    for operation in (
        lambda: split(ground, 99, cut, [10, 11]), lambda: merge(ground, [5, 99], 5), lambda: redraw(ground, cut, (5, 99)),
        lambda: give(ground, area, 99), lambda: give(ground, area, 5, take_from=[99]), lambda: trace(ground, 5, 99, [], np.array([cut])),
        lambda: replace(ground, {99: area}), lambda: replace(ground, {5: square(1, 1)}, ended=[99]),
    ):  # fmt: skip
        assert reason_of(operation) == "unknown_grid"
    assert reason_of(lambda: merge(ground, [5, 5], 5)) == "same_grid"
    assert reason_of(lambda: merge(ground, [5], 5)) == "same_grid"
    assert reason_of(lambda: merge(ground, [], 5)) == "same_grid"
    assert reason_of(lambda: redraw(ground, cut, (5, 5))) == "same_grid"
    assert reason_of(lambda: trace(ground, 5, 5, [], np.array([cut]))) == "same_grid"


def test_grids_far_apart_are_no_neighbours() -> None:
    ground = board()
    road = np.array([line((0, 0), (3, 3))], dtype=object)
    refused_with_place(lambda: straighten(ground, 1, 9, road), "not_a_neighbour")
    refused_with_place(lambda: trace(ground, 1, 9, [(1.5 * 2**-10, 0.0)], road), "not_a_neighbour")


def test_grids_that_only_meet_in_a_corner_are_no_neighbours() -> None:
    ground = board()
    refused_with_place(lambda: merge(ground, [1, 5], 1), "not_contiguous")
    refused_with_place(lambda: trace(ground, 1, 5, [], np.array([line((0, 0), (1, 1))], dtype=object)), "not_a_neighbour")
    refused_with_place(lambda: give(ground, square(0.5, 0.5, 0.5, 0.5), 5), "not_contiguous")
    refused_with_place(lambda: straighten(ground, 5, 6, np.array([line((40, 40), (50, 50))], dtype=object)), "no_path")


def test_nothing_can_be_given_that_does_not_touch_or_is_there_already() -> None:
    ground = board()
    refused_with_place(lambda: give(ground, square(0.2, 1.2, 0.2, 0.2), 6), "not_contiguous")
    refused_with_place(lambda: give(ground, square(1.2, 1.2, 0.2, 0.2), 5), "nothing_moved")
    refused_with_place(lambda: give(ground, square(20, 20), 5), "nothing_moved")


def test_a_grid_never_loses_all_its_ground_by_a_gift() -> None:
    ground = board()
    refused_with_place(lambda: give(ground, square(0.9, 0.9, 1.2, 1.2), 6, take_from=[5]), "would_be_empty")
    refused_with_place(lambda: give(ground, square(1, 1), 6), "would_be_empty")
    refused_with_place(lambda: give(ground, square(1 + 1e-3, 1, 1 - 1e-3, 1), 6), "too_thin")
    assert reason_of(lambda: replace(ground, {5: square(1, 1, 2)}, ended=[])) == "overlaps"


def test_a_grid_is_never_torn_in_two() -> None:
    ground = board()
    refused_with_place(lambda: give(ground, square(1, 1.4, 1, 0.2), 6), "not_contiguous")


def test_an_enclave_cannot_be_given_to_who_is_not_its_neighbour_and_can_to_who_is() -> None:
    hole = square(1.25, 1.25, 0.5, 0.5)
    ground = ground_of([square(0, 1), square(1, 1).difference(hole), hole])
    refused_with_place(lambda: merge(ground, [1, 3], 1), "not_contiguous")
    change = give(ground, square(1.25, 1.25, 0.25, 0.5), 2)
    assert_sound(ground, change)
    cut = split(ground, 2, line((1.5, 0), (1.5, 3)), [10, 11])
    assert_sound(ground, cut)
    assert set(cut.touched) == {2, 10, 11}
    assert 3 in cut.noded_only


def test_islands_and_holes_of_the_district_are_nobodys_ground() -> None:
    lake = square(1, 1)
    ground = ground_of([square(0, 0, 3, 3).difference(lake), square(10, 10)])
    across = line((-1, 1.5), (4, 1.5))
    assert reason_of(lambda: split(ground, 1, line((0.5, 1.5), (2.5, 1.5)), [10, 11])) == "does_not_cross"
    change = split(ground, 1, across, [10, 11])
    assert_sound(ground, change)
    assert change.outer
    island = split(ground, 2, line((9, 10.5), (12, 10.5)), [10, 11])
    assert_sound(ground, island)
    assert set(island.before) == {2}


def test_a_line_far_beyond_the_district_changes_only_what_it_cuts() -> None:
    ground = board()
    change = split(ground, 1, line((-9000, 0.5), (9000, 0.5)), [10, 11])
    assert_sound(ground, change)
    assert set(change.before) == {1, 2}
    assert_sound(ground, redraw(ground, line((1, 0.2), (0.8, 0.2), (0.8, -40), (1, -40))))


def test_a_grid_of_one_building_can_be_cut_given_and_merged() -> None:
    house = square(1.5, 1.5, 3 / 32, 1 / 8)
    ground = ground_of([square(1, 1).difference(house), house])
    for change in (
        split(ground, 2, LineString([house.centroid.coords[0], (at(3, 0)[0], house.centroid.y), (at(3, 0)[0], at(0, 3)[1]), (house.centroid.x, at(0, 3)[1]), house.centroid.coords[0]]), [10, 11]),
        merge(ground, [1, 2], 2),
        give(ground, square(1.4, 1.4, 0.2, 0.2), 2),
    ):  # fmt: skip
        assert_sound(ground, change)


def test_several_parts_of_one_line_are_one_border() -> None:
    ground = board()
    drawn = MultiLineString([[at(0.5, 1.3), at(1.5, 1.3)], [at(1.5, 1.3), at(2.5, 1.7)]])
    assert_sound(ground, split(ground, 5, drawn, [10, 11]))


def test_a_lasso_that_crosses_itself_counts_by_the_even_odd_rule() -> None:
    ground = board()
    bow_tie = Polygon([at(1.8, 1.2), at(2.4, 1.8), at(2.4, 1.2), at(1.8, 1.8)])
    assert_sound(ground, give(ground, bow_tie, 6, take_from=[5]))


def test_heights_are_left_out() -> None:
    ground = board()
    change = split(ground, 5, LineString([(*at(1.25, 0.5), 7.0), (*at(1.25, 2.5), 9.0)]), [10, 11])
    assert_sound(ground, change)


def test_a_grid_that_holds_nothing_new_is_not_replaced() -> None:
    ground = board()
    assert reason_of(lambda: replace(ground, {5: square(1, 1)})) == "nothing_moved"
    assert reason_of(lambda: replace(ground, {})) == "nothing_moved"


def test_a_new_grid_of_two_pieces_is_refused_when_the_old_ones_had_one() -> None:
    ground = board()
    torn = MultiPolygon([square(1, 1, 0.25), square(1.75, 1, 0.25)])
    new = {10: torn, 11: square(1.25, 1, 0.5)}
    refused_with_place(lambda: replace(ground, new, ended=[5], communities={10: 1, 11: 1}), "not_contiguous")


@pytest.mark.parametrize("new_ids", [[], [10], [10, 10], [5, 10], [10, 11, 11]])
def test_a_split_needs_two_ids_that_nobody_has(new_ids: list[int]) -> None:
    with pytest.raises(BadValue):
        split(board(), 5, line((1.25, 0.5), (1.25, 2.5)), new_ids)


def test_on_no_ground_there_is_nothing_to_edit() -> None:
    nowhere = ground_of([])
    refused_with_place(lambda: redraw(nowhere, line((1, 1), (2, 2))), "does_not_cross")
    refused_with_place(lambda: move_vertex(nowhere, at(1, 1), at(2, 2)), "no_vertex_here")
    assert reason_of(lambda: split(nowhere, 5, line((1, 1), (2, 2)), [10, 11])) == "unknown_grid"


def test_what_cannot_be_proved_is_tried_once_more_with_the_neighbours_and_then_refused() -> None:
    ground, tried = board(5, 5), list[list[int]]()

    def attempt(members: np.ndarray) -> Change:
        tried.append(sorted(ground.ids[members].tolist()))
        raise refused("not_certified" if len(tried) < 3 else "does_not_cross", at(2, 2))

    drawn = line((2.25, 2.25), (2.75, 2.75))
    refused_with_place(lambda: certified(ground, drawn, np.array([], dtype=np.int64), attempt), "not_certified")
    assert tried == [[13], [7, 8, 9, 12, 13, 14, 17, 18, 19]]
    refused_with_place(lambda: certified(ground, drawn, np.array([], dtype=np.int64), attempt), "does_not_cross")
    assert len(tried) == 3
