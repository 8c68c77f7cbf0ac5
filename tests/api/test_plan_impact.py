"""What a draft would do, told before anybody decides."""

import csv
import io
import uuid

import pytest

from api.plans import publish as publishing
from api.work import Work
from tests import plan_drafts
from tests.factories import AREAS, TODAY, District
from tests.plan_drafts import Draft, ring
from tests.publishing import add_incident, approved, asked, stored


@pytest.fixture
def planner(fresh_client):
    return fresh_client("planner", "district")


def give_households(fresh, district: District, *numbers: int) -> None:
    """Households of the buildings of a1, and of their grids."""
    with fresh.owner() as connection:
        for grid, building, number in zip(district.own.grids, district.own.buildings, numbers, strict=True):
            connection.execute("UPDATE building SET households = %s WHERE id = %s", (number, building))
            connection.execute("UPDATE grid SET households = %s WHERE id = %s", (number, grid))
        connection.commit()


def by_id(answer: dict, side: str) -> dict:
    return {each["id"]: each[side] for each in answer["grids"]}


def test_a_years_incidents_are_those_of_the_last_365_days_on_the_map_and_in_the_impact(fresh, district, planner):
    with fresh.owner() as connection:
        for number, days_ago in enumerate((0, 20, 340, 350, 358, 364, 365, 366, 400)):
            add_incident(connection, 899500 + number, 0.5, 0.5, 810001, AREAS["a1"].id, state="closed", days_ago=days_ago)
        connection.commit()
    plan = stored(fresh, district, plan_drafts.merge_of_a1())
    untouched = stored(fresh, district, Draft(name="看一看"))
    asked_for = {"grids": "810001,810002"}
    opened = {
        each["id"]: each["year_incidents"] for each in planner.get(f"/api/v1/plans/{untouched}/ground", params=asked_for).json()["grids"]
    }
    told = planner.get(f"/api/v1/plans/{plan}/impact").json()
    before, after = by_id(told, "before"), by_id(told, "after")
    drawn = planner.get(f"/api/v1/plans/{plan}/ground", params={"grids": "810001"}).json()["grids"][0]
    assert opened[810001] == before[810001]["year_incidents"] == 6 + 1, "day 365 is the same day of last year, and not counted"
    assert opened[810002] == before[810002]["year_incidents"] == 1
    assert drawn["year_incidents"] == after[810001]["year_incidents"] == 8


