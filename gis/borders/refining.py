"""The neighbourhood of an edit, cut into faces by the lines drawn on it: the topology of one operation, thrown away after it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.borders.model import Change, Ground, Ints, Shape
from gis.borders.refusals import refused
from gis.borders.sketches import Line
from gis.errors import EditRefused
from gis.faces import Faces
from gis.lattice import STEP, snap

REACH = 2 * STEP  # degrees: how near a line may come without changing a border
FRAME = 2.0**-10  # degrees around the ground, about 100 m, in which nobody's ground has a shape
OUTSIDE = -1  # the label of ground that is no grid's
THIN_M = 0.3


@dataclass(frozen=True)
class Refined:
    """Faces of the grids around a line, and whose they were. Labels are ids of grids; OUTSIDE is nobody's ground."""

    ground: Ground
    members: Ints
    outside: Shape | None
    faces: Faces
    origin: Ints
    part: Ints

    @cached_property
    def thick(self) -> NDArray[np.bool_]:
        """Faces wide enough to change hands."""
        return self.faces.width_m >= THIN_M

    @cached_property
    def cut(self) -> NDArray[np.bool_]:
        """Faces that are not the largest of the part of a grid they come from."""
        order = np.lexsort((-self.faces.area_m2, self.part))
        first = np.ones(len(order), dtype=np.bool_)
        first[1:] = self.part[order][1:] != self.part[order][:-1]
        cut = np.ones(len(order), dtype=np.bool_)
        cut[order[first]] = False
        return cut

    @cached_property
    def neighbours(self) -> tuple[Ints, Ints, NDArray[np.float64]]:
        """Every border between two faces in both directions: face, face beyond, metres."""
        one, other, length = self.faces.borders
        return np.concatenate([one, other]), np.concatenate([other, one]), np.concatenate([length, length])

    def pieces(self, labels: Ints) -> Ints:
        """A number for each face: the same for faces of one label that hang together by borders.

        There are a dozen faces or so: joining them one by one costs less than a sparse graph.
        """
        one, other, _ = self.faces.borders
        same = labels[one] == labels[other]
        root = list(range(len(labels)))
        for left, right in zip(one[same].tolist(), other[same].tolist(), strict=True):
            low, high = sorted((_top(root, left), _top(root, right)))
            root[high] = low
        return np.array([_top(root, each) for each in range(len(root))], dtype=np.int64)

    @cached_property
    def community(self) -> dict[int, int]:
        """The community of each grid here."""
        return dict(zip(self.ground.ids[self.members].tolist(), self.ground.communities[self.members].tolist(), strict=True))

    def within(self, area: Shape) -> NDArray[np.bool_]:
        """Faces that lie in an area."""
        inside = shapely.point_on_surface(self.faces.shapes)
        shapely.prepare(area)
        return np.asarray(shapely.contains(area, inside))


def refine(ground: Ground, members: Ints, line: Line) -> Refined:
    """Node the borders of some grids with a line on the lattice and make faces of them."""
    outside = _outside(ground, members, line)
    old = ground.shapes[members]
    labels = ground.ids[members]
    if outside is not None:
        old, labels = np.array([*old, outside], dtype=object), np.append(labels, OUTSIDE)
    parts, owner = shapely.get_parts(old, return_index=True)
    noded = shapely.union_all(np.array([*shapely.get_rings(parts), line], dtype=object), grid_size=STEP)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    face, part = shapely.STRtree(parts).query(shapely.point_on_surface(faces), predicate="within")
    face, first = np.unique(face, return_index=True)
    part = part[first]
    return Refined(ground, members, outside, Faces(faces[face], ground.metres), labels[owner[part]], part)


def certified(ground: Ground, line: shapely.Geometry, members: Ints, attempt: Callable[[Ints], Change]) -> Change:
    """Try an operation on the grids near a line and on `members`; once more with their neighbours if it cannot be proved.

    A vertex dragged freely may come to lie within half a step of an edge; noding then moves an edge of the rim. With
    one more ring of grids that edge lies inside.
    """
    near = np.union1d(ground.near(line, REACH), members)
    try:
        return attempt(near)
    except EditRefused as refusal:
        if refusal.facts["reason"] != "not_certified":
            raise
        wider = ground.near(shapely.coverage_union_all(ground.shapes[near]), REACH)
        if len(wider) == len(near):
            raise
        return attempt(wider)


def _top(root: list[int], at: int) -> int:
    while root[at] != at:
        root[at] = root[root[at]]
        at = root[at]
    return at


def _outside(ground: Ground, members: Ints, line: Line) -> Shape | None:
    """Nobody's ground around the grids, if the line comes near it; none if it stays within them."""
    inner = shapely.coverage_union_all(ground.shapes[members])
    shapely.prepare(line)
    if not shapely.dwithin(line, shapely.boundary(inner), REACH):
        return None
    whole = shapely.coverage_union_all(ground.shapes)
    west, south, east, north = shapely.bounds(whole)
    frame = snap(shapely.box(west - FRAME, south - FRAME, east + FRAME, north + FRAME))
    return shapely.difference(frame, whole)  # type: ignore[no-any-return]


def position(ground: Ground, grid: int) -> int:
    """Where a grid stands in the ground; EditRefused (unknown_grid) if it does not."""
    if grid not in ground.index:
        raise refused("unknown_grid", None, grid=grid)
    return ground.index[grid]
