"""Analyses as people meet them: asked for, worked out once, the same bytes for the same question, cut to who looks, refused with reasons."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import pytest

from api import worker
from api.analyses import maps, service, working
from api.analyses.question import QuestionIn, complete
from api.work import Work
from data.queries import analyses
from gis.hotspots.gi_star import gi_star
from tests import insight
from tests.conftest import Clone
from tests.factories import District
from tests.insight import HOT, QUICK, SCAN, InsightCity, answered, asked, grid_id, with_a_hot_corner


@pytest.fixture
def city(insight_city: InsightCity) -> InsightCity:
    return insight_city


@pytest.fixture
def work(insight_work: Work) -> Work:
    return insight_work


@pytest.fixture
def person(city: InsightCity, data_dir) -> Iterator[object]:
    """`person("whole")`: a client of somebody of the city."""
    with insight.people(city, data_dir) as make:
        yield make


def bytes_of(session, scope, id: int) -> bytes:
    return analyses.canonical(analyses.document(session, scope, id))


class TestAsking:
    def test_a_question_is_completed_worked_out_and_read(self, city, person, tmp_path):
        with_a_hot_corner(city)
        told = person().post("/api/v1/analyses", json={"method": "gi", "parameters": QUICK})
        assert told.status_code == 202
        assert told.json()["state"] == "asked"
        asyncio.run(worker.work(city.clone.schema_url, outbox=tmp_path, wait=False))
        found = person().get(f"/api/v1/analyses/{told.json()['id']}").json()
        assert (found["analysis"]["state"], found["analysis"]["progress"], found["analysis"]["cut"]) == ("done", 1.0, False)
        assert found["analysis"]["question"]["from"] == "2026-01-01"
        assert found["analysis"]["question"]["denominator"] == "households"
        hot = {each["grid_id"] for each in found["result"]["units"] if each["class"] >= 95}
        assert grid_id(5, 5) in hot
        assert found["result"]["clusters"][0]["kind"] == "hot"
        assert set(found["result"]["clusters"][0]["members"]) >= hot

    def test_the_map_is_that_of_the_kernel_on_the_same_numbers(self, city, work):
        with_a_hot_corner(city)
        _, found, _ = answered(work, method="gi", parameters=QUICK)
        with work.unit() as (session, scope):
            borders = analyses.borders(session, scope, analyses.latest_map(session, scope, [0]))
        units = found["units"]
        kernel = gi_star([borders[each["grid_id"]] for each in units], [each["observed"] for each in units],
                         [each["population"] for each in units], permutations=999, seed=20_261).table  # fmt: skip
        assert [each["z"] for each in units] == pytest.approx(kernel["z"].tolist(), rel=1e-9)
        assert [each["q"] for each in units] == pytest.approx(kernel["q"].tolist(), rel=1e-9)

    @pytest.mark.parametrize(
        ("question", "said"),
        [({"method": "magic"}, "method"), ({"method": "gi", "category_ids": [999999]}, "category"), ({"method": "gi", "sources": ["nobody"]}, "source"),
         ({"method": "gi", "parameters": {"permutations": 3}}, "permutations"), ({"method": "gi", "parameters": {"speed": 3}}, "speed"),
         ({"method": "knox", "denominator": "households"}, "denominator"), ({"method": "gi", "from": "2026-03-05", "to": "2026-03-01"}, "period"),
         ({"method": "gi", "from": "2027-01-01"}, "period"), ({"method": "gi", "doubts": {"moods": "drop"}}, "form")],
    )  # fmt: skip
    def test_a_wrong_question_is_told_what_is_wrong(self, person, question, said):
        answer = person().post("/api/v1/analyses", json=question)
        assert answer.status_code == 422
        assert said in answer.json()["detail"].lower()

    def test_an_area_or_scheme_nobody_knows_is_not_there(self, person):
        for question in ({"method": "gi", "area": "110101999999"}, {"method": "gi", "scheme": "none"}):
            assert person().post("/api/v1/analyses", json=question).status_code == 404

    def test_who_may_not_analyse_may_not_ask_cancel_or_remove(self, client, district: District):
        clerk = client("clerk", "a1")
        assert clerk.post("/api/v1/analyses", json={"method": "gi"}).status_code == 403
        assert clerk.post(f"/api/v1/analyses/{district.own.analyses[0]}/cancel").status_code == 403
        assert clerk.delete(f"/api/v1/analyses/{district.own.analyses[1]}").status_code == 403

    def test_asking_twice_with_one_key_asks_once(self, city, person):
        first, second = (person().post("/api/v1/analyses", json={"method": "gi"}, headers={"Idempotency-Key": "k"}) for _ in range(2))
        assert first.json() == second.json()
        with city.clone.owner() as connection:
            assert connection.execute("SELECT count(*) FROM analysis").fetchone() == (1,)

    def test_every_method_tells_its_parameters_and_minimums(self, client):
        items = client("clerk").get("/api/v1/analyses/methods").json()["items"]
        assert {"gi", "scan", "watch", "knox", "emerging"} <= {each["method"] for each in items}
        assert next(each for each in items if each["method"] == "gi")["parameters"]["permutations"]["default"] == 99_999

    @pytest.mark.parametrize("method", ["gi", "emerging", "trend"])
    def test_a_question_without_dates_asks_about_as_much_as_its_method_needs(self, city, person, method):
        items = person().get("/api/v1/analyses/methods").json()["items"]
        days = next(each for each in items if each["method"] == method)["days"]
        asked = person().post("/api/v1/analyses", json={"method": method}).json()["id"]
        with city.clone.owner() as connection:
            (told,) = connection.execute("SELECT question FROM analysis WHERE id = %s", [asked]).fetchone()
        question = json.loads(told)
        first, last = (date.fromisoformat(question[each]) for each in ("from", "to"))
        assert (last - first).days == days - 1
        months = (last.year - first.year) * 12 + last.month - first.month - 1 + (first.day == 1) + ((last + timedelta(days=1)).day == 1)
        assert months >= {"gi": 0, "emerging": 10, "trend": 24}[method]


class TestReproducing:
    def test_the_same_question_on_the_same_rows_gives_the_same_bytes_and_is_answered_from_what_is_kept(self, city, work, person):
        with_a_hot_corner(city)
        first, second = (answered(work, **SCAN)[2] for _ in range(2))
        assert first.id != second.id
        with work.unit() as (session, scope):
            assert bytes_of(session, scope, first.id) == bytes_of(session, scope, second.id)
        assert bytes(first.result_hash) == bytes(second.result_hash)
        answer = person().post("/api/v1/analyses", json=SCAN)
        assert (answer.status_code, answer.json()) == (200, {"id": second.id, "state": "done", "stored": True})

    def test_another_process_gives_the_same_bytes(self, city, work):
        with_a_hot_corner(city)
        _, _, here = answered(work, **SCAN)
        there = asked(work, **SCAN)
        program = (
            "import sys\nfrom api.work import Work\nfrom api.analyses import working\n"
            "work = Work(sys.argv[1])\nprint(working.work_out(work, int(sys.argv[2])))"
        )
        run = subprocess.run([sys.executable, "-c", program, city.clone.schema_url, str(there)], capture_output=True, text=True, check=True)
        assert run.stdout.strip() == "done"
        with work.unit() as (session, scope):
            assert bytes(analyses.one(session, scope, there).result_hash) == bytes(here.result_hash)
            assert bytes_of(session, scope, there) == bytes_of(session, scope, here.id)

    def test_another_seed_is_another_question(self, city, work, person):
        with_a_hot_corner(city)
        _, _, kept = answered(work, **SCAN)
        other = person().post("/api/v1/analyses", json=SCAN | {"seed": 6}).json()
        assert other["id"] != kept.id
        assert other["state"] == "asked"

    def test_any_change_of_what_it_reads_changes_the_version_of_the_data(self, city, work):
        with_a_hot_corner(city)
        before = self.version_now(work)
        assert before == bytes(answered(work, method="gi", parameters=QUICK)[2].data_version)
        seen = {before}
        for change in (
            "UPDATE incident SET version = version + 1 WHERE id = 1000003", "UPDATE incident SET category_id = 420 WHERE id = 1000003",
            "UPDATE incident SET closed_at = closed_at + interval '3 days' WHERE id = 1000003",
            "UPDATE incident SET duplicate_of = 1000004 WHERE id = 1000003", "DELETE FROM incident WHERE id = 1000005",
            "UPDATE grid SET households = 401 WHERE id = 820005", "UPDATE grid SET name = 'renamed' WHERE id = 820005",
        ):  # fmt: skip
            with city.clone.owner() as connection:
                connection.execute(change)
                connection.commit()
            after = self.version_now(work)
            assert after not in seen, change
            seen.add(after)

    def test_a_row_that_comes_late_changes_the_version_and_asks_anew_one_outside_the_question_does_not(self, city, work, person):
        with_a_hot_corner(city)
        before = self.version_now(work)
        city.add([400], [HOT[0]])
        assert self.version_now(work) == before
        first = answered(work, method="gi", parameters=QUICK)[2]
        city.add([40], [HOT[0]])
        assert self.version_now(work) != before
        again = person().post("/api/v1/analyses", json={"method": "gi", "parameters": QUICK})
        assert again.status_code == 202
        assert again.json()["id"] != first.id

    def test_opening_a_result_computes_nothing(self, city, work, person, monkeypatch):
        with_a_hot_corner(city)
        _, _, row = answered(work, method="gi", parameters=QUICK)
        with city.clone.owner() as connection:
            connection.execute("DELETE FROM incident")
            connection.commit()
        monkeypatch.setattr(working, "work_out", lambda *_: pytest.fail("worked out while it was opened"))
        assert len(person().get(f"/api/v1/analyses/{row.id}").json()["result"]["units"]) == 64

    @staticmethod
    def version_now(work: Work) -> bytes:
        with work.unit() as (session, scope):
            found = complete(session, scope, QuestionIn.model_validate({"method": "gi", "parameters": QUICK}))
            return service.present_version(session, scope, found.asked)


class TestScope:
    def test_a_caller_sees_only_what_lies_in_their_own_communities(self, city, work, person):
        with_a_hot_corner(city)
        city.add(np.arange(80) % 90, np.repeat([grid_id(1, 0), grid_id(2, 0)], 40), seed=4)
        _, whole, row = answered(work, method="scan", parameters={"permutations": 99, "max_share": 0.3})
        seen = person("one").get(f"/api/v1/analyses/{row.id}").json()
        own = {grid_id(column, line) for column in (0, 1) for line in (0, 1)}
        assert seen["analysis"]["cut"] is True
        assert {each["grid_id"] for each in seen["result"]["units"]} == own
        assert all(set(each["members"]) <= own for each in seen["result"]["clusters"])
        parts = [each for each in seen["result"]["clusters"] if each["partial"]]
        assert parts, "the cluster over two communities is seen in part"
        assert all(each["observed"] is None and each["place"] is None for each in parts)
        assert (seen["result"]["doubts"], seen["result"]["series"], seen["analysis"]["incidents"], seen["accuracy"]) == (
            None,
            None,
            None,
            None,
        )
        assert seen["result"]["summary"]["incidents"] == sum(each["observed"] for each in whole["units"] if each["grid_id"] in own)

    def test_a_question_of_a_smaller_scope_runs_on_that_scope(self, city, person, tmp_path):
        city.background(20)
        asked_by_one = person("one").post("/api/v1/analyses", json={"method": "rates"}).json()
        asked_by_whole = person("whole").post("/api/v1/analyses", json={"method": "rates"}).json()
        assert asked_by_one["id"] != asked_by_whole["id"]
        asyncio.run(worker.work(city.clone.schema_url, outbox=tmp_path, wait=False))
        found = person("one").get(f"/api/v1/analyses/{asked_by_one['id']}").json()
        assert found["analysis"]["cut"] is False
        assert {each["community_id"] for each in found["result"]["units"]} == {insight.community_id(0, 0)}

    def test_somebody_elses_analysis_is_neither_listed_nor_there(self, client, district: District):
        listed = {each["id"] for each in client("analyst", "a1").get("/api/v1/analyses").json()["items"]}
        assert set(district.own.analyses) | {district.own.map} == listed
        assert client("analyst", "a1").get(f"/api/v1/analyses/{district.foreign.analyses[1]}").status_code == 404

    def test_small_cells_are_not_told(self, city, work):
        city.background(20)
        city.add([1, 2, 3], [grid_id(0, 0)] * 3, category=420, seed=2)
        city.add(np.arange(60) % 90, [grid_id(1, 0)] * 60, category=420, seed=3)
        _, found, _ = answered(work, method="rates", category_ids=[420])
        unit = next(each for each in found["units"] if each["grid_id"] == grid_id(0, 0))
        assert (unit["observed"], unit["rate"], unit["ratio"], unit["suppressed"]) == (None, None, None, True)
        assert next(each for each in found["units"] if each["grid_id"] == grid_id(1, 0))["observed"] == 60
        _, all_told, _ = answered(work, method="rates", category_ids=[420], small_cell=1)
        assert next(each for each in all_told["units"] if each["grid_id"] == grid_id(0, 0))["observed"] == 3


class TestEnding:
    def test_a_running_analysis_is_cancelled_within_a_second(self, city, work, person):
        with_a_hot_corner(city, extra=300)
        id = asked(work, method="scan", parameters={"model": "permutation", "permutations": 99_999, "step_days": 1})
        ended: list[str] = []
        runner = threading.Thread(target=lambda: ended.append(working.work_out(work, id)))
        runner.start()
        while person().get(f"/api/v1/analyses/{id}").json()["analysis"]["stage"] != "computing":
            assert runner.is_alive()
        begun = time.monotonic()
        assert person().post(f"/api/v1/analyses/{id}/cancel").json()["state"] == "cancelled"
        runner.join(timeout=20)
        assert ended == ["cancelled"]
        assert time.monotonic() - begun < 5, "about a second on a quiet machine"
        assert person().get(f"/api/v1/analyses/{id}").json()["result"] is None

    def test_what_is_over_is_not_cancelled(self, city, work, person):
        with_a_hot_corner(city)
        _, _, row = answered(work, method="gi", parameters=QUICK)
        refused = person().post(f"/api/v1/analyses/{row.id}/cancel")
        assert (refused.status_code, refused.json()["state"]) == (409, "done")

    def test_removing_takes_a_word_and_what_alerts_rest_on_stays(self, client, district: District, city, work, person):
        with_a_hot_corner(city)
        _, _, row = answered(work, method="gi", parameters=QUICK)
        first = person().delete(f"/api/v1/analyses/{row.id}")
        assert first.status_code == 409
        assert person().delete(f"/api/v1/analyses/{row.id}", params={"confirm": "wrong"}).status_code == 409
        assert person().delete(f"/api/v1/analyses/{row.id}", params={"confirm": first.json()["confirm"]}).status_code == 204
        assert person().get(f"/api/v1/analyses/{row.id}").status_code == 404
        rested_on = client("analyst", "a1").delete(f"/api/v1/analyses/{district.own.analyses[1]}", params={"confirm": "x"})
        assert (rested_on.status_code, rested_on.json()["alerts"]) == (409, 1)

    def test_nobody_changes_an_analysis_that_reaches_beyond_their_scope(self, client, district: District):
        analyst = client("analyst", "a1")
        assert analyst.post(f"/api/v1/analyses/{district.own.map}/cancel").status_code == 403
        assert analyst.delete(f"/api/v1/analyses/{district.own.map}").status_code == 403

    def test_work_that_was_lost_is_asked_for_again(self, city, work):
        with_a_hot_corner(city)
        id = asked(work, method="gi", parameters=QUICK)
        with work.unit() as (session, scope):
            assert analyses.begin(session, scope, id) is not None
            assert analyses.begin(session, scope, id) is None
        with city.clone.owner() as connection:
            connection.execute("UPDATE analysis SET told_at = told_at - interval '2 minutes'")
            connection.commit()
        with work.unit() as (session, scope):
            assert analyses.waiting(session, scope) == [id]
        assert working.work_out(work, id) == "done"


class TestRefusing:
    METHODS = ("gi", "moran", "rates", "scan", "watch", "dbscan", "stdbscan", "hdbscan", "knox", "kde", "emerging", "trend", "repeats")

    def test_no_incident_or_one_is_an_answer_with_a_reason(self, city, work):
        for incidents in (0, 1):
            city.add([3] * incidents, [grid_id(3, 3)] * incidents)
            for method in self.METHODS:
                state, _, row = answered(work, method=method)
                if incidents and method in ("rates", "trend"):
                    assert state == "done", method
                else:
                    assert state == "refused", method
                    assert row.refusal["code"] == "nothing-to-analyse", method
                    assert row.refusal["message"].endswith("."), method

    def test_all_in_one_cell_on_one_spot_never_breaks(self, city, work):
        city.add(np.arange(200) % 90, [grid_id(3, 3)] * 200, at=(113.013, 28.013))
        for method in self.METHODS:
            state, found, row = answered(work, method=method)
            assert state in ("done", "refused"), method
            assert row.refusal["message"] if state == "refused" else found["summary"]["incidents"] == 200, method

    def test_nobody_living_there_is_refused_with_a_reason(self, city, work):
        city.background(10)
        with city.clone.owner() as connection:
            connection.execute("UPDATE grid SET households = 0")
            connection.commit()
        for method in ("gi", "moran", "rates", "scan"):
            state, _, row = answered(work, method=method)
            assert (state, row.refusal["code"]) == ("refused", "nothing-to-analyse"), method

    def test_a_period_of_a_day_is_answered_or_refused(self, city, work):
        city.add([5] * 300, np.repeat(820_000 + np.arange(60), 5))
        for method in self.METHODS:
            state, _, row = answered(work, method=method, **{"from": "2026-03-26", "to": "2026-03-26"})
            assert state == "refused" if method in ("watch", "emerging", "trend") else state in ("done", "refused"), method
            assert state == "done" or row.refusal["message"], method

    def test_a_deployment_without_ground_has_no_first_map_due(self, empty: Clone):
        work = Work(empty.schema_url)
        try:
            assert maps.make_first(work) == "nothing due"
        finally:
            work.close()
