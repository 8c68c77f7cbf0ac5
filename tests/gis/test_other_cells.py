"""Hexagons are where they should be, and a hot spot that only one way of cutting shows is told from one that all show."""

import numpy as np
import pytest
import shapely
from scipy.spatial import cKDTree
from shapely.geometry import Polygon, box

from gis.errors import BadGeometry, BadValue, TooLarge
from gis.hotspots.gi import local_g
from gis.hotspots.hexagons import NOWHERE, hexagons_of
from gis.hotspots.other_cells import on_other_cells
from gis.hotspots.weights import queen

GROUND = Polygon([(0, 0), (5000, 300), (5200, 3900), (2000, 4400), (-400, 2500)])


@pytest.mark.parametrize("origin", [(0.0, 0.0), (37.0, -91.0), (1e6, 5e5)])
def test_a_point_lies_in_the_cell_of_the_nearest_middle(origin: tuple[float, float]) -> None:
    cells = hexagons_of(GROUND, cell_m2=40_000, origin=origin)
    points = np.random.default_rng(1).random((20_000, 2)) * 5000
    found, (apart, nearest) = cells.at(points), cKDTree(cells.middles).query(points)
    inside = found != NOWHERE
    assert (found[inside] == nearest[inside]).all()
    assert apart[inside].max() <= cells.side_m
    assert (apart[~inside] > cells.side_m * np.sqrt(3) / 2 - 1e-9).all()
    shapes = cells.shapes()
    assert shapely.area(shapes) == pytest.approx(40_000)
    assert shapely.contains_xy(shapes[found[inside]], *points[inside].T).all()
    assert len(cells) == pytest.approx(GROUND.area / 40_000, rel=0.05)


def test_neighbours_are_the_cells_whose_borders_touch() -> None:
    cells = hexagons_of(GROUND, cell_m2=250_000)
    grown = shapely.buffer(cells.shapes(), 1e-3)
    one, other = shapely.STRtree(grown).query(grown, predicate="intersects")
    pairs = {(int(a), int(b)) for a, b in zip(one, other, strict=True) if a != b}
    ours = cells.neighbours()
    assert {(at, int(beside)) for at in range(len(cells)) for beside in ours.of(at)} == pairs
    assert int(ours.number.max()) == 6
    by_border = queen(cells.shapes())
    assert (by_border.first == ours.first).all() and (by_border.index == ours.index).all()


def test_counts_of_cells_add_up_to_the_points_inside() -> None:
    cells = hexagons_of(GROUND, cell_m2=90_000)
    points = np.random.default_rng(2).random((5_000, 2)) * 6000 - 500
    inside = cells.at(points) >= 0
    assert cells.counts(points).sum() == inside.sum()
    assert cells.counts(points, np.full(5_000, 2.5)).sum() == pytest.approx(2.5 * inside.sum())


def test_cells_of_nothing_or_too_many_are_refused() -> None:
    for refusal, ask in (
        (BadGeometry, lambda: hexagons_of(Polygon(), cell_m2=10)),
        (BadGeometry, lambda: hexagons_of(Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]), cell_m2=10)),
        (BadValue, lambda: hexagons_of(GROUND, cell_m2=0)),
        (BadValue, lambda: hexagons_of(box(10, 10, 11, 11), cell_m2=1e8)),
        (TooLarge, lambda: hexagons_of(GROUND, cell_m2=1)),
    ):
        with pytest.raises(refusal):
            ask()


def board(side: int, step: float) -> list[Polygon]:
    return [box(c * step, r * step, (c + 1) * step, (r + 1) * step) for r in range(side) for c in range(side)]


def incidents(risk: np.ndarray, step: float, side: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    count = random.poisson(risk)
    row, column = np.divmod(np.repeat(np.arange(side * side), count), side)
    return (np.column_stack([column, row]) + random.random((count.sum(), 2))) * step


def test_a_broad_hot_spot_is_steady_and_chance_is_not() -> None:
    side, step = 20, 100.0
    row, column = np.divmod(np.arange(side * side), side)
    planted = (abs(row - 10) <= 2) & (abs(column - 7) <= 2)
    points = incidents(np.where(planted, 25.0, 5.0), step, side, 3)
    shapes = board(side, step)
    counts = np.bincount((points[:, 1] // step * side + points[:, 0] // step).astype(int), minlength=side * side)
    found = local_g(counts, queen(shapes), seed=1)
    hot = (found.q <= 0.05) & (found.z > 0)
    again = on_other_cells(shapes, hot, points, seed=1)
    assert (again.cuts["refusal"] == "").all()
    assert (again.cuts["jaccard"] > 0.5).all()
    inner = (abs(row - 10) <= 1) & (abs(column - 7) <= 1)
    assert again.table["steady"][inner].all() and again.table["steady"][planted].mean() > 0.6  # corners have more cold ground around
    assert not again.table["steady"][~hot].any()
    assert again.agree == again.table["steady"].sum() and again.hot == hot.sum()
    lonely = np.zeros(side * side, dtype=bool)
    lonely[5] = True
    assert on_other_cells(shapes, lonely, points, seed=1).agree == 0


def test_where_many_live_more_happens_and_with_homes_that_is_not_hot() -> None:
    side, step = 20, 100.0
    row, column = np.divmod(np.arange(side * side), side)
    dense = (abs(row - 10) <= 2) & (abs(column - 7) <= 2)
    households = np.where(dense, 500, 100)
    points = incidents(households * 0.05, step, side, 4)
    middles = shapely.get_coordinates(shapely.centroid(np.array(board(side, step))))
    hot = np.zeros(side * side, dtype=bool)
    bare, told = on_other_cells(board(side, step), hot, points), on_other_cells(board(side, step), hot, points, homes=(middles, households))
    assert (bare.cuts["hot_cells"] > 10).all()
    assert told.cuts["hot_cells"].sum() <= 5


def test_a_cut_with_too_little_is_refused_and_the_others_are_asked() -> None:
    side, step = 8, 100.0
    points = incidents(np.full(64, 4.0), step, side, 5)
    again = on_other_cells(board(side, step), np.zeros(64, dtype=bool), points, cuts=((1.0, 0.0), (9.0, 0.0)), permutations=999)
    assert again.cuts["refusal"].tolist()[0] == "" and "areas" in again.cuts["refusal"].tolist()[1]
    assert again.table["hot_share_2"].isna().all()
    with pytest.raises(BadValue):
        on_other_cells(board(8, 100.0), np.zeros(3), points)
