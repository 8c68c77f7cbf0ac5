"""Polygons with a number each as a graph: which share a border, how long it is and how much of it runs along roads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gis.balance.touching import near_borders
from gis.crs import LocalMetres
from gis.errors import BadGeometry, BadValue

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Shapes = NDArray[np.object_]

GAP_M = 0.5
"""Borders nearer than this are one border, where a file's polygons do not share vertices."""
GAP_SHARE = 0.01
"""The same as a share of the side of a polygon, whichever is less."""
ROAD_WITHIN_M = 3.0


@dataclass(frozen=True)
class Graph:
    """Atoms 0 to n-1 and the m pairs of them that share a border of some length.

    `weights` (n,): what is to be balanced, finite and not negative. `edges` (m, 2): atoms, the lower first, sorted.
    `border_m` (m,): metres of shared border, `road_m` (m,): how much of that runs along roads. `block` (n,): the block
    each atom lies in. `area_m2` (n,), `rim_m` (n,): metres of its outline that it shares with no other atom.
    """

    weights: Floats
    edges: Ints
    border_m: Floats
    road_m: Floats
    block: Ints
    area_m2: Floats
    rim_m: Floats

    def __len__(self) -> int:
        return len(self.weights)

    def cost(self, road: float) -> Floats:
        """Metres of shared border, those along roads counted `road` times."""
        return self.border_m - (1.0 - road) * self.road_m

    def pieces(self) -> Ints:
        """For each atom the number of the connected piece it lies in, from 0."""
        return components(len(self), self.edges)

    def within(self, atoms: ArrayLike) -> "Graph":
        """The graph of some atoms only, renumbered in the order given; borders with the rest become rim."""
        chosen = np.asarray(atoms, dtype=np.int64)
        place = np.full(len(self), -1, dtype=np.int64)
        place[chosen] = np.arange(len(chosen))
        ends = place[self.edges]
        inside = (ends >= 0).all(axis=1)
        cut = (ends >= 0).sum(axis=1) == 1
        rim = self.rim_m[chosen].copy()
        np.add.at(rim, ends[cut].max(axis=1), self.border_m[cut])
        kept = np.sort(ends[inside], axis=1)
        order = np.lexsort((kept[:, 1], kept[:, 0]))
        return Graph(
            self.weights[chosen], kept[order], self.border_m[inside][order], self.road_m[inside][order],
            self.block[chosen], self.area_m2[chosen], rim,
        )  # fmt: skip


def graph_of(
    shapes: Sequence[shapely.Geometry] | Shapes,
    weights: ArrayLike,
    metres: LocalMetres | None,
    roads: Sequence[shapely.Geometry] | Shapes | None = None,
    blocks: ArrayLike | None = None,
) -> Graph:
    """The graph of polygons (degrees of EPSG:4490; with `metres` None in metres of any plane) and their weights.

    `roads`: lines in the same coordinates. `blocks`: the block of each polygon; without roads, what runs between two
    blocks is road; without blocks, they are what roads cut apart. Borders need not have the same vertices on both
    sides: what runs side by side within GAP_M is shared. Raises BadGeometry for what is no polygon, BadValue for a
    weight that is negative or no number; `row` in its facts counts from 0.
    """
    ground = np.array(list(shapes), dtype=object)
    amounts = sound_weights(weights, len(ground))
    _refuse_bad_shapes(ground)
    oriented = shapely.orient_polygons(ground)
    plane = oriented if metres is None else metres.to_metres(oriented)
    outlines = _outlines(oriented, plane)
    pairs, lengths, middles, shared = _shared(outlines)
    loose = ~shared
    near, near_m, near_middles = near_borders(outlines.start[loose], outlines.end[loose], outlines.owner[loose], _gap(plane))
    stretches = Stretches(np.concatenate([pairs, near]), np.concatenate([lengths, near_m]), np.concatenate([middles, near_middles]))
    along = _along_roads(stretches, roads, blocks, metres)
    edges, border_m, road_m = _summed(stretches, along, len(ground))
    rim = np.bincount(outlines.owner, weights=outlines.length, minlength=len(ground))
    for side in (0, 1):
        rim -= np.bincount(edges[:, side], weights=border_m, minlength=len(ground))
    block = _blocks(len(ground), edges, border_m, road_m) if blocks is None else np.asarray(blocks, dtype=np.int64)
    return Graph(amounts, edges, border_m, road_m, block, shapely.area(plane), np.maximum(rim, 0.0))


def sound_weights(weights: ArrayLike, count: int) -> Floats:
    """Weights as floats, one for each of `count` atoms; BadValue names the first that is missing, negative or infinite."""
    try:
        amounts = np.array(weights, dtype=np.float64)
    except (TypeError, ValueError) as unread:
        raise BadValue("A weight is not a number.", field="weights") from unread
    if amounts.shape != (count,):
        raise BadValue(f"There are {count} polygons, but {amounts.size} weights.", field="weights")
    wrong = np.flatnonzero(~(np.isfinite(amounts) & (amounts >= 0)))
    if len(wrong):
        row = int(wrong[0])
        raise BadValue(f"Polygon {row + 1} has the weight {amounts[row]}; it must be a number from 0.", field="weights", row=row)
    return amounts


