"""Knows which finished tiles are still true: counts the changes of each table and cell as the database notes them.

Asked before each answer: after a commit of this process it looks at once, otherwise twice a second at most.
Rows of `tile_change` do not become visible in the order of their ids, so what was read is remembered by transaction:
everything of transactions older than the horizon has been seen, of younger ones the ids are kept.
"""

import asyncio
import time
from collections import Counter

from data.hot.commits import commits
from data.hot.reads import HotReads, Question

LOOK_EVERY_S = 0.5
FORGET_AFTER_S = 1800.0
"""The database keeps changes for an hour; who has not looked for longer than this starts anew."""
FOLD_EVERY_S = 20.0
FOLD_FROM = 2000
CELL_ZOOM = 14
CHANGES = Question(
    "SELECT pg_snapshot_xmin(pg_current_snapshot())::text, change.id, change.layer, change.cell"
    " FROM (SELECT) AS one LEFT JOIN tile_change AS change ON change.xid >= (%(horizon)s::text)::xid8"
)
Generation = tuple[int, ...]


class Freshness:
    """The generation of each tile: it changes when something the tile shows may have changed."""

    def __init__(self, reads: HotReads) -> None:
        self._reads = reads
        self._lock = asyncio.Lock()
        self._horizon = "0"
        self._seen: frozenset[int] = frozenset()
        self._looked_at = float("-inf")
        self._commits = -1
        self._folded_at = time.monotonic()
        self._folding: asyncio.Task[None] | None = None
        self._epoch = 0
        self._tables: Counter[str] = Counter()
        self._cells: Counter[tuple[str, int, int]] = Counter()

    async def settle(self, token: str) -> None:
        """See all that was committed until now by this process, and until half a second ago by others."""
        if self.fresh():
            return
        async with self._lock:
            if not self.fresh():
                await self._look(token)
        if time.monotonic() - self._folded_at > FOLD_EVERY_S:
            self._folded_at = time.monotonic()
            self._folding = asyncio.create_task(self._reads.fold(token, FOLD_FROM))

    def generation(self, tables: tuple[str, ...], z: int, cell: int) -> Generation:
        """Of a tile that shows `tables`; `cell` is the Morton number of the tile, or of its parent at zoom 14."""
        zoom = min(z, CELL_ZOOM)
        return (self._epoch, *(self._tables[each] + self._cells[each, zoom, cell] for each in tables))

    def fresh(self) -> bool:
        """Whether the last look is recent enough to trust, and nothing was committed here since."""
        return self._commits == commits() and time.monotonic() - self._looked_at < LOOK_EVERY_S

    async def _look(self, token: str) -> None:
        commits_before, now = commits(), time.monotonic()
        rows = await self._reads.ask(token, CHANGES, {"horizon": self._horizon})
        if now - self._looked_at > FORGET_AFTER_S:
            self._epoch += 1
        for _, number, layer, cell in rows:
            if number is not None and number not in self._seen:
                self._bump(layer, cell)
        self._horizon = rows[0][0]
        self._seen = frozenset(row[1] for row in rows if row[1] is not None)
        self._commits, self._looked_at = commits_before, now

    def _bump(self, table: str, cell: int | None) -> None:
        if cell is None:
            self._tables[table] += 1
            return
        for zoom in range(CELL_ZOOM + 1):
            self._cells[table, zoom, cell >> (2 * (CELL_ZOOM - zoom))] += 1
