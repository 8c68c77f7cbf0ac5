"""`analyse gi`, `moran`, `eb` and `emerging`: files in, answers out, and what cannot be analysed is refused with the reason."""

import contextlib
import csv
import io
import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
from shapely.geometry import box

from api.cli import main
from tests.gis.tessellations import shared

SIDE = 8


def analyse(*words: object) -> tuple[int, str]:
    """The command in this process, since each start of a new one takes seconds: its exit status and what it says on standard error."""
    heard = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stderr(heard), contextlib.redirect_stdout(io.StringIO()):
        patch.setattr("sys.argv", ["wangge", "analyse", *map(str, words)])
        try:
            main()
        except SystemExit as ended:
            return int(ended.code or 0), heard.getvalue()
    return 0, heard.getvalue()


def answer(tmp_path: Path, *words: object) -> dict[str, Any]:
    out = tmp_path / "out.json"
    assert analyse(*words, "-o", out) == (0, "")
    return json.loads(out.read_text())


def refusal(*words: object) -> str:
    status, said = analyse(*words)
    assert status == 1
    assert said.startswith("wangge: ")
    return said


def table(path: Path, rows: list[list[object]]) -> Path:
    with path.open("w", newline="") as opened:
        csv.writer(opened).writerows(rows)
    return path


@pytest.fixture
def board(tmp_path: Path) -> Path:
    """64 square cells of 1/512 degree with three of them hot, in GeoPackage."""
    random = np.random.default_rng(1)
    row, column = np.divmod(np.arange(SIDE * SIDE), SIDE)
    hot = (row <= 1) & (column <= 1)
    homes = random.integers(100, 300, SIDE * SIDE)
    cells = [box(116.3 + c / 512, 39.9 + r / 512, 116.3 + (c + 1) / 512, 39.9 + (r + 1) / 512) for r, c in zip(row, column, strict=True)]
    frame = gpd.GeoDataFrame(
        {"code": [f"G{each:02d}" for each in range(len(cells))], "n": random.poisson(homes * np.where(hot, 0.3, 0.03)), "homes": homes},
        geometry=cells, crs=4490,
    )  # fmt: skip
    frame.to_file(tmp_path / "board.gpkg", engine="pyogrio")
    return tmp_path / "board.gpkg"


def test_gi_of_a_table_with_a_file_of_neighbours_equals_spdep(tmp_path: Path) -> None:
    given = json.loads(shared("hotspot/columbus_crime.json").read_text())
    file = table(tmp_path / "crime.csv", [["id", "value"], *enumerate(given["value"])])
    neighbours = tmp_path / "neighbours.json"
    neighbours.write_text(json.dumps({str(area): np.atleast_1d(each).tolist() for area, each in enumerate(given["neighbours0"])}))
    for words, column in ((), "Gstar_B"), (("--no-star",), "G_B"):
        found = answer(tmp_path, "gi", file, "--value", "value", "--weights", neighbours, *words)
        assert [each["id"] for each in found["units"]] == [str(area) for area in range(49)]
        assert max(abs(each["z"] - z) for each, z in zip(found["units"], given[column], strict=True)) < 1e-9


def test_the_worked_example_of_getis_and_ord_from_a_table_of_places(tmp_path: Path) -> None:
    given = json.loads(shared("hotspot/getisord_localG.json").read_text())
    file = table(tmp_path / "remote.csv", [["x", "y", "val"], *zip(given["x"], given["y"], given["val"], strict=True)])
    found = answer(tmp_path, "gi", file, "--value", "val", "--weights", "distance:60")
    assert max(abs(each["z"] - z) for each, z in zip(found["units"], given["Gstar60"], strict=True)) < 1e-9


def test_eb_equals_spdep(tmp_path: Path) -> None:
    given = json.loads(shared("hotspot/nc_empirical_bayes.json").read_text())
    file = table(tmp_path / "nc.csv", [["id", "cases", "pop"], *zip(range(100), given["cases"], given["pop"], strict=True)])
    gal = tmp_path / "nc.gal"
    listed = [np.atleast_1d(each).tolist() for each in given["neighbours0"]]
    gal.write_text("0 100 nc id\n" + "".join(f"{area} {len(each)}\n{' '.join(map(str, each))}\n" for area, each in enumerate(listed)))
    found = answer(tmp_path, "eb", file, "--cases", "cases", "--population", "pop", "--weights", gal)
    for column, theirs in (("eb", "EBest"), ("eb_spatial", "EBlocal")):
        assert max(abs(each[column] / 1000 - value) for each, value in zip(found["units"], given[theirs], strict=True)) < 1e-12


