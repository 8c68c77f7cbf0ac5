"""Make what else stands on the same outline fit it after it has moved: another scheme's grids, or the areas above."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import MultiLineString

from gis.borders.model import Ground, Ints, Place, Shape, Shapes
from gis.borders.refining import REACH, Refined
from gis.borders.refusals import refused
from gis.borders.relabelling import as_kind
from gis.certificate import loose_edges
from gis.crs import LocalMetres
from gis.faces import Faces, polygonal
from gis.lattice import STEP

NOBODY = -2
ROUNDS = 200


@dataclass(frozen=True)
class Followed:
    """What changed so that children tile the new outline: degrees, on the lattice, proved.

    `after`: new borders of those that differ; all others are as they were. `ended`: those with no ground left.
    `moved_m2`: ground that children gained or lost.
    """

    after: dict[int, Shape]
    ended: frozenset[int]
    moved_m2: float


def outline_of(shapes: Shapes) -> Shape:
    """The union of polygons that fit each other, with all their vertices; none is added or moved."""
    return polygonal(shapely.coverage_union_all(shapes))


def follow(children: Mapping[int, Shape], old: Shape, new: Shape, metres: LocalMetres) -> Followed:
    """Make children that tile an old outline exactly tile a new one, changing only those where the outlines differ.

    Ground that is lost is cut off, ground that is gained goes to the child with the longest border. The new outline
    keeps its vertices as they are: where a border between two children would end between two of them, it ends at the
    nearer one. Raises EditRefused (not_certified) if that cannot be done or the children did not tile the old outline.
    """
    changed = loose_edges([new], [old])
    if not changed:
        return Followed({}, frozenset(), 0.0)
    ids = np.array(list(children), dtype=np.int64)
    ground = Ground(ids, np.array(list(children.values()), dtype=object), np.zeros(len(ids), dtype=np.int64), metres)
    lines = MultiLineString(changed)
    near = ground.near(lines, REACH)
    refined = _refined(ground, near, lines)
    labels, moved = _relabelled(refined, new)
    fitted = {name: _united(refined, labels, name) for name in ids[near].tolist() if (labels == name).any()}
    still = [shape for at, shape in enumerate(ground.shapes) if at not in set(near.tolist())]
    after = _ending_at_vertices(fitted, still, new)
    kept = {name: as_kind(shape, type(children[name])) for name, shape in after.items()}
    for shape in kept.values():
        if not shapely.is_valid(shape):
            raise refused("not_certified", shape, why="a border would cross itself")
    differing = {name: shape for name, shape in kept.items() if not _same(shape, children[name])}
    return Followed(differing, frozenset(ids[near].tolist()) - frozenset(kept), moved)


def _refined(ground: Ground, near: Ints, lines: MultiLineString) -> Refined:
    """Faces of the children near a moved outline and of the ground beyond them; those of other children are left out."""
    rings = shapely.get_rings(shapely.get_parts(ground.shapes[near]))
    noded = shapely.union_all(np.array([*rings, lines], dtype=object), grid_size=STEP)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    face, child = shapely.STRtree(ground.shapes).query(shapely.point_on_surface(faces), predicate="within")
    origin = np.full(len(faces), NOBODY, dtype=np.int64)
    origin[face] = ground.ids[child]
    taking_part = (origin == NOBODY) | np.isin(origin, ground.ids[near])
    faces, origin = faces[taking_part], origin[taking_part]
    return Refined(ground, near, None, Faces(faces, ground.metres), origin, np.zeros(len(faces), dtype=np.int64))


def _relabelled(refined: Refined, new: Shape) -> tuple[Ints, float]:
    """Whose each face is under the new outline, NOBODY beyond it; and how much ground that moves."""
    inside = refined.within(new)
    labels = np.where(inside, refined.origin, NOBODY)
    waiting = inside & (labels == NOBODY)
    moved = float(refined.faces.area_m2[inside != (refined.origin != NOBODY)].sum())
    one, other, length = refined.neighbours
    while waiting.any():
        asks = waiting[one] & (labels[other] != NOBODY)
        if not asks.any():
            raise refused("not_contiguous", refined.faces.shapes[np.flatnonzero(waiting)[0]])
        best = np.flatnonzero(asks)[np.argmax(length[asks])]
        labels[one[best]] = labels[other[best]]
        waiting[one[best]] = False
    return labels, moved


def _united(refined: Refined, labels: Ints, name: int) -> Shape:
    return polygonal(shapely.coverage_union_all(refined.faces.shapes[labels == name]))


def _ending_at_vertices(fitted: dict[int, Shape], still: list[Shape], new: Shape) -> dict[int, Shape]:
    """Move every end of a border that is no vertex of the outline to one that is, until all edges cancel."""
    vertices = {_place(each) for each in shapely.get_coordinates(new)}
    for _ in range(ROUNDS):
        loose = loose_edges([*fitted.values(), *still], [new])
        if not loose:
            return fitted
        ends = [(_place(line.coords[0]), _place(line.coords[1])) for line in loose]
        strangers = sorted({each for pair in ends for each in pair} - vertices)
        moved = next((each for at in strangers if (each := _moved_onto(fitted, at, ends)) is not None), None)
        if moved is None:
            raise refused("not_certified", loose[0], loose=len(loose))
        fitted = moved
    raise refused("not_certified", new)


def _moved_onto(fitted: dict[int, Shape], at: Place, ends: list[tuple[Place, Place]]) -> dict[int, Shape] | None:
    """The shapes with a vertex moved onto the nearest of its neighbours on the outline that leaves them valid."""
    beside = sorted(
        ({*pair} - {at} for pair in ends if at in pair), key=lambda places: [(x - at[0]) ** 2 + (y - at[1]) ** 2 for x, y in places]
    )
    for places in beside:
        (to,) = places
        moved = {name: _with_moved(shape, at, to) for name, shape in fitted.items()}
        if all(shapely.is_valid(list(moved.values()))):
            return moved
    return None


def _with_moved(shape: Shape, at: Place, to: Place) -> Shape:
    coords = shapely.get_coordinates(shape)
    if not (coords == at).all(axis=1).any():
        return shape
    moved = shapely.transform(shape, lambda each: np.where((each == at).all(axis=1)[:, None], to, each))
    return shapely.remove_repeated_points(moved)


def _same(one: Shape, other: Shape) -> bool:
    return bool(shapely.equals_exact(shapely.normalize(one), shapely.normalize(other)))


def _place(coords: tuple[float, ...]) -> Place:
    return float(coords[0]), float(coords[1])
