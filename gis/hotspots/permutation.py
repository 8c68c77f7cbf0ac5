"""Conditional permutation: how often chance neighbours add up to as much, or as little, as the real ones do."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gis.hotspots.permutation_kernels import draw, neighbour_sums
from gis.hotspots.weights import Neighbours

PERMUTATIONS = 99_999
"""999 cannot pass a false-discovery control over many areas: no p of theirs is below 0.001."""
TIE = 1e-12
"""Sums nearer than this share of the largest value are equal but for rounding, and count as at least as extreme."""
BLOCK = 4_000_000
"""Sums held at a time, 8 bytes each."""
Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Progress = Callable[[int, int], None]


def tails(
    values: Floats, neighbours: Neighbours, *, permutations: int, seed: int, progress: Progress | None = None
) -> tuple[Floats, Longs, Longs]:
    """Each area's sum over its neighbours, and how many of the draws are at least, and at most, as large.

    Values of any unit, one an area; each draw takes as many other areas as the area has neighbours, its own value
    held out. An area has at most all others but one as neighbours. Memory: 32 MB and a few numbers an area.
    """
    seen = neighbour_sums(values, neighbours.first, neighbours.index)
    return seen, *tails_of(values, seen, neighbours.number, permutations=permutations, seed=seed, progress=progress)


def judged(tail: Longs, permutations: int) -> tuple[Floats, Floats]:
    """p and q of tails, (n,) draws as extreme on the side of each value: p = 2 (tail + 1) / (permutations + 1), at most 1.

    q is p adjusted by Benjamini and Hochberg (1995): the least p_j n / (how many p are at most p_j) over all p_j of at least p.
    Tails are whole numbers, so it is counted, not sorted.
    """
    level = np.minimum(1.0, 2 * np.arange(1, permutations + 2) / (permutations + 1))
    within = np.cumsum(np.bincount(tail, minlength=permutations + 1))
    least = np.minimum.accumulate((level * (len(tail) / np.maximum(within, 1)))[::-1])[::-1]
    return level[tail], np.minimum(1.0, least)[tail]


def tails_of(
    values: Floats, seen: Floats, number: Longs, *, permutations: int, seed: int, progress: Progress | None = None
) -> tuple[Longs, Longs]:
    """The same where sums over neighbours, `seen`, and the number of neighbours are known already."""
    above, below = np.zeros(len(values), dtype=np.int64), np.zeros(len(values), dtype=np.int64)
    depths = np.unique(number[number > 0])
    if not len(depths):
        return above + permutations, below + permutations
    slot = np.full(int(depths[-1]) + 1, -1, dtype=np.int64)
    slot[depths] = np.arange(len(depths))
    tie = TIE * float(np.abs(values).max())
    state = int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0].astype(np.int64))
    pool = np.arange(len(values), dtype=np.int32)
    of_depth = [_rising(seen, np.flatnonzero(number == depth)) for depth in depths]
    block = min(permutations, max(1_000, BLOCK // len(depths)))
    for done in range(0, permutations, block):
        reference = np.empty((len(depths), min(block, permutations - done)))
        state = draw(values, seen, number, slot, tie, pool, state, reference, above, below)
        reference.sort(axis=1)
        for row, areas in zip(reference, of_depth, strict=True):
            above[areas] += len(row) - np.searchsorted(row, seen[areas] - tie, side="left")
            below[areas] += np.searchsorted(row, seen[areas] + tie, side="right")
        if progress is not None:
            progress(done + reference.shape[1], permutations)
    lonely = number == 0
    above[lonely] = below[lonely] = permutations
    return above, below


def _rising(seen: Floats, areas: Longs) -> Longs:
    """Areas by what they see: look-ups in order stay in the cache."""
    return areas[np.argsort(seen[areas])]
