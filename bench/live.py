"""The stream of changes: what an outbox row costs a writer against NOTIFY in the transaction, and what a delivered event costs."""

import asyncio
import statistics as median
import threading
import time

import psycopg

from api import auth, live, tokens
from api.actor import Actor
from bench.harness import BenchContext, Report
from data.database import open_database
from data.hot.changes import ChangeFeed
from data.hot.reads import HotReads

WRITERS, SECONDS, ROUNDS = 8, 2.0, 3
STREAMS = (1, 100, 500)
EVENTS = 40
PACE_S = 0.15
ROW = "INSERT INTO bench_written (at) VALUES (clock_timestamp())"
OUTBOX = "INSERT INTO outbox (layer, op, noun_id, community_id) VALUES ('grid', 'update', 1, 0)"
NOTIFY = "SELECT pg_notify('bench', '1')"


def run(context: BenchContext, report: Report) -> None:
    """Writers first, interleaved; then streams of one process, each hearing every change."""
    url = context.schema_url.replace("+psycopg", "")
    with context.fresh_database("live") as name:
        url = context.databases.url("schema", name).replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True) as owner:
            owner.execute("CREATE TABLE bench_written (at timestamptz)")
        rates: dict[str, list[float]] = {"plain": [], "outbox": [], "notify": []}
        for _ in range(ROUNDS):
            for kind, extra in (("plain", None), ("outbox", OUTBOX), ("notify", NOTIFY)):
                rates[kind].append(_written(url, extra))
    plain, outbox, notify = (median.median(rates[kind]) for kind in ("plain", "outbox", "notify"))
    report.add("a write with an outbox row, against NOTIFY in it", ours=1e6 / outbox, peer=1e6 / notify, unit="us", limit=1e6 / plain)
    report.note(
        f"{WRITERS} writers, fsync as the cluster has it: {plain:.0f} writes/s plain, {outbox:.0f} with outbox, {notify:.0f} with NOTIFY."
    )
    database = open_database(context.app_url, pool_size=2)
    try:
        actor = auth.resolve(database, tokens.bearer_token(context.schema_url, "operator", None))
        assert actor is not None, "a new token is known"
        costs = {}
        for number in STREAMS:
            latencies, costs[number] = asyncio.run(_delivered(context, actor, number))
            p50, p95 = median.median(latencies), median.quantiles(latencies, n=20)[-1]
            report.note(
                f"{number} streams: {p50:.0f} ms from commit to the last byte (p95 {p95:.0f}), {costs[number]:.1f} us CPU a delivery."
            )
        report.add(
            f"CPU of a delivery, {STREAMS[-1]} streams against {STREAMS[0]}", ours=costs[STREAMS[-1]], peer=costs[STREAMS[0]], unit="us"
        )
    finally:
        database.close()


def _written(url: str, extra: str | None) -> float:
    """Transactions a second of all writers together."""
    until, done = time.monotonic() + SECONDS, [0] * WRITERS

    def write(writer: int) -> None:
        with psycopg.connect(url) as connection:
            while time.monotonic() < until:
                connection.execute(ROW)
                if extra is not None:
                    connection.execute(extra)  # type: ignore[call-overload]
                connection.commit()
                done[writer] += 1

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(WRITERS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return sum(done) / SECONDS


async def _delivered(context: BenchContext, actor: Actor, number: int) -> tuple[list[float], float]:
    """Milliseconds from each commit until every stream had it, and CPU microseconds of this process a delivery."""
    database = open_database(context.app_url, pool_size=2)
    heard: dict[int, int] = {}
    last_at: dict[int, float] = {}
    async with HotReads(database, connections=4) as reads, ChangeFeed(database.address) as feed:

        async def listen() -> None:
            async for spoken in live.Stream(feed, reads, actor, None).events(time.monotonic() + 600):
                if b"event: changes" in spoken:
                    count = spoken.count(b'"layer"')
                    heard[0] = heard.get(0, 0) + count
                    last_at[heard[0]] = time.monotonic()

        tasks = [asyncio.create_task(listen()) for _ in range(number)]
        while feed.streams < number or not feed.alive:
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
        latencies, began = [], time.process_time()
        writer = await psycopg.AsyncConnection.connect(context.schema_url.replace("+psycopg", ""), autocommit=True)
        for event in range(EVENTS):
            await writer.execute(OUTBOX)
            at = time.monotonic()
            wanted = (event + 1) * number
            while heard.get(0, 0) < wanted and time.monotonic() - at < 10:
                await asyncio.sleep(0.005)
            latencies.append((last_at.get(wanted, time.monotonic()) - at) * 1000)
            await asyncio.sleep(PACE_S)
        cpu = time.process_time() - began
        await writer.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    database.close()
    return latencies, cpu / (EVENTS * number) * 1e6
