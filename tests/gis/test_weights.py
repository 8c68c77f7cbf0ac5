"""Neighbours equal libpysal's on the same polygons and places, and what an inexact coverage hides is told."""

import warnings

import numpy as np
import pytest
import shapely
from shapely.geometry import MultiPolygon, Point, box

from gis.errors import BadGeometry, BadValue, TooLarge
from gis.hotspots import weights
from gis.hotspots.weights import Neighbours, distance_band, nearest, of_borders, pairs_given, queen, rook, unjoined
from tests.gis.tessellations import tessellation


def board(side: int) -> list[shapely.Polygon]:
    return [box(column, row, column + 1, row + 1) for row in range(side) for column in range(side)]


def theirs(kind: str, *given: object, **options: object) -> list[list[int]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import libpysal.weights as peer  # noqa: PLC0415  takes seconds to load

        found = getattr(peer, kind)(*given, **options)
    return [sorted(found.neighbors[row]) for row in range(found.n)]


def ours(found: Neighbours) -> list[list[int]]:
    return [found.of(area).tolist() for area in range(len(found))]


@pytest.mark.parametrize("seed", range(4))
def test_queen_and_rook_equal_libpysal_on_random_coverages(seed: int) -> None:
    faces, _ = tessellation(seed, 120 + 60 * seed)
    assert ours(queen(faces)) == theirs("Queen", faces)
    assert ours(rook(faces)) == theirs("Rook", faces)


def test_rook_knows_no_corners_and_queen_does() -> None:
    assert ours(rook(board(3)))[4] == [1, 3, 5, 7]
    assert ours(queen(board(3)))[4] == [0, 1, 2, 3, 5, 6, 7, 8]


def test_neighbours_meet_and_areas_that_meet_are_neighbours() -> None:
    faces, _ = tessellation(9, 100)
    meeting = [[other for other in range(len(faces)) if other != at and faces[at].intersects(faces[other])] for at in range(len(faces))]
    assert ours(queen(faces)) == meeting
    assert unjoined(faces, queen(faces)) == []


def test_areas_in_several_pieces_and_with_holes_have_the_neighbours_of_all_their_rings() -> None:
    hole = box(0, 0, 3, 3).difference(box(1, 1, 2, 2))
    shapes = [hole, box(1, 1, 2, 2), MultiPolygon([box(3, 0, 4, 3), box(8, 8, 9, 9)]), box(9, 8, 10, 9)]
    assert ours(queen(shapes)) == [[1, 2], [0], [0, 3], [2]]
    assert ours(rook(shapes)) == [[1, 2], [0], [0, 3], [2]]


def test_no_shapes_have_no_neighbours_and_lonely_ones_are_islands() -> None:
    assert len(queen([])) == 0
    assert queen([box(0, 0, 1, 1), box(5, 5, 6, 6)]).islands.tolist() == [0, 1]


def test_minus_zero_is_zero() -> None:
    assert ours(rook([box(-1.0, 0.0, -0.0, 1.0), box(0.0, 0.0, 1.0, 1.0)])) == [[1], [0]]


def test_points_have_no_border() -> None:
    with pytest.raises(BadGeometry):
        queen([Point(0, 0)])


def test_areas_that_meet_without_a_vertex_in_common_are_told() -> None:
    shapes = [box(0, 0, 1, 2), box(1, 0.5, 2, 1.5), box(1, 1.5, 2, 3)]
    assert unjoined(shapes, queen(shapes)) == [(0, 1), (0, 2)]


@pytest.mark.parametrize("metres", [0.03, 0.1, 0.5])
def test_distance_bands_equal_libpysal(metres: float) -> None:
    places = np.random.default_rng(3).random((200, 2))
    assert ours(distance_band(places, metres)) == theirs("DistanceBand", places, threshold=metres, silence_warnings=True)


@pytest.mark.parametrize("k", [1, 6, 20])
def test_nearest_equal_libpysal(k: int) -> None:
    places = np.random.default_rng(4).random((300, 2))
    assert ours(nearest(places, k)) == theirs("KNN", places, k=k)


def test_among_equally_near_places_the_first_wins() -> None:
    places = [[0, 0], [0, 1], [1, 0], [0, -1], [-1, 0]]
    assert ours(nearest(places, 2))[0] == [1, 2]
    assert ours(nearest(np.zeros((6, 2)), 2)) == [[1, 2], [0, 2], [0, 1], [0, 1], [0, 1], [0, 1]]


def test_what_cannot_be_a_neighbourhood_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    places = np.random.default_rng(5).random((50, 2))
    for refused in (lambda: nearest(places, 50), lambda: nearest(places, 0), lambda: distance_band(places, 0), lambda: distance_band(places, np.nan),
                    lambda: distance_band([[0, np.inf]], 1), lambda: pairs_given([0], [3], 3)):  # fmt: skip
        with pytest.raises(BadValue):
            refused()
    monkeypatch.setattr(weights, "MAX_PAIRS", 100)
    with pytest.raises(TooLarge):
        distance_band(places, 1.0)


def test_neighbours_among_some_areas_are_numbered_anew() -> None:
    kept = np.array([True, False, True, True, False, True, True, True, True])
    part = queen(board(3)).only(kept)
    again = queen([shape for shape, own in zip(board(3), kept, strict=True) if own])
    assert ours(part) == ours(again)
    assert part.csr().sum() == len(again.index)


def test_pairs_that_come_twice_or_name_the_area_itself_count_once_or_not() -> None:
    assert ours(pairs_given([0, 0, 1, 2], [1, 1, 0, 2], 3)) == [[1], [0], []]


def test_weights_are_built_once_for_each_version_of_the_borders(monkeypatch: pytest.MonkeyPatch) -> None:
    faces, _ = tessellation(3, 150)
    built = []
    original = weights.queen
    monkeypatch.setattr(weights, "queen", lambda shapes: built.append(1) or original(shapes))
    first, again = of_borders("queen", faces), of_borders("queen", list(faces))
    assert first is again and len(built) == 1
    assert ours(first) == theirs("Queen", faces)
    moved = [shapely.transform(faces[0], lambda c: c + 2.0**-27), *faces[1:]]
    assert ours(of_borders("queen", moved)) != ours(first) and len(built) == 2
    assert ours(of_borders("rook", faces)) == theirs("Rook", faces)
