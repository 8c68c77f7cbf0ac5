"""Publication in one transaction: ground, codes, lineage, and all that follows the ground; killed in the middle, nothing."""

import threading
import time

import pytest
import shapely

from api.plans import publish as publishing
from gis.certificate import tiles_exactly
from tests import plan_drafts
from tests.factories import AREAS, TODAY
from tests.plan_drafts import Draft, ring
from tests.publishing import add_incident, approved, asked, failure_of, published, stored


class TestGround:
    def test_a_split_gives_a_new_code_keeps_the_old_and_leaves_lineage(self, fresh, district, work, planner, reviewer):
        published(fresh, district, work, planner, reviewer, plan_drafts.split_of_a1())
        rows = dict(asked(fresh, "SELECT id, code FROM grid WHERE community_id = %s", AREAS["a1"].id))
        assert rows == {810001: "990101001001001", 810002: "990101001001002", 910001: "990101001001003"}
        lineage = asked(fresh, "SELECT from_id, to_id, kind, area_share FROM grid_lineage ORDER BY 1, 2")
        assert [row[:3] for row in lineage] == [(810001, 810001, "split"), (810001, 910001, "split")]
        assert all(row[3] == pytest.approx(0.5, abs=1e-4) for row in lineage)

    def test_every_outline_above_gets_the_vertices_and_each_level_tiles_exactly(self, fresh, district, work, planner, reviewer):
        published(fresh, district, work, planner, reviewer, plan_drafts.split_of_a1())
        with fresh.owner() as connection:
            shapes = {row[0]: shapely.from_wkb(row[1]) for row in connection.execute("SELECT id, ST_AsBinary(geom) FROM area")}
            grids = connection.execute("SELECT community_id, ST_AsBinary(geom) FROM grid WHERE valid_to IS NULL").fetchall()
        for key in ("a1", "b1"):
            own = [shapely.from_wkb(border) for community, border in grids if community == AREAS[key].id]
            assert tiles_exactly(own, shapes[AREAS[key].id])
        assert tiles_exactly([shapes[AREAS[key].id] for key in ("a1", "a2")], shapes[AREAS["a"].id])
        assert tiles_exactly([shapes[AREAS[key].id] for key in ("a", "b")], shapes[AREAS["district"].id])

    def test_grids_that_nobody_touched_stay_as_they_are_to_the_last_byte(self, fresh, district, work, planner, reviewer):
        query = (
            "SELECT id, version, encode(ST_AsEWKB(geom), 'hex'), valid_from FROM grid WHERE id NOT IN (810001, 810005, 910001) ORDER BY id"
        )
        before = asked(fresh, query)
        published(fresh, district, work, planner, reviewer, plan_drafts.split_of_a1())
        assert asked(fresh, query) == before

    def test_a_merged_grid_ends_and_its_code_is_never_given_again(self, fresh, district, work, planner, reviewer):
        published(fresh, district, work, planner, reviewer, plan_drafts.merge_of_a1())
        assert asked(fresh, "SELECT kind, area_share, household_share FROM grid_lineage WHERE from_id = 810002") == [("merge", 1.0, 1.0)]
        assert asked(fresh, "SELECT valid_to IS NOT NULL, households FROM grid WHERE id = 810002") == [(True, 1)]
        assert asked(fresh, "SELECT households FROM grid WHERE id = 810001") == [(2,)]
        again = plan_drafts.Draft(
            grids={810001: ring((0, 0), (2, 0), (2, 2), (0, 2)), 910009: ring((2, 0), (4, 0), (4, 2), (2, 2))},
            new=frozenset({910009}), homes={910009: AREAS["a1"].id},
        )  # fmt: skip
        published(fresh, district, work, planner, reviewer, again)
        assert asked(fresh, "SELECT code FROM grid WHERE id = 910009") == [("990101001001003",)]

    def test_several_new_grids_are_numbered_from_west_to_east_and_north_to_south(self, fresh, district, work, planner, reviewer):
        draft = Draft(
            grids={
                810001: None, 810002: None,
                910001: ring((0, 0), (2, 0), (2, 1), (0, 1)), 910002: ring((0, 1), (2, 1), (2, 2), (0, 2)),
                910003: ring((2, 0), (4, 0), (4, 1), (2, 1)), 910004: ring((2, 1), (4, 1), (4, 2), (2, 2)),
                810003: ring((4, 0), (6, 0), (6, 2), (4, 2), (4, 1)),
            },
            communities=("a1", "a2"), area="a", new=frozenset({910001, 910002, 910003, 910004}), noded=frozenset({810003}),
            homes=dict.fromkeys((910001, 910002, 910003, 910004), AREAS["a1"].id),
        )  # fmt: skip
        draft.grids[910001] = ring((0, 0), (2, 0), (2, 1), (0, 1))
        published(fresh, district, work, planner, reviewer, draft)
        codes = dict(asked(fresh, "SELECT id, right(code, 3) FROM grid WHERE id > 910000"))
        assert codes == {910002: "003", 910004: "004", 910001: "005", 910003: "006"}

    def test_a_draft_that_leaves_a_hole_is_refused_with_the_place_and_changes_nothing(self, fresh, district, work, planner, reviewer):
        draft = plan_drafts.split_of_a1()
        draft.grids[910001] = ring((1, 0), (2, 0), (2, 2))
        plan = stored(fresh, district, draft)
        approved(planner, reviewer, plan)
        reviewer.post(f"/api/v1/plans/{plan}/publish", json={})
        assert publishing.publish(work, plan) == "approved"
        assert failure_of(fresh, plan)["code"] == "coverage-broken"
        assert asked(fresh, "SELECT count(*) FROM grid WHERE id = 910001") == [(0,)]
        outcome = asked(fresh, "SELECT outcome FROM audit WHERE noun = 'plan' AND action = 'publish' AND noun_id = %s", str(plan))
        assert outcome == [("refused",)]


