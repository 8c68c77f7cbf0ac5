"""Questions about facilities: lamps, hydrants, benches and what else stands in the street."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from data.queries.bound import scope_binds
from data.scope import Scope

Row = Mapping[str, Any]
ONE = text("""
    SELECT facility.id, facility.kind, facility.code, facility.name, facility.name_en, facility.status, facility.grid_id, facility.version,
           ARRAY[ST_X(facility.geom), ST_Y(facility.geom)] AS place,
           jsonb_build_object('code', area.code, 'name', area.name, 'name_en', area.name_en) AS community
      FROM facility JOIN area ON area.id = facility.community_id
     WHERE facility.id = :id AND (:everything OR facility.community_id = ANY (:communities))
""")
KINDS = text("""
    SELECT kind, count(*) AS n FROM facility
     WHERE status <> 'removed' AND (:everything OR community_id = ANY (:communities)) GROUP BY kind ORDER BY kind
""")


def one(session: Session, scope: Scope, id: int) -> Row | None:
    """One facility and its place (degrees)."""
    row = session.execute(ONE, {**scope_binds(scope), "id": id}).mappings().one_or_none()
    return None if row is None else dict(row)


def kinds(session: Session, scope: Scope) -> list[Row]:
    """The kinds there are and how many of each."""
    return [dict(row) for row in session.execute(KINDS, scope_binds(scope)).mappings()]
