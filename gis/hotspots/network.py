"""Neighbours by the way one can go: places whose shortest path along the roads is at most so many metres.

Roads are noded where they cross or meet (an over- or underpass counts as a crossing: the base map does not tell them apart). Each place
joins the nearest stretch of road; its way to it counts. Shortest paths by Dijkstra (1959; scipy), cut at the reach. Both ways are as long,
so the relation has two sides. A place farther than `access_m` from any road is an island: it is listed, not joined by air.
"""

import math

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from shapely.geometry import LineString

from gis.errors import BadGeometry, BadValue, NothingToAnalyse, TooLarge
from gis.hotspots.weights import MAX_PAIRS, Neighbours, pairs_given

ACCESS_M = 200.0
ROUND_M = 0.01
"""Ends of roads nearer than this are one junction."""
CHUNK = 4_000_000
"""Distances held at a time, 8 bytes each."""
Floats = NDArray[np.float64]
Longs = NDArray[np.int64]


def network_band(places: ArrayLike, roads: ArrayLike, metres: float, *, access_m: float = ACCESS_M) -> Neighbours:
    """Places (n, 2) at most `metres` apart along `roads`, lines in metres; `kind` is network:metres.

    Raises BadValue for a reach of 0 or less or places that are no numbers, BadGeometry for roads that are no lines,
    NothingToAnalyse without roads, TooLarge above 100 million pairs.
    """
    where = np.asarray(places, dtype=np.float64)
    if where.ndim != 2 or where.shape[1] != 2 or not np.isfinite(where).all():
        raise BadValue("Places must be pairs of finite numbers in metres.", shape=where.shape)
    if not (math.isfinite(metres) and metres > 0 and access_m >= 0):
        raise BadValue("A reach along the roads is above 0 m.", metres=metres, access_m=access_m)
    start, end = _stretches(roads)
    graph, node = _graph(where, start, end, access_m)
    joined = np.flatnonzero(node >= 0)
    one, other, pairs = [], [], 0
    rows = max(1, CHUNK // graph.shape[0])
    for begin in range(0, len(joined), rows):
        asked = joined[begin : begin + rows]
        apart = dijkstra(graph, directed=False, indices=node[asked], limit=metres)[:, node[joined]]
        row, column = np.nonzero(apart <= metres)
        pairs += len(row)
        if pairs > MAX_PAIRS:
            raise TooLarge("The pairs of neighbours are too many; choose a shorter reach.", pairs=pairs, most=MAX_PAIRS)
        one.append(asked[row])
        other.append(joined[column])
    empty = np.empty(0, dtype=np.int64)
    return pairs_given(np.concatenate([empty, *one]), np.concatenate([empty, *other]), len(where), kind=f"network:{metres:g}")


def _stretches(roads: ArrayLike) -> tuple[Floats, Floats]:
    """The straight stretches between junctions and bends, (m, 2) their starts and (m, 2) their ends."""
    lines = np.atleast_1d(np.asarray(roads, dtype=object))
    lines = shapely.get_parts(lines[~(shapely.is_missing(lines) | shapely.is_empty(lines))])
    if not np.isin(shapely.get_type_id(lines), (shapely.GeometryType.LINESTRING, shapely.GeometryType.LINEARRING)).all():
        raise BadGeometry("Roads are lines.")
    if not len(lines):
        raise NothingToAnalyse("There are no roads to go along.")
    noded = shapely.get_parts(shapely.union_all(lines, grid_size=ROUND_M))
    coords, line = shapely.get_coordinates(noded, return_index=True)
    within = line[1:] == line[:-1]
    return coords[:-1][within], coords[1:][within]


def _graph(where: Floats, start: Floats, end: Floats, access_m: float) -> tuple[csr_array, Longs]:
    """The roads with a node for each place, and which: -1 for those without a road near by."""
    tree = shapely.STRtree([LineString(each) for each in np.stack([start, end], axis=1)])
    (place, stretch), way = tree.query_nearest(
        shapely.points(where), max_distance=max(access_m, 1e-9), return_distance=True, all_matches=False
    )
    junctions, node = np.unique(np.round(np.concatenate([start, end]) / ROUND_M).astype(np.int64), axis=0, return_inverse=True)
    begins, ends = node.ravel()[: len(start)], node.ravel()[len(start) :]
    along = end - start
    length = np.hypot(*along.T)
    foot = ((where[place] - start[stretch]) * along[stretch]).sum(axis=1) / np.maximum(length[stretch], 1e-12)
    foot = np.clip(foot, 0.0, length[stretch])
    # Each stretch is a chain: its start, the feet of the places on it in order, its end.
    feet = len(junctions) + np.arange(len(place))
    count = len(start)
    on = np.concatenate([np.arange(count), stretch, np.arange(count)])
    at = np.concatenate([np.zeros(count), foot, length])
    names = np.concatenate([begins, feet, ends])
    turn = np.concatenate([np.zeros(count), np.ones(len(place)), np.full(count, 2)])
    order = np.lexsort((turn, at, on))
    same = on[order][1:] == on[order][:-1]
    u, v, step = names[order][:-1][same], names[order][1:][same], np.diff(at[order])[same]
    doors = len(junctions) + len(place) + np.arange(len(place))
    u, v, step = np.concatenate([u, feet]), np.concatenate([v, doors]), np.concatenate([step, way])
    node_of = np.full(len(where), -1, dtype=np.int64)
    node_of[place] = doors
    return _shortest(u, v, step, len(junctions) + 2 * len(place)), node_of


def _shortest(u: Longs, v: Longs, step: Floats, nodes: int) -> csr_array:
    """A matrix of lengths, of several stretches between two nodes the shortest. 0 would mean "no way" to scipy."""
    low, high, step = np.minimum(u, v), np.maximum(u, v), np.maximum(step, 1e-9)
    order = np.lexsort((step, high, low))
    low, high, step = low[order], high[order], step[order]
    first = np.append(True, (np.diff(low) != 0) | (np.diff(high) != 0)) & (low != high)
    return csr_array((step[first], (low[first], high[first])), shape=(nodes, nodes))
