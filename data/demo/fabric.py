"""The one planar noding of all linework on the lattice, so that everything dissolved from it fits to the bit."""

from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from data.demo.blocks import Pieces
from data.demo.roads import FLAT_GRID_M
from data.demo.sizes import CENTRE
from data.demo.terrain import Terrain
from gis.crs import local_metres
from gis.lattice import STEP, to_integers

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

BEND_EVERY_M = 70.0  # longer straight lines get vertices before the sheet is bent
WET = ("river", "creek", "lake")
LOOSE = (*WET, "riverside", "lakeside", "hill", "island")  # ground without lots


@dataclass(frozen=True)
class Fabric:
    """Pieces of ground that tile the district exactly, and the edges between them.

    `degrees` and `metres` hold the same polygons; `sides` the two pieces of each edge, -1 for outside; `lines` the
    edges in metres; `ranks` 0 no road, 1 lane, 2 local, 3 collector, 4 arterial.
    """

    degrees: NDArray[np.object_]
    metres: NDArray[np.object_]
    uses: NDArray[np.str_]
    superblock: Integers
    collector: Integers
    block: Integers
    sides: Integers
    lines: NDArray[np.object_]
    lengths: Floats
    ranks: Integers


def weave(terrain: Terrain, pieces: Pieces, arterials: list[BaseGeometry], area_m2: float) -> Fabric:
    """Node all pieces on the lattice of EPSG:4490, scaled to an exact area, and find who touches whom."""
    metric = local_metres(*CENTRE)
    scale = _scale(terrain, area_m2)

    def to_degrees(coords: Floats) -> Floats:
        return shapely.get_coordinates(metric.to_degrees(shapely.linestrings(terrain.bend(coords) * scale)))

    flat = shapely.unary_union(shapely.boundary(pieces.polygons), grid_size=FLAT_GRID_M)
    edges = shapely.segmentize(shapely.line_merge(flat), BEND_EVERY_M)
    real = shapely.unary_union(shapely.transform(edges, to_degrees), grid_size=STEP)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(real)))
    flat_faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(flat)))
    owner = _owners(faces, flat_faces, pieces, to_degrees)
    faces, owner = _one_face_a_piece(faces, owner)
    metres = metric.to_metres(faces)
    sides, lines, lengths = _edges(faces, metres)
    fabric = Fabric(
        faces, metres, pieces.uses[owner], pieces.superblock[owner], pieces.collector[owner], pieces.block[owner],
        sides, lines, lengths, np.zeros(len(lines), dtype=np.int64),
    )  # fmt: skip
    fabric = _moor(fabric)
    bent = shapely.transform(shapely.segmentize(np.array(arterials), BEND_EVERY_M), lambda c: terrain.bend(c) * scale)
    return replace(fabric, ranks=_ranks(fabric, bent))


def _scale(terrain: Terrain, area_m2: float) -> float:
    outline = shapely.segmentize(terrain.outline, BEND_EVERY_M)
    return float(np.sqrt(area_m2 / shapely.transform(outline, terrain.bend).area))


def _owners(faces: NDArray[np.object_], flat_faces: NDArray[np.object_], pieces: Pieces, to_degrees) -> Integers:  # type: ignore[no-untyped-def]
    """The piece that each face came from, -1 for a splinter, by places inside the flat faces."""
    spots = shapely.point_on_surface(flat_faces)
    at, piece = shapely.STRtree(pieces.polygons).query(spots, predicate="within")
    real = shapely.points(to_degrees(shapely.get_coordinates(spots[at])))
    which, face = shapely.STRtree(faces).query(real, predicate="within")
    owner = np.full(len(faces), -1, dtype=np.int64)
    owner[face] = piece[which]
    return owner


def _one_face_a_piece(faces: NDArray[np.object_], owner: Integers) -> tuple[NDArray[np.object_], Integers]:
    """Splinters join the neighbour with the longest common side; a piece in several faces becomes several pieces."""
    while (owner < 0).any():
        sides, _, lengths = _edges(faces, faces)
        lone = int(np.flatnonzero(owner < 0)[0])
        beside = (sides == lone).any(axis=1) & (sides >= 0).all(axis=1)
        best = np.flatnonzero(beside)[np.argmax(lengths[beside])]
        host = int(sides[best].sum() - lone)
        faces[host] = shapely.coverage_union(faces[host], faces[lone])
        keep = np.arange(len(faces)) != lone
        faces, owner = faces[keep], owner[keep]
    return faces, owner


