"""Operations on a draft over HTTP with their commit, at 1,007 and 3,461 grids, against a bare UPDATE; opening a plan."""

import dataclasses
import itertools
import random
import statistics
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any

import numpy as np
import orjson
import psycopg
import shapely
from shapely.geometry import LineString, MultiPolygon, Polygon

from api import tokens
from bench._ground import NOW
from bench._processes import Server
from bench.harness import BenchContext, Report
from bench.tiles import _ours
from data.demo import sizes
from data.demo.load import load_demo
from gis.lattice import STEP

WIDE = dataclasses.replace(
    sizes.SIZES["district"], name="wide", area_km2=151.2, streets=48, communities=289, grids=3_461, buildings=103_000, households=722_000
)
"""A district with as many grids as the demo city; incidents are as many as in the small one, so each grid has fewer."""
ROUNDS = 40
BAR_MS, OPEN_BAR_MS, RATIO_BAR = 50.0, 300.0, 1.5
KINDS = ("split", "merge", "redraw", "move_vertex", "give", "undo", "dry run")


def run(context: BenchContext, report: Report) -> None:
    """Measure on a deployment (`--data`) as it is, or on two throw-away districts of 1,007 and 3,461 grids."""
    if not context.throw_away:
        _measure(context, report, "your data")
        return
    p95: dict[str, dict[str, float]] = {}
    for size in (sizes.SIZES["district"], WIDE):
        sizes.SIZES[size.name] = size
        with context.fresh_database(f"plans_{size.name}") as name:
            load_demo(context.databases.url("schema", name), context.databases.url("app", name), size.name, now=NOW)
            p95[size.name] = _measure(dataclasses.replace(context, database=name), report, f"{size.grids:,} grids")
    small, wide = p95["district"], p95["wide"]
    worst = max(wide[kind] / small[kind] for kind in KINDS)
    report.note(f"p95 at 3,461 grids over p95 at 1,007: {worst:.2f} at worst, {_verdict(worst, RATIO_BAR)}.")


@dataclass
class Draft:
    """A plan as a client holds it: borders (degrees), versions and communities by grid."""

    server: Server
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
        return ask(self.server, method, f"/api/v1/plans/{self.id}{path}", body, self.headers)

    def operate(self, operation: dict[str, Any], named: list[int], *, dry: bool = False) -> tuple[int, float]:
        """Send one operation; its status and the time it took, milliseconds."""
        body = {"client_id": str(uuid.uuid4()), "base": {str(id): self.versions[id] for id in named}, "operation": operation}
        return self._timed("/operations?dry_run=true" if dry else "/operations", body, keep=not dry)

    def undo(self) -> tuple[int, float]:
        """Take the last operation back."""
        return self._timed("/undo", {"client_id": str(uuid.uuid4())}, keep=True)

    def _timed(self, path: str, body: Any, *, keep: bool) -> tuple[int, float]:
        began = time.perf_counter()
        status, answer = self.ask("POST", path, body)
        taken = (time.perf_counter() - began) * 1e3
        if status == 200 and keep:
            told = orjson.loads(answer)
            for id in told["ended"]:
                self.shapes.pop(id, None)
            self._take(told["changed"], told["origin"])
        return status, taken

    def _take(self, grids: list[dict[str, Any]], origin: list[int]) -> None:
        for each in grids:
            parts = [Polygon(rings[0], rings[1:]) for rings in ([_ring(ring, origin) for ring in polygon] for polygon in each["polygons"])]
            self.shapes[each["id"]] = parts[0] if len(parts) == 1 else MultiPolygon(parts)
            self.versions[each["id"]], self.communities[each["id"]] = each["version"], each["community_id"]

    def neighbour(self, grid: int) -> int | None:
        """A grid of the same community with a border in common."""
        mine, shape = self.communities[grid], self.shapes[grid]
        near = [id for id, other in self.shapes.items() if self.communities[id] == mine and id != grid]
        sharing = [id for id in near if shapely.length(shapely.intersection(self.shapes[id], shape)) > 50 * STEP]
        return self.chance.choice(sharing) if sharing else None


