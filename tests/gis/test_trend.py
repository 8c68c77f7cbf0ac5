"""Trends: ratios as R has them, season and trend as the reference libraries, splits where they were made and seldom in chance."""

import numpy as np
import pymannkendall
import pytest
from scipy.stats import binom, binomtest
from statsmodels.stats.rates import test_poisson_2indep as poisson_2indep  # under its own name pytest would collect it

from gis.errors import BadValue, NothingToAnalyse
from gis.hotspots.trend import change_points, compared, decomposed, seasonal_mann_kendall, steadied, trends

MONTHS = np.tile([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], 3)
WAVE = 1 + 0.5 * np.sin(np.arange(36) * 2 * np.pi / 12)


def test_the_ratio_of_two_counts_has_the_limits_that_r_prints_for_breast_cancer() -> None:
    # The example of poisson.test in R's stats package: 11 cases in 800 person-years against 21 in 3,011.
    found = compared([11], [6 + 8 + 7], later_days=[800], earlier_days=[1083 + 1050 + 878]).iloc[0]
    assert found["ratio"] == pytest.approx(1.971488, abs=5e-7)
    assert (found["low"], found["high"]) == (pytest.approx(0.8584264, abs=5e-8), pytest.approx(4.2772659, abs=5e-7))


@pytest.mark.parametrize("seed", range(20))
def test_ratios_equal_the_exact_binomial_of_scipy(seed: int) -> None:
    random = np.random.default_rng(seed)
    later, earlier = (int(random.integers(0, 40)) for _ in range(2))
    days = random.integers(1, 31, 2).astype(float)
    found = compared([later], [earlier + (later == 0)], later_days=days[0], earlier_days=days[1]).iloc[0]
    both, chance = later + earlier + (later == 0), days[0] / days.sum()
    limits = binomtest(later, both).proportion_ci(0.95, method="exact")
    for ours, share in ((found["low"], limits.low), (found["high"], limits.high)):
        assert ours == pytest.approx(share / (1 - share) * days[1] / days[0] if share < 1 else np.inf, rel=1e-9)
    law = binom.pmf(np.arange(both + 1), both, chance)
    assert found["p"] == pytest.approx(min(1, 2 * min(law[: later + 1].sum(), law[later:].sum())), rel=1e-9)


def test_a_ratio_is_significant_where_statsmodels_finds_it_so() -> None:
    for later, earlier in ((30, 12), (5, 19), (14, 11)):
        theirs = poisson_2indep(later, 30.0, earlier, 31.0, method="exact-cond").pvalue
        ours = compared([later], [earlier], later_days=30, earlier_days=31)["p"].iloc[0]
        assert ours >= theirs * (1 - 1e-12)  # ours doubles the smaller tail, theirs adds the other tail's rarer counts
        assert (ours <= 0.05) == (theirs <= 0.05)


def test_nothing_before_is_an_infinite_ratio_and_nothing_at_all_is_none() -> None:
    found = compared([7, 0, 0], [0, 0, 7])
    assert found["ratio"].tolist()[0] == np.inf and found["low"].iloc[0] > 1 and found["high"].iloc[0] == np.inf
    assert found.iloc[1].isna().all()
    assert found["ratio"].iloc[2] == 0 and found["low"].iloc[2] == 0 and found["high"].iloc[2] < 1


def test_limits_hold_the_true_ratio_as_often_as_they_say() -> None:
    random = np.random.default_rng(1)
    for mean, ratio in ((4, 1.0), (12, 2.0), (40, 0.7)):
        found = compared(random.poisson(mean * ratio, 4_000), random.poisson(mean, 4_000))
        told = found["low"].notna()
        held = ((found["low"] <= ratio) & (found["high"] >= ratio))[told].mean()
        assert held >= 0.95 - 3.5 * np.sqrt(0.05 * 0.95 / 4_000)  # exact limits hold it more often, never less


@pytest.mark.parametrize("season", [4, 7, 12])
def test_mann_kendall_by_season_equals_pymannkendall(season: int) -> None:
    random = np.random.default_rng(season)
    rows = np.round(random.gamma(2.0, 3.0, (5, 6 * season)) + np.linspace(0, 2, 6 * season))
    tau, p, slope = seasonal_mann_kendall(rows, season)
    for at, row in enumerate(rows):
        theirs = pymannkendall.seasonal_test(row, period=season)
        assert (tau[at], p[at], slope[at]) == (pytest.approx(theirs.Tau), pytest.approx(theirs.p), pytest.approx(theirs.slope))


