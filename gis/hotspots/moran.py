"""Local Moran: areas that are like their neighbours, or unlike them, more than chance would have it.

I(i) = (x_i - m) · mean of (x_j - m) over the k neighbours of i, divided by Σ (x - m)² / n (Anselin 1995, Geographical
Analysis 27; row-standardised weights). Their mean is the global I (Moran 1950; Cliff, Ord 1981 for its variance if any order of the
values is as likely as any other). z compares I with its mean and variance over all ways to deal the other n - 1
values out while x_i stays (Sokal, Oden, Thomson 1998), p with random ones; both see only the neighbours' sum, so the draws
are those of Gi. Quadrants: HH and LL are clusters, HL (high among low) and LH are outliers.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.special import ndtr

from gis.hotspots.gi import analysable, spread
from gis.hotspots.permutation import PERMUTATIONS, TIE, Progress, judged, tails
from gis.hotspots.weights import Neighbours

SHUFFLES = 999
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
    p, q = judged(np.where(lag > expected, above, below), permutations)
    high, beside = np.sign(off), np.sign(lag)
    named = {(1, 1): "HH", (-1, -1): "LL", (1, -1): "HL", (-1, 1): "LH"}
    quadrant = np.full(len(kept), "", dtype=object)
    quadrant[kept] = [named.get((int(one), int(other)), "") for one, other in zip(high, beside, strict=True)]
    i = off * lag / (squares / n)
    return LocalMoran(spread(i, kept), spread(z, kept), spread(p, kept), spread(q, kept), quadrant)


@dataclass(frozen=True)
class GlobalMoran:
    """`i`, what it would be on average by chance, its `z`, the normal two-sided p, and p by shuffling (the side of z, doubled)."""

    i: float
    expected: float
    z: float
    p_normal: float
    p: float


def global_moran(
    values: ArrayLike, neighbours: Neighbours, *, row_standardised: bool = True, permutations: int = SHUFFLES, seed: int = 0
) -> GlobalMoran:
    """Moran's I of the whole map; islands are left out. Refuses what `gi.local_g` does.

    With row-standardised weights every area counts as much, with binary ones every pair of neighbours does.
    """
    numbers, _, among = analysable(values, neighbours, permutations)
    n = len(numbers)
    off = numbers - numbers.mean()
    squares = float((off * off).sum())
    weights = csr_array(among.csr() / among.number[:, None]) if row_standardised else among.csr() * (n / len(among.index))
    i = float(off @ (weights @ off)) / squares
    both = weights + weights.T
    s1 = float(both.multiply(both).sum()) / 2
    s2 = float(((weights.sum(axis=1) + weights.sum(axis=0)) ** 2).sum())
    b2 = n * float((off**4).sum()) / squares**2
    mean = -1 / (n - 1)
    above = n * ((n * n - 3 * n + 3) * s1 - n * s2 + 3 * n * n) - b2 * ((n * n - n) * s1 - 2 * n * s2 + 6 * n * n)
    z = (i - mean) / np.sqrt(above / ((n - 1) * (n - 2) * (n - 3) * n * n) - mean * mean)
    random = np.random.default_rng(seed)
    far = 0
    for _ in range(permutations):
        mixed = random.permutation(off)
        drawn = float(mixed @ (weights @ mixed)) / squares
        far += drawn >= i - TIE if z > 0 else drawn <= i + TIE
    return GlobalMoran(i, mean, float(z), float(2 * ndtr(-abs(z))), min(1.0, 2 * (far + 1) / (permutations + 1)))
