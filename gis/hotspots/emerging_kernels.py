# mypy: disable-error-code="untyped-decorator"
"""The compiled loop of the Mann-Kendall test: which of two moments is higher, for every pair, over many series."""

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@numba.njit(cache=True, nogil=True)
def kendall_scores(series: Floats) -> tuple[Floats, Floats]:
    """S, the rising pairs less the falling ones, and its variance, ties allowed for; series are rows."""
    count, steps = series.shape
    score, variance = np.zeros(count), np.zeros(count)
    for row in range(count):
        line = series[row]
        total = 0
        for later in range(1, steps):
            for earlier in range(later):
                total += int(line[later] > line[earlier]) - int(line[later] < line[earlier])
        ordered = np.sort(line)
        tied = 0
        run = 1
        for step in range(1, steps + 1):
            if step < steps and ordered[step] == ordered[step - 1]:
                run += 1
            else:
                tied += run * (run - 1) * (2 * run + 5)
                run = 1
        score[row] = total
        variance[row] = (steps * (steps - 1) * (2 * steps + 5) - tied) / 18.0
    return score, variance
