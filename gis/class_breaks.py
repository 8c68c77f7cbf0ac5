"""Breaks between the classes of a map's fill."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

CLASSES = 5


def class_breaks(values: Iterable[float], classes: int = CLASSES) -> list[float]:
    """The inner breaks of `classes` classes, rising: quantiles of the values, or of the different values
    where many equal ones would empty a class.

    A value equal to a break belongs to the class below it. Fewer breaks when there are fewer different values.
    """
    numbers = np.array([each for each in values if np.isfinite(each)], dtype=np.float64)
    different = np.unique(numbers)
    if len(different) <= classes:
        return [float(each) for each in different[:-1]]
    shares = np.arange(1, classes) / classes
    breaks = _dividing(np.quantile(numbers, shares), different)
    if len(breaks) < classes - 1:
        breaks = _dividing(np.quantile(different, shares), different)
    return breaks


def _dividing(breaks: NDArray[np.float64], different: NDArray[np.float64]) -> list[float]:
    """Those breaks that have values below, above and between them."""
    kept: list[float] = []
    below = 0
    for each in np.sort(breaks):
        up_to = int(np.searchsorted(different, each, side="right"))
        if below < up_to < len(different):
            kept.append(float(each))
            below = up_to
    return kept
