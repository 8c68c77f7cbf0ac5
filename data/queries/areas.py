"""Questions about areas: districts, streets and communities."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from data.queries.bound import scope_binds
from data.scope import Scope
from data.sql_files import statements

Row = Mapping[str, Any]


def page(
    session: Session,
    scope: Scope,
    *,
    parent: str | None = None,
    level: str | None = None,
    code: str | None = None,
    as_of: datetime | None = None,
) -> list[Row]:
    """Areas in scope, and those the scope lies in, by code; `as_of` shows them as they were, each with its validity."""
    asked = {**scope_binds(scope), "parent": parent, "level": level, "code": code, "as_of": as_of}
    return [dict(row) for row in session.execute(text(statements("areas")["page"]), asked).mappings()]


def ancestors(session: Session, scope: Scope, code: str) -> list[Row]:
    """What an area lies in, the district first."""
    return [dict(row) for row in session.execute(text(statements("areas")["ancestors"]), {"code": code}).mappings()]


def ended(session: Session, scope: Scope, code: str) -> Row | None:
    """The area that had a code which is dead now, with its successors."""
    row = session.execute(text(statements("areas")["ended"]), {"code": code}).mappings().one_or_none()
    return None if row is None else dict(row)


def communities_in(session: Session, scope: Scope, code: str) -> list[int] | None:
    """Ids of the communities inside an area (of itself, if it is one); None when the caller sees no such area."""
    found = session.execute(COMMUNITIES, {"code": code}).mappings().one()
    return None if not found["known"] else [number for number in found["communities"] if scope.covers(number)]


COMMUNITIES = text("""
    WITH RECURSIVE inside AS (
        SELECT id, level FROM area WHERE code = :code AND id <@ (SELECT gate.areas())
        UNION ALL
        SELECT area.id, area.level FROM area JOIN inside ON area.parent_id = inside.id
    )
    SELECT EXISTS (SELECT FROM inside) AS known, ARRAY(SELECT id FROM inside WHERE level = 'community' ORDER BY id) AS communities
""")
