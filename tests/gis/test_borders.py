"""Each operation on borders does what its name says, gives back every grid it changed, and proves that they still fit."""

import numpy as np
import pytest
import shapely
from shapely.geometry import LineString, MultiPolygon, Polygon

from gis.borders.operations import give, merge, move_vertex, reach, redraw, replace, split, straighten, trace
from gis.errors import EditRefused
from gis.lattice import STEP
from tests.gis.grounds import UNIT, after, assert_sound, at, board, ground_of, square, square_metres


def line(*places: tuple[float, float]) -> LineString:
    return LineString([at(*place) for place in places])


def test_a_line_across_a_grid_makes_two_and_its_neighbours_gain_a_vertex() -> None:
    ground = board()
    change = split(ground, 5, line((1.25, 0.5), (1.25, 2.5)), [10, 11])
    assert_sound(ground, change)
    assert set(change.before) == {2, 5, 8}
    assert set(change.after) == {2, 8, 10, 11}
    assert change.noded_only == {2, 8}
    assert change.touched == {5, 10, 11}
    assert change.after[10].equals(square(1.25, 1, 0.75))
    assert change.after[11].equals(square(1, 1, 0.25))


def test_a_line_that_leaves_and_comes_back_makes_as_many_pieces_as_there_are_ids() -> None:
    ground = board()
    zigzag = line((0.5, 1.2), (2.5, 1.2), (2.5, 1.6), (0.5, 1.7))
    two = split(ground, 5, zigzag, [10, 11])
    three = split(ground, 5, zigzag, [10, 11, 12])
    assert_sound(ground, two)
    assert_sound(ground, three)
    assert set(two.after) >= {10, 11} and 12 not in two.after
    assert set(three.after) >= {10, 11, 12}
    areas = [three.after[each].area for each in (10, 11, 12)]
    assert areas == sorted(areas, reverse=True)


def test_a_loop_inside_a_grid_cuts_out_an_enclave_and_says_so() -> None:
    ground = board()
    change = split(ground, 5, line((1.25, 1.25), (1.75, 1.25), (1.75, 1.75), (1.25, 1.75), (1.25, 1.25)), [10, 11])
    assert_sound(ground, change)
    assert set(change.before) == {5}
    assert len(change.after[10].geoms[0].interiors) == 1
    assert [(each.code, each.facts) for each in change.warnings] == [("enclave", {"grid": 11, "within": 10})]


def test_an_enclave_can_be_merged_away_again() -> None:
    hole = square(1.25, 1.25, 0.5, 0.5)
    ground = ground_of([square(1, 1).difference(hole), hole])
    change = merge(ground, [1, 2], 1)
    assert_sound(ground, change)
    assert change.after[1].equals(square(1, 1))


def test_merged_grids_keep_every_vertex_that_neighbours_have() -> None:
    ground = board()
    change = merge(ground, [4, 5], 5)
    assert_sound(ground, change)
    assert set(change.before) == {4, 5} and set(change.after) == {5}
    assert len(change.after[5].geoms[0].exterior.coords) == 7
    assert change.moved_m2 == pytest.approx(square_metres(square(0, 1)))
    assert set(merge(ground, [4, 5], 10).after) == {10}


def test_a_border_drawn_across_it_gives_each_side_what_the_line_cuts_off() -> None:
    ground = board()
    change = redraw(ground, line((2, 1.1), (1.75, 1.3), (2, 1.5), (2.25, 1.7), (2, 1.9)), (5, 6))
    assert_sound(ground, change)
    assert set(change.before) == {5, 6}
    assert change.noded_only == frozenset()
    assert not change.after[5].contains(shapely.Point(at(1.9, 1.3)))
    assert change.after[6].contains(shapely.Point(at(1.9, 1.3)))
    assert change.after[5].contains(shapely.Point(at(2.1, 1.7)))
    assert change.moved_m2 == pytest.approx(2 * square_metres(Polygon([at(2, 1.1), at(1.75, 1.3), at(2, 1.5)])), rel=1e-3)


