"""Arterial roads on the flat sheet, the large faces they leave, and the named streets of the finished map."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString, Polygon
from shapely.geometry.base import BaseGeometry

from data.demo.sizes import Size
from data.demo.terrain import Terrain, oldness

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

FLAT_GRID_M = 2.0**-8  # the flat sheet is noded on this lattice, metres
STRAIGHT_ON = np.cos(np.radians(34.0))  # two stretches that bend less are one street


@dataclass(frozen=True)
class Faces:
    """Large faces between arterials, banks and edges of green, flat metres, each with its kind."""

    polygons: NDArray[np.object_]
    kinds: NDArray[np.str_]  # land, river, island, riverside, creek, lake, lakeside, hill


def arterials(terrain: Terrain, size: Size, rng: np.random.Generator) -> list[BaseGeometry]:
    """Stretches of arterial road: an uneven net with stretches missing, a ring around the old town, one boulevard."""
    nodes = _net(terrain, size, rng)
    lines: list[BaseGeometry] = []
    for along in (0, 1):
        lines += _stretches(terrain, nodes if along == 0 else nodes.transpose(1, 0, 2), rng, across=along == 0)
    if size.hills:
        lines.append(_ring(terrain).boundary)
        lines.append(_boulevard(terrain))
    blocked = shapely.union_all([terrain.hills, terrain.lake_park])
    return [line for line in (each.difference(blocked) for each in lines) if not line.is_empty]


def superblocks(terrain: Terrain, roads: list[BaseGeometry]) -> Faces:
    """The faces that roads, banks and edges cut out of the outline."""
    rims = [terrain.outline, terrain.river, terrain.riverside, terrain.creek, terrain.lake, terrain.lake_park]
    rims += [terrain.hills, terrain.island]
    lines = [each.boundary for each in rims if not each.is_empty] + [terrain.river_middle, terrain.crossings, *roads]
    lines = [each.intersection(terrain.outline) for each in lines] + [terrain.outline.boundary]
    faces = np.array(_faces(lines))
    inside = shapely.contains(terrain.outline, shapely.point_on_surface(faces))
    faces = faces[inside]
    return Faces(faces, _kinds(terrain, faces))


def _faces(lines: list[BaseGeometry]) -> list[Polygon]:
    noded = shapely.unary_union(np.array(lines, dtype=object), grid_size=FLAT_GRID_M)
    return list(shapely.get_parts(shapely.polygonize(shapely.get_parts(noded))))


def _kinds(terrain: Terrain, faces: NDArray[np.object_]) -> NDArray[np.str_]:
    kinds = np.full(len(faces), "land", dtype="U9")
    spots = shapely.point_on_surface(faces)
    for kind, ground in (
        ("hill", terrain.hills), ("lakeside", terrain.lake_park), ("lake", terrain.lake), ("creek", terrain.creek),
        ("riverside", terrain.riverside), ("river", terrain.river), ("island", terrain.island),
    ):  # fmt: skip
        if not ground.is_empty:
            kinds[shapely.contains(ground, spots)] = kind
    return kinds


def _net(terrain: Terrain, size: Size, rng: np.random.Generator) -> Floats:
    """Crossings of the arterial net, shape (columns, rows, 2)."""
    reach, step = 0.85 * terrain.side_m, size.spacing_m
    count = int(np.ceil(2 * reach / step)) + 1
    steps = [np.cumsum(rng.uniform(0.72, 1.28, count)) * step for _ in range(2)]
    x, y = (each - each.mean() for each in steps)
    nodes = np.stack(np.meshgrid(x, y, indexing="ij"), axis=2)
    return np.asarray(nodes + rng.normal(0.0, 0.055 * step, nodes.shape))


def _stretches(terrain: Terrain, nodes: Floats, rng: np.random.Generator, *, across: bool) -> list[BaseGeometry]:
    """Stretches along the first axis; every other road crosses the river where it lies across the way."""
    lines: list[BaseGeometry] = []
    for row in range(nodes.shape[1]):
        middles = (nodes[1:, row] + nodes[:-1, row]) / 2
        old = oldness(terrain, middles)
        drop = rng.random(len(middles)) < np.where(old < 0.9, 0.45, np.where(old < 1.6, 0.05, 0.14))
        drop &= abs(row - nodes.shape[1] // 2) % 3 != 0  # every third road runs through
        for number in range(len(middles)):
            line: BaseGeometry = LineString([nodes[number, row], nodes[number + 1, row]])
            wet = line.intersects(terrain.river)
            if wet and not (across and row % 2 == 0):
                line = line.difference(terrain.riverside)
            elif not wet and drop[number]:
                continue
            lines.append(line)
    return lines


def _ring(terrain: Terrain) -> Polygon:
    """The road where the wall of the old town stood."""
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    x, y = np.cos(angles), np.sin(angles)
    square = np.column_stack([np.sign(x) * np.abs(x) ** 0.75, np.sign(y) * np.abs(y) ** 0.75])
    ring = Polygon(terrain.old_town + square * np.array([0.135, 0.19]) * terrain.side_m)
    cut = ring.difference(terrain.riverside)
    parts: list[Polygon] = list(shapely.get_parts(cut))
    return max(parts, key=lambda part: part.area)


def _boulevard(terrain: Terrain) -> LineString:
    """From the old town to the south-eastern edge."""
    start = terrain.old_town + np.array([0.07, -0.15]) * terrain.side_m
    return LineString([start, start + np.array([0.30, -0.42]) * terrain.side_m])


def streets(lines: NDArray[np.object_], ranks: Integers) -> tuple[NDArray[np.object_], Integers]:
    """Noded stretches joined to whole streets that run straight on through crossings, each of one rank.

    `lines` are LineStrings in metres that meet only at their ends. Returns the street lines and their ranks.
    """
    ends = np.stack([shapely.get_coordinates(shapely.get_point(lines, at)) for at in (0, -1)], axis=1)
    seconds = np.stack([shapely.get_coordinates(shapely.get_point(lines, at)) for at in (1, -2)], axis=1)
    away = seconds - ends
    away /= np.maximum(np.hypot(away[..., 0], away[..., 1]), 1e-9)[..., None]
    _, node = np.unique(np.round(ends.reshape(-1, 2), 2), axis=0, return_inverse=True)
    street = _straight_on(node.ravel(), away.reshape(-1, 2), np.repeat(ranks, 2))
    order = np.argsort(street, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(street[order]) > 0])
    joined = [shapely.line_merge(shapely.multilinestrings(part)) for part in np.split(lines[order], starts[1:])]
    return np.array(joined, dtype=object), ranks[order][starts]


def _straight_on(node: Integers, away: Floats, rank: Integers) -> Integers:
    """Street number of each stretch; entry 2i and 2i + 1 are the two ends of stretch i."""
    root = np.arange(len(node) // 2)

    def top(each: int) -> int:
        while root[each] != each:
            root[each] = root[root[each]]
            each = int(root[each])
        return each

    order = np.argsort(node, kind="stable")
    bounds = np.flatnonzero(np.r_[True, np.diff(node[order]) > 0, True])
    for begin, end in pairwise(bounds):
        meeting = order[begin:end]
        pairs = sorted(
            (float(away[a] @ away[b]), int(a), int(b))
            for number, a in enumerate(meeting) for b in meeting[number + 1 :] if rank[a] == rank[b]
        )  # fmt: skip
        taken: set[int] = set()
        for bend, a, b in pairs:
            if bend < -STRAIGHT_ON and not taken & {a, b}:
                taken |= {a, b}
                root[top(a // 2)] = top(b // 2)
    return np.array([top(each) for each in range(len(root))])
