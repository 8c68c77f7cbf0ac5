"""`coverage check` finds what was planted in any polygon file; `coverage mend` makes it exact and accounts for every square metre."""

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
import shapely.affinity
from click.testing import Result
from shapely.geometry import MultiPolygon, Point, Polygon, box
from typer.testing import CliRunner

from api.commands.coverage import app
from gis.certificate import tiles_exactly
from gis.lattice import STEP, on_lattice
from tests.api.test_cli import wangge
from tests.gis.tessellations import shared

SIDE = 100.0
METRIC = 4547  # CGCS2000, zone of 114° east
EAST, NORTH = 500_000.0, 3_100_000.0


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def answer(*words: object) -> tuple[int, dict[str, Any]]:
    result = run(*words, "--json")
    return result.exit_code, json.loads(result.stdout)


def square(column: float, row: float, width: float = 1, height: float = 1) -> Polygon:
    return box(EAST + column * SIDE, NORTH + row * SIDE, EAST + (column + width) * SIDE, NORTH + (row + height) * SIDE)


def board(size: int = 4) -> list[Polygon]:
    return [square(column, row) for row in range(size) for column in range(size)]


def written(path: Path, shapes: list, crs: int = METRIC, codes: list[str] | None = None) -> Path:
    frame = gpd.GeoDataFrame(
        {"code": codes or [f"G{at:02d}" for at in range(len(shapes))], "户数": range(len(shapes))}, geometry=shapes, crs=METRIC
    ).to_crs(crs)
    frame.to_file(path, **({"COORDINATE_PRECISION": 15} if path.suffix == ".geojson" else {}))
    return path


@pytest.mark.parametrize(("name", "crs"), [("a.gpkg", METRIC), ("a.gpkg", 4490), ("a.shp", METRIC), ("a.geojson", 4326), ("a.fgb", 3857)])
def test_a_clean_file_has_no_defects_in_any_format_and_system(tmp_path: Path, name: str, crs: int) -> None:
    file = written(tmp_path / name, board(), crs)
    status, facts = answer("check", file)
    assert (status, facts["polygons"], facts["exact"], facts["defects"]) == (0, 16, True, [])


def planted() -> dict[str, list]:
    """A board of sixteen squares with one defect of each kind."""
    whole = board()
    bow = Polygon([(EAST, NORTH), (EAST + SIDE, NORTH + SIDE), (EAST + SIDE, NORTH), (EAST, NORTH + SIDE)])
    spiked = Polygon([*whole[0].exterior.coords[:1], (EAST + SIDE, NORTH + 50), (EAST + 180, NORTH + 50), (EAST + SIDE, NORTH + 50),
                      *whole[0].exterior.coords[1:]])  # fmt: skip
    coords = list(whole[5].exterior.coords)
    return {
        "overlap": [square(0, 0, 1.02), *whole[1:]],
        "gap": [square(0, 0, 0.98), *whole[1:]],
        "sliver": [square(0, 0, 0.99), square(0.99, 0, 0.01), *whole[1:]],
        "outside": [square(-0.3, 0, 1.3), *whole[1:]],
        "multipart": [MultiPolygon([whole[0], whole[15]]), *whole[1:15]],
        "self_crossing": [bow, *whole[1:]],
        "duplicate_vertex": [*whole[:5], Polygon([*coords[:2], coords[1], *coords[2:]]), *whole[6:]],
        "spike": [spiked, *whole[1:]],
        "unnoded": [*whole[:5], Polygon([coords[0], ((coords[0][0] + coords[1][0]) / 2, (coords[0][1] + coords[1][1]) / 2), *coords[1:]]), *whole[6:]],
        "empty": [*whole, Polygon()],
    }  # fmt: skip


