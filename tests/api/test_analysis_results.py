"""What results tell: doubts with their counts, what is behind a cluster, how a map did afterwards, the map of the one screen."""

import numpy as np
import pytest

from api.analyses import scoring, study
from api.analyses.service import asked_of
from api.work import Work
from data.queries import analyses, analysis_rows
from tests.factories import District
from tests.insight import HOT, QUICK, SCAN, InsightCity, answered, community_id, grid_id


@pytest.fixture
def city(insight_city: InsightCity) -> InsightCity:
    return insight_city


@pytest.fixture
def work(insight_work: Work) -> Work:
    return insight_work


class TestDoubts:
    TOWN_HALL = (113.0 + 4 * 2**-8, 28.0 + 4 * 2**-8)

    def test_a_default_point_is_caught_and_dropped_when_the_asker_says_so(self, city, work):
        city.background(20)
        city.add(np.arange(150) % 90, [grid_id(4, 4)] * 150, at=self.TOWN_HALL, seed=8)
        _, trusting, _ = answered(work, **SCAN)
        pile = next(each for each in trusting["doubts"] if each["code"] == "pile")
        assert (pile["incidents"], pile["done"]) == (150, "kept")
        assert pile["facts"]["piles"][0]["likely_default"] is True
        assert (pile["facts"]["piles"][0]["lon"], pile["facts"]["piles"][0]["lat"]) == pytest.approx(self.TOWN_HALL, abs=1e-7)
        assert "default_pile" in {each["code"] for each in trusting["caveats"]}
        assert trusting["clusters"][0]["members"] == [grid_id(4, 4)]
        assert trusting["clusters"][0]["repeat"]["one_place"] == 150
        _, careful, _ = answered(work, **SCAN, doubts={"pile": "drop"})
        assert next(each for each in careful["doubts"] if each["code"] == "pile")["done"] == "dropped"
        assert careful["summary"]["dropped"] - trusting["summary"]["dropped"] == 150
        assert careful["summary"]["significant"] == 0

    def test_every_check_is_told_with_its_count(self, city, work):
        city.background(20)
        _, found, _ = answered(work, method="gi", parameters=QUICK)
        told = {each["code"]: each for each in found["doubts"]}
        assert {"merged", "no-place", "outside", "same-event", "pile", "midnight", "day-pile", "level"} <= set(told)
        assert told["pile"]["incidents"] == 0


class TestNumbersExpected:
    def test_what_was_left_out_is_not_outside_a_cluster(self, city, work):
        """Incidents where too few live for a rate have no number expected, and are no part of the risk elsewhere."""
        city.background(20)
        city.add(np.arange(100) % 90, [grid_id(6, 6)] * 100, seed=3)
        city.add(np.arange(300) % 90, [grid_id(0, 0)] * 300, seed=4)
        with city.clone.owner() as connection:
            connection.execute("UPDATE grid SET households = 5 WHERE id = %s", (grid_id(0, 0),))
            connection.commit()
        _, found, _ = answered(work, method="gi", parameters=QUICK)
        units = [each for each in found["units"] if each["expected"] is not None]
        assert found["summary"]["excluded"]["few-population"] == 1
        total = sum(each["observed"] for each in units)
        assert sum(each["expected"] for each in units) == pytest.approx(total)
        for each in found["clusters"]:
            inside, due = each["observed"], each["expected"]
            assert each["relative_risk"] == pytest.approx(inside / due / ((total - inside) / (total - due)))

    def test_rows_that_are_dropped_are_no_longer_among_all_incidents(self, city, work):
        """Else a default point of the category would stay behind as so many others, and its grid would look spared."""
        city.background(20)
        city.background(20, category=420, seed=9)
        city.add(np.arange(150) % 90, [grid_id(4, 4)] * 150, at=TestDoubts.TOWN_HALL, seed=8)
        asked = {"method": "scan", "category_ids": [410], "denominator": "incidents", "seed": 5,
                 "parameters": {"model": "bernoulli", "permutations": 99}}  # fmt: skip
        _, trusting, _ = answered(work, **asked)
        _, careful, _ = answered(work, **asked, doubts={"pile": "drop"})
        before, after = ({each["grid_id"]: each for each in found["units"]} for found in (trusting, careful))
        assert before[grid_id(4, 4)]["population"] - after[grid_id(4, 4)]["population"] == 150
        assert careful["summary"]["population"] == trusting["summary"]["population"] - 150

    def test_emerging_expects_of_the_days_that_it_counts(self, city, work):
        city.background(400, days=100)
        _, found, _ = answered(work, method="emerging", parameters={"step": "week", "permutations": 999}, **{"from": "2025-12-24"})
        assert sum(each["expected"] for each in found["units"]) == pytest.approx(sum(each["observed"] for each in found["units"]))


