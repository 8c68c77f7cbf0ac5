"""Panels as people meet them: every figure with its counts, cut to scope, and no rate of a handful of homes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests import factories
from tests.factories import CELL, SOUTH, WEST, District

CODE = {key: place.code for key, place in factories.AREAS.items()}


def overview(caller: Any, **asked: Any) -> dict[str, Any]:
    answer = caller.get("/api/v1/overview", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def figure(told: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in told["kpi"] if each["id"] == name)


def test_the_overview_of_a_district_counts_what_is_there(client):
    told = overview(client("operator"), area=CODE["district"])
    assert [each["id"] for each in told["kpi"]] == ["today", "open", "overdue", "closing_rate", "mean_handling", "on_duty"]
    assert figure(told, "open")["value"] == 4
    assert figure(told, "overdue")["value"] == 4
    assert (figure(told, "closing_rate")["numerator"], figure(told, "closing_rate")["denominator"]) == (4, 8)
    assert figure(told, "mean_handling")["value"] == pytest.approx(48)
    assert (figure(told, "on_duty")["numerator"], figure(told, "on_duty")["denominator"]) == (8, 8)
    assert len(told["hours"]) == 24
    assert sum(told["hours"]) == 8
    assert sum(each["count"] for each in told["categories"]) == 8
    assert [each["level"] for each in told["ranking"]] == ["street", "street"]


def test_series_end_with_today_and_agree_with_the_figures(client):
    told = overview(client("operator"))
    assert len(told["trend"]) == 14
    assert figure(told, "open")["series"][-1] == figure(told, "open")["value"]
    assert figure(told, "overdue")["series"][-1] == figure(told, "overdue")["value"]
    assert sum(day["reported"] for day in told["trend"]) == 8
    assert sum(day["closed"] for day in told["trend"]) == 4
    assert sum(day["overdue"] for day in told["trend"]) == 4
    assert figure(told, "open")["series"][0] == 0


def test_children_of_each_level_are_ranked(client, district: District):
    caller = client("operator")
    assert {each["code"] for each in overview(caller, area=CODE["a"])["ranking"]} == {CODE["a1"], CODE["a2"]}
    grids = overview(caller, area=CODE["a1"])["ranking"]
    assert {each["grid_id"] for each in grids} == set(district.own.grids)
    assert {each["rate_per_1000"] for each in grids} == {None}  # one household a grid


def test_an_overview_is_cut_to_scope(client, district: District):
    told = client("operator", "a1").get("/api/v1/overview")
    assert figure(told.json(), "open")["value"] == 1
    assert not any(word in told.text for word in district.foreign.words)
    assert client("operator", "a1").get("/api/v1/overview", params={"area": CODE["b2"]}).status_code == 404
    assert client("system_admin").get("/api/v1/overview").status_code == 403


def test_a_category_narrows_every_figure(client):
    told = overview(client("operator"), category=410)
    assert figure(told, "open")["value"] == 4
    assert sum(told["hours"]) == 4
    assert sum(day["closed"] for day in told["trend"]) == 0
    assert {each["id"]: each["count"] for each in told["categories"]} == {410: 4, 420: 4}
    assert client("operator").get("/api/v1/overview", params={"category": 999}).status_code == 422


def test_a_chosen_category_is_told_though_it_counts_nothing(client):
    before = {"from": "2020-01-01", "to": "2020-01-31"}
    assert overview(client("operator"), **before)["categories"] == []
    assert {each["id"]: each["count"] for each in overview(client("operator"), category=410, **before)["categories"]} == {410: 0}


@pytest.mark.parametrize(
    "asked", [{"from": "2026-02-01", "to": "2026-01-01"}, {"from": "x"}, {"from": "1900-01-01"}, {"from": "2999-01-01"}]
)
def test_a_period_that_cannot_be_is_refused(client, asked):
    assert client("operator").get("/api/v1/overview", params=asked).status_code == 422


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "1899-12-31T23:59:59Z", "2200-01-01"])
@pytest.mark.parametrize(
    "route", ["overview", "fills?metric=rate", "statistics/indicators", "incidents", "counts?by=grid", "analyses", "grids"]
)
def test_a_day_no_incident_can_have_is_refused_and_never_a_fault(client, route, day):
    for name in ("as_of",) if route == "grids" else ("from", "to"):
        answer = client("operator").get(f"/api/v1/{route}{'&' if '?' in route else '?'}{name}={day}")
        assert answer.status_code == 422, (route, name, answer.text)
        assert "between 1900 and 2199" in answer.json()["detail"]


def test_a_year_counts_the_same_as_its_days(client):
    caller = client("operator")
    year = overview(caller, **{"from": str((datetime.now(UTC) - timedelta(days=400)).date())})
    assert sum(year["hours"]) == sum(each["count"] for each in year["ranking"]) == sum(each["count"] for each in year["categories"]) == 8


def test_figures_follow_a_report_at_once(client):
    caller = client("operator")
    before = overview(caller)
    caller.post("/api/v1/incidents", json={"category_id": 410, "lon": WEST + 0.5 * CELL, "lat": SOUTH + 0.5 * CELL})
    after = overview(caller)
    for name in ("today", "open"):
        assert figure(after, name)["value"] == figure(before, name)["value"] + 1
    assert sum(after["hours"]) == sum(before["hours"]) + 1


def test_fills_hold_one_number_for_each_grid(client, district: District):
    caller = client("operator", "a1")
    expected = {str(grid) for grid in district.own.grids}
    for metric in ("rate", "open", "overdue_share", "households", "officer_load", "assignment"):
        told = caller.get("/api/v1/fills", params={"metric": metric}).json()
        assert set(told["values"]) == expected, metric
    assert set(told["officers"].values()) == {f"{factories.AREAS['a1'].name}网格员{number}" for number in (1, 2)}
    assert caller.get("/api/v1/fills", params={"metric": "rate"}).json()["values"] == dict.fromkeys(expected)
    assert sorted(caller.get("/api/v1/fills", params={"metric": "open"}).json()["values"].values()) == [0, 1]
    assert caller.get("/api/v1/fills", params={"metric": "nonsense"}).status_code == 422


def test_breaks_stay_put_for_a_day(fresh, fresh_client):
    with fresh.owner() as connection:
        connection.execute("UPDATE grid SET households = 100 + id % 10 * 10")
        connection.commit()
    caller = fresh_client("operator")
    first = caller.get("/api/v1/fills", params={"metric": "households"}).json()
    assert len(first["breaks"]) == 4
    with fresh.owner() as connection:
        connection.execute("UPDATE grid SET households = households * 2")
        connection.commit()
    second = caller.get("/api/v1/fills", params={"metric": "households"}).json()
    assert second["breaks"] == first["breaks"]
    assert second["values"] != first["values"]


def test_indicators_come_with_both_counts(client):
    told = client("operator").get("/api/v1/statistics/indicators").json()
    by_id = {each["id"]: each for each in told["items"]}
    assert by_id["closing_rate"]["numerator"] == 4
    assert by_id["on_time_closing_rate"]["numerator"] == 4
    assert by_id["filing_rate"]["denominator"] == 8
    assert by_id["overdue_count"]["value"] == 4