class TestFigures:
    def test_a_merge_sums_everything_and_names_who_changes_officer(self, fresh, district, planner):
        give_households(fresh, district, 4, 9)
        plan = stored(fresh, district, plan_drafts.merge_of_a1())
        told = planner.get(f"/api/v1/plans/{plan}/impact").json()
        before, after = by_id(told, "before"), by_id(told, "after")
        assert [before[id]["households"] for id in district.own.grids] == [4, 9]
        assert after[810001]["households"] == 13 and after[810002] is None
        assert after[810001]["residents"] == 2 and after[810001]["buildings"] == 2
        assert after[810001]["area_m2"] == pytest.approx(before[810001]["area_m2"] + before[810002]["area_m2"], rel=1e-9)
        assert after[810001]["officer"]["id"] == district.own.officers[1], "the one with most households leads"
        assert [(each["building_id"], each["households"]) for each in told["officers_changed"]] == [(district.own.buildings[0], 4)]
        assert told["moved"] == {"households": 9, "residents": 1, "buildings": 1, "care_households": 0, "open_incidents": 0}
        assert told["changed_area_m2"] == pytest.approx(before[810002]["area_m2"], rel=1e-3)
        assert told["totals"]["before"]["households"] == told["totals"]["after"]["households"] == 13
        assert (told["totals"]["before"]["grids"], told["totals"]["after"]["grids"]) == (2, 1)

    def test_care_of_a_sensitive_class_is_not_counted_for_those_who_may_not_know_it(self, fresh, district, planner):
        plan = stored(fresh, district, plan_drafts.merge_of_a1())
        told = planner.get(f"/api/v1/plans/{plan}/impact").json()
        assert by_id(told, "after")[810001]["care_households"] == 1

    def test_incidents_are_counted_where_they_lie(self, fresh, district, planner):
        with fresh.owner() as connection:
            add_incident(connection, 1, 0.5, 1, 810001, AREAS["a1"].id)
            add_incident(connection, 2, 1.5, 1, 810001, AREAS["a1"].id)
            add_incident(connection, 3, 1.6, 1, 810001, AREAS["a1"].id, state="closed")
            connection.commit()
        plan = stored(fresh, district, plan_drafts.split_of_a1())
        told = planner.get(f"/api/v1/plans/{plan}/impact").json()
        before, after = by_id(told, "before"), by_id(told, "after")
        opened = {id: (each["open_incidents"], each["year_incidents"]) for id, each in after.items() if each}
        assert opened[810001][0] + opened[910001][0] == before[810001]["open_incidents"]
        assert opened[910001] >= (1, 2)
        assert told["moved"]["open_incidents"] >= 1

    def test_what_is_told_before_is_what_happens(self, fresh, district, planner, fresh_client):
        give_households(fresh, district, 4, 9)
        plan = stored(fresh, district, plan_drafts.merge_of_a1())
        told = by_id(planner.get(f"/api/v1/plans/{plan}/impact").json(), "after")
        approved(planner, fresh_client("planner", "a"), plan)
        planner.post(f"/api/v1/plans/{plan}/publish", json={})
        work = Work(fresh.schema_url)
        assert publishing.publish(work, plan) == "published"
        work.close()
        rows = asked(
            fresh, "SELECT households, area_m2, perimeter_m, officer_id FROM grid JOIN assignment ON grid_id = grid.id"
            f" WHERE grid.id = 810001 AND duty = 'main' AND assignment.valid @> {TODAY}"
        )  # fmt: skip
        figures = told[810001]
        assert rows == [
            (figures["households"], pytest.approx(figures["area_m2"]), pytest.approx(figures["perimeter_m"]), figures["officer"]["id"])
        ]
        after = planner.get(f"/api/v1/plans/{plan}/impact").json()
        assert by_id(after, "before")[810002]["households"] == 9, "a published plan tells what it did"
        answered = [by_id(after, "before")[grid]["officer"]["id"] for grid in district.own.grids]
        assert answered == list(district.own.officers), "the one of a grid that ended, too"
        assert by_id(after, "after")[810001]["officer"] == figures["officer"]
        assert [each["building_id"] for each in after["officers_changed"]] == [district.own.buildings[0]]

    def test_the_deviation_from_the_band_has_its_sign(self, fresh, district, planner):
        give_households(fresh, district, 4, 9)
        plan = stored(fresh, district, plan_drafts.merge_of_a1())
        with fresh.owner() as connection:
            connection.execute("UPDATE plan SET household_min = 6, household_max = 10 WHERE id = %s", (plan,))
            connection.commit()
        told = planner.get(f"/api/v1/plans/{plan}/impact").json()
        assert [by_id(told, "before")[id]["deviation"] for id in district.own.grids] == [-2, 0]
        assert by_id(told, "after")[810001]["deviation"] == 3
        assert (told["totals"]["before"]["in_range"], told["totals"]["after"]["in_range"]) == (1, 0)

    def test_a_draft_without_changes_has_no_impact(self, fresh, district, planner):
        plan = stored(fresh, district, Draft())
        told = planner.get(f"/api/v1/plans/{plan}/impact").json()
        assert told["grids"] == [] and told["moved"]["households"] == 0


class TestComparison:
    def test_two_drafts_side_by_side(self, fresh, district, planner):
        give_households(fresh, district, 4, 9)
        one = stored(fresh, district, plan_drafts.merge_of_a1())
        other = stored(fresh, district, plan_drafts.split_of_a1())
        told = planner.get(f"/api/v1/plans/{one}/impact", params={"against": other}).json()
        before, after = by_id(told, "before"), by_id(told, "after")
        assert {id for id, each in before.items() if each} == {810001, 810002, 910001}
        assert {id for id, each in after.items() if each} == {810001}
        assert sum(each["households"] for each in before.values() if each) == after[810001]["households"] == 13

    def test_a_copy_beside_its_original_moves_nobody_whatever_the_numbers_of_new_grids(self, fresh, district, planner):
        give_households(fresh, district, 4, 9)
        one = stored(fresh, district, plan_drafts.split_of_a1())
        copied = planner.post(f"/api/v1/plans/{one}/copy", json={"name": "副本"}).json()["id"]
        told = planner.get(f"/api/v1/plans/{copied}/impact", params={"against": one}).json()
        assert (told["moves"], told["officers_changed"], told["changed_area_m2"]) == ([], [], 0)
        assert all(each["before"] == each["after"] for each in told["grids"]) and len(told["grids"]) == 2

    def test_what_a_copy_changes_is_all_that_moves(self, fresh, district, planner):
        give_households(fresh, district, 4, 9)
        one = stored(fresh, district, plan_drafts.split_of_a1())
        copied = planner.post(f"/api/v1/plans/{one}/copy", json={"name": "副本"}).json()["id"]
        ground = planner.get(f"/api/v1/plans/{copied}/ground").json()["grids"]
        new = next(each for each in ground if each["base_version"] is None)
        asked_for = {"kind": "merge", "grids": [new["id"], 810002], "keep": new["id"]}
        base = {str(each["id"]): each["version"] for each in ground if each["id"] in (new["id"], 810002)}
        merged = planner.post(
            f"/api/v1/plans/{copied}/operations", json={"client_id": str(uuid.uuid4()), "base": base, "operation": asked_for}
        )
        assert merged.status_code == 200, merged.text
        told = planner.get(f"/api/v1/plans/{copied}/impact", params={"against": one}).json()
        assert [(each["from_grid"], each["to_grid"]) for each in told["moves"]] == [(810002, new["id"])]
        assert told["moved"]["households"] == 9

    @pytest.mark.parametrize(("against", "status"), [("tomorrow", 422), ("0", 422), ("999999999", 404)])
    def test_something_to_compare_with_that_is_not_there_is_refused(self, fresh, district, planner, against, status):
        plan = stored(fresh, district, plan_drafts.merge_of_a1())
        assert planner.get(f"/api/v1/plans/{plan}/impact", params={"against": against}).status_code == status


