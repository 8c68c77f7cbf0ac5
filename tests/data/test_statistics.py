"""Rollups: after any writes they equal a recount, folded or not."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, product
from random import Random

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from data import migrate
from data.database import open_database
from data.queries import rebuilding, statistics
from data.queries.reach import Reach
from data.queries.statistics import MEASURES, WAITING, Asked, parts_of_days, whole_months
from data.scope import Scope
from tests.data import plain_counts

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
            connection.execute("SELECT statistics_fold(), waiting_fold()")


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


WAITS = """count(*) FILTER (WHERE is_open) AS open, count(*) FILTER (WHERE is_open AND due_at < at) AS overdue,
           count(*) FILTER (WHERE reported_at < at - interval '168 hours') AS open_then, count(*) FILTER (WHERE due_at < at - interval '168 hours') AS overdue_then"""
WAITING_COUNTED = f"""
    SELECT * FROM (SELECT coalesce(category_id, 0), community_id, coalesce(hour, 24), {WAITS}
      FROM (SELECT *, hour_of(reported_at, 'Asia/Shanghai') AS hour FROM incident) AS incident, waiting_moment
     WHERE is_open OR closed_at >= at - interval '168 hours'
     GROUP BY community_id, CUBE (category_id, hour)) AS told WHERE (open, overdue, open_then, overdue_then) <> (0, 0, 0, 0) ORDER BY 1, 2, 3"""
WAITING_KEPT = """
    SELECT * FROM (SELECT category_id, community_id, hour, slots[hour + 1], slots[hour + 26], slots[hour + 51], slots[hour + 76]
      FROM slots_waiting, generate_series(0, 24) AS hour) AS told (category_id, community_id, hour, open, overdue, open_then, overdue_then)
     WHERE (open, overdue, open_then, overdue_then) <> (0, 0, 0, 0) ORDER BY 1, 2, 3"""
GRIDS_COUNTED = WAITING_COUNTED.replace("WHERE is_open OR", "WHERE grid_id IS NOT NULL AND (is_open OR").replace(
    "GROUP BY community_id", ") GROUP BY grid_id").replace("community_id", "grid_id")  # fmt: skip
GRIDS_KEPT = """
    SELECT * FROM (SELECT category_id, grid_id, hour, by_grid[at + hour + 1], by_grid[at + hour + 26], by_grid[at + hour + 51], by_grid[at + hour + 76]
      FROM (SELECT category_id, grid_id, (n - 1) * 100 AS at, by_grid FROM slots_waiting_grid, unnest(grids) WITH ORDINALITY AS each (grid_id, n)) AS kept,
           generate_series(0, 24) AS hour) AS told (category_id, grid_id, hour, open, overdue, open_then, overdue_then)
     WHERE (open, overdue, open_then, overdue_then) <> (0, 0, 0, 0) ORDER BY 1, 2, 3"""
CLOCK = "INSERT INTO deployment (key, value) VALUES ('now', to_jsonb(%s::text)) ON CONFLICT (key) DO UPDATE SET value = excluded.value"


@pytest.mark.parametrize("seed", [31, 32, 33])
def test_what_waits_equals_a_plain_count_at_every_fold_while_the_clock_goes_on(fresh, seed):
    random = Random(seed)
    clock = datetime.now(UTC)
    folds = 0
    with fresh.owner() as connection:
        connection.execute(CLOCK, [clock.isoformat()])
        connection.execute("SELECT statistics_mend()")
        for serial in range(1, 90):
            write_something(connection, random, serial)
            if random.random() < 0.3:
                folds += 1
                clock += timedelta(hours=random.choice((0, 1, 7, 40)))
                connection.execute(CLOCK, [clock.isoformat()])
                connection.execute("SELECT waiting_fold()")
                assert connection.execute("SELECT at FROM waiting_moment").fetchone() == (clock,)
                assert connection.execute(WAITING_KEPT).fetchall() == connection.execute(WAITING_COUNTED).fetchall()
                assert connection.execute(GRIDS_KEPT).fetchall() == connection.execute(GRIDS_COUNTED).fetchall()
        assert folds > 15
        assert connection.execute("SELECT waiting_mend()").fetchone() == (0,)
        connection.execute(CLOCK, [(clock - timedelta(days=9)).isoformat()])
        connection.execute("SELECT waiting_mend()")
        assert connection.execute(WAITING_KEPT).fetchall() == connection.execute(WAITING_COUNTED).fetchall()
        assert connection.execute(GRIDS_KEPT).fetchall() == connection.execute(GRIDS_COUNTED).fetchall()


SLOTS_COUNTED = """
    SELECT community_id, (reported_at AT TIME ZONE 'Asia/Shanghai')::date, extract(hour FROM reported_at AT TIME ZONE 'Asia/Shanghai')::bigint, count(*)
      FROM incident GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""
