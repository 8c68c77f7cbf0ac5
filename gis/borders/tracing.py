"""Draw a border along given lines, such as roads and water, by the cheapest path between two ends of the border."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra
from shapely.geometry import LineString, MultiLineString, Point

from gis.borders.model import Change, Floats, Ground, Ints, Place, Shapes
from gis.borders.refining import REACH, position
from gis.borders.refusals import refused
from gis.borders.relabelling import as_kind, kind_of, prove
from gis.borders.sketches import MOST_VERTICES, drawn_place, on_earth
from gis.borders.splitting import split
from gis.crs import LocalMetres
from gis.faces import polygonal
from gis.lattice import STEP, snap

ON_LINE = 0.3  # what a metre on a given line costs, against one across open ground
BESIDE = 2.0**-11  # degrees, about 50 m: how far beside the two grids a line still counts
NOTHING_M2 = 0.01  # less than this is rounding
BOTH = -3  # the label of two grids taken together
DOORS = 4  # ways from an end or a waypoint to the lines


def straighten(ground: Ground, one: int, other: int, roads: Shapes, cross_communities: bool = False) -> Change:
    """Put the border between two grids on roads (lines, degrees) where that is cheaper than open ground.

    Raises EditRefused: not_a_neighbour, no_path (no line is near), and whatever a redrawn border may be refused for.
    """
    return trace(ground, one, other, (), roads, cross_communities)


def trace(
    ground: Ground, one: int, other: int, waypoints: Sequence[Place], lines: Shapes, cross_communities: bool = False
) -> Change:  # fmt: skip
    """Redraw the longest border between two grids along the cheapest path on lines (degrees), past the waypoints.

    A metre on a line costs 0.3 of one across open ground. The path runs from one end of the border to the other; a
    border that is a ring keeps its place at three points, or follows three or more waypoints alone.
    Raises EditRefused: not_a_neighbour, no_path, and whatever a redrawn border may be refused for.
    """
    border = _border_between(ground, one, other)
    if not cross_communities and len({int(ground.communities[ground.index[each]]) for each in (one, other)}) > 1:
        raise refused("community_border", border, grids=[one, other])
    stops = _stops(ground, border, [drawn_place(each) for each in waypoints])
    near = _near_lines(ground, one, other, lines)
    if not len(near):
        raise refused("no_path", border, grids=[one, other])
    path = cheapest_path(near, stops, ground.metres)
    return _along(ground, path, one, other)


def cheapest_path(lines: Shapes, stops: Sequence[Place], metres: LocalMetres) -> LineString:
    """The cheapest way past all stops in turn (degrees), on the lines or straight across between them."""
    doors = _doors(lines, stops)
    noded = shapely.get_parts(shapely.union_all(np.concatenate([lines, doors]), grid_size=STEP))
    start, end = _segments(noded)
    nodes, number = np.unique(np.concatenate([start, end, np.array(stops)]), axis=0, return_inverse=True)
    number = number.ravel()
    one, other, goals = number[: len(start)], number[len(start) : 2 * len(start)], number[2 * len(start) :]
    x, y = metres.xy(nodes[:, 0], nodes[:, 1])
    shapely.prepare(every := shapely.multilinestrings(list(lines)))
    middles = shapely.points((start + end) / 2)
    cost = np.hypot(x[one] - x[other], y[one] - y[other]) * np.where(shapely.dwithin(every, middles, REACH), ON_LINE, 1.0)
    graph = coo_array((np.maximum(cost, 1e-6), (one, other)), shape=(len(nodes), len(nodes))).tocsr()
    way = [int(goals[0])]
    for here, there in pairwise(goals.tolist()):
        _, before = dijkstra(graph, directed=False, indices=here, return_predecessors=True)
        way += _walk(before, here, there)
    # Nodes of ways that were not taken would stay as needless vertices.
    return LineString(shapely.simplify(LineString(nodes[way]), STEP))


def _along(ground: Ground, path: LineString, one: int, other: int) -> Change:
    """The ground of two grids together, cut anew along a path; each keeps the side where more of it was."""
    at = [ground.index[one], ground.index[other]]
    old = dict(zip((one, other), ground.shapes[at], strict=True))
    both = as_kind(polygonal(shapely.coverage_union_all(ground.shapes[at])), kind_of(list(old.values())))
    rest = np.setdiff1d(np.arange(len(ground.ids)), at)
    joined = Ground(
        np.append(ground.ids[rest], BOTH),
        np.array([*ground.shapes[rest], both], dtype=object),
        np.append(ground.communities[rest], ground.communities[at[0]]),
        ground.metres,
    )
    cut = split(joined, BOTH, path, [one, other])  # the joined ground has neither of the two ids any more
    new = {each: cut.after[each] for each in (one, other)}
    flat = ground.metres.to_metres(np.array([*old.values(), *new.values()], dtype=object))
    stays, swaps = (shapely.area(shapely.intersection(flat[:2], sides)).sum() for sides in (flat[2:], flat[[3, 2]]))
    if swaps > stays:
        new = {one: new[other], other: new[one]}
    before = {**{each: shape for each, shape in cut.before.items() if each != BOTH}, **old}
    after = {**cut.after, **new}
    for each in [name for name in old if shapely.equals_exact(shapely.normalize(before[name]), shapely.normalize(after[name]))]:
        del before[each], after[each]
    moved = float(shapely.area(flat[:2]).sum() - max(stays, swaps))
    if moved < NOTHING_M2:
        raise refused("nothing_moved", path, grids=[one, other])
    if not cut.outer:
        prove(before, after)
    return replace(cut, before=before, after=after, moved_m2=moved)


def _border_between(ground: Ground, one: int, other: int) -> LineString:
    shapes = ground.shapes[[position(ground, one), position(ground, other)]]
    if one == other:
        raise refused("same_grid", shapes[0], grids=[one])
    common = shapely.get_parts(shapely.intersection(*shapely.boundary(shapes)))
    common = common[shapely.length(common) > 0]  # borders that meet nowhere have an empty line in common
    if not len(common):
        raise refused("not_a_neighbour", shapes[0], grids=[one, other])
    merged = shapely.get_parts(shapely.line_merge(MultiLineString(list(common))))
    return LineString(merged[np.argmax(shapely.length(merged))])


def _stops(ground: Ground, border: LineString, waypoints: list[Place]) -> list[Place]:
    """The ends of a border with the waypoints between, in the direction that fits them; round and back for a ring."""
    ends = [_place(border.coords[0]), _place(border.coords[-1])]
    if border.is_closed:
        corners = waypoints if len(waypoints) > 2 else [_place(border.coords[len(border.coords) * at // 3]) for at in range(3)]
        return [*corners, corners[0]]
    if waypoints:
        x, y = (each.tolist() for each in ground.metres.xy(*np.array([*ends, waypoints[0], waypoints[-1]]).T))
        forward = np.hypot(x[0] - x[2], y[0] - y[2]) + np.hypot(x[1] - x[3], y[1] - y[3])
        backward = np.hypot(x[1] - x[2], y[1] - y[2]) + np.hypot(x[0] - x[3], y[0] - y[3])
        if backward < forward:
            ends.reverse()
    return [ends[0], *waypoints, ends[1]]


def _near_lines(ground: Ground, one: int, other: int, lines: Shapes) -> Shapes:
    """The parts of lines within 50 m of two grids."""
    on_earth(shapely.get_coordinates(lines))
    west, south, east, north = shapely.total_bounds(ground.shapes[[ground.index[one], ground.index[other]]])
    frame = shapely.box(west - BESIDE, south - BESIDE, east + BESIDE, north + BESIDE)
    box, bounds = shapely.bounds(frame), shapely.bounds(lines)
    touching = lines[(bounds[:, 0] <= box[2]) & (bounds[:, 2] >= box[0]) & (bounds[:, 1] <= box[3]) & (bounds[:, 3] >= box[1])]
    if shapely.get_num_coordinates(touching).sum() > MOST_VERTICES:
        raise refused("too_many_vertices", frame, limit=MOST_VERTICES)
    parts = shapely.get_parts(shapely.intersection(touching, frame))
    parts = snap(parts[shapely.get_type_id(parts) == shapely.GeometryType.LINESTRING])
    return parts[shapely.length(parts) > 0]


def _doors(lines: Shapes, stops: Sequence[Place]) -> Shapes:
    """Straight ways from each stop to the nearest lines and to the next stop."""
    doors = [LineString(pair) for pair in pairwise(stops) if pair[0] != pair[1]]
    tree = shapely.STRtree(lines)
    for stop in stops:
        distance = shapely.distance(lines, Point(stop))
        for at in np.argsort(distance, kind="stable")[:DOORS]:
            door = snap(shapely.shortest_line(Point(stop), tree.geometries[at]))
            if shapely.length(door) > 0:
                doors.append(door)
    return np.array(doors, dtype=object)


def _segments(lines: Shapes) -> tuple[Floats, Floats]:
    coords, line = shapely.get_coordinates(lines, return_index=True)
    within = line[1:] == line[:-1]
    return coords[:-1][within], coords[1:][within]


def _walk(before: Ints, here: int, there: int) -> list[int]:
    way = [there]
    while way[-1] != here:
        way.append(int(before[way[-1]]))
    return way[-2::-1] if len(way) > 1 else []


def _place(coords: Sequence[float]) -> Place:
    return float(coords[0]), float(coords[1])
