"""Vertices where borders meet: a straight border gets those of its neighbours before its coordinate system changes.

A line that is straight in one system is bent in another. Without a vertex where a neighbour ends on it, the two would
part on the way, and where one crosses it, be cut elsewhere: by millimetres for a side of a grid, by metres for a border of
ten kilometres.
"""

from itertools import pairwise

import numpy as np
import shapely

from gis.crs import Measure
from gis.faces import Floats, Ints, Shapes

BEND_M = 25.0
"""Sides this long bend by some micrometres, less than any width that is told."""
MOST_BENDS = 10_000  # of one shape


def with_junctions(shapes: Shapes, within: float) -> Shapes:
    """Polygons with a vertex wherever their sides cross others, or come within a distance of others' vertices, in their own units."""
    coords, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(shapes)), return_index=True)
    first = np.flatnonzero(ring[1:] == ring[:-1])
    sides = np.asarray(shapely.linestrings(np.stack([coords[first], coords[first + 1]], axis=1)), dtype=object)
    places = np.unique(coords, axis=0)
    met, side = shapely.STRtree(sides).query(shapely.points(places), predicate="dwithin", distance=within)
    at = places[met]
    across, crossing = _crossings(sides, places, within)
    side, at = np.concatenate([side, crossing]), np.concatenate([at, across])
    start, along = coords[first[side]], coords[first[side] + 1] - coords[first[side]]
    share = ((at - start) * along).sum(axis=1) / np.maximum((along**2).sum(axis=1), np.finfo(float).tiny)
    length = np.hypot(along[:, 0], along[:, 1])
    inner = np.flatnonzero((share * length > within) & ((1 - share) * length > within))
    inner = inner[np.lexsort((share[inner], side[inner]))]
    again = 1 + np.flatnonzero((np.diff(side[inner]) == 0) & (np.diff(at[inner], axis=0) == 0).all(axis=1))
    inner = np.delete(inner, again)
    return _rebuilt(shapes, coords, ring, first[side[inner]], at[inner])


def bent(shapes: Shapes, metres: Measure) -> Shapes:
    """Shapes in metres whose long sides bend as the ground under them: what is thin has its true width, whatever its vertices."""
    flat = metres.to_metres(shapes)
    length, long = shapely.length(shapes), shapely.length(flat)
    sided = np.flatnonzero(long > BEND_M)
    step = np.maximum(BEND_M, long[sided] / MOST_BENDS) * length[sided] / long[sided]
    flat[sided] = metres.to_metres(shapely.segmentize(shapes[sided], step))
    return flat


def _crossings(sides: Shapes, places: Floats, within: float) -> tuple[Floats, Ints]:
    """Where sides cross each other away from all vertices, and which side each place is on."""
    one, other = shapely.STRtree(sides).query(sides, predicate="crosses")
    each = np.flatnonzero(one < other)
    points = shapely.intersection(sides[one[each]], sides[other[each]])
    near, _ = shapely.STRtree(np.asarray(shapely.points(places), dtype=object)).query(points, predicate="dwithin", distance=within)
    free = np.setdiff1d(np.arange(len(points)), near)
    at = shapely.get_coordinates(points[free])
    return np.concatenate([at, at]), np.concatenate([one[each[free]], other[each[free]]])


def _rebuilt(shapes: Shapes, coords: Floats, ring: Ints, after: Ints, places: Floats) -> Shapes:
    """The shapes with places inserted after some of their vertices."""
    if not len(after):
        return shapes
    more, more_ring = np.insert(coords, after + 1, places, axis=0), np.insert(ring, after + 1, ring[after])
    rings = np.asarray(shapely.linearrings(more, indices=more_ring), dtype=object)
    parts, of_shape = shapely.get_parts(shapes, return_index=True)
    _, of_part = shapely.get_rings(parts, return_index=True)
    begin = np.searchsorted(of_part, np.arange(len(parts) + 1))
    built = np.array([shapely.polygons(rings[low], rings[low + 1 : high]) for low, high in pairwise(begin.tolist())], dtype=object)
    result = shapes.copy()
    bounds = np.searchsorted(of_shape, np.arange(len(shapes) + 1))
    for index, (low, high) in enumerate(pairwise(bounds.tolist())):
        if high > low:
            result[index] = built[low] if high == low + 1 else shapely.multipolygons(built[low:high])
    return result
