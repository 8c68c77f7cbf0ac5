"""`analyse trend`, `doubts`, `lq` and neighbours along roads; and whatever a file holds, an answer or a refusal with the reason."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import LineString, box

from api.commands import analyse_options
from data.files.source import Source, source
from tests.api.test_analyse_areas import SIDE, analyse, answer, refusal, table

WEST, SOUTH = 116.3, 39.9
STEP = 1 / 512


def incidents(size: int = 3_000, seed: int = 1, days: int = 900) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    places = random.random((size, 2)) * SIDE * STEP + [WEST, SOUTH]
    when = np.datetime64("2023-07-01T00:00") + random.integers(0, days * 1440, size).astype("timedelta64[m]")
    return pd.DataFrame({
        "number": np.arange(size), "lon": places[:, 0], "lat": places[:, 1], "at": when.astype("datetime64[s]").astype(str),
        "kind": random.integers(0, 5, size), "source": np.array(["line", "app"])[random.integers(0, 2, size)],
    })  # fmt: skip


def cells(path: Path) -> Path:
    row, column = np.divmod(np.arange(SIDE * SIDE), SIDE)
    shapes = [
        box(WEST + c * STEP, SOUTH + r * STEP, WEST + (c + 1) * STEP, SOUTH + (r + 1) * STEP) for r, c in zip(row, column, strict=True)
    ]
    gpd.GeoDataFrame({"code": [f"G{each:02d}" for each in range(len(shapes))]}, geometry=shapes, crs=4326).to_file(path, engine="pyogrio")
    return path


def test_trend_counts_incidents_by_month_in_areas_and_all_together(tmp_path: Path) -> None:
    frame = incidents()
    frame.to_csv(tmp_path / "in.csv", index=False)
    whole = answer(tmp_path, "trend", tmp_path / "in.csv", "--time", "at")
    months = pd.to_datetime(frame["at"]).dt.to_period("M").value_counts().sort_index()
    assert whole["units"][0]["values"] == months.tolist() and whole["steps"] == [str(each) for each in months.index]
    # 环比 by hand: incidents a day of the last month over those of the month before; 同比 over the same month of the year before.
    rates = [count / month.days_in_month for month, count in months.items()]
    assert whole["units"][0]["step_ratio"] == pytest.approx(rates[-1] / rates[-2])
    assert whole["units"][0]["season_ratio"] == pytest.approx(rates[-1] / rates[-13])
    assert whole["units"][0]["step_low"] < whole["units"][0]["step_ratio"] < whole["units"][0]["step_high"]
    parts = answer(tmp_path, "trend", tmp_path / "in.csv", "--time", "at", "--areas", cells(tmp_path / "cells.gpkg"), "--step", "month")
    assert len(parts["units"]) == SIDE * SIDE and parts["total"] == len(frame)
    assert any("stand out by chance" in each for each in parts["notes"])


def test_trend_of_rows_tells_a_change_with_its_step(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    rows = [
        [name, f"{2022 + m // 12}-{m % 12 + 1:02d}-01", int(random.poisson(20 if m < 24 or name == "a" else 50))]
        for m in range(36)
        for name in "ab"
    ]
    file = table(tmp_path / "rows.csv", [["area", "month", "n"], *rows])
    found = answer(tmp_path, "trend", file, "--id", "area", "--time", "month", "--cases", "n", "--step", "month")
    assert [(each["members"], each["step"]) for each in found["clusters"]] == [(["b"], "2024-01")]
    assert found["clusters"][0]["low"] < 2.5 < found["clusters"][0]["high"]
    assert "how many steps make a season" in refusal("trend", file, "--id", "area", "--time", "month", "--cases", "n")


def test_doubts_counts_a_default_point_and_what_is_left_out(tmp_path: Path) -> None:
    frame = incidents()
    frame.loc[:99, ["lon", "lat"]] = [WEST + 0.001, SOUTH + 0.002]
    frame.loc[100:109, "at"] = ""
    frame.loc[110:114, "at"] = "last week"
    frame.loc[120:124, "number"] = 7
    frame.loc[130:139, ["lon", "lat"]] = [0.0, 0.0]
    frame.loc[140:149, "lon"] = np.nan
    frame["address"] = [f"house {each}" for each in range(len(frame))]
    frame.to_csv(tmp_path / "in.csv", index=False)
    found = answer(tmp_path, "doubts", tmp_path / "in.csv", "--time", "at", "--category", "kind", "--source", "source", "--source-id", "number",
                   "--address", "address", "--outline", cells(tmp_path / "cells.gpkg"), "--until", "2026-06-01")  # fmt: skip
    counts = {each["check"]: each["rows"] for each in found["checks"]}
    assert (counts["no-place"], counts["no-time"], counts["pile"], counts["outside"], counts["future"]) == (20, 15, 100, 0, 0)
    assert counts["same-id"] in (3, 4, 5)  # numbers are those of one source, and there are two
    assert [(each["rows"], each["likely_default"]) for each in found["piles"]] == [(100, True)]
    assert found["piles"][0]["lon"] == pytest.approx(WEST + 0.001, abs=1e-6)
    assert found["kept"] == sum(each["kept"] for each in found["units"]) == 3_000 - 35 - counts["same-id"]
    assert any("5 times cannot be read" in each for each in found["notes"])


def test_location_quotients_of_a_category(tmp_path: Path) -> None:
    file = table(tmp_path / "mix.csv", [["id", "noise", "all"], ["a", 30, 100], ["b", 10, 100], ["c", 0, 200], ["d", 0, 0]])
    found = answer(tmp_path, "lq", file, "--cases", "noise", "--population", "all")
    assert [each["LQ"] for each in found["units"]] == [pytest.approx(3), pytest.approx(1), 0, None]
    table(tmp_path / "bad.csv", [["id", "noise", "all"], ["a", 3, 1]])
    assert "First in row 1" in refusal("lq", tmp_path / "bad.csv", "--cases", "noise", "--population", "all")


def test_neighbours_along_roads(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    west, south = 500_000, 4_400_000
    lanes = [LineString([(west, south + y), (west + 2000, south + y)]) for y in range(0, 800, 100)]
    gpd.GeoDataFrame(geometry=lanes, crs=32650).to_file(tmp_path / "roads.gpkg", engine="pyogrio")
    places = [[west + x, south + y + 3, int(random.poisson(9))] for y in range(0, 800, 100) for x in range(0, 2000, 100)]
    file = table(tmp_path / "places.csv", [["x", "y", "n"], *places])
    roads = f"network:150:{tmp_path / 'roads.gpkg'}"
    found = answer(tmp_path, "gi", file, "--value", "n", "--crs", "EPSG:32650", "--weights", roads)
    # Along its own lane each place has the one before and the one after, whatever lies across.
    assert sorted({each["neighbours"] for each in found["units"]}) == [1, 2]
    assert "names no roads" in refusal("gi", file, "--value", "n", "--weights", "network:150")


METHODS = {
    "gi": ["--value", "n"], "moran": ["--value", "n"], "eb": ["--cases", "n", "--population", "pop"], "lq": ["--cases", "n", "--population", "pop"],
    "scan": ["--cases", "n", "--population", "pop"], "dbscan": ["--eps", "100", "--min-points", "4"],
    "stdbscan": ["--eps", "100", "--days", "7", "--time", "at", "--min-points", "4"], "hdbscan": ["--min-points", "4"], "repeats": [],
    "knox": ["--time", "at"], "kde": ["--cell", "50"], "emerging": ["--time", "at", "--cases", "n", "--id", "id"], "trend": ["--time", "at"],
    "doubts": ["--time", "at"],
}  # fmt: skip
ANSWERED = {
    "one": {"eb", "lq", "repeats", "doubts"}, "pile": {"dbscan", "stdbscan", "repeats", "doubts", "eb", "lq", "trend"},
    "day": {"dbscan", "stdbscan", "hdbscan", "repeats", "kde", "doubts", "gi", "moran", "eb", "lq", "scan"},
    "nothing": {"dbscan", "stdbscan", "hdbscan", "repeats", "knox", "kde", "doubts", "trend", "eb"},
    "nobody": {"dbscan", "stdbscan", "hdbscan", "repeats", "knox", "kde", "doubts", "trend", "gi", "moran"},
}  # fmt: skip


def hard(kind: str, path: Path) -> Path:
    """Files that a method stumbles over."""
    random = np.random.default_rng(4)
    size = 1 if kind == "one" else 120
    places = random.random((size, 2)) * 3000
    days = pd.date_range("2025-01-01", periods=360, freq="D").to_numpy()[random.integers(0, 360, size)]
    frame = pd.DataFrame({"id": np.arange(size) % 40 if size > 1 else 0, "x": places[:, 0], "y": places[:, 1], "n": random.poisson(5, size), "pop": 900,
                          "at": pd.to_datetime(days).strftime("%Y-%m-%d")})  # fmt: skip
    if kind == "none":
        frame = frame.iloc[:0]
    if kind == "pile":
        frame[["x", "y"]] = 1234.5
    if kind == "day":
        frame["at"] = "2025-03-03"
    if kind == "nan":
        frame.loc[5, ["x", "n"]] = np.nan
    if kind == "nothing":
        frame["n"] = 0
    if kind == "nobody":
        frame["pop"] = 0
    if kind == "column":
        frame = frame.rename(columns={"n": "count", "at": "when", "pop": "people"})
    frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def read_once() -> Iterator[None]:
    """Each file of one kind is read once for all methods, since a reading starts a process."""
    known: dict[tuple[str, str], Source] = {}

    def read(path: Path, **how: Any) -> Source:
        key = (path.parent.name, str(sorted(how.items(), key=str)))
        if key not in known:
            known[key] = source(path, **how)
        return replace(known[key], notes=list(known[key].notes))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(analyse_options, "source", read)
        yield


@pytest.mark.parametrize("kind", ["none", "one", "pile", "day", "nan", "nothing", "nobody", "column"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.usefixtures("read_once")
def test_whatever_a_file_holds_there_is_an_answer_or_a_refusal_with_the_reason(
    method: str, kind: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    out = tmp_path / "out.json"
    folder = tmp_path_factory.getbasetemp() / f"hard-{kind}"
    folder.mkdir(exist_ok=True)
    status, said = analyse(method, hard(kind, folder / "hard.csv"), *METHODS[method], "-o", out)
    if status == 0:
        assert said == ""
        told = json.loads(out.read_text())
        assert told["method"] == method
    else:
        assert status == 1 and said.startswith("wangge: ") and "fault of the program" not in said
        assert len(said.strip()) > 30 and not out.exists()
    if kind == "none":
        assert "holds no row" in said
    if kind == "column" and method not in ("dbscan", "hdbscan", "repeats", "kde"):
        assert "There is no column" in said
    if kind in ANSWERED and method in ANSWERED[kind]:
        assert status == 0, said
    if kind == "nan" and method in ("gi", "moran", "eb", "lq", "scan", "dbscan", "stdbscan", "kde", "knox", "repeats", "hdbscan"):
        assert status == 1 and "row 6" in said


def test_a_parquet_table_has_the_places_of_its_columns(tmp_path: Path) -> None:
    frame = incidents(500)
    frame.to_parquet(tmp_path / "in.parquet")
    found = answer(tmp_path, "dbscan", tmp_path / "in.parquet", "--eps", "100", "--min-points", "4")
    assert len(found["units"]) == 500
