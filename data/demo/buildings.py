"""Footprints on their lots: rows of slots in the frame of each piece, kept where they clear every road and border."""

# ruff: noqa: E501  the tables read best with a row on a line

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from data.demo.fabric import WET, Fabric

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

INSET_M = 4.5  # from a border that is no wider road
TIGHT = {"old": 0.5, "village": 0.6}  # share of the usual distances from lanes and local roads
CLEAR_M = {2: 9.0, 3: 14.0, 4: 23.0}  # from the middle of a road, by rank
BANK_M = 9.0
PHASES = 3  # positions of the rows that are tried on each lot

# Plans on the unit square, counter-clockwise; the second ring is a courtyard.
SHAPES: dict[str, list[list[tuple[float, float]]]] = {
    "box": [[(0, 0), (1, 0), (1, 1), (0, 1)]],
    "ell": [[(0, 0), (1, 0), (1, 0.46), (0.42, 0.46), (0.42, 1), (0, 1)]],
    "ear": [[(0, 0), (1, 0), (1, 1), (0.62, 1), (0.62, 0.44), (0, 0.44)]],
    "bay": [[(0, 0), (1, 0), (1, 1), (0.72, 1), (0.72, 0.4), (0.28, 0.4), (0.28, 1), (0, 1)]],
    "aitch": [[(0, 0), (0.3, 0), (0.3, 0.35), (0.7, 0.35), (0.7, 0), (1, 0), (1, 1), (0.7, 1), (0.7, 0.65), (0.3, 0.65), (0.3, 1), (0, 1)]],
    "court": [[(0, 0), (1, 0), (1, 1), (0, 1)], [(0.3, 0.3), (0.3, 0.7), (0.7, 0.7), (0.7, 0.3)]],
    "cross": [[(0.22, 0), (0.78, 0), (0.78, 0.2), (1, 0.2), (1, 0.72), (0.82, 0.72), (0.82, 1), (0.58, 1), (0.58, 0.84),
               (0.42, 0.84), (0.42, 1), (0.18, 1), (0.18, 0.72), (0, 0.72), (0, 0.2), (0.22, 0.2)]],
    "steps": [[(0, 0), (0.5, 0), (0.5, 0.14), (1, 0.14), (1, 1), (0.53, 1), (0.53, 0.86), (0, 0.86)]],
    "spine": [[(0, 0.12), (0.3, 0.12), (0.3, 0), (0.36, 0), (0.36, 0.12), (0.64, 0.12), (0.64, 0), (0.7, 0), (0.7, 0.12), (1, 0.12),
               (1, 1), (0, 1)]],
}  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """How a use is built: slot and gaps in metres, share of slots built on, plans, storeys, households a storey."""

    width: tuple[float, float]
    depth: tuple[float, float]
    gaps: tuple[float, float]
    built: float
    shapes: str
    levels: tuple[int, ...]
    homes: float  # households on each storey and 10 m of front
    years: tuple[int, int]
    building_use: str


LAYOUTS = {
    "old": Layout((7.5, 12.5), (10.0, 13.0), (0.5, 2.6), 0.93, "box box box ell ear court", (1, 1, 2, 2, 2, 3), 0.95, (1930, 1990), "residential"),
    "village": Layout((9.5, 12.0), (10.5, 13.5), (1.4, 3.2), 0.94, "box box box ell", (2, 3, 3, 4, 4, 5), 1.25, (1985, 2012), "residential"),
    "slab": Layout((44.0, 66.0), (11.5, 13.5), (9.0, 17.0), 0.97, "box steps spine spine", (5, 6, 6, 6, 7, 7, 11), 1.15, (1978, 2006), "residential"),
    "tower": Layout((27.0, 36.0), (22.0, 26.0), (19.0, 27.0), 0.95, "cross cross aitch ear", (18, 24, 26, 30, 32, 33), 1.05, (2003, 2024), "residential"),
    "villa": Layout((12.0, 15.0), (12.0, 14.0), (8.0, 10.0), 0.9, "box ell ear", (2, 3, 3), 0.3, (2001, 2020), "residential"),
    "commercial": Layout((30.0, 46.0), (20.0, 32.0), (9.0, 10.0), 0.9, "box ell ear court bay box", (2, 3, 4, 5, 6), 0.12, (1990, 2022), "commercial"),
    "office": Layout((32.0, 44.0), (28.0, 38.0), (20.0, 24.0), 0.9, "box cross aitch court box", (12, 18, 24, 32, 45), 0.0, (2005, 2025), "office"),
    "school": Layout((44.0, 60.0), (24.0, 34.0), (12.0, 16.0), 0.55, "bay ell aitch court ear box", (3, 4, 5), 0.0, (1982, 2021), "school"),
    "hospital": Layout((46.0, 62.0), (22.0, 32.0), (14.0, 18.0), 0.85, "aitch bay ell box", (5, 8, 12, 16), 0.0, (1985, 2022), "hospital"),
    "market": Layout((38.0, 52.0), (24.0, 34.0), (8.0, 9.0), 0.95, "box box court", (1, 2, 2), 0.0, (1992, 2018), "market"),
    "industrial": Layout((60.0, 96.0), (30.0, 46.0), (13.0, 15.0), 0.92, "box box box ell bay", (1, 1, 2, 3), 0.0, (1980, 2019), "factory"),
    "campus": Layout((52.0, 72.0), (20.0, 30.0), (20.0, 24.0), 0.8, "bay aitch ell box spine", (4, 5, 6, 12), 0.0, (1960, 2020), "campus"),
    "park": Layout((9.0, 14.0), (8.0, 11.0), (60.0, 70.0), 0.5, "box ell", (1, 1, 2), 0.0, (1995, 2022), "public"),
    "island": Layout((12.0, 18.0), (9.0, 12.0), (40.0, 30.0), 0.7, "box ell court", (1, 2), 0.0, (1950, 2015), "public"),
}  # fmt: skip
MEDIUM = Layout((20.0, 28.0), (11.0, 13.0), (7.0, 12.0), 0.95, "box steps box ell", (5, 6, 6, 7), 1.15, (1982, 2008), "residential")
SMALL = Layout((11.0, 14.0), (9.0, 10.5), (2.0, 4.0), 0.85, "box box ell", (1, 2, 3), 0.5, (1980, 2015), "residential")


