"""A plan's way from a draft to the ground: review by another person, publication in one transaction, and back again."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import shapely

from api.analyses.question import QuestionIn, complete
from api.analyses.study import read
from api.plans import publish as publishing
from api.work import Work
from gis.certificate import tiles_exactly
from tests import plan_drafts
from tests.factories import AREAS, CELL, SOUTH, TODAY, WEST
from tests.plan_drafts import Draft, ring


@pytest.fixture
def work(fresh) -> Iterator[Work]:
    made = Work(fresh.schema_url)
    yield made
    made.close()


@pytest.fixture
def planner(fresh_client):
    return fresh_client("planner", "district")


@pytest.fixture
def reviewer(fresh_client):
    return fresh_client("planner", "a")


def stored(fresh, district, draft: Draft) -> int:
    with fresh.owner() as connection:
        plan = plan_drafts.store(connection, district, draft)
        connection.commit()
    return plan


def approved(planner, reviewer, plan: int) -> None:
    assert planner.post(f"/api/v1/plans/{plan}/submit").status_code == 200
    assert reviewer.post(f"/api/v1/plans/{plan}/approve", json={"note": "同意"}).status_code == 200


def published(fresh, district, work, planner, reviewer, draft: Draft, at: datetime | None = None) -> int:
    plan = stored(fresh, district, draft)
    approved(planner, reviewer, plan)
    answer = reviewer.post(f"/api/v1/plans/{plan}/publish", json={"effective_at": None if at is None else at.isoformat()})
    assert answer.status_code == 202
    assert answer.json()["state"] == "publishing"
    assert publishing.publish(work, plan) == "published", failure_of(fresh, plan)
    return plan


def asked(fresh, query: str, *values):
    with fresh.owner() as connection:
        return connection.execute(query, values).fetchall()


def failure_of(fresh, plan: int):
    return asked(fresh, "SELECT failure FROM plan WHERE id = %s", plan)[0][0]


def add_incident(connection, id: int, x: float, y: float, grid: int, community: int, **more) -> None:
    """An open incident at a place in halves of a grid."""
    lon, lat = WEST + x * CELL / 2, SOUTH + y * CELL / 2
    row = {"placed_by": "covers", "state": "handling", "building_id": None, "days_ago": 2} | more
    connection.execute(
        "INSERT INTO incident (cell, id, reported_at, source, source_id, category_id, place, qk, community_id, grid_id, grid_version, placed_by,"
        " state, closed_at, building_id) VALUES (1, %s, now() - make_interval(days => %s), 'test', %s, 410, ST_SetSRID(ST_MakePoint(%s, %s), 4490), 1,"
        " %s, %s, 1, %s, %s, %s, %s)",
        (id, row["days_ago"], f"N{id}", lon, lat, community, grid, row["placed_by"], row["state"], datetime.now(UTC) if row["state"] == "closed" else None,
         row["building_id"]),
    )  # fmt: skip


class TestReview:
    def test_a_plan_goes_from_draft_to_published_and_every_step_is_in_the_trail(self, fresh, district, work, planner, reviewer):
        plan = published(fresh, district, work, planner, reviewer, plan_drafts.split_of_a1())
        steps = asked(fresh, "SELECT action, person_id FROM audit WHERE noun = 'plan' AND noun_id = %s ORDER BY id", str(plan))
        assert [action for action, _ in steps] == ["submit", "approve", "ask_publish", "publish"]
        assert steps[0][1] == district.people["planner", "district"]
        assert steps[1][1] == district.people["planner", "a"]
        told = planner.get(f"/api/v1/plans/{plan}").json()
        assert told["state"] == "published" and told["published_at"] and told["effective_at"] and told["decision_note"] == "同意"

    def test_who_submitted_a_plan_does_not_decide_on_it(self, fresh, district, planner):
        plan = stored(fresh, district, plan_drafts.split_of_a1())
        planner.post(f"/api/v1/plans/{plan}/submit")
        refused = planner.post(f"/api/v1/plans/{plan}/approve", json={})
        assert refused.status_code == 403
        assert refused.json()["reason"] == "own_plan"

    def test_the_database_itself_refuses_a_decision_on_ones_own_plan(self, fresh, district):
        plan = stored(fresh, district, plan_drafts.split_of_a1())
        person = district.people["planner", "district"]
        with fresh.owner() as connection, pytest.raises(Exception, match="plan_decided_by_another"):
            connection.execute(
                "UPDATE plan SET state = 'approved', submitted_by = %s, decided_by = %s WHERE id = %s", (person, person, plan)
            )

    def test_a_returned_plan_is_a_draft_again_with_the_reason(self, fresh, district, planner, reviewer):
        plan = stored(fresh, district, plan_drafts.split_of_a1())
        planner.post(f"/api/v1/plans/{plan}/submit")
        assert reviewer.post(f"/api/v1/plans/{plan}/return", json={"reason": "   "}).status_code == 422
        told = reviewer.post(f"/api/v1/plans/{plan}/return", json={"reason": "边界应沿枫桥路"}).json()
        assert (told["state"], told["decision_note"]) == ("draft", "边界应沿枫桥路")

    @pytest.mark.parametrize(
        ("state", "action"),
        [("draft", "approve"), ("draft", "publish"), ("draft", "reverse"), ("submitted", "submit"), ("submitted", "publish"),
         ("approved", "submit"), ("approved", "approve"), ("withdrawn", "submit"), ("published", "publish")],
    )  # fmt: skip
    def test_an_action_that_the_state_does_not_permit_is_refused_and_says_so(self, fresh, district, reviewer, state, action):
        plan = stored(fresh, district, plan_drafts.split_of_a1())
        with fresh.owner() as connection:
            people = (district.people["planner", "district"], district.people["planner", "a"])
            connection.execute("UPDATE plan SET state = %s, submitted_by = %s, decided_by = %s WHERE id = %s", (state, *people, plan))
            connection.commit()
        refused = reviewer.post(f"/api/v1/plans/{plan}/{action}", json=None if action in ("submit", "reverse") else {})
        assert refused.status_code == 409
        assert refused.json()["type"] == "/problems/transition-refused"
        assert refused.json()["state"] == state

    def test_a_plan_that_changes_nothing_is_not_submitted(self, fresh, district, planner):
        plan = stored(fresh, district, Draft())
        refused = planner.post(f"/api/v1/plans/{plan}/submit")
        assert (refused.status_code, refused.json()["reason"]) == (422, "nothing_changes")

    def test_somebody_who_only_looks_neither_submits_nor_decides(self, fresh, district, planner, fresh_client):
        plan = stored(fresh, district, plan_drafts.split_of_a1())
        analyst = fresh_client("analyst", "district")
        assert analyst.post(f"/api/v1/plans/{plan}/submit").status_code == 403
        planner.post(f"/api/v1/plans/{plan}/submit")
        assert analyst.post(f"/api/v1/plans/{plan}/approve", json={}).status_code == 403
        assert fresh_client("planner", "b").post(f"/api/v1/plans/{plan}/approve", json={}).status_code == 404

    def test_a_plan_with_a_date_waits_for_it(self, fresh, district, work, planner, reviewer):
        plan = stored(fresh, district, plan_drafts.split_of_a1())
        approved(planner, reviewer, plan)
        day = datetime.now(UTC) + timedelta(days=3)
        assert reviewer.post(f"/api/v1/plans/{plan}/publish", json={"effective_at": day.isoformat()}).status_code == 202
        assert publishing.publish_due(work) == []
        assert publishing.publish(work, plan) == "publishing"
        with fresh.owner() as connection:
            connection.execute("UPDATE plan SET effective_at = now() - interval '1 hour' WHERE id = %s", (plan,))
            connection.commit()
        assert publishing.publish_due(work) == [plan]
        rows = asked(fresh, "SELECT valid_from FROM grid WHERE id IN (810001, 910001)")
        assert {row[0] for row in rows} == {asked(fresh, "SELECT effective_at FROM plan WHERE id = %s", plan)[0][0]}

    def test_a_plan_that_waits_for_its_date_can_be_called_off(self, fresh, district, work, planner, reviewer):
        plan = stored(fresh, district, plan_drafts.split_of_a1())
        approved(planner, reviewer, plan)
        day = datetime.now(UTC) + timedelta(days=3)
        reviewer.post(f"/api/v1/plans/{plan}/publish", json={"effective_at": day.isoformat()})
        assert reviewer.post(f"/api/v1/plans/{plan}/return", json={"reason": "缓行"}).json()["state"] == "draft"
        assert publishing.publish(work, plan) == "draft"

    def test_a_date_without_a_time_zone_is_refused(self, fresh, district, planner, reviewer):
        plan = stored(fresh, district, plan_drafts.split_of_a1())
        approved(planner, reviewer, plan)
        assert reviewer.post(f"/api/v1/plans/{plan}/publish", json={"effective_at": "2026-12-01T00:00:00"}).status_code == 422


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


class TestCommunities:
    def merged(self, a: str = "a1", into: str = "a2") -> Draft:
        return Draft(
            area="a", communities=("a1", "a2"), homes=dict.fromkeys((810001, 810002), AREAS[into].id),
            grids={810001: ring((0, 0), (2, 0), (2, 2), (0, 2)), 810002: ring((2, 0), (4, 0), (4, 2), (2, 2))},
            areas=[(AREAS[a].id, "a", AREAS[a].name, False, True)],
        )  # fmt: skip

    def test_a_merged_community_takes_homes_people_and_open_incidents_with_it(self, fresh, district, work, planner, reviewer):
        published(fresh, district, work, planner, reviewer, self.merged())
        into = AREAS["a2"].id
        for table in ("building", "household", "resident", "care", "facility", "officer"):
            assert asked(fresh, f"SELECT count(*) FROM {table} WHERE community_id = %s", AREAS["a1"].id) == [(0,)], table
            assert asked(fresh, f"SELECT count(*) FROM {table} WHERE community_id = %s", into) == [(4,)], table
        assert asked(fresh, "SELECT valid_to IS NOT NULL FROM area WHERE id = %s", AREAS["a1"].id) == [(True,)]
        assert asked(fresh, "SELECT kind, area_share, household_share FROM area_lineage") == [("merge", pytest.approx(1), 1.0)]
        opened, closed = district.own.incidents
        assert asked(fresh, "SELECT community_id FROM incident WHERE id = %s", opened) == [(into,)]
        assert asked(fresh, "SELECT community_id FROM incident WHERE id = %s", closed) == [(AREAS["a1"].id,)]
        assert asked(fresh, "SELECT DISTINCT community_id FROM incident_log WHERE incident_id = %s", opened) == [(into,)]
        assert asked(fresh, "SELECT community_id FROM intake WHERE incident_id = %s", opened) == [(into,)]
        codes = [row[0] for row in asked(fresh, "SELECT code FROM building WHERE community_id = %s ORDER BY code", into)]
        assert codes == ["00001", "00002", "00003", "00004"]

    def test_people_of_a_merged_community_see_their_ground_and_its_history(self, fresh, district, work, planner, reviewer, fresh_client):
        published(fresh, district, work, planner, reviewer, self.merged())
        seen = {item["id"] for item in fresh_client("clerk", "a1").get("/api/v1/grids").json()["items"]}
        assert {810001, 810002} <= seen
        history = fresh_client("clerk", "a2").get(f"/api/v1/incidents/{district.own.incidents[1]}")
        assert history.status_code == 200

    def test_a_new_community_gets_the_next_code_and_those_who_saw_its_ground_see_it(
        self, fresh, district, work, planner, reviewer, fresh_client
    ):
        draft = Draft(
            homes={810002: 7999}, grids={810002: ring((2, 0), (4, 0), (4, 2), (2, 2))}, areas=[(7999, "a", "枫三社区", True, False)]
        )
        published(fresh, district, work, planner, reviewer, draft)
        assert asked(fresh, "SELECT code, level, name FROM area WHERE id = 7999") == [("990101001003", "community", "枫三社区")]
        assert asked(fresh, "SELECT kind, household_share FROM area_lineage") == [("split", 0.5)]
        seen = {item["id"] for item in fresh_client("clerk", "a1").get("/api/v1/grids").json()["items"]}
        assert seen == {810001, 810002}
        assert asked(fresh, "SELECT code FROM grid WHERE id = 810002") == [("990101001001002",)]

    def test_grids_of_another_scheme_follow(self, fresh, district, work, planner, reviewer):
        with fresh.owner() as connection:
            connection.execute(
                "INSERT INTO scheme (id, code, name, code_pattern) VALUES (10, 'units', '单元网格', '{community}U{serial:03d}')"
            )
            for key, number in (("a1", 1), ("a2", 2), ("b1", 3), ("b2", 4)):
                connection.execute(
                    "INSERT INTO grid (id, scheme_id, community_id, code, name, geom, valid_from)"
                    " SELECT %s, 10, id, code || 'U001', name, geom, '2020-01-01' FROM area WHERE id = %s",
                    (920000 + number, AREAS[key].id),
                )
            connection.commit()
        published(fresh, district, work, planner, reviewer, plan_drafts.split_of_a1())
        points = asked(fresh, "SELECT id, ST_NPoints(geom), version FROM grid WHERE scheme_id = 10 ORDER BY id")
        assert points == [(920001, 9, 2), (920002, 7, 1), (920003, 8, 2), (920004, 7, 1)]
        moved = Draft(
            area="a", communities=("a1", "a2"), homes={810002: AREAS["a2"].id}, grids={810002: ring((2, 0), (4, 0), (4, 2), (2, 2))}
        )
        published(fresh, district, work, planner, reviewer, moved)
        homes = dict(asked(fresh, "SELECT id, community_id FROM grid WHERE scheme_id = 10 AND valid_to IS NULL"))
        assert homes[920001] == AREAS["a1"].id and homes[920002] == AREAS["a2"].id
        areas = dict(asked(fresh, "SELECT id, ST_Area(geom) / %s FROM grid WHERE scheme_id = 10", CELL**2))
        assert (areas[920001], areas[920002]) == (pytest.approx(1), pytest.approx(3))

    def test_a_community_that_would_end_with_grids_left_is_refused(self, fresh, district, work, planner, reviewer):
        draft = self.merged()
        del draft.grids[810002], draft.homes[810002]
        plan = stored(fresh, district, draft)
        approved(planner, reviewer, plan)
        reviewer.post(f"/api/v1/plans/{plan}/publish", json={})
        assert publishing.publish(work, plan) == "approved"
        assert failure_of(fresh, plan)["facts"]["reason"] == "not_empty"


class TestTwoPlans:
    def test_the_second_plan_over_ground_that_only_gained_vertices_is_rebased(self, fresh, district, work, planner, reviewer):
        """Both drafts were copied from the same ground; the first gives the second's grid a vertex on their common border."""
        upper = Draft(
            area="b1", communities=("b1",), by=("planner", "district"),
            grids={
                810005: ring((0, 2), (2, 2), (2, 3), (0, 3)), 910002: ring((0, 3), (2, 3), (2, 4), (0, 4)),
                810006: ring((2, 2), (4, 2), (4, 4), (2, 4), (2, 3)),
            },
            new=frozenset({910002}), noded=frozenset({810006}), homes={910002: AREAS["b1"].id},
        )  # fmt: skip
        second = stored(fresh, district, upper)
        published(fresh, district, work, planner, reviewer, plan_drafts.split_of_a1())
        planner.post(f"/api/v1/plans/{second}/submit")
        with fresh.owner() as connection:
            connection.execute(
                "UPDATE plan SET state = 'publishing', decided_by = %s WHERE id = %s", (district.people["planner", "b"], second)
            )
            connection.commit()
        assert publishing.publish(work, second) == "published", failure_of(fresh, second)
        points = asked(fresh, "SELECT ST_NPoints(geom) FROM grid WHERE id = 810005")
        assert points == [(6,)]

    def test_the_second_plan_over_the_same_grid_is_refused_with_the_list_and_can_be_returned(
        self, fresh, district, work, planner, reviewer
    ):
        second = stored(fresh, district, plan_drafts.merge_of_a1())
        approved(planner, reviewer, second)
        published(fresh, district, work, planner, reviewer, plan_drafts.split_of_a1())
        reviewer.post(f"/api/v1/plans/{second}/publish", json={})
        assert publishing.publish(work, second) == "approved"
        failure = failure_of(fresh, second)
        assert failure["code"] == "stale-version"
        assert [(each["id"], each["yours"], each["now"]) for each in failure["facts"]["grids"]] == [(810001, 1, 2)]
        told = planner.get(f"/api/v1/plans/{second}").json()
        assert (told["state"], told["failure"]["code"]) == ("approved", "stale-version")
        assert reviewer.post(f"/api/v1/plans/{second}/return", json={"reason": "重做"}).json()["state"] == "draft"

    def test_vertices_for_a_neighbour_that_was_divided_meanwhile_go_to_whoever_holds_the_border(
        self, fresh, district, work, planner, reviewer
    ):
        lower = stored(fresh, district, plan_drafts.split_of_a1())
        upper = Draft(
            area="b1", communities=("b1",), homes={910002: AREAS["b1"].id},
            grids={
                810005: ring((0, 3), (2, 3), (2, 4), (0, 4)), 910002: ring((0, 2), (2, 2), (2, 3), (0, 3)),
                810006: ring((2, 2), (4, 2), (4, 4), (2, 4), (2, 3)),
            },
            new=frozenset({910002}), noded=frozenset({810006}),
        )  # fmt: skip
        plan = stored(fresh, district, upper)
        with fresh.owner() as connection:
            people = (district.people["planner", "district"], district.people["planner", "b"])
            for each in (plan, lower):
                connection.execute(
                    "UPDATE plan SET state = 'publishing', submitted_by = %s, decided_by = %s WHERE id = %s", (*people, each)
                )
            connection.commit()
        assert publishing.publish(work, plan) == "published", failure_of(fresh, plan)
        assert publishing.publish(work, lower) == "published", failure_of(fresh, lower)
        assert asked(fresh, "SELECT ST_NPoints(geom) FROM grid WHERE id = 910002") == [(6,)]


