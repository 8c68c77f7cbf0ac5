"""Who is whose neighbour: by shared border or corner of an exact coverage, by distance, or by number; always as sparse rows.

All weights are 1 (binary): the law of a conditional permutation then depends on an area only through how many
neighbours it has and its own value, which is what makes 99,999 draws almost free (gis.hotspots.permutation_kernels).
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from threading import Lock
from typing import Literal

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.spatial import cKDTree
from shapely.geometry import MultiPolygon, Polygon

from gis.errors import BadGeometry, BadValue, TooLarge
from gis.hotspots.sharing_kernels import numbered, sharing

MAX_PAIRS = 100_000_000
VERSIONS = 16
Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Ints = NDArray[np.int32]
Shapes = Sequence[Polygon | MultiPolygon] | NDArray[np.object_]


_KEPT: "OrderedDict[tuple[str, int, bytes], Neighbours]" = OrderedDict()
_KEPT_LOCK = Lock()


@dataclass(frozen=True)
class Neighbours:
    """Neighbours of area k are `index[first[k]:first[k + 1]]`, rising, never k itself; `kind` says by which rule."""

    first: Longs
    index: Ints
    kind: str = "given"

    def __len__(self) -> int:
        return len(self.first) - 1

    @property
    def number(self) -> Longs:
        """How many neighbours each area has."""
        return np.diff(self.first)

    @property
    def islands(self) -> Longs:
        """Areas without a neighbour."""
        return np.flatnonzero(self.number == 0)

    def of(self, area: int) -> Ints:
        """The neighbours of one area."""
        return self.index[self.first[area] : self.first[area + 1]]

    def csr(self) -> csr_array:
        """The same as a sparse matrix of ones."""
        size = len(self)
        return csr_array((np.ones(len(self.index)), self.index, self.first), shape=(size, size))

    def only(self, kept: NDArray[np.bool_]) -> "Neighbours":
        """Neighbours among some of the areas, which are numbered anew in their order."""
        owner = np.repeat(np.arange(len(self)), self.number)
        both = kept[owner] & kept[self.index]
        place = np.cumsum(kept) - 1
        number = np.bincount(place[owner[both]], minlength=int(kept.sum()))
        return Neighbours(np.concatenate([[0], np.cumsum(number)]).astype(np.int64), place[self.index[both]].astype(np.int32), self.kind)


def queen(borders: Shapes) -> Neighbours:
    """Areas with a vertex in common.

    Borders are those of an exact coverage in any one unit: both sides of a border have the same vertices, so equality
    of doubles needs no tolerance. Where a coverage is not exact, neighbours are missed: `unjoined` finds them.
    """
    shapes = _polygons(borders)
    coords, owner = shapely.get_coordinates(shapes, return_index=True)
    whole = (coords + 0.0).view(np.int64)  # + 0.0: minus zero has other bits
    vertex, vertices = numbered(whole[:, 0].copy(), whole[:, 1].copy())
    return Neighbours(*sharing(vertex, owner.astype(np.int64), vertices, len(shapes)), kind="queen")


def rook(borders: Shapes) -> Neighbours:
    """Areas with an edge between two consecutive vertices in common; else as `queen`."""
    shapes = _polygons(borders)
    parts, polygon = shapely.get_parts(shapes, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    coords, ring = shapely.get_coordinates(rings, return_index=True)
    whole = (coords + 0.0).view(np.int64)
    vertex, _ = numbered(whole[:, 0].copy(), whole[:, 1].copy())
    within = (ring[1:] == ring[:-1]) & (vertex[1:] != vertex[:-1])
    low, high = np.minimum(vertex[1:], vertex[:-1])[within], np.maximum(vertex[1:], vertex[:-1])[within]
    edge, edges = numbered(low.astype(np.int64), high.astype(np.int64))
    return Neighbours(*sharing(edge, polygon[part][ring[:-1][within]].astype(np.int64), edges, len(shapes)), kind="rook")


def of_borders(kind: Literal["queen", "rook"], borders: Shapes) -> Neighbours:
    """The same, built once for each version of the borders: the last VERSIONS are kept, known by a hash of all coordinates.

    So an answer can never be that of other borders, whoever asks, and no one has to say when a border has changed.
    """
    shapes = _polygons(borders)
    key = (kind, len(shapes), blake2b(b"".join(shapely.to_wkb(shapes)), digest_size=16).digest())
    with _KEPT_LOCK:
        found = _KEPT.get(key)
    if found is None:
        found = queen(shapes) if kind == "queen" else rook(shapes)
    with _KEPT_LOCK:
        _KEPT[key] = found
        _KEPT.move_to_end(key)
        while len(_KEPT) > VERSIONS:
            _KEPT.popitem(last=False)
    return found


def distance_band(places: ArrayLike, metres: float) -> Neighbours:
    """Places (n, 2) in metres at most `metres` apart. TooLarge above 100 million pairs: choose a shorter distance."""
    xy = _places(places)
    if not (np.isfinite(metres) and metres > 0):
        raise BadValue("A distance band needs a distance above 0 m.", metres=metres)
    tree = cKDTree(xy)
    pairs = int(tree.count_neighbors(tree, metres)) - len(xy)
    if pairs > MAX_PAIRS:
        raise TooLarge(f"Within {metres:g} m there are {pairs:,} pairs of neighbours. Choose a shorter distance.", pairs=pairs)
    one, other = tree.query_pairs(metres, output_type="ndarray").T
    return pairs_given(np.concatenate([one, other]), np.concatenate([other, one]), len(xy), kind=f"distance:{metres:g}")


def nearest(places: ArrayLike, k: int) -> Neighbours:
    """The k nearest other places of each; places (n, 2) in metres. Among equally near ones the first in order wins.

    The relation has two sides: an area may be among the nearest of one that is not among its own.
    """
    xy = _places(places)
    if not 1 <= k < len(xy):
        raise BadValue(f"The number of nearest neighbours must be from 1 to {len(xy) - 1}.", k=k, places=len(xy))
    tree, wanted = cKDTree(xy), k + 1
    waiting = np.arange(len(xy))
    chosen = np.empty((len(xy), k), dtype=np.int64)
    while len(waiting):
        # Ties at the k-th distance: ask for more, until the last one told is farther, so that order alone decides.
        wanted = min(2 * wanted, len(xy))
        apart, found = tree.query(xy[waiting], k=wanted)
        apart = np.where(found == waiting[:, None], -1.0, apart)
        order = np.lexsort((found, apart), axis=1)
        apart, found = np.take_along_axis(apart, order, axis=1), np.take_along_axis(found, order, axis=1)
        clear = (apart[:, -1] > apart[:, k]) | (wanted == len(xy))
        chosen[waiting[clear]] = found[clear, 1 : k + 1]
        waiting = waiting[~clear]
    return Neighbours(np.arange(len(xy) + 1) * k, np.sort(chosen, axis=1).ravel().astype(np.int32), f"knn:{k}")


def pairs_given(one: ArrayLike, other: ArrayLike, areas: int, *, kind: str = "given") -> Neighbours:
    """Neighbours as somebody lists them: area one[k] has the neighbour other[k]; pairs that come twice count once."""
    rows, columns = np.asarray(one, dtype=np.int64), np.asarray(other, dtype=np.int64)
    if len(rows) != len(columns) or (len(rows) and (min(rows.min(), columns.min()) < 0 or max(rows.max(), columns.max()) >= areas)):
        raise BadValue("A pair of neighbours names an area that does not exist.", areas=areas)
    apart = rows != columns
    matrix = csr_array((np.ones(apart.sum(), dtype=np.int8), (rows[apart], columns[apart])), shape=(areas, areas))
    matrix.sum_duplicates()
    matrix.sort_indices()
    return Neighbours(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), kind)


def unjoined(borders: Shapes, neighbours: Neighbours) -> list[tuple[int, int]]:
    """Pairs of areas that meet on the ground but are no neighbours, since their borders do not have the same vertices."""
    shapes = _polygons(borders)
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    upward = one < other
    size = len(shapes)
    meeting = one[upward] * size + other[upward]
    joined = np.repeat(np.arange(size), neighbours.number) * size + neighbours.index
    return [(int(pair // size), int(pair % size)) for pair in np.setdiff1d(meeting, joined)]


def _polygons(borders: Shapes) -> NDArray[np.object_]:
    shapes = np.array(list(borders), dtype=object)
    kinds = shapely.get_type_id(shapes)
    fits = np.isin(kinds, (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON))
    if not fits.all():
        raise BadGeometry("Borders and corners are those of polygons; this is none.", row=int(np.argmin(fits)))
    return shapes


def _places(places: ArrayLike) -> Floats:
    xy = np.asarray(places, dtype=np.float64)
    if xy.ndim != 2 or xy.shape[1] != 2 or not np.isfinite(xy).all():
        raise BadValue("Places must be pairs of finite numbers in metres.", shape=xy.shape)
    return xy
