"""What a deployment says of itself: its name, its ground, its primary scheme, its clock."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from data.scope import Scope

DEPLOYMENT = text("""
    SELECT coalesce((SELECT jsonb_object_agg(key, value) FROM deployment), '{}') AS kept,
           deployment_now() AS now, deployment_time_zone() AS zone,
           (SELECT jsonb_build_object('id', id, 'code', code, 'name', name, 'name_en', name_en,
                                      'household_min', household_min, 'household_max', household_max)
              FROM scheme WHERE is_primary) AS scheme,
           district.code, district.name, district.name_en, district.bounds
      FROM (SELECT CASE WHEN count(*) = 1 THEN min(code) END AS code,
                   (array_agg(name ORDER BY code))[1] AS name, (array_agg(name_en ORDER BY code))[1] AS name_en,
                   ARRAY[min(ST_XMin(geom)), min(ST_YMin(geom)), max(ST_XMax(geom)), max(ST_YMax(geom))] AS bounds
              FROM area WHERE level = 'district' AND valid_to IS NULL) AS district
""")


def itself(session: Session, scope: Scope) -> Mapping[str, Any]:
    """One row; `bounds` (degrees: west, south, east, north) holds four None before any ground was imported.

    `code` is that of the district, None where there are several; `name` is then the first one's, for a deployment without its own.
    """
    return dict(session.execute(DEPLOYMENT).mappings().one())