def with_beats(city) -> None:
    """A second scheme with one grid a community, and 25 people in a house of one of them."""
    with city.clone.owner() as connection:
        connection.execute("INSERT INTO scheme (id, code, name, code_pattern) VALUES (77, 'beats', '警区', '{community}{serial:03d}')")
        connection.execute(
            "INSERT INTO grid (id, scheme_id, community_id, code, name, households, geom, valid_from)"
            " SELECT 870000 + id, 77, id, code || '901', name, 400, geom, '2020-01-01' FROM area WHERE level = 'community'"
        )
        connection.execute(
            "INSERT INTO building (cell, id, community_id, grid_id, code, name, address, use, levels, households, geom)"
            " SELECT 1, 880001, community_id, id, '1', '', '', 'residential', 6, 1, ST_Multi(ST_Buffer(ST_PointOnSurface(geom), 0.00001))"
            " FROM grid WHERE id = %s",
            (grid_id(4, 4),),
        )
        connection.execute(
            "INSERT INTO household (cell, id, building_id, community_id, unit, tenure, members)"
            " SELECT cell, 880001, id, community_id, '101', 'own', 25 FROM building WHERE id = 880001"
        )
        connection.execute(
            "INSERT INTO resident (cell, household_id, community_id, head, sex, birth_year)"
            " SELECT cell, id, community_id, false, 'female', 1950 FROM household, generate_series(1, 25) WHERE id = 880001"
        )


class TestDescribing:
    def test_a_cluster_tells_what_is_behind_it(self, city, work):
        city.background(20)
        city.add([3, 4, 5, 6] * 25, [grid_id(6, 6)] * 100, category=420, source="app", hour=21)
        _, found, _ = answered(work, method="scan", parameters={"permutations": 99})
        cluster = found["clusters"][0]
        assert cluster["members"] == [grid_id(6, 6)]
        assert cluster["categories"][0] == {"category_id": 420, "observed": 100}
        assert cluster["sources"][0]["source"] == "app"
        assert cluster["hours"][21] >= 100
        assert cluster["interval"][0] < cluster["ratio"] < cluster["interval"][1]
        rows = next(each for each in found["units"] if each["grid_id"] == grid_id(6, 6))
        assert (rows["observed"], rows["cluster"]) == (cluster["observed"], 1)
        assert cluster["deadlines"]["overdue_share"] == pytest.approx(0.25, abs=0.05)

    def test_a_map_is_scored_on_the_period_after_it_once_that_is_over(self, city, work):
        city.add(np.arange(20 * 64) % 60, np.tile(820_000 + np.arange(64), 20), seed=5)
        city.add(np.arange(40 * len(HOT)) % 60, np.repeat(HOT, 40), seed=6)
        _, found, row = answered(work, method="gi", parameters=QUICK, **{"from": "2026-01-30", "to": "2026-02-28"})
        _, found_later, later = answered(work, method="gi", parameters=QUICK, **{"from": "2026-03-01", "to": "2026-03-30"})
        assert scoring.score_due(work) == 1
        with work.unit() as (session, scope):
            accuracy = analyses.one(session, scope, row.id).accuracy
            assert analyses.one(session, scope, later.id).accuracy is None
        hot = [each for each in found["units"] if each["hot"]]
        after = {each["grid_id"]: each["observed"] for each in found_later["units"]}
        hits = sum(after[each["grid_id"]] for each in hot)
        share = sum(each["area_m2"] for each in hot) / sum(each["area_m2"] for each in found["units"])
        assert accuracy["hits"] == hits
        assert accuracy["pai"] == pytest.approx(hits / sum(after.values()) / share, rel=1e-6)
        assert accuracy["pai"] > 1
        assert 0 < accuracy["pei"] <= 1

    def test_grids_of_another_scheme_hold_residents_and_incidents_by_where_they_are(self, city, work):
        with_beats(city)
        city.add(np.arange(200) % 60, np.full(200, grid_id(4, 4)), seed=8)
        _, found, row = answered(work, method="rates", scheme="beats", denominator="residents", small_cell=1)
        there = next(each for each in found["units"] if each["community_id"] == community_id(4, 4))
        assert (there["population"], there["observed"]) == (25, 200)
        assert sum(each["population"] for each in found["units"]) == 25
        with work.unit() as (session, scope):
            units = analysis_rows.units(session, scope, row.ground, row.scheme_id, of="grid")
            counts = study.counted(session, scope, asked_of(row).selection, units, row.scheme_id)
        assert dict(zip(units.ids.tolist(), counts.tolist(), strict=True)) == {each["grid_id"]: each["observed"] for each in found["units"]}

    def test_the_newest_map_is_cut_to_who_looks(self, client, district: District):
        seen = client("operator", "a1").get("/api/v1/hotspots/latest").json()
        assert seen["run"]["id"] == district.own.map
        assert {item["grid_id"] for item in seen["items"]} == set(district.own.grids)
        assert len(client("operator").get("/api/v1/hotspots/latest").json()["items"]) == 8

    def test_why_there_is_no_map_is_told(self, fresh, fresh_client, district: District):
        latest = "/api/v1/hotspots/latest"
        assert fresh_client("operator").get(latest).json()["unmade"] is None
        with fresh.owner() as connection:
            connection.execute("UPDATE analysis SET is_map = false WHERE id <> %s", [district.own.map])
            connection.execute("UPDATE analysis SET state = 'failed', result_hash = NULL WHERE id = %s", [district.own.map])
        told = fresh_client("operator").get(latest).json()
        assert (told["run"], told["items"], told["unmade"]) == (None, [], {"id": district.own.map, "state": "failed"})
        with fresh.owner() as connection:
            connection.execute("UPDATE analysis SET is_map = false")
        assert fresh_client("operator").get(latest).json() == {"run": None, "unmade": None, "items": []}
