"""Local Moran: areas that are like their neighbours, or unlike them, more than chance would have it.

I(i) = (x_i - m) · mean of (x_j - m) over the k neighbours of i, divided by Σ (x - m)² / n (Anselin 1995, Geographical
Analysis 27; row-standardised weights). z compares I with its mean and variance over all ways to deal the other n - 1
values out while x_i stays (Sokal, Oden, Thomson 1998), p with random ones; both see only the neighbours' sum, so the draws
are those of Gi. Quadrants: HH and LL are clusters, HL (high among low) and LH are outliers.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import false_discovery_control

from gis.hotspots.gi import analysable, spread
from gis.hotspots.permutation import PERMUTATIONS, TIE, Progress, tails
from gis.hotspots.weights import Neighbours

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LocalMoran:
    """One value an area, NaN for islands: `i`, `z`, `p` (permutation, two sides), `q` (Benjamini-Hochberg over p).

    `quadrant` is HH, LL, HL or LH by the signs of the area's and its neighbours' deviation from the mean, whatever p;
    "" for islands and for deviations of 0.
    """

    i: Floats
    z: Floats
    p: Floats
    q: Floats
    quadrant: NDArray[np.object_]


def local_moran(
    values: ArrayLike, neighbours: Neighbours, *, permutations: int = PERMUTATIONS, seed: int = 0, progress: Progress | None = None
) -> LocalMoran:
    """Local Moran of values of any unit, one an area; islands are left out of everything. Refuses what `gi.local_g` does."""
    numbers, kept, among = analysable(values, neighbours, permutations)
    seen, above, below = tails(numbers, among, permutations=permutations, seed=seed, progress=progress)
    n, k = len(numbers), among.number.astype(np.float64)
    off = numbers - numbers.mean()
    squares = (off * off).sum()
    lag = (seen - k * numbers.mean()) / k
    # Mean and variance of a mean of k drawn from the n - 1 others.
    expected = -off / (n - 1)
    others = (squares - off * off) / (n - 1) - expected * expected
    error = np.sqrt(np.maximum(others, 0.0) / k * (n - 1 - k) / (n - 2))
    known = error > TIE * np.sqrt(squares / n)
    z = np.divide(np.sign(off) * (lag - expected), error, out=np.zeros(n), where=known)
    tail = (np.where(lag > expected, above, below) + 1) / (permutations + 1)
    p = np.minimum(1.0, 2 * tail)
    high, beside = np.sign(off), np.sign(lag)
    named = {(1, 1): "HH", (-1, -1): "LL", (1, -1): "HL", (-1, 1): "LH"}
    quadrant = np.full(len(kept), "", dtype=object)
    quadrant[kept] = [named.get((int(one), int(other)), "") for one, other in zip(high, beside, strict=True)]
    i, q = off * lag / (squares / n), false_discovery_control(p, method="bh")
    return LocalMoran(spread(i, kept), spread(z, kept), spread(p, kept), spread(q, kept), quadrant)