def test_a_season_is_taken_off_and_its_strength_told() -> None:
    steady = 100 * WAVE
    level, seasonal, strength = decomposed(steady, 12)
    assert np.abs(level - 100).max() < 0.5 and np.abs(seasonal - (steady - 100)).max() < 0.5
    assert strength > 0.99
    assert decomposed(np.full(36, 5.0), 12)[2] == 0


def test_a_lasting_change_is_found_in_its_month_whatever_the_season() -> None:
    random = np.random.default_rng(3)
    mean = np.concatenate([20 * WAVE[:24], 40 * WAVE[24:]])
    found = trends(random.poisson(mean, (200, 36)), season=12)
    assert (found.table["changes"] == 1).mean() > 0.9
    assert (abs(found.table["last_change"] - 24) <= 1).mean() > 0.9
    told = found.changes[found.changes["step"] == 24]
    assert told["ratio"].median() == pytest.approx(2, rel=0.05)
    assert told["before"].median() == pytest.approx(20, rel=0.05)


@pytest.mark.parametrize(("season", "steps"), [(12, 36), (7, 56), (12, 24)])
def test_under_chance_few_series_split_and_trends_are_as_often_significant_as_they_say(season: int, steps: int) -> None:
    random = np.random.default_rng(steps)
    wave = 1 + 0.4 * np.sin(np.arange(steps) * 2 * np.pi / season)
    found = trends(random.poisson(9 * wave, (1_000, steps)), season=season).table
    assert (found["changes"] > 0).mean() <= 0.03
    for column in ("trend_p", "step_p"):
        if column == "trend_p":
            assert (found[column] <= 0.05).mean() <= 0.05 + 3.5 * np.sqrt(0.05 * 0.95 / 1_000)
    flat = trends(random.poisson(9, (1_000, steps)), season=season).table
    for column in ("trend_p", "step_p", "season_p"):
        assert (flat[column] <= 0.05).mean() <= 0.05 + 3.5 * np.sqrt(0.05 * 0.95 / 1_000)


def test_a_short_month_is_no_drop() -> None:
    found = trends(np.round(MONTHS * 10.0)[None], season=12, days=MONTHS)
    assert found.table["step_ratio"].iloc[0] == pytest.approx(1)
    assert found.table["changes"].iloc[0] == 0
    february = trends(np.round(MONTHS[:26] * 10.0)[None], season=12, days=MONTHS[:26])
    assert february.table["step_ratio"].iloc[0] == pytest.approx(1)


def test_a_year_alone_has_no_season_and_few_events_have_no_trend() -> None:
    random = np.random.default_rng(4)
    one_year = trends(random.poisson(20, (3, 12)), season=12)
    assert one_year.table[["season_ratio", "tau", "seasonal_strength"]].isna().all(axis=None)
    assert one_year.table["step_ratio"].notna().all()
    rare = trends(random.poisson([[0.2], [20.0]], (2, 36)), season=12)
    assert rare.table["small"].tolist() == [True, False]
    assert np.isnan(rare.table["tau"].iloc[0]) and rare.table["last_change"].iloc[0] == -1


def test_too_little_and_nonsense_are_refused() -> None:
    counts = np.full((2, 24), 3)
    for refusal, ask in (
        (NothingToAnalyse, lambda: trends(counts[:, :7], season=12)),
        (NothingToAnalyse, lambda: trends(counts * 0, season=12)),
        (BadValue, lambda: trends(counts - 4, season=12)),
        (BadValue, lambda: trends(counts + 0.5, season=12)),
        (BadValue, lambda: trends(np.full((2, 24), np.nan), season=12)),
        (BadValue, lambda: trends(counts[0], season=12)),
        (BadValue, lambda: trends(counts, season=1)),
        (BadValue, lambda: trends(counts, season=12, days=np.zeros(24))),
        (BadValue, lambda: trends(counts, season=12, confidence=1.0)),
        (BadValue, lambda: compared([1.5], [2])),
        (BadValue, lambda: compared([1], [2], later_days=0)),
    ):
        with pytest.raises(refusal):
            ask()


def test_a_series_too_short_to_split_is_one_level() -> None:
    assert change_points(steadied([1, 2, 90, 91, 92])) == []
    assert change_points(steadied([5] * 10 + [50] * 10)) == [10]
