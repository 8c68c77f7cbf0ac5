"""The lie of the land: outline, river, island, creek, lake and hills, drawn on a flat sheet that is bent afterwards.

Everything is in metres around the middle of the ground. `Terrain.bend` turns the flat sheet into the real one, so
that straight roads drawn on the sheet become gently curved and still meet where they met.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString, MultiLineString, Polygon
from shapely.geometry.base import BaseGeometry

from data.demo.sizes import Size

Floats = NDArray[np.float64]

EMBANKMENT_M = 55.0  # green strip between the water and the embankment road
CREEK_M = 34.0
LAKE_PARK_M = 75.0


@dataclass(frozen=True)
class Terrain:
    """Flat shapes in metres; empty ones where a size has no such thing."""

    side_m: float  # square root of the area
    outline: Polygon
    river: BaseGeometry
    river_middle: LineString
    riverside: BaseGeometry  # water and the strips along it
    crossings: MultiLineString  # cut the river and its strips into short stretches; nobody sees them
    island: BaseGeometry
    creek: BaseGeometry
    lake: BaseGeometry
    lake_park: BaseGeometry  # lake and the park around it
    hills: BaseGeometry
    old_town: Floats  # its middle
    waves: Floats  # rows of amplitude x and y, wave vector x and y, phase

    def bend(self, coords: Floats) -> Floats:
        """Flat metres → real metres: long waves everywhere, short ones in the old town."""
        bent = coords + _waves(coords, self.waves)
        old = np.exp(-((oldness(self, coords) / 1.1) ** 4))[:, None]
        short = self.waves.copy()
        short[:, :2] *= 6.0 / np.abs(self.waves[:, :2]).max()
        short[:, 2:4] *= 0.6 * self.side_m / 240.0 / 1.0
        return np.asarray(bent + old * _waves(coords, short))


def lay_out(size: Size, rng: np.random.Generator) -> Terrain:
    """A fresh sheet with the water, the hills and the outline of a size."""
    side = float(np.sqrt(size.area_km2) * 1000.0)
    outline = _outline(side, rng)
    middle = _river_middle(side, rng)
    width = size.river_m * (1.0 + 0.12 * np.sin(np.linspace(0.0, 9.0, len(middle))))
    river = _ribbon(middle, width / 2.0)
    strip = EMBANKMENT_M if size.river_m > 100.0 else 22.0
    riverside = _ribbon(middle, width / 2.0 + strip)
    hills = _hills(side, size.hills, rng)
    lake = _blob(np.array([-0.30, -0.22]) * side, 0.052 * side, rng) if size.hills else Polygon()
    lake_park = lake.buffer(LAKE_PARK_M) if size.hills else Polygon()
    creek = _creek(side, middle, lake, rng).difference(riverside).difference(lake) if size.hills else Polygon()
    island = _island(middle, size.river_m) if size.hills else Polygon()
    return Terrain(
        side_m=side, outline=outline, river=river, river_middle=LineString(middle), riverside=riverside,
        crossings=_crossings(middle, width.max() / 2.0 + strip), island=island, creek=creek, lake=lake,
        lake_park=lake_park, hills=hills.difference(riverside), old_town=_old_town(side, middle, strip + size.river_m / 2),
        waves=_wave_rows(side, rng),
    )  # fmt: skip


def oldness(terrain: Terrain, coords: Floats) -> Floats:
    """0 in the middle of the old town, 1 at its edge, more outside; without unit."""
    radius = np.array([0.155, 0.21]) * terrain.side_m
    return np.asarray(np.hypot(*((coords - terrain.old_town) / radius).T))


def river_distance(terrain: Terrain, coords: Floats) -> Floats:
    """Metres east of the middle of the river, negative in the west."""
    middle = shapely.get_coordinates(terrain.river_middle)
    return np.asarray(coords[:, 0] - np.interp(coords[:, 1], middle[:, 1], middle[:, 0]))


def _outline(side: float, rng: np.random.Generator) -> Polygon:
    """Straight runs of uneven length around an uneven ellipse."""
    angles = np.sort((np.arange(34) + rng.uniform(-0.33, 0.33, 34)) / 34 * 2 * np.pi)
    radius = np.ones(34)
    for k, reach in zip((2, 3, 4, 5, 7), (0.05, 0.055, 0.05, 0.04, 0.025), strict=True):
        radius += reach * np.cos(k * angles + rng.uniform(0, 2 * np.pi))
    ring = np.column_stack([1.17 * radius * np.cos(angles), radius * np.sin(angles)])
    shape = Polygon(ring)
    return Polygon(ring * side / np.sqrt(shape.area) - np.array(shape.centroid.coords[0]) * side)


def _river_middle(side: float, rng: np.random.Generator) -> Floats:
    """From south to north through the eastern half, with two bends."""
    y = np.arange(-1.0, 1.0001, 0.012) * side
    lean = rng.uniform(-0.2, 0.2)
    x = 0.09 * np.sin(2 * np.pi * (y / side / 1.25 + lean)) + 0.03 * np.sin(2 * np.pi * (y / side / 0.52 + lean))
    return np.column_stack([(0.13 + x) * side, y])


def _normals(middle: Floats) -> Floats:
    along = np.gradient(middle, axis=0)
    along /= np.hypot(along[:, 0], along[:, 1])[:, None]
    return np.column_stack([-along[:, 1], along[:, 0]])


def _ribbon(middle: Floats, half: Floats) -> Polygon:
    sideways = _normals(middle) * half[:, None]
    return Polygon(np.concatenate([middle + sideways, (middle - sideways)[::-1]])).buffer(0)


def _crossings(middle: Floats, half: float) -> MultiLineString:
    """Lines across the river and its strips every 350 m or so."""
    length = np.hypot(*np.diff(middle, axis=0).T).mean()
    step = max(1, round(350.0 / length))
    sideways = _normals(middle)[::step] * half * 1.04
    ends = np.stack([middle[::step] + sideways, middle[::step] - sideways], axis=1)
    return MultiLineString(list(ends))


def _island(middle: Floats, width: float) -> Polygon:
    """A long thin island a little east of the middle of the river."""
    heart = len(middle) * 0.44
    at = np.arange(len(middle))
    inside = np.abs(at - heart) < 750.0 / np.hypot(*np.diff(middle, axis=0).T).mean()
    share = (at[inside] - heart) / np.abs(at[inside] - heart).max()
    half = 0.16 * width * np.sqrt(np.clip(1.0 - share**2, 0.0, 1.0)) * (1 + 0.25 * share) + 0.5
    return _ribbon(middle[inside] + np.array([0.1 * width, 0.0]), half)


def _hills(side: float, share: float, rng: np.random.Generator) -> BaseGeometry:
    """Everything west of a restless line."""
    if share == 0.0:
        return Polygon()
    y = np.arange(-1.0, 1.0001, 0.02)
    x = -0.62 + share + 0.10 * np.exp(-(((y - 0.12) / 0.2) ** 2))
    for k in (3, 5, 9, 17):
        x += 0.09 / k * np.sin(k * y * np.pi + rng.uniform(0, 2 * np.pi))
    edge = np.column_stack([x, y]) * side
    return Polygon(np.concatenate([edge, np.array([[-2.0, 1.0], [-2.0, -1.0]]) * side]))


def _blob(heart: Floats, radius: float, rng: np.random.Generator) -> Polygon:
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    reach = np.ones(48)
    for k, size in ((2, 0.22), (3, 0.16), (5, 0.09)):
        reach += size * np.cos(k * angles + rng.uniform(0, 2 * np.pi))
    return Polygon(heart + radius * reach[:, None] * np.column_stack([1.25 * np.cos(angles), np.sin(angles)]))


def _creek(side: float, middle: Floats, lake: Polygon, rng: np.random.Generator) -> Polygon:
    """From the hills through the lake to the river."""
    heart = np.array(lake.centroid.coords[0])
    x = np.linspace(-0.75 * side, 0.4 * side, 90)
    wander = 0.02 * side * np.sin((x - heart[0]) / side * 9.0) + 0.008 * side * np.sin((x - heart[0]) / side * 31.0)
    y = heart[1] + wander + 0.10 * (x - heart[0])
    mouth = np.interp(y, middle[:, 1], middle[:, 0])
    keep = x < mouth
    return _ribbon(np.column_stack([x, y])[keep], np.full(int(keep.sum()), CREEK_M / 2))


def _old_town(side: float, middle: Floats, bank: float) -> Floats:
    """East of the river, a little north of the middle."""
    y = 0.06 * side
    return np.array([float(np.interp(y, middle[:, 1], middle[:, 0])) + bank + 0.13 * side, y])


def _wave_rows(side: float, rng: np.random.Generator) -> Floats:
    rows = []
    for length, reach in ((0.95, 0.016), (0.62, 0.010), (0.45, 0.007), (0.3, 0.004)):
        for _ in range(2):
            heading = rng.uniform(0, 2 * np.pi)
            wave = 2 * np.pi / (length * side) * np.array([np.cos(heading), np.sin(heading)])
            push = rng.uniform(0, 2 * np.pi)
            rows.append([reach * side * np.cos(push), reach * side * np.sin(push), *wave, rng.uniform(0, 2 * np.pi)])
    return np.array(rows)


def _waves(coords: Floats, rows: Floats) -> Floats:
    moved = np.zeros_like(coords)
    for push_x, push_y, wave_x, wave_y, phase in rows:
        swing = np.sin(coords[:, 0] * wave_x + coords[:, 1] * wave_y + phase)
        moved[:, 0] += push_x * swing
        moved[:, 1] += push_y * swing
    return moved