def ask(server: Server, method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, bytes]:
    """One request over a connection that stays open."""
    connection: HTTPConnection = server.connection
    content = None if body is None else orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)
    connection.request(method, path, body=content, headers={**headers, "Content-Type": "application/json", "X-Wangge": "1"})
    answer = connection.getresponse()
    return answer.status, answer.read()


def _measure(context: BenchContext, report: Report, size: str) -> dict[str, float]:
    headers = {"Authorization": f"Bearer {tokens.bearer_token(context.schema_url, 'planner', None)}"}
    with _ours(context, cache_bytes=0) as server, psycopg.connect(context.schema_url.replace("+psycopg", ""), autocommit=True) as owner:
        district = owner.execute("SELECT code FROM area WHERE level = 'district' AND valid_to IS NULL LIMIT 1").fetchone()
        assert district is not None
        status, body = ask(server, "POST", "/api/v1/plans", {"name": "bench", "area": district[0]}, headers)
        assert status == 201, body[:300]
        draft = Draft(server, headers, orjson.loads(body)["id"])
        draft.open()
        taken: dict[str, list[float]] = {kind: [] for kind in KINDS}
        refused = 0
        bare: list[float] = []
        for kind in itertools.islice(itertools.cycle(KINDS), 7 * 3):  # everything is loaded and compiled
            _one(draft, kind)
        while min(len(each) for each in taken.values()) < ROUNDS:
            for kind in KINDS:
                found = _one(draft, kind)
                if found is None:
                    refused += 1
                else:
                    taken[kind].append(found)
            bare.append(_bare(owner, draft.id))
        p95 = {kind: statistics.quantiles(each, n=20)[-1] for kind, each in taken.items()}
        limit = statistics.median(bare)
        for kind in KINDS:
            report.add(f"{size}, {kind}", ours=statistics.median(taken[kind]), peer=limit, unit="ms")
        worst = max(p95, key=lambda kind: p95[kind])
        told = ", ".join(f"{kind} {p95[kind]:.1f}" for kind in KINDS)
        report.note(f"{size}: p95 in ms: {told}; worst {worst}, {_verdict(p95[worst], BAR_MS)}; {refused} random edits refused.")
        opening = [_timed(draft.open) for _ in range(9)]
        report.add(f"{size}, opening", ours=statistics.median(opening), peer=_timed_ground(owner, draft.id), unit="ms")
        report.note(f"{size}: opening p95 {max(opening):.0f} ms with decoding, {_verdict(max(opening), OPEN_BAR_MS)}.")
        report.note("Peer of an operation: a bare UPDATE of three such rows with its commit; of opening: the same rows as WKB.")
        return p95


def _one(draft: Draft, kind: str) -> float | None:
    """One random edit of a kind; its time in ms, None where it was refused."""
    grid = draft.chance.choice(sorted(draft.shapes))
    asked: tuple[dict[str, Any], list[int]] | None = None
    if kind == "undo":
        status, taken = draft.undo()
        return taken if status == 200 else None
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
    status, taken = draft.operate(*asked, dry=kind == "dry run")
    return taken if status == 200 else None


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


def _bare(owner: psycopg.Connection, plan: int) -> float:
    """The physical limit: three rows of the overlay written anew and committed, milliseconds."""
    began = time.perf_counter()
    owner.execute(
        "UPDATE plan_grid SET geom = geom, version = version WHERE plan_id = %s AND grid_id IN"
        " (SELECT grid_id FROM plan_grid WHERE plan_id = %s AND geom IS NOT NULL ORDER BY grid_id DESC LIMIT 3)",
        [plan, plan],
    )
    return (time.perf_counter() - began) * 1e3


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1e3


def _timed_ground(owner: psycopg.Connection, plan: int) -> float:
    sql = "SELECT id, name, households, ST_AsBinary(geom) FROM grid WHERE valid_to IS NULL"
    return min(_timed(lambda: owner.execute(sql, binary=True).fetchall()) for _ in range(5))


def _ring(flat: list[int], origin: list[int]) -> np.ndarray[Any, Any]:
    steps = np.array(flat, dtype=np.int64).reshape(-1, 2)
    steps[0] += origin
    return np.asarray(np.cumsum(steps, axis=0) * STEP)


def _verdict(value: float, bar: float) -> str:
    return f"within the bar of {bar:g}" if value <= bar else f"over the bar of {bar:g}"
