"""Rollups: after any writes they equal a recount, folded or not."""

from datetime import date
from random import Random

import psycopg
import pytest

from data.queries import rebuilding
from data.queries.statistics import MEASURES, whole_months

STATES = ("reported", "filed", "handling", "suspended", "closed", "not_filed")
RECOUNT = """
    SELECT (SELECT coalesce(sum(abs(reported) + abs(ended) + abs(due)), 0) FROM statistics_day) AS cells, statistics_mend() AS differing
"""


def write_something(connection: psycopg.Connection, random: Random, serial: int) -> None:
    """One write of a kind that happens: a report, a change of state, a move, a merge, a removal, several at once."""
    kind = random.choice(("report", "report", "state", "move", "merge", "remove", "many", "fold"))
    number = random.randrange(1, serial + 1)
    state = random.choice(STATES)
    match kind:
        case "report":
            connection.execute(
                "INSERT INTO incident (cell, reported_at, source, source_id, category_id, community_id, grid_id, state, closed_at, due_at, on_spot)"
                " SELECT 1, at, 'random', %(serial)s, %(category)s, community_id, id, %(state)s,"
                "        CASE WHEN %(state)s IN ('closed', 'not_filed') THEN at + interval '3 hours' * %(n)s END, at + interval '1 day', %(n)s > 5"
                "   FROM grid, (SELECT now() - interval '5 hours' * %(back)s AS at) AS moment ORDER BY random() LIMIT 1",
                {
                    "serial": str(serial),
                    "category": random.choice((410, 420)),
                    "state": state,
                    "n": random.randrange(12),
                    "back": random.randrange(900),
                },
            )
        case "state":
            connection.execute(
                "UPDATE incident SET state = %s, closed_at = CASE WHEN %s IN ('closed', 'not_filed') THEN now() END, filed_at = now(),"
                " level = 'street', suspended_s = 60 WHERE source = 'random' AND source_id = %s",
                (state, state, str(number)),
            )
        case "move":
            connection.execute(
                "UPDATE incident SET (grid_id, community_id) = (SELECT id, community_id FROM grid ORDER BY random() LIMIT 1), category_id = 420"
                " WHERE source_id = %s",
                (str(number),),
            )
        case "merge":
            connection.execute(
                "UPDATE incident SET duplicate_of = 1, state = 'closed', closed_at = now() WHERE source_id = %s", (str(number),)
            )
        case "remove":
            connection.execute("DELETE FROM incident WHERE source_id = %s", (str(number),))
        case "many":
            connection.execute(
                "UPDATE incident SET due_at = due_at + interval '1 day', grid_id = NULL, community_id = 0 WHERE id %% 7 = %s", (number % 7,)
            )
        case "fold":
            connection.execute("SELECT statistics_fold()")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_rollups_equal_a_recount_after_any_writes(fresh, seed):
    random = Random(seed)
    with fresh.owner() as connection:
        for serial in range(1, 90):
            write_something(connection, random, serial)
        cells, differing = connection.execute(RECOUNT).fetchone()
        assert differing == 0
        connection.execute("SELECT statistics_fold()")
        cells, differing = connection.execute(RECOUNT).fetchone()
        assert cells > 0
        assert differing == 0


WHOLE_COUNTED = f"""SELECT day, {", ".join(f"sum({measure})" for measure in MEASURES)} FROM statistics_day GROUP BY day ORDER BY day"""
WHOLE_KEPT = f"SELECT day, {', '.join(MEASURES)} FROM statistics_whole_day ORDER BY day"


def test_days_of_the_whole_ground_equal_the_sum_of_its_communities_after_any_writes(fresh):
    random = Random(21)
    with fresh.owner() as connection:
        for serial in range(1, 90):
            write_something(connection, random, serial)
        connection.execute("SELECT statistics_fold()")
        counted = connection.execute(WHOLE_COUNTED).fetchall()
        assert len(counted) > 20
        assert connection.execute(WHOLE_KEPT).fetchall() == counted
        connection.execute("DELETE FROM statistics_day WHERE community_id = 7111")
        connection.execute("UPDATE statistics_day SET reported = reported + 3, day = day + 3000 WHERE community_id = 7112")
        counted, kept = ([row for row in connection.execute(told) if any(row[1:])] for told in (WHOLE_COUNTED, WHOLE_KEPT))
        assert kept == counted
        connection.execute("TRUNCATE statistics_day")
        assert connection.execute(WHOLE_KEPT).fetchall() == []


def test_a_recount_mends_what_a_bulk_load_left_and_nothing_twice(fresh):
    with fresh.owner() as connection:
        connection.execute("DELETE FROM statistics_delta")
        connection.execute("UPDATE statistics_day SET reported = reported + 1")
        assert connection.execute("SELECT statistics_mend()").fetchone()[0] > 0
        assert connection.execute("SELECT statistics_mend()").fetchone()[0] == 0