class TestWhatFollows:
    def test_buildings_households_and_facilities_follow_their_ground(self, fresh, district, work, planner, reviewer):
        published(fresh, district, work, planner, reviewer, plan_drafts.merge_of_a1())
        assert asked(fresh, "SELECT DISTINCT grid_id FROM building WHERE community_id = %s", AREAS["a1"].id) == [(810001,)]
        assert asked(fresh, "SELECT DISTINCT grid_id FROM facility WHERE community_id = %s", AREAS["a1"].id) == [(810001,)]

    def test_the_officer_of_most_households_leads_and_the_other_assists_from_that_day(self, fresh, district, work, planner, reviewer):
        with fresh.owner() as connection:
            connection.execute("UPDATE building SET households = 9 WHERE id = %s", (district.own.buildings[1],))
            connection.execute("UPDATE grid SET households = 9 WHERE id = 810002")
            connection.commit()
        published(fresh, district, work, planner, reviewer, plan_drafts.merge_of_a1())
        first, second = district.own.officers
        rows = asked(fresh, "SELECT officer_id, duty FROM assignment WHERE grid_id = 810001 AND upper_inf(valid) ORDER BY duty DESC")
        assert rows == [(second, "main"), (first, "assist")]
        closed = asked(
            fresh, f"SELECT officer_id, upper(valid) = {TODAY}, why FROM assignment WHERE NOT upper_inf(valid) ORDER BY officer_id"
        )
        assert [row[:2] for row in closed] == [(first, True), (second, True)]
        assert all("试验方案" in row[2] for row in closed)

    def test_a_new_grid_takes_the_officer_its_households_came_from(self, fresh, district, work, planner, reviewer):
        published(fresh, district, work, planner, reviewer, plan_drafts.split_of_a1())
        rows = asked(
            fresh, "SELECT grid_id, officer_id, duty FROM assignment WHERE grid_id IN (810001, 910001) AND upper_inf(valid) ORDER BY 1"
        )
        assert rows == [(810001, district.own.officers[0], "main"), (910001, district.own.officers[0], "main")]

    def test_two_publications_on_one_day_leave_each_grid_one_officer(self, fresh, district, work, planner, reviewer):
        published(fresh, district, work, planner, reviewer, plan_drafts.split_of_a1())
        back = Draft(grids={810001: ring((0, 0), (1, 0), (2, 0), (2, 2), (1, 2), (0, 2)), 910001: None})
        published(fresh, district, work, planner, reviewer, back)
        rows = asked(fresh, f"SELECT grid_id, duty FROM assignment WHERE valid @> {TODAY} AND grid_id = 810001")
        assert rows == [(810001, "main")]

    def test_open_incidents_are_placed_anew_with_a_record_and_closed_ones_keep_theirs(self, fresh, district, work, planner, reviewer):
        home = AREAS["a1"].id
        with fresh.owner() as connection:
            add_incident(connection, 1, 0.5, 1, 810001, home)
            add_incident(connection, 2, 1.5, 1, 810001, home)
            add_incident(connection, 3, 1.6, 1, 810001, home, state="closed")
            add_incident(connection, 4, 0.5, 1, 810002, home, placed_by="hand")
            add_incident(connection, 5, 1.5, 1.001, 810001, home, placed_by="hand")
            connection.commit()
        published(fresh, district, work, planner, reviewer, plan_drafts.split_of_a1())
        rows = {row[0]: row[1:] for row in asked(fresh, "SELECT id, grid_id, grid_version, placed_by, version FROM incident WHERE id < 10")}
        assert rows[1] == (810001, 2, "covers", 1)
        assert rows[2] == (910001, 1, "covers", 2)
        assert rows[3] == (810001, 1, "covers", 1)
        assert rows[4] == (810002, 1, "hand", 1)
        assert rows[5] == (910001, 1, "hand", 2)
        log = asked(fresh, "SELECT incident_id, action, from_state, to_state, note FROM incident_log WHERE incident_id < 10 ORDER BY 1")
        assert [row[:4] for row in log] == [(2, "replan", "handling", "handling"), (5, "replan", "handling", "handling")]
        assert "试验方案" in log[0][4]
        past = asked(fresh, "SELECT grid_id, grid_version FROM incident_placement WHERE incident_id = 2")
        assert past == [(810001, 1)]
        distance = asked(fresh, "SELECT border_distance_m, ambiguous FROM incident WHERE id = 2")[0]
        assert 0 < distance[0] <= 200 and not distance[1]

    def test_an_incident_that_came_in_by_the_old_borders_meanwhile_is_placed_anew(self, fresh, district, work, planner, reviewer):
        published(fresh, district, work, planner, reviewer, plan_drafts.split_of_a1())
        with fresh.owner() as connection:
            add_incident(connection, 7, 1.5, 1, 810001, AREAS["a1"].id)
            connection.commit()
        assert publishing.settle(work) == 1
        assert asked(fresh, "SELECT grid_id, grid_version FROM incident WHERE id = 7") == [(910001, 1)]
        assert publishing.settle(work) == 0

    def test_statistics_stay_right_without_a_recount(self, fresh, district, work, planner, reviewer):
        with fresh.owner() as connection:
            for number in range(1, 6):
                add_incident(connection, number, 1.5, 1 + number / 100, 810001, AREAS["a1"].id)
            connection.commit()
        published(fresh, district, work, planner, reviewer, plan_drafts.split_of_a1())
        with fresh.owner() as connection:
            connection.execute("SELECT statistics_fold()")
            assert connection.execute("SELECT statistics_mend()").fetchone() == (0,)


