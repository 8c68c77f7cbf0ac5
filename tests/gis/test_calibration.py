"""Under chance alone the methods are wrong as often as they say: 1,000 seeded nulls each, small enough to take seconds."""

import numpy as np
import pytest
from numpy.typing import NDArray

from gis.hotspots.emerging import emerging
from gis.hotspots.gi import local_g
from gis.hotspots.knox import knox
from gis.hotspots.moran import local_moran
from gis.hotspots.rates import eb_standardised
from gis.hotspots.scan import Sought, scan
from gis.hotspots.scan_time import Cylinders, permutation_scan
from gis.hotspots.weights import Neighbours, pairs_given

NULLS = 1_000
LEVELS = (0.01, 0.05, 0.1, 0.2)
SIDE = 8
Floats = NDArray[np.float64]


def board(side: int) -> Neighbours:
    row, column = np.divmod(np.arange(side * side), side)
    near = (abs(row[:, None] - row) <= 1) & (abs(column[:, None] - column) <= 1)
    return pairs_given(*np.nonzero(near), side * side)


def within_three_errors(share: float, level: float, number: int = NULLS) -> bool:
    return abs(share - level) <= 3.3 * np.sqrt(level * (1 - level) / number) + 1e-9


def null(kind: str, random: np.random.Generator) -> Floats:
    """Values without any pattern: even, as skewed as incidents are, or whole counts that tie."""
    size = SIDE * SIDE
    if kind == "normal":
        return random.normal(size=size)
    if kind == "skewed":
        return random.gamma(0.3, size=size)
    if kind == "rates":
        households = random.integers(40, 600, size)
        return eb_standardised(random.poisson(households * 0.05), households)
    return random.negative_binomial(0.7, 0.2, size).astype(float)


@pytest.mark.parametrize("kind", ["normal", "skewed", "rates", "counts"])
@pytest.mark.parametrize("method", ["gi", "gi_star", "moran"])
def test_p_of_an_area_is_small_as_often_as_it_says(method: str, kind: str) -> None:
    random, neighbours = np.random.default_rng(len(kind) + len(method)), board(SIDE)
    areas = (0, 9, 27, 36)  # a corner, one beside it, two inside
    p = np.empty((NULLS, len(areas)))
    any_hot = 0
    for run in range(NULLS):
        values = null(kind, random)
        found = (
            local_moran(values, neighbours, permutations=999, seed=run)
            if method == "moran"
            else local_g(values, neighbours, star=method == "gi_star", permutations=999, seed=run)
        )
        p[run] = found.p[list(areas)]
        any_hot += bool((found.q <= 0.05).any())
    for level in LEVELS:
        for share in (p <= level).mean(axis=0):
            # Two sides of a skewed law are each as often small as half the level; counts tie, and ties make p larger, never smaller.
            assert share <= level + 3.3 * np.sqrt(level * (1 - level) / NULLS) + 1e-9
            assert kind == "counts" or share >= 0.55 * level - 0.006
        assert kind != "normal" or within_three_errors(float((p <= level).mean()), level, NULLS * 2)
    # False-discovery control: no map of chance has a hot or cold area more often than that.
    assert any_hot / NULLS <= 0.05 + 3.3 * np.sqrt(0.05 * 0.95 / NULLS)


@pytest.mark.parametrize("model", ["poisson", "bernoulli"])
def test_the_first_circle_is_beyond_chance_as_often_as_its_p_says(model: str) -> None:
    random = np.random.default_rng(7)
    places, population = random.random((36, 2)) * 1000, random.integers(20, 400, 36)
    p = np.empty(NULLS)
    for run in range(NULLS):
        cases = (
            random.multinomial(90, population / population.sum())
            if model == "poisson"
            else random.multivariate_hypergeometric(population, 90)
        )
        found = scan(places, cases, population, model=model, sought=Sought(max_share=0.3, permutations=99, seed=run))  # type: ignore[arg-type]
        p[run] = found.clusters[0].p if found.clusters else 1.0
    for level in LEVELS:
        assert within_three_errors(float((p <= level).mean()), level)


def test_the_daily_watch_alarms_as_often_as_it_says() -> None:
    random = np.random.default_rng(8)
    places, busy = random.random((25, 2)) * 1000, random.integers(1, 9, 25)
    p = np.empty(NULLS)
    for run in range(NULLS):
        counts = random.multinomial(150, np.outer(busy, np.ones(14)).ravel() / busy.sum() / 14).reshape(25, 14)
        watch = permutation_scan(places, counts, cylinders=Cylinders(4, prospective=True), sought=Sought(0.3, permutations=99, seed=run))
        p[run] = watch.scan.clusters[0].p if watch.scan.clusters else 1.0
    for level in LEVELS:
        assert within_three_errors(float((p <= level).mean()), level)


def test_near_repeats_are_found_in_chance_no_more_often_than_p_says() -> None:
    random = np.random.default_rng(9)
    p = np.empty(NULLS)
    for run in range(NULLS):
        points, days = random.random((50, 2)) * 1000, random.random(50) * 100
        p[run] = knox(points, days, bands_m=[0, 300], bands_days=[0, 25], permutations=99, seed=run).table["p"].iloc[0]
    for level in LEVELS:
        share = float((p <= level).mean())
        # Pairs are whole numbers: replicas that tie make p larger.
        assert 0.6 * level - 0.005 <= share <= level + 3.3 * np.sqrt(level * (1 - level) / NULLS)


def test_a_cube_of_chance_has_no_pattern_as_often_as_false_discovery_control_says() -> None:
    random, neighbours = np.random.default_rng(10), board(6)
    hot = sum(
        bool((emerging(random.gamma(0.5, size=(36, 10)), neighbours, permutations=9_999, seed=run).signs != 0).any())
        for run in range(NULLS)
    )
    assert hot / NULLS <= 0.05 + 3.3 * np.sqrt(0.05 * 0.95 / NULLS)
