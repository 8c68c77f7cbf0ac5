"""`plan propose`: any file of polygons with a number each, divided; what cannot be done is said, with the right status."""

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely

from api import cli
from tests.api.test_cli import wangge

REDISTRICTING = Path(__file__).parents[3] / "shared" / "data" / "redistricting"
METRIC = "EPSG:4549"


def town(path: Path, columns: int = 8, rows: int = 8, **more: object) -> Path:
    """A file of squares of 100 m with homes between 10 and 40."""
    shapes = [
        shapely.box(500_000 + x * 100, 3_100_000 + y * 100, 500_100 + x * 100, 3_100_100 + y * 100)
        for y in range(rows)
        for x in range(columns)
    ]
    homes = np.random.default_rng(1).integers(10, 40, len(shapes))
    gpd.GeoDataFrame({"homes": homes, **more}, geometry=shapes, crs=METRIC).to_file(path)
    return path


@dataclass(frozen=True)
class Run:
    """How a command ended and what it said."""

    returncode: int
    stdout: str
    stderr: str


def here(*words: object) -> Run:
    """The command line in this process, whose libraries are loaded already."""
    status, out, err = 0, io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["wangge", *map(str, words)])
        try:
            cli.main()
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return Run(status, out.getvalue(), err.getvalue())


def proposed(*words: object) -> dict[str, object]:
    run = here("plan", "propose", *words, "--json")
    assert run.returncode == 0, run.stderr
    answer = json.loads(run.stdout)
    assert isinstance(answer, dict)
    return answer


def test_a_file_is_divided_within_bounds_and_written(tmp_path: Path) -> None:
    file, out = town(tmp_path / "town.geojson"), tmp_path / "out.gpkg"
    answer = proposed(file, "--weight", "homes", "--min", 200, "--max", 300, "-o", out)
    weights, parts = np.array(answer["weights"]), np.array(answer["parts"])
    homes = gpd.read_file(file)["homes"].to_numpy()
    assert (np.bincount(parts, weights=homes) == weights).all()
    assert ((weights >= 200) & (weights <= 300)).all()
    assert (answer["contiguous"], answer["in_range"], answer["impossible"]) == (True, True, [])
    polygons, whole = gpd.read_file(out, layer="polygons"), gpd.read_file(out, layer="parts")
    assert polygons["part"].tolist() == parts.tolist()
    assert whole["weight"].tolist() == weights.tolist()
    assert whole.crs.to_epsg() == 4549
    assert (shapely.get_num_geometries(whole.geometry.to_numpy()) == 1).all()
    assert shapely.area(whole.geometry.to_numpy()).sum() == pytest.approx(shapely.area(polygons.geometry.to_numpy()).sum())


@pytest.mark.skipif(not REDISTRICTING.exists(), reason="needs the shared data")
def test_the_known_optimum_of_25_precincts_is_found_and_proved() -> None:
    answer = proposed(REDISTRICTING / "redist_fl25.geojson", "--weight", "pop", "--parts", 3)
    assert answer["deviation"] == pytest.approx(0.00718680552778461, abs=1e-12)
    assert sorted(answer["weights"]) == [58112, 58164, 58767]  # type: ignore[call-overload]
    assert answer["optimal"] is True
    assert answer["contiguous"] is True


def test_the_same_seed_writes_the_same_answer(tmp_path: Path) -> None:
    file = town(tmp_path / "town.gpkg")
    first, again, other = (
        run("plan", "propose", str(file), "--weight", "homes", "--min", "200", "--max", "300", "--seed", seed, "--json").stdout
        for run, seed in ((here, "3"), (wangge, "3"), (here, "4"))
    )
    assert first == again != other


def test_people_get_a_table_and_the_reason_where_no_plan_is_in_range(tmp_path: Path) -> None:
    file = town(tmp_path / "town.gpkg", 3, 1)
    run = here("plan", "propose", str(file), "--weight", "homes", "--min", "1000", "--max", "2000")
    assert run.returncode == 0
    assert "In range: no" in run.stdout
    assert "cannot be divided into parts within the bounds" in run.stdout
    assert "Polsby-Popper" in run.stdout


