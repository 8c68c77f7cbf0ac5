"""Counts the writing transactions this process has committed, so that what it holds in memory is looked at again at once."""

import itertools
import re
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.pool import ConnectionPoolEntry, Pool

WRITES = re.compile(r"\b(insert|update|delete|merge|truncate|copy|call)\b", re.IGNORECASE)
_MARK = "wangge_wrote"
_counter = itertools.count(1)
_latest = 0


def commits() -> int:
    """How many writing transactions this process has ended so far."""
    return _latest


def committed_elsewhere() -> None:
    """Count a write that went past SQLAlchemy, such as a COPY over a bare connection."""
    global _latest  # noqa: PLW0603
    _latest = next(_counter)


def has_written(connection: Connection) -> bool:
    """Whether the transaction on a connection has changed anything yet."""
    return bool(connection.info.get(_MARK))


@event.listens_for(Engine, "after_cursor_execute")
def _note_write(connection: Connection, cursor: Any, statement: str, *_: Any) -> None:
    if WRITES.search(statement):
        connection.info[_MARK] = True


# Not the engine's "commit" event: that one fires before the COMMIT is sent.
@event.listens_for(Pool, "checkin")
def _note_done(_connection: Any, record: ConnectionPoolEntry) -> None:
    if record.info.pop(_MARK, False):
        committed_elsewhere()
