"""Getis-Ord Gi and Gi*: where high or low values lie together more than chance would put them.

Gi(i) = Σ w_ij x_j / Σ x_j over j ≠ i; Gi*(i) counts area i itself as its own neighbour, in both sums. With binary
weights, k neighbours and n areas (Getis, Ord 1992; Ord, Getis 1995, Geographical Analysis 27):

    z of Gi* = (Σ x_j - W m) / (s · sqrt((n W - W²) / (n - 1))),  W = k + 1, m and s² mean and variance (divided by n) of all
    z of Gi  = (Σ x_j - k m_i) / (s_i · sqrt(((n - 1) k - k²) / (n - 2))),  m_i and s_i² of all but i

z of row-standardised weights is the same. z does not change when x is multiplied or moved; G is a share only where no x is
negative. Its normal p is far too small for counts, so p comes from conditional permutation: the value of the area stays,
the others are dealt anew. p is twice the tail on the side of z's sign, at most 1, ties counted as extreme.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.special import ndtr

from gis.errors import BadValue, NothingToAnalyse
from gis.hotspots.permutation import PERMUTATIONS, TIE, Progress, judged, tails
from gis.hotspots.weights import Neighbours

MINIMUM_AREAS = 30
FEW_NEIGHBOURS = 4
"""With fewer, chance sums are few and lumpy: their p is flagged."""
LEAST_PERMUTATIONS = 99
LEVELS = ((0.01, 99), (0.05, 95), (0.10, 90))
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LocalG:
    """One value an area, NaN for islands: `g` (a share), `z`, `p` (permutation, two sides), `p_normal`, `q` (Benjamini-Hochberg over p)."""

    g: Floats
    z: Floats
    p: Floats
    p_normal: Floats
    q: Floats


def local_g(
    values: ArrayLike, neighbours: Neighbours, *, star: bool = True, permutations: int = PERMUTATIONS, seed: int = 0,
    progress: Progress | None = None,
) -> LocalG:  # fmt: skip
    """Gi* (`star`) or Gi of values of any unit, one an area; islands are left out of everything.

    Assumes that under chance any order of the values is as likely as any other. Raises NothingToAnalyse below 30 areas
    with neighbours or where all values are equal; BadValue for values that are not finite, or where an area's
    neighbours are all others. Same seed, same answer.
    """
    numbers, kept, among = analysable(values, neighbours, permutations)
    seen, above, below = tails(numbers, among, permutations=permutations, seed=seed, progress=progress)
    g, z = analytic(numbers, seen, among.number, star=star)
    p, q = judged(np.where(z > 0, above, below), permutations)
    found = (g, z, p, 2 * ndtr(-np.abs(z)), q)
    return LocalG(*(spread(each, kept) for each in found))


def analytic(values: Floats, seen: Floats, number: NDArray[np.int64], *, star: bool) -> tuple[Floats, Floats]:
    """G and its z from each area's sum over its neighbours, `seen`, and their number.

    Deviations from the mean are summed, so that a large mean costs no digits.
    """
    n, k = len(values), number.astype(np.float64)
    total, mean = values.sum(), values.mean()
    off = values - mean
    squares = (off * off).sum()
    above_mean = seen - k * mean
    with np.errstate(divide="ignore", invalid="ignore"):
        if star:
            reach = k + 1
            z = (above_mean + off) / np.sqrt(squares / n * (n * reach - reach * reach) / (n - 1))
            return (seen + values) / total, z
        # The others' mean is below that of all by off / (n - 1).
        others = (squares - off * off * n / (n - 1)) / (n - 1)
        z = (above_mean + k * off / (n - 1)) / np.sqrt(others * ((n - 1) * k - k * k) / (n - 2))
        return seen / (total - values), np.where(others > TIE * squares / n, z, 0.0)


def analysable(values: ArrayLike, neighbours: Neighbours, permutations: int) -> tuple[Floats, NDArray[np.bool_], Neighbours]:
    """The values of the areas that have neighbours, which those are, and their neighbours; or the refusals that `local_g` names."""
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.shape != (len(neighbours),):
        raise BadValue("There must be one value for each area.", areas=len(neighbours), values=numbers.shape)
    if not np.isfinite(numbers).all():
        raise BadValue("A value is not a finite number.", row=int(np.argmin(np.isfinite(numbers))))
    enough_draws(permutations)
    kept = neighbours.number > 0
    areas = int(kept.sum())
    if areas < MINIMUM_AREAS:
        raise NothingToAnalyse(
            f"{areas} areas have neighbours; below {MINIMUM_AREAS} are too few for hot spots.",
            areas=areas,
            minimum=MINIMUM_AREAS,
        )
    numbers, among = (numbers, neighbours) if areas == len(kept) else (numbers[kept], neighbours.only(kept))
    if np.ptp(numbers) <= TIE * np.abs(numbers).max():
        raise NothingToAnalyse("All areas have the same value; there is nothing to find.", areas=areas)
    if int(among.number.max()) >= areas - 1:
        raise BadValue("An area has all others as neighbours; choose fewer or nearer ones.", areas=areas)
    return numbers, kept, among


def enough_draws(permutations: int) -> None:
    """BadValue below 99: no p could be small."""
    if permutations < LEAST_PERMUTATIONS:
        raise BadValue("Fewer than 99 permutations say nothing.", permutations=permutations)


def spread(found: Floats, kept: NDArray[np.bool_]) -> Floats:
    """Values of the areas that were analysed on the rows of all; NaN elsewhere."""
    if len(found) == len(kept):
        return found
    whole = np.full(len(kept), np.nan)
    whole[kept] = found
    return whole


def classes(z: Floats, q: Floats) -> NDArray[np.object_]:
    """hot_99 … cold_90 or none, from the sign of z and the smallest level that the adjusted p stays within."""
    named = np.full(len(z), "none", dtype=object)
    for level, confidence in reversed(LEVELS):
        named[(q <= level) & (z > 0)] = f"hot_{confidence}"
        named[(q <= level) & (z < 0)] = f"cold_{confidence}"
    return named


def bins(z: Floats, q: Floats) -> NDArray[np.int64]:
    """The same classes as numbers: 3, 2, 1 for hot at 99, 95, 90 %, 0 for none, below 0 for cold."""
    steps = sum((q <= level).astype(np.int64) for level, _ in LEVELS)
    return np.asarray(np.where(np.isnan(z), 0, np.sign(np.nan_to_num(z)) * steps), dtype=np.int64)


def patches(sign: NDArray[np.integer], neighbours: Neighbours) -> list[NDArray[np.int64]]:
    """Areas of one sign, 1 or -1, that hang together by neighbours; largest patches first, areas rising; 0 belongs to none."""
    owner = np.repeat(np.arange(len(neighbours)), neighbours.number)
    same = (sign[owner] == sign[neighbours.index]) & (sign[owner] != 0)
    size = len(neighbours)
    joined = csr_array((np.ones(int(same.sum()), dtype=np.int8), (owner[same], neighbours.index[same])), shape=(size, size))
    label = connected_components(joined, directed=False)[1]
    label[sign == 0] = -1
    found = [np.flatnonzero(label == each) for each in np.unique(label[sign != 0])]
    return sorted(found, key=lambda each: (-len(each), int(each[0])))


def too_few_draws(areas: int, permutations: int, level: float = LEVELS[1][0]) -> int:
    """How many areas must reach the smallest possible p before any one passes false-discovery control; 1 is no limit at all."""
    return max(1, int(np.ceil(2 / (permutations + 1) * areas / level - 1e-9)))
