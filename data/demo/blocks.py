"""Large faces cut down to blocks and pieces of ground with a use, on the flat sheet.

Faces between arterials are cut by collectors, those by local roads into blocks, those by lanes into pieces. A piece
is the smallest ground that a grid takes or leaves; a lot for a few buildings.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiLineString, Polygon

from data.demo.roads import Faces
from data.demo.sizes import Size
from data.demo.terrain import Terrain, oldness, river_distance

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

COLLECTOR_M2 = 125_000.0
BLOCK_M2 = {
    "old": 11_000, "village": 15_000, "slab": 30_000, "tower": 40_000, "villa": 36_000, "commercial": 19_000,
    "office": 17_000, "school": 30_000, "hospital": 30_000, "market": 16_000, "industrial": 62_000, "campus": 75_000,
    "park": 80_000,
}  # fmt: skip
PIECE_M2 = {
    "old": 4_300, "village": 5_200, "slab": 6_000, "tower": 6_800, "villa": 11_000, "commercial": 9_500, "office": 9_000,
    "school": 30_000, "hospital": 16_000, "market": 9_000, "industrial": 24_000, "campus": 26_000, "park": 60_000,
}  # fmt: skip
CROOKED = {"old": 0.15, "village": 0.12}  # share by which a cut leaves the middle; the others are cut as a net

# Character of a quarter: what a collector's block is mostly for.
THEMES: dict[str, dict[str, float]] = {
    "core": {"old": 0.78, "commercial": 0.10, "slab": 0.09, "park": 0.03},
    "inner": {"slab": 0.48, "old": 0.26, "tower": 0.10, "commercial": 0.07, "hospital": 0.03, "park": 0.06},
    "front": {"tower": 0.42, "office": 0.34, "commercial": 0.12, "park": 0.12},
    "new": {"tower": 0.40, "slab": 0.24, "commercial": 0.06, "park": 0.10, "village": 0.16, "campus": 0.04},
    "lake": {"tower": 0.40, "villa": 0.36, "office": 0.08, "park": 0.16},
    "works": {"industrial": 0.58, "slab": 0.17, "village": 0.20, "commercial": 0.05},
    "foot": {"campus": 0.34, "village": 0.28, "villa": 0.18, "slab": 0.10, "park": 0.10},
    "outer": {"slab": 0.36, "village": 0.34, "tower": 0.12, "commercial": 0.04, "industrial": 0.05, "park": 0.06, "campus": 0.03},
}  # fmt: skip
SIDE_USES = {"commercial": 0.25, "school": 0.27, "park": 0.15, "market": 0.10, "slab": 0.19, "hospital": 0.04}
WHOLE = ("industrial", "campus", "park")
PURE = 0.80  # share of a quarter's blocks that follow its theme


@dataclass(frozen=True)
class Pieces:
    """Pieces of ground on the flat sheet; equal numbers mean the same superblock, collector's block, block."""

    polygons: NDArray[np.object_]
    uses: NDArray[np.str_]
    superblock: Integers
    collector: Integers
    block: Integers


def cut_down(terrain: Terrain, size: Size, faces: Faces, rng: np.random.Generator) -> Pieces:
    """Every face in pieces; water, hills and strips stay one piece a face, or are cut coarsely."""
    rows: list[tuple[Polygon, str, int, int, int]] = []
    collector = block = 0
    for number, (face, kind) in enumerate(zip(faces.polygons, faces.kinds, strict=True)):
        quarters = _quarters(face, str(kind), rng)
        themes = [str(kind)] * len(quarters) if kind != "land" else _themes(terrain, size, quarters, rng)
        for quarter, theme in zip(quarters, themes, strict=True):
            for part, use in _blocks(quarter, theme, size, rng):
                rows += [(piece, use, number, collector, block) for piece in _lots(part, use, size, rng)]
                block += 1
            collector += 1
    polygons, uses, *numbers = zip(*rows, strict=True)
    return Pieces(np.array(polygons), np.array(uses), *(np.array(each) for each in numbers))


def _quarters(face: Polygon, kind: str, rng: np.random.Generator) -> list[Polygon]:
    if kind == "hill":
        return subdivide(face, 420_000.0, 0.15, rng)
    if kind in ("lake", "lakeside"):
        return subdivide(face, 240_000.0, 0.1, rng)
    return subdivide(face, COLLECTOR_M2, 0.1 if rng.random() < 0.4 else 0.0, rng) if kind == "land" else [face]


def _blocks(quarter: Polygon, theme: str, size: Size, rng: np.random.Generator) -> list[tuple[Polygon, str]]:
    if theme not in BLOCK_M2:
        return [(quarter, theme)]
    parts = subdivide(quarter, BLOCK_M2[theme] * size.grain**0.5, CROOKED.get(theme, 0.0), rng)
    if theme in WHOLE and rng.random() < 0.8:
        return [(part, theme) for part in parts]
    other = _draw(SIDE_USES, len(parts), rng)
    pure = rng.random(len(parts)) < PURE
    return [(part, theme if same else str(use)) for part, same, use in zip(parts, pure, other, strict=True)]


