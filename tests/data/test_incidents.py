"""Bulk loads of incidents: every row accounted for, places assigned as one by one, statistics equal to the rows."""

import numpy as np
import pandas as pd
import psycopg
import pytest

from data.queries import incident_load
from data.queries.incident_load import Loaded, finish_load, load_many
from gis.errors import BadCoordinate, BadValue
from tests.factories import CELL, SOUTH, WEST, District


def frame(count: int = 60, **columns: object) -> pd.DataFrame:
    random = np.random.default_rng(7)
    return pd.DataFrame(
        {
            "source": "feed",
            "source_id": [f"N{number}" for number in range(count)],
            "category_id": random.choice([410, 420], count),
            "reported_at": pd.Timestamp("2025-12-20", tz="UTC") + pd.to_timedelta(np.arange(count) * 9, unit="h"),
            "lon": WEST + random.random(count) * 4 * CELL,
            "lat": SOUTH + random.random(count) * 2 * CELL,
            "title": '垃圾 "x", y\\z\nline',
        }
        | columns
    )


def load(connection: psycopg.Connection, incidents: pd.DataFrame) -> Loaded:
    loaded = load_many(connection, incidents)
    connection.commit()
    return loaded


def stored(connection: psycopg.Connection) -> pd.DataFrame:
    cursor = connection.execute(
        "SELECT incident.*, ST_X(place) AS lon, ST_Y(place) AS lat, tableoid::regclass::text AS leaf FROM incident WHERE source = 'feed' ORDER BY id"
    )
    return pd.DataFrame(cursor.fetchall(), columns=[column.name for column in cursor.description or ()])


def test_rows_come_back_as_they_were_sent(fresh):
    sent = frame()
    with fresh.owner() as connection:
        loaded = load(connection, sent)
        kept = stored(connection).set_index("id").loc[loaded.ids]
    assert (kept["source_id"].to_numpy() == sent["source_id"].to_numpy()).all()
    assert (kept["title"] == sent["title"][0]).all()
    assert (kept["lon"].to_numpy() == sent["lon"].to_numpy()).all()
    assert (pd.to_datetime(kept["reported_at"], utc=True).to_numpy() == sent["reported_at"].to_numpy()).all()
    assert set(kept["leaf"]) == {"incident_2025", "incident_2026"}


def test_places_belong_where_postgis_says(fresh):
    with fresh.owner() as connection:
        load(connection, frame(200))
        wrong = connection.execute(
            "SELECT count(*) FROM incident WHERE source = 'feed' AND grid_id IS DISTINCT FROM"
            " (SELECT id FROM grid WHERE ST_Covers(geom, place) ORDER BY code LIMIT 1)"
        ).fetchone()
        keys = connection.execute(
            "SELECT bool_and(cell = qk >> 20), min(border_distance_m) >= 0 FROM incident WHERE source = 'feed'"
        ).fetchone()
    assert wrong == (0,)
    assert keys == (True, True)


def test_no_place_and_no_grid_are_loaded_unplaced(fresh):
    sent = frame(3, lon=[np.nan, WEST - 1, WEST + 0.001], lat=[np.nan, SOUTH, SOUTH + 0.001])
    with fresh.owner() as connection:
        loaded = load(connection, sent)
        kept = stored(connection)
    assert list(loaded.grid_ids > 0) == [False, False, True]
    assert list(kept.set_index("id").loc[loaded.ids, "community_id"] == 0) == [True, True, False]


def test_a_second_load_changes_nothing_and_tells_what_says_something_else(fresh):
    digest = [bytes([number]) for number in range(60)]
    with fresh.owner() as connection:
        load(connection, frame(content_hash=digest))
        again = load(connection, frame(content_hash=[b"other", *digest[1:]]))
        assert connection.execute("SELECT count(*) FROM incident WHERE source = 'feed'").fetchone() == (60,)
    assert again.clashing.tolist() == [True] + [False] * 59
    assert again.known.sum() == 59
    assert (again.ids == -1).all()


def test_a_number_twice_in_one_load_is_loaded_once(fresh):
    with fresh.owner() as connection:
        loaded = load(connection, frame(4, source_id=["a", "b", "a", "c"]))
    assert loaded.known.tolist() == [False, False, True, False]


@pytest.mark.parametrize("aside", [1, 10**9])
def test_statistics_and_map_cells_equal_the_rows_after_a_load(fresh, monkeypatch, aside):
    monkeypatch.setattr(incident_load, "BUILD_ASIDE_ROWS", aside)
    states = ["closed", "handling", "suspended"] * 20
    with fresh.owner() as connection:
        due = pd.Timestamp("2026-01-10", tz="UTC")
        load(connection, frame(state=states, closed_at=[due if each == "closed" else pd.NaT for each in states], due_at=due))
    finish_load(fresh.schema_url)
    with fresh.owner() as connection:
        assert connection.execute("SELECT statistics_mend()").fetchone() == (0,)
        connection.execute("SELECT statistics_fold()")
        assert connection.execute("SELECT sum(reported) FROM statistics_day").fetchone() == (68,)
        assert connection.execute("SELECT count(*) FROM deployment WHERE key = 'statistics_due'").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM incident WHERE state = 'suspended' AND due_at IS NOT NULL").fetchone() == (0,)


def test_a_year_built_aside_serves_the_application_like_any_other(fresh, fresh_client, monkeypatch, district: District):
    monkeypatch.setattr(incident_load, "BUILD_ASIDE_ROWS", 1)
    with fresh.owner() as connection:
        load(connection, frame(20, reported_at=pd.Timestamp("2024-06-01", tz="UTC")))
        indexes = connection.execute("SELECT count(*) FROM pg_indexes WHERE tablename = 'incident_2024'").fetchone()
        model = connection.execute("SELECT count(*) FROM pg_indexes WHERE tablename = 'incident_before'").fetchone()
    assert indexes == model
    asked = {"from": "2024-05-31", "to": "2024-06-02"}
    assert len(fresh_client("operator").get("/api/v1/incidents", params=asked).json()["items"]) == 20
    mine = fresh_client("operator", "a1").get("/api/v1/incidents", params=asked).json()["items"]
    assert {item["grid"]["id"] for item in mine} <= set(district.own.grids)
    with fresh.as_app() as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT count(*) FROM incident_2024")


@pytest.mark.parametrize(
    ("columns", "refusal"),
    [
        ({"category_id": 999}, BadValue), ({"reported_at": pd.NaT}, BadValue), ({"source_id": ""}, BadValue), ({"title": "a\x00"}, BadValue),
        ({"state": "closed"}, BadValue), ({"lon": 400.0}, BadCoordinate),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_right_refuses_the_load_and_stores_nothing(fresh, columns, refusal):
    with fresh.owner() as connection:
        with pytest.raises(refusal) as refused:
            load_many(connection, frame(5, **columns))
        connection.commit()
        assert connection.execute("SELECT count(*) FROM incident WHERE source = 'feed'").fetchone() == (0,)
    assert refused.value.facts["row"] == 0
