"""Questions about homes: buildings, households, residents; personal fields stay sealed here."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from data.queries.bound import scope_binds
from data.scope import Scope
from data.sql_files import statements

Row = Mapping[str, Any]
HOUSEHOLD = text("SELECT id, community_id FROM household WHERE id = :id AND (:everything OR community_id = ANY (:communities))")
RESIDENT = text("SELECT id, community_id, sealed FROM resident WHERE id = :id AND (:everything OR community_id = ANY (:communities))")


def building(session: Session, scope: Scope, id: int) -> Row | None:
    """One building with its grid, its community and an inner point (degrees)."""
    row = session.execute(text(statements("homes")["building"]), {**scope_binds(scope), "id": id}).mappings().one_or_none()
    return None if row is None else dict(row)


def households(session: Session, scope: Scope, building: Row) -> list[Row]:
    """The households of a building, by unit."""
    asked = {**scope_binds(scope), "id": building["id"], "cell": building["cell"]}
    return [dict(row) for row in session.execute(text(statements("homes")["households"]), asked).mappings()]


def household(session: Session, scope: Scope, id: int) -> Row | None:
    """Whether there is such a household, and in which community."""
    row = session.execute(HOUSEHOLD, {**scope_binds(scope), "id": id}).mappings().one_or_none()
    return None if row is None else dict(row)


def residents(session: Session, scope: Scope, household_id: int, *, day: date) -> list[Row]:
    """The residents of a household, the head first."""
    asked = {**scope_binds(scope), "id": household_id, "day": day}
    return [dict(row) for row in session.execute(text(statements("homes")["residents"]), asked).mappings()]


def resident(session: Session, scope: Scope, id: int) -> Row | None:
    """One resident's sealed fields."""
    row = session.execute(RESIDENT, {**scope_binds(scope), "id": id}).mappings().one_or_none()
    return None if row is None else dict(row)
