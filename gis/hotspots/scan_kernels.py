# mypy: disable-error-code="untyped-decorator"
"""The compiled loops of the scan statistic: the data's own clusters, and the largest ratio of many random replicas at once.

Replicas stand side by side in LANES, so that one step along the places around a centre adds one place's counts to all of
them by vector instructions. The ratio rises with the count, so a table of thresholds per lane and expectation tells in
whole numbers whether a circle can beat what its lane has seen; logarithms are left for the few that can.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Ints = NDArray[np.int32]
Shorts = NDArray[np.int16]
Counts = NDArray[np.int16] | NDArray[np.int32]

LANES = 128
MOST_BINS = 1024
LEVELS = 256
LEVEL = 0.25
"""Thresholds are known for log likelihood ratios in steps of this; higher ones than LEVELS · LEVEL only filter less."""
POISSON, BERNOULLI = 0, 1


@numba.njit(cache=True, nogil=True)
def _times_log(count: float, ratio: float) -> float:
    return count * math.log(ratio) if count > 0.0 else 0.0


@numba.njit(cache=True, nogil=True)
def log_ratio(count: float, expected: float, total: float, trials: float, model: int) -> float:
    """The log likelihood ratio of `count` cases where `expected` were, of `total`; 0 if not more than expected.

    Bernoulli: `trials` is the number of all cases and controls, and those inside are expected · trials / total.
    """
    if count <= expected:
        return 0.0
    inside = _times_log(count, count / expected)
    outside = _times_log(total - count, (total - count) / (total - expected)) if total > expected else 0.0
    if model == POISSON:
        return inside + outside
    within = expected * trials / total
    without = trials - within
    calm = 1.0 - total / trials
    inside += _times_log(within - count, (within - count) / (within * calm))
    outside += _times_log(without - total + count, (without - total + count) / (without * calm)) if without > 0.0 else 0.0
    return inside + outside


@numba.njit(cache=True, nogil=True)
def thresholds(bins: int, width: float, total: int, trials: float, model: int, least: int) -> Ints:
    """(LEVELS, bins): the smallest count whose ratio at the bin's lowest expectation reaches the level; total + 1 if none.

    Bin b holds the expectations from (b · width)² to ((b + 1) · width)².
    """
    table = np.empty((LEVELS, bins), dtype=np.int32)
    for column in range(bins):
        expected = (column * width) ** 2
        most = total
        if model == BERNOULLI:
            most = min(total, math.floor(((column + 1) * width) ** 2 * trials / total) + 1)
        low = max(least, math.floor(expected) + 1)
        for level in range(LEVELS):
            high, step = low, 1
            # Levels lie close together: stride on from the level before, then halve.
            while high <= most and not _reaches(high, expected, total, trials, model, level):
                low = high + 1
                high += step
                step *= 2
            high = min(high, most + 1)
            while low < high:
                middle = (low + high) // 2
                if _reaches(middle, expected, total, trials, model, level):
                    high = middle
                else:
                    low = middle + 1
            table[level, column] = min(low, total + 1)
    return table


@numba.njit(cache=True, nogil=True)
def _reaches(count: int, expected: float, total: int, trials: float, model: int, level: int) -> bool:
    if expected <= 0.0:
        return True
    if model == BERNOULLI and count > expected * trials / total:
        return True
    return log_ratio(float(count), expected, float(total), trials, model) >= level * LEVEL


@numba.njit(cache=True, nogil=True)
def best_of_centres(
    first: Longs, order: Ints, whole: NDArray[np.bool_], cases: Floats, expected: Floats, ends: Longs, longest: int,
    shortest: int, total: float, trials: float, model: int, least: float,
) -> tuple[Floats, Longs, Longs, Longs]:  # fmt: skip
    """Of each centre the largest log likelihood ratio, the last entry of its circle, first and last step of its time.

    `cases`, `expected`: (places, steps). A circle ends at an entry k of `order` with whole[k]; a time at one of `ends`.
    """
    centres, steps = len(first) - 1, cases.shape[1]
    ratio = np.zeros(centres)
    entry = np.full(centres, -1, dtype=np.int64)
    start, stop = entry.copy(), entry.copy()
    seen, due = np.empty(steps), np.empty(steps)
    for centre in range(centres):
        seen[:] = 0.0
        due[:] = 0.0
        for k in range(first[centre], first[centre + 1]):
            for step in range(steps):
                seen[step] += cases[order[k], step]
                due[step] += expected[order[k], step]
            if not whole[k]:
                continue
            for end in ends:
                count, mean = 0.0, 0.0
                for begin in range(end, max(-1, end - longest), -1):
                    count += seen[begin]
                    mean += due[begin]
                    if end - begin + 1 < shortest or count < least or count <= mean:
                        continue
                    value = log_ratio(count, mean, total, trials, model)
                    if value > ratio[centre]:
                        ratio[centre], entry[centre], start[centre], stop[centre] = value, k, begin, end
    return ratio, entry, start, stop


@numba.njit(cache=True, nogil=True, error_model="numpy")
def largest_in_space(
    first: Longs, order: Ints, bins: Shorts, expected: Floats, counts: Counts, table: Ints, total: float, trials: float, model: int,
) -> Floats:  # fmt: skip
    """The largest log likelihood ratio of each lane; `counts`: (places, LANES), bins[k] < 0 where no circle ends."""
    best = np.zeros(LANES)
    level = np.zeros(LANES, dtype=np.int64)
    limit = np.empty((table.shape[1], LANES), dtype=counts.dtype)
    _raise_all(limit, table)
    sums = np.zeros(LANES, dtype=counts.dtype)
    for centre in range(len(first) - 1):
        sums[:] = 0
        mean = 0.0
        for k in range(first[centre], first[centre + 1]):
            place, column = order[k], bins[k]
            mean += expected[place]
            if column < 0:
                for lane in range(LANES):
                    sums[lane] += counts[place, lane]
                continue
            high = counts.dtype.type(0)
            for lane in range(LANES):
                sums[lane] += counts[place, lane]
                high |= counts.dtype.type(sums[lane] >= limit[column, lane])
            if high:
                _note(sums, mean, column, limit, table, best, level, total, trials, model)
    return best


@numba.njit(cache=True, nogil=True, error_model="numpy")
def largest_in_space_time(
    first: Longs, order: Ints, whole: NDArray[np.bool_], expected: Floats, counts: Counts, table: Ints, width: float, ends: Longs,
    longest: int, shortest: int, total: float, trials: float, model: int,
) -> Floats:  # fmt: skip
    """The largest log likelihood ratio of each lane over circles and times; `counts`: (places, steps, LANES)."""
    best = np.zeros(LANES)
    level = np.zeros(LANES, dtype=np.int64)
    limit = np.empty((table.shape[1], LANES), dtype=counts.dtype)
    _raise_all(limit, table)
    steps = counts.shape[1]
    seen = np.zeros((steps, LANES), dtype=counts.dtype)
    sums = np.zeros(LANES, dtype=counts.dtype)
    due = np.empty(steps)
    for centre in range(len(first) - 1):
        seen[:] = 0
        due[:] = 0.0
        for k in range(first[centre], first[centre + 1]):
            place = order[k]
            for step in range(steps):
                due[step] += expected[place, step]
                for lane in range(LANES):
                    seen[step, lane] += counts[place, step, lane]
            if not whole[k]:
                continue
            for end in ends:
                sums[:] = 0
                mean = 0.0
                for begin in range(end, max(-1, end - longest), -1):
                    mean += due[begin]
                    column = min(len(limit) - 1, int(math.sqrt(mean) / width))
                    high = counts.dtype.type(0)
                    for lane in range(LANES):
                        sums[lane] += seen[begin, lane]
                        high |= counts.dtype.type(sums[lane] >= limit[column, lane])
                    if high and end - begin + 1 >= shortest:
                        _note(sums, mean, column, limit, table, best, level, total, trials, model)
    return best


@numba.njit(cache=True, nogil=True)
def _raise_all(limit: Counts, table: Ints) -> None:
    for column in range(len(limit)):
        limit[column, :] = table[0, column]


@numba.njit(cache=True, nogil=True, inline="never")
def _note(
    sums: Counts, mean: float, column: int, limit: Counts, table: Ints, best: Floats, level: Longs, total: float, trials: float, model: int,
) -> None:  # fmt: skip
    """Look at the lanes that may have a new largest ratio; raise the thresholds of those that have."""
    for lane in range(LANES):
        if sums[lane] < limit[column, lane]:
            continue
        value = log_ratio(float(sums[lane]), mean, total, trials, model)
        if value <= best[lane]:
            continue
        best[lane] = value
        reached = min(LEVELS - 1, int(value / LEVEL))
        if reached > level[lane]:
            level[lane] = reached
            for each in range(len(limit)):
                limit[each, lane] = table[reached, each]
