"""Which grids are neighbours: those that share a border or a corner, exactly."""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from shapely.geometry import MultiPolygon, Polygon


def queen_neighbours(borders: Sequence[Polygon | MultiPolygon]) -> list[NDArray[np.int64]]:
    """For each border of an exact coverage the indices of those with a vertex in common, rising; none for an island.

    In an exact coverage both sides of a border have the same vertices, so equality needs no tolerance.
    """
    shapes = np.array(list(borders), dtype=object)
    if not len(shapes):
        return []
    coords, owner = shapely.get_coordinates(shapes, return_index=True)
    vertex = np.unique(coords, axis=0, return_inverse=True)[1].ravel()
    incidence = csr_array((np.ones(len(owner), dtype=np.int32), (owner, vertex)), shape=(len(shapes), vertex.max() + 1))
    shared = csr_array(incidence @ incidence.T)
    shared.setdiag(0)
    shared.eliminate_zeros()
    shared.sort_indices()
    return [row.astype(np.int64) for row in np.split(shared.indices, shared.indptr[1:-1])]
