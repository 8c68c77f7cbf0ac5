"""Data doubts: traps that were laid are counted one by one, and sound records raise none."""

import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from gis.errors import BadValue
from gis.hotspots.doubts import CHECKS, LEFT_OUT, Doubts, doubts

GROUND = box(0, 0, 6000, 4000)
DAYS = 400
START = np.datetime64("2025-01-01T00:00:00")
UNTIL = np.datetime64("2026-02-05T00:00:00")


def records(size: int = 20_000, seed: int = 1) -> pd.DataFrame:
    """Sound records: 2,000 buildings, some busier than others, three sources of steady level."""
    random = np.random.default_rng(seed)
    buildings = random.random((2_000, 2)) * [5990, 3990] + 5
    busy = random.gamma(2.0, size=2_000)
    building = random.choice(2_000, size, p=busy / busy.sum())
    seconds = random.integers(0, DAYS * 86_400, size)
    return pd.DataFrame({
        "x": buildings[building, 0], "y": buildings[building, 1], "time": START + seconds.astype("timedelta64[s]"),
        "category": random.integers(0, 12, size), "source": np.array(["line", "app", "patrol"])[random.integers(0, 3, size)],
        "source_id": np.arange(size).astype(str), "address": [f"building {each}" for each in building],
    })  # fmt: skip


def looked(table: pd.DataFrame) -> Doubts:
    return doubts(table, ground=GROUND, until=UNTIL)


def counts(found: Doubts) -> dict[str, int]:
    return dict(zip(found.table["check"], found.table["rows"], strict=True))


def test_sound_records_raise_no_doubt() -> None:
    found = looked(records())
    assert counts(found) == dict.fromkeys(CHECKS, 0)
    assert found.unasked == []
    assert found.kept().all()


def test_each_trap_is_counted_and_what_a_run_does_is_told() -> None:
    table = records()
    table.loc[0:9, "x"] = np.nan
    table.loc[10:14, ["x", "y"]] = 0.0
    table.loc[20:39, "x"] = 9_000.0
    table.loc[40:46, "time"] = pd.NaT
    table.loc[50:52, "time"] = UNTIL + np.timedelta64(1, "D")
    table.loc[60:63, ["source", "source_id"]] = ["app", "again"]
    again = table.loc[100:104].assign(source_id=["a", "b", "c", "d", "e"])
    found = looked(pd.concat([table, again], ignore_index=True))
    expected = {"no-place": 15, "outside": 20, "no-time": 7, "future": 3, "same-id": 3, "same-event": 5}
    assert {name: counts(found)[name] for name in expected} == expected
    assert set(found.table.loc[found.table["done"] == "left-out", "check"]) == LEFT_OUT
    assert (~found.kept()).sum() == sum(expected.values())
    assert found.kept(also_kept=("outside",)).sum() == found.kept().sum() + 20


def test_one_place_with_other_last_digits_is_one_place() -> None:
    """Pittsburgh's citations: the same event came with coordinates that differ from the ninth decimal of a degree on."""
    table = records()
    again = table.loc[100:139].assign(source_id=[f"again {each}" for each in range(40)])
    again["x"] += np.random.default_rng(2).uniform(-1e-3, 1e-3, 40)
    assert counts(looked(pd.concat([table, again], ignore_index=True)))["same-event"] >= 38
    apart = again.assign(x=again["x"] + 1.0)
    assert counts(looked(pd.concat([table, apart], ignore_index=True)))["same-event"] == 0


def test_a_default_point_is_told_from_a_busy_building() -> None:
    table = records()
    table.loc[0:399, ["x", "y"]] = [3210.0, 1234.0]  # many addresses that a geocoder could not find
    table.loc[400:799, ["x", "y"]] = [777.0, 888.0]
    table.loc[400:799, "address"] = "the noisy building"
    table.loc[800:1_099, ["x", "y"]] = [3000.0, 2000.0]  # the middle of the district
    table.loc[800:1_099, "address"] = "town hall"
    piles = looked(table).piles.set_index("x")
    assert piles["rows"].to_dict() == {3210.0: 400, 777.0: 400, 3000.0: 300}
    assert piles["likely_default"].to_dict() == {3210.0: True, 777.0: False, 3000.0: True}
    assert piles.loc[777.0, "addresses"] == 1
    assert counts(looked(table))["pile"] == 1_100
    named = doubts(table, defaults=[(777.0, 888.0)]).piles.set_index("x")
    assert named["likely_default"].to_dict() == {3210.0: True, 777.0: True, 3000.0: False}
    left = looked(table).kept(also_left_out=("pile",))
    assert left.sum() == len(table) - 1_100


def test_times_that_mean_no_time_of_day_and_default_days_are_told() -> None:
    table = records()
    table.loc[0:999, "time"] = table.loc[0:999, "time"].dt.normalize()
    table.loc[1_000:1_999, "time"] = np.datetime64("2025-06-01T10:00:00") + np.arange(1_000).astype("timedelta64[s]")
    found = looked(table)
    assert counts(found)["midnight"] == 1_000
    assert found.days["day"].tolist() == [pd.Timestamp("2025-06-01")]
    assert counts(found)["day-pile"] >= 1_000
    # Two events of one day and building with bare dates may be two.
    assert counts(found)["same-event"] == 0


def test_a_source_that_falls_silent_or_doubles_is_told_with_its_week() -> None:
    table = records(40_000)
    late = table["time"] >= np.datetime64("2025-09-01")
    silent = table[~(late & (table["source"] == "patrol"))]
    found = looked(silent)
    assert found.levels["source"].tolist() == ["patrol"]
    assert abs(found.levels["step_start"].iloc[0] - pd.Timestamp("2025-09-01")) <= pd.Timedelta(days=7)
    assert found.levels["ratio"].iloc[0] == 0
    more = pd.concat([table, table[late & (table["source"] == "app")].assign(source_id=lambda each: "x" + each["source_id"])])
    doubled = looked(more.assign(x=more["x"] + np.arange(len(more)) * 1e-9).reset_index(drop=True))
    assert doubled.levels["source"].tolist() == ["app"]
    assert doubled.levels["low"].iloc[0] < 2 < doubled.levels["high"].iloc[0]
    assert counts(doubled)["level"] > 0


def test_what_cannot_be_asked_says_so() -> None:
    found = doubts(records()[["x", "y"]])
    assert found.unasked == ["outside", "no-time", "future", "same-id", "same-event", "midnight", "day-pile", "level"]
    assert not found.table.loc[~found.table["asked"], "rows"].any()


def test_no_rows_and_one_row_have_an_answer() -> None:
    for size in (0, 1):
        found = looked(records().head(size))
        assert counts(found) == dict.fromkeys(CHECKS, 0)
        assert len(found.kept()) == found.rows == size


def test_all_in_one_place_is_a_pile() -> None:
    table = records(100).assign(x=5.0, y=6.0)
    assert counts(looked(table))["pile"] == 100


def test_times_with_a_zone_are_taken_as_their_local_clock() -> None:
    table = records(2_000)
    table["time"] = table["time"].dt.normalize().dt.tz_localize("Asia/Shanghai")
    assert counts(looked(table))["midnight"] == 2_000


def test_nonsense_is_refused() -> None:
    with pytest.raises(BadValue):
        doubts(pd.DataFrame({"lon": [1.0]}))
    with pytest.raises(BadValue):
        doubts(records(10).assign(time="yesterday"))
    with pytest.raises(BadValue):
        looked(records(10)).kept(also_kept=("astrology",))
