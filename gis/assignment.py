"""Many places → the grid each lies in, exactly as GEOS says, at the speed of one look into a raster.

A raster holds the owner of every cell that no border crosses. In a cell that borders cross, the owner is the grid
on the near side of the first edge to the west. What lies closer to an edge than doubles can tell is asked of GEOS.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isfinite, sqrt
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import distance_transform_cdt
from shapely.geometry import MultiPolygon, Polygon

from gis import assignment_kernels as kernels
from gis.certificate import directed_edges
from gis.errors import BadGeometry, BadValue

NOBODY = -1
TOLERANCE_M = 10.0
REACH_M = 200.0
CELLS_PER_EDGE = 24
CELLS = (4_096, 4_194_304)


@dataclass(frozen=True)
class Assignment:
    """Places and their grids, in the order of the places.

    `ids`: the grid's id, -1 for none. `distance_m`: metres to the nearest border, exact below the reach asked for and
    equal to it beyond; NaN for a place that is not finite. `on_border`: exactly on a border. `ambiguous`: nearer to a
    border than the tolerance, so that a small error of the place would change its grid.
    """

    ids: NDArray[np.int64]
    distance_m: NDArray[np.float32]
    on_border: NDArray[np.bool_]
    ambiguous: NDArray[np.bool_]


class Located(NamedTuple):
    """One place and its grid; the same meanings as in Assignment."""

    id: int
    distance_m: float
    on_border: bool
    ambiguous: bool


class GridLocator:
    """Knows which of some borders (degrees, valid) a place lies in; build once per version of the borders, then ask.

    `ids` are in the order of the grids' codes: a place on a shared border belongs to the first of its grids.
    Borders that overlap or whose vertices do not match are allowed and answered as exactly, only slowly.
    Safe to ask from several threads.
    """

    def __init__(self, borders: Sequence[Polygon | MultiPolygon], ids: ArrayLike, *, tolerance_m: float = TOLERANCE_M) -> None:
        self._borders = np.array(list(borders), dtype=object)
        self._ids = np.append(np.asarray(ids, dtype=np.int64), NOBODY)
        if len(self._ids) != len(self._borders) + 1:
            raise BadValue("There must be one id for each border.", borders=len(self._borders), ids=len(self._ids) - 1)
        if not (0 <= tolerance_m <= REACH_M):
            raise BadValue("The tolerance lies between 0 and 200 m.", tolerance_m=tolerance_m)
        sound = shapely.is_valid(self._borders) & ~shapely.is_empty(self._borders)
        if not sound.all():
            raise BadGeometry("A border is not a valid polygon.", id=int(self._ids[np.argmin(sound)]))
        self.tolerance_m = tolerance_m
        self._tree = shapely.STRtree(self._borders)
        self._lay_raster()

    def assign(self, lon: ArrayLike, lat: ArrayLike, *, distances: bool = True) -> Assignment:
        """The grid of each place (degrees). Without `distances` the reach is the tolerance instead of 200 m, faster."""
        x, y = _columns(lon, lat)
        owners, on_border = self._owners_at(x, y)
        distance = np.empty(len(x), dtype=np.float32)
        reach = REACH_M if distances else self.tolerance_m
        kernels.border_distances(x, y, reach, self._index, distance)
        distance[on_border] = 0.0
        ambiguous = (distance < self.tolerance_m) | on_border
        return Assignment(self._ids[owners], distance, on_border, ambiguous)

    def ids_at(self, lon: ArrayLike, lat: ArrayLike) -> NDArray[np.int64]:
        """The ids alone, as `assign` gives them: how near a border is takes most of its time."""
        return self._ids[self._owners_at(*_columns(lon, lat))[0]]

    def _owners_at(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """The row of each place's grid, and whether it lies on a border of several."""
        owners = np.full(len(x), kernels.UNSURE, dtype=np.int32)
        on_border = np.zeros(len(x), dtype=np.bool_)
        if self._matched:
            kernels.owners_at(x, y, self._index, owners)
        unsure = np.flatnonzero(owners == kernels.UNSURE)
        if len(unsure):
            owners[unsure], on_border[unsure] = self._asked_of_geos(x[unsure], y[unsure])
        return owners, on_border

    def locate_one(self, lon: float, lat: float) -> Located:
        """The grid of one place (degrees), its distance exact up to 200 m; some microseconds."""
        if not (isfinite(lon) and isfinite(lat)):
            return Located(NOBODY, float("nan"), False, False)
        owner, distance = kernels.locate(lon, lat, REACH_M, self._parts)
        on_border = False
        if owner == kernels.UNSURE or not self._matched:
            owners, touching = self._asked_of_geos(np.array([lon]), np.array([lat]))
            owner, on_border = int(owners[0]), bool(touching[0])
            distance = 0.0 if on_border else distance
        return Located(int(self._ids[owner]), distance, on_border, on_border or distance < self.tolerance_m)

    def _lay_raster(self) -> None:
        edges, east, self._matched = _edges_with_owners(self._borders)
        rows, columns, frame = _raster_shape(edges)
        counts = np.zeros(rows * columns + 1, dtype=np.int64)
        kernels.cells_of_edges(edges, frame, rows, columns, counts, np.empty(0, dtype=np.int32))
        mixed = np.flatnonzero(counts)
        first = np.concatenate([[0], np.cumsum(counts[mixed])])
        places = counts
        places[mixed] = first[:-1]
        entries = np.empty(first[-1], dtype=np.int32)
        if len(entries):
            kernels.cells_of_edges(edges, frame, rows, columns, places, entries)
        owners = np.full((rows, columns), kernels.UNFILLED, dtype=np.int32)
        owners.flat[mixed] = -2 - np.arange(len(mixed), dtype=np.int32)
        near = np.minimum(distance_transform_cdt(owners >= 0, metric="chessboard"), 255).astype(np.uint8)
        self._index = kernels.Index(frame, owners, near, first, edges[entries], east[entries])
        index = self._index
        self._parts = (index.frame, index.owners, index.near, index.first, index.edges, index.east)
        self._matched = self._matched and kernels.fill_raster(self._index)

    def _asked_of_geos(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """Owner and whether on a border, by exact predicates; the first border in order wins."""
        places = np.asarray(shapely.points(lon, lat), dtype=object)
        place, border = self._tree.query(places, predicate="intersects")
        owners = np.full(len(lon), len(self._borders), dtype=np.int32)
        np.minimum.at(owners, place, border.astype(np.int32))
        owners[owners == len(self._borders)] = NOBODY
        on_border = np.zeros(len(lon), dtype=np.bool_)
        on_border[place[shapely.touches(self._borders[border], places[place])]] = True
        return owners, on_border


def _columns(lon: ArrayLike, lat: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, y = np.ascontiguousarray(lon, dtype=np.float64), np.ascontiguousarray(lat, dtype=np.float64)
    if x.shape != y.shape or x.ndim != 1:
        raise BadValue("Longitudes and latitudes must be two lists of one length.", lon=x.shape, lat=y.shape)
    return x, y


def _edges_with_owners(borders: NDArray[np.object_]) -> tuple[NDArray[np.float64], NDArray[np.int32], bool]:
    """Each edge once, lower end first, with its owner to the east, and whether the borders match edge by edge."""
    start, end, owner = directed_edges(borders)
    upward = (start[:, 1] < end[:, 1]) | ((start[:, 1] == end[:, 1]) & (start[:, 0] <= end[:, 0]))
    edges = np.where(upward[:, None], np.hstack([start, end]), np.hstack([end, start]))
    order = np.lexsort((upward, edges[:, 3], edges[:, 2], edges[:, 1], edges[:, 0]))
    edges, upward, owner = edges[order], upward[order], owner[order]
    again = np.zeros(len(edges), dtype=np.bool_)
    again[1:] = (edges[1:] == edges[:-1]).all(axis=1)
    doubled = again[1:] & (upward[1:] == upward[:-1])
    # Ground lies left of a directed edge, so east of one that goes down; it sorts before its upward twin.
    east = np.where(upward, NOBODY, owner).astype(np.int32)
    matched = not doubled.any() and bool(shapely.coverage_is_valid(borders))
    return np.ascontiguousarray(edges[~again]), east[~again], matched


def _raster_shape(edges: NDArray[np.float64]) -> tuple[int, int, NDArray[np.float64]]:
    """Rows, columns and (west, south, width, height) of a raster around the edges with cells about square on the ground."""
    if not len(edges):
        return 1, 1, np.array([0.0, 0.0, 1.0, 1.0])
    west, south = edges[:, [0, 2]].min(), edges[:, [1, 3]].min()
    east, north = edges[:, [0, 2]].max(), edges[:, [1, 3]].max()
    kx, ky = kernels.metres_per_degree((south + north) / 2)
    cells = min(max(CELLS_PER_EDGE * len(edges), CELLS[0]), CELLS[1])
    width_m, height_m = (east - west) * kx, (north - south) * ky
    side = sqrt(width_m * height_m / cells)
    columns, rows = max(1, ceil(width_m / side)), max(1, ceil(height_m / side))
    # A hair wider than the edges, so that the last one lies inside the last cell.
    frame = np.array([west, south, (east - west) / columns * (1 + 1e-9), (north - south) / rows * (1 + 1e-9)])
    return rows, columns, frame
