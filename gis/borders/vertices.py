"""Move a shared vertex, or pull a new one out of an edge, in all grids that have it."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import shapely
from shapely.geometry import MultiPolygon, Polygon

from gis.borders.model import Change, Floats, Ground, Ints, Place, Shape, Shapes
from gis.borders.refusals import refused
from gis.borders.relabelling import prove, refuse_thin
from gis.borders.sketches import drawn_place
from gis.certificate import directed_edges, loose_edges
from gis.errors import EditRefused

GRIP_M = 0.1  # a vertex this near to the place is meant
EDGE_GRIP_M = 0.5
GRIP_DEGREES = 1e-5

Edge = tuple[Place, Place]


def move_vertex(ground: Ground, at: Place, to: Place, cross_communities: bool = False) -> Change:
    """Move the vertex at a place (or a new one, where an edge passes within 0.5 m) to another place, for every grid there.

    Raises EditRefused: no_vertex_here, nothing_moved, outer_border, community_border, crosses_itself, too_thin.
    """
    start, end = drawn_place(at), drawn_place(to)
    near = ground.near(shapely.Point(start), GRIP_DEGREES)
    if not len(near):
        raise refused("no_vertex_here", start)
    vertex, edge = _grip(ground, near, start)
    if vertex == end:
        raise refused("nothing_moved", end)
    shapes = ground.shapes[near]
    new = np.array([_moved(shape, vertex, end, edge) for shape in shapes], dtype=object)
    changing = ~shapely.equals_exact(shapes, new)
    members, old, new = near[changing], shapes[changing], new[changing]
    if not cross_communities and len(set(ground.communities[members].tolist())) > 1:
        raise refused("community_border", vertex, grids=ground.ids[members].tolist())
    _refuse_outer(old, vertex, edge)
    ids = ground.ids[members].tolist()
    before, after = dict(zip(ids, old, strict=True)), dict(zip(ids, new, strict=True))
    try:
        prove(before, after)
    except EditRefused as refusal:
        raise refused("crosses_itself", end, grids=ids) from refusal
    warnings = refuse_thin(ground.metres, after)
    flat_old, flat_new = ground.metres.to_metres(old), ground.metres.to_metres(new)
    moved = float(shapely.area(shapely.difference(flat_new, flat_old)).sum())
    return Change(before, after, moved_m2=moved, warnings=tuple(warnings))


def _grip(ground: Ground, near: Ints, place: Place) -> tuple[Place, Edge | None]:
    """The vertex that is meant; or the place itself and the edge it is to be pulled out of."""
    start, end, _ = directed_edges(ground.shapes[near])
    origin = np.array(ground.metres.xy(*place))
    one, other = np.column_stack(ground.metres.xy(*start.T)) - origin, np.column_stack(ground.metres.xy(*end.T)) - origin
    distance = np.hypot(*one.T)
    nearest = int(np.argmin(distance))
    if distance[nearest] <= GRIP_M:
        return _place(start[nearest]), None
    along = other - one
    share = np.clip(-(one * along).sum(axis=1) / np.maximum((along**2).sum(axis=1), 1e-12), 0, 1)
    gap = np.hypot(*(one + along * share[:, None]).T)
    nearest = int(np.argmin(gap))
    if gap[nearest] > EDGE_GRIP_M:
        raise refused("no_vertex_here", place)
    return place, (_place(start[nearest]), _place(end[nearest]))


def _moved(shape: Shape, vertex: Place, to: Place, edge: Edge | None) -> Shape:
    if edge is not None:
        return _pulled(shape, to, edge)
    moved = shapely.transform(shape, lambda coords: np.where((coords == vertex).all(axis=1)[:, None], to, coords))
    return shapely.remove_repeated_points(moved)


def _pulled(shape: Shape, to: Place, edge: Edge) -> Shape:
    """The shape with one more vertex on an edge of its rings; the same shape if it has no such edge."""
    parts = [
        Polygon(_with_vertex(part.exterior.coords[:], to, edge), [_with_vertex(ring.coords[:], to, edge) for ring in part.interiors])
        for part in shapely.get_parts(shape)
    ]
    return MultiPolygon(parts) if isinstance(shape, MultiPolygon) else parts[0]


def _with_vertex(ring: list[Place], to: Place, edge: Edge) -> list[Place]:
    for at, pair in enumerate(pairwise(ring), start=1):
        if pair in (edge, edge[::-1]):
            return [*ring[:at], to, *ring[at:]]
    return ring


def _refuse_outer(old: Shapes, vertex: Place, edge: Edge | None) -> None:
    """What moves may not be the outer border of the ground: an edge there is one grid's only."""
    for line in loose_edges(list(old), []):
        ends = {_place(each) for each in line.coords}
        if (vertex in ends) if edge is None else (ends == set(edge)):
            raise refused("outer_border", vertex)


def _place(coords: Sequence[float] | Floats) -> Place:
    return float(coords[0]), float(coords[1])
