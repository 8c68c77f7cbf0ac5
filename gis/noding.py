"""Vertices that a border gained without moving: found between two states of it, and carried over to other grids along it.

Two drafts over neighbouring ground often differ only so: one gave vertices to a grid of the other. Such drafts fit together
without anybody deciding anything.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon

from gis.certificate import directed_edges
from gis.lattice import STEP, to_coordinates, to_integers

Ground = Polygon | MultiPolygon
Vertex = tuple[int, int]
Edge = tuple[Vertex, Vertex]
Paths = dict[Edge, list[Vertex]]
"""For an edge that was subdivided, the vertices from its start to its end, both included; whole lattice steps."""
NEAR_STEPS = 2.0
"""A vertex put into an edge lies this near to it."""


@dataclass(frozen=True)
class Claim:
    """A grid in a draft: its border when the draft copied it, in the draft, and now; None: not there.

    `noded_only`: the draft gives it vertices and nothing else.
    """

    base: Ground | None
    mine: Ground | None
    now: Ground | None
    noded_only: bool = False


@dataclass(frozen=True)
class Rebased:
    """The borders a draft leads to on today's ground, and the grids over which it and others disagree.

    `shapes` holds every grid that the draft changes or makes, and those that receive vertices from it.
    """

    shapes: dict[int, Ground]
    conflicts: tuple[int, ...]


def noding_between(before: Sequence[Ground], after: Sequence[Ground]) -> Paths | None:
    """Which edges (of borders in degrees, on the lattice) were subdivided; None if the ground itself has changed."""
    old, new = _edges(before), _edges(after)
    gone, fresh = old - new, new - old
    onward: dict[Vertex, list[Vertex]] = {}
    for start, end in fresh:
        onward.setdefault(start, []).append(end)
    paths: Paths = {}
    for edge in gone:
        path = _path(edge, onward)
        if path is None:
            return None
        paths[edge] = path
    used = {step for path in paths.values() for step in pairwise(path)}
    return paths if used == fresh else None


def with_vertices(border: Ground, paths: Mapping[Edge, Sequence[Vertex]]) -> tuple[Ground, set[Edge]]:
    """A border with the vertices of `paths` on its edges, whichever way they run; and the edges that were found."""
    found: set[Edge] = set()
    rings = [[_subdivided(ring, paths, found) for ring in _rings(part)] for part in shapely.get_parts(border)]
    if not found:
        return border, found
    parts = [Polygon(rim, holes) for rim, *holes in rings]
    return (MultiPolygon(parts) if isinstance(border, MultiPolygon) else parts[0]), found


def same_ground(one: Ground, other: Ground) -> bool:
    """Whether two borders hold the same ground, up to what rounding to the lattice moves an edge that gains a vertex."""
    return bool(shapely.symmetric_difference(one, other).buffer(-NEAR_STEPS * STEP).is_empty)


def rebase(claims: Mapping[int, Claim], others: Mapping[int, Ground]) -> Rebased:
    """Lay a draft over ground that has changed since: what only gained vertices is carried over, the rest conflicts.

    `claims` are the draft's grids; `others` are grids of today around them, which may receive vertices and keep their own:
    a grid that somebody made beside the draft's since may hold more of them than the draft knows.
    """
    conflicts = {id for id, claim in claims.items() if claim.base is not None and claim.now is None and not claim.noded_only}
    theirs = _vertices_of_others(claims, conflicts)
    kept = _vertices_to_keep(claims, theirs)
    shapes: dict[int, Ground] = {}
    carried: set[Edge] = set()
    for id, claim in claims.items():
        if claim.mine is not None and not (claim.noded_only and _moved(claim)):
            shapes[id], found = with_vertices(claim.mine, theirs)
            carried |= found
    for edge in theirs.keys() - carried:
        conflicts |= _holders(edge, claims)
    _give_vertices({id: claim for id, claim in claims.items() if id not in kept}, others, shapes, conflicts)
    _take_vertices(shapes, others)
    broken = {id for id, shape in shapes.items() if not shape.is_valid}
    return Rebased(shapes, tuple(sorted(conflicts | broken)))


def _moved(claim: Claim) -> bool:
    return claim.base is not None and (claim.now is None or not _same(claim.base, claim.now))


def _vertices_of_others(claims: Mapping[int, Claim], conflicts: set[int]) -> Paths:
    """The vertices that others gave to grids which the draft changes; grids whose ground they moved become conflicts."""
    theirs: Paths = {}
    for id, claim in claims.items():
        if claim.noded_only or claim.base is None or claim.now is None or _same(claim.base, claim.now):
            continue
        paths = noding_between([claim.base], [claim.now])
        if paths is None:
            conflicts.add(id)
        else:
            theirs |= paths
    return theirs


def _vertices_to_keep(claims: Mapping[int, Claim], theirs: Paths) -> set[int]:
    """Grids from which the draft would take vertices that others have built on since: the vertices stay, on both sides."""
    kept = set()
    for id, claim in claims.items():
        if claim.noded_only and _moved(claim) and claim.base is not None and claim.mine is not None:
            paths = noding_between([claim.mine], [claim.base])
            if paths:
                theirs |= paths
                kept.add(id)
    return kept


def _give_vertices(claims: Mapping[int, Claim], others: Mapping[int, Ground], shapes: dict[int, Ground], conflicts: set[int]) -> None:
    """Put the draft's vertices on whoever holds the border now, where that is no longer the grid the draft saw."""
    moved = {id: claim for id, claim in claims.items() if claim.noded_only and _moved(claim)}
    if not moved:
        return
    holders = {**others, **{id: claim.now for id, claim in moved.items() if claim.now is not None}}
    for id, claim in moved.items():
        wanted = noding_between([claim.base], [claim.mine]) if claim.base is not None and claim.mine is not None else None
        if wanted is None:
            conflicts.add(id)
            continue
        missing = set(wanted)
        for holder, border in holders.items():
            noded, found = with_vertices(shapes.get(holder, border), {edge: wanted[edge] for edge in missing})
            if found:
                shapes[holder], missing = noded, missing - found
        if missing:
            conflicts.add(id)


