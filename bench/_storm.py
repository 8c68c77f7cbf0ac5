"""Random operations of every kind on a coverage, for the storm script and the tests that run a small one."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import shapely
from shapely.geometry import LineString, Point, Polygon

from gis.borders.model import Change, Ground, Shape, Shapes
from gis.borders.operations import give, merge, move_vertex, reach, redraw, replace, split, straighten, trace
from gis.crs import LocalMetres
from gis.errors import EditRefused
from gis.lattice import STEP

KINDS = {
    "split": 14, "merge": 12, "redraw": 24, "move_vertex": 20, "pull": 6, "give": 16, "replace": 3, "straighten": 2, "trace": 3,
}  # fmt: skip
HARD = {"hug": 40, "zigzag": 20, "scribble": 20, "long": 10, "nudge": 10}
"""Lines along borders at a few lattice steps, zigzags of single steps, scribbles, lines through many communities."""
CROSSING = 0.1
"""How many of the operations may cross the borders of communities, unless it is said."""


class City:
    """All grids of a place, with the boxes by which an operation's ground is found."""

    def __init__(self, shapes: Shapes, communities: np.ndarray, metres: LocalMetres, lines: Shapes) -> None:
        self.ids = np.arange(1, len(shapes) + 1)
        self.shapes, self.communities, self.metres, self.lines = shapes.copy(), communities.copy(), metres, lines
        self.bounds = shapely.bounds(shapes)
        self.slot = {int(each): at for at, each in enumerate(self.ids)}
        self.free: list[int] = []
        self.last = len(shapes)

    @property
    def alive(self) -> np.ndarray:
        """Ids of the grids there are."""
        return np.array(sorted(self.slot), dtype=np.int64)

    def state(self) -> dict[int, tuple[bytes, int]]:
        """Every grid's border and community, to the bit."""
        return {each: (shapely.to_wkb(self.shapes[at]), int(self.communities[at])) for each, at in self.slot.items()}

    def ground(self, box: tuple[float, float, float, float]) -> Ground:
        """The grids that meet a box."""
        west, south, east, north = box
        b = self.bounds
        at = np.flatnonzero((b[:, 0] <= east) & (b[:, 2] >= west) & (b[:, 1] <= north) & (b[:, 3] >= south))
        return Ground(self.ids[at], self.shapes[at], self.communities[at], self.metres)

    def grids(self, ids: list[int]) -> list[Shape]:
        return [self.shapes[self.slot[each]] for each in ids]

    def put(self, old: dict[int, Shape], new: dict[int, Shape], communities: dict[int, int]) -> None:
        """Take the old grids off and lay the new ones down."""
        home = {each: int(self.communities[self.slot[each]]) for each in old} | communities
        for each in old:
            at = self.slot.pop(each)
            self.bounds[at], self.ids[at] = np.nan, 0
            self.free.append(at)
        for each, shape in new.items():
            if not self.free:
                self._grow()
            at = self.free.pop()
            self.slot[each], self.ids[at], self.shapes[at] = at, each, shape
            self.bounds[at], self.communities[at] = shape.bounds, home[each]

    def new_ids(self, count: int) -> list[int]:
        self.last += count
        return list(range(self.last - count + 1, self.last + 1))

    def _grow(self) -> None:
        more = len(self.ids)
        self.free = list(range(more, 2 * more))
        self.ids = np.append(self.ids, np.zeros(more, dtype=np.int64))
        self.shapes = np.append(self.shapes, np.full(more, None, dtype=object))
        self.communities = np.append(self.communities, np.zeros(more, dtype=np.int64))
        self.bounds = np.vstack([self.bounds, np.full((more, 4), np.nan)])


@dataclass
class Tally:
    """What a storm did."""

    applied: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    exceptions: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    outer: int = 0
    ms: dict[str, list[float]] = field(default_factory=dict)
    log: list[tuple[Change, dict[int, int], dict[int, int]]] = field(default_factory=list)


