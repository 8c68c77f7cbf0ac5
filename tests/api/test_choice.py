"""What a reader chooses (hours of the day, a grid, which time is meant) cuts every answer alike, and lists leave as tables."""

import csv
import io
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.factories import AREAS, CELL, SOUTH, WEST, District

ZONE = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def hourly(fresh):  # type: ignore[no-untyped-def]
    """The incidents of the factories, each moved to an hour of its own on a day of the last week; returns {id: (hour, grid)}."""
    with fresh.owner() as owner:
        rows = owner.execute("SELECT id, grid_id, reported_at FROM incident ORDER BY id").fetchall()
        told = {}
        for rank, (number, grid, at) in enumerate(rows):
            hour = (rank * 5) % 24
            moved = (at.astimezone(ZONE) - timedelta(days=1)).replace(hour=hour, minute=30)
            owner.execute("UPDATE incident SET reported_at = %s WHERE id = %s", [moved, number])
            told[number] = (hour, grid)
        owner.execute("SELECT statistics_mend()")
        owner.commit()
    return told


@pytest.mark.parametrize("hours", ["8-12", "22-6", "0-1", "5-24"])
def test_hours_cut_panels_feed_and_lists_alike(fresh_client, hourly, hours: str) -> None:  # type: ignore[no-untyped-def]
    first, after = map(int, hours.split("-"))
    held = {number for number, (hour, _) in hourly.items() if (first <= hour < after if first < after else hour >= first or hour < after)}
    caller = fresh_client("operator")
    told = caller.get("/api/v1/overview", params={"hours": hours}).json()
    assert sum(each["count"] for each in told["categories"]) == len(held)
    assert sum(each["count"] for each in told["ranking"]) == len(held)
    assert sum(told["hours"]) == len(hourly), "the histogram shows what else there is to choose"
    for path in ("/api/v1/feed", "/api/v1/incidents"):
        assert {each["id"] for each in caller.get(path, params={"hours": hours, "limit": 100}).json()["items"]} == held
    rates = caller.get("/api/v1/fills", params={"metric": "rate", "hours": hours}).json()
    assert rates["n"] == sum(1 for number in held if hourly[number][1] is not None)


def test_pages_of_some_hours_reach_back_to_the_first_of_them(fresh_client, hourly) -> None:  # type: ignore[no-untyped-def]
    held = {number for number, (hour, _) in hourly.items() if hour >= 5}
    caller = fresh_client("operator")
    for path, older in (("/api/v1/feed", "before"), ("/api/v1/incidents", "cursor")):
        for limit in (1, 3, len(held)):
            seen, before = [], None
            while len(seen) <= len(held):
                page = caller.get(path, params={"hours": "5-24", "limit": limit, **({older: before} if before else {})}).json()
                seen += [(each["reported_at"], each["id"]) for each in page["items"]]
                before = page["next"]
                if before is None:
                    break
            assert {number for _, number in seen} == held
            assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize("hours", [None, "5-24"])
@pytest.mark.parametrize("since", [None, 1, 30, 59, 400])
def test_pages_of_a_period_hold_its_newest_in_order_to_its_first_day(fresh_client, fresh, hourly, hours, since) -> None:  # type: ignore[no-untyped-def]
    with fresh.owner() as owner:
        today = owner.execute("SELECT (deployment_now() AT TIME ZONE 'Asia/Shanghai')::date").fetchone()[0]
        for rank, number in enumerate(hourly):
            owner.execute("UPDATE incident SET reported_at = reported_at - %s * interval '11 days' WHERE id = %s", [rank % 30, number])
        held = owner.execute(
            "SELECT id FROM incident WHERE (%(hours)s::text IS NULL OR extract(hour FROM reported_at AT TIME ZONE 'Asia/Shanghai') >= 5)"
            " AND (%(first)s::date IS NULL OR (reported_at AT TIME ZONE 'Asia/Shanghai')::date >= %(first)s) ORDER BY reported_at DESC, id DESC",
            {"hours": hours, "first": since and today - timedelta(days=since)},
        ).fetchall()
        owner.commit()
    asked = {"hours": hours, "from": since and (today - timedelta(days=since)).isoformat()}
    seen, before = [], None
    while len(seen) <= len(held):
        page = fresh_client("operator").get(
            "/api/v1/feed", params={key: value for key, value in (asked | {"limit": 3, "before": before}).items() if value}
        )
        seen += [(each["id"],) for each in page.json()["items"]]
        before = page.json()["next"]
        if before is None:
            break
    assert seen == held


@pytest.mark.parametrize("hours", ["8", "8-8", "24-3", "8-25", "x-y", "-1-3"])
def test_hours_that_are_none_are_refused(client, hours: str) -> None:  # type: ignore[no-untyped-def]
    for path in ("/api/v1/overview", "/api/v1/incidents", "/tiles/incidents/15/0/0"):
        assert client("operator").get(path, params={"hours": hours}).status_code == 422, path


def test_a_whole_day_of_hours_is_no_filter(client) -> None:  # type: ignore[no-untyped-def]
    caller = client("operator")
    assert caller.get("/api/v1/overview", params={"hours": "0-24"}).json()["kpi"] == caller.get("/api/v1/overview").json()["kpi"]