class TestTrouble:
    def test_a_publication_killed_in_the_middle_leaves_nothing_and_is_done_again(self, fresh, district, work, planner, reviewer):
        with fresh.owner() as connection:
            add_incident(connection, 2, 1.5, 1, 810001, AREAS["a1"].id)
            connection.commit()
        plan = stored(fresh, district, plan_drafts.split_of_a1())
        approved(planner, reviewer, plan)
        reviewer.post(f"/api/v1/plans/{plan}/publish", json={})
        tables = ("grid", "grid_past", "grid_lineage", "area", "area_past", "building", "assignment", "incident", "incident_log", "outbox")
        counts = " UNION ALL ".join(f"SELECT count(*), md5(string_agg(t::text, '' ORDER BY t::text)) FROM {table} AS t" for table in tables)
        before = asked(fresh, counts)
        failed: list[BaseException] = []

        def attempt() -> None:
            try:
                publishing.publish(work, plan)
            except Exception as error:  # noqa: BLE001  what the killed connection says is looked at below
                failed.append(error)

        with fresh.owner() as blocker, fresh.owner() as watcher:
            # The last thing a publication writes before it ends: by then all the ground has moved in its transaction.
            blocker.execute("SELECT FROM incident WHERE id = 2 FOR UPDATE")
            thread = threading.Thread(target=attempt)
            thread.start()
            victim = None
            deadline = time.monotonic() + 30
            while victim is None and time.monotonic() < deadline:
                watcher.rollback()
                row = watcher.execute(
                    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query ~ 'incident'"
                ).fetchone()
                victim = row[0] if row else None
            assert victim is not None, "the publication waits in its middle"
            watcher.execute("SELECT pg_terminate_backend(%s)", (victim,))
            thread.join(timeout=30)
            blocker.rollback()
        assert failed and "Operational" in type(failed[0]).__name__
        assert asked(fresh, counts) == before
        assert publishing.publish_due(work) == [plan]
        assert asked(fresh, "SELECT grid_id FROM incident WHERE id = 2") == [(910001,)]

    def test_a_publication_asked_for_twice_happens_once(self, fresh, district, work, planner, reviewer):
        plan = published(fresh, district, work, planner, reviewer, plan_drafts.split_of_a1())
        rows = asked(fresh, "SELECT count(*) FROM grid_past")
        assert publishing.publish(work, plan) == "published"
        assert asked(fresh, "SELECT count(*) FROM grid_past") == rows
