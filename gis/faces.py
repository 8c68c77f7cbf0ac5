"""The arrangement of several layers of borders: every face between their lines, on the lattice, with its origins.

Topology is built for one operation and thrown away. All rings are noded together with rounding to the lattice, so two
faces share an edge exactly or not at all, and any union of faces fits any other to the bit.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely.geometry import MultiPolygon, Polygon

from gis.certificate import directed_edges
from gis.crs import LocalMetres
from gis.lattice import STEP, snap

Shapes = NDArray[np.object_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
NOBODY = -1
CRACK_WIDTH_M = 0.004  # five lattice steps
CRACK_SHARE = 0.6  # of the perimeter; a strip along a rim has half of its own


@dataclass(frozen=True)
class Faces:
    """Faces (degrees, on the lattice) that fit each other edge by edge."""

    shapes: Shapes
    metres: LocalMetres

    @cached_property
    def area_m2(self) -> Floats:
        """Area of each face."""
        return np.asarray(shapely.area(self._in_metres))

    @cached_property
    def width_m(self) -> Floats:
        """Mean width of each face, 2 · area / perimeter: right for a strip, half the side for a square."""
        return mean_width_m(self._in_metres)

    @cached_property
    def borders(self) -> tuple[Ints, Ints, Floats]:
        """Pairs of faces that share a border, each pair once, and the shared length in metres, to a micrometre for ties."""
        edges, owner, twin = self._sorted_edges
        shared = edges[:-1][twin]
        x, y = self.metres.xy(shared[:, [0, 2]], shared[:, [1, 3]])
        length = np.hypot(x[:, 1] - x[:, 0], y[:, 1] - y[:, 0])
        left, right = owner[:-1][twin], owner[1:][twin]
        low, high = np.minimum(left, right), np.maximum(left, right)
        pair, place = np.unique(low * len(self.shapes) + high, return_inverse=True)
        total = np.bincount(place, length, minlength=len(pair))
        return pair // len(self.shapes), pair % len(self.shapes), np.asarray(np.round(total, 6), dtype=np.float64)

    @cached_property
    def on_rim(self) -> NDArray[np.bool_]:
        """Faces with an edge that no other face has."""
        _, owner, twin = self._sorted_edges
        single = np.ones(len(owner), dtype=np.bool_)
        single[:-1][twin] = False
        single[1:][twin] = False
        rim = np.zeros(len(self.shapes), dtype=np.bool_)
        rim[owner[single]] = True
        return rim

    @cached_property
    def _sorted_edges(self) -> tuple[Floats, Ints, NDArray[np.bool_]]:
        """All edges with one direction, sorted, whose they are, and whether the next is the same edge of another face."""
        start, end, owner = directed_edges(self.shapes)
        upward = (start[:, 0] < end[:, 0]) | ((start[:, 0] == end[:, 0]) & (start[:, 1] < end[:, 1]))
        edges = np.where(upward[:, None], np.hstack([start, end]), np.hstack([end, start]))
        order = np.lexsort((edges[:, 3], edges[:, 2], edges[:, 1], edges[:, 0]))
        edges, owner = edges[order], owner[order]
        return edges, owner, (edges[1:] == edges[:-1]).all(axis=1)

    @cached_property
    def _in_metres(self) -> Shapes:
        return self.metres.to_metres(self.shapes)

    def origins(self, polygons: Shapes) -> tuple[Ints, Ints]:
        """Which faces lie in which polygons (valid, degrees): pairs of indices, a face in several comes several times."""
        inside = shapely.point_on_surface(self.shapes)
        polygon, face = shapely.STRtree(inside).query(polygons, predicate="contains")
        order = np.lexsort((polygon, face))
        return face[order], polygon[order]

    def components(self, labels: Ints) -> Ints:
        """A number for each face: the same for faces of one label that hang together by borders."""
        one, other, _ = self.borders
        same = labels[one] == labels[other]
        count = len(labels)
        graph = coo_array((np.ones(same.sum(), dtype=np.int8), (one[same], other[same])), shape=(count, count))
        return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)

    def enclosed(self, among: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Those of a set of faces that hang together in pieces which never meet the world outside all faces."""
        piece = self.components(np.where(among, 0, 1))
        return among & ~np.isin(piece, piece[self.on_rim & among])

    def cracks(self, inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Faces outside, thinner than rounding to the lattice can tell, that lie mostly between faces inside.

        Rounding may join a crack between two polygons to a strip along their outer rim; where the strip is judged to
        be outside, the crack would stay open as a spike.
        """
        one, other, length = self.borders
        between = np.bincount(one, length * inside[other], minlength=len(inside))
        between += np.bincount(other, length * inside[one], minlength=len(inside))
        around = shapely.length(self._in_metres)
        return ~inside & (self.width_m < CRACK_WIDTH_M) & (between > CRACK_SHARE * around)

    def united(self, face: Ints, label: Ints, count: int) -> Shapes:
        """For each label 0 … count - 1 the union of its faces with all their vertices; an empty polygon where it has none.

        `face` and `label` are pairs; pairs with other labels are left out.
        """
        shapes = np.full(count, shapely.Polygon(), dtype=object)
        order = np.argsort(label, kind="stable")
        bounds = np.searchsorted(label[order], np.arange(count + 1))
        for each in range(count):
            members = self.shapes[face[order[bounds[each] : bounds[each + 1]]]]
            if len(members):
                shapes[each] = polygonal(shapely.coverage_union_all(members))
        return shapes


def arrange(layers: list[Shapes], metres: LocalMetres) -> Faces:
    """All faces between the borders of some layers of polygons (degrees), noded together on the lattice."""
    return between(np.concatenate([_rings_as_lines(layer) for layer in layers]), metres)


def between(lines: Shapes, metres: LocalMetres, *, settle: bool = True) -> Faces:
    """All faces that lines (degrees) enclose, noded together on the lattice; lines that end nowhere make none.

    Rounding may bend a line by half a lattice step where another crosses it, which can make it cross a third:
    noded again until nothing moves. Without `settle` noded once, for whoever proves the faces and asks again if they fail.
    """
    noded = shapely.union_all(snap(lines), grid_size=STEP)
    for _ in range(8 if settle else 0):
        again = shapely.union_all(shapely.get_parts(noded), grid_size=STEP)
        if shapely.equals_exact(shapely.normalize(again), shapely.normalize(noded)):
            break
        noded = again
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    return Faces(np.asarray(faces, dtype=object), metres)


def mean_width_m(in_metres: Shapes) -> Floats:
    """2 · area / perimeter of polygons in metres; 0 where there is none."""
    perimeter = shapely.length(in_metres)
    return np.divide(2 * shapely.area(in_metres), perimeter, out=np.zeros(len(in_metres)), where=perimeter > 0)


def coverage_union(shapes: Shapes) -> Polygon | MultiPolygon | None:
    """The union of polygons that share their borders vertex by vertex, with all their vertices; None if they plainly do not."""
    try:
        return polygonal(shapely.coverage_union_all(shapes))
    except shapely.errors.GEOSException:
        return None


def polygonal(shape: shapely.Geometry) -> Polygon | MultiPolygon:
    """Only the polygons of a shape, one alone as a polygon; lines and points that a repair leaves have no ground."""
    parts = shapely.get_parts(shapely.get_parts(shape))
    ground = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    return Polygon(ground[0]) if len(ground) == 1 else MultiPolygon(list(ground))


def _rings_as_lines(polygons: Shapes) -> Shapes:
    coords, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(polygons)), return_index=True)
    return np.asarray(shapely.linestrings(coords, indices=ring), dtype=object)