def test_todays_parts_keep_their_names(tmp_path: Path) -> None:
    names = [f"格{column // 4}{row // 4}" for row in range(8) for column in range(8)]
    file = town(tmp_path / "town.gpkg", grid=names)
    answer = proposed(file, "--weight", "homes", "--min", 300, "--max", 520, "--home", "grid", "--mu", 40)
    assert set(answer["names"]) == set(names)  # type: ignore[call-overload]
    assert float(str(answer["moved_weight"])) < 0.2 * sum(answer["weights"])  # type: ignore[call-overload]


def test_borders_follow_the_roads_of_a_file(tmp_path: Path) -> None:
    file = town(tmp_path / "town.gpkg")
    roads = tmp_path / "roads.geojson"
    across = [shapely.LineString([(500_000 + x, 3_099_000), (500_000 + x, 3_102_000)]) for x in (200, 400, 600)]
    gpd.GeoDataFrame(geometry=across, crs=METRIC).to_file(roads)
    with_roads = proposed(file, "--weight", "homes", "--min", 350, "--max", 450, "--roads", roads)
    without = proposed(file, "--weight", "homes", "--min", 350, "--max", 450)
    assert without["on_roads"] == 0
    assert float(str(with_roads["on_roads"])) > 0.5


def test_columns_that_differ_in_case_or_are_called_part_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "town.geojson"
    town(file, 4, 4, vap=1, VAP=2, part="old", fid=7)
    proposed(file, "--weight", "homes", "--parts", 2, "-o", tmp_path / "out.gpkg")
    polygons = pyogrio.read_dataframe(tmp_path / "out.gpkg", layer="polygons")
    assert set(polygons.columns) >= {"vap", "VAP_2", "part", "part_before", "fid_2"}
    assert (polygons["part_before"] == "old").all()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--weight", "people", "--parts", "3"), "has no column 'people'. It has: homes"),
        (("--weight", "homes"), "how many parts"),
        (("--weight", "homes", "--min", "5"), "--min and --max together"),
        (("--weight", "homes", "--min", "9", "--max", "5"), "the lower first"),
        (("--weight", "homes", "--min", "nan", "--max", "5"), "the lower first"),
        (("--weight", "homes", "--parts", "65"), "cannot make 65 parts"),
        (("--weight", "homes", "--parts", "3", "-o", "out.shp"), ".gpkg"),
        (("--weight", "homes", "--parts", "3", "-o", "/nowhere/out.gpkg"), "no folder"),
        (("--weight", "homes", "--parts", "3", "--roads", "nowhere.gpkg"), "no such file"),
    ],
)
def test_bad_wishes_end_with_a_sentence_and_a_status(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    run = here("plan", "propose", str(town(tmp_path / "town.gpkg")), *words, "--json")
    assert run.returncode != 0
    assert said in run.stderr
    assert "Traceback" not in run.stderr
    assert run.stdout == ""


@pytest.mark.parametrize(("value", "said"), [(-1.0, "row 3: homes is -1.0"), (np.nan, "row 3"), (np.inf, "row 3")])
def test_a_weight_that_is_none_is_named_by_its_row(tmp_path: Path, value: float, said: str) -> None:
    homes = np.ones(16)
    homes[2] = value
    file = town(tmp_path / "town.gpkg", 4, 4, homes=homes)
    run = here("plan", "propose", str(file), "--weight", "homes", "--parts", "2")
    assert run.returncode == 1
    assert said in run.stderr


def test_files_that_hold_no_polygons_are_refused(tmp_path: Path) -> None:
    points = tmp_path / "points.geojson"
    gpd.GeoDataFrame({"homes": [1, 2]}, geometry=[shapely.Point(113, 28), shapely.Point(113, 28.1)], crs=4326).to_file(points)
    table = tmp_path / "table.csv"
    table.write_text("homes\n1\n2\n")
    for file in (points, table, tmp_path / "none.gpkg"):
        run = here("plan", "propose", str(file), "--weight", "homes", "--parts", "2")
        assert run.returncode == 1
        assert run.stderr.startswith("wangge: ")
        assert "fault of the program" not in run.stderr