@dataclass(frozen=True)
class Footprints:
    """One row a building: plan in metres, the piece it stands on, and what it is."""

    metres: NDArray[np.object_]
    piece: Integers
    use: NDArray[np.str_]
    levels: Integers
    height_m: Floats
    built_year: Integers
    homes: Floats  # households it would hold before the total of the district is met


def build(fabric: Fabric, last_year: int, rng: np.random.Generator) -> Footprints:
    """Buildings on all lots; a lot too narrow for its use gets small houses."""
    rooms = _rooms(fabric)
    lots = np.flatnonzero(np.isin(fabric.uses, list(LAYOUTS)) & ~shapely.is_empty(rooms))
    parts = [_lay(rooms, lots[fabric.uses[lots] == use], layout, last_year, rng) for use, layout in LAYOUTS.items()]
    for layout, uses in ((MEDIUM, ("slab", "tower", "hospital", "campus")), (SMALL, tuple(LAYOUTS)[:-2])):
        built = np.unique(np.concatenate([part.piece for part in parts]))
        bare = np.setdiff1d(lots[np.isin(fabric.uses[lots], uses)], built)
        parts.append(_lay(rooms, bare, layout, last_year, rng))
    whole = [np.concatenate([getattr(part, name) for part in parts]) for name in Footprints.__dataclass_fields__]
    order = np.argsort(whole[1], kind="stable")
    return Footprints(*(column[order] for column in whole))


def _rooms(fabric: Fabric) -> NDArray[np.object_]:
    """What is left of each piece when roads, banks and borders are cleared, metres."""
    tight = np.ones(len(fabric.uses))
    for use, share in TIGHT.items():
        tight[fabric.uses == use] = share
    clear = np.array([0.0, 0.0, *CLEAR_M.values()])[fabric.ranks]
    clear[fabric.ranks == 2] *= tight[fabric.sides[fabric.ranks == 2]].max(axis=1)
    wet = np.isin(fabric.uses, WET)
    clear = np.maximum(clear, BANK_M * (wet[fabric.sides] & (fabric.sides >= 0)).any(axis=1))
    wide = np.flatnonzero(clear > INSET_M * 0.5)
    strips = shapely.buffer(fabric.lines[wide], clear[wide], quad_segs=3)
    piece = np.concatenate([fabric.sides[wide, 0], fabric.sides[wide, 1]])
    strips = np.concatenate([strips, strips])[piece >= 0]
    piece = piece[piece >= 0]
    order = np.argsort(piece, kind="stable")
    first = np.flatnonzero(np.r_[True, np.diff(piece[order]) > 0])
    rooms = shapely.buffer(fabric.metres, -INSET_M * tight, join_style="mitre")
    taken = shapely.unary_union(np.array([], dtype=object))
    cover = np.full(len(rooms), taken, dtype=object)
    cover[piece[order][first]] = [shapely.unary_union(each) for each in np.split(strips[order], first[1:])]
    return np.asarray(shapely.difference(rooms, cover))


def _lay(rooms: NDArray[np.object_], lots: Integers, layout: Layout, last_year: int, rng: np.random.Generator) -> Footprints:
    """The best of a few positions of the rows on every lot."""
    angle, heart, low, high = _frames(rooms[lots])
    width, depth = (rng.uniform(*each, len(lots)) for each in (layout.width, layout.depth))
    shapely.prepare(rooms)
    best: list[tuple[NDArray[np.object_], Integers, Floats]] = []
    counts = np.zeros((PHASES, len(lots)), dtype=np.int64)
    for phase in range(PHASES):
        lot, middle, size = _slots(low, high, width, depth, layout, phase, rng)
        plans = _plans(heart[lot] + _turn(middle, angle[lot]), size, angle[lot], layout.shapes.split(), rng)
        stands = shapely.contains_properly(rooms[lots[lot]], plans)
        best.append((plans[stands], lot[stands], size[stands]))
        counts[phase] = np.bincount(lot[stands], minlength=len(lots))
    chosen = counts.argmax(axis=0)
    parts = [(plans[m], lot[m], size[m]) for phase, (plans, lot, size) in enumerate(best) for m in [chosen[lot] == phase]]
    plans, lot, size = (np.concatenate(column) for column in zip(*parts, strict=True))
    kept = rng.random(len(plans)) < layout.built
    return _described(plans[kept], lots[lot[kept]], lot[kept], size[kept], layout, last_year, rng)


