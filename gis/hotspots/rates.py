"""Rates of incidents that small numbers do not mislead: exact intervals, empirical Bayes, ratios to the expected, funnel limits.

Counts are incidents, `households` is any population at risk (residents, premises, all incidents); rates are per one of
it unless a name says per 1,000. Assumed: counts of equal risk are Poisson; where the same people complain again they
vary more (`dispersion` tells), and intervals are too narrow then.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta, binom, chi2, poisson

from gis.errors import BadValue, NothingToAnalyse
from gis.hotspots.permutation_kernels import neighbour_sums
from gis.hotspots.weights import Neighbours

PER = PER_HOUSEHOLDS = 1000.0
LEAST_HOUSEHOLDS = 20
"""A rate of fewer says nothing: of a park or a river, where nobody lives, it would stand among the highest of a city."""
LEAST_EXPECTED = 5.0
"""With fewer expected cases a ratio is shown as suppressed."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rates:
    """Events per thousand of exposure with their exact interval; NaN where the exposure is too small to say anything."""

    rate: Floats
    low: Floats
    high: Floats
    small: NDArray[np.bool_]


def poisson_rates(events: ArrayLike, exposure: ArrayLike, *, least_exposure: float, confidence: float = 0.95) -> Rates:
    """Events per 1,000 of exposure and the exact (Garwood 1936) interval of a Poisson count.

    Where the exposure is below `least_exposure`, nothing is told and `small` is true.
    """
    n, base = np.asarray(events, dtype=np.float64), np.asarray(exposure, dtype=np.float64)
    small = base < max(least_exposure, np.finfo(float).tiny)
    scale = np.where(small, np.nan, PER / np.where(small, 1.0, base))
    low, high = poisson_interval(n, confidence)
    return Rates(n * scale, low * scale, high * scale, small)


