"""`./wangge analyse scan, dbscan, …` as people and scripts call it, on files that others have answered."""

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from api.commands import analyse_points, analyse_scan
from gis.errors import BadValue
from tests.gis.tessellations import shared


def answer(out: Path) -> dict:
    return json.loads(out.read_text())


@pytest.fixture
def counties(tmp_path: Path) -> Path:
    known = json.loads(shared("hotspot/pennLC_spatialepi_binomial.json").read_text())
    table = pd.DataFrame({"id": known["county"], "lon": known["lon"], "lat": known["lat"], "cases": known["cases"], "pop": known["pop"]})
    table.to_csv(tmp_path / "counties.csv", index=False)
    return tmp_path / "counties.csv"


def scanned(*words: object) -> None:
    result = CliRunner().invoke(analyse_scan.app, ["scan", *map(str, words)], standalone_mode=True)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception


def test_a_scan_of_counties_writes_the_clusters_of_the_reference(counties: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    scanned(
        counties,
        "--model",
        "bernoulli",
        "--cases",
        "cases",
        "--population",
        "pop",
        "--max-share",
        "0.5",
        "--permutations",
        "999",
        "--seed",
        "1",
        "-o",
        out,
    )
    first, second = answer(out)["clusters"][:2]
    known = json.loads(shared("hotspot/pennLC_spatialepi_binomial.json").read_text())
    assert first["members"] == [known["county"][row] for row in known["mlc"]["ids0"]]
    assert first["LLR"] == pytest.approx(36.5705, abs=1e-4)
    assert (first["observed"], first["p"], second["observed"]) == (2359, 0.001, 1900)
    assert first["expected"] == pytest.approx(2008.22286) and first["relative_risk"] == pytest.approx(1.226697, abs=1e-6)
    again = tmp_path / "again.json"
    scanned(
        counties,
        "--model",
        "bernoulli",
        "--cases",
        "cases",
        "--population",
        "pop",
        "--max-share",
        "0.5",
        "--permutations",
        "999",
        "--seed",
        "1",
        "-o",
        again,
    )
    assert again.read_bytes() == out.read_bytes()
    unit = next(each for each in answer(out)["units"] if each["id"] == "allegheny")
    assert unit["cluster"] == 1


def test_a_watch_says_since_when_and_how_rare(tmp_path: Path) -> None:
    zones = {line.split()[0]: line.split()[1:] for line in shared("hotspot/NYCfever.geo").read_text().splitlines()}
    cases = [line.split() for line in shared("hotspot/NYCfever.cas").read_text().splitlines()]
    rows = [(zone, zones[zone][1], zones[zone][0], day, count) for zone, count, day in cases]
    rows += [(zone, at[1], at[0], "", 0) for zone, at in zones.items() if zone not in {case[0] for case in cases}]
    pd.DataFrame(rows, columns=["id", "lon", "lat", "date", "cases"]).to_csv(tmp_path / "fever.csv", index=False)
    out = tmp_path / "out.json"
    scanned(tmp_path / "fever.csv", "--model", "permutation", "--cases", "cases", "--time", "date", "--start", "2001-11-01", "--end", "2001-11-24",
            "--max-share", "0.5", "--max-radius", "3000", "--max-days", "7", "--prospective", "--seed", "1", "-o", out)  # fmt: skip
    first = answer(out)["clusters"][0]
    assert first["members"] == ["11418", "11415", "11419", "11435", "11416", "11421", "11451", "11375", "11417"]
    assert (first["from"], first["to"], first["observed"]) == ("2001-11-22", "2001-11-24", 4)
    assert first["LLR"] == pytest.approx(3.845418, abs=5e-7) and first["recurrence_days"] == pytest.approx(1 / first["p"])


def test_a_bad_row_is_named(counties: Path) -> None:
    table = pd.read_csv(counties)
    table.loc[2, "pop"] = 0
    table.to_csv(counties, index=False)
    with pytest.raises(BadValue, match=r"row 3 .*armstrong"):
        scanned(counties, "--cases", "cases", "--population", "pop")
    with pytest.raises(BadValue, match="--time"):
        scanned(counties, "--cases", "cases", "--population", "pop", "--prospective")


def test_methods_of_points_write_their_answers(tmp_path: Path) -> None:
    table = pd.read_csv(shared("hotspot/chicago_arson.csv"))
    table.to_csv(tmp_path / "arson.csv", index=False)
    file, out = str(tmp_path / "arson.csv"), tmp_path / "out.json"
    told = {}
    for method, *words in (
        ["dbscan", "--eps", "500", "--min-points", "5"], ["stdbscan", "--eps", "500", "--days", "30", "--time", "day", "--min-points", "4"],
        ["hdbscan", "--min-points", "5"], ["repeats"], ["knox", "--time", "day", "--bands-days", "0,2,4"], ["kde", "--cell", "500", "--bandwidth", "2000"],
    ):  # fmt: skip
        result = CliRunner().invoke(analyse_points.app, [method, file, *words, "-o", str(out)])
        assert result.exit_code == 0, result.output
        told[method] = answer(out)
    clusters = told["dbscan"]["clusters"]
    labels = [each["label"] for each in told["dbscan"]["units"]]
    assert [each["points"] for each in clusters] == sorted((each["points"] for each in clusters), reverse=True)
    assert all(labels.count(each["label"]) == each["points"] == len(each["members"]) for each in clusters)
    assert labels.count(-1) == told["dbscan"]["noise"]
    assert told["stdbscan"]["clusters"][0]["last_day"] >= told["stdbscan"]["clusters"][0]["first_day"]
    assert told["repeats"]["units"][0]["events"] == 3
    assert [each["observed"] for each in told["knox"]["units"]] == [2, 1, 6, 0, 6, 1, 1, 1, 6, 1]
    assert sum(each["density"] for each in told["kde"]["units"]) * 0.25 == pytest.approx(522, rel=1e-6)
    assert {each["label"] for each in told["hdbscan"]["units"]} >= {-1, 0}