def _take_vertices(shapes: dict[int, Ground], others: Mapping[int, Ground]) -> None:
    """Give the draft's grids what vertices those around them have on common borders."""
    mine, theirs = _edges(list(shapes.values())), _edges([border for id, border in others.items() if id not in shapes])
    every = mine | theirs
    onward: dict[Vertex, list[Vertex]] = {}
    for start, end in theirs:
        if (end, start) not in every:
            onward.setdefault(end, []).append(start)
    paths = {edge: path for edge in mine if edge[::-1] not in every and (path := _path(edge, onward)) is not None}
    for id, shape in shapes.items() if paths else ():
        shapes[id], _ = with_vertices(shape, paths)


def _holders(edge: Edge, claims: Mapping[int, Claim]) -> set[int]:
    return {id for id, claim in claims.items() if claim.base is not None and edge in _edges([claim.base])}


def _same(one: Ground, other: Ground) -> bool:
    return _edges([one]) == _edges([other])


def _edges(borders: Sequence[Ground]) -> set[Edge]:
    start, end, _ = directed_edges(borders)
    pairs = np.hstack([to_integers(start), to_integers(end)]).tolist() if len(start) else []
    return {((a, b), (c, d)) for a, b, c, d in pairs}


def _path(edge: Edge, onward: Mapping[Vertex, Sequence[Vertex]]) -> list[Vertex] | None:
    """From the start of an edge to its end over new edges that run along it."""
    start, end = edge
    path = [start]
    while path[-1] != end:
        along = [each for each in onward.get(path[-1], ()) if _lies_ahead(each, path[-1], edge)]
        if len(along) != 1:
            return None
        path.append(along[0])
    return path


def _lies_ahead(vertex: Vertex, reached: Vertex, edge: Edge) -> bool:
    """Whether a vertex lies on an edge, up to the lattice's rounding, beyond the point reached."""
    (ax, ay), (bx, by) = edge
    dx, dy = bx - ax, by - ay
    length = float(np.hypot(dx, dy))

    def along(point: Vertex) -> float:
        return ((point[0] - ax) * dx + (point[1] - ay) * dy) / length

    aside = abs((vertex[0] - ax) * dy - (vertex[1] - ay) * dx) / length
    return aside <= NEAR_STEPS and along(reached) < along(vertex) <= length + NEAR_STEPS


def _rings(part: Polygon) -> Iterable[shapely.LinearRing]:
    return [part.exterior, *part.interiors]


def _subdivided(ring: shapely.LinearRing, paths: Mapping[Edge, Sequence[Vertex]], found: set[Edge]) -> NDArray[np.float64]:
    vertices = [tuple(each) for each in to_integers(shapely.get_coordinates(ring)).tolist()]
    result = [vertices[0]]
    for edge in pairwise(vertices):
        back = (edge[1], edge[0])
        if edge in paths:
            found.add(edge)
            result += paths[edge][1:]
        elif back in paths:
            found.add(back)
            result += list(reversed(paths[back]))[1:]
        else:
            result.append(edge[1])
    return to_coordinates(np.array(result, dtype=np.int64))