def test_hot_cells_come_back_as_a_geopackage_with_units_clusters_and_how_it_was_done(board: Path, tmp_path: Path) -> None:
    out = tmp_path / "hot.gpkg"
    assert analyse("gi", board, "--cases", "n", "--population", "homes", "-o", out) == (0, "")
    assert [name for name, _ in pyogrio.list_layers(out)] == ["units", "clusters", "about"]
    units = gpd.read_file(out, layer="units")
    assert units.crs.to_epsg() == 4490
    assert units.set_index("id")["class"]["G00"] == "hot_99"
    cluster = gpd.read_file(out, layer="clusters").iloc[0]
    assert {"G00", "G01", "G08", "G09"} <= set(json.loads(cluster["members"]))
    assert cluster["ratio"] > 3


def test_the_same_seed_writes_the_same_bytes_and_moran_agrees_on_the_cluster(board: Path, tmp_path: Path) -> None:
    texts = []
    for _ in range(2):
        answer(tmp_path, "moran", board, "--cases", "n", "--population", "homes", "--seed", 7)
        texts.append((tmp_path / "out.json").read_bytes())
    assert texts[0] == texts[1]
    assert next(each for each in json.loads(texts[0])["units"] if each["id"] == "G00")["cluster"] == "HH"


def test_emerging_counts_incidents_in_areas_and_rows_add_up(board: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    places = random.random((6_000, 2)) * SIDE / 512 * 1.1 + [116.3, 39.9]
    days = np.datetime64("2025-01-01") + random.integers(0, 365, 6_000).astype("timedelta64[D]")
    events = table(tmp_path / "events.csv", [["lon", "lat", "at"], *([*place, str(day)] for place, day in zip(places, days, strict=True))])
    found = answer(tmp_path, "emerging", events, "--time", "at", "--areas", board)
    assert len(found["steps"]) == 12
    inside = (places < np.array([116.3, 39.9]) + SIDE / 512).all(axis=1).sum()
    assert found["total"] == inside
    assert any(f"{6_000 - inside} of 6000 places lie in none" in each for each in found["notes"])
    rows = [[f"G{area:02d}", step, value] for area, each in enumerate(found["units"]) for step, value in enumerate(each["values"])]
    pairs = table(tmp_path / "pairs.csv", [["id", "other"], *([f"G{a:02d}", f"G{(a + 1) % 64:02d}"] for a in range(64))])
    long = table(tmp_path / "long.csv", [["code", "step", "n"], *rows])
    again = answer(tmp_path, "emerging", long, "--id", "code", "--time", "step", "--cases", "n", "--weights", pairs)
    assert again["total"] == found["total"]
    assert [each["values"] for each in again["units"]] == [each["values"] for each in found["units"]]


def test_what_cannot_be_analysed_is_refused_with_the_reason(board: Path, tmp_path: Path) -> None:
    frame = gpd.read_file(board)
    for name, column, value in (("nan", "n", np.nan), ("zero", "homes", 0), ("none", "n", 0), ("negative", "n", -1)):
        changed = frame.astype({column: float}).copy()
        rows = [5] if name in ("nan", "negative") else range(len(frame))
        changed.loc[rows, column] = value
        changed.to_file(tmp_path / f"{name}.gpkg", engine="pyogrio")
    asked = ("--cases", "n", "--population", "homes")
    assert "first in row 6 (G05)" in refusal("gi", tmp_path / "nan.gpkg", *asked)
    assert "zero everywhere" in refusal("gi", tmp_path / "zero.gpkg", *asked)
    assert "Too few incidents" in refusal("gi", tmp_path / "none.gpkg", *asked)
    assert "negative in row 6" in refusal("moran", tmp_path / "negative.gpkg", *asked)
    frame.head(20).to_file(tmp_path / "few.gpkg", engine="pyogrio")
    assert "too few for hot spots" in refusal("gi", tmp_path / "few.gpkg", "--value", "n")
    assert "no column 'm'" in refusal("gi", board, "--value", "m")
    assert "Say what to analyse" in refusal("gi", board)
    assert "knn:8" in refusal("gi", board, "--value", "n", "--weights", "knn:many")
    assert "no file" in refusal("gi", board, "--value", "n", "--weights", "bishop")
    assert "written as" in refusal("gi", board, "--value", "n", "-o", tmp_path / "out.docx")
    empty = table(tmp_path / "empty.csv", [["id", "lon", "lat", "n"]])
    assert "nothing to analyse" in refusal("gi", empty, "--value", "n")


def test_rows_without_a_value_may_be_left_out_and_that_is_said(board: Path, tmp_path: Path) -> None:
    frame = gpd.read_file(board).astype({"n": float})
    frame.loc[5, "n"] = np.nan
    frame.to_file(tmp_path / "nan.gpkg", engine="pyogrio")
    found = answer(tmp_path, "gi", tmp_path / "nan.gpkg", "--value", "n", "--skip-missing")
    assert found["n"] == 63
    assert any("1 of 64 rows miss" in each for each in found["notes"])


def test_a_refused_analysis_leaves_the_old_answer_as_it_is(board: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    out.write_text("old")
    assert refusal("gi", board, "--value", "m", "-o", out)
    assert out.read_text() == "old"


def test_metres_that_are_called_degrees_are_refused_by_every_method(tmp_path: Path, board: Path) -> None:
    lying = gpd.read_file(board).to_crs(32650).set_crs(4326, allow_override=True)
    lying.to_file(tmp_path / "lying.gpkg", engine="pyogrio")
    assert "do not fit the coordinate system" in refusal("gi", tmp_path / "lying.gpkg", "--value", "n")


def test_areas_of_one_name_are_told(tmp_path: Path, board: Path) -> None:
    gpd.read_file(board).assign(code="G").to_file(tmp_path / "one.gpkg", engine="pyogrio")
    told = answer(tmp_path, "gi", tmp_path / "one.gpkg", "--value", "n", "--id", "code", "--permutations", "999")
    assert any("bear one name" in each for each in told["notes"])


def test_cases_where_nobody_lives_count_for_no_rate_and_are_said(board: Path, tmp_path: Path) -> None:
    frame = gpd.read_file(board)
    frame.loc[5, "homes"] = 0
    frame.loc[5, "n"] = 40
    frame.to_file(tmp_path / "park.gpkg", engine="pyogrio")
    found = answer(tmp_path, "eb", tmp_path / "park.gpkg", "--cases", "n", "--population", "homes")
    lived = frame.drop(index=5)
    rate = lived["n"].sum() / lived["homes"].sum()
    assert found["units"][0]["expected"] == pytest.approx(rate * frame["homes"][0])
    assert any("40 cases" in each for each in found["notes"])
    again = answer(tmp_path, "gi", tmp_path / "park.gpkg", "--cases", "n", "--population", "homes")
    assert any("with 40 cases" in each for each in again["notes"]) and len(again["units"]) == 63


def test_a_map_of_gi_is_scored_on_the_period_after_it(board: Path, tmp_path: Path) -> None:
    assert analyse("gi", board, "--cases", "n", "--population", "homes", "-o", tmp_path / "hot.gpkg") == (0, "")
    frame = gpd.read_file(tmp_path / "hot.gpkg", layer="units")
    hot = frame["class"].str.startswith("hot").to_numpy()
    later = np.where(hot, 30, 5)
    frame.assign(later=later, m2=1.0).to_file(tmp_path / "map.gpkg", engine="pyogrio")
    found = answer(tmp_path, "accuracy", tmp_path / "map.gpkg", "--hot", "class", "--later", "later", "--before", "cases", "--ground", "m2")
    rate = later[hot].sum() / later.sum()
    assert (found["hits"], found["hit_rate"], found["pei"]) == (later[hot].sum(), pytest.approx(rate), pytest.approx(1))
    assert found["pai"] == pytest.approx(rate / hot.mean())
    assert answer(tmp_path, "accuracy", tmp_path / "map.gpkg", "--hot", "bin", "--later", "later")["share_of_ground"] == pytest.approx(
        hot.mean(), rel=0.01
    )
    frame.assign(later=later, said="perhaps").to_file(tmp_path / "said.gpkg", engine="pyogrio")
    assert "neither hot nor not in row 1 (G00): 'perhaps'" in refusal(
        "accuracy", tmp_path / "said.gpkg", "--hot", "said", "--later", "later"
    )