@pytest.mark.parametrize("kind", planted())
def test_each_planted_defect_is_told_with_kind_codes_place_and_size(tmp_path: Path, kind: str) -> None:
    file = written(tmp_path / "a.gpkg", planted()[kind])
    parent = written(tmp_path / "parent.gpkg", [shapely.coverage_union_all(board())])
    status, facts = answer("check", file, "--parent", parent)
    assert status == 1
    told = [each for each in facts["defects"] if each["kind"] == kind]
    assert told, facts["defects"]
    one = told[0]
    assert one["codes"][0].startswith("G")
    assert one["suggestion"]
    if kind != "empty":
        assert EAST - SIDE <= one["place"][0] <= EAST + 5 * SIDE
        assert 113 < one["lonlat"][0] < 115
    if kind in ("overlap", "gap"):
        assert (one["area_m2"], one["width_m"]) == (pytest.approx(200, rel=0.01), pytest.approx(1.96, rel=0.02))
    assert facts["exact"] == (kind in ("multipart", "duplicate_vertex") and len(facts["defects"]) == 1)


def test_double_codes_and_a_vertex_off_the_lattice_are_told(tmp_path: Path) -> None:
    west, south = 114.0, 28.0
    cells = [box(west + x * 2**-10, south, west + (x + 1) * 2**-10, south + 2**-10) for x in range(4)]
    cells[3] = shapely.transform(cells[3], lambda c: np.where(c[:, [0]] > west + 3.5 * 2**-10, c + np.array([STEP / 3, 0]), c))
    gpd.GeoDataFrame({"code": ["A", "B", "B", "C"]}, geometry=cells, crs=4490).to_file(tmp_path / "a.gpkg")
    status, facts = answer("check", tmp_path / "a.gpkg")
    assert status == 1
    assert [(each["kind"], each["codes"]) for each in facts["defects"]] == [("duplicate_code", ["B"]), ("off_lattice", ["C"])]
    assert facts["exact"]
    assert not facts["on_lattice"]


def test_words_for_people_and_a_layer_of_the_defects(tmp_path: Path) -> None:
    file = written(tmp_path / "a.gpkg", planted()["overlap"])
    result = run("check", file, "-o", tmp_path / "found.geojson")
    assert result.exit_code == 1
    assert "16 polygons, 1 defects: 1 × overlap" in result.stdout
    assert "G00, G01: ground of two polygons → slivers" in result.stdout
    assert gpd.read_file(tmp_path / "found.geojson")["kind"].tolist() == ["overlap"]
    assert "no defects" in run("check", written(tmp_path / "b.gpkg", board())).stdout


