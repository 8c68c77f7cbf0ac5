"""Hot spots of grids are found where they were planted, and are refused on too little."""

import numpy as np
import pytest
from shapely.geometry import Polygon, box

from gis.errors import BadValue, NothingToAnalyse
from gis.hotspots.gi import bins, classes
from gis.hotspots.gi_star import gi_star
from gis.hotspots.rates import raw_rates


def board(side: int) -> list[Polygon]:
    return [box(column, row, column + 1, row + 1) for row in range(side) for column in range(side)]


def test_a_planted_cluster_is_found_and_the_rest_is_not() -> None:
    random = np.random.default_rng(1)
    side = 20
    households = random.integers(100, 300, side * side)
    row, column = np.divmod(np.arange(side * side), side)
    planted = (abs(row - 12) <= 2) & (abs(column - 6) <= 2)
    answer = gi_star(board(side), random.poisson(households * np.where(planted, 0.08, 0.02)), households, seed=4)
    hot = answer.table["class"].str.startswith("hot").to_numpy()
    # The ring around the cluster has hot neighbours, so Gi* calls it hot too.
    around = (abs(row - 12) <= 3) & (abs(column - 6) <= 3)
    assert hot[planted].mean() > 0.8  # its corners have more cold neighbours than hot ones
    assert hot[~around].mean() < 0.02
    again = gi_star(board(side), answer.table["count"], households, seed=4)
    assert again.table.equals(answer.table)


def test_no_map_of_chance_is_hot() -> None:
    random = np.random.default_rng(2)
    households = random.integers(100, 300, 400)
    hot = sum(
        (gi_star(board(20), random.negative_binomial(0.5, 0.2, 400), households, seed=run).table["q"] <= 0.05).any() for run in range(10)
    )
    assert hot <= 2


def test_islands_and_empty_grids_are_left_out_and_listed() -> None:
    random = np.random.default_rng(3)
    borders = [*board(8), box(50, 50, 51, 51)]
    households = np.full(65, 200)
    households[10] = 0
    answer = gi_star(borders, random.poisson(random.integers(2, 20, 65)), households, seed=1)
    assert (answer.islands, answer.empty, answer.analysed) == ([64], [10], 63)
    assert answer.table["class"].iloc[[10, 64]].tolist() == ["excluded", "excluded"]
    assert np.isnan(answer.table["z"].iloc[[10, 64]]).all()
    assert answer.table["neighbours"].iloc[0] == 3


def test_grids_of_few_homes_are_left_out_however_much_happens_there() -> None:
    random = np.random.default_rng(5)
    households = np.full(100, 200)
    households[[44, 45]] = 3, 20
    counts = random.poisson(random.integers(2, 20, 100))
    counts[44] = 90
    answer = gi_star(board(10), counts, households, seed=1)
    assert (answer.small, answer.empty, answer.analysed) == ([44], [], 99)
    assert answer.table["class"].iloc[44] == "excluded" and np.isnan(answer.table["z"].iloc[44])
    assert np.isfinite(answer.table["z"].iloc[45])


@pytest.mark.parametrize(
    ("side", "counts"),
    [(5, np.full(25, 9)), (6, np.ones(36)), (10, np.where(np.arange(100) < 9, 50, 0)), (8, np.full(64, 5))],
)
def test_too_little_is_refused(side: int, counts: np.ndarray) -> None:
    with pytest.raises(NothingToAnalyse):
        gi_star(board(side), counts, np.full(side * side, 200))


def test_bad_counts_are_refused() -> None:
    for counts, households in (([1, 2], [1]), ([-1], [1]), ([np.nan], [1]), ([1], [np.inf])):
        with pytest.raises(BadValue):
            raw_rates(counts, households)
    with pytest.raises(BadValue):
        gi_star(board(6), np.ones(35), np.ones(35))
    with pytest.raises(BadValue):
        gi_star(board(6), np.ones(36), np.ones(36), permutations=10)


def test_classes_follow_the_sign_and_the_adjusted_p() -> None:
    z = np.array([3.0, 3, 3, 3, -3, -3, -3])
    q = np.array([0.01, 0.05, 0.1, 0.11, 0.005, 0.03, 0.07])
    assert classes(z, q).tolist() == ["hot_99", "hot_95", "hot_90", "none", "cold_99", "cold_95", "cold_90"]
    assert bins(z, q).tolist() == [3, 2, 1, 0, -3, -2, -1]