class TestTime:
    def test_the_day_before_shows_the_old_grids_and_the_day_after_the_new(self, fresh, district, work, planner, reviewer):
        before = datetime.now(UTC)
        published(fresh, district, work, planner, reviewer, plan_drafts.merge_of_a1())
        old = planner.get("/api/v1/grids", params={"area": "990101001001", "as_of": before.isoformat()}).json()["items"]
        new = planner.get("/api/v1/grids", params={"area": "990101001001"}).json()["items"]
        assert [(item["id"], item["households"]) for item in old] == [(810001, 1), (810002, 1)]
        assert [(item["id"], item["households"]) for item in new] == [(810001, 2)]
        assert sum(item["area_m2"] for item in old) == pytest.approx(new[0]["area_m2"], rel=1e-9)

    def test_reports_by_todays_grids_count_ended_incidents_where_they_lie(self, fresh, district, work, planner, reviewer):
        home = AREAS["a1"].id
        with fresh.owner() as connection:
            for number in range(1, 7):
                add_incident(connection, number, 1.5, 1 + number / 100, 810001, home, state="closed")
            add_incident(connection, 7, 0.5, 1, 810001, home, state="closed")
            connection.execute("UPDATE grid SET households = 1000")
            connection.commit()

        def rates() -> dict[str, float]:
            told = planner.get("/api/v1/fills", params={"metric": "rate", "area": AREAS["a1"].code}).json()
            assert "values" in told, told
            return {id: value for id, value in told["values"].items() if value}

        before = rates()
        published(fresh, district, work, planner, reviewer, plan_drafts.split_of_a1())
        with fresh.owner() as connection:
            connection.execute("UPDATE grid SET households = 1000")
            connection.commit()
        after = rates()
        assert before["810001"] == 8 and after["910001"] == 6 and after["810001"] == 2
        assert sum(before.values()) == pytest.approx(sum(after.values()))
        with work.unit() as (session, scope):
            study = read(session, scope, complete(session, scope, QuestionIn(method="gi")).asked, lambda done, whole: None)
            told = dict(zip(study.units.ids.tolist(), study.counts.tolist(), strict=True))
        assert (told[810001], told[910001]) == (2, 6)

    def test_validity_has_no_gap_and_no_overlap(self, fresh, district, work, planner, reviewer):
        published(fresh, district, work, planner, reviewer, plan_drafts.split_of_a1())
        published(
            fresh, district, work, planner, reviewer,
            Draft(grids={810001: ring((0, 0), (1, 0), (2, 0), (2, 2), (1, 2), (0, 2)), 910001: None}),
        )  # fmt: skip
        moments = [row[0] for row in asked(fresh, "SELECT DISTINCT valid_from FROM grid_ever ORDER BY 1")]
        with fresh.owner() as connection:
            outline = shapely.from_wkb(connection.execute("SELECT ST_AsBinary(geom) FROM area WHERE id = 7111").fetchone()[0])
            for moment in moments:
                rows = connection.execute(
                    "SELECT ST_AsBinary(geom) FROM grid_ever WHERE community_id = 7111 AND valid_from <= %s AND coalesce(valid_to, 'infinity') > %s",
                    (moment, moment),
                ).fetchall()
                shapes = [shapely.from_wkb(row[0]) for row in rows]
                assert shapely.area(shapes).sum() == pytest.approx(outline.area, rel=1e-12)
                assert shapely.union_all(shapes).area == pytest.approx(outline.area, rel=1e-12)

    def test_a_reversal_restores_the_ground_and_is_a_plan_like_any_other(self, fresh, district, work, planner, reviewer):
        with fresh.owner() as connection:
            first = plan_drafts.borders(connection)
        plan = published(fresh, district, work, planner, reviewer, plan_drafts.split_of_a1())
        made = planner.post(f"/api/v1/plans/{plan}/reverse")
        assert made.status_code == 201
        back = made.json()
        assert (back["state"], back["reverses"]) == ("draft", plan)
        approved(planner, reviewer, back["id"])
        reviewer.post(f"/api/v1/plans/{back['id']}/publish", json={})
        assert publishing.publish(work, back["id"]) == "published", failure_of(fresh, back["id"])
        with fresh.owner() as connection:
            now = plan_drafts.borders(connection)
        assert now.keys() == first.keys()
        assert all(shapely.to_wkb(now[id]) == shapely.to_wkb(first[id]) for id in first)

    def test_a_reversed_merge_makes_the_ended_grid_anew_under_a_new_code(self, fresh, district, work, planner, reviewer):
        plan = published(fresh, district, work, planner, reviewer, TestCommunities().merged())
        merged = published(
            fresh, district, work, planner, reviewer,
            Draft(area="a", communities=("a1", "a2"), grids={810001: ring((0, 0), (2, 0), (4, 0), (4, 2), (2, 2), (0, 2)), 810002: None}),
        )  # fmt: skip
        for undone in (merged, plan):
            back = planner.post(f"/api/v1/plans/{undone}/reverse").json()["id"]
            if undone == plan:
                with fresh.owner() as connection:
                    connection.execute("DELETE FROM plan_grid WHERE plan_id = %s AND grid_id = 810002", (back,))
                    fresh_id = connection.execute("SELECT max(id) FROM grid WHERE valid_to IS NULL").fetchone()[0]
                    connection.execute(
                        "INSERT INTO plan_grid (plan_id, grid_id, base_version, community_id, name, geom)"
                        " SELECT %s, id, version, (SELECT community_id FROM plan_grid WHERE plan_id = %s LIMIT 1), name, geom FROM grid WHERE id = %s",
                        (back, back, fresh_id),
                    )
                    connection.commit()
            approved(planner, reviewer, back)
            reviewer.post(f"/api/v1/plans/{back}/publish", json={})
            assert publishing.publish(work, back) == "published", failure_of(fresh, back)
        names = asked(
            fresh, "SELECT code, name FROM area WHERE level = 'community' AND valid_to IS NULL AND parent_id = %s ORDER BY 1", AREAS["a"].id
        )
        assert names == [("990101001002", "枫二社区"), ("990101001003", "枫一社区")]


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