def _described(
    plans: NDArray[np.object_], piece: Integers, lot: Integers, size: Floats, layout: Layout, last_year: int, rng: np.random.Generator
) -> Footprints:  # fmt: skip
    count = len(plans)
    storeys = np.array(layout.levels)
    common = rng.integers(0, len(storeys), int(lot.max(initial=-1)) + 1)  # houses of one lot are much alike
    pick = np.where(rng.random(count) < 0.7, common[lot], rng.integers(0, len(storeys), count))
    levels = storeys[pick].astype(np.int64)
    years = rng.integers(*layout.years, len(common))[lot] + rng.integers(-2, 3, count)
    homes = layout.homes * levels * size[:, 0] / 10.0 * rng.uniform(0.8, 1.2, count)
    height = levels * (3.0 if layout.homes else 3.9) + rng.uniform(0.6, 2.4, count).round(1)
    use = np.full(count, layout.building_use, dtype="U12")
    return Footprints(plans, piece, use, levels, height.round(1), np.minimum(years, last_year), homes)


def _frames(rooms: NDArray[np.object_]) -> tuple[Floats, Floats, Floats, Floats]:
    """Heading of each lot (radians, within 45° of east), its middle, and its extent in that frame."""
    box = shapely.get_coordinates(shapely.minimum_rotated_rectangle(rooms)).reshape(-1, 5, 2)
    side = box[:, 1] - box[:, 0]
    angle = np.arctan2(side[:, 1], side[:, 0])
    angle = (angle + np.pi / 4) % (np.pi / 2) - np.pi / 4
    heart = box[:, :4].mean(axis=1)
    local = _turn((box[:, :4] - heart[:, None]).reshape(-1, 2), -np.repeat(angle, 4)).reshape(-1, 4, 2)
    return angle, heart, local.min(axis=1), local.max(axis=1)


def _turn(coords: Floats, angle: Floats) -> Floats:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.column_stack([coords[:, 0] * cos - coords[:, 1] * sin, coords[:, 0] * sin + coords[:, 1] * cos])


def _slots(
    low: Floats, high: Floats, width: Floats, depth: Floats, layout: Layout, phase: int, rng: np.random.Generator
) -> tuple[Integers, Floats, Floats]:  # fmt: skip
    """Lot, middle (in the frame of the lot) and size of each slot; the first phase fills the box evenly."""
    pitch = np.column_stack([width + layout.gaps[0], depth + layout.gaps[1]])
    extent = high - low
    count = np.maximum(np.floor((extent + np.array(layout.gaps)) / pitch).astype(np.int64), 1)
    if phase:
        count = count + 1
    total = count.prod(axis=1)
    lot = np.repeat(np.arange(len(low)), total)
    number = np.arange(len(lot)) - np.repeat(np.cumsum(total) - total, total)
    cell = np.column_stack([number // count[lot, 1], number % count[lot, 1]])
    slack = extent + np.array(layout.gaps) - count * pitch
    shift = slack * (0.5 if phase == 0 else phase / PHASES)
    middle = low[lot] + shift[lot] + (cell + 0.5) * pitch[lot] - np.array(layout.gaps) / 2
    size = np.column_stack([width, depth])[lot] * rng.uniform(0.9, 1.0, (len(lot), 2))
    return lot, middle, size


def _plans(middle: Floats, size: Floats, angle: Floats, shapes: list[str], rng: np.random.Generator) -> NDArray[np.object_]:
    """Plans in metres; plans of one name are made at once."""
    names = np.array(shapes)[rng.integers(0, len(shapes), len(middle))]
    flip = np.where(rng.random(len(middle)) < 0.5, -1.0, 1.0)
    plans = np.empty(len(middle), dtype=object)
    for name in dict.fromkeys(shapes):
        own = np.flatnonzero(names == name)
        rings = []
        for ring in SHAPES[name]:
            unit = (np.array([*ring, ring[0]]) - 0.5)[None] * size[own, None]
            unit[..., 1] *= flip[own, None]
            turned = _turn(unit.reshape(-1, 2), np.repeat(angle[own], unit.shape[1])).reshape(unit.shape)
            rings.append(shapely.linearrings(turned + middle[own, None]))
        plans[own] = shapely.polygons(rings[0], np.array(rings[1:]).T if len(rings) > 1 else None)
    return plans
