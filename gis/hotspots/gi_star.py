"""Hot spots of incidents per household: Gi* on rates that small numbers do not mislead, for the grids of an exact coverage."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from shapely.geometry import MultiPolygon, Polygon

from gis.errors import BadValue, NothingToAnalyse
from gis.hotspots.gi import MINIMUM_AREAS, classes, enough_draws, local_g
from gis.hotspots.permutation import PERMUTATIONS, TIE
from gis.hotspots.rates import LEAST_HOUSEHOLDS, PER_HOUSEHOLDS, checked_counts, eb_standardised, empirical_bayes_rates
from gis.hotspots.weights import of_borders

__all__ = ["PERMUTATIONS", "GiStar", "enough_to_analyse", "gi_star"]
MINIMUM_INCIDENTS = 60
MAXIMUM_SHARE_OF_ZEROS = 0.9


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
    """Hot and cold spots of incidents per household on the borders of an exact coverage.

    Gi* is that of EB-standardised rates (their variance under equal risk is the same whatever the number of households),
    neighbours share a border or a corner, each area counts as its own neighbour. Raises NothingToAnalyse below 30 areas
    or 60 incidents, above 90 % of areas without any, or if the rates do not differ; BadValue for bad counts.
    Same seed, same answer.
    """
    cases, base = checked_counts(counts, households)
    if len(cases) != len(borders):
        raise BadValue("There must be one count for each border.", borders=len(borders), counts=len(cases))
    enough_draws(permutations)
    lived = np.flatnonzero(base >= LEAST_HOUSEHOLDS)
    neighbours = of_borders("queen", [borders[int(index)] for index in lived])
    joined = neighbours.number > 0
    used = lived[joined]
    enough_to_analyse(cases[used])
    rates = eb_standardised(cases[used], base[used])
    if np.ptp(rates) <= TIE * max(1.0, np.abs(rates).max()):
        raise NothingToAnalyse("The rates of the areas do not differ by more than chance.", areas=len(used))
    among = neighbours.only(joined)
    found = local_g(rates, among, permutations=permutations, seed=seed)
    table = _table(cases, base)
    table.loc[used, "eb_rate_per_1000"] = empirical_bayes_rates(cases[used], base[used]) * PER_HOUSEHOLDS
    table.loc[used, "neighbours"] = among.number
    for column in ("z", "p", "q"):
        table.loc[used, column] = getattr(found, column)
    table.loc[used, "class"] = classes(found.z, found.q)
    small = np.flatnonzero((base > 0) & (base < LEAST_HOUSEHOLDS)).tolist()
    return GiStar(table, lived[~joined].tolist(), np.flatnonzero(base == 0).tolist(), small, permutations, seed, len(used))


def enough_to_analyse(cases: NDArray[np.float64]) -> None:
    """NothingToAnalyse below 30 areas or 60 incidents, or above 90 % of areas without any."""
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
