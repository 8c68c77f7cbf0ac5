"""The past and the present by the borders of each, and a published plan taken back by a new one."""

from datetime import UTC, datetime

import pytest
import shapely

from api.analyses.question import QuestionIn, complete
from api.analyses.study import read
from api.plans import publish as publishing
from tests import plan_drafts
from tests.factories import AREAS
from tests.plan_drafts import Draft, ring
from tests.publishing import add_incident, approved, asked, failure_of, published, stored


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
        assert planner.post(f"/api/v1/plans/{plan}/reverse").json()["name"].startswith("撤销：")
        made = planner.post(f"/api/v1/plans/{plan}/reverse", json={"name": "Back to May"})
        assert made.status_code == 201
        back = made.json()
        assert back["name"] == "Back to May"
        assert (back["state"], back["reverses"]) == ("draft", plan)
        approved(planner, reviewer, back["id"])
        reviewer.post(f"/api/v1/plans/{back['id']}/publish", json={})
        assert publishing.publish(work, back["id"]) == "published", failure_of(fresh, back["id"])
        with fresh.owner() as connection:
            now = plan_drafts.borders(connection)
        assert now.keys() == first.keys()
        assert all(shapely.to_wkb(now[id]) == shapely.to_wkb(first[id]) for id in first)

    def test_a_split_beside_ground_that_was_divided_since_is_taken_back_and_the_neighbour_keeps_its_vertex(
        self, fresh, district, work, planner, reviewer
    ):
        south, north = ring((0, 0), (2, 0), (2, 1), (0, 1)), ring((0, 1), (2, 1), (2, 2), (0, 2))
        split = Draft(
            grids={810001: south, 910001: north, 810002: ring((2, 0), (4, 0), (4, 2), (2, 2), (2, 1))},
            new=frozenset({910001}), noded=frozenset({810002}), homes={910001: AREAS["a1"].id},
        )  # fmt: skip
        waiting = stored(fresh, district, split)
        approved(planner, reviewer, waiting)
        halves = {910010: ring((2, 0), (3, 0), (3, 2), (2, 2)), 910011: ring((3, 0), (4, 0), (4, 2), (3, 2))}
        above = {810006: ring((2, 2), (3, 2), (4, 2), (4, 4), (2, 4))}
        divided = Draft(
            grids={810002: None, **halves, **above},
            new=frozenset(halves),
            noded=frozenset(above),
            homes=dict.fromkeys(halves, AREAS["a1"].id),
        )
        published(fresh, district, work, planner, reviewer, divided)
        reviewer.post(f"/api/v1/plans/{waiting}/publish", json={})
        assert publishing.publish(work, waiting) == "published", failure_of(fresh, waiting)
        back = planner.post(f"/api/v1/plans/{waiting}/reverse").json()["id"]
        approved(planner, reviewer, back)
        reviewer.post(f"/api/v1/plans/{back}/publish", json={})
        assert publishing.publish(work, back) == "published", failure_of(fresh, back)
        with fresh.owner() as connection:
            now = plan_drafts.borders(connection)
        assert 910001 not in now
        assert now[810001].equals(ring((0, 0), (2, 0), (2, 2), (0, 2)))
        mine, theirs, common = (
            set(map(tuple, shapely.get_coordinates(each).tolist())) for each in (now[810001], now[910010], ring((2, 0), (2, 1), (2, 2)))
        )
        assert mine & theirs == common

    def test_a_reversed_merge_makes_the_ended_grid_anew_under_a_new_code(self, fresh, district, work, planner, reviewer):
        plan = published(fresh, district, work, planner, reviewer, plan_drafts.a1_into_a2())
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
