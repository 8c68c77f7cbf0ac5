"""Schedules: asked by the clock, caught up once, written whole or not at all, listed with their files."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson
import pytest
from starlette.testclient import TestClient

from api.analyses import scheduling, working
from api.work import Work
from data.queries.statistics import Moment
from tests import insight
from tests.insight import InsightCity

SHANGHAI = ZoneInfo("Asia/Shanghai")
QUICK = {"permutations": 999, "alternate": False}


@pytest.fixture
def city(insight_city: InsightCity) -> InsightCity:
    return insight_city


@pytest.fixture
def work(insight_work: Work) -> Work:
    return insight_work


@pytest.fixture
def person(city: InsightCity, tmp_path: Path) -> Iterator[TestClient]:
    with insight.people(city, tmp_path) as make:
        yield make()


def clock_stands_at(city: InsightCity, moment: str) -> None:
    with city.clone.owner() as connection:
        connection.execute("UPDATE deployment SET value = to_jsonb(CAST(%s AS text)) WHERE key = 'now'", [moment])
        connection.commit()


def work_off(work: Work) -> None:
    """What the worker does with the jobs that were asked for."""
    with work.unit() as (session, scope):
        from data.queries import analyses  # noqa: PLC0415

        waiting = [row.id for row in analyses.page(session, scope, dict.fromkeys(("method", "origin", "area", "starts", "ends", "before"))
                                                   | {"state": "asked", "limit": 50})]  # fmt: skip
    for id in waiting:
        working.work_out(work, id)


def test_a_weekly_report_is_asked_written_and_listed(city, work, person, tmp_path):
    city.background(80)
    made = person.post("/api/v1/schedules", json={"name": "周报", "every": "week", "question": {"method": "gi", "parameters": QUICK}})
    assert made.status_code == 201
    # Tuesday 31 March 2026 just before midnight → the next Monday at six.
    assert datetime.fromisoformat(made.json()["next_at"]).astimezone(SHANGHAI) == datetime(2026, 4, 6, 6, tzinfo=SHANGHAI)
    assert scheduling.run_due(work) == []
    clock_stands_at(city, "2026-04-06T06:00:00+08:00")
    [run] = scheduling.run_due(work)
    assert scheduling.run_due(work) == []
    work_off(work)
    assert scheduling.write_done(work) == [run]
    told = person.get("/api/v1/schedules/runs").json()["items"][0]
    assert (told["state"], told["from"], told["to"]) == ("written", "2026-03-30", "2026-04-05")
    names = {each["name"] for each in told["files"]}
    assert {"result.json", "units.csv"} <= names
    stored = person.get(f"/api/v1/schedules/runs/{run}/files/result.json")
    assert stored.content == (tmp_path / "outbox" / f"{made.json()['id']}-20260330-20260405" / "result.json").read_bytes()
    result = person.get(f"/api/v1/analyses/{told['analysis_id']}").json()["result"]
    assert orjson.loads(stored.content) == result
    assert [each.name for each in (tmp_path / "outbox").iterdir()] == [f"{made.json()['id']}-20260330-20260405"]
    assert person.get(f"/api/v1/schedules/runs/{run}/files/other.json").status_code == 404
    assert person.get("/api/v1/schedules").json()["items"][0]["last_run"]["id"] == run


def test_runs_that_were_missed_are_caught_up_once_with_the_newest_period(city, work, person):
    person.post("/api/v1/schedules", json={"name": "月报", "every": "month", "question": {"method": "rates"}})
    clock_stands_at(city, "2026-07-20T10:00:00+08:00")
    assert len(scheduling.run_due(work)) == 1
    assert scheduling.run_due(work) == []
    told = person.get("/api/v1/schedules/runs").json()["items"]
    assert [(each["from"], each["to"]) for each in told] == [("2026-06-01", "2026-06-30")]
    schedule = person.get("/api/v1/schedules").json()["items"][0]
    assert datetime.fromisoformat(schedule["next_at"]).astimezone(SHANGHAI) == datetime(2026, 8, 1, 6, tzinfo=SHANGHAI)


def test_a_question_that_is_refused_is_told_and_writes_nothing(city, work, person, tmp_path):
    person.post("/api/v1/schedules", json={"name": "周报", "every": "week", "question": {"method": "gi"}})
    clock_stands_at(city, "2026-04-06T06:00:00+08:00")
    scheduling.run_due(work)
    work_off(work)
    scheduling.write_done(work)
    told = person.get("/api/v1/schedules/runs").json()["items"][0]
    assert (told["state"], told["files"], told["refusal"]["code"]) == ("refused", [], "nothing-to-analyse")
    assert not (tmp_path / "outbox").exists()


def test_a_folder_appears_whole_or_not_at_all(city, work, person, tmp_path, monkeypatch):
    city.background(20)
    person.post("/api/v1/schedules", json={"name": "周报", "every": "week", "question": {"method": "rates"}})
    clock_stands_at(city, "2026-04-06T06:00:00+08:00")
    scheduling.run_due(work)
    work_off(work)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(scheduling.os, "fsync", full)
    scheduling.write_done(work)
    assert person.get("/api/v1/schedules/runs").json()["items"][0]["state"] == "failed"
    assert list((tmp_path / "outbox").iterdir()) == []


def test_a_schedule_is_paused_renamed_and_removed(city, work, person):
    made = person.post("/api/v1/schedules", json={"name": "周报", "every": "week", "question": {"method": "rates"}}).json()
    changed = person.patch(f"/api/v1/schedules/{made['id']}", json={"name": "每周", "paused": True}).json()
    assert (changed["name"], changed["paused"]) == ("每周", True)
    clock_stands_at(city, "2026-04-20T07:00:00+08:00")
    assert scheduling.run_due(work) == []
    woken = person.patch(f"/api/v1/schedules/{made['id']}", json={"paused": False}).json()
    assert datetime.fromisoformat(woken["next_at"]).astimezone(SHANGHAI).date() == date(2026, 4, 27)
    assert scheduling.run_due(work) == []
    assert person.delete(f"/api/v1/schedules/{made['id']}").status_code == 204
    assert person.get("/api/v1/schedules").json()["items"] == []


@pytest.mark.parametrize(
    "wrong",
    [{"question": {"method": "gi", "from": "2026-01-01"}}, {"question": {"method": "magic"}}, {"question": {"method": "gi", "mood": 1}},
     {"every": "hour"}, {"languages": []}, {"name": " "}],
)  # fmt: skip
def test_a_wrong_schedule_is_told_what_is_wrong(client, wrong):
    told = {"name": "周报", "every": "week", "question": {"method": "gi"}} | wrong
    assert client("analyst").post("/api/v1/schedules", json=told).status_code == 422


@pytest.mark.parametrize(
    ("today", "week", "month"),
    [(date(2026, 4, 6), (date(2026, 3, 30), date(2026, 4, 5)), (date(2026, 3, 1), date(2026, 3, 31))),
     (date(2026, 3, 1), (date(2026, 2, 16), date(2026, 2, 22)), (date(2026, 2, 1), date(2026, 2, 28)))],
)  # fmt: skip
def test_a_period_is_the_newest_whole_one_that_is_over(today, week, month):
    assert scheduling.period_before("week", today) == week
    assert scheduling.period_before("month", today) == month


def test_the_next_run_is_after_now_even_at_six_itself():
    monday = datetime(2026, 4, 6, 6, tzinfo=SHANGHAI)
    at = Moment(monday, SHANGHAI)
    assert scheduling.next_run("week", at, monday - timedelta(seconds=1)) == monday
    assert scheduling.next_run("week", at, monday) == monday + timedelta(days=7)
    assert scheduling.next_run("month", at, monday) == datetime(2026, 5, 1, 6, tzinfo=SHANGHAI)
