# mypy: disable-error-code="untyped-decorator"
"""The compiled loop of conditional permutation: how often chance neighbours add up to as much as the real ones."""

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]


@numba.njit(cache=True, nogil=True)
def tails(values: Floats, first: Longs, neighbours: Longs, permutations: int, tie: float, seed: int) -> tuple[Longs, Longs]:
    """For each area, how many draws of as many other areas sum to at least, and at most, what its neighbours do.

    Neighbours of area k are neighbours[first[k]:first[k + 1]]. Sums that differ by less than the share `tie` are equal.
    """
    np.random.seed(seed)
    count = len(values)
    above, below = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    pool = np.arange(count)
    for area in range(count):
        wanted = first[area + 1] - first[area]
        seen = 0.0
        for entry in range(first[area], first[area + 1]):
            seen += values[neighbours[entry]]
        margin = tie * abs(seen)
        for _ in range(permutations):
            total, taken, place = 0.0, 0, 0
            # A few steps of a shuffle: each draws one of those left; the area itself is passed over.
            while taken < wanted:
                other = np.random.randint(place, count)
                pool[place], pool[other] = pool[other], pool[place]
                if pool[place] != area:
                    total += values[pool[place]]
                    taken += 1
                place += 1
            above[area] += total >= seen - margin
            below[area] += total <= seen + margin
    return above, below
