"""Questions of the hot path: each goes to the database together with the caller's token, in one round trip."""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

import anyio.to_thread
import psycopg

from data.database import Database, gone
from data.hot.commits import commits
from data.hot.pool import HeldConnections
from data.queries import people
from data.scope import Scope, from_multirange
from gis.errors import Unavailable

CALLER_KEPT_S = 3.0
"""A token revoked by another process can read tiles for at most this long."""
CALLERS_KEPT = 10_000
NAME_CALLER = "SELECT set_config('wangge.token', %s, true)"
CLOCK_SQL = "SELECT (SELECT (value #>> '{}')::timestamptz FROM deployment WHERE key = 'now'), deployment_time_zone()"
AWAY = "The database does not answer now. Try again in a moment."
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """One statement with `%(name)s` binds; `prepare` where one plan serves all values."""

    sql: str
    prepare: bool = True


WHO = Question(
    "SELECT person_id, sign_in_name, display_name, roles, language, permissions, scope, area_ids, kind, expires_at,"
    " extract(epoch FROM now() - last_seen_at)::float FROM gate.who()"
)


CLOCK = Question(CLOCK_SQL)


class HotReads:
    """Answers over held connections while it is open (`async with`), else one by one through the database it was given.

    The second way serves tests, whose rows only their own connection sees, and whatever runs without a server.
    """

    def __init__(self, database: Database, *, connections: int) -> None:
        self.database = database
        self._most = connections
        self._held: HeldConnections | None = None
        self._clock: tuple[datetime | None, ZoneInfo] = (None, ZoneInfo("UTC"))
        self._clock_read = float("-inf")
        self._commits = -1
        self._callers: dict[bytes, tuple[float, people.Caller]] = {}

    async def __aenter__(self) -> "HotReads":
        if self.database.address is not None:
            self._held = HeldConnections(self.database.address, self._most)
        return self

    async def __aexit__(self, *_: object) -> None:
        held, self._held = self._held, None
        if held is not None:
            await held.close()

    async def ask(self, token: str, question: Question, values: Mapping[str, object]) -> list[Row]:
        """The rows a question has for a caller; Unavailable when it takes longer than two seconds."""
        try:
            if self._held is None:
                return await anyio.to_thread.run_sync(self._ask_plainly, token, question, values)
            return await self._ask_held(self._held, token, question, values)
        except psycopg.OperationalError as failed:
            raise Unavailable(AWAY if gone(failed) else "The database did not answer in time.") from failed

    def remembered(self, name: bytes) -> people.Caller | None:
        """The person behind the token of this name (`name_of`), asked for just now and nothing committed here since."""
        if self._commits != commits():
            self._commits = commits()
            self._callers.clear()
        known = self._callers.get(name)
        return known[1] if known is not None and time.monotonic() - known[0] < CALLER_KEPT_S else None

    async def who(self, token: str) -> people.Caller | None:
        """The living person behind a token; remembered for some seconds while open."""
        if self._held is None:
            return await anyio.to_thread.run_sync(self._who_plainly, token)
        key = name_of(token.encode())
        known = self.remembered(key)
        if known is not None:
            return known
        before, now = commits(), time.monotonic()
        rows = await self.ask(token, WHO, {})
        if not rows:
            self._callers.pop(key, None)
            return None
        if len(self._callers) >= CALLERS_KEPT:
            self._callers.clear()
        caller = _caller(rows[0], token)
        if before == commits():
            self._callers[key] = (now, caller)
        return caller

    async def zone(self, token: str) -> ZoneInfo:
        """The time zone in which the deployment's days are cut."""
        if self._held is None or time.monotonic() - self._clock_read > CALLER_KEPT_S:
            ((fixed, zone),) = await self.ask(token, CLOCK, {})
            self._clock, self._clock_read = (fixed, ZoneInfo(zone)), time.monotonic()
        return self._clock[1]

    async def today(self, token: str) -> date:
        """The deployment's calendar day; a demo has a day of its own."""
        zone = await self.zone(token)
        return (self._clock[0] or datetime.now(zone)).astimezone(zone).date()

    async def fold(self, token: str, at_least: int) -> None:
        """Move the incident deltas into the pyramid if there are many; reads stay true without it, only slower."""
        if self._held is None:
            return
        async with self._held.connection() as connection, connection.transaction():
            await connection.execute("SET TRANSACTION READ WRITE")
            await connection.execute("SET LOCAL statement_timeout = '60s'")
            await connection.execute(NAME_CALLER, [token])
            await connection.execute("SELECT fold_incident_bins(%s)", [at_least])

    async def _ask_held(self, held: HeldConnections, token: str, question: Question, values: Mapping[str, object]) -> list[Row]:
        """Ask, and where the connection was one of a server that has been started again since, once more over a new one."""
        try:
            return await self._ask_once(held, token, question, values)
        except psycopg.OperationalError as failed:
            if not gone(failed) or isinstance(failed, psycopg.errors.ConnectionTimeout):
                raise
            await held.close()
            return await self._ask_once(held, token, question, values)

    @staticmethod
    async def _ask_once(held: HeldConnections, token: str, question: Question, values: Mapping[str, object]) -> list[Row]:
        async with held.connection() as connection:
            # What is sent until a pipeline ends is one transaction, so the name is gone after it; saying so would cost as much again.
            async with connection.pipeline():
                await connection.execute(NAME_CALLER, [token], prepare=True)
                cursor = connection.cursor(binary=True)
                await cursor.execute(question.sql, values, prepare=question.prepare)
            return await cursor.fetchall()

    def _ask_plainly(self, token: str, question: Question, values: Mapping[str, object]) -> list[Row]:
        with self.database.unit_of_work(Scope(token=token)) as session:
            driver = cast("psycopg.Connection[Row]", session.connection().connection.dbapi_connection)
            with driver.cursor(binary=True) as cursor:
                cursor.execute(question.sql, values)
                return cursor.fetchall()

    def _who_plainly(self, token: str) -> people.Caller | None:
        with self.database.unit_of_work(Scope(token=token)) as session:
            return people.who(session, token)


def name_of(secret: bytes) -> bytes:
    """What a token is remembered by, so that memory holds none that could be read out of it."""
    return hashlib.blake2b(secret, digest_size=16).digest()


def _caller(row: Row, token: str) -> people.Caller:
    person_id, sign_in_name, name, roles, language, permissions, scope, area_ids, kind, expires_at, idle_s = row
    return people.Caller(
        person_id, sign_in_name, name, tuple(roles), language, tuple(permissions), from_multirange(token, scope), tuple(area_ids), kind,
        expires_at, idle_s,
    )  # fmt: skip