CELLS_COUNTED = """
    SELECT deep, kind, qk >> 2 * (24 - deep), community_id, count(*)::integer, (count(*) FILTER (WHERE state NOT IN ('closed', 'not_filed')))::integer
      FROM incident, generate_series(13, 20) AS deep, unnest(ARRAY[0, category_id]) AS kind
     WHERE qk IS NOT NULL AND (kind = 0 OR deep <= 17)
     GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""
CELLS_KEPT = "SELECT level, category_id, cell, community_id, n, open_n FROM incident_bin ORDER BY 1, 2, 3, 4"
DAYS_COUNTED = """
    SELECT community_id, (reported_at AT TIME ZONE 'Asia/Shanghai')::date, count(*) FROM incident GROUP BY 1, 2 ORDER BY 1, 2
"""
DAYS_KEPT = """
    SELECT community_id, day, sum(reported) FROM (SELECT community_id, day, reported FROM statistics_day
     UNION ALL SELECT community_id, day, reported FROM statistics_delta) AS told GROUP BY 1, 2 HAVING sum(reported) <> 0 ORDER BY 1, 2
"""


@pytest.mark.parametrize("seed", [11, 12])
def test_days_and_map_cells_equal_a_plain_count_of_the_incidents_after_any_writes(fresh, seed):
    random = Random(seed)
    with fresh.owner() as connection:
        for serial in range(1, 70):
            write_something(connection, random, serial)
            connection.execute(
                "UPDATE incident SET place = ST_SetSRID(ST_MakePoint(113 + random(), 28 + random()), 4490), qk = (random() * 2 ^ 40)::bigint"
                " WHERE source = 'random' AND id %% 3 = %s",
                [random.randrange(3)],
            )
            if random.random() < 0.1:
                connection.execute("SELECT fold_incident_bins(1)")
        assert connection.execute(DAYS_KEPT).fetchall() == connection.execute(DAYS_COUNTED).fetchall()
        connection.execute("SELECT fold_incident_bins(1)")
        counted = connection.execute(CELLS_COUNTED).fetchall()
        assert len(counted) > 100
        assert connection.execute(CELLS_KEPT).fetchall() == counted


def test_a_rebuild_tells_what_differed_and_leaves_nothing_to_mend(fresh):
    with fresh.owner() as connection:
        for serial in range(1, 20):
            write_something(connection, Random(serial), serial)
        connection.execute("SELECT fold_incident_bins(1)")
        connection.execute("UPDATE incident_bin SET n = n + 1 WHERE level = 13 AND category_id = 0")
        connection.execute("UPDATE statistics_day SET reported = reported + 1")
        spoilt = connection.execute("SELECT count(*) FROM incident_bin WHERE level = 13 AND category_id = 0").fetchone()[0]
        connection.commit()
    assert rebuilding.cells(fresh.schema_url).differed == spoilt > 0
    assert rebuilding.statistics(fresh.schema_url).differed > 0
    assert (rebuilding.cells(fresh.schema_url).differed, rebuilding.statistics(fresh.schema_url).differed) == (0, 0)


def test_writers_beside_a_fold_lose_nothing(fresh):
    with fresh.owner() as writer, fresh.owner() as folder:
        write_something(writer, Random(5), 1)
        writer.execute("UPDATE incident SET state = 'filed' WHERE state = 'handling'")
        folder.execute("SELECT statistics_fold()")
        folder.commit()
        writer.commit()
        assert folder.execute("SELECT statistics_mend()").fetchone()[0] == 0


def test_the_application_cannot_change_a_count(fresh):
    for table in ("statistics_day", "statistics_month", "statistics_grid_month", "statistics_delta"):
        with fresh.as_app() as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"DELETE FROM {table}")
    with fresh.as_app() as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT statistics_mend()")


@pytest.mark.parametrize(
    ("first", "after", "months", "edges"),
    [
        (date(2026, 1, 1), date(2026, 3, 1), (date(2026, 1, 1), date(2026, 3, 1)), []),
        (
            date(2026, 1, 2),
            date(2026, 3, 5),
            (date(2026, 2, 1), date(2026, 3, 1)),
            [(date(2026, 1, 2), date(2026, 2, 1)), (date(2026, 3, 1), date(2026, 3, 5))],
        ),
        (date(2026, 1, 2), date(2026, 2, 5), None, [(date(2026, 1, 2), date(2026, 2, 5))]),
        (date(2025, 12, 31), date(2026, 1, 1), None, [(date(2025, 12, 31), date(2026, 1, 1))]),
    ],
)
def test_a_period_is_cut_into_whole_months_and_edges(first, after, months, edges):
    assert whole_months(first, after) == (months, edges)