def test_bad_input_ends_with_two_and_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a.txt.gpkg").write_text("nothing")
    gpd.GeoDataFrame({"code": ["A"]}, geometry=[Point(114, 28)], crs=4490).to_file(tmp_path / "points.gpkg")
    ring = "[[[114, 28], [{}, 28], [114.1, 28.1], [114, 28]]]"
    rows = [
        f'{{"type": "Feature", "properties": {{}}, "geometry": {{"type": "Polygon", "coordinates": {ring.format(x)}}}}}'
        for x in (114.1, "NaN")
    ]
    (tmp_path / "nan.geojson").write_text(f'{{"type": "FeatureCollection", "features": [{", ".join(rows)}]}}')
    gpd.GeoDataFrame({"code": ["W", "E"]}, geometry=[box(179, 10, 180, 11), box(-180, 10, -179, 11)], crs=4490).to_file(
        tmp_path / "world.gpkg"
    )
    good = written(tmp_path / "good.gpkg", board())
    loose = written(tmp_path / "loose.shp", board())
    loose.with_suffix(".prj").unlink()
    for words, said in (
        (["check", tmp_path / "none.gpkg"], "no file"),
        (["check", tmp_path / "a.txt.gpkg"], ""),
        (["check", tmp_path / "points.gpkg"], "no polygons"),
        (["check", good, "--code", "nummer"], "There are: code, 户数"),
        (["check", good, "--parent", tmp_path], "folder"),
        (["check", good, "--layer", "x"], "no layer 'x'"),
        (["mend", good, "-o", "/proc/none/out.gpkg"], "cannot be written"),
        (["check", tmp_path / "nan.geojson"], "row 2, holds a coordinate that is not a number"),
        (["check", tmp_path / "world.gpkg"], "180th meridian"),
        (["check", loose], "--crs"),
        (["mend", good, "-o", good], "name another"),
        (["mend", good, "-o", tmp_path / "out.doc"], "Nothing is written as .doc"),
        (["mend", good, "-o", tmp_path / "out.gpkg", "--steps", "iron"], "no step iron"),
    ):
        done = wangge("coverage", *map(str, words))
        assert done.returncode == 2, words
        assert said in done.stderr
        assert "Traceback" not in done.stderr
    assert run("check", loose, "--crs", f"EPSG:{METRIC}").exit_code == 0
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize(
    ("name", "crs"), [("out.gpkg", METRIC), ("out.shp", METRIC), ("out.geojson", 4326), ("out.fgb", 4490), ("out.parquet", 4490)]
)
def test_mending_makes_a_jittered_board_exact_and_keeps_columns_and_system(tmp_path: Path, name: str, crs: int) -> None:
    random = np.random.default_rng(5)
    rough = [Polygon(np.array(cell.exterior.coords)[:-1] + random.normal(0, 0.05, (4, 2))) for cell in board()]
    file = written(tmp_path / "a.gpkg", rough, crs)
    parent = written(tmp_path / "parent.gpkg", [shapely.coverage_union_all(board())])
    status, facts = answer("mend", file, "-o", tmp_path / name, "--parent", parent)
    assert (status, facts["exact"], facts["left"], facts["polygons"]) == (0, True, [], 16)
    out = gpd.read_parquet(tmp_path / name) if name.endswith("parquet") else gpd.read_file(tmp_path / name)
    out = out.sort_values("code")  # FlatGeobuf has an order of its own
    assert out["code"].tolist() == [f"G{at:02d}" for at in range(16)]
    assert out["户数"].tolist() == list(range(16))
    assert out.crs.to_epsg() == crs
    moved = shapely.area(shapely.symmetric_difference(np.array(out.to_crs(METRIC).geometry.array), np.array(rough))).sum()
    told = facts["moved_m2"]  # of an overlap one of two loses its share; whole pieces change hands hardly ever
    assert told == pytest.approx(moved, rel=0.1)
    status, facts = answer("check", tmp_path / name)
    assert (status, facts["exact"]) == (0, True)
    if crs == 4490:
        shapes = np.array(out.geometry.array, dtype=object)
        assert on_lattice(shapes).all()
        assert tiles_exactly(list(shapes), shapely.coverage_union_all(shapes))


def test_each_planted_defect_is_mended_or_left_with_its_reason(tmp_path: Path) -> None:
    parent = written(tmp_path / "parent.gpkg", [shapely.coverage_union_all(board())])
    for kind, shapes in planted().items():
        file = written(tmp_path / "a.gpkg", shapes)
        status, facts = answer("mend", file, "-o", tmp_path / "out.gpkg", "--parent", parent)
        assert facts["exact"], kind
        assert status == (1 if kind == "empty" else 0), (kind, facts)
        assert bool(facts["left"]) == (kind == "empty"), kind
        kinds = {each["kind"] for each in answer("check", tmp_path / "out.gpkg", "--parent", parent)[1]["defects"]}
        assert kinds <= {"sliver", "multipart"}, (kind, kinds)


def test_a_wide_hole_stays_without_a_parent_and_is_filled_when_asked(tmp_path: Path) -> None:
    file = written(tmp_path / "a.gpkg", [cell for at, cell in enumerate(board()) if at != 5])
    status, facts = answer("mend", file, "-o", tmp_path / "out.gpkg")
    assert (status, facts["exact"], facts["moved"]) == (1, True, [])
    assert [(each["kind"], round(each["area_m2"])) for each in facts["left"]] == [("gap", 10_000)]
    status, facts = answer("mend", file, "-o", tmp_path / "out.gpkg", "--gap", 200)
    assert (status, facts["exact"], facts["left"]) == (0, True, [])
    assert round(facts["moved_m2"]) == 10_000


