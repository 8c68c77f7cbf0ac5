"""Getis-Ord Gi* of incidents per household: where high or low rates lie together more than chance would put them."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import false_discovery_control
from shapely.geometry import MultiPolygon, Polygon

from gis.errors import BadValue, NothingToAnalyse
from gis.hotspots.contiguity import queen_neighbours
from gis.hotspots.permutation_kernels import tails
from gis.hotspots.rates import LEAST_HOUSEHOLDS, PER_HOUSEHOLDS, checked_counts, empirical_bayes_rates

MINIMUM_AREAS = 30
MINIMUM_INCIDENTS = 60
MAXIMUM_SHARE_OF_ZEROS = 0.9
PERMUTATIONS = 9_999
LEVELS = ((0.01, 99), (0.05, 95), (0.10, 90))
# Draws that equal the observed value but for rounding count as ties, so as at least as extreme.
TIE = 1e-10


@dataclass(frozen=True)
class GiStar:
    """Gi* of each area, in the order given.

    `table` columns: count, households, rate_per_1000, eb_rate_per_1000, neighbours, z, p (two-sided, by conditional
    permutation), q (Benjamini-Hochberg), class (hot_99, hot_95, hot_90, cold_99, cold_95, cold_90, none, excluded).
    `islands`, `empty` and `small` are the rows left out: without neighbours, without households, with fewer than
    LEAST_HOUSEHOLDS. The rest says how it was done.
    """

    table: pd.DataFrame
    islands: list[int]
    empty: list[int]
    small: list[int]
    permutations: int
    seed: int
    analysed: int


def gi_star(
    borders: Sequence[Polygon | MultiPolygon],
    counts: ArrayLike,
    households: ArrayLike,
    *,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> GiStar:
    """Hot and cold spots of incidents per 1,000 households on the borders of an exact coverage.

    Rates are empirical-Bayes, neighbours share a border or a corner, each area counts as its own neighbour, weights
    are 1. Raises NothingToAnalyse below 30 areas or 60 incidents, above 90 % of areas without any, or if the rates
    do not differ more than chance; BadValue for bad counts. Same seed, same answer.
    """
    cases, base = checked_counts(counts, households)
    if len(cases) != len(borders):
        raise BadValue("There must be one count for each border.", borders=len(borders), counts=len(cases))
    if permutations < 99:
        raise BadValue("Fewer than 99 permutations say nothing.", permutations=permutations)
    lived = np.flatnonzero(base >= LEAST_HOUSEHOLDS)
    neighbours = queen_neighbours([borders[int(index)] for index in lived])
    joined = np.array([len(each) > 0 for each in neighbours], dtype=np.bool_)
    used = lived[joined]
    _enough_to_analyse(cases[used])
    eb_rates = empirical_bayes_rates(cases[used], base[used])
    if np.ptp(eb_rates) <= TIE * eb_rates.max():
        raise NothingToAnalyse("The rates of the areas do not differ by more than chance.", areas=len(used))
    place = np.cumsum(joined) - 1
    kept = [place[each] for each, own in zip(neighbours, joined, strict=True) if own]
    z, p = local_g_star(eb_rates, kept, permutations=permutations, seed=seed)
    table = _table(cases, base)
    table.loc[used, "eb_rate_per_1000"] = eb_rates * PER_HOUSEHOLDS
    table.loc[used, "neighbours"] = [len(each) for each in kept]
    table.loc[used, "z"] = z
    table.loc[used, "p"] = p
    table.loc[used, "q"] = false_discovery_control(p, method="bh")
    table.loc[used, "class"] = classes(z, table.loc[used, "q"].to_numpy())
    small = np.flatnonzero((base > 0) & (base < LEAST_HOUSEHOLDS)).tolist()
    return GiStar(table, lived[~joined].tolist(), np.flatnonzero(base == 0).tolist(), small, permutations, seed, len(used))


def local_g_star(
    values: ArrayLike, neighbours: Sequence[NDArray[np.int64]], *, permutations: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gi* (z with binary weights, the area itself included) and its two-sided conditional permutation p.

    The normal p is far too small for skewed counts. p = twice the tail on the side of z's sign, at most 1, ties counted
    as extreme: the draws hold the area's own value, so neighbours that are low around one high area must not pass as a
    hot spot. The draws are our own: esda's compile for most of a minute in every process, and break ties.
    """
    numbers = np.asarray(values, dtype=np.float64)
    # esda brings matplotlib and scikit-learn along: seconds that only a process that computes should pay.
    from esda.getisord import G_Local  # noqa: PLC0415
    from libpysal.weights import W  # noqa: PLC0415

    weights = W({row: list(map(int, each)) for row, each in enumerate(neighbours)}, silence_warnings=True)
    with warnings.catch_warnings():
        # A river parts a city into several pieces; esda's copy of the weights would print that each time.
        warnings.filterwarnings("ignore", message="The weights matrix is not fully connected", category=UserWarning)
        z = np.asarray(G_Local(numbers, weights, transform="B", star=True, permutations=0).Zs, dtype=np.float64)
    first = np.concatenate([[0], np.cumsum([len(each) for each in neighbours])]).astype(np.int64)
    together = np.concatenate([np.asarray(each, dtype=np.int64) for each in neighbours])
    above, below = tails(numbers, first, together, permutations, TIE, seed % 2**32)
    tail = (np.where(z > 0, above, below) + 1) / (permutations + 1)
    return z, np.minimum(1.0, 2 * tail)


def classes(z: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.object_]:
    """hot_99 … cold_90 or none, from the sign of z and the smallest level that the adjusted p stays within."""
    named = np.full(len(z), "none", dtype=object)
    for level, confidence in reversed(LEVELS):
        named[(q <= level) & (z > 0)] = f"hot_{confidence}"
        named[(q <= level) & (z < 0)] = f"cold_{confidence}"
    return named


def _enough_to_analyse(cases: NDArray[np.float64]) -> None:
    if len(cases) < MINIMUM_AREAS:
        raise NothingToAnalyse("Too few areas for hot spots.", areas=len(cases), minimum=MINIMUM_AREAS)
    if cases.sum() < MINIMUM_INCIDENTS:
        raise NothingToAnalyse("Too few incidents for hot spots.", incidents=float(cases.sum()), minimum=MINIMUM_INCIDENTS)
    zeros = float((cases == 0).mean())
    if zeros > MAXIMUM_SHARE_OF_ZEROS:
        raise NothingToAnalyse("Too many areas have no incident at all.", share=round(zeros, 4), maximum=MAXIMUM_SHARE_OF_ZEROS)


def _table(cases: NDArray[np.float64], base: NDArray[np.float64]) -> pd.DataFrame:
    rate = np.divide(cases, base, out=np.full(len(cases), np.nan), where=base > 0) * PER_HOUSEHOLDS
    table = pd.DataFrame({"count": cases, "households": base, "rate_per_1000": rate})
    for column in ("eb_rate_per_1000", "z", "p", "q"):
        table[column] = np.nan
    table["neighbours"] = 0
    table["class"] = pd.Series(["excluded"] * len(cases), dtype=object)
    return table
