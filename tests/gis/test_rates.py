"""Rates, ratios and quotients equal spdep, published tables and brute force, and hold what they promise under chance."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, poisson

from gis.errors import BadValue, NothingToAnalyse
from gis.hotspots.moran import global_moran
from gis.hotspots.rates import (
    LEAST_EXPECTED,
    dispersion,
    dispersion_p,
    eb_standardised,
    empirical_bayes_rates,
    expected_cases,
    funnel_limits,
    location_quotients,
    poisson_interval,
    spatial_empirical_bayes_rates,
    standardised_ratios,
)
from gis.hotspots.scan_time import p_of_recurrence, recurrence
from gis.hotspots.weights import Neighbours, pairs_given
from tests.gis.tessellations import shared


def carolina() -> tuple[dict[str, list[float]], Neighbours]:
    answer = json.loads(shared("hotspot/nc_empirical_bayes.json").read_text())
    rows = [np.atleast_1d(each) for each in answer["neighbours0"]]
    return answer, pairs_given(np.repeat(np.arange(100), [len(each) for each in rows]), np.concatenate(rows), 100)


def test_empirical_bayes_rates_of_carolina_equal_spdep() -> None:
    answer, neighbours = carolina()
    assert np.abs(empirical_bayes_rates(answer["cases"], answer["pop"]) - answer["EBest"]).max() < 1e-12
    assert np.abs(spatial_empirical_bayes_rates(answer["cases"], answer["pop"], neighbours) - answer["EBlocal"]).max() < 1e-12


def test_moran_of_standardised_rates_of_carolina_equals_spdep() -> None:
    answer, neighbours = carolina()
    found = global_moran(eb_standardised(answer["cases"], answer["pop"]), neighbours, row_standardised=False, seed=1)
    assert found.i == pytest.approx(answer["EBImoran"], abs=1e-12)
    assert found.p <= 2 * answer["EBImoran_p"]


@pytest.mark.parametrize("data", ["columbus_crime", "nc_sids74"])
def test_the_global_index_is_the_mean_of_the_local_ones_and_its_z_that_of_esda(data: str) -> None:
    from esda.moran import Moran  # noqa: PLC0415  takes seconds to load
    from libpysal.weights import W  # noqa: PLC0415

    answer = json.loads(shared(f"hotspot/{data}.json").read_text())
    rows = {at: np.atleast_1d(each).tolist() for at, each in enumerate(answer["neighbours0"])}
    neighbours = pairs_given(np.repeat(list(rows), [len(each) for each in rows.values()]), np.concatenate(list(rows.values())), len(rows))
    found = global_moran(answer["value"], neighbours, seed=1)
    assert found.i == pytest.approx(np.mean(answer["localmoran"]["Ii"]), abs=1e-12)
    theirs = Moran(np.array(answer["value"]), W(rows, silence_warnings=True), transformation="r", permutations=0)
    assert (found.i, found.z, found.p_normal) == (pytest.approx(theirs.I), pytest.approx(theirs.z_rand), pytest.approx(theirs.p_rand))
    binary, theirs = (
        global_moran(answer["value"], neighbours, row_standardised=False, seed=1),
        Moran(theirs.y, theirs.w, "b", permutations=0),
    )
    assert (binary.i, binary.z) == (pytest.approx(theirs.I), pytest.approx(theirs.z_rand))


def test_homicides_around_st_louis_have_the_global_index_that_pysal_prints() -> None:
    from libpysal.examples import get_path  # noqa: PLC0415  seconds to load

    table = pd.read_csv(get_path("stl_hom.csv"))
    lines = iter(Path(get_path("stl.gal")).read_text().splitlines()[1:])
    rows = [(int(line.split()[0]) - 1, int(other) - 1) for line in lines for other in next(lines).split()]
    found = global_moran(table["HR8893"], pairs_given(*zip(*rows, strict=True), len(table)), seed=1)
    assert found.i == pytest.approx(0.24365582621771659, abs=1e-12)
    assert found.p <= 0.01


def test_exact_limits_are_those_of_the_printed_table() -> None:
    # Garwood's 95 % limits as every table of the Poisson mean prints them, to two decimals.
    printed = {0: (0.00, 3.69), 1: (0.03, 5.57), 2: (0.24, 7.22), 5: (1.62, 11.67), 10: (4.80, 18.39), 20: (12.22, 30.89)}
    for count, limits in printed.items():
        low, high = poisson_interval([count])
        assert (round(float(low[0]), 2), round(float(high[0]), 2)) == limits


def test_strata_are_standardised_indirectly_by_hand() -> None:
    cases, people = [[3, 1], [5, 3]], [[100, 50], [300, 50]]
    # Rates: 8 / 400 and 4 / 100. First area: 100 · .02 + 50 · .04.
    assert expected_cases(cases, people).tolist() == pytest.approx([4.0, 8.0])
    found = standardised_ratios([4, 8], expected_cases(cases, people))
    assert found.ratio.tolist() == pytest.approx([1, 1])
    assert found.small.tolist() == [True, False] and LEAST_EXPECTED == 5


def test_p_of_a_ratio_is_twice_the_poisson_tail() -> None:
    found = standardised_ratios([9, 0, 3], [3.5, 2.5, 0.0])
    assert found.p[0] == pytest.approx(2 * poisson.sf(8, 3.5))
    assert found.p[1] == pytest.approx(2 * poisson.cdf(0, 2.5))
    assert math.isnan(found.p[2]) and math.isnan(found.ratio[2])


def test_the_funnel_holds_areas_of_average_risk_as_often_as_it_says() -> None:
    random = np.random.default_rng(1)
    due = random.gamma(2.0, 20.0, 20_000) + 1
    for confidence in (0.95, 0.998):
        low, high = funnel_limits(due, confidence)
        ratio = random.poisson(due) / due
        inside = ((ratio >= low) & (ratio <= high)).mean()
        assert inside == pytest.approx(confidence, abs=0.02 if confidence == 0.95 else 0.004)
    low, high = funnel_limits([10.0, 100.0, 1000.0])
    assert (np.diff(high - low) < 0).all()


def test_the_figure_of_dispersion_is_one_by_chance_and_more_where_households_complain_again() -> None:
    random = np.random.default_rng(2)
    due = np.full(500, 8.0)
    p = [dispersion_p(random.poisson(due), due) for _ in range(1_000)]
    assert np.mean(np.array(p) <= 0.05) == pytest.approx(0.05, abs=0.025)
    assert dispersion(random.poisson(due), due) == pytest.approx(1, abs=0.3)
    again = random.negative_binomial(2, 2 / 10, 500)
    assert dispersion(again, due) == pytest.approx(5, abs=1.5) and dispersion_p(again, due) < 1e-9
    assert math.isnan(dispersion([3], [2.0])) and math.isnan(dispersion_p([3], [2.0]))


def test_location_quotients_by_hand_and_by_brute_force() -> None:
    found = location_quotients([30, 10, 0, 0], [100, 100, 200, 0])
    assert found.quotient[:3].tolist() == pytest.approx([3, 1, 0]) and math.isnan(found.quotient[3])
    law = binom.pmf(np.arange(101), 100, 0.1)
    assert found.p[0] == pytest.approx(2 * law[30:].sum()) and found.p[1] == 1
    assert found.low[0] > 1 and found.low[2] == 0 and found.high[2] < 1
    # The limits are those shares under which as much, or as little, happens in 2.5 % of cases.
    assert binom.sf(29, 100, found.low[0] * 0.1) == pytest.approx(0.025) and binom.cdf(30, 100, found.high[0] * 0.1) == pytest.approx(0.025)
    for refusal, counts, every in ((BadValue, [2], [1]), (NothingToAnalyse, [0, 0], [5, 5])):
        with pytest.raises(refusal):
            location_quotients(counts, every)


def test_an_alarm_comes_back_as_often_as_its_p_says() -> None:
    assert recurrence(0.001) == pytest.approx(1_000)
    assert recurrence(0.01, step_days=7) == pytest.approx(700)
    assert recurrence(1.0) == 1
    for watches in (1, 12, 96):
        assert recurrence(p_of_recurrence(365, watches=watches), watches=watches) == pytest.approx(365)
    random = np.random.default_rng(3)
    p = p_of_recurrence(20, watches=8)
    days = (random.random((200_000, 8)) <= p).any(axis=1).sum()
    assert 200_000 / days == pytest.approx(20, rel=0.05)
    for refused in (lambda: recurrence(0.0), lambda: recurrence(0.5, watches=0), lambda: p_of_recurrence(0.5)):
        with pytest.raises(BadValue):
            refused()