def test_a_step_that_is_not_asked_for_is_not_done_and_the_rest_is_told(tmp_path: Path) -> None:
    parent = written(tmp_path / "parent.gpkg", [shapely.coverage_union_all(board())])
    file = written(tmp_path / "a.gpkg", planted()["overlap"])
    status, facts = answer("mend", file, "-o", tmp_path / "out.gpkg", "--parent", parent, "--steps", "snap")
    assert (status, facts["exact"], facts["moved"]) == (1, False, [])
    assert [each["kind"] for each in facts["left"]] == ["overlap"]


def test_a_failed_write_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(tmp_path / "a.gpkg", board())
    (tmp_path / "out.gpkg").write_text("before")

    def broken(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pyogrio, "write_dataframe", broken)
    assert run("mend", file, "-o", tmp_path / "out.gpkg").exit_code == 2
    assert (tmp_path / "out.gpkg").read_text() == "before"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.gpkg", "out.gpkg"]


@pytest.mark.parametrize("crs", [METRIC, 3857, 4490])
def test_what_is_cut_at_a_parent_in_metres_ends_on_its_straight_sides(tmp_path: Path, crs: int) -> None:
    tilted = shapely.affinity.rotate(square(-10, -10, 40, 40), 20)  # sides of 4 km, which bend by 0.2 m on the way to degrees
    cells = [square(column, row, 7, 7) for row in range(-28, 42, 7) for column in range(-28, 42, 7)]
    file, parent = written(tmp_path / "a.gpkg", cells, crs), written(tmp_path / "parent.gpkg", [tilted], crs)
    status, facts = answer("mend", file, "-o", tmp_path / "out.gpkg", "--parent", parent)
    assert (facts["exact"], {each["reason"] for each in facts["left"]}) == (True, {"all of it lies outside"})
    assert status == 1
    out, ground = gpd.read_file(tmp_path / "out.gpkg"), gpd.read_file(parent).to_crs(facts["crs"]).geometry[0]
    off = shapely.hausdorff_distance(shapely.boundary(shapely.union_all(np.array(out.geometry.array))), shapely.boundary(ground))
    assert off < (0.002 if crs != 4490 else 2e-8)
    assert answer("check", tmp_path / "out.gpkg", "--parent", parent)[1]["defects"] == []


def test_columns_whose_names_a_geopackage_keeps_for_itself_arrive_under_another(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame({"code": ["A", "B"], "fid": [7, 7], "Code": [1, 2]}, geometry=board()[:2], crs=METRIC)
    frame.to_parquet(tmp_path / "a.parquet")
    status, facts = answer("mend", tmp_path / "a.parquet", "-o", tmp_path / "out.gpkg")
    assert status == 0
    assert facts["notes"] == ["column fid is fid_2 in the GeoPackage", "column Code is Code_2 in the GeoPackage"]
    assert gpd.read_file(tmp_path / "out.gpkg")[["fid_2", "Code_2"]].to_numpy().tolist() == [[7, 1], [7, 2]]


def test_a_system_on_the_command_line_serves_only_files_that_say_none(tmp_path: Path) -> None:
    loose = written(tmp_path / "loose.shp", board())
    loose.with_suffix(".prj").unlink()
    parent = written(tmp_path / "parent.gpkg", [shapely.coverage_union_all(board())], 4490)
    status, facts = answer("check", loose, "--parent", parent, "--crs", f"EPSG:{METRIC}")
    assert (status, facts["defects"]) == (0, [])
    facts = answer("check", parent, "--crs", f"EPSG:{METRIC}")[1]
    assert facts["crs"] == "EPSG:4490"
    assert "--crs EPSG:4547 was left out" in facts["notes"][0]


def test_real_districts_are_checked_and_mended(tmp_path: Path) -> None:
    file = shared("dc/boundaries/ward-2012.geojson.zip")
    _, facts = answer("check", file, "--code", "WARD")
    assert facts["polygons"] == 8
    status, facts = answer("mend", file, "-o", tmp_path / "wards.gpkg", "--code", "WARD")
    assert facts["exact"]
    assert status in (0, 1)
    assert answer("check", tmp_path / "wards.gpkg", "--code", "WARD")[1]["exact"]