SLOTS_KEPT = """
    SELECT community_id, day, slot - 1, number FROM statistics_hour, unnest(hours) WITH ORDINALITY AS each (number, slot)
     WHERE number <> 0 ORDER BY 1, 2, 3"""


COUNTS = ("days", "by_category_and_hour", "by_community", "by_grid", "waiting", "waiting_by_grid", "today_then")


def everything(session, random, source):
    """Every count of the panels, of the whole ground, a part of it and a grid, of some categories and hours and all, in some periods."""
    at = statistics.moment(session)
    scope = Scope(token="", everything=True)
    communities = sorted([0, *session.scalars(text("SELECT id FROM area WHERE level = 'community'"))])
    grid, community = session.execute(text("SELECT grid_id, community_id FROM incident WHERE grid_id > 0 ORDER BY id LIMIT 1")).one()
    places = {
        "whole": (Reach(None, None, "scope", tuple(communities), whole=True), None),
        "part": (Reach(None, None, "scope", tuple(communities[1:3])), None),
        "grid": (Reach(None, None, "community", (community,)), grid),
    }
    found = {}
    choices = list(product(places.items(), ((), (410,), (410, 420)), ((), (0, 1, 22, 23), (9,)), (1, 40, 200, 370)))
    for (where, (reach, grid)), categories, hours, days in random.sample(choices, 40):
        asked = Asked(reach, at.today - timedelta(days=days), at.today + timedelta(days=1), categories, hours, grid)
        # Communities of a single grid are asked nowhere.
        told = {name: getattr(source, name)(session, scope, asked, at) for name in COUNTS if grid is None or name != "by_community"}
        told["happened"] = happened(session, scope, asked, at, source)
        # The week of what waits ends at the last fold, minutes ago; the test of the folds looks at that.
        told["waiting"] = {
            community: {name: each[name] for name in ("open", "overdue", "due_later_today")} for community, each in told["waiting"].items()
        }
        found |= {(where, categories, hours, days, name): some(each) for name, each in told.items()}
    return at, found


def happened(session, scope, asked, at, source):
    """The last days one by one, the sums of the period, and of one that ended before them."""
    shown = (at.today - timedelta(days=13), at.today + timedelta(days=1))
    summed = [(asked.first, asked.after), (asked.first - timedelta(days=47), asked.after - timedelta(days=40))]
    told = source.happened(session, scope, asked, at, shown=shown, summed=summed)
    return {day: told.between(day, day + timedelta(days=1)) for day in statistics.each_day(*shown)} | {
        each: told.between(*each) for each in summed
    }


def some(counts):
    """Counts by key without the keys of nothing, which a rollup may keep."""
    if not isinstance(counts, dict):
        return counts
    nothing = (0, (0, 0), dict.fromkeys(MEASURES, 0), dict.fromkeys(("open", "overdue", "due_later_today"), 0), dict.fromkeys(WAITING, 0))
    return {key: count for key, count in counts.items() if count not in nothing}


@pytest.mark.parametrize("seed", [41, 42, 43])
def test_every_count_of_the_panels_is_the_same_from_rollups_deltas_and_incidents(fresh, seed):
    random = Random(seed)
    database = open_database(fresh.schema_url, pool_size=1)
    with fresh.owner() as connection:
        connection.execute(CLOCK, [datetime.now(UTC).isoformat()])
        connection.execute("SELECT statistics_mend()")
        for serial in range(1, 120):
            write_something(connection, random, serial)
        connection.commit()
        for step in ("deltas", "folded", "folded"):
            if step == "folded":
                connection.execute(CLOCK, [(datetime.now(UTC) + timedelta(minutes=3)).isoformat()])
                connection.execute("SELECT statistics_fold(), waiting_fold()")
                assert connection.execute(SLOTS_KEPT).fetchall() == connection.execute(SLOTS_COUNTED).fetchall()
                connection.execute(CLOCK, [(datetime.now(UTC) + timedelta(minutes=5)).isoformat()])
                connection.commit()
            with database.unit_of_work() as session:
                at, kept = everything(session, Random(seed), statistics)
                _, counted = everything(session, Random(seed), plain_counts)
            assert at.waiting_is_kept
            assert {key: (kept[key], counted[key]) for key in kept if kept[key] != counted[key]} == {}
    database.close()