def poisson_interval(events: ArrayLike, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """The exact interval of a Poisson mean after so many events (Garwood 1936).

    The limits are quantiles of chi-square with 2n and 2n + 2 degrees of freedom, halved; the lower one of no events is 0.
    """
    n = np.asarray(events, dtype=np.float64)
    tail = (1.0 - confidence) / 2.0
    low = np.where(n > 0, chi2.ppf(tail, 2 * np.maximum(n, 1)) / 2, 0.0)
    return low, np.asarray(chi2.ppf(1.0 - tail, 2 * n + 2) / 2)


def raw_rates(counts: ArrayLike, households: ArrayLike) -> Floats:
    """Incidents per household; NaN where there are no households."""
    cases, base = checked_counts(counts, households)
    return np.asarray(np.divide(cases, base, out=np.full(len(cases), np.nan), where=base > 0))


def empirical_bayes_rates(counts: ArrayLike, households: ArrayLike) -> Floats:
    """Incidents per household, drawn towards the mean of all areas the more, the fewer households an area has.

    Marshall's global moment estimator (1991): b + (r - b) · a / (a + b / households) with the mean rate b and
    the variance a between areas that Poisson chance does not explain, at least 0. NaN where there are no households,
    and those areas count for nothing.
    """
    cases, base = checked_counts(counts, households)
    lived = base > 0
    rates = np.full(len(cases), np.nan)
    if not lived.any():
        return rates
    mean, between = _moments(cases[lived], base[lived])
    raw = cases[lived] / base[lived]
    between = max(0.0, between)
    weight = between / (between + mean / base[lived]) if mean > 0 else np.zeros(len(raw))
    rates[lived] = mean + (raw - mean) * weight
    return rates


def spatial_empirical_bayes_rates(counts: ArrayLike, households: ArrayLike, neighbours: Neighbours) -> Floats:
    """The same, drawn towards the mean m_i of the area and its neighbours instead: Marshall's local estimator.

    As Bailey and Gatrell (1995, exercise 8.2) and spdep define it: the variance between areas around i is the mean of
    households_j · (r_j - m_j)², each against its own surroundings (GeoDa takes r_j - m_i), less what chance explains.
    NaN where there are no households. An island has nobody to be drawn to but itself: its raw rate.
    """
    cases, base = checked_counts(counts, households)
    lived = base > 0
    raw = np.divide(cases, base, out=np.zeros(len(cases)), where=lived)

    def around(values: Floats) -> Floats:
        return values + neighbour_sums(values, neighbours.first, neighbours.index)

    people, number = around(base), around(lived.astype(np.float64))
    shared = np.maximum(people, np.finfo(float).tiny)
    mean = around(cases) / shared
    between = np.maximum(0.0, around(base * (raw - mean) ** 2) / shared - mean * number / shared)
    chance = mean / np.where(lived, base, 1.0)
    weight = np.divide(between, between + chance, out=np.zeros(len(raw)), where=between + chance > 0)
    rates = np.where(neighbours.number > 0, mean + (raw - mean) * weight, raw)
    return np.where(lived, rates, np.nan)


def eb_standardised(counts: ArrayLike, households: ArrayLike) -> Floats:
    """(r - b) / √(a + b / households): rates whose variance under one shared risk does not depend on the households.

    Assunção, Reis (1999), Statistics in Medicine 18: with a, b as in `empirical_bayes_rates`, but a may be below 0 as long
    as the variance stays above it. All areas need households (BadValue); 0 everywhere when nothing happened.
    """
    cases, base = checked_counts(counts, households)
    if not (base > 0).all():
        raise BadValue("A rate needs households in every area.", row=int(np.argmin(base > 0)))
    mean, between = _moments(cases, base)
    if mean == 0:
        return np.zeros(len(cases))
    variance = between + mean / base
    variance = np.where(variance > 0, variance, mean / base)
    return np.asarray((cases / base - mean) / np.sqrt(variance))


@dataclass(frozen=True)
class Ratios:
    """Observed over expected cases of each area with the exact interval, and how unlikely that is at equal risk.

    `p` has two sides: twice the smaller tail of a Poisson count of mean `expected`, at most 1. `small`: fewer than
    LEAST_EXPECTED expected, to be shown as suppressed.
    """

    expected: Floats
    ratio: Floats
    low: Floats
    high: Floats
    p: Floats
    small: NDArray[np.bool_]


def standardised_ratios(counts: ArrayLike, expected: ArrayLike, confidence: float = 0.95) -> Ratios:
    """Standardised ratios (SMR) with exact limits: those of Garwood for the count, divided by what was expected.

    `expected` comes from `expected_cases`; NaN where it is 0.
    """
    cases, due = checked_counts(counts, expected)
    known = due > 0
    share = np.where(known, due, np.nan)
    low, high = poisson_interval(cases, confidence)
    tail = np.minimum(poisson.cdf(cases, due), poisson.sf(cases - 1, due))
    p = np.where(known, np.minimum(1.0, 2 * tail), np.nan)
    return Ratios(due, cases / share, low / share, high / share, p, due < LEAST_EXPECTED)


def expected_cases(counts: ArrayLike, households: ArrayLike) -> Floats:
    """Cases each area would have at the risk of all areas together; strata as columns are standardised indirectly.

    `counts`, `households`: (n,) or (n, strata), such as ages or kinds of housing. Each stratum has one rate everywhere:
    expected_i = Σ_s households_is · Σ_i counts_is / Σ_i households_is. BadValue where cases fall on a stratum of nobody.
    """
    cases, base = (np.asarray(each, dtype=np.float64) for each in (counts, households))
    if cases.shape != base.shape or cases.ndim not in (1, 2):
        raise BadValue("Counts and households must have one shape.", counts=cases.shape, households=base.shape)
    for each, other in zip(np.atleast_2d(cases.T), np.atleast_2d(base.T), strict=True):
        checked_counts(each, other)
    happened, lived = cases.sum(axis=0), base.sum(axis=0)
    if ((lived == 0) & (happened > 0)).any():
        raise BadValue("There are cases among a population of nobody.", cases=float(np.sum(happened)))
    rate = np.divide(happened, lived, out=np.zeros_like(lived), where=lived > 0)
    return np.asarray(base * rate if base.ndim == 1 else base @ rate)


def funnel_limits(expected: ArrayLike, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """The counts between which an area of average risk lies with this confidence, divided by what is expected of it.

    Spiegelhalter (2005), Statistics in Medicine 24, appendix A.1: Poisson quantiles, interpolated so that limits fall smoothly
    as areas grow. `expected` above 0, else NaN. Usual pairs are 0.95 and 0.998.
    """
    due = np.asarray(expected, dtype=np.float64)
    mean = np.where(due > 0, due, 1.0)
    limits = []
    for share in ((1 - confidence) / 2, (1 + confidence) / 2):
        count = poisson.ppf(share, mean)
        chance = poisson.pmf(count, mean)
        back = (poisson.cdf(count, mean) - share) / chance
        limits.append(np.where(due > 0, np.maximum(count - back, 0.0) / mean, np.nan))
    return limits[0], limits[1]


def dispersion(counts: ArrayLike, expected: ArrayLike) -> float:
    """Pearson's χ² of the counts over its degrees of freedom: near 1 where Poisson chance explains all; NaN if it cannot be told.

    Well above 1: risk differs between areas, or one happening is counted several times.
    """
    cases, due = checked_counts(counts, expected)
    known = due > 0
    if known.sum() < 2:
        return float("nan")
    return float(((cases[known] - due[known]) ** 2 / due[known]).sum() / (known.sum() - 1))


def dispersion_p(counts: ArrayLike, expected: ArrayLike) -> float:
    """How likely Poisson chance alone makes the counts vary so much or more: the χ² tail of `dispersion`; NaN if it cannot be told.

    Holds where few areas expect less than one case. Where it is small, intervals and the scan's p are too small.
    """
    cases, due = checked_counts(counts, expected)
    known = due > 0
    figure = dispersion(cases, due)
    return float(chi2.sf(figure * (known.sum() - 1), known.sum() - 1)) if np.isfinite(figure) else float("nan")


@dataclass(frozen=True)
class Quotients:
    """Location quotient of one category in each area, its exact limits and two-sided p; NaN where nothing at all happened."""

    quotient: Floats
    low: Floats
    high: Floats
    p: Floats


def location_quotients(counts: ArrayLike, all_counts: ArrayLike, confidence: float = 0.95) -> Quotients:
    """The share of a category among all incidents of an area over its share among those of all areas: 1 is the usual mix.

    LQ = (c_i / n_i) / (C / N). No population is needed, and a bias of reporting that all categories have in common drops out. Given
    n_i, c_i is binomial at the share C / N, held to be known: limits are those of Clopper and Pearson (1934) for c_i / n_i over
    C / N, p is twice the smaller tail. BadValue where a category counts more than all, NothingToAnalyse if it never occurs.
    """
    cases, every = checked_counts(counts, all_counts)
    if (cases > every).any():
        raise BadValue("A category has more incidents than all categories together.", row=int(np.argmax(cases > every)))
    if not cases.any():
        raise NothingToAnalyse("The category never occurs.", areas=len(cases))
    usual = cases.sum() / every.sum()
    some = every > 0
    tail = (1.0 - confidence) / 2.0
    low = np.where(cases > 0, beta.ppf(tail, np.maximum(cases, 1), every - cases + 1), 0.0)
    high = np.where(cases < every, beta.ppf(1 - tail, cases + 1, np.maximum(every - cases, 1)), 1.0)
    share = np.divide(cases, every, out=np.full(len(cases), np.nan), where=some)
    p = np.minimum(1.0, 2 * np.minimum(binom.cdf(cases, every, usual), binom.sf(cases - 1, every, usual)))
    told = [np.where(some, each, np.nan) for each in (share / usual, low / usual, high / usual, p)]
    return Quotients(told[0], told[1], told[2], told[3])


def checked_counts(counts: ArrayLike, households: ArrayLike) -> tuple[Floats, Floats]:
    """Both as floats; BadValue unless they are equally long, finite and not negative."""
    cases, base = np.asarray(counts, dtype=np.float64), np.asarray(households, dtype=np.float64)
    if cases.shape != base.shape or cases.ndim != 1:
        raise BadValue("Counts and households must be two lists of one length.", counts=cases.shape, households=base.shape)
    for name, values in (("counts", cases), ("households", base)):
        wrong = ~(np.isfinite(values) & (values >= 0))
        if wrong.any():
            raise BadValue("A count is negative or not a number.", column=name, row=int(np.argmax(wrong)))
    return cases, base


def _moments(cases: Floats, base: Floats) -> tuple[float, float]:
    """The mean rate, and the variance between areas beyond Poisson chance, which may come out below 0."""
    mean = cases.sum() / base.sum()
    spread = (base * (cases / base - mean) ** 2).sum() / base.sum()
    return float(mean), float(spread - mean / base.mean())
