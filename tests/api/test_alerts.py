"""The live watch: a fresh cluster is one alert on the day it appears, and chance alone rarely is."""

from datetime import date, timedelta

import numpy as np
import pytest

from api.analyses import watch
from api.work import Work
from data.queries import alerts, analyses
from tests import insight
from tests.factories import District
from tests.insight import TODAY, InsightCity, grid_id

SPOT = [grid_id(3, 3), grid_id(4, 3)]
RECURRENCE = 365.0


@pytest.fixture
def city(insight_city: InsightCity) -> InsightCity:
    return insight_city


@pytest.fixture
def work(insight_work: Work) -> Work:
    return insight_work


def looked(work: Work, day: date, *, recurrence_days: float = RECURRENCE) -> watch.Watched:
    return watch.run(work, as_of=day, recurrence_days=recurrence_days)


def all_alerts(work: Work) -> list:
    with work.unit() as (session, scope):
        return list(alerts.page(session, scope, {}, 50))


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


class TestRaising:
    def test_a_fresh_cluster_is_one_alert_on_the_day_it_appears_and_goes_on(self, city, work):
        city.background(12)
        city.background(12, category=420, seed=8)
        assert looked(work, ago(6)).raised == []
        # Nine in two neighbouring grids on one day, where one in four days is usual.
        city.add([5] * 9, np.resize(SPOT, 9), seed=3)
        city.add([4] * 6, np.resize(SPOT, 6), seed=4)
        first = looked(work, ago(5))
        assert len(first.raised) == 1
        assert (first.day, first.looked) == (ago(5), 2)
        [alert] = all_alerts(work)
        assert (alert.category_id, alert.raised_for, alert.state, alert.looks) == (410, ago(5), "open", 2)
        assert set(SPOT) <= set(alert.grid_ids)
        assert alert.recurrence_days >= RECURRENCE
        second = looked(work, ago(4))
        assert (second.raised, second.went_on) == ([], first.raised)
        [alert] = all_alerts(work)
        assert (alert.raised_for, alert.last_seen_for, alert.times_seen) == (ago(5), ago(4), 2)
        with work.unit() as (session, scope):
            cluster = alerts.clusters(session, scope, [alert.id])[alert.id]
            assert cluster["period"]["to"] == ago(4).isoformat()
            assert analyses.one(session, scope, alert.analysis_id).method == "watch"

    def test_looking_again_at_the_same_day_computes_and_changes_nothing(self, city, work):
        city.background(12)
        city.add([5] * 9, np.resize(SPOT, 9), seed=3)
        first = looked(work, ago(5))
        before = all_alerts(work)
        again = looked(work, ago(5))
        assert (len(first.raised), first.computed) == (1, 1)
        assert (again.raised, again.computed) == ([], 0)
        assert [(each.id, each.times_seen, each.analysis_id) for each in all_alerts(work)] == [
            (each.id, each.times_seen, each.analysis_id) for each in before
        ]

    def test_what_comes_back_after_two_weeks_or_elsewhere_is_a_new_alert(self, city, work):
        city.background(12)
        city.add([40] * 9, np.resize(SPOT, 9), seed=3)
        city.add([20] * 9, np.resize(SPOT, 9), seed=4)
        city.add([20] * 9, np.resize([grid_id(0, 7), grid_id(0, 6)], 9), seed=5)
        assert len(looked(work, ago(40)).raised) == 1
        assert len(looked(work, ago(20)).raised) == 2
        assert len(all_alerts(work)) == 3

    def test_pages_hear_of_an_alert(self, city, work):
        city.background(12)
        city.add([5] * 9, np.resize(SPOT, 9), seed=3)
        [raised] = looked(work, ago(5)).raised
        with city.clone.owner() as connection:
            told = connection.execute("SELECT op, noun_id, community_id FROM outbox WHERE layer = 'alert'").fetchall()
        assert ("insert", raised) in {each[:2] for each in told}
        assert {each[2] for each in told} == {insight.community_id(3, 3), insight.community_id(4, 3)}

    def test_chance_alone_alarms_as_often_as_the_setting_says(self, city, work):
        """Sixty looks at nulls with a recurrence of ten days: about six alarms, hardly fewer than 1 or more than 14."""
        for category, seed in ((410, 11), (420, 12)):
            city.background(15, days=150, category=category, seed=seed)
        alarms = 0
        for back in range(30):
            done = looked(work, ago(back * 2), recurrence_days=10.0)
            alarms += len(done.raised) + len(done.went_on)
            assert done.looked == 2
        assert 1 <= alarms <= 14


