"""Publication that makes, merges and ends communities."""

import pytest

from api.plans import publish as publishing
from tests import plan_drafts
from tests.factories import AREAS, CELL
from tests.plan_drafts import Draft, ring
from tests.publishing import approved, asked, failure_of, published, stored


class TestCommunities:
    def test_a_merged_community_takes_homes_people_and_open_incidents_with_it(self, fresh, district, work, planner, reviewer):
        published(fresh, district, work, planner, reviewer, plan_drafts.a1_into_a2())
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
        published(fresh, district, work, planner, reviewer, plan_drafts.a1_into_a2())
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
        draft = plan_drafts.a1_into_a2()
        del draft.grids[810002], draft.homes[810002]
        plan = stored(fresh, district, draft)
        approved(planner, reviewer, plan)
        reviewer.post(f"/api/v1/plans/{plan}/publish", json={})
        assert publishing.publish(work, plan) == "approved"
        assert failure_of(fresh, plan)["facts"]["reason"] == "not_empty"