def test_a_grid_has_an_overview_of_its_own_among_its_neighbours(client, district: District) -> None:  # type: ignore[no-untyped-def]
    caller = client("operator")
    grid = district.own.grids[0]
    listed = caller.get("/api/v1/incidents", params={"grid": grid, "limit": 100}).json()["items"]
    told = caller.get("/api/v1/overview", params={"grid": grid}).json()
    assert sum(each["count"] for each in told["categories"]) == len(listed) == sum(told["hours"])
    assert sum(each["reported"] for each in told["trend"]) == len(listed)
    assert {each["grid_id"] for each in told["ranking"]} == set(district.own.grids)
    assert {each["grid"]["id"] for each in caller.get("/api/v1/feed", params={"grid": grid}).json()["items"]} == {grid}
    assert client("operator", "b2").get("/api/v1/overview", params={"grid": grid}).status_code == 404


def test_a_list_is_of_what_was_reported_closed_or_due_in_a_period(client) -> None:  # type: ignore[no-untyped-def]
    caller = client("operator")
    overview = caller.get("/api/v1/overview").json()
    due = next(each for each in overview["kpi"] if each["id"] == "closing_rate")
    closed = caller.get("/api/v1/incidents", params={"by": "closed", "state": "closed", "from": overview["period"]["from"], "limit": 100})
    rows = caller.get("/api/v1/incidents", params={"by": "due", "from": overview["period"]["from"], "limit": 100}).json()["items"]
    assert len(rows) == due["denominator"]
    assert {each["state"] for each in closed.json()["items"]} == {"closed"}
    assert caller.get("/api/v1/incidents", params={"by": "birthday"}).status_code == 422


def test_a_list_of_what_ended_in_a_period_holds_what_was_reported_long_before_it(fresh, fresh_client) -> None:  # type: ignore[no-untyped-def]
    with fresh.owner() as owner:
        owner.execute(
            "INSERT INTO incident (cell, reported_at, source, source_id, category_id, state, closed_at, due_at, community_id, grid_id)"
            " SELECT 1, now() - interval '1 day' * age, 'long', age::text, 410, 'closed', now() - interval '1 hour', now() - interval '2 hours',"
            "        community_id, grid_id FROM unnest(ARRAY[1, 59, 300, 900]) AS age,"
            " (SELECT community_id, grid_id FROM incident WHERE grid_id IS NOT NULL ORDER BY id LIMIT 1) AS place"
        )
        owner.commit()
        ages = {number: int(age) for number, age in owner.execute("SELECT id, source_id FROM incident WHERE source = 'long'")}
    caller = fresh_client("operator")
    for by in ("closed", "due"):
        held, before = [], None
        for _ in range(100):
            page = caller.get("/api/v1/incidents", params={"by": by, "limit": 2} | ({"cursor": before} if before else {})).json()
            held += [each["id"] for each in page["items"]]
            before = page["next"]
            if before is None:
                break
        assert len(held) == len(set(held))
        assert [ages[each] for each in held if each in ages] == [1, 59, 300, 900], by


def test_a_list_leaves_as_a_table_that_no_spreadsheet_computes(fresh, fresh_client) -> None:  # type: ignore[no-untyped-def]
    caller = fresh_client("operator", "a1")
    place = {"category_id": 410, "lon": WEST + 0.5 * CELL, "lat": SOUTH + 0.5 * CELL}
    caller.post("/api/v1/incidents", json={**place, "title": '=HYPERLINK("http://x")'})
    answer = caller.get("/api/v1/incidents.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.text.startswith("\ufeff编号,上报时间")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert len(rows) == len(caller.get("/api/v1/incidents", params={"limit": 200}).json()["items"])
    assert '\'=HYPERLINK("http://x")' in {row["标题"] for row in rows}
    assert {row["社区"] for row in rows} == {AREAS["a1"].name}
    with fresh.owner() as owner:
        kept = owner.execute("SELECT facts FROM audit WHERE action = 'export' ORDER BY id DESC LIMIT 1").fetchone()
    assert kept is not None
    assert kept[0]["incidents"] == len(rows)
    assert fresh_client("system_admin").get("/api/v1/incidents.csv").status_code == 403


def test_care_is_told_with_permission_and_never_of_a_few(client) -> None:  # type: ignore[no-untyped-def]
    assert client("operator").get("/api/v1/fills", params={"metric": "care"}).status_code == 403
    told = client("clerk", "a1").get("/api/v1/fills", params={"metric": "care"}).json()
    assert set(told["values"].values()) <= {None, 0.0}, "the factories' grids have few homes"


def test_a_service_circle_reaches_the_homes_around_a_working_point(fresh, fresh_client, district: District) -> None:  # type: ignore[no-untyped-def]
    caller = fresh_client("operator")
    with fresh.owner() as owner:
        owner.execute("UPDATE facility SET kind = 'service_point', status = 'faulty'")
        owner.commit()
    shares = caller.get("/api/v1/fills", params={"metric": "service"}).json()["values"]
    assert {value for value in shares.values() if value is not None} == {0.0}
    with fresh.owner() as owner:
        point = owner.execute(
            "UPDATE facility SET status = 'working' WHERE id = %s RETURNING ST_AsText(geom)", [district.own.facilities[0]]
        ).fetchone()
        expected = owner.execute(
            "SELECT grid_id::text, sum(households) FILTER (WHERE ST_DistanceSphere(ST_Centroid(ST_Envelope(geom)), ST_SetSRID(%s::geometry, 4490)) <= 670)"
            " / sum(households)::float FROM building WHERE households > 0 AND grid_id IS NOT NULL GROUP BY 1",
            [point[0] if point else ""],
        ).fetchall()
        owner.commit()
    shares = caller.get("/api/v1/fills", params={"metric": "service"}).json()["values"]
    assert {grid: value for grid, value in shares.items() if value is not None} == {
        grid: pytest.approx(value or 0) for grid, value in expected
    }
    assert any(value for value in shares.values())
