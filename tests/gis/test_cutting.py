"""Polygons cut along borders: no ground is lost or made, and what a border only follows stays whole."""

import numpy as np
import pytest
import shapely

from gis.cutting import along, within
from gis.lattice import STEP

SQUARES = np.array([shapely.box(x * 1024 * STEP, 0, (x + 1) * 1024 * STEP, 1024 * STEP) for x in range(4)], dtype=object)


def area(west: float, east: float) -> shapely.Polygon:
    return shapely.box(west * 1024 * STEP, -STEP, east * 1024 * STEP, 2048 * STEP)


def test_what_a_border_runs_through_is_cut_and_nothing_is_lost() -> None:
    pieces, numbers = along(SQUARES, [area(0.5, 2.25), area(2.25, 3)])
    assert numbers.tolist() == [0, 0, 1, 2, 2, 3]
    assert np.bincount(numbers, weights=shapely.area(pieces)) == pytest.approx(shapely.area(SQUARES))
    assert [shapely.equals(pieces[at], SQUARES[number]) for at, number in ((2, 1), (5, 3))] == [True, True]


def test_a_border_a_step_beside_cuts_nothing() -> None:
    pieces, numbers = along(SQUARES, [shapely.box(1024 * STEP, 0, 2049 * STEP, 1024 * STEP)])
    assert numbers.tolist() == [0, 1, 2, 3]
    assert all(shapely.equals(pieces, SQUARES))


def test_within_an_area_only_what_lies_there_is_told() -> None:
    pieces, numbers = within(SQUARES, shapely.union(area(0.25, 0.5), area(0.75, 2)))
    assert numbers.tolist() == [0, 0, 1]
    assert shapely.area(pieces).sum() == pytest.approx(1.5 * shapely.area(SQUARES[0]))


def test_without_areas_everything_stays() -> None:
    pieces, numbers = along(SQUARES, [])
    assert pieces is SQUARES
    assert numbers.tolist() == [0, 1, 2, 3]
