# mypy: disable-error-code="untyped-decorator"
"""The compiled random numbers of the permutation methods: one small generator, the same on every machine and thread."""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Ints = NDArray[np.int32]
State = NDArray[np.uint64]


@numba.njit(cache=True, nogil=True)
def next_bits(state: State) -> Any:
    """64 random bits by SplitMix64 (Steele, Lea, Flood 2014); `state` holds one number and moves on."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    bits = state[0]
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


@numba.njit(cache=True, nogil=True)
def below(state: State, count: int) -> Any:
    """A whole number from 0 to count - 1, for counts under 2^31; the bias is under count / 2^32."""
    return np.int64(((next_bits(state) >> np.uint64(32)) * np.uint64(count)) >> np.uint64(32))


@numba.njit(cache=True, nogil=True)
def shuffle(state: State, values: Ints) -> None:
    """Put the values in random order."""
    for last in range(len(values) - 1, 0, -1):
        other = below(state, last + 1)
        values[last], values[other] = values[other], values[last]


@numba.njit(cache=True, nogil=True)
def throw_cases(state: State, cases: int, chance: Floats, other: Ints, counts: NDArray[np.int32], lanes: int) -> None:
    """Add `cases` cases to each of the first `lanes` columns of `counts` (cells, lanes), by Walker's alias table."""
    cells = len(chance)
    for lane in range(lanes):
        for _ in range(cases):
            bits = next_bits(state)
            cell = np.int64(((bits >> np.uint64(32)) * np.uint64(cells)) >> np.uint64(32))
            share = np.float64(bits & np.uint64(0xFFFFFFFF)) * 2.0**-32
            counts[cell if share < chance[cell] else other[cell], lane] += 1


@numba.njit(cache=True, nogil=True)
def alias_table(weights: Floats) -> tuple[Floats, Ints]:
    """Walker's and Vose's table: cell k is taken with chance[k], else other[k]."""
    cells = len(weights)
    chance = weights * (cells / weights.sum())
    other = np.arange(cells).astype(np.int32)
    low, high = np.empty(cells, dtype=np.int64), np.empty(cells, dtype=np.int64)
    lows, highs = 0, 0
    for cell in range(cells):
        if chance[cell] < 1.0:
            low[lows] = cell
            lows += 1
        else:
            high[highs] = cell
            highs += 1
    while lows and highs:
        lows -= 1
        small, big = low[lows], high[highs - 1]
        other[small] = big
        chance[big] -= 1.0 - chance[small]
        if chance[big] < 1.0:
            highs -= 1
            low[lows] = big
            lows += 1
    # What is left differs from 1 by rounding only, unless its weight is 0.
    for rest in range(lows):
        chance[low[rest]] = 1.0 if weights[low[rest]] > 0 else 0.0
    for rest in range(highs):
        chance[high[rest]] = 1.0
    return chance, other


@numba.njit(cache=True, nogil=True)
def shuffle_times(state: State, home: Ints, slots: Ints, pool: Ints, counts: NDArray[np.int32], lanes: int) -> None:
    """Deal the time steps `slots` to randomly chosen cases, no case twice; `counts` is (places, steps, lanes).

    Only the first steps of a shuffle are needed: the other cases fall into steps that no window looks at.
    `home`: each case's place. `pool`: a permutation of the cases, left permuted.
    """
    cases = len(home)
    for lane in range(lanes):
        for at in range(len(slots)):
            other = at + below(state, cases - at)
            pool[at], pool[other] = pool[other], pool[at]
            counts[home[pool[at]], slots[at], lane] += 1