def test_without_names_a_piece_goes_where_its_old_border_is_longest_and_passed_grids_stay_as_they_are() -> None:
    ground = board()
    change = redraw(ground, line((2.9, 1.5), (1.8, 1.5), (1.8, 1.7), (2.9, 1.7)))
    assert_sound(ground, change)
    assert set(change.before) == {5, 6}
    assert change.after[6].contains(shapely.Point(at(1.9, 1.6)))


def test_a_shared_vertex_moves_in_every_grid_that_has_it() -> None:
    ground = board()
    change = move_vertex(ground, at(1, 1), at(1.25, 1.125))
    assert_sound(ground, change)
    assert set(change.before) == {1, 2, 4, 5}
    assert change.moved_m2 > 0 and not change.outer
    back = move_vertex(ground_of([after(ground, change)[each] for each in range(1, 10)]), at(1.25, 1.125), at(1, 1))
    assert all(shapely.equals_exact(back.after[each], change.before[each]) for each in (1, 2, 4, 5))


def test_a_new_vertex_is_pulled_out_of_an_edge() -> None:
    ground = board()
    change = move_vertex(ground, at(1.5, 1), at(1.5, 1.25))
    assert_sound(ground, change)
    assert set(change.before) == {2, 5}
    assert change.after[2].equals(Polygon([at(1, 0), at(2, 0), at(2, 1), at(1.5, 1.25), at(1, 1)]))


def test_a_vertex_moved_onto_its_neighbour_is_gone() -> None:
    ground = ground_of([Polygon([at(0, 0), at(1, 0), at(1, 0.5), at(1, 1), at(0, 1)]), square(1, 0, 1, 0.5), square(1, 0.5, 1, 0.5)])
    change = move_vertex(ground, at(1, 0.5), at(1, 1 - STEP / UNIT * 2**10))
    assert_sound(ground, change)


def test_a_lasso_gives_ground_to_a_neighbour() -> None:
    ground = board()
    change = give(ground, square(1.5, 1.25, 1, 0.5), 6)
    assert_sound(ground, change)
    assert set(change.before) == {5, 6}
    assert change.moved_m2 == pytest.approx(square_metres(square(1.5, 1.25, 0.5, 0.5)), rel=1e-5)
    assert change.after[6].equals(square(2, 1).union(square(1.5, 1.25, 0.5, 0.5)))


def test_a_lasso_takes_only_from_the_grids_that_are_named() -> None:
    ground = board()
    lasso = square(1.5, 0.5, 1, 1)
    assert set(give(ground, lasso, 6).touched) == {2, 3, 5, 6}
    assert set(give(ground, lasso, 6, take_from=[5]).touched) == {5, 6}


def test_painted_buildings_come_over_as_one_shape_to_the_bit() -> None:
    ground = board()
    atoms = np.array([square(1.5, 1, 0.5, 0.5), square(1.5, 1.5, 0.5, 0.5)], dtype=object)
    change = give(ground, shapely.coverage_union_all(atoms), 6)
    assert_sound(ground, change)
    assert change.after[6].equals(square(1.5, 1, 1.5))
    assert change.noded_only == {2, 8}


def test_a_small_loose_piece_follows_its_longest_border_and_is_told() -> None:
    ground = board()
    around = Polygon([at(1.5, 0.9), at(2.1, 0.9), at(2.1, 1.5), at(1.7, 1.5), at(1.7, 1.3), at(1.5, 1.3)])
    ring = Polygon(around.exterior.coords, [square(1.75, 1.05, 0.2, 0.2).exterior.coords])
    change = give(ground, ring, 6, take_from=[5])
    assert_sound(ground, change)
    assert [each.facts["to"] for each in change.warnings if each.code == "part_followed"] == [6]
    assert change.after[6].contains(shapely.Point(at(1.85, 1.15)))


