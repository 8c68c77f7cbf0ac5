# mypy: disable-error-code="untyped-decorator"
"""The compiled loops of contiguity: which vertices or edges are equal, and which areas have one in common."""

import numba
import numpy as np
from numpy.typing import NDArray

Longs = NDArray[np.int64]
Ints = NDArray[np.int32]


@numba.njit(cache=True, nogil=True)
def numbered(one: Longs, other: Longs) -> tuple[Ints, int]:
    """A number for each pair, from 0 in order of first sight, the same for equal pairs; and how many there are.

    An open table of places; pairs are compared themselves, so a clash of their keys costs time, never truth.
    """
    count = len(one)
    bits = 4
    while (1 << bits) < 2 * count:
        bits += 1
    mask = (1 << bits) - 1
    shift = np.uint64(64 - bits)
    table = np.full(1 << bits, -1, dtype=np.int32)
    numbers = np.empty(count, dtype=np.int32)
    found = 0
    for at in range(count):
        key = np.uint64(one[at]) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(other[at])
        key = (key ^ (key >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
        key = (key ^ (key >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
        slot = np.int64(key >> shift)
        while True:
            there = table[slot]
            if there < 0:
                table[slot] = at
                numbers[at] = found
                found += 1
                break
            if one[there] == one[at] and other[there] == other[at]:
                numbers[at] = numbers[there]
                break
            slot = (slot + 1) & mask
    return numbers, found


@numba.njit(cache=True, nogil=True)
def sharing(feature: Ints, owner: Longs, features: int, areas: int) -> tuple[Longs, Ints]:
    """Areas with a feature in common, as CSR: neighbours of area k are index[first[k]:first[k + 1]], rising.

    Entry e says that area owner[e] has feature[e]; owners rise.
    """
    start = np.zeros(features + 1, dtype=np.int64)
    for each in feature:
        start[each + 1] += 1
    start = np.cumsum(start)
    fill = start[:-1].copy()
    of_feature = np.empty(len(feature), dtype=np.int32)
    for entry in range(len(feature)):
        of_feature[fill[feature[entry]]] = owner[entry]
        fill[feature[entry]] += 1
    first = np.zeros(areas + 1, dtype=np.int64)
    index = np.empty(max(16, 2 * len(feature)), dtype=np.int32)
    seen = np.full(areas, -1, dtype=np.int32)
    length = entry = 0
    for area in range(areas):
        begun = length
        seen[area] = area
        while entry < len(feature) and owner[entry] == area:
            for at in range(start[feature[entry]], start[feature[entry] + 1]):
                other = of_feature[at]
                if seen[other] != area:
                    seen[other] = area
                    if length == len(index):
                        index = np.concatenate((index, np.empty_like(index)))
                    index[length] = other
                    length += 1
            entry += 1
        index[begun:length].sort()
        first[area + 1] = length
    return first, index[:length].copy()
