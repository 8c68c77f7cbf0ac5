"""A plan as a client holds it, and random edits of it over HTTP, for benches of one planner and of many."""

import random
import time
import uuid
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any

import numpy as np
import orjson
import shapely
from shapely.geometry import LineString, MultiPolygon, Polygon

from gis.lattice import STEP


@dataclass(frozen=True)
class Heard:
    """What the server answered to one operation, and after how many milliseconds."""

    client_id: str
    kind: str
    status: int
    ms: float
    body: bytes

    def told(self) -> dict[str, Any]:
        """The answer read."""
        return dict(orjson.loads(self.body))


@dataclass
class Draft:
    """A plan as a client holds it: borders (degrees), versions and communities by grid."""

    connection: HTTPConnection
    headers: dict[str, str]
    id: int
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    shapes: dict[int, Polygon | MultiPolygon] = field(default_factory=dict)
    versions: dict[int, int] = field(default_factory=dict)
    communities: dict[int, int] = field(default_factory=dict)

    def open(self) -> int:
        """Load the whole ground; returns the bytes that came."""
        status, body = self.ask("GET", "/ground", None)
        assert status == 200, body[:300]
        told = orjson.loads(body)
        self.shapes.clear()
        self._take(told["grids"], told["origin"])
        return len(body)

    def ask(self, method: str, path: str, body: Any) -> tuple[int, bytes]:
        """One request to the plan over the kept connection."""
        return ask(self.connection, method, f"/api/v1/plans/{self.id}{path}", body, self.headers)

    def operate(self, operation: dict[str, Any], named: list[int], *, dry: bool = False) -> Heard:
        """Send one operation."""
        body = {"client_id": str(uuid.uuid4()), "base": {str(id): self.versions[id] for id in named}, "operation": operation}
        return self._timed("/operations?dry_run=true" if dry else "/operations", body, keep=not dry)

    def step(self, kind: str) -> Heard:
        """Undo this planner's last operation, or redo it."""
        return self._timed(f"/{kind}", {"client_id": str(uuid.uuid4())}, keep=True)

    def _timed(self, path: str, body: Any, *, keep: bool) -> Heard:
        began = time.perf_counter()
        status, answer = self.ask("POST", path, body)
        taken = (time.perf_counter() - began) * 1e3
        kind = body["operation"]["kind"] if "operation" in body else path[1:]
        heard = Heard(body["client_id"], kind, status, taken, answer)
        if status == 200 and keep:
            told = heard.told()
            for id in told["ended"]:
                self.shapes.pop(id, None)
            self._take(told["changed"], told["origin"])
        return heard

    def _take(self, grids: list[dict[str, Any]], origin: list[int]) -> None:
        for each in grids:
            self.shapes[each["id"]] = border_of(each["polygons"], origin)
            self.versions[each["id"]], self.communities[each["id"]] = each["version"], each["community_id"]

    def neighbour(self, grid: int) -> int | None:
        """A grid of the same community with a border in common."""
        mine, shape = self.communities[grid], self.shapes[grid]
        near = [id for id, other in self.shapes.items() if self.communities[id] == mine and id != grid]
        sharing = [id for id in near if shapely.length(shapely.intersection(self.shapes[id], shape)) > 50 * STEP]
        return self.chance.choice(sharing) if sharing else None


def ask(connection: HTTPConnection, method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, bytes]:
    """One request over a connection that stays open."""
    content = None if body is None else orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)
    connection.request(method, path, body=content, headers={**headers, "Content-Type": "application/json", "X-Wangge": "1"})
    answer = connection.getresponse()
    return answer.status, answer.read()


def border_of(polygons: list[list[list[int]]], origin: list[int]) -> Polygon | MultiPolygon:
    """A border (degrees) from lattice steps as they come over the wire."""
    parts = [Polygon(rings[0], rings[1:]) for rings in ([_ring(ring, origin) for ring in polygon] for polygon in polygons)]
    return parts[0] if len(parts) == 1 else MultiPolygon(parts)


def edit(draft: Draft, kind: str) -> Heard | None:
    """One random edit of a kind ("split", "merge", "redraw", "give", "move_vertex", "undo", "redo", "dry run"); None where nothing fits."""
    grid = draft.chance.choice(sorted(draft.shapes))
    asked: tuple[dict[str, Any], list[int]] | None = None
    if kind in ("undo", "redo"):
        return draft.step(kind)
    if kind in ("split", "dry run"):
        asked = {"kind": "split", "grid": grid, "line": _across(draft.shapes[grid], draft.chance)}, [grid]
    elif kind == "merge":
        other = draft.neighbour(grid)
        asked = None if other is None else ({"kind": "merge", "grids": [grid, other]}, [grid, other])
    elif kind in ("redraw", "give"):
        other = draft.neighbour(grid)
        asked = None if other is None else _swapped(draft, kind, grid, other)
    elif kind == "move_vertex":
        at = draft.chance.choice(shapely.get_coordinates(draft.shapes[grid]).tolist())
        to = [at[0] + draft.chance.uniform(-5e-5, 5e-5), at[1] + draft.chance.uniform(-5e-5, 5e-5)]
        asked = {"kind": "move_vertex", "at": at, "to": to, "cross_communities": True}, []
    if asked is None:
        return None
    return draft.operate(*asked, dry=kind == "dry run")


def _swapped(draft: Draft, kind: str, grid: int, other: int) -> tuple[dict[str, Any], list[int]] | None:
    """A bulge over the border of two grids: drawn, or given with a lasso."""
    border = shapely.line_merge(shapely.intersection(draft.shapes[grid], draft.shapes[other]))
    line = max(shapely.get_parts(border), key=shapely.length)
    if not isinstance(line, LineString) or line.length < 2e-4:
        return None
    centre = line.interpolate(0.5, normalized=True)
    ring = shapely.buffer(centre, min(line.length / 4, 4e-4), quad_segs=4).exterior
    if kind == "give":
        return {"kind": "give", "to": grid, "lasso": [list(each) for each in ring.coords][:-1]}, [grid]
    beyond = shapely.intersection(ring, draft.shapes[other])
    arc = max(shapely.get_parts(shapely.line_merge(beyond)), key=shapely.length, default=None)
    if not isinstance(arc, LineString) or arc.is_empty:
        return None
    coords = np.array(arc.coords)
    first, last = coords[0] - (coords[1] - coords[0]) * 0.05, coords[-1] + (coords[-1] - coords[-2]) * 0.05
    return {"kind": "redraw", "line": [first.tolist(), *coords.tolist(), last.tolist()], "between": [grid, other]}, [grid, other]


def _across(shape: Polygon | MultiPolygon, chance: random.Random) -> list[list[float]]:
    """A line through the middle of a shape and beyond it on both sides."""
    west, south, east, north = shape.bounds
    place = shapely.point_on_surface(shape)
    angle = chance.uniform(0, np.pi)
    reach = np.array([np.cos(angle), np.sin(angle)]) * (east - west + north - south)
    return [[place.x - reach[0], place.y - reach[1]], [place.x + reach[0], place.y + reach[1]]]


def _ring(flat: list[int], origin: list[int]) -> np.ndarray[Any, Any]:
    steps = np.array(flat, dtype=np.int64).reshape(-1, 2)
    steps[0] += origin
    return np.asarray(np.cumsum(steps, axis=0) * STEP)
