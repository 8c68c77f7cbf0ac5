"""Scope: which rows a caller may see. The first lock; row-level security in the database is the second."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, false, or_, true
from sqlalchemy.orm import InstrumentedAttribute


@dataclass(frozen=True, slots=True)
class Scope:
    """Communities a caller may see, as half-open id ranges; `everything` is the whole ground and what has no place yet.

    `token` is the opaque token the database resolves again on its own, so that a wrong `ranges` here opens nothing.
    An empty scope sees nothing.
    """

    token: str
    ranges: tuple[tuple[int, int], ...] = ()
    everything: bool = False

    def limit(self, statement: Select[Any], community_id: InstrumentedAttribute[int] | ColumnElement[int]) -> Select[Any]:
        """The same question, asked of rows in scope only."""
        return statement if self.everything else statement.where(self.holds(community_id))

    def holds(self, community_id: InstrumentedAttribute[int] | ColumnElement[int]) -> ColumnElement[bool]:
        """The condition that a row's community lies in scope."""
        if self.everything:
            return true()
        return or_(false(), *(community_id.between(low, high - 1) for low, high in self.ranges))

    def covers(self, community_id: int) -> bool:
        """Whether a community lies in scope."""
        return self.everything or any(low <= community_id < high for low, high in self.ranges)

    @property
    def communities(self) -> list[int]:
        """Ids in scope, for `= ANY(:communities)` in SQL files; meaningless when `everything`."""
        return [number for low, high in self.ranges for number in range(low, high)]


def nothing() -> Scope:
    """The scope of nobody."""
    return Scope(token="")


def from_multirange(token: str, ranges: Iterable[Any]) -> Scope:
    """Read PostgreSQL's int4multirange as psycopg returns it; an open end means the whole ground."""
    pairs = list(ranges)
    if any(each.lower is None or each.upper is None for each in pairs):
        return Scope(token=token, everything=True)
    return Scope(token=token, ranges=tuple((each.lower, each.upper) for each in pairs))
