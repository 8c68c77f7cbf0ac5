"""Operations on a draft over HTTP with their commit, at 1,007 and 3,461 grids, against a bare UPDATE; opening a plan."""

import dataclasses
import itertools
import statistics
import time
from collections.abc import Callable

import orjson
import psycopg

from api import tokens
from bench._draft import Draft, ask, edit
from bench._ground import NOW
from bench._processes import Server, backends_cpu_s, cpu_s
from bench.harness import BenchContext, Report
from bench.tiles import serving_ours
from data.demo import sizes
from data.demo.load import load_demo

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


def _measure(context: BenchContext, report: Report, size: str) -> dict[str, float]:
    headers = {"Authorization": f"Bearer {tokens.bearer_token(context.schema_url, 'planner', None)}"}
    database = context.schema_url.replace("+psycopg", "")
    with serving_ours(context, cache_bytes=0) as server, psycopg.connect(database, autocommit=True) as owner:
        district = owner.execute("SELECT code FROM area WHERE level = 'district' AND valid_to IS NULL LIMIT 1").fetchone()
        assert district is not None
        status, body = ask(server.connection, "POST", "/api/v1/plans", {"name": "bench", "area": district[0]}, headers)
        assert status == 201, body[:300]
        draft = Draft(server.connection, headers, orjson.loads(body)["id"])
        draft.open()
        taken: dict[str, list[float]] = {kind: [] for kind in KINDS}
        spent: dict[str, list[float]] = {kind: [] for kind in KINDS}
        refused = 0
        bare: list[float] = []
        for kind in itertools.islice(itertools.cycle(KINDS), 7 * 3):  # everything is loaded and compiled
            edit(draft, kind)
        while min(len(each) for each in taken.values()) < ROUNDS:
            for kind in KINDS:
                before = _cpu(server, owner)
                heard = edit(draft, kind)
                if heard is None or heard.status != 200:
                    refused += 1
                else:
                    taken[kind].append(heard.ms)
                    spent[kind].append((_cpu(server, owner) - before) * 1e3)
            bare.append(_bare(owner, draft.id))
        p95 = {kind: statistics.quantiles(each, n=20)[-1] for kind, each in taken.items()}
        limit = statistics.median(bare)
        for kind in KINDS:
            report.add(f"{size}, {kind}", ours=statistics.median(taken[kind]), peer=limit, unit="ms")
        worst = max(p95, key=lambda kind: p95[kind])
        told = ", ".join(f"{kind} {p95[kind]:.1f}" for kind in KINDS)
        report.note(f"{size}: p95 in ms: {told}; worst {worst}, {_verdict(p95[worst], BAR_MS)}; {refused} random edits refused.")
        told = ", ".join(f"{kind} {statistics.quantiles(spent[kind], n=20)[-1]:.1f}" for kind in KINDS)
        report.note(f"{size}: p95 of CPU in ms, server and database together: {told}.")
        opening = [_timed(draft.open) for _ in range(9)]
        report.add(f"{size}, opening", ours=statistics.median(opening), peer=_timed_ground(owner, draft.id), unit="ms")
        report.note(f"{size}: opening p95 {max(opening):.0f} ms with decoding, {_verdict(max(opening), OPEN_BAR_MS)}.")
        report.note("Peer of an operation: a bare UPDATE of three such rows with its commit; of opening: the same rows as WKB.")
        return p95


def _cpu(server: Server, owner: psycopg.Connection) -> float:
    """Processor time of the server and of its connections to the database so far, seconds: a busy machine does not lengthen it."""
    return cpu_s(server.process.pid) + backends_cpu_s(owner)


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


def _verdict(value: float, bar: float) -> str:
    return f"within the bar of {bar:g}" if value <= bar else f"over the bar of {bar:g}"
