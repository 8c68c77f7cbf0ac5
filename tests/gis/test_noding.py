"""Vertices that a border gained are carried over; ground that moved is a conflict."""

import shapely

from gis.lattice import STEP
from gis.noding import Claim, noding_between, rebase, same_ground, with_vertices

SIDE = 2.0**-8


def ring(*corners: tuple[float, float]) -> shapely.Polygon:
    return shapely.Polygon([(113 + x * SIDE, 28 + y * SIDE) for x, y in corners])


SQUARE = ring((0, 0), (2, 0), (2, 2), (0, 2))
NODED = ring((0, 0), (2, 0), (2, 1), (2, 2), (0, 2))
BESIDE = ring((2, 0), (4, 0), (4, 2), (2, 2))
HALVES = ring((2, 0), (4, 0), (4, 1), (2, 1)), ring((2, 1), (4, 1), (4, 2), (2, 2))


def test_a_subdivided_edge_is_found_and_carried_to_the_neighbour():
    paths = noding_between([SQUARE], [NODED])
    assert paths is not None and len(paths) == 1
    noded, found = with_vertices(BESIDE, paths)
    assert len(found) == 1
    assert shapely.get_num_coordinates(noded) == 6 and noded.equals(BESIDE)


def test_a_border_that_moved_is_no_noding():
    assert noding_between([SQUARE], [ring((0, 0), (2, 0), (1.5, 1), (2, 2), (0, 2))]) is None
    assert noding_between([SQUARE], [SQUARE]) == {}


def test_rounding_may_move_a_new_vertex_by_a_step_and_the_ground_counts_as_the_same():
    bent = shapely.Polygon(
        [(113, 28), (113 + 2 * SIDE, 28), (113 + 2 * SIDE + STEP, 28 + SIDE), (113 + 2 * SIDE, 28 + 2 * SIDE), (113, 28 + 2 * SIDE)]
    )
    assert noding_between([SQUARE], [bent]) is not None
    assert same_ground(SQUARE, bent)
    assert not same_ground(SQUARE, ring((0, 0), (2, 0), (2.001, 1), (2, 2), (0, 2)))


def test_a_draft_takes_over_the_vertices_that_others_gave_to_its_grid():
    mine = {1: Claim(SQUARE, ring((0, 0), (2, 0), (2, 2)), NODED), 9: Claim(None, ring((0, 0), (2, 2), (0, 2)), None)}
    rebased = rebase(mine, {})
    assert rebased.conflicts == ()
    assert shapely.get_num_coordinates(rebased.shapes[1]) == 5


def test_vertices_for_a_neighbour_that_was_divided_go_to_the_parts_that_hold_the_border():
    first, second = HALVES
    gifts = {2: Claim(BESIDE, ring((2, 0), (4, 0), (4, 2), (2, 2), (2, 1)), None, noded_only=True)}
    assert rebase(gifts, {5: first, 6: second}).conflicts == (2,), "nobody holds that whole edge now"
    whole = rebase(gifts, {5: BESIDE})
    assert whole.conflicts == () and shapely.get_num_coordinates(whole.shapes[5]) == 6


def test_ground_that_both_changed_is_a_conflict_and_so_is_a_grid_that_ended():
    moved = ring((0, 0), (1, 0), (1, 2), (0, 2))
    claims = {1: Claim(SQUARE, ring((0, 0), (2, 0), (2, 2)), moved), 2: Claim(BESIDE, None, None)}
    assert rebase(claims, {}).conflicts == (1, 2)


def test_a_grid_that_is_put_back_takes_the_vertices_of_who_came_to_stand_beside_it():
    lower, upper = ring((0, 0), (2, 0), (2, 1), (0, 1)), ring((0, 1), (2, 1), (2, 2), (0, 2))
    noded = ring((2, 0), (4, 0), (4, 2), (2, 2), (2, 1))
    claims = {3: Claim(lower, None, lower), 4: Claim(upper, None, upper), 5: Claim(None, SQUARE, None)}
    rebased = rebase(claims, {9: noded})
    assert rebased.conflicts == ()
    assert shapely.equals_exact(rebased.shapes[5].normalize(), NODED.normalize())
    assert shapely.get_num_coordinates(rebase(claims, {9: BESIDE}).shapes[5]) == 5
    assert shapely.get_num_coordinates(rebase(claims, {}).shapes[5]) == 5
