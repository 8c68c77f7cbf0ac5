# mypy: disable-error-code="untyped-decorator"
"""The compiled loops of the Knox test: pairs of near points found once, their time differences counted for many shuffles at once."""

import math

import numba
import numpy as np
from numpy.typing import NDArray

from gis.hotspots.draw_kernels import shuffle

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Ints = NDArray[np.int32]


@numba.njit(cache=True, nogil=True)
def near_pairs(x: Floats, y: Floats, keys: Longs, first: Longs, across: int, edges: Floats, fill: Longs, one: Ints, two: Ints) -> Longs:
    """Pairs per band of distance, edges[b] <= d < edges[b + 1]; with `one` and `two` not empty, also the pairs themselves.

    Points are sorted by cell, cells as wide as the last edge, `across` more in a key is a row further. `fill`: where each
    band's pairs begin.
    """
    bands = len(edges) - 1
    count = np.zeros(bands, dtype=np.int64)
    reach = edges[bands]
    start, stop = 0, 0
    for cell in range(len(keys)):
        while start < len(keys) and keys[start] < keys[cell] + across - 1:
            start += 1
        stop = max(stop, start)
        while stop < len(keys) and keys[stop] <= keys[cell] + across + 1:
            stop += 1
        beside = cell + 2 if cell + 1 < len(keys) and keys[cell + 1] == keys[cell] + 1 else cell + 1
        for point in range(first[cell], first[cell + 1]):
            for part in range(2):
                begin = point + 1 if part == 0 else first[start]
                end = first[beside] if part == 0 else first[stop]
                for other in range(begin, end):
                    dx, dy = x[point] - x[other], y[point] - y[other]
                    if dx * dx + dy * dy > reach * reach:
                        continue
                    apart = math.sqrt(dx * dx + dy * dy)
                    if apart < edges[0] or apart >= reach:
                        continue
                    band = 0
                    while apart >= edges[band + 1]:
                        band += 1
                    if len(one):
                        one[fill[band] + count[band]] = point
                        two[fill[band] + count[band]] = other
                    count[band] += 1
    return count


@numba.njit(cache=True, nogil=True)
def shuffled(state: NDArray[np.uint64], times: Ints, lanes: int) -> Ints:
    """(points, lanes): the times in random order, a new one in each column."""
    mixed = np.empty((len(times), lanes), dtype=np.int32)
    order = times.copy()
    for lane in range(lanes):
        shuffle(state, order)
        mixed[:, lane] = order
    return mixed


@numba.njit(cache=True, nogil=True)
def closer_than(times: Ints, one: Ints, two: Ints, fill: Longs, edges: Ints) -> Longs:
    """(bands, edges, lanes): pairs of each band of distance whose times, (points, lanes), differ by less than each edge."""
    lanes = times.shape[1]
    total = np.zeros((len(fill) - 1, len(edges), lanes), dtype=np.int64)
    apart = np.empty(lanes, dtype=np.int32)
    part = np.empty((len(edges), lanes), dtype=np.int32)
    for band in range(len(fill) - 1):
        part[:] = 0
        for pair in range(fill[band], fill[band + 1]):
            a, b = one[pair], two[pair]
            for lane in range(lanes):
                apart[lane] = abs(times[a, lane] - times[b, lane])
            for edge in range(len(edges)):
                limit = edges[edge]
                for lane in range(lanes):
                    part[edge, lane] += np.int32(apart[lane] < limit)
        total[band] = part
    return total