def _lots(block: Polygon, use: str, size: Size, rng: np.random.Generator) -> list[Polygon]:
    if use not in PIECE_M2:
        return [block]
    return subdivide(block, PIECE_M2[use] * size.grain, CROOKED.get(use, 0.0), rng)


def _themes(terrain: Terrain, size: Size, quarters: list[Polygon], rng: np.random.Generator) -> list[str]:
    spots = shapely.get_coordinates(shapely.centroid(np.array(quarters)))
    return [_draw(THEMES[zone], 1, rng)[0] for zone in _zones(terrain, size, spots)]


def _zones(terrain: Terrain, size: Size, spots: Floats) -> list[str]:
    side = terrain.side_m
    old = oldness(terrain, spots)
    east = river_distance(terrain, spots) / side
    if not size.hills:
        return ["core" if each < 1.3 else "inner" if each < 2.0 else "new" for each in old]
    lake = shapely.distance(shapely.points(spots), terrain.lake) / side
    foot = shapely.distance(shapely.points(spots), terrain.hills) / side
    works = (spots[:, 1] / side > 0.24) & (east > 0.14) | (spots[:, 1] / side < -0.40) & (east > 0.2)
    tests = [old < 0.78, old < 1.25, works, (east < 0) & (east > -0.135), lake < 0.07, foot < 0.075, east < 0]
    return list(np.select(tests, ["core", "inner", "works", "front", "lake", "foot", "new"], "outer"))


def _draw(shares: dict[str, float], count: int, rng: np.random.Generator) -> list[str]:
    weights = np.array(list(shares.values()))
    return [str(each) for each in rng.choice(list(shares), size=count, p=weights / weights.sum())]


def subdivide(ground: Polygon, target_m2: float, crooked: float, rng: np.random.Generator) -> list[Polygon]:
    """Cut a polygon (metres) into parts of about a size: as a straight net, or by crooked halving."""
    if ground.area < 1.5 * target_m2:
        return [ground]
    net = crooked == 0.0 or ground.area > 60 * target_m2
    parts = _net_cut(ground, target_m2, rng) if net else _halves(ground, target_m2, crooked, rng)
    if len(parts) == 1:
        return parts
    large = [each for each in parts if each.area > 2.2 * target_m2]
    for each in large:
        parts.remove(each)
        parts += _halves(each, target_m2, max(crooked, 0.02), rng)
    return _absorb(parts, 0.3 * target_m2)


def _frame(ground: Polygon) -> tuple[Floats, Floats, Floats, Floats]:
    """Corner, unit vectors along the long and the short side, and both lengths of the narrowest box."""
    corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(ground))
    first, second = corners[1] - corners[0], corners[3] - corners[0]
    if np.hypot(*first) < np.hypot(*second):
        first, second = second, first
    lengths = np.array([np.hypot(*first), np.hypot(*second)])
    return corners[0], first / lengths[0], second / lengths[1], lengths


def _net_cut(ground: Polygon, target_m2: float, rng: np.random.Generator) -> list[Polygon]:
    corner, along, aside, (long, short) = _frame(ground)
    side = np.sqrt(target_m2 * long * short / ground.area)
    columns, rows = max(1, round(long / side)), max(1, round(short / side))
    if columns * rows == 1:
        columns = 2
    lines = []
    for count, start, across, width, length in (
        (columns, along, aside, long, short), (rows, aside, along, short, long)
    ):  # fmt: skip
        for number in range(1, count):
            at = corner + start * width * (number + rng.uniform(-0.09, 0.09)) / count
            lines.append((at - across, at + across * (length + 1.0)))
    return _cut(ground, np.array(lines))


def _halves(ground: Polygon, target_m2: float, crooked: float, rng: np.random.Generator) -> list[Polygon]:
    todo, done = [ground], []
    while todo:
        each = todo.pop()
        if each.area < 1.6 * target_m2:
            done.append(each)
            continue
        corner, along, aside, (long, short) = _frame(each)
        tilt = rng.normal(0.0, crooked) * short
        at = corner + along * long * (0.5 + rng.uniform(-crooked, crooked))
        ends = (at - aside - along * tilt / 2, at + aside * (short + 1.0) + along * tilt / 2)
        parts = _cut(each, np.array([ends]))
        (done if len(parts) == 1 else todo).extend(parts)
    return done


def _cut(ground: Polygon, lines: Floats) -> list[Polygon]:
    noded = shapely.union(ground.boundary, MultiLineString(list(lines)))
    parts = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    # A line that leaves a hollow ground and enters it again closes faces outside of it.
    return list(parts[shapely.contains(ground, shapely.point_on_surface(parts))])


def _absorb(parts: list[Polygon], least_m2: float) -> list[Polygon]:
    """Join parts that are too small to the neighbour with the longest common side."""
    parts = sorted(parts, key=lambda part: part.area)
    while len(parts) > 1 and parts[0].area < least_m2:
        small, rest = parts[0], np.array(parts[1:])
        shared = shapely.length(shapely.intersection(small, rest))
        best = int(np.argmax(shared))
        joined = shapely.union(small, rest[best], grid_size=2.0**-20)
        if shared[best] == 0.0 or joined.geom_type != "Polygon":
            return parts
        parts = sorted([*(part for number, part in enumerate(rest) if number != best), joined], key=lambda part: part.area)
    return parts
