"""Breaks between the classes of a map's fill."""

from collections.abc import Iterable

import mapclassify
import numpy as np

CLASSES = 5


def class_breaks(values: Iterable[float], classes: int = CLASSES) -> list[float]:
    """The inner breaks of `classes` classes, rising: quantiles, or natural breaks where equal values would empty a class.

    A value equal to a break belongs to the class below it. Fewer breaks when there are fewer different values.
    """
    numbers = np.array([each for each in values if np.isfinite(each)], dtype=np.float64)
    different = np.unique(numbers)
    if len(different) <= classes:
        return [float(each) for each in different[:-1]]
    breaks = np.unique(np.quantile(numbers, np.arange(1, classes) / classes))
    if len(np.unique(np.searchsorted(breaks, different))) < classes:
        breaks = np.unique(mapclassify.FisherJenks(numbers, k=classes).bins[:-1])
    return [float(each) for each in breaks]