def _refuse_bad_shapes(ground: Shapes) -> None:
    kind = shapely.get_type_id(ground)
    wrong = np.flatnonzero(~np.isin(kind, (3, 6)) | shapely.is_empty(ground))
    if len(wrong):
        row = int(wrong[0])
        found = "nothing" if ground[row] is None or ground[row].is_empty else ground[row].geom_type
        raise BadGeometry(f"Polygon {row + 1} is no polygon but {found}.", row=row)
    endless = np.flatnonzero(~np.isfinite(shapely.bounds(ground)).all(axis=1))
    if len(endless):
        raise BadGeometry(f"Polygon {int(endless[0]) + 1} has a coordinate that is not a number.", row=int(endless[0]))


def _gap(plane: Shapes) -> float:
    """Metres up to which a crack is a border; less between polygons so small that it would be ground."""
    return min(GAP_M, GAP_SHARE * float(np.sqrt(np.median(shapely.area(plane)))))


class Outlines(NamedTuple):
    """Every edge of every ring: start and end in metres, ground on the left, whose it is, and which undirected edge."""

    start: Floats
    end: Floats
    owner: Ints
    number: Ints

    @property
    def length(self) -> Floats:
        """Metres of each edge."""
        return np.asarray(np.hypot(*(self.end - self.start).T))


class Stretches(NamedTuple):
    """Pieces of shared border: the two atoms, the lower first, metres, and the place in the middle (metres)."""

    pairs: Ints
    lengths: Floats
    middles: Floats


def _outlines(oriented: Shapes, plane: Shapes) -> Outlines:
    """The edges; which are the same is told by the coordinates as they came, which projecting could blur."""
    parts, polygon = shapely.get_parts(oriented, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    coords, ring = shapely.get_coordinates(rings, return_index=True)
    metres = shapely.get_coordinates(plane)
    within = np.flatnonzero(ring[1:] == ring[:-1])
    _, vertex = np.unique(coords[:, 0] + 1j * coords[:, 1], return_inverse=True)
    low, high = np.minimum(vertex[within], vertex[within + 1]), np.maximum(vertex[within], vertex[within + 1])
    real = low != high
    within = within[real]
    number = low[real].astype(np.int64) * len(coords) + high[real]
    return Outlines(metres[within], metres[within + 1], polygon[part][ring[within]].astype(np.int64), number)


def _shared(outlines: Outlines) -> tuple[Ints, Floats, Floats, Flags]:
    """Edges that two atoms have in common: the pair, metres, middle; and for each edge whether it is one of them."""
    order = np.argsort(outlines.number, kind="stable")
    number, owner = outlines.number[order], outlines.owner[order]
    same = np.flatnonzero((number[1:] == number[:-1]) & (owner[1:] != owner[:-1]))
    shared = np.zeros(len(number), dtype=np.bool_)
    shared[order[same]] = shared[order[same + 1]] = True
    pairs = np.sort(np.column_stack([owner[same], owner[same + 1]]), axis=1)
    middles = (outlines.start[order[same]] + outlines.end[order[same]]) / 2
    return pairs, outlines.length[order[same]], middles, shared


def _along_roads(stretches: Stretches, roads: Sequence[shapely.Geometry] | Shapes | None, blocks: ArrayLike | None,
                 metres: LocalMetres | None) -> Flags:  # fmt: skip
    """Which stretches run along a road: their middle lies on one."""
    if roads is None:
        if blocks is None:
            return np.zeros(len(stretches.lengths), dtype=np.bool_)
        block = np.asarray(blocks, dtype=np.int64)[stretches.pairs]
        return np.asarray(block[:, 0] != block[:, 1])
    lines = np.array(list(roads), dtype=object)
    tree = shapely.STRtree(lines if metres is None else metres.to_metres(lines))
    along = np.zeros(len(stretches.lengths), dtype=np.bool_)
    along[tree.query(shapely.points(stretches.middles), predicate="dwithin", distance=ROAD_WITHIN_M)[0]] = True
    return along


def _summed(stretches: Stretches, along: Flags, count: int) -> tuple[Ints, Floats, Floats]:
    """Each pair once, with the metres of its border and how many of them lie along roads."""
    key = stretches.pairs[:, 0] * count + stretches.pairs[:, 1]
    pair, place = np.unique(key, return_inverse=True)
    border = np.bincount(place, weights=stretches.lengths, minlength=len(pair))
    road = np.bincount(place, weights=stretches.lengths * along, minlength=len(pair))
    return np.column_stack([pair // count, pair % count]), border.astype(np.float64), road.astype(np.float64)


def _blocks(count: int, edges: Ints, border_m: Floats, road_m: Floats) -> Ints:
    """Atoms that are joined by borders off the roads lie in one block."""
    return components(count, edges[road_m < border_m / 2])


def components(count: int, edges: Ints) -> Ints:
    links = coo_array((np.ones(len(edges), dtype=np.int8), (edges[:, 0], edges[:, 1])), shape=(count, count))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.int64)