class TestScoring:
    def test_an_alert_is_scored_by_the_days_after_it(self, city, work):
        city.background(12)
        city.add([20] * 9, np.resize(SPOT, 9), seed=3)
        after = [19, 18, 18, 17, 16, 15, 14, 13]
        city.add(after, np.resize(SPOT, len(after)), seed=4)
        [raised] = looked(work, ago(20)).raised
        assert watch.score_due(work) == 2
        assert watch.score_due(work) == 0
        [alert] = all_alerts(work)
        with city.clone.owner() as connection:
            count = "SELECT count(*) FROM incident WHERE grid_id = ANY (%s) AND (reported_at AT TIME ZONE 'Asia/Shanghai')::date BETWEEN %s AND %s"
            seven = connection.execute(count, [alert.grid_ids, ago(19), ago(13)]).fetchone()[0]
            usual = connection.execute(
                count, [alert.grid_ids, alert.begins - timedelta(days=28), alert.begins - timedelta(days=1)]
            ).fetchone()[0]
        assert alert.score["7"]["observed"] == seven
        assert alert.score["7"]["expected"] == pytest.approx(usual / 4)
        assert alert.score["7"]["went_on"] is True
        assert alert.id == raised


class TestTaking:
    def test_an_alert_is_taken_in_hand_once_with_a_note(self, client, district: District):
        clerk = client("clerk", "a1")
        alert = district.own.alerts[0]
        assert [each["id"] for each in clerk.get("/api/v1/alerts", params={"state": "open"}).json()["items"]] == [alert]
        assert clerk.get("/api/v1/picture").json()["alerts"] == 1
        told = clerk.post(f"/api/v1/alerts/{alert}/acknowledge", json={"note": "已派人查看"}).json()
        assert (told["state"], told["note"]) == ("acknowledged", "已派人查看")
        again = clerk.post(f"/api/v1/alerts/{alert}/acknowledge", json={"note": "我也去"})
        assert again.status_code == 409
        assert again.json()["acknowledged_by"] == told["acknowledged_by"]
        assert clerk.get("/api/v1/alerts", params={"state": "open"}).json()["items"] == []
        assert clerk.get("/api/v1/picture").json()["alerts"] == 0

    def test_an_alert_tells_its_cluster_its_analysis_and_how_rare_it_is(self, client, district: District):
        told = client("operator").get(f"/api/v1/alerts/{district.own.alerts[0]}").json()
        assert (told["analysis_id"], told["cluster"]["observed"], told["grid_ids"]) == (
            district.own.analyses[1],
            6,
            [district.own.grids[0]],
        )
        assert told["recurrence_days_of_all"] == pytest.approx(1000 / 2, rel=1e-3)

    def test_nobody_takes_a_foreign_alert_or_without_the_right_or_without_a_word(self, client, district: District):
        note = {"note": "看"}
        assert client("clerk", "a1").post(f"/api/v1/alerts/{district.foreign.alerts[0]}/acknowledge", json=note).status_code == 404
        assert client("planner", "a1").post(f"/api/v1/alerts/{district.own.alerts[0]}/acknowledge", json=note).status_code == 403
        assert client("clerk", "a1").post(f"/api/v1/alerts/{district.own.alerts[0]}/acknowledge", json={"note": " "}).status_code == 422
