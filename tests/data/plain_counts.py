"""The counts of the panels, told from the incidents and nothing else: what the kept ones must equal."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import text

from data.queries import statistics
from data.queries.statistics import MEASURES, WEEK, Happened

MEANT = """community_id = ANY (:communities) AND (:every OR category_id = ANY (:categories)) AND (CAST(:grid AS bigint) IS NULL OR grid_id = :grid)
           AND (:all_day OR extract(hour FROM reported_at AT TIME ZONE :zone)::integer = ANY (:hours))"""
DAYS = f"""
SELECT day, sum(reported)::bigint AS reported, sum(filed)::bigint AS filed, sum(ended)::bigint AS ended, sum(closed)::bigint AS closed,
       sum(on_spot)::bigint AS on_spot, sum(closed_in_grid)::bigint AS closed_in_grid, sum(closed_in_community)::bigint AS closed_in_community, sum(closed_late)::bigint AS closed_late,
       coalesce(sum(handled_s), 0)::bigint AS handled_s, sum(due)::bigint AS due, sum(due_closed)::bigint AS due_closed, sum(due_on_time)::bigint AS due_on_time
  FROM (SELECT (reported_at AT TIME ZONE :zone)::date AS day, count(*) AS reported, count(filed_at) AS filed, 0 AS ended, 0 AS closed, 0 AS on_spot,
               0 AS closed_in_grid, 0 AS closed_in_community, 0 AS closed_late, 0::numeric AS handled_s, 0 AS due, 0 AS due_closed,
               0 AS due_on_time
          FROM incident
         WHERE {MEANT} AND reported_at >= :starts AND reported_at < :ends
         GROUP BY 1
        UNION ALL
        SELECT (closed_at AT TIME ZONE :zone)::date, 0, 0, count(*), count(*) FILTER (WHERE good), count(*) FILTER (WHERE good AND on_spot),
               count(*) FILTER (WHERE good AND level = 'grid'), count(*) FILTER (WHERE good AND level IN ('grid', 'community')),
               count(*) FILTER (WHERE good AND closed_at > due_at),
               sum(greatest(extract(epoch FROM closed_at - reported_at)::bigint - suspended_s, 0)) FILTER (WHERE good), 0, 0, 0
          FROM (SELECT *, state = 'closed' AND duplicate_of IS NULL AS good
                  FROM incident
                 WHERE {MEANT} AND closed_at >= :starts
                   AND closed_at < :ends) AS ended
         GROUP BY 1
        UNION ALL
        SELECT (due_at AT TIME ZONE :zone)::date, 0, 0, 0, 0, 0, 0, 0, 0, 0, count(*), count(*) FILTER (WHERE state = 'closed'),
               count(*) FILTER (WHERE state = 'closed' AND closed_at <= due_at)
          FROM incident
         WHERE {MEANT} AND due_at >= :starts AND due_at < :ends
           AND duplicate_of IS NULL AND state NOT IN ('not_filed', 'suspended')
         GROUP BY 1) AS counted
 GROUP BY day"""
REPORTED = f"SELECT {{}}, count(*) FROM incident WHERE {MEANT} AND reported_at >= :starts AND reported_at < :ends GROUP BY 1"
WAITING = f"""
    SELECT community_id, count(*) FILTER (WHERE is_open), count(*) FILTER (WHERE is_open AND due_at < :now),
           count(*) FILTER (WHERE is_open AND due_at >= :now AND due_at < :day_ends),
           count(*) FILTER (WHERE reported_at < :then AND (is_open OR closed_at >= :then)), count(*) FILTER (WHERE due_at < :then AND (is_open OR closed_at >= :then))
      FROM incident WHERE {MEANT} GROUP BY 1"""
WAITING_BY_GRID = f"""
    SELECT grid_id, count(*), count(*) FILTER (WHERE due_at < :now) FROM incident WHERE is_open AND grid_id IS NOT NULL AND {MEANT} GROUP BY 1"""
TODAY_THEN = f"SELECT count(*) FROM incident WHERE {MEANT} AND reported_at >= :then_day AND reported_at < :then"


def days(session, scope, asked, at):
    return {row[0]: dict(zip(MEASURES, row[1:], strict=True)) for row in session.execute(text(DAYS), asked.binds(at))}


def happened(session, scope, asked, at, *, shown, summed):
    spans = [shown, *summed]
    return Happened(days(session, scope, asked.on(min(first for first, _ in spans), max(after for _, after in spans)), at))


def by_category_and_hour(session, scope, asked, at):
    hours = reported(session, replace(asked, hours=()), at, "extract(hour FROM reported_at AT TIME ZONE :zone)::integer")
    return reported(session, replace(asked, categories=()), at, "category_id"), [hours[hour] for hour in range(24)]


def by_community(session, scope, asked, at):
    return reported(session, asked, at, "community_id")


def by_grid(session, scope, asked, at):
    return {grid: count for grid, count in reported(session, asked, at, "grid_id").items() if grid is not None}


def reported(session, asked, at, key):
    return Counter(dict(session.execute(text(REPORTED.format(key)), asked.binds(at)).all()))


def waiting(session, scope, asked, at):
    rows = session.execute(text(WAITING), asked.binds(at) | waiting_binds(at))
    return {community: dict(zip(statistics.WAITING, counts, strict=True)) for community, *counts in rows}


def waiting_by_grid(session, scope, asked, at):
    rows = session.execute(text(WAITING_BY_GRID), asked.binds(at) | waiting_binds(at))
    return {grid: (still_open, overdue) for grid, still_open, overdue in rows}


def waiting_binds(at):
    return {"then": at.now - WEEK, "day_ends": at.starts(at.today + timedelta(days=1))}


def today_then(session, scope, asked, at):
    then = at.now - WEEK
    binds = asked.binds(at) | {"then": then, "then_day": at.starts(at.today - timedelta(days=7))}
    return session.execute(text(TODAY_THEN), binds).scalar_one()
