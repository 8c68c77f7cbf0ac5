"""The stream of changes as one process hears it: one connection that relays, listens and reads; what is recent stays in memory."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import LiteralString

import psycopg
from psycopg.rows import TupleRow

from data.hot.commits import commits
from data.scope import from_multirange

LOG = logging.getLogger("wangge.live")
CHANNEL: LiteralString = "wangge_changes"
OWN_S = 0.1
"""How soon a commit of this process is relayed: all of a tenth of a second are told together."""
OTHERS_S = 0.25
"""How soon one of another process is, if that process does not relay it itself: the worker, an import, psql."""
SILENT_S = 10.0
"""Longer without a look at the database and the stream says nothing more of being alive."""
AT_ONCE = 5_000
KEPT_BATCHES = 600
ONE_BY_ONE = 200
"""More changes of one layer in one batch are told once for each community."""
BACK_OFF_S = (0.2, 0.5, 1.0, 2.0, 5.0)
RELAY: LiteralString = "SELECT gate.relay(%s)"
ENDS: LiteralString = "SELECT newest, forgotten FROM gate.stream_ends()"
AFTER: LiteralString = "SELECT number, at, layer, op, noun_id, cell, community_id, reach FROM gate.changes_after(%s, %s)"
Ranges = tuple[tuple[int, int], ...]
Connection = psycopg.AsyncConnection[TupleRow]


@dataclass(frozen=True, slots=True)
class Told:
    """One change. `reach`: the communities one must see all of to hear of it; None where it lies nowhere."""

    number: int
    at: datetime
    layer: str
    op: str
    noun_id: int | None
    cell: int | None
    community_id: int
    reach: Ranges | None


@dataclass(slots=True)
class Batch:
    """Changes that are told together: those after number `after` up to `last`. `spoken` keeps the bytes of each view of it."""

    after: int
    last: int
    changes: tuple[Told, ...]
    spoken: dict[object, bytes] = field(default_factory=dict)


class ChangeFeed:
    """Relays and hears changes while it runs (`async with`); any number of streams read from it, each at its own pace."""

    def __init__(self, url: str | None) -> None:
        """`url`: a direct connection as the application; None never runs, for an application that is not served."""
        self._url = url
        self._kept: deque[Batch] = deque(maxlen=KEPT_BATCHES)
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._looked_at = float("-inf")
        self.newest = 0
        self.streams = 0
        self.ending = False

    async def __aenter__(self) -> "ChangeFeed":
        if self._url is not None:
            self._task = asyncio.create_task(self._run(self._url))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.end()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @property
    def alive(self) -> bool:
        """Whether the database was asked a moment ago: else silence says nothing."""
        return time.monotonic() - self._looked_at < SILENT_S

    def end(self) -> None:
        """Let every stream end now: the process is about to stop."""
        self.ending = True
        self._wake()

    def since(self, number: int) -> list[Batch] | None:
        """The batches after a number, oldest first; None when the oldest of them is not kept any more."""
        if number >= self.newest:
            return []
        found = []
        for batch in reversed(self._kept):
            if batch.last <= number:
                break
            found.append(batch)
        found.reverse()
        return found if found and found[0].after <= number else None

    async def news(self, seconds: float) -> None:
        """Wait until something is told, at most so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def _run(self, url: str) -> None:
        failures = 0
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=5) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    await self._catch_up(connection)
                    failures = 0
                    await self._follow(connection)
            except psycopg.Error as failed:
                LOG.warning("the stream of changes lost the database: %s", type(failed).__name__)
            await asyncio.sleep(BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)])
            failures += 1

    async def _catch_up(self, connection: Connection) -> None:
        """After a start nothing is kept; after a lost connection what was missed is read. A stream that went back begins anew."""
        newest, _ = await _ends(connection)
        if not self.newest or newest < self.newest:
            self._kept.clear()
            self.newest = newest
            self._wake()
        self._looked_at = time.monotonic()
        await self._read(connection)

    async def _follow(self, connection: Connection) -> None:
        seen, relayed_at = -1, float("-inf")
        while True:
            heard = [notice async for notice in connection.notifies(timeout=OWN_S, stop_after=1)]
            if commits() != seen or time.monotonic() - relayed_at > OTHERS_S:
                seen, relayed_at = commits(), time.monotonic()
                await connection.execute(RELAY, [AT_ONCE])
                self._looked_at = time.monotonic()
            if heard:
                await self._read(connection)

    async def _read(self, connection: Connection) -> None:
        while True:
            told = await changes_after(connection, self.newest, AT_ONCE)
            if not told:
                return
            self._kept.append(Batch(self.newest, told[-1].number, gathered(told)))
            self.newest = told[-1].number
            self._wake()


async def _ends(connection: Connection) -> tuple[int, int]:
    row = await (await connection.execute(ENDS)).fetchone()
    assert row is not None, "a function with out parameters answers with one row"
    return row[0], row[1]


async def changes_after(connection: Connection, number: int, at_most: int) -> list[Told]:
    """Changes after a number, oldest first."""
    return told(await (await connection.execute(AFTER, [number, at_most])).fetchall())


def told(rows: Iterable[TupleRow]) -> list[Told]:
    """Rows of AFTER."""
    return [
        Told(number, at, layer, op, noun_id, cell, community_id, None if reach is None else _ranges(reach))
        for number, at, layer, op, noun_id, cell, community_id, reach in rows
    ]


def _ranges(reach: Iterable[object]) -> Ranges:
    whole = from_multirange("", reach)
    return ((0, 2**31 - 1),) if whole.everything else whole.ranges


def gathered(changes: list[Told]) -> tuple[Told, ...]:
    """The same changes, with one `bulk` for each community in place of a crowd of one layer."""
    crowds: dict[str, int] = {}
    for each in changes:
        crowds[each.layer] = crowds.get(each.layer, 0) + 1
    if max(crowds.values()) <= ONE_BY_ONE:
        return tuple(changes)
    kept: dict[object, Told] = {}
    for each in changes:
        if crowds[each.layer] > ONE_BY_ONE and each.layer != "plan":
            kept[each.layer, each.community_id] = Told(each.number, each.at, each.layer, "bulk", None, None, each.community_id, each.reach)
        else:
            kept[each.number] = each
    return tuple(sorted(kept.values(), key=lambda each: each.number))
