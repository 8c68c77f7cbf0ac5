"""Questions about officers and the grids they answer for on a day."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from data.queries.bound import scope_binds
from data.scope import Scope

Row = Mapping[str, Any]
PAGE = text("""
    SELECT officer.id, officer.name, officer.on_duty, officer.last_seen_at, officer.staff_number,
           CASE WHEN (SELECT gate.may('particulars')) THEN officer.phone_sealed END AS phone_sealed,
           CASE WHEN last_place IS NOT NULL THEN ARRAY[ST_X(last_place), ST_Y(last_place)] END AS last_place,
           area.code AS community_code,
           ARRAY(SELECT grid_id FROM assignment
                  WHERE officer_id = officer.id AND duty = 'main' AND valid @> CAST(:day AS date) ORDER BY grid_id) AS grids,
           ARRAY(SELECT grid_id FROM assignment
                  WHERE officer_id = officer.id AND duty = 'assist' AND valid @> CAST(:day AS date) ORDER BY grid_id) AS assists
      FROM officer JOIN area ON area.id = officer.community_id
     WHERE (:everything OR officer.community_id = ANY (:communities))
       AND (CAST(:within AS integer[]) IS NULL OR officer.community_id = ANY (:within))
       AND (CAST(:id AS bigint) IS NULL OR officer.id = :id)
       AND (officer.ended_on IS NULL OR officer.ended_on > CAST(:day AS date))
     ORDER BY officer.id
""")


def page(session: Session, scope: Scope, *, day: date, within: Sequence[int] | None = None, id: int | None = None) -> list[Row]:
    """Officers of a day with the grids they answer for; `within` holds communities, last places are in degrees."""
    asked = {**scope_binds(scope), "day": day, "within": None if within is None else list(within), "id": id}
    return [dict(row) for row in session.execute(PAGE, asked).mappings()]