def test_a_strip_thinner_than_thirty_centimetres_stays_where_it_is() -> None:
    ground = board()
    hair = 0.2 / 109 / 1.02
    with pytest.raises(EditRefused) as refusal:
        redraw(ground, line((2, 1.1), (2 - hair, 1.1), (2 - hair, 1.9), (2, 1.9)), (5, 6))
    assert refusal.value.facts["reason"] == "nothing_moved"
    with pytest.raises(EditRefused) as refusal:
        split(ground, 5, line((1 + hair, 0.5), (1 + hair, 2.5)), [10, 11])
    assert refusal.value.facts["reason"] == "too_thin"


def test_a_border_is_put_on_a_road_that_runs_beside_it() -> None:
    ground = board()
    road = np.array([line((1.9, 0.5), (1.9, 2.5))], dtype=object)
    change = straighten(ground, 5, 6, road)
    assert_sound(ground, change)
    assert set(change.touched) == {5, 6}
    assert change.after[6].contains(shapely.Point(at(1.95, 1.5)))
    assert change.after[5].contains(shapely.Point(at(1.85, 1.5)))


def test_a_traced_border_runs_past_its_waypoint_along_the_lines() -> None:
    ground = board()
    roads = np.array([line((1.3, 0.5), (1.3, 2.5)), line((1.9, 0.5), (1.9, 2.5))], dtype=object)
    change = trace(ground, 5, 6, [at(1.3, 1.5)], roads)
    assert_sound(ground, change)
    assert change.after[6].contains(shapely.Point(at(1.5, 1.75)))
    assert change.after[5].contains(shapely.Point(at(1.8, 1.25)))
    again = trace(ground, 6, 5, [at(1.3, 1.5)], roads)
    assert again.after[6].equals(change.after[6])


def test_the_border_of_an_enclave_can_be_traced_too() -> None:
    hole = square(1.25, 1.25, 0.5, 0.5)
    ground = ground_of([square(1, 1).difference(hole), hole])
    ring = line((1.125, 1.125), (1.875, 1.125), (1.875, 1.875), (1.125, 1.875), (1.125, 1.125))
    change = trace(ground, 1, 2, [at(1.125, 1.125), at(1.875, 1.125), at(1.875, 1.875), at(1.125, 1.875)], np.array([ring], dtype=object))
    assert_sound(ground, change)
    assert change.after[2].equals(square(1.125, 1.125, 0.75, 0.75))


def test_a_whole_set_of_borders_is_replaced_at_once() -> None:
    ground = board()
    new = {10: square(0, 0, 1.5), 11: square(1.5, 0, 1.5)}
    change = replace(ground, new, ended=[1, 2, 3], communities={10: 1, 11: 1})
    assert_sound(ground, change)
    assert set(change.before) == {1, 2, 3, 5} and set(change.after) == {10, 11, 5}
    assert change.noded_only == {5}
    assert change.outer


def test_a_strip_that_two_claim_stays_with_the_one_that_has_it() -> None:
    saw = [at(1 + (tooth % 2) / 1024, tooth / 8) for tooth in range(9)]
    west, middle = Polygon([at(0, 0), *saw, at(0, 1)]), Polygon([*saw, at(2, 1), at(2, 0)])
    ground = ground_of([west, middle, square(2, 0)])
    change = replace(ground, {1: west, 2: square(1, 0, 0.5), 3: square(1.5, 0, 1.5)})
    assert 1 not in change.touched
    assert_sound(ground, change)


def test_replaced_borders_may_be_off_the_lattice_by_a_hair_but_not_leave_or_share_ground() -> None:
    ground = board()
    hair = 0.1 / 109
    fits = {4: square(0, 1, 1.4 - hair), 5: square(1.4 + hair / 2, 1 + hair / 3, 0.6, 1)}
    assert_sound(ground, replace(ground, fits))
    for new, reason in (
        ({4: square(0, 1, 1.2), 5: square(1.4, 1, 0.6)}, "leaves_a_gap"),
        ({4: square(0, 1, 1.6), 5: square(1.4, 1, 0.6)}, "overlaps"),
        ({4: square(0, 1, 1.4), 5: square(1.4, 1, 0.8)}, "overlaps"),
    ):
        with pytest.raises(EditRefused) as refusal:
            replace(ground, new)
        assert refusal.value.facts["reason"] == reason
        assert refusal.value.facts["place"] is not None


