"""What a job works with: the database as its owner, and the system's own session."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from api import tokens
from data.database import Database, open_database
from data.scope import Scope

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

RENEW_AFTER_S = 7 * 86_400.0
"""A worker that runs for long opens a new session well before the old one ends."""


class Work:
    """Opens units of work for jobs; each job has its own. `outbox`: where schedules put what they write."""

    def __init__(self, schema_url: str, *, outbox: Path = Path("outbox"), watch_recurrence_days: float = 365.0) -> None:
        self.schema_url = schema_url
        self.outbox, self.watch_recurrence_days = outbox, watch_recurrence_days
        self.database: Database = open_database(schema_url, pool_size=2)
        self._scope: Scope | None = None
        self._opened_at = 0.0

    @contextmanager
    def unit(self) -> Iterator[tuple["Session", Scope]]:
        """One transaction as the system."""
        scope = self._current_scope()
        with self.database.unit_of_work(scope) as session:
            yield session, scope

    def close(self) -> None:
        """Give the connections back."""
        self.database.close()

    def _current_scope(self) -> Scope:
        if self._scope is None or time.monotonic() - self._opened_at > RENEW_AFTER_S:
            self._scope = tokens.system_session(self.schema_url)
            self._opened_at = time.monotonic()
        return self._scope
