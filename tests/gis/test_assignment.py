"""Many places find their grids exactly as GEOS does, on borders by the lowest code, off finite ground not at all."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Polygon, box

from gis.assignment import REACH_M, GridLocator
from gis.errors import BadGeometry, BadValue
from tests.gis.tessellations import HEIGHT, METRES, SOUTH, WEST, WIDTH, tessellation


def brute_force(borders: list[Polygon], ids: np.ndarray, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    covers = shapely.covers(np.array(borders)[None, :], shapely.points(lon, lat)[:, None])
    return np.where(covers.any(axis=1), ids[np.argmax(covers, axis=1)], -1)


def places_of(borders: list[Polygon], seed: int) -> np.ndarray:
    """Random places, every vertex, the middle and another point of every edge, and a hair beside them."""
    random = np.random.default_rng(seed)
    loose = random.random((2000, 2)) * [WIDTH * 1.2, HEIGHT * 1.2] + [WEST - WIDTH / 10, SOUTH - HEIGHT / 10]
    vertices = shapely.get_coordinates(borders)
    middles = (vertices[1:] + vertices[:-1]) / 2
    near = vertices + random.choice([-1e-15, 1e-15, 1e-13, -1e-13, 1e-11, 1e-9], vertices.shape)
    level = np.column_stack([random.random(len(vertices)) * WIDTH + WEST, vertices[:, 1]])
    return np.concatenate([loose, vertices, middles, near, level])


@given(st.integers(0, 40), st.integers(1, 30))
@settings(max_examples=30, deadline=None)
def test_assignment_equals_brute_force(seed: int, cells: int) -> None:
    borders, _ = tessellation(seed, cells)
    ids = np.random.default_rng(seed).permutation(10_000)[: len(borders)]
    places = places_of(borders, seed)
    answer = GridLocator(borders, ids).assign(places[:, 0], places[:, 1])
    assert np.array_equal(answer.ids, brute_force(borders, ids, places[:, 0], places[:, 1]))
    edges = shapely.union_all([border.boundary for border in borders])
    assert np.array_equal(answer.on_border, shapely.intersects(edges, shapely.points(places)))


@given(st.integers(0, 20), st.integers(2, 12))
@settings(max_examples=15, deadline=None)
def test_distances_are_metres_to_the_nearest_border(seed: int, cells: int) -> None:
    borders, _ = tessellation(seed, cells)
    places = places_of(borders, seed)[:2000]
    locator = GridLocator(borders, np.arange(len(borders)))
    answer = locator.assign(places[:, 0], places[:, 1])
    edges = METRES.to_metres(shapely.union_all([border.boundary for border in borders]))
    true = shapely.distance(edges, METRES.to_metres(shapely.points(places)))
    assert np.abs(answer.distance_m - np.minimum(true, REACH_M)).max() < 0.05
    assert np.array_equal(answer.ambiguous, answer.distance_m < 10)
    quick = locator.assign(places[:, 0], places[:, 1], distances=False)
    assert np.array_equal(quick.ids, answer.ids)
    assert np.array_equal(locator.ids_at(places[:, 0], places[:, 1]), answer.ids)
    assert np.array_equal(quick.ambiguous, answer.ambiguous)
    assert np.array_equal(quick.distance_m, np.minimum(answer.distance_m, np.float32(10)))


@given(st.integers(0, 20), st.integers(1, 12))
@settings(max_examples=10, deadline=None)
def test_one_place_is_answered_as_many_are(seed: int, cells: int) -> None:
    borders, _ = tessellation(seed, cells)
    locator = GridLocator(borders, np.arange(len(borders)) + 7)
    places = places_of(borders, seed)[1900:2300]
    many = locator.assign(places[:, 0], places[:, 1])
    for row, (lon, lat) in enumerate(places.tolist()):
        one = locator.locate_one(lon, lat)
        assert (one.id, one.on_border, one.ambiguous) == (many.ids[row], many.on_border[row], many.ambiguous[row])
        assert one.distance_m == pytest.approx(float(many.distance_m[row]), abs=1e-3)


def test_a_place_on_a_shared_border_belongs_to_the_first_grid() -> None:
    west, east = box(0, 0, 1, 1), box(1, 0, 2, 1)
    assert GridLocator([west, east], [4, 3]).assign([1.0], [0.5]).ids.tolist() == [4]
    assert GridLocator([east, west], [3, 4]).assign([1.0], [0.5]).ids.tolist() == [3]


def test_holes_gaps_and_islands_are_nobodys_or_their_own() -> None:
    ring = Polygon(box(0, 0, 4, 4).exterior, [box(1, 1, 3, 3).exterior])
    answer = GridLocator([ring, MultiPolygon([box(2, 2, 3, 3), box(6, 0, 7, 1)])], [10, 20]).assign(
        [0.5, 1.5, 2.5, 6.5, 5.0, 3.5], [0.5, 1.5, 2.5, 0.5, 0.5, 3.9]
    )
    assert answer.ids.tolist() == [10, -1, 20, 20, -1, 10]


def test_borders_that_overlap_or_do_not_match_are_answered_as_exactly() -> None:
    borders = [box(0, 0, 2, 2), box(1, 1, 3, 3), box(3, 0, 4, 1.5), box(3, 1.5, 4, 3)]
    grid = np.stack(np.meshgrid(np.arange(-1, 10) / 2, np.arange(-1, 8) / 2), axis=-1).reshape(-1, 2)
    answer = GridLocator(borders, np.arange(4)).assign(grid[:, 0], grid[:, 1])
    assert np.array_equal(answer.ids, brute_force(borders, np.arange(4), grid[:, 0], grid[:, 1]))
    assert GridLocator(borders, np.arange(4)).locate_one(1.5, 1.5).id == 0


def test_places_that_are_not_finite_have_no_grid_and_no_distance() -> None:
    locator = GridLocator([box(0, 0, 1, 1)], [1])
    answer = locator.assign([np.nan, np.inf, 0.5], [0.5, 0.5, np.nan])
    assert answer.ids.tolist() == [-1, -1, -1]
    assert np.isnan(answer.distance_m).all()
    assert not answer.ambiguous.any()
    assert locator.locate_one(float("nan"), 0.5).id == -1


def test_no_borders_and_no_places_are_no_error() -> None:
    assert GridLocator([], []).assign([1.0], [1.0]).ids.tolist() == [-1]
    assert GridLocator([], []).locate_one(1.0, 1.0).id == -1
    assert len(GridLocator([box(0, 0, 1, 1)], [1]).assign([], []).ids) == 0


def test_bad_borders_ids_places_and_tolerances_are_refused() -> None:
    with pytest.raises(BadGeometry):
        GridLocator([Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])], [1])
    with pytest.raises(BadValue):
        GridLocator([box(0, 0, 1, 1)], [1, 2])
    with pytest.raises(BadValue):
        GridLocator([box(0, 0, 1, 1)], [1], tolerance_m=-1)
    with pytest.raises(BadValue):
        GridLocator([box(0, 0, 1, 1)], [1]).assign([1.0, 2.0], [1.0])