def test_a_grid_stays_in_its_community_unless_it_may_leave() -> None:
    ground = board(communities=[1, 1, 2] * 3)
    bow = line((2, 1.1), (1.75, 1.3), (2, 1.5))
    lasso = square(1.5, 1.2, 0.9, 0.4)
    for operation in (
        lambda: redraw(ground, bow, (5, 6)), lambda: redraw(ground, bow), lambda: give(ground, lasso, 6),
        lambda: move_vertex(ground, at(2, 1), at(1.9, 1.1)), lambda: merge(ground, [5, 6], 5),
        lambda: replace(ground, {5: square(1, 1, 0.5), 6: square(1.5, 1, 1.5)}),
    ):  # fmt: skip
        with pytest.raises(EditRefused) as refusal:
            operation()
        assert refusal.value.facts["reason"] == "community_border"
        assert refusal.value.facts["place"] is not None
    for change in (
        redraw(ground, bow, (5, 6), cross_communities=True),
        redraw(ground, bow, cross_communities=True),
        give(ground, lasso, 6, cross_communities=True),
        move_vertex(ground, at(2, 1), at(1.9, 1.1), cross_communities=True),
        replace(ground, {5: square(1, 1, 0.5), 6: square(1.5, 1, 1.5)}, cross_communities=True),
    ):
        assert_sound(ground, change)


def test_a_grid_of_two_parts_keeps_them_and_no_other_grid_gets_two() -> None:
    far = square(5, 1)
    ground = ground_of([MultiPolygon([square(0, 1), far]), square(1, 1)])
    change = give(ground, square(0.75, 1.2, 0.25, 0.4), 2)
    assert_sound(ground, change)
    assert len(change.after[1].geoms) == 2
    cut = split(ground, 1, line((0.5, 0), (0.5, 3)), [10, 11])
    assert_sound(ground, cut)
    assert sorted(len(cut.after[each].geoms) for each in (10, 11)) == [1, 2]


def test_polygons_come_back_as_polygons_where_they_came_as_such() -> None:
    ground = board()
    plain = type(ground)(ground.ids, np.array([each.geoms[0] for each in ground.shapes], dtype=object), ground.communities, ground.metres)
    for change in (
        split(plain, 5, line((1.25, 0.5), (1.25, 2.5)), [10, 11]),
        merge(plain, [4, 5], 5),
        move_vertex(plain, at(1, 1), at(1.2, 1.1)),
    ):
        assert all(isinstance(each, Polygon) for each in change.after.values())


def test_the_reach_of_an_operation_holds_what_is_drawn_and_the_grids_it_names() -> None:
    drawn, named = line((1, 1), (2, 2)), square(0, 0, 3)
    west, south, east, north = reach("redraw", [drawn], [named])
    assert west < 0 and south < 0 and east > at(3, 0)[0] and north > at(0, 2)[1]
    assert reach("move_vertex", [drawn], [named])[0] > 0
    with pytest.raises(ValueError, match="reach"):
        reach("split")


def test_the_same_operation_on_the_whole_ground_and_on_its_reach_gives_the_same_answer() -> None:
    ground = board(7, 7)
    cut = line((3.25, 2.5), (3.4, 4.5))
    west, south, east, north = reach("split", [cut], [ground.shapes[24]])
    box = shapely.box(west, south, east, north)
    near = shapely.intersects(ground.shapes, box)
    local = type(ground)(ground.ids[near], ground.shapes[near], ground.communities[near], ground.metres)
    assert near.sum() < len(ground.ids)
    one, other = split(ground, 25, cut, [100, 101]), split(local, 25, cut, [100, 101])
    assert {each: shape.wkb for each, shape in one.after.items()} == {each: shape.wkb for each, shape in other.after.items()}
