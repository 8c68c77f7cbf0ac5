"""Rates of rare happenings with what can be said for certain about them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2

PER = 1000.0


@dataclass(frozen=True)
class Rates:
    """Events per thousand of exposure with their exact interval; NaN where the exposure is too small to say anything."""

    rate: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    small: NDArray[np.bool_]


def poisson_rates(events: ArrayLike, exposure: ArrayLike, *, least_exposure: float, confidence: float = 0.95) -> Rates:
    """Events per 1,000 of exposure and the exact (Garwood 1936) interval of a Poisson count.

    The limits are quantiles of chi-square with 2n and 2n + 2 degrees of freedom, halved; the lower one of no events is 0.
    Where the exposure is below `least_exposure`, nothing is told and `small` is true.
    """
    n, base = np.asarray(events, dtype=np.float64), np.asarray(exposure, dtype=np.float64)
    small = base < max(least_exposure, np.finfo(float).tiny)
    tail = (1.0 - confidence) / 2.0
    scale = np.where(small, np.nan, PER / np.where(small, 1.0, base))
    low = np.where(n > 0, chi2.ppf(tail, 2 * np.maximum(n, 1)) / 2, 0.0)
    high = chi2.ppf(1.0 - tail, 2 * n + 2) / 2
    return Rates(n * scale, low * scale, high * scale, small)
