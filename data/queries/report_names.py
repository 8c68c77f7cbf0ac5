"""What the ids of a stored analysis are called, for a report."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from data.queries.bound import scope_binds
from data.scope import Scope

AREAS = text("SELECT id, name, name_en FROM area_ever WHERE id = ANY (:ids) ORDER BY valid_from")
OFFICERS = text("SELECT id, name FROM officer WHERE id = ANY (:ids) AND (:everything OR community_id = ANY (:communities))")
BUILDINGS = text("""
    SELECT id, coalesce(nullif(address, ''), nullif(name, ''), code) AS name FROM building
     WHERE id = ANY (:ids) AND (:everything OR community_id = ANY (:communities))
""")
AREA = text("SELECT id, code, name, name_en FROM area WHERE code = :code ORDER BY valid_to IS NOT NULL LIMIT 1")


def areas(session: Session, scope: Scope, ids: Collection[int]) -> dict[int, Row[Any]]:
    """Areas living and dead, by id; their names are no secret."""
    return {row.id: row for row in session.execute(AREAS, {"ids": list(ids)})}


def officers(session: Session, scope: Scope, ids: Collection[int]) -> dict[int, str]:
    """Names of officers in scope."""
    return {row.id: row.name for row in session.execute(OFFICERS, {"ids": list(ids), **scope_binds(scope)})}


def buildings(session: Session, scope: Scope, ids: Collection[int]) -> dict[int, str]:
    """Addresses of buildings in scope, or their names or codes where they have none."""
    return {row.id: row.name for row in session.execute(BUILDINGS, {"ids": list(ids), **scope_binds(scope)})}


def area(session: Session, scope: Scope, code: str) -> Row[Any] | None:
    """An area by its code."""
    return session.execute(AREA, {"code": code}).one_or_none()
