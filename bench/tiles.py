"""Building and incident tiles over HTTP, cold and warm, against tipg and the bare SQL."""

import os
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from bench._ground import TOKEN, prepared
from bench._processes import Server, backends_cpu_s, cpu_s, serving
from bench.harness import BenchContext, Report, interleaved
from data.sql_files import statements
from gis.crs import tile_cells

ROUNDS = 5
TILES = 24
WARM_TIMES = 20
"""A warm tile costs less than the look at what has changed, which comes twice a second however many are asked for meanwhile."""
HEADERS = {"Authorization": f"Bearer {TOKEN}", "Accept-Encoding": "identity"}
BUSIEST = """
    SELECT qk >> %(shift)s AS cell, count(*) FROM incident WHERE qk IS NOT NULL GROUP BY 1
    HAVING count(*) <= 5000 ORDER BY 2 DESC LIMIT 400
"""
BUILT = "SELECT cell, count(*) FROM building GROUP BY 1 ORDER BY 2 DESC LIMIT %(most)s"


@dataclass
class Contestant:
    """Fetches the same tiles each round and notes the processor time it cost, server and database together."""

    fetch: Callable[[], None]
    watch: psycopg.Connection
    process_id: int | None = None
    spent: list[float] = field(default_factory=list)

    def __call__(self) -> None:
        before = self._cpu()
        self.fetch()
        self.spent.append(self._cpu() - before)

    def _cpu(self) -> float:
        own = cpu_s(self.process_id) if self.process_id else 0.0
        return own + backends_cpu_s(self.watch)

    def cpu_ms(self, tiles: int) -> float:
        """Median processor time of a tile, the first round left out."""
        return statistics.median(self.spent[1:]) / tiles * 1000


@dataclass(frozen=True)
class Servers:
    """Who is asked, and how many times ours is asked for each tile in a round."""

    ours: Server
    peer: Server
    bare: psycopg.Connection
    times: int


def run(context: BenchContext, report: Report) -> None:
    """Compare on the database's own incidents and buildings; all contestants see everything."""
    with prepared(context) as owner, ExitStack() as stack:
        cold = stack.enter_context(serving_ours(context, cache_bytes=0))
        warm = stack.enter_context(serving_ours(context, cache_bytes=256_000_000))
        peer = stack.enter_context(_tipg(context))
        bare = stack.enter_context(psycopg.connect(context.schema_url.replace("+psycopg", ""), autocommit=True))
        bare.execute("SET jit = off")
        bare.execute("SET max_parallel_workers_per_gather = 0")
        buildings = [_address(cell, 14) for cell, _ in owner.execute(BUILT, {"most": TILES}).fetchall()]
        incidents = [_address(cell, 16) for cell, _ in owner.execute(BUSIEST, {"shift": 2 * (24 - 16)}).fetchall()][:: 400 // TILES]
        for name, ours, times in (("cold", cold, 1), ("warm", warm, WARM_TIMES)):
            servers = Servers(ours, peer, bare, times)
            _compare(report, owner, f"buildings z14, {name}", ("buildings", "building"), buildings, servers)
            _compare(report, owner, f"incidents z16, {name}", ("incidents", "incident"), incidents, servers)
        report.note(f"{len(buildings)} building tiles and {len(incidents)} incident tiles a round, {ROUNDS} rounds; one connection each.")
        report.note(
            "The peer connects as the owner, so row-level security costs it nothing; ours pays for it. Limit: the same SQL through psycopg."
        )


def _compare(
    report: Report, owner: psycopg.Connection, case: str, layers: tuple[str, str], tiles: list[tuple[int, int, int]], asked: Servers
) -> None:
    own_layer, peer_layer = layers

    def fetch_ours() -> None:
        for z, x, y in tiles * asked.times:
            asked.ours.get(f"/tiles/{own_layer}/{z}/{x}/{y}", HEADERS)

    def fetch_peer() -> None:
        for z, x, y in tiles:
            asked.peer.get(f"/collections/bench.{peer_layer}/tiles/WebMercatorQuad/{z}/{x}/{y}", {})

    contestants = {
        "ours": Contestant(fetch_ours, owner, asked.ours.process.pid),
        "peer": Contestant(fetch_peer, owner, asked.peer.process.pid),
        "limit": Contestant(lambda: _bare(asked.bare, peer_layer, tiles), owner),
    }
    timing = interleaved(ours=contestants["ours"], peer=contestants["peer"], limit=contestants["limit"], rounds=ROUNDS)
    number = len(tiles)
    assert timing.limit is not None
    wall = {"ours": timing.ours / asked.times, "peer": timing.peer, "limit": timing.limit}
    report.add(f"{case}, wall", **{name: seconds / number * 1e3 for name, seconds in wall.items()}, unit="ms/tile")
    cpu = {name: each.cpu_ms(number * (asked.times if name == "ours" else 1)) for name, each in contestants.items()}
    report.add(f"{case}, CPU", ours=cpu["ours"], peer=cpu["peer"], limit=cpu["limit"], unit="ms/tile")


def _bare(connection: psycopg.Connection, layer: str, tiles: list[tuple[int, int, int]]) -> None:
    sql = statements("tiles")[layer].replace("{chosen}", "")
    for z, x, y in tiles:
        low, high = tile_cells(z, x, y)
        values = {"z": z, "x": x, "y": y, "low": low, "high": high, "cap": 5000}
        connection.execute(sql, values, prepare=True, binary=True).fetchall()


@contextmanager
def serving_ours(context: BenchContext, *, cache_bytes: int, beside: Sequence[Path] = ()) -> Iterator[Server]:
    """Our own server on the database of the bench, with a tile cache of so many bytes and the files of some folders under /bench/."""
    environment = {
        "BENCH_PAGES": os.pathsep.join(str(folder) for folder in beside),
        "WANGGE_DATABASE_URL": context.app_url,
        "WANGGE_DATA_DIR": str(context.work),
        "WANGGE_TILE_CACHE_BYTES": str(cache_bytes),
    }
    arguments = [
        "-m",
        "uvicorn",
        "--factory",
        "bench._pages:create",
        "--port",
        "{port}",
        "--log-level",
        "error",
        "--timeout-keep-alive",
        "600",
    ]
    with serving(arguments, environment, "/healthz", HEADERS) as server:
        yield server


@contextmanager
def _tipg(context: BenchContext) -> Iterator[Server]:
    environment = {"BENCH_DATABASE_URL": context.schema_url.replace("+psycopg", "")}
    arguments = ["-m", "uvicorn", "bench._tipg:app", "--port", "{port}", "--log-level", "error", "--timeout-keep-alive", "600"]
    with serving(arguments, environment, "/collections", {}) as server:
        yield server


def _address(cell: int, z: int) -> tuple[int, int, int]:
    x = sum((cell >> (2 * bit) & 1) << bit for bit in range(z))
    y = sum((cell >> (2 * bit + 1) & 1) << bit for bit in range(z))
    return z, x, y
