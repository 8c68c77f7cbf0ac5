"""Ended incidents keep the grid they were handled in; reports by today's grids count them where they lie today."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from data.hot.ground import ground_index
from data.scope import Scope
from gis.assignment import NOBODY

REDRAWN = text("SELECT EXISTS (SELECT FROM grid_lineage WHERE at > :starts)")
# What is open was placed anew when the borders changed; what somebody placed by hand stays while its grid lives.
STALE = text("""
    SELECT incident.grid_id, incident.community_id, ST_X(place) AS lon, ST_Y(place) AS lat
      FROM (SELECT from_id, max(at) AS at FROM grid_lineage WHERE at > :starts GROUP BY from_id) AS redrawn
      JOIN grid ON grid.id = redrawn.from_id
      JOIN incident ON incident.grid_id = redrawn.from_id AND incident.reported_at < redrawn.at
     WHERE NOT is_open AND incident.reported_at >= :starts AND incident.reported_at < :ends AND place IS NOT NULL
       AND (placed_by <> 'hand' OR grid.valid_to IS NOT NULL)
       AND (:every OR incident.category_id = ANY (:categories)) AND (:merged OR duplicate_of IS NULL)
       AND (:all_day OR extract(hour FROM reported_at AT TIME ZONE (SELECT deployment_time_zone()))::integer = ANY (:hours))
""")


def carried(
    session: Session, scope: Scope, starts: datetime, ends: datetime, *,
    categories: Sequence[int] = (), communities: Sequence[int] | None = None, merged: bool = True, hours: Sequence[int] = (),
) -> Counter[int]:  # fmt: skip
    """What to add to counts of incidents by the grid they were handled in, to have them by the grids of today.

    Incidents reported between two moments, of some categories and hours of the day (none named: all);
    `merged` says whether duplicates count.
    Those of other `communities` than named were not in the counts, so nothing is taken away for them. Nothing was redrawn
    since `starts`: nothing is asked.
    """
    change: Counter[int] = Counter()
    if not session.execute(REDRAWN, {"starts": starts}).scalar_one():
        return change
    asked = {
        "starts": starts,
        "ends": ends,
        "categories": list(categories),
        "every": not categories,
        "merged": merged,
        "hours": list(hours),
        "all_day": not hours,
    }
    rows = session.execute(STALE, asked).all()
    if rows:
        at = ground_index(session).place_many(np.array([row.lon for row in rows]), np.array([row.lat for row in rows]))
        counted = None if communities is None else set(communities)
        for row, present in zip(rows, at.grid_ids.tolist(), strict=True):
            if counted is None or row.community_id in counted:
                change[row.grid_id] -= 1
            if present != NOBODY:
                change[present] += 1
    return change