class Storm:
    """Draws operations at random, applies what is not refused, and remembers everything for the way back."""

    def __init__(self, city: City, seed: int, crossing: float = CROSSING) -> None:
        self.city, self.random, self.crossing = city, np.random.default_rng(seed), crossing
        self.tally = Tally()
        self.size = len(city.slot)

    def run(
        self, operations: int, *, watch: bool = False, hard: bool = False, each: Callable[[int], None] = lambda number: None
    ) -> Tally:  # fmt: skip
        """Try a number of operations; with `watch`, ask `coverage_is_valid` about the neighbourhood after every one.

        With `hard`, half of them are drawn to do harm.
        """
        chances = {**KINDS, **HARD} if hard else KINDS
        kinds = list(chances)
        weights = np.array(list(chances.values())) / sum(chances.values())
        for number in range(operations):
            kind = str(self.random.choice(kinds, p=weights))
            if kind in {"split", "merge"}:
                kind = "split" if len(self.city.slot) < self.size else "merge"
            change = self._tried(kind, number)
            if change is not None and watch:
                self._watch(kind, number, change)
            each(number)
        return self.tally

    def undo_all(self) -> None:
        """Take everything back in turn."""
        while self.tally.log:
            change, before, _ = self.tally.log.pop()
            self.city.put(change.after, change.before, before)

    def _tried(self, kind: str, number: int) -> Change | None:
        try:
            call, home = self._drawn(kind)
        except Unfit:
            self.tally.refused["(nothing to draw on)"] += 1
            return None
        began = time.process_time()
        try:
            change = call()
        except EditRefused as refusal:
            self.tally.refused[str(refusal.facts["reason"])] += 1
            if refusal.facts["reason"] == "not_certified":
                self.tally.refused[f"not_certified in {kind}"] += 1
            return None
        except Exception as failure:  # noqa: BLE001  a storm counts every failure and goes on
            self.tally.exceptions.append(f"{number} {kind}: {type(failure).__name__}: {failure}")
            return None
        finally:
            self.tally.ms.setdefault(kind, []).append((time.process_time() - began) * 1e3)
        before = {each: int(self.city.communities[self.city.slot[each]]) for each in change.before}
        self.city.put(change.before, change.after, home)
        self.tally.applied[kind] += 1
        self.tally.outer += change.outer
        self.tally.log.append((change, before, home))
        return change

    def _watch(self, kind: str, number: int, change: Change) -> None:
        boxes = shapely.bounds(np.array([*change.before.values(), *change.after.values()], dtype=object))
        around = self.city.ground((*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0)))
        if not shapely.coverage_is_valid(around.shapes) or not shapely.is_valid(around.shapes).all():
            self.tally.broken.append(f"{number} {kind}")

    def _drawn(self, kind: str) -> tuple[Callable[[], Change], dict[int, int]]:
        """An operation ready to run on its own ground, and the communities of the ids it may make."""
        city = self.city
        grid = int(self.random.choice(city.alive))
        shape = city.shapes[city.slot[grid]]
        cross = bool(self.random.random() < self.crossing)
        home = int(city.communities[city.slot[grid]])
        if kind == "split":
            new = city.new_ids(2)
            line = self._across(shape)
            ground = city.ground(reach(kind, [line], [shape]))
            return lambda: split(ground, grid, line, new), dict.fromkeys(new, home)
        if kind in {"move_vertex", "pull"}:
            at, to = self._drag(shape, kind)
            ground = city.ground(reach("move_vertex", [Point(at), Point(to)]))
            return lambda: move_vertex(ground, at, to, cross), {}
        if kind == "replace":
            return self._replaced(grid, home)
        other, border = self._neighbour(grid, shape, cross)
        if kind in HARD:
            return self._harmful(kind, grid, other, border)
        return self._between(kind, (grid, other), border, cross)

    def _between(self, kind: str, pair: tuple[int, int], border: LineString, cross: bool) -> tuple[Callable[[], Change], dict[int, int]]:
        """An operation of two neighbours."""
        city, random = self.city, self.random
        shape, far = city.grids(list(pair))
        if kind == "merge":
            ground = city.ground(reach(kind, [], [shape, far]))
            keep = city.new_ids(1)[0] if random.random() < 0.5 else pair[0]
            return lambda: merge(ground, pair, keep), {keep: int(city.communities[city.slot[pair[0]]])}
        if kind == "redraw":
            line = self._bow(shape, border)
            ground = city.ground(reach(kind, [line], [shape, far]))
            between = pair if random.random() < 0.8 else None
            return lambda: redraw(ground, line, between, cross), {}
        if kind == "give":
            area = self._blob(shape, border)
            ground = city.ground(reach(kind, [area], [shape, far]))
            take_from = pair[:1] if random.random() < 0.5 else None
            return lambda: give(ground, area, pair[1], take_from, cross), {}
        ground = city.ground(reach(kind, [], [shape, far]))
        lines = self._lines_near(shape, far)
        stops = [self._near(border.interpolate(0.5, normalized=True), 0.2 * size_of(shape))] if kind == "trace" else []
        return lambda: trace(ground, *pair, stops, lines, cross) if stops else straighten(ground, *pair, lines, cross), {}

    def _harmful(self, kind: str, grid: int, other: int, border: LineString) -> tuple[Callable[[], Change], dict[int, int]]:
        """An operation whose line comes as near to trouble as a line can."""
        city, random = self.city, self.random
        shape, far = city.grids([grid, other])
        if kind == "nudge":
            coords = shapely.get_coordinates(shape)
            at = coords[int(random.integers(len(coords)))]
            to = at + random.integers(-3, 4, 2) * STEP
            ground = city.ground(reach("move_vertex", [Point(at), Point(to)]))
            return lambda: move_vertex(ground, (float(at[0]), float(at[1])), (float(to[0]), float(to[1])), cross_communities=True), {}
        line = self._trouble(kind, shape, border)
        ground = city.ground(reach("redraw", [line], [shape, far]))
        if kind == "long" or random.random() < 0.4:
            return lambda: redraw(ground, line, None, cross_communities=True), {}
        if random.random() < 0.5:
            return lambda: redraw(ground, line, (grid, other), cross_communities=True), {}
        new = city.new_ids(3)
        home = int(city.communities[city.slot[grid]])
        return lambda: split(ground, grid, line, new), dict.fromkeys(new, home)

    def _trouble(self, kind: str, shape: Shape, border: LineString) -> LineString:
        random, size = self.random, size_of(shape)
        middle = np.array(shape.centroid.coords[0])
        if kind == "long":
            angle = random.uniform(0, np.pi)
            way = np.array([np.cos(angle), np.sin(angle)]) * 0.02
            return LineString(middle + np.linspace(-1, 1, 9)[:, None] * way + random.normal(0, size / 10, (9, 2)))
        if kind == "scribble":
            return LineString(middle + random.normal(0, size / 2, (30, 2)))
        along = shapely.get_coordinates(shapely.segmentize(border, max(border.length / 20, STEP)))
        if kind == "zigzag":
            side = np.where(np.arange(len(along)) % 2, 1, -1)[:, None] * STEP
            return LineString(along + side * random.integers(0, 2, 2))
        return LineString(along + random.integers(-25, 26, along.shape) * STEP * random.choice([0.04, 0.2, 1.0]))

    def _replaced(self, grid: int, home: int) -> tuple[Callable[[], Change], dict[int, int]]:
        """The ground of a grid and a neighbour divided anew by the cells of random points."""
        city, random = self.city, self.random
        other, _ = self._neighbour(grid, city.shapes[city.slot[grid]], cross=False)
        old = [grid, other]
        union = shapely.coverage_union_all(np.array(city.grids(old), dtype=object))
        west, south, east, north = union.bounds
        points = np.column_stack([random.uniform(west, east, 3), random.uniform(south, north, 3)])
        cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(points), extend_to=union))
        pieces = [shapely.intersection(cell, union) for cell in cells]
        pieces = [each for each in pieces if isinstance(each, Polygon) and each.area > 0.02 * union.area]
        if len(pieces) < 2:
            raise Unfit
        new = city.new_ids(len(pieces))
        ground = city.ground(reach("replace", [], city.grids(old)))
        homes = dict.fromkeys(new, home)
        return lambda: replace(ground, dict(zip(new, pieces, strict=True)), old, homes), homes

    def _neighbour(self, grid: int, shape: Shape, cross: bool) -> tuple[int, LineString]:
        city = self.city
        around = city.ground(shape.bounds)
        for at in self.random.permutation(len(around.ids)):
            other = int(around.ids[at])
            same = cross or around.communities[at] == city.communities[city.slot[grid]]
            if other != grid and same and shapely.intersects(shape, around.shapes[at]):
                common = shapely.intersection(shape.boundary, around.shapes[at].boundary)
                if common.length > 0:
                    lines = [each for each in shapely.get_parts(common) if each.length > 0]
                    merged = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(lines)))
                    return other, merged[int(self.random.integers(len(merged)))]
        raise Unfit

    def _across(self, shape: Shape) -> LineString:
        """A line over a grid, sometimes past it, sometimes crooked, sometimes crossing itself."""
        random = self.random
        west, south, east, north = shape.bounds
        middle = np.array([random.uniform(west, east), random.uniform(south, north)])
        angle = random.uniform(0, np.pi)
        reach_of = np.array([np.cos(angle), np.sin(angle)]) * size_of(shape) * random.choice([0.3, 1.5, 3.0])
        steps = np.linspace(-1, 1, int(random.integers(2, 7)))[:, None]
        bent = middle + steps * reach_of + random.normal(0, 0.08 * size_of(shape), (len(steps), 2))
        if random.random() < 0.05:
            bent = random.permutation(bent)
        return LineString(bent)

    def _drag(self, shape: Shape, kind: str) -> tuple[tuple[float, float], tuple[float, float]]:
        coords = shapely.get_coordinates(shape)
        at = int(self.random.integers(len(coords) - 1))
        place = (coords[at] + coords[at + 1]) / 2 if kind == "pull" else coords[at]
        scale = size_of(shape) * self.random.choice([0.03, 0.15, 1.0], p=[0.5, 0.45, 0.05])
        to = place + self.random.normal(0, scale, 2)
        return (float(place[0]), float(place[1])), (float(to[0]), float(to[1]))

    def _bow(self, shape: Shape, border: LineString) -> LineString:
        """A line from one point of a border over open ground to another, a little past the border at both ends."""
        ends = np.sort(self.random.uniform(0, 1, 2))
        one, other = (np.array(border.interpolate(each, normalized=True).coords[0]) for each in ends)
        size = size_of(shape)
        side = np.array([other[1] - one[1], one[0] - other[0]])
        side = side / max(float(np.hypot(*side)), 1e-12) * size * self.random.uniform(-0.6, 0.6)
        overshoot = side * 0.1 + (other - one) * 0.02
        return LineString([one - overshoot, one + side, (one + other) / 2 + 1.3 * side, other + side, other - side * 0.1])

    def _blob(self, shape: Shape, border: LineString) -> Polygon:
        middle = np.array(border.interpolate(self.random.uniform(), normalized=True).coords[0])
        angles = np.sort(self.random.uniform(0, 2 * np.pi, int(self.random.integers(4, 12))))
        radius = size_of(shape) * self.random.uniform(0.05, 0.5) * self.random.uniform(0.6, 1.0, len(angles))
        return Polygon(middle + np.column_stack([np.cos(angles), np.sin(angles)]) * radius[:, None])

    def _lines_near(self, *shapes: Shape) -> Shapes:
        west, south, east, north = shapely.total_bounds(np.array(shapes, dtype=object))
        near = self.city.lines[shapely.intersects(self.city.lines, shapely.box(west, south, east, north))] if len(self.city.lines) else []
        if len(near):
            return near
        ends = [(self._near(Point(west, south), (east - west) / 2), self._near(Point(east, north), (north - south) / 2)) for _ in range(4)]
        return np.array([LineString(pair) for pair in ends], dtype=object)

    def _near(self, place: Point, degrees: float) -> tuple[float, float]:
        x, y = np.array(place.coords[0]) + self.random.normal(0, degrees, 2)
        return float(x), float(y)


class Unfit(Exception):
    """The place that was picked has nothing for this kind of operation."""


def size_of(shape: Shape) -> float:
    """The side of a square of the same area, degrees."""
    return float(np.sqrt(shape.area))
