"""What a page needs before it can ask anything itself: which ground it opens on and what that ground is called."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from data.scope import Scope

NOWHERE = (73.0, 18.0, 135.0, 54.0)
"""Where a map opens before any ground is loaded: the whole country, degrees."""

OPENS_ON = text(
    """
    SELECT (SELECT name FROM area WHERE level = 'district' AND valid_to IS NULL ORDER BY code LIMIT 1),
           (SELECT name_en FROM area WHERE level = 'district' AND valid_to IS NULL ORDER BY code LIMIT 1),
           min(ST_XMin(geom)), min(ST_YMin(geom)), max(ST_XMax(geom)), max(ST_YMax(geom)),
           deployment_time_zone(),
           (SELECT value #>> '{}' FROM deployment WHERE key = 'review_number')
      FROM area WHERE valid_to IS NULL AND (id = ANY(:areas) OR (:whole AND level = 'district'))
    """
)


@dataclass(frozen=True, slots=True)
class FirstView:
    """Names in both languages, the box around the caller's ground (west, south, east, north; degrees), the zone, 审图号."""

    name: str
    name_en: str
    bounds: tuple[float, float, float, float]
    time_zone: str
    review_number: str


def first_view(session: Session, scope: Scope, areas: tuple[int, ...]) -> FirstView:
    """The view a page opens on for a caller whose scope is `areas`; the whole country before any ground is loaded."""
    row = session.execute(OPENS_ON, {"areas": list(areas), "whole": scope.everything}).one()
    name, name_en, west, south, east, north, time_zone, review_number = row
    bounds = NOWHERE if west is None else (west, south, east, north)
    return FirstView(name or "", name_en or "", bounds, time_zone, review_number or "")
