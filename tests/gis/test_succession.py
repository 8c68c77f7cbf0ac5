"""What becomes of grids: shares that sum to the whole, and heirs by households."""

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis.crs import local_metres
from gis.lattice import STEP
from gis.succession import Heir, Homes, apportion, heirs, same_grids, succession

METRES = local_metres(113.0, 28.0)
SIDE = 2.0**-8


def box(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    """A rectangle in sides of a grid from 113° E, 28° N."""
    return shapely.box(113 + west * SIDE, 28 + south * SIDE, 113 + east * SIDE, 28 + north * SIDE)


def told(pieces) -> dict[tuple[int, int], tuple[str, int]]:
    return {(each.from_id, each.to_id): (each.kind, each.households) for each in pieces}


def test_a_split_shares_households_by_buildings_and_ground_by_area():
    before, after = {1: box(0, 0, 4, 1)}, {1: box(0, 0, 1, 1), 9: box(1, 0, 4, 1)}
    pieces = succession(before, after, {1: 10}, [Homes(1, 1, 7), Homes(1, 9, 3)], METRES)
    assert told(pieces) == {(1, 1): ("split", 7), (1, 9): ("split", 3)}
    assert [each.area_share for each in pieces] == [pytest.approx(0.25, abs=1e-5), pytest.approx(0.75, abs=1e-5)]
    assert heirs(before, after, pieces) == {9: Heir(1)}


def test_households_without_known_buildings_go_with_the_ground():
    pieces = succession({1: box(0, 0, 4, 1)}, {1: box(0, 0, 1, 1), 9: box(1, 0, 4, 1)}, {1: 8}, [], METRES)
    assert told(pieces) == {(1, 1): ("split", 2), (1, 9): ("split", 6)}


def test_of_merged_grids_the_one_with_most_households_leads():
    before, after = {1: box(0, 0, 1, 1), 2: box(1, 0, 2, 1)}, {1: box(0, 0, 2, 1)}
    pieces = succession(before, after, {1: 3, 2: 5}, [Homes(1, 1, 3), Homes(2, 1, 5)], METRES)
    assert told(pieces) == {(1, 1): ("transfer", 3), (2, 1): ("merge", 5)}
    assert heirs(before, after, pieces) == {1: Heir(2, (1,))}


def test_a_shifted_border_is_a_transfer_and_changes_no_officer():
    before, after = {1: box(0, 0, 2, 1), 2: box(2, 0, 4, 1)}, {1: box(0, 0, 1, 1), 2: box(1, 0, 4, 1)}
    pieces = succession(before, after, {1: 4, 2: 4}, [], METRES)
    assert told(pieces)[1, 2] == ("transfer", 2)
    assert heirs(before, after, pieces) == {}


def test_grids_of_two_plans_are_the_same_where_most_of_their_ground_is():
    made = {11: box(0, 0, 4, 1), 12: box(4, 0, 6, 1), 13: box(9, 0, 10, 1)}
    others = {21: box(4, 0, 5, 1), 22: box(0, 0, 3, 1), 23: box(3, 0, 4, 1), 24: box(9.6, 0, 11, 1)}
    assert same_grids(made, others, METRES) == {22: 11, 21: 12}, "23 lies in 11 as well, which has a partner; 13 and 24 share little"


def test_the_same_ground_under_another_number_is_renumbered():
    pieces = succession({1: box(0, 0, 1, 1)}, {5: box(0, 0, 1, 1)}, {1: 0}, [], METRES)
    assert [(each.kind, each.area_share, each.household_share) for each in pieces] == [("renumber", 1.0, None)]


def test_a_vertex_that_rounding_moved_by_a_step_is_no_transfer():
    after_a = shapely.Polygon([(113, 28), (113 + SIDE, 28), (113 + SIDE + STEP, 28 + SIDE / 2), (113 + SIDE, 28 + SIDE), (113, 28 + SIDE)])
    after_b = shapely.Polygon(
        [(113 + SIDE, 28), (113 + 2 * SIDE, 28), (113 + 2 * SIDE, 28 + SIDE), (113 + SIDE, 28 + SIDE), (113 + SIDE + STEP, 28 + SIDE / 2)]
    )
    pieces = succession({1: box(0, 0, 1, 1), 2: box(1, 0, 2, 1)}, {1: after_a, 2: after_b}, {1: 1, 2: 1}, [], METRES)
    assert set(told(pieces)) == {(1, 1), (2, 2)}


@given(st.integers(0, 10_000), st.lists(st.floats(0, 1e6), min_size=1, max_size=20))
def test_whole_numbers_spread_by_weight_always_sum_to_the_whole(total, weights):
    numbers = apportion(total, weights)
    assert all(each >= 0 for each in numbers)
    assert sum(numbers) == (total if sum(weights) > 0 else 0)
