"""The exact proof that polygons tile an outline: their directed edges cancel to the edges of the outline.

A valid polygon, drawn with its ground on the left, winds once around each of its own points. If the directed edges of
all children minus those of the outline cancel to nothing, the sums of windings are equal everywhere: no gap, no
overlap, and every shared border has the same vertices on both sides. There is no tolerance. A T-junction is loose.
"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString, MultiPolygon, Polygon

from gis.lattice import on_lattice, to_coordinates, to_integers

Ground = Polygon | MultiPolygon
Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Number = TypeVar("Number", np.int64, np.float64)


def loose_edges(children: Sequence[Ground], outline: Ground | Sequence[Ground], *, anywhere: bool = False) -> list[LineString]:
    """The edges of children and outline (degrees) that do not cancel; none means an exact tiling of valid polygons.

    All must lie on the lattice, else BadGeometry; `anywhere` takes doubles of any system as they are instead, which
    proves as much as long as the polygons are valid. The polygons themselves have to be valid (`tiles_exactly` asks
    that too). An edge that is too many by two comes once. The order is from west to east.
    """
    outlines = [outline] if isinstance(outline, Polygon | MultiPolygon) else list(outline)
    start, end, owner = directed_edges([*children, *outlines])
    sign = np.where(owner < len(children), 1, -1)
    if anywhere:
        lines = np.stack(_uncancelled(start, end, sign), axis=1)
    else:
        lines = to_coordinates(np.stack(_uncancelled(to_integers(start), to_integers(end), sign), axis=1))
    return [LineString(line) for line in lines]


def tiles_exactly(children: Sequence[Ground], outline: Ground | Sequence[Ground]) -> bool:
    """Whether the children (degrees) are valid, lie on the lattice and tile the outline with no gap and no overlap."""
    outlines = [outline] if isinstance(outline, Polygon | MultiPolygon) else list(outline)
    shapes = np.array([*children, *outlines], dtype=object)
    sound = shapely.is_valid(shapes) & ~shapely.is_empty(shapes) & on_lattice(shapes)
    return bool(sound.all()) and not loose_edges(children, outlines)


def directed_edges(polygons: Sequence[Ground] | NDArray[np.object_]) -> tuple[Floats, Floats, Integers]:
    """Start and end (degrees, shape (n, 2)) of every edge of every ring, ground on the left, and whose edge it is."""
    shapes = np.array(list(polygons), dtype=object)
    if not len(shapes):
        return np.empty((0, 2)), np.empty((0, 2)), np.empty(0, dtype=np.int64)
    parts, polygon = shapely.get_parts(shapely.orient_polygons(shapes), return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    coords, ring = shapely.get_coordinates(rings, return_index=True)
    within = ring[1:] == ring[:-1]
    return coords[:-1][within], coords[1:][within], polygon[part][ring[:-1][within]]


def _uncancelled(start: NDArray[Number], end: NDArray[Number], sign: Integers) -> tuple[NDArray[Number], NDArray[Number]]:
    """Both ends of the undirected edges whose signed count is not zero."""
    if not len(start):
        return start, end
    forward = (start[:, 0] < end[:, 0]) | ((start[:, 0] == end[:, 0]) & (start[:, 1] <= end[:, 1]))
    low = np.where(forward[:, None], start, end)
    high = np.where(forward[:, None], end, start)
    weight = np.where(forward, sign, -sign) * (start != end).any(axis=1)
    order = np.lexsort((high[:, 1], high[:, 0], low[:, 1], low[:, 0]))
    low, high, weight = low[order], high[order], weight[order]
    first = np.ones(len(low), dtype=np.bool_)
    first[1:] = ((low[1:] != low[:-1]) | (high[1:] != high[:-1])).any(axis=1)
    loose = np.add.reduceat(weight, np.flatnonzero(first)) != 0
    return low[first][loose], high[first][loose]
