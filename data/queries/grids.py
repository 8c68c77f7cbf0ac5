"""Questions about grids: the smallest patch one officer answers for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from data.hot.reads import Question
from data.queries.bound import scope_binds
from data.scope import Scope
from data.sql_files import statements

Row = Mapping[str, Any]
DESCRIBED = Question(statements("grids")["described"])
"""For the hot path: binds id, day, everything, communities; the caller's token goes with it."""


@dataclass(frozen=True, slots=True)
class Held:
    """When a grid is asked what it holds, and which of its incidents count; () means all."""

    day: date
    """Whose officer answers."""
    today: datetime
    """When the day began."""
    now: datetime
    categories: tuple[int, ...] = ()
    hours: tuple[int, ...] = ()


def page(
    session: Session, scope: Scope, *, day: date, within: Sequence[int] | None = None, id: int | None = None, as_of: datetime | None = None
) -> list[Row]:
    """Grids in scope by code; `within` holds communities, `day` says whose officer answers, `as_of` shows past borders."""
    asked = {**scope_binds(scope), "day": day, "within": None if within is None else list(within), "id": id, "as_of": as_of}
    return [dict(row) for row in session.execute(text(statements("grids")["page"]), asked).mappings()]


def ended(session: Session, scope: Scope, id: int) -> Row | None:
    """A grid that is no more, with its successors."""
    row = session.execute(text(statements("grids")["ended"]), {**scope_binds(scope), "id": id}).mappings().one_or_none()
    return None if row is None else dict(row)


def card(session: Session, scope: Scope, id: int, held: Held) -> Row | None:
    """What a current grid holds: officer, counts, hot spot and an inner point (degrees)."""
    asked = {**scope_binds(scope), "id": id, "day": held.day, "today": held.today, "now": held.now}
    asked |= {"every": not held.categories, "categories": list(held.categories), "all_day": not held.hours, "hours": list(held.hours)}
    row = session.execute(text(statements("grids")["card"]), asked).mappings().one_or_none()
    return None if row is None else dict(row)


def residents_by_care(session: Session, scope: Scope, id: int, *, day: date) -> dict[str, int]:
    """Residents of a grid in each class of care on a day."""
    found = session.execute(text(statements("grids")["residents_by_care"]), {**scope_binds(scope), "id": id, "day": day})
    return {row[0]: row[1] for row in found}


def border(session: Session, scope: Scope, id: int) -> str | None:
    """The current border of a grid as GeoJSON text with every digit of its lattice."""
    statement = text(
        "SELECT ST_AsGeoJSON(geom, 15, 0) FROM grid"
        " WHERE id = :id AND valid_to IS NULL AND (:everything OR community_id = ANY (:communities))"
    )
    found: str | None = session.execute(statement, {**scope_binds(scope), "id": id}).scalar_one_or_none()
    return found
