"""What is wrong with a polygon by itself: rings that cross themselves, vertices given twice, spikes, pieces, ground off the lattice."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPoint, Point

from gis.crs import Measure
from gis.faces import Floats, Ints, Shapes, mean_width_m
from gis.lattice import on_lattice

SPIKE_DEGREES, SPIKE_WIDTH_M = 0.1, 1e-4  # a ring that turns back by less than this, and comes no farther off, goes nowhere
MAX_PLACES = 1_000  # of one kind in one polygon
PLACE = re.compile(r"\[(\S+) (\S+)\]")
SELF = "Self-intersection"


@dataclass(frozen=True)
class Found:
    """One defect before it is measured: what it is, where, whose, in words, how long, and the step that would mend it."""

    kind: str
    shape: shapely.Geometry
    codes: tuple[object, ...]
    detail: str
    suggestion: str
    length_m: float = 0.0


def of_each(given: Shapes, codes: NDArray[np.object_], metres: Measure, *, lattice: bool) -> Iterator[Found]:
    """Defects that a polygon has by itself, in the order of the polygons within each kind."""
    yield from broken_rings(given, codes)
    yield from double_codes(given, codes)
    pieces = shapely.get_num_geometries(given)
    for index in np.flatnonzero(pieces > 1):
        yield Found("multipart", given[index], (codes[index],), f"{pieces[index]} pieces", "split")
    yield from double_vertices(given, codes)
    yield from spikes(given, codes, metres)
    if lattice:
        for index in np.flatnonzero(~on_lattice(given)):
            where = _off_lattice(given[index])
            detail = f"{len(where.geoms)} vertices are not on the lattice of 2^-27 degree"
            yield Found("off_lattice", where, (codes[index],), detail, "snap")


def broken_rings(given: Shapes, codes: NDArray[np.object_]) -> Iterator[Found]:
    """Polygons that are not valid, with each place where a ring crosses or touches itself."""
    for index in np.flatnonzero(~shapely.is_valid(given)):
        reason = str(shapely.is_valid_reason(given[index]))
        told = PLACE.search(reason)
        words = reason.split("[", maxsplit=1)[0]
        if SELF not in reason and "Nested" not in reason and "Holes" not in reason and "Interior is disconnected" not in reason:
            place = Point(float(told[1]), float(told[2])) if told else Point(shapely.get_coordinates(given[index])[0])
            yield Found("invalid", place, (codes[index],), words, "snap")
            continue
        places = _crossings(given[index])
        if not len(places) and told:
            places = np.array([[float(told[1]), float(told[2])]])
        yield Found("self_crossing", MultiPoint(places[:MAX_PLACES]), (codes[index],), words, "snap")


def double_codes(given: Shapes, codes: NDArray[np.object_]) -> Iterator[Found]:
    """Every polygon whose code an earlier one has."""
    seen: set[object] = set()
    for index, code in enumerate(codes):
        if code in seen:
            yield Found("duplicate_code", given[index], (code,), "another polygon has this code", "renumber")
        seen.add(code)


def double_vertices(given: Shapes, codes: NDArray[np.object_]) -> Iterator[Found]:
    """Vertices that come twice in a row."""
    coords, ring, owner = _rings(given)
    same = np.flatnonzero((coords[1:] == coords[:-1]).all(axis=1) & (ring[1:] == ring[:-1]))
    for index in np.unique(owner[ring[same]]):
        places = coords[same[owner[ring[same]] == index]]
        detail = f"{len(places)} vertices come twice in a row"
        yield Found("duplicate_vertex", MultiPoint(places[:MAX_PLACES]), (codes[index],), detail, "snap")


def spikes(given: Shapes, codes: NDArray[np.object_], metres: Measure) -> Iterator[Found]:
    """Vertices at which a ring turns back on itself, so that it has a line without ground."""
    if not len(given):
        return
    coords, ring, owner = _rings(given)
    fresh = np.r_[True, (coords[1:] != coords[:-1]).any(axis=1) | (ring[1:] != ring[:-1])]
    coords, ring = coords[fresh], ring[fresh]
    last = np.r_[ring[1:] != ring[:-1], True]  # the vertex that closes a ring
    coords, ring = coords[~last], ring[~last]
    begin = np.flatnonzero(np.r_[True, ring[1:] != ring[:-1]])
    stop = np.r_[begin[1:], len(ring)] - 1
    before, after = np.arange(len(ring)) - 1, np.arange(len(ring)) + 1
    before[begin], after[stop] = stop, begin
    flat = shapely.get_coordinates(metres.to_metres(shapely.points(coords)))
    back, on = flat[before] - flat, flat[after] - flat
    cross = np.abs(back[:, 0] * on[:, 1] - back[:, 1] * on[:, 0])
    turned = np.degrees(np.arctan2(cross, (back * on).sum(axis=1))) < SPIKE_DEGREES
    arms = np.hypot(*back.T), np.hypot(*on.T)
    length = np.minimum(*arms)
    for at in np.flatnonzero(turned & (cross < SPIKE_WIDTH_M * np.maximum(*arms)) & (length > 0)):
        index = owner[ring[at]]
        tip = shapely.points(coords[at])
        yield Found("spike", tip, (codes[index],), "the ring turns back on itself here", "snap", float(length[at]))


def slivers(shapes: Shapes, codes: NDArray[np.object_], metres: Measure, limit_m: float) -> Iterator[Found]:
    """Pieces of polygons narrower than a limit, by mean width."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    for index in np.flatnonzero(mean_width_m(metres.to_metres(parts)) < limit_m):
        yield Found("sliver", parts[index], (codes[owner[index]],), "the piece is narrower than a sliver may be", "merge")


def _rings(given: Shapes) -> tuple[Floats, Ints, Ints]:
    """Coordinates of all rings, the ring of each coordinate, the polygon of each ring."""
    parts, polygon = shapely.get_parts(given, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    coords, ring = shapely.get_coordinates(rings, return_index=True)
    return coords, ring, polygon[part]


def _crossings(polygon: shapely.Geometry) -> Floats:
    """Places where the rings of a polygon meet each other or themselves."""
    noded = shapely.get_parts(shapely.union_all(shapely.get_parts(shapely.boundary(polygon))))
    ends = np.concatenate([shapely.get_coordinates(shapely.get_point(noded, 0)), shapely.get_coordinates(shapely.get_point(noded, -1))])
    places, degree = np.unique(ends, axis=0, return_counts=True)
    return np.asarray(places[degree > 2], dtype=np.float64)


def _off_lattice(polygon: shapely.Geometry) -> MultiPoint:
    points = np.asarray(shapely.points(shapely.get_coordinates(polygon)), dtype=object)
    return MultiPoint(points[~on_lattice(points)][:MAX_PLACES].tolist())
