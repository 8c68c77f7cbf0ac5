"""The same question on other cells: which hot spots stay when the ground is cut in another way (the modifiable areal unit problem).

Gi* of the same incidents is asked again on planar hexagons: of the size of the areas, the same moved by half a cell, of a half and of
twice the area. An area is `steady` if at least half its ground is hot in all of them that could be asked (Openshaw, 1984). Agreement of
two maps: Jaccard index, ground hot in both over ground hot in either.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.geometry import MultiPolygon, Polygon

from gis.errors import BadValue, NothingToAnalyse
from gis.faces import polygonal
from gis.hotspots.gi import local_g
from gis.hotspots.gi_star import enough_to_analyse
from gis.hotspots.hexagons import Hexagons, hexagons_of
from gis.hotspots.permutation import PERMUTATIONS
from gis.hotspots.rates import LEAST_HOUSEHOLDS, eb_standardised

CUTS = ((1.0, 0.0), (1.0, 0.5), (0.5, 0.0), (2.0, 0.0))
"""Size of a cell against the areas' median size, and how far the lattice is moved, in cells."""
STEADY = 0.5
LEVEL = 0.05
Floats = NDArray[np.float64]
Shapes = Sequence[Polygon | MultiPolygon] | NDArray[np.object_]


@dataclass(frozen=True)
class OtherCells:
    """`table`, a row an area: hot_share_1 … (of its ground, in each cut), steady (hot itself, and half hot in every cut asked).

    `cuts`, a row a cut: cell_m2, moved, cells, hot_cells, hot_m2, jaccard (with the areas' own map), refusal ("" if it was asked).
    `agree`: how many of the hot areas are steady; `hot` how many there are.
    """

    table: pd.DataFrame
    cuts: pd.DataFrame
    hot: int
    agree: int


def on_other_cells(
    borders: Shapes, hot: ArrayLike, points: ArrayLike, *, homes: tuple[ArrayLike, ArrayLike] | None = None,
    cuts: Sequence[tuple[float, float]] = CUTS, level: float = LEVEL, permutations: int = PERMUTATIONS, seed: int = 0,
) -> OtherCells:  # fmt: skip
    """Ask Gi* of `points`, (n, 2), again on hexagons over the ground of `borders`; all metres of one plane.

    `hot`, (areas,): what the map on the areas calls hot. `homes`: places (m, 2) of homes and how many households each has; with
    them Gi* is that of EB-standardised rates, as on areas, else of counts (a density, not a risk). A cut on which there is too
    little is told as refused. Same seed, same answer. Raises BadValue for lists that do not fit.
    """
    shapes, called = np.array(list(borders), dtype=object), np.asarray(hot, dtype=np.bool_)
    if called.shape != (len(shapes),) or not len(shapes):
        raise BadValue("There must be one flag for each border.", borders=len(shapes), flags=called.shape)
    ground, size = polygonal(shapely.union_all(shapes)), float(np.median(shapely.area(shapes)))
    own = shapely.union_all(shapes[called])
    table, rows = pd.DataFrame(index=range(len(shapes))), []
    steady = called.copy()
    asked = 0
    for number, (scale, moved) in enumerate(cuts, 1):
        side = np.sqrt(size * scale)
        cells = hexagons_of(ground, cell_m2=size * scale, origin=(moved * side, moved * side))
        refusal, warm = "", np.zeros(len(cells), dtype=np.bool_)
        try:
            warm = hot_cells(cells, points, homes, level=level, permutations=permutations, seed=seed + number)
            asked += 1
        except NothingToAnalyse as refused:
            refusal = refused.message
        other = shapely.union_all(cells.shapes()[warm])
        share = shapely.area(shapely.intersection(shapes, other)) / shapely.area(shapes)
        table[f"hot_share_{number}"] = share if not refusal else np.nan
        steady &= (share >= STEADY) if not refusal else True
        either = shapely.area(shapely.union(own, other))
        jaccard = shapely.area(shapely.intersection(own, other)) / either if either > 0 and not refusal else np.nan
        rows.append((cells.cell_m2, moved, len(cells), int(warm.sum()), float(shapely.area(other)), jaccard, refusal))
    table["steady"] = steady & (asked > 0)
    table.insert(0, "hot", called)
    columns = ["cell_m2", "moved", "cells", "hot_cells", "hot_m2", "jaccard", "refusal"]
    return OtherCells(table, pd.DataFrame(rows, columns=columns), int(called.sum()), int(table["steady"].sum()))


def hot_cells(
    cells: Hexagons, points: ArrayLike, homes: tuple[ArrayLike, ArrayLike] | None, *, level: float = LEVEL,
    permutations: int = PERMUTATIONS, seed: int = 0,
) -> NDArray[np.bool_]:  # fmt: skip
    """Which cells Gi* with false-discovery control calls hot; refused as `gi_star` refuses."""
    counts = cells.counts(points)
    neighbours = cells.neighbours()
    lived = np.ones(len(cells), dtype=np.bool_)
    values: Floats = counts
    if homes is not None:
        base = cells.counts(*homes)
        lived = base >= LEAST_HOUSEHOLDS
        neighbours = neighbours.only(lived)
        counts = counts[lived]
        enough_to_analyse(counts)
        values = eb_standardised(counts, base[lived])
    else:
        enough_to_analyse(counts)
    found = local_g(values, neighbours, permutations=permutations, seed=seed)
    warm = np.zeros(len(cells), dtype=np.bool_)
    warm[lived] = (found.q <= level) & (found.z > 0)
    return warm
