"""Vector tiles: what each layer shows at each zoom, and the finished bytes of one tile for one caller."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from data.hot.cache import FinishedTile, TileCache, finished
from data.hot.freshness import CELL_ZOOM, Freshness, Generation
from data.hot.reads import HotReads, Question
from data.queries.people import Caller
from data.sql_files import statements
from gis.crs import KEY_ZOOM, tile_cells

MAX_ZOOM = 22
SINGLE_FROM_ZOOM = 16
"""From this zoom incidents are shown one by one."""
INCIDENT_CAP = 5000
BIN_LEVELS = (13, 20)
CATEGORY_BIN_LEVEL = 17
CELLS_DEEPER = 5
"""Cells of a tile lie this many levels below it: 32 by 32 cells."""
WORLD_M = 40_075_016.685578488
PIXELS = 512
LABELS_ONLY_FROM = 14


@dataclass(frozen=True)
class Part:
    """One layer inside a tile: its fields, the zooms at which it is there, and the statement that makes it (None: the one of its name)."""

    name: str
    fields: Mapping[str, str]
    from_zoom: int = 0
    statement: str | None = None


@dataclass(frozen=True)
class TileLayer:
    """What one tile URL serves; `tables` are those whose changes make its tiles stale."""

    name: str
    parts: tuple[Part, ...]
    tables: tuple[str, ...]
    permissions: tuple[str, ...] = ("map",)


@dataclass(frozen=True)
class Filter:
    """Which incidents a tile shows: reported in [from, to), of the categories or their children, in these hours of the day; None: all."""

    since: datetime | None = None
    until: datetime | None = None
    categories: tuple[int, ...] | None = None
    hours: tuple[int, ...] | None = None


NAMES = {"name": "String", "name_en": "String"}
AREA = Part("area", {"id": "Number", "code": "String", "level": "String", **NAMES})
GRID = Part("grid", {"id": "Number", "code": "String", **NAMES, "community_id": "Number", "no": "String"}, 10)
BUILDING = Part("building", {"id": "Number", "grid_id": "Number", "use": "String", "levels": "Number", "households": "Number"}, 14)
BUILDING_DRAWN = Part("building", {name: kind for name, kind in BUILDING.fields.items() if name != "id"}, 14, "building_drawn")
AREA_LABEL = Part("area_label", {"id": "Number", "code": "String", "level": "String", **NAMES})
GRID_LABEL = Part("grid_label", {"id": "Number", "no": "String", **NAMES}, 14)
GROUND = (AREA, GRID, BUILDING_DRAWN, AREA_LABEL, GRID_LABEL)
BASE = tuple(Part(name, {"class": "String", **NAMES}) for name in ("water", "green", "road", "place"))
FACILITY = Part("facility", {"id": "Number", "kind": "String", "status": "String", **NAMES}, 14)
INCIDENT = Part(
    "incident", {"id": "Number", "category_id": "Number", "severity": "Number", "open": "Boolean", "urgent": "Boolean"}, SINGLE_FROM_ZOOM
)
INCIDENT_CELL = Part("incident_cell", {"n": "Number", "open": "Number"})

LAYERS: Mapping[str, TileLayer] = MappingProxyType(
    {
        layer.name: layer
        for layer in (
            TileLayer("map", (*BASE, *GROUND), ("base_feature", "area", "grid", "building")),
            TileLayer("ground", GROUND, ("area", "grid", "building")),
            TileLayer("areas", (AREA, AREA_LABEL), ("area",)),
            TileLayer("grids", (GRID, GRID_LABEL), ("grid", "area")),
            TileLayer("buildings", (BUILDING,), ("building",)),
            TileLayer("base", BASE, ("base_feature",)),
            TileLayer("facilities", (FACILITY,), ("facility",), ("map", "facilities")),
            TileLayer("incidents", (INCIDENT, INCIDENT_CELL), ("incident",), ("map", "incidents")),
        )
    }
)


@dataclass(frozen=True, slots=True)
class Address:
    """One tile of one layer under one filter; `cell` is the Morton number by which its changes are told."""

    layer: TileLayer
    z: int
    x: int
    y: int
    shown: Filter
    cell: int


def address(layer: TileLayer, z: int, x: int, y: int, shown: Filter) -> Address:
    """The address of a tile; BadCoordinate where there is none."""
    low, _ = tile_cells(z, x, y)
    return Address(layer, z, x, y, shown, low >> (2 * (KEY_ZOOM - min(z, CELL_ZOOM))))


class Tiles:
    """Finished tiles for callers, remembered as long as they are true."""

    def __init__(self, reads: HotReads, cache_bytes: int) -> None:
        self._reads = reads
        self._freshness = Freshness(reads)
        self._cache = TileCache(cache_bytes)
        self._drawing: dict[object, asyncio.Task[FinishedTile]] = {}

    def ready(self, caller: Caller, at: Address) -> FinishedTile | None:
        """The tile if it is in memory and known to be true without asking the database."""
        if not self._freshness.fresh():
            return None
        return self._cache.find(_key(caller, at), self._generation(at))

    async def tile(self, caller: Caller, at: Address) -> FinishedTile:
        """The tile as this caller may see it, no older than the last commit of this process."""
        await self._freshness.settle(caller.scope.token)
        key, generation = _key(caller, at), self._generation(at)
        tile = self._cache.find(key, generation)
        if tile is not None:
            return tile
        # Whoever asks for the same tile meanwhile waits for the same answer, and whoever goes away leaves it to the next.
        drawing = self._drawing.get((key, generation))
        if drawing is None:
            drawing = asyncio.create_task(self._finish(caller, at, generation))
            self._drawing[key, generation] = drawing
            drawing.add_done_callback(lambda done: self._forget(key, generation, done))
        return await asyncio.shield(drawing)

    async def several(self, caller: Caller, asked: Sequence[Address], *, patience_s: float) -> list[FinishedTile | None]:
        """Those of the tiles that are there within `patience_s` seconds; None stands for one that takes longer or failed."""
        waiting = [asyncio.create_task(self.tile(caller, each)) for each in asked]
        done, late = await asyncio.wait(waiting, timeout=patience_s)
        for each in late:
            each.cancel()
        return [each.result() if each in done and not each.exception() else None for each in waiting]

    def _forget(self, key: object, generation: Generation, drawing: asyncio.Task[FinishedTile]) -> None:
        self._drawing.pop((key, generation), None)
        if not drawing.cancelled():
            drawing.exception()  # looked at, or a failure that nobody waits for any more would be called forgotten

    async def _finish(self, caller: Caller, at: Address, generation: Generation) -> FinishedTile:
        tile = finished(generation, await self._draw(caller, at))
        # A change between the reading of the generation and that of the rows has moved the generation on.
        if self._generation(at) == generation:
            self._cache.keep(_key(caller, at), tile)
        return tile

    def _generation(self, at: Address) -> Generation:
        return self._freshness.generation(at.layer.tables, at.z, at.cell)

    async def _draw(self, caller: Caller, at: Address) -> bytes:
        layer, z, x, y, shown = at.layer, at.z, at.x, at.y, at.shown
        low, high = tile_cells(z, x, y)
        values = {"z": z, "x": x, "y": y, "low": low, "high": high, "step": WORLD_M / 2**z / PIXELS / 2}
        return await (self._incidents(caller, z, values, shown) if layer.name == "incidents" else self._plain(caller, layer, z, values))

    async def _plain(self, caller: Caller, layer: TileLayer, z: int, values: Mapping[str, object]) -> bytes:
        question = _question(layer.name, z)
        if question is None:
            return b""
        return bytes((await self._reads.ask(caller.scope.token, question, values))[0][0])

    async def _incidents(self, caller: Caller, z: int, values: Mapping[str, object], shown: Filter) -> bytes:
        categories = None if shown.categories is None else list(shown.categories)
        hours = None if shown.hours is None else list(shown.hours)
        deeper = min(z + CELLS_DEEPER, KEY_ZOOM)
        values = {
            **values,
            "from": shown.since,
            "to": shown.until,
            "categories": categories,
            "hours": hours,
            "cap": INCIDENT_CAP,
            "shown": deeper,
        }
        if z >= SINGLE_FROM_ZOOM:
            single = SINGLE_INCIDENTS if shown == Filter() else CHOSEN_INCIDENTS
            body, number = (await self._reads.ask(caller.scope.token, single, values))[0]
            if number <= INCIDENT_CAP:
                return bytes(body or b"") if number else b""
        level = max(deeper, BIN_LEVELS[0])
        kept = level <= (BIN_LEVELS[1] if categories is None else CATEGORY_BIN_LEVEL)
        if kept and shown == Filter(categories=shown.categories):
            rows = await self._reads.ask(caller.scope.token, BINNED_INCIDENTS, {**values, "level": level})
        else:
            rows = await self._reads.ask(caller.scope.token, COUNTED_INCIDENTS, values)
        return bytes(rows[0][0] or b"")


def _key(caller: Caller, at: Address) -> tuple[object, ...]:
    return (at.layer.name, at.z, at.x, at.y, view_of(caller), at.shown)


def view_of(caller: Caller) -> object:
    """What decides which rows a caller sees: two callers with the same view share tiles."""
    scope = caller.scope
    return "everything" if scope.everything else (scope.ranges, caller.area_ids)


def _question(layer: str, z: int) -> Question | None:
    return QUESTIONS[layer].get(min(z, LABELS_ONLY_FROM))


def _composed(layer: TileLayer, z: int) -> Question | None:
    sql = [statements("tiles")[part.statement or part.name] for part in layer.parts if z >= part.from_zoom]
    return Question("SELECT " + " || ".join(f"coalesce(({each}), '')" for each in sql)) if sql else None


QUESTIONS = {
    layer.name: {z: question for z in range(LABELS_ONLY_FROM + 1) if (question := _composed(layer, z))}
    for layer in LAYERS.values()
    if layer.name != "incidents"
}
CHOSEN = statements("tiles")["chosen"].split("\n", 1)[1]
SINGLE_INCIDENTS = Question(statements("tiles")["incident"].replace("{chosen}", ""))
# One plan does not serve all periods: a day is found by time, years by place.
CHOSEN_INCIDENTS = Question(statements("tiles")["incident"].replace("{chosen}", CHOSEN), prepare=False)
BINNED_INCIDENTS = Question(statements("tiles")["incident_cell"], prepare=False)
COUNTED_INCIDENTS = Question(statements("tiles")["incident_cell_counted"].replace("{chosen}", CHOSEN), prepare=False)