class TestTable:
    def test_households_that_move_come_as_a_table_a_spreadsheet_cannot_run(self, fresh, district, planner):
        with fresh.owner() as connection:
            connection.execute("UPDATE building SET address = '=HYPERLINK(\"x\")' WHERE id = %s", (district.own.buildings[1],))
            connection.commit()
        plan = stored(fresh, district, plan_drafts.merge_of_a1())
        answer = planner.get(f"/api/v1/plans/{plan}/impact/moved.csv")
        assert answer.headers["content-type"].startswith("text/csv")
        rows = list(csv.reader(io.StringIO(answer.text.lstrip("\ufeff"))))
        assert len(rows) == 2
        assert rows[1][0].startswith("'=")
        assert rows[1][3:9] == ["101", str(district.own.households[1]), "990101001001002", "枫一社区乙", "990101001001001", "枫一社区甲"]
        assert asked(fresh, "SELECT facts ->> 'households' FROM audit WHERE action = 'export' AND noun_id = %s", str(plan)) == [("1",)]

    def test_the_head_of_the_table_speaks_the_callers_language(self, fresh, district, planner):
        plan = stored(fresh, district, plan_drafts.merge_of_a1())
        chinese = planner.get(f"/api/v1/plans/{plan}/impact/moved.csv").text.splitlines()[0]
        with fresh.owner() as connection:
            connection.execute("UPDATE person SET language = 'en'")
            connection.commit()
        english = planner.get(f"/api/v1/plans/{plan}/impact/moved.csv").text.splitlines()[0]
        assert "原网格" in chinese and "Grid before" in english

    def test_somebody_who_may_not_read_households_gets_no_table(self, fresh, district, fresh_client):
        plan = stored(fresh, district, plan_drafts.merge_of_a1())
        assert fresh_client("officer", "a1").get(f"/api/v1/plans/{plan}/impact/moved.csv").status_code in (403, 404)
        assert fresh_client("planner", "b").get(f"/api/v1/plans/{plan}/impact").status_code == 404


def test_the_gate_counts_people_only_for_those_who_see_the_whole_plan(fresh, district):
    plan = stored(fresh, district, Draft(grids={810001: ring((0, 0), (2, 0), (2, 2), (0, 2))}))
    with fresh.as_app() as connection:
        for role, area, rows in (("planner", "a1", 1), ("planner", "b1", 0), ("officer", "a1", 0)):
            connection.execute("SELECT set_config('wangge.token', %s, true)", [f"test-token-of-{role}-at-{area}-0123456789"])
            cell = connection.execute("SELECT cell FROM building LIMIT 1").fetchone()[0]
            found = connection.execute(
                "SELECT * FROM gate.plan_people(%s, %s, %s, %s)", (plan, [cell], [district.own.buildings[0]], [1])
            ).fetchall()
            assert len(found) == rows, (role, area)


class TestTheGroundBefore:
    def test_the_grids_under_a_draft_are_told_as_they_are_today_and_nobody_elses(self, fresh, district, planner):
        give_households(fresh, district, 4, 9)
        plan = stored(fresh, district, plan_drafts.merge_of_a1())
        told = planner.get(f"/api/v1/plans/{plan}/before").json()
        assert {each["id"]: each["households"] for each in told["grids"]} == dict(zip(district.own.grids, (4, 9), strict=True))
        assert all(len(each["polygons"][0][0]) >= 8 for each in told["grids"])

    def test_a_draft_that_changes_nothing_has_nothing_under_it(self, fresh, district, planner):
        plan = planner.post("/api/v1/plans", json={"name": "空", "area": "990101001001"}).json()["id"]
        assert planner.get(f"/api/v1/plans/{plan}/before").json() == {"origin": [0, 0], "grids": []}
