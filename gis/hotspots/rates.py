"""Rates of incidents per household that small numbers do not mislead."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gis.errors import BadValue

PER_HOUSEHOLDS = 1000.0
LEAST_HOUSEHOLDS = 20
"""A rate of fewer says nothing: of a park or a river, where nobody lives, it would stand among the highest of a city."""


def raw_rates(counts: ArrayLike, households: ArrayLike) -> NDArray[np.float64]:
    """Incidents per household; NaN where there are no households."""
    cases, base = checked_counts(counts, households)
    return np.asarray(np.divide(cases, base, out=np.full(len(cases), np.nan), where=base > 0))


def empirical_bayes_rates(counts: ArrayLike, households: ArrayLike) -> NDArray[np.float64]:
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
    cases, base = cases[lived], base[lived]
    mean = cases.sum() / base.sum()
    raw = cases / base
    spread = (base * (raw - mean) ** 2).sum() / base.sum()
    between = max(0.0, spread - mean / base.mean())
    weight = between / (between + mean / base) if mean > 0 else np.zeros(len(base))
    rates[lived] = mean + (raw - mean) * weight
    return rates


def checked_counts(counts: ArrayLike, households: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both as floats; BadValue unless they are equally long, finite and not negative."""
    cases, base = np.asarray(counts, dtype=np.float64), np.asarray(households, dtype=np.float64)
    if cases.shape != base.shape or cases.ndim != 1:
        raise BadValue("Counts and households must be two lists of one length.", counts=cases.shape, households=base.shape)
    for name, values in (("counts", cases), ("households", base)):
        wrong = ~(np.isfinite(values) & (values >= 0))
        if wrong.any():
            raise BadValue("A count is negative or not a number.", column=name, row=int(np.argmax(wrong)))
    return cases, base
