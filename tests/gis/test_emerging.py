"""Emerging hot spots: the 17 categories by a truth table made by hand, Gi* and trends as the reference software has them."""

import json
import warnings

import numpy as np
import pytest
from scipy.stats import kendalltau, norm

from gis.errors import BadValue, NothingToAnalyse
from gis.hotspots.emerging import CATEGORIES, NONE, categories, emerging, enough_in_bins, mann_kendall
from gis.hotspots.gi import local_g
from gis.hotspots.weights import Neighbours, pairs_given
from tests.gis.tessellations import shared

# H hot, c cold, . neither; then the significant trend of z; ten steps, so that 90 % are nine.
TRUTH = [
    ("..........", 0, NONE),
    ("..........", 1, NONE),
    (".........H", 0, "new hot spot"),
    (".........H", 1, "new hot spot"),
    (".........H", -1, "new hot spot"),
    ("........HH", 0, "consecutive hot spot"),
    ("..HHHHHHHH", 1, "consecutive hot spot"),
    (".HHHHHHHHH", 1, "intensifying hot spot"),
    ("HHHHHHHHHH", 1, "intensifying hot spot"),
    ("HHHH.HHHHH", 1, "intensifying hot spot"),
    ("HHHHHHHHHH", 0, "persistent hot spot"),
    (".HHHHHHHHH", 0, "persistent hot spot"),
    ("HHHHc.HHHH", 0, "oscillating hot spot"),
    ("HHHHcHHHHH", 0, "persistent hot spot"),
    ("HHHHHHHHHH", -1, "diminishing hot spot"),
    ("H.HHHHHHHH", -1, "diminishing hot spot"),
    ("H........H", 0, "sporadic hot spot"),
    ("H.H.H.H.H.", 0, NONE),
    (".H.H.H.H.H", 1, "sporadic hot spot"),
    ("HH.HHHHH.H", 0, "sporadic hot spot"),
    ("H.....HHHH", 0, "sporadic hot spot"),
    ("c........H", 0, "oscillating hot spot"),
    ("c.......HH", 0, "oscillating hot spot"),
    ("cH.......H", 0, "oscillating hot spot"),
    ("cHHHHHHHH.", 0, NONE),
    ("HHHHHHHHH.", 0, "historical hot spot"),
    ("HHHHHHHHH.", 1, "historical hot spot"),
    ("HHHHHHHHH.", -1, "historical hot spot"),
    ("HHHHHHHHHc", -1, "oscillating cold spot"),
    ("HHHHHHHH..", 0, NONE),
    ("H.........", 0, NONE),
    (".........c", 0, "new cold spot"),
    ("........cc", 0, "consecutive cold spot"),
    ("cccccccccc", -1, "intensifying cold spot"),
    (".ccccccccc", -1, "intensifying cold spot"),
    ("cccccccccc", 0, "persistent cold spot"),
    ("cccccccccc", 1, "diminishing cold spot"),
    ("c.c.c.c..c", 0, "sporadic cold spot"),
    ("H........c", 0, "oscillating cold spot"),
    ("ccccccccc.", 0, "historical cold spot"),
    ("cccccccccH", 0, "oscillating hot spot"),
]


def signs_of(steps: str) -> list[int]:
    return [{"H": 1, "c": -1, ".": 0}[each] for each in steps]


def board(side: int) -> Neighbours:
    row, column = np.divmod(np.arange(side * side), side)
    near = (abs(row[:, None] - row) <= 1) & (abs(column[:, None] - column) <= 1)
    return pairs_given(*np.nonzero(near), side * side)


@pytest.mark.parametrize(("steps", "trend", "category"), TRUTH, ids=str)
def test_categories_follow_the_published_definitions(steps: str, trend: int, category: str) -> None:
    assert categories(np.array([signs_of(steps)]), np.array([trend])).tolist() == [category]


def test_the_truth_table_has_every_category_and_both_sides_mirror_each_other() -> None:
    assert {category for _, _, category in TRUTH} == set(CATEGORIES)
    signs, trends = np.array([signs_of(steps) for steps, _, _ in TRUTH]), np.array([trend for _, trend, _ in TRUTH])
    swapped = [each.replace("hot", "*").replace("cold", "hot").replace("*", "cold") for _, _, each in TRUTH]
    assert categories(-signs, -trends).tolist() == swapped


