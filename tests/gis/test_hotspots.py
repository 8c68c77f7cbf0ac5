"""Hot spots agree with the reference software, are found where they were planted, and are refused on too little."""

import json

import numpy as np
import pytest
import shapely
from scipy.stats import false_discovery_control
from shapely.geometry import Polygon, box

from gis.errors import BadValue, NothingToAnalyse
from gis.hotspots.contiguity import queen_neighbours
from gis.hotspots.gi_star import classes, gi_star, local_g_star
from gis.hotspots.rates import empirical_bayes_rates, raw_rates
from tests.gis.tessellations import shared


def board(side: int) -> list[Polygon]:
    return [box(column, row, column + 1, row + 1) for row in range(side) for column in range(side)]


@pytest.mark.parametrize("data", ["columbus_crime", "nc_sids74"])
def test_gi_star_and_its_false_discovery_control_equal_spdep(data: str) -> None:
    answer = json.loads(shared(f"hotspot/{data}.json").read_text())
    neighbours = [np.atleast_1d(each).astype(np.int64) for each in answer["neighbours0"]]
    z, p = local_g_star(answer["value"], neighbours, permutations=999, seed=1)
    assert np.abs(z - answer["Gstar_B"]).max() < 1e-9
    assert ((p > 0) & (p <= 1)).all()
    assert np.abs(false_discovery_control(answer["Gstar_p_two_sided"]) - answer["Gstar_p_fdr_BH"]).max() < 1e-12


@pytest.mark.parametrize("reach", [30, 60, 90, 120])
def test_the_worked_example_of_getis_and_ord_equals_spdep(reach: int) -> None:
    answer = json.loads(shared("hotspot/getisord_localG.json").read_text())
    places = np.column_stack([answer["x"], answer["y"]])
    apart = np.hypot(*(places[:, None, :] - places[None, :, :]).transpose(2, 0, 1))
    neighbours = [np.flatnonzero((row <= reach) & (np.arange(len(row)) != at)) for at, row in enumerate(apart)]
    z, _ = local_g_star(answer["val"], neighbours, permutations=99, seed=1)
    assert np.abs(z - answer[f"Gstar{reach}"]).max() < 1e-9


def test_empirical_bayes_equals_spdep() -> None:
    answer = json.loads(shared("hotspot/nc_empirical_bayes.json").read_text())
    assert np.abs(empirical_bayes_rates(answer["cases"], answer["pop"]) - answer["EBest"]).max() < 1e-12


def test_permutation_p_equals_a_plain_conditional_permutation() -> None:
    random = np.random.default_rng(5)
    values = random.poisson(2.0, 100) + 0.1 * random.random(100)
    neighbours = queen_neighbours(board(10))
    z, p = local_g_star(values, neighbours, permutations=9_999, seed=3)
    for area in (0, 7, 44, 55, 99):
        others = np.delete(values, area)
        draws = np.array([random.choice(others, len(neighbours[area]), replace=False).sum() for _ in range(9_999)])
        seen = values[neighbours[area]].sum()
        tail = (draws >= seen - 1e-9).mean() if z[area] > 0 else (draws <= seen + 1e-9).mean()
        assert p[area] == pytest.approx(min(1, 2 * tail), abs=0.03)


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


def test_rates_of_nobody_are_unknown() -> None:
    assert np.isnan(raw_rates([3, 1], [0, 4])[0])
    assert np.isnan(empirical_bayes_rates([3, 1], [0, 4])[0])
    assert np.isnan(empirical_bayes_rates([3], [0])).all()
    assert empirical_bayes_rates([0, 0], [5, 7]).tolist() == [0, 0]


def test_neighbours_share_a_border_or_a_corner() -> None:
    shapes = board(3)
    touching = [[other for other in range(9) if other != at and shapely.touches(shapes[at], shapes[other])] for at in range(9)]
    assert [each.tolist() for each in queen_neighbours(shapes)] == touching
    assert queen_neighbours([]) == []


def test_classes_follow_the_sign_and_the_adjusted_p() -> None:
    z = np.array([3.0, 3, 3, 3, -3, -3, -3])
    q = np.array([0.01, 0.05, 0.1, 0.11, 0.005, 0.03, 0.07])
    assert classes(z, q).tolist() == ["hot_99", "hot_95", "hot_90", "none", "cold_99", "cold_95", "cold_90"]
