"""Planar hexagons of one area and any origin, and the cell of a point by arithmetic: the district cut in another way.

Cells have a corner in the north. Their middles are the points of the lattice spanned by (√3 a, 0) and (√3 a / 2, 3 a / 2), a the side;
a point belongs to the nearest middle (rounding in cube coordinates; on a shared edge to one of both). Cells of `hexagons_of` are those
whose middle lies in the ground, so cells at its edge reach beyond it, and some ground at the edge belongs to no cell.
"""

import math
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.geometry import MultiPolygon, Polygon

from gis.errors import BadGeometry, BadValue, TooLarge
from gis.hotspots.hexagon_kernels import NOWHERE, located
from gis.hotspots.weights import Neighbours, pairs_given

ROOT_3 = math.sqrt(3.0)
MOST_CELLS = 2_000_000
Floats = NDArray[np.float64]
Longs = NDArray[np.int64]


@dataclass(frozen=True)
class Hexagons:
    """`middles`: (n, 2) metres; `side_m`: of the hexagon, as long as the distance from its middle to a corner."""

    middles: Floats
    side_m: float
    origin: tuple[float, float]
    corner: tuple[int, int]
    cell_of: NDArray[np.int32]
    """(rows, columns) of the lattice around the ground, from `corner` on → the cell, NOWHERE where none is."""

    def __len__(self) -> int:
        return len(self.middles)

    @property
    def cell_m2(self) -> float:
        """The area of a whole cell."""
        return 1.5 * ROOT_3 * self.side_m**2

    def at(self, points: ArrayLike) -> NDArray[np.int32]:
        """The cell of each of `points`, (n, 2) metres; NOWHERE for those in none."""
        where = np.ascontiguousarray(points, dtype=np.float64).reshape(-1, 2)
        return np.asarray(located(where, self.side_m, self.origin, self.corner, self.cell_of))

    def counts(self, points: ArrayLike, weights: ArrayLike | None = None) -> Floats:
        """How many points (or how much weight) lie in each cell."""
        cell = self.at(points)
        inside = cell >= 0
        given = None if weights is None else np.asarray(weights, dtype=np.float64)[inside]
        return np.bincount(cell[inside], weights=given, minlength=len(self)).astype(np.float64)

    def neighbours(self) -> Neighbours:
        """The up to six cells beside each."""
        row, column = np.nonzero(self.cell_of >= 0)
        own = self.cell_of[row, column]
        room = np.pad(self.cell_of, 1, constant_values=NOWHERE)
        one, other = [], []
        for down, across in ((0, 1), (0, -1), (1, 0), (-1, 0), (1, -1), (-1, 1)):
            beside = room[row + 1 + down, column + 1 + across]
            one.append(own[beside >= 0])
            other.append(beside[beside >= 0])
        return pairs_given(np.concatenate(one), np.concatenate(other), len(self), kind=f"hexagons:{self.side_m:g}")

    def shapes(self) -> NDArray[np.object_]:
        """The cells as polygons; cells that touch have the same doubles in common."""
        row, column = np.nonzero(self.cell_of >= 0)
        row, column = row + self.corner[0], column + self.corner[1]
        # Corners counted in half widths and quarter heights are whole numbers, the same from every cell around.
        x = (2 * column + row)[:, None] + np.array([0, -1, -1, 0, 1, 1, 0])
        y = (3 * row)[:, None] + np.array([2, 1, -1, -2, -1, 1, 2])
        corners = np.stack([self.origin[0] + x * (ROOT_3 / 2 * self.side_m), self.origin[1] + y * (self.side_m / 2)], axis=2)
        return np.asarray(shapely.polygons(corners), dtype=object)


def hexagons_of(ground: Polygon | MultiPolygon, *, cell_m2: float, origin: tuple[float, float] = (0.0, 0.0)) -> Hexagons:
    """The cells of so many square metres whose middle lies in `ground` (metres), the lattice through `origin`.

    Raises BadGeometry for ground that is empty or invalid, BadValue if no middle lies in it, TooLarge above MOST_CELLS.
    """
    if ground.is_empty or not ground.is_valid or ground.area <= 0:
        raise BadGeometry("The ground is empty or crosses itself.")
    if not (math.isfinite(cell_m2) and cell_m2 > 0):
        raise BadValue("A cell has an area above 0.", cell_m2=cell_m2)
    if ground.area / cell_m2 > MOST_CELLS:
        raise TooLarge("The cells are too many; take larger ones.", cells=int(ground.area / cell_m2), most=MOST_CELLS)
    side = math.sqrt(cell_m2 / (1.5 * ROOT_3))
    west, south, east, north = ground.bounds
    corners = np.array([(x - origin[0], y - origin[1]) for x in (west, east) for y in (south, north)])
    row = corners[:, 1] / (1.5 * side)
    column = corners[:, 0] / (ROOT_3 * side) - row / 2
    first_row, last_row = math.floor(row.min()) - 1, math.ceil(row.max()) + 1
    first_column, last_column = math.floor(column.min()) - 1, math.ceil(column.max()) + 1
    rows, columns = np.mgrid[first_row : last_row + 1, first_column : last_column + 1]
    x, y = origin[0] + ROOT_3 * side * (columns + rows / 2), origin[1] + 1.5 * side * rows
    shapely.prepare(ground)
    inside = np.asarray(shapely.intersects_xy(ground, x.ravel(), y.ravel()), dtype=np.bool_).reshape(x.shape)
    if not inside.any():
        raise BadValue("No cell has its middle in the ground; take smaller ones.", cell_m2=cell_m2)
    cell_of = np.full(inside.shape, NOWHERE, dtype=np.int32)
    cell_of[inside] = np.arange(int(inside.sum()), dtype=np.int32)
    return Hexagons(np.column_stack([x[inside], y[inside]]), side, origin, (first_row, first_column), cell_of)