def test_90_percent_is_exact_for_any_number_of_steps() -> None:
    for steps in (10, 20, 30, 36, 70):
        enough = -(-9 * steps // 10)
        for hot, category in ((enough, "historical hot spot"), (enough - 1, NONE)):
            signs = np.zeros((1, steps), dtype=int)
            signs[0, :hot] = 1
            assert categories(signs, np.array([0])).tolist() == [category]


def test_gi_star_per_step_and_trend_equal_sfdep() -> None:
    answer = json.loads(shared("hotspot/sfdep_bos_ehsa.json").read_text())
    rows = [[other for other in row if other != at] for at, row in enumerate(answer["neighbours_with_self0"])]
    neighbours = pairs_given(np.repeat(np.arange(len(rows)), [len(row) for row in rows]), np.concatenate(rows), len(rows))
    cube = np.array(answer["value"]).reshape(answer["n_times"], -1).T
    found = emerging(cube, neighbours, lag=1, compare="step", chance="normal")
    assert np.abs(found.z - np.array(answer["gi_star"]).reshape(answer["n_times"], -1).T).max() < 1e-9
    by_id = np.argsort(answer["location"])  # in which order sfdep tells the trends
    assert np.abs(found.tau[by_id] - answer["tau"]).max() < 1e-6
    assert np.abs(found.trend_p[by_id] - answer["mk_p"]).max() < 1e-6


def test_gi_star_of_a_step_without_lag_equals_that_of_the_step_alone() -> None:
    cube = np.random.default_rng(1).poisson(3.0, (64, 10))
    found = emerging(cube, board(8), lag=0, compare="step", permutations=99)
    for step in (0, 4, 9):
        assert np.allclose(found.z[:, step], local_g(cube[:, step], board(8), permutations=99).z, atol=1e-10)


def test_gi_star_over_the_whole_cube_is_gi_star_of_its_bins() -> None:
    size, steps = 36, 11
    cube = np.random.default_rng(2).gamma(1.0, size=(size, steps))
    space = board(6)
    pairs = [
        (area * steps + step, other * steps + earlier)
        for area in range(size)
        for step in range(steps)
        for earlier in range(max(0, step - 2), step + 1)
        for other in [area, *space.of(area).tolist()]
        if (other, earlier) != (area, step)
    ]
    bins = local_g(cube.ravel(), pairs_given(*np.array(pairs).T, size * steps), permutations=999, seed=3)
    found = emerging(cube, space, lag=2, permutations=999, seed=3)
    assert np.allclose(found.z.ravel(), bins.z, atol=1e-10)
    assert np.array_equal(found.p.ravel(), bins.p)
    assert np.array_equal(found.q.ravel(), bins.q)


def test_trend_equals_scipy_with_ties_and_the_worked_variance() -> None:
    random = np.random.default_rng(4)
    rows = random.integers(0, 6, (40, 12)).astype(float)
    tau, p = mann_kendall(rows)
    for row, seen, chance in zip(rows, tau, p, strict=True):
        pairs = sum(np.sign(row[j] - row[i]) for i in range(12) for j in range(i + 1, 12))
        assert seen == pytest.approx(pairs / 66)
        # scipy has no correction for continuity: it must give the smaller p.
        assert chance >= kendalltau(np.arange(12), row, method="asymptotic").pvalue - 1e-12
    # Ten steps without a tie have the variance 10 · 9 · 25 / 18 = 125; one pair of neighbours falls, so S = 43 and z = 42 / √125.
    assert mann_kendall([[1, 2, 3, 4, 5, 6, 7, 8, 10, 9.0]])[1][0] == pytest.approx(2 * norm.sf(42 / 125**0.5))
    assert mann_kendall(np.ones((1, 12)))[1].tolist() == [1.0]
    assert mann_kendall(np.ones((1, 12)))[0].tolist() == [0.0]


def test_a_planted_riser_is_named_and_the_rest_is_quiet() -> None:
    random = np.random.default_rng(5)
    side, steps = 14, 24
    row, column = np.divmod(np.arange(side * side), side)
    planted = (abs(row - 4) <= 1) & (abs(column - 9) <= 1)
    rate = np.full((side * side, steps), 4.0)
    rate[planted] = np.linspace(20, 40, steps)
    late = (abs(row - 11) <= 1) & (abs(column - 2) <= 1)
    rate[late, -1] = 40
    found = emerging(random.poisson(rate), board(side), lag=0, seed=1)
    middle = (row == 4) & (column == 9)
    assert found.category[middle].tolist() == ["intensifying hot spot"]
    assert found.category[(row == 11) & (column == 2)].tolist() == ["new hot spot"]
    far = (abs(row - 4) > 3) | (abs(column - 9) > 3)
    far &= (abs(row - 11) > 3) | (abs(column - 2) > 3)
    assert (found.category[far] == NONE).mean() > 0.95


def test_chance_alone_has_no_pattern() -> None:
    random = np.random.default_rng(6)
    patterned = [
        (emerging(random.negative_binomial(0.7, 0.3, (100, 12)), board(10), permutations=9_999, seed=run).signs != 0).any()
        for run in range(20)
    ]
    assert sum(patterned) <= 4


def test_islands_have_no_pattern_and_count_for_nothing() -> None:
    cube = np.random.default_rng(7).gamma(1.0, size=(65, 10))
    cube[64] = 1e6
    space = board(8)
    with_island = Neighbours(np.append(space.first, space.first[-1]), space.index)
    found, alone = emerging(cube, with_island, permutations=999), emerging(cube[:64], space, permutations=999)
    assert np.array_equal(found.z[:64], alone.z)
    assert np.isnan(found.z[64]).all()
    assert found.category[64] == NONE


def test_too_little_and_nonsense_are_refused() -> None:
    cube = np.random.default_rng(8).gamma(1.0, size=(64, 12))
    broken = cube.copy()
    broken[3, 3] = np.nan
    for values, refusal, options in (
        (cube[:, :9], NothingToAnalyse, {}),
        (np.ones((64, 12)), NothingToAnalyse, {}),
        (broken, BadValue, {}),
        (cube[:63], BadValue, {}),
        (cube, BadValue, {"lag": 12}),
        (cube, BadValue, {"permutations": 10}),
        (cube, BadValue, {"compare": "step", "lag": 1}),
    ):
        with pytest.raises(refusal):
            emerging(values, board(8), **options)
    with pytest.raises(NothingToAnalyse):
        emerging(cube[:25], board(5))
    with pytest.raises(NothingToAnalyse):
        enough_in_bins(np.full((50, 12), 0.4))


def test_a_step_in_which_nothing_differs_has_no_hot_spot() -> None:
    cube = np.random.default_rng(9).poisson(3.0, (64, 12))
    cube[:, 5] = 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = emerging(cube, board(8), lag=0, compare="step", permutations=99)
    assert (found.signs[:, 5] == 0).all()
    assert (found.p[:, 5] == 1).all()
