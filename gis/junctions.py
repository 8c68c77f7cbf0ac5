"""Vertices where borders meet: a straight border gets those of its neighbours before its coordinate system changes.

A line that is straight in one system is bent in another. Without a vertex where a neighbour ends on it, the two would
part on the way: by millimetres for a side of a grid, by metres for a border of ten kilometres.
"""

from itertools import pairwise

import numpy as np
import shapely

from gis.faces import Floats, Ints, Shapes


def with_junctions(shapes: Shapes, within: float) -> Shapes:
    """Polygons with every vertex of the others that lies within a distance of their sides, in the units of their coordinates."""
    coords, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(shapes)), return_index=True)
    first = np.flatnonzero(ring[1:] == ring[:-1])
    sides = np.asarray(shapely.linestrings(np.stack([coords[first], coords[first + 1]], axis=1)), dtype=object)
    places = np.unique(coords, axis=0)
    place, side = shapely.STRtree(sides).query(shapely.points(places), predicate="dwithin", distance=within)
    at = places[place]
    start, along = coords[first[side]], coords[first[side] + 1] - coords[first[side]]
    share = ((at - start) * along).sum(axis=1) / np.maximum((along**2).sum(axis=1), np.finfo(float).tiny)
    length = np.hypot(along[:, 0], along[:, 1])
    inner = (share * length > within) & ((1 - share) * length > within)
    order = np.lexsort((share[inner], side[inner]))
    return _rebuilt(shapes, coords, ring, first[side[inner]][order], at[inner][order])


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