MANY = """
    INSERT INTO incident (cell, reported_at, source, source_id, category_id, community_id, grid_id, state, level, on_spot, filed_at, closed_at, due_at)
    SELECT 1, at, 'many', %(name)s || n, (ARRAY[410, 420])[1 + n %% 3 %% 2], place.community_id, place.id,
           CASE n %% 5 WHEN 0 THEN 'filed' WHEN 1 THEN 'not_filed' ELSE 'closed' END, (ARRAY['grid', 'community', 'street'])[1 + n %% 7 %% 3], n %% 11 = 0, at,
           CASE WHEN n %% 5 > 0 THEN at + n %% 97 * interval '1 hour' END, at + n %% 53 * interval '1 hour'
      FROM generate_series(1, %(times)s) AS n, LATERAL (SELECT %(now)s - random() * interval '95 days' + n * interval '0' AS at) AS moment,
           LATERAL (SELECT id, community_id FROM grid ORDER BY id OFFSET n %% (SELECT count(*) FROM grid) LIMIT 1) AS place"""


def test_what_is_chosen_of_many_incidents_is_counted_alike_for_any_days_hours_and_places(fresh):
    """At the moment of a fold, so that the week of what waits is compared, too."""
    random, now = Random(7), datetime.now(UTC)
    database = open_database(fresh.schema_url, pool_size=1)
    with fresh.owner() as connection:
        connection.execute(CLOCK, [now.isoformat()])
        connection.execute("SELECT setseed(0.5)")
        connection.execute(MANY, {"name": "a", "times": 3000, "now": now})
        connection.execute("SELECT statistics_fold(), waiting_fold()")
        connection.execute(MANY, {"name": "b", "times": 200, "now": now})
        # What once lay in a community that its grid has left.
        connection.execute("UPDATE incident SET community_id = 0 WHERE id % 17 = 0 AND NOT is_open")
        assert connection.execute("SELECT count(DISTINCT reported_at) > 3000 FROM incident").fetchone() == (True,)
    with database.unit_of_work() as session:
        at, scope = statistics.moment(session), Scope(token="", everything=True)
        assert at.waiting_is_kept
        communities = sorted(session.scalars(text("SELECT id FROM area WHERE level = 'community'")))
        places = [
            (Reach(None, None, "scope", tuple(communities[:2])), None),
            (Reach(None, None, "scope", (0, *communities), whole=True), None),
            *(
                (Reach(None, None, "community", (row.community_id,)), row.id)
                for row in session.execute(text("SELECT id, community_id FROM grid ORDER BY id LIMIT 2"))
            ),
        ]
        for (reach, grid), length, kinds, hours in product(places, (1, 5, 31, 94), (0, 1, 2), (0, 3, 12)):
            first = at.today - timedelta(days=random.randrange(95 - length // 2))
            asked = Asked(
                reach, first, first + timedelta(days=length), tuple(random.sample((410, 420), kinds)),
                tuple(sorted(random.sample(range(24), hours))), grid,
            )  # fmt: skip
            for name in ("days", "by_category_and_hour", "by_community", "by_grid", "waiting", "waiting_by_grid", "today_then"):
                if grid is None or name != "by_community":
                    kept, counted = (some(getattr(each, name)(session, scope, asked, at)) for each in (statistics, plain_counts))
                    assert kept == counted, (name, asked)
            assert happened(session, scope, asked, at, statistics) == happened(session, scope, asked, at, plain_counts), asked
    database.close()


SPOILT = [
    *(
        (table, "slots[3] = slots[3] + 1")
        for table in (
            "slots_community_day", "slots_community_month", "slots_ground_day", "slots_ground_month", "slots_grid_year", "slots_grid_hour",
            "slots_grid_measures", "slots_grid_month", "slots_grid_category", "slots_waiting",
        )
    ),
    *(
        ("slots_category_month", change)
        for change in ("days[3] = days[3] + 1", "hours[3] = hours[3] + 1", "by_grid[31] = by_grid[31] + 1", "grids = grids || 7, by_grid[1] = by_grid[1] + 1")
    ),
    *(
        ("slots_crossed_month", change)
        for change in ("amounts[1] = amounts[1] + 1", "places = places[2:], amounts = amounts[2:]", "measures[3] = measures[3] + 1", "by_grid[31] = by_grid[31] + 1", "grids = grids || 7")
    ),
    *((table, "by_grid[12] = by_grid[12] + 1") for table in ("slots_category_year", "slots_crossed_year", "slots_waiting_grid")),
]  # fmt: skip
"""Tables of counts, and what makes one of their rows wrong."""


COMPARED = {
    "slots_category_month": "category_id, month, community_id, days, hours",
    "slots_crossed_month": "category_id, month, community_id, places, amounts, measures",
}
"""Of tables in which a grid keeps a place that it once got: all else."""


def kept(connection):
    return {
        table: connection.execute(f"SELECT {COMPARED.get(table, '*')} FROM {table} ORDER BY 1, 2, 3").fetchall()
        for table in rebuilding.ROLLUPS
    }


def test_a_recount_mends_what_a_bulk_load_left_and_nothing_twice(fresh):
    with fresh.owner() as connection:
        for serial in range(1, 30):
            write_something(connection, Random(serial), serial)
        connection.execute("SELECT statistics_fold(), waiting_fold()")
        connection.execute("SELECT statistics_mend()")
        before = kept(connection)
        connection.execute("UPDATE statistics_day SET reported = reported + 1")
        for table, change in SPOILT:
            connection.execute(f"UPDATE {table} SET {change}")
            assert before[table], table
        connection.execute("UPDATE service_reach SET near = near + 1")
        assert connection.execute("SELECT statistics_mend()").fetchone()[0] > 0
        after = kept(connection)
        assert [table for table in rebuilding.ROLLUPS if after[table] != before[table]] == []
        assert connection.execute("SELECT statistics_mend()").fetchone()[0] == 0


def test_a_recount_that_began_before_the_last_fold_finds_nothing_to_mend(fresh):
    with fresh.owner() as recounter, fresh.owner() as folder:
        for serial in range(1, 30):
            write_something(recounter, Random(serial), serial)
        recounter.execute("SELECT statistics_mend()")
        assert recounter.execute("SELECT count(*) FROM slots_waiting").fetchone()[0] > 0
        recounter.commit()
        began = recounter.execute("SELECT now()").fetchone()[0]
        folder.execute("SELECT waiting_fold()")
        folder.commit()
        assert recounter.execute("SELECT at FROM waiting_moment").fetchone()[0] > began
        assert recounter.execute("SELECT waiting_mend()").fetchone()[0] == 0


def test_a_migration_down_and_up_leaves_every_count_as_a_recount_has_it(fresh):
    with fresh.owner() as connection:
        for serial in range(1, 40):
            write_something(connection, Random(serial), serial)
    migrate.downgrade(fresh.schema_url, "0022_categories")
    with fresh.owner() as connection:
        for serial in range(40, 60):
            write_something(connection, Random(serial), serial)
        assert connection.execute("SELECT count(*) FROM statistics_delta").fetchone()[0] > 0
    migrate.upgrade(fresh.schema_url)
    with fresh.owner() as connection:
        connection.execute("SELECT statistics_fold(), waiting_fold()")
        assert connection.execute("SELECT statistics_mend()").fetchone()[0] == 0
        assert all(kept(connection)[table] for table, _ in SPOILT)


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
    for table in (*rebuilding.ROLLUPS, "statistics_delta", "waiting_delta", "waiting_moment"):
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


@given(st.sets(st.dates(date(2025, 12, 20), date(2026, 3, 10))))
def test_days_that_follow_each_other_within_a_month_are_one_part_of_it(days):
    parts = list(parts_of_days(days))
    assert [month + timedelta(days=day - 1) for month, first, last in parts for day in range(first, last + 1)] == sorted(days)
    for (month, _, last), (following, first, _) in pairwise(parts):
        assert month < following or last + 1 < first


PLAIN_REACH = """
    SELECT building.community_id, building.grid_id, sum(households), coalesce(sum(households) FILTER (WHERE EXISTS (
           SELECT FROM facility WHERE kind = 'service_point' AND status = 'working'
              AND ST_DistanceSphere(facility.geom, ST_Centroid(ST_Envelope(building.geom))) <= 670)), 0)
      FROM building WHERE grid_id IS NOT NULL AND households > 0 GROUP BY 1, 2 ORDER BY 1, 2"""


@pytest.mark.parametrize("seed", [51, 52])
def test_homes_in_reach_of_a_service_point_equal_a_plain_count_after_any_changes(fresh, seed):
    random = Random(seed)
    changes = (
        "UPDATE facility SET kind = 'service_point' WHERE id %% 3 = %(n)s %% 3",
        "UPDATE facility SET status = (ARRAY['working', 'faulty', 'removed'])[1 + %(n)s %% 3] WHERE id %% 2 = %(n)s %% 2",
        "UPDATE facility SET geom = ST_Translate(geom, %(n)s * 0.0003 - 0.005, 0.002) WHERE id %% 5 = %(n)s %% 5",
        "UPDATE facility SET name = name || 'x'",
        "DELETE FROM facility WHERE id IN (SELECT id FROM facility ORDER BY random() LIMIT 1)",
        "UPDATE building SET households = %(n)s WHERE id %% 7 = %(n)s %% 7",
        "UPDATE building SET geom = ST_Translate(geom, 0.003, 0) WHERE id %% 7 = %(n)s %% 7",
        "UPDATE building SET grid_id = NULL WHERE id %% 11 = %(n)s %% 11",
        "UPDATE building SET (grid_id, community_id, code) = (SELECT id, community_id, 'new-' || random() || building.id FROM grid ORDER BY random() LIMIT 1)"
        " WHERE id %% 3 = %(n)s %% 3",
        "INSERT INTO facility (cell, qk, community_id, kind, code, name, geom) SELECT cell, qk, community_id, 'service_point',"
        " 'new-' || random(), name, ST_Translate(geom, 0.004, 0) FROM facility ORDER BY random() LIMIT 1",
        "INSERT INTO building (cell, community_id, grid_id, code, address, households, geom) SELECT cell, community_id, grid_id,"
        " 'new-' || random(), address, 5, ST_Translate(geom, 0.004, 0) FROM building ORDER BY random() LIMIT 1",
        "DELETE FROM building WHERE NOT EXISTS (SELECT FROM household WHERE (household.cell, building_id) = (building.cell, building.id))"
        " AND id IN (SELECT id FROM building ORDER BY random() LIMIT 3)",
    )
    near = set()
    with fresh.owner() as connection:
        connection.execute("SELECT setseed(%s)", (seed / 100,))
        for _ in range(60):
            connection.execute(random.choice(changes), {"n": random.randrange(30)})
            counted = connection.execute(PLAIN_REACH).fetchall()
            kept = connection.execute("SELECT * FROM service_reach ORDER BY 1, 2").fetchall()
            assert kept == counted
            near.add(sum(row[3] for row in counted))
        assert len(near) > 5
        assert connection.execute("SELECT reach_mend()").fetchone() == (0,)
        connection.execute("TRUNCATE facility CASCADE")
        assert {row[0] for row in connection.execute("SELECT near FROM service_reach")} <= {0}


def test_a_point_and_a_home_that_appear_at_once_find_each_other(fresh):
    with fresh.owner() as one, fresh.owner() as other:
        one.execute("UPDATE facility SET kind = 'service_point', status = 'working'")
        one.execute("UPDATE building SET households = 0")
        one.commit()
        one.execute("DELETE FROM facility WHERE id <> (SELECT min(id) FROM facility)")
        one.execute("UPDATE facility SET geom = (SELECT ST_Centroid(geom) FROM building WHERE grid_id IS NOT NULL ORDER BY id LIMIT 1)")
        with ThreadPoolExecutor(1) as beside:
            waiting = beside.submit(other.execute, "UPDATE building SET households = 4 WHERE grid_id IS NOT NULL")
            one.commit()
            waiting.result()
        other.commit()
        assert one.execute("SELECT * FROM service_reach ORDER BY 1, 2").fetchall() == one.execute(PLAIN_REACH).fetchall()
