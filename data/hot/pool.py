"""A few held connections, last used first: half the cost of a general pool, and the warm ones stay warm."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from psycopg.rows import TupleRow

# Tiles and lookups must not hold the server up; parallel workers triple the work of a tile.
OPTIONS = "-c statement_timeout=2000 -c jit=off -c max_parallel_workers_per_gather=0 -c default_transaction_read_only=on -c timezone=UTC"
Connection = psycopg.AsyncConnection[TupleRow]


class HeldConnections:
    """Opens connections as they are needed, up to `most`, and keeps them; one that failed is closed, not kept."""

    def __init__(self, url: str, most: int, *, prepare: bool = True) -> None:
        self._url = url
        self._idle: list[Connection] = []
        self._free = asyncio.Semaphore(most)
        self._threshold = 5 if prepare else None

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """One connection for one transaction; waits while all are in use."""
        async with self._free:
            connection = self._idle.pop() if self._idle else await self._connect()
            try:
                yield connection
            except BaseException:
                # Cancelled or refused in the middle of a transaction: what state it is in does not matter any more.
                await connection.close()
                raise
            self._idle.append(connection)

    async def close(self) -> None:
        """Close the connections nobody uses."""
        while self._idle:
            await self._idle.pop().close()

    async def _connect(self) -> Connection:
        connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True, options=OPTIONS, connect_timeout=5)
        connection.prepare_threshold = self._threshold
        return connection
