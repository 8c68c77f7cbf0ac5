# mypy: disable-error-code="untyped-decorator"
"""The compiled loops of conditional permutation: one set of draws that serves every area, exact for each.

Conditional permutation asks how often k values drawn without repetition from all areas but one add up to as much as the
k neighbours of that one do. A draw here is a random sequence of different areas. For an area with k neighbours it
stands for its first k members, or, where the area itself is among them, for the first k + 1 without it: a random order
of all areas from which one is struck out is a random order of the others, so the law is exact for every area. Few
draws meet an area, so nearly all of its answer is one look-up in the sorted sums of all draws.
"""

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Ints = NDArray[np.int32]


@numba.njit(cache=True, nogil=True)
def neighbour_sums(values: Floats, first: Longs, index: Ints) -> Floats:
    """The sum of the values of each area's neighbours, index[first[k]:first[k + 1]]."""
    sums = np.zeros(len(first) - 1)
    for area in range(len(sums)):
        total = 0.0
        for at in range(first[area], first[area + 1]):
            total += values[index[at]]
        sums[area] = total
    return sums


@numba.njit(cache=True, nogil=True)
def draw(
    values: Floats, seen: Floats, number: Longs, slot: Longs, tie: float, pool: Ints, state: int,
    reference: Floats, above: Longs, below: Longs,
) -> int:  # fmt: skip
    """Make reference.shape[1] draws; returns the state of the random numbers to go on from.

    `slot[k]` is the row of `reference` that takes the sum of the first k members of every draw, -1 if no area has k
    neighbours. `above` and `below` take the difference, for each area that a draw meets, between what holds without
    it and what the row says: at least, and at most, `seen` but for `tie`. `pool` is any order of all areas.
    """
    areas = np.uint64(len(values))
    deepest = len(slot) - 1
    sums = np.zeros(deepest + 2)
    random = np.uint64(state)
    half = np.uint64(0xFFFFFFFF)
    for at in range(reference.shape[1]):
        for place in range(deepest + 1):
            left = areas - np.uint64(place)
            while True:
                # splitmix64 (Steele, Lea, Flood 2014), cut to a range without bias (Lemire 2019).
                random += np.uint64(0x9E3779B97F4A7C15)
                mixed = (random ^ (random >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
                mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
                wide = ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(32)) * left
                low = wide & half
                if low >= left or low >= (half + np.uint64(1) - left) % left:
                    break
            other = place + np.int64(wide >> np.uint64(32))
            drawn = pool[other]
            pool[other] = pool[place]
            pool[place] = drawn
            sums[place + 1] = sums[place] + values[drawn]
        for k in range(1, deepest + 1):
            if slot[k] >= 0:
                reference[slot[k], at] = sums[k]
        for place in range(deepest):
            area = pool[place]
            k = number[area]
            if place < k:
                without = sums[k + 1] - values[area]
                above[area] += np.int64(without >= seen[area] - tie) - np.int64(sums[k] >= seen[area] - tie)
                below[area] += np.int64(without <= seen[area] + tie) - np.int64(sums[k] <= seen[area] + tie)
    return np.int64(random)  # type: ignore[return-value]  # a plain int once compiled