def _edges(faces: NDArray[np.object_], metres: NDArray[np.object_]) -> tuple[Integers, NDArray[np.object_], Floats]:
    """Both sides, line and length of every edge between two faces or a face and the outside."""
    coords, ring = shapely.get_coordinates(shapely.get_rings(faces), return_index=True)
    _, of_face = shapely.get_rings(faces, return_index=True)
    metric = shapely.get_coordinates(metres)
    whole = to_integers(coords)
    start = np.flatnonzero(ring[1:] == ring[:-1])
    face = of_face[ring[start]]
    a, b = whole[start], whole[start + 1]
    swap = (a[:, 0] > b[:, 0]) | ((a[:, 0] == b[:, 0]) & (a[:, 1] > b[:, 1]))
    low, high = np.where(swap[:, None], b, a), np.where(swap[:, None], a, b)
    order = np.lexsort((face, high[:, 1], high[:, 0], low[:, 1], low[:, 0]))
    key = np.column_stack([low, high])[order]
    fresh = np.r_[True, (key[1:] != key[:-1]).any(axis=1)]
    first = np.flatnonzero(fresh)
    last = np.r_[first[1:], len(key)] - 1
    pair = np.column_stack([face[order][first], np.where(last > first, face[order][last], -1)])
    segment = start[order][first]
    return _merged(np.sort(pair, axis=1)[:, ::-1], np.stack([metric[segment], metric[segment + 1]], axis=1))


def _merged(pair: Integers, segments: Floats) -> tuple[Integers, NDArray[np.object_], Floats]:
    order = np.lexsort((pair[:, 1], pair[:, 0]))
    pair, segments = pair[order], segments[order]
    fresh = np.r_[True, (pair[1:] != pair[:-1]).any(axis=1)]
    group = np.cumsum(fresh) - 1
    lines = shapely.multilinestrings(np.asarray(shapely.linestrings(segments)), indices=group)
    parts, of_group = shapely.get_parts(shapely.line_merge(lines), return_index=True)
    return pair[fresh][of_group], parts, shapely.length(parts)


def _moor(fabric: Fabric) -> Fabric:
    """Water, strips and the island take the numbers of the land they lie along, so that no border stops at the bank."""
    numbers = np.column_stack([fabric.superblock, fabric.collector, fabric.block])
    moored = ~np.isin(fabric.uses, ("river", "riverside", "creek", "island"))
    for _ in range(12):
        one, other = fabric.sides.T
        towards = np.concatenate([fabric.sides, fabric.sides[:, ::-1]])
        lengths = np.concatenate([fabric.lengths, fabric.lengths])
        useful = (other >= 0)[np.r_[0 : len(one), 0 : len(one)]]
        useful &= moored[towards[:, 0]] & ~moored[towards[:, 1]]
        if not useful.any():
            break
        towards, lengths = towards[useful], lengths[useful]
        # A stretch of river goes to its own bank rather than to the next stretch, whatever is longer.
        order = np.lexsort((lengths, fabric.uses[towards[:, 0]] != "river", towards[:, 1]))
        last = np.r_[np.diff(towards[order, 1]) > 0, True]
        host, guest = towards[order][last].T
        numbers[guest] = numbers[host]
        moored[guest] = True
    superblock, collector, block = numbers.T
    return replace(fabric, superblock=superblock, collector=collector, block=block)


def _ranks(fabric: Fabric, arterials: NDArray[np.object_]) -> Integers:
    """What kind of road an edge is: what its two sides have in common decides."""
    one, other = fabric.sides.T
    loose = np.isin(fabric.uses, LOOSE)
    ranks = np.full(len(one), 1, dtype=np.int64)
    for rank, number in ((2, fabric.block), (3, fabric.collector), (4, fabric.superblock)):
        ranks[number[one] != number[other]] = rank
    either, both = loose[one] | loose[other], loose[one] & loose[other]
    strip = np.isin(fabric.uses, ("riverside", "lakeside", "hill"))
    ranks[either] = np.where((strip[one] | strip[other])[either], 3, 0)
    wet = np.isin(fabric.uses, WET)
    ranks[both | wet[one] | wet[other] | (other < 0)] = 0
    bare = np.flatnonzero((ranks == 0) | either)
    middles = shapely.line_interpolate_point(fabric.lines[bare], 0.5, normalized=True)
    at, _ = shapely.STRtree(arterials).query(middles, predicate="dwithin", distance=3.0)
    ranks[bare[np.unique(at)]] = 4
    return ranks
