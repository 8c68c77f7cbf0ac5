"""Import end to end on a real database: a made-up city comes in from files, row by row accounted for, all or nothing, twice without change."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from api.imports import mapping as mappings
from api.imports import service
from api.imports.report import Report, write_defects, write_errors
from data.database import Database, open_database
from data.files.desk import Desk
from data.scope import Scope
from gis import crs
from gis.errors import BadMapping
from tests.conftest import Clone

SHARED = Path(__file__).parents[3] / "shared" / "data"
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
WEST, SOUTH, SIDE = -80.0, 40.0, 0.01
GROUND = """
[district]
code = "9901"
name = "试城"
name_en = "Trial City"
time_zone = "America/New_York"
[district.scheme]
code = "block"
name = "街区"
household_min = 10
household_max = 90
[ground]
mend = ["snap", "slivers", "fit", "outline", "valid"]
split_from = 0.3
[[layer]]
noun = "street"
source = "wards"
files = "wards.geojson"
fields = { code = "id", name = "name", name_en = "name", source_id = "id" }
[[layer]]
noun = "community"
source = "hoods"
files = "hoods.geojson"
refuse = [{ column = "name", equals = "Enclave", why = "Not part of the city." }]
fields = { code = "id", name = "name", name_en = "name", source_id = "id" }
[[layer]]
noun = "grid"
source = "blocks"
files = "blocks.geojson"
fields = { code = "id", name = "id", source_id = "id" }
"""
INCIDENTS = """
[[layer]]
noun = "incident"
source = "calls"
files = "calls.csv"
crs = "EPSG:4326"
shape = { x = "lon", y = "lat" }
catalogue = { code = "calls", name = "来电", create = true }
check_area = [{ column = "hood", level = "community" }]
[layer.fields]
source_id = "id"
category = "kind"
reported_at = "at"
state = { column = "state", lookup = { done = "closed", new = "reported" }, unknown = "refuse" }
"""
CALLS = [
    ["id", "kind", "at", "lon", "lat", "state", "hood", "AGE"],
    ["c1", "noise", "2024-03-10T12:00:00", "-79.995", "40.005", "new", "Hood 1", "33"],
    ["c2", "waste", "2024-03-10T13:00:00", "-79.985", "40.005", "done", "Hood 2", "44"],
    ["c3", "noise", "2024-03-11T12:00:00", "", "", "new", "", "55"],
    ["c4", "noise", "not a time", "-79.995", "40.005", "new", "Hood 1", "66"],
    ["c5", "noise", "2024-03-11T12:00:00", "-79.90", "40.005", "new", "", "77"],
    ["c6", "noise", "2024-03-11T12:00:00", "-79.995", "40.005", "lost", "Hood 1", "88"],
    ["c1", "noise", "2024-03-10T12:00:00", "-79.995", "40.005", "new", "Hood 1", "33"],
    ["c2", "noise", "2024-03-10T13:00:00", "-79.985", "40.005", "done", "Hood 1", "44"],
    ["c7", "noise", "2024-03-12T12:00:00", "-79.995", "40.005", "new", "Hood 2", "99"],
]


class City:
    """A folder of files and a database to import them into."""

    def __init__(self, folder: Path, clone: Clone, database: Database, desk: Desk) -> None:
        self.folder, self.clone, self.database, self.desk = folder, clone, database, desk

    def write(self, name: str, rows: dict[str, shapely.Geometry], /, **columns: list[Any]) -> None:
        frame = gpd.GeoDataFrame({"id": list(rows), **columns}, geometry=list(rows.values()), crs=4326)
        (self.folder / name).write_text(frame.to_json(drop_id=True))

    def write_ground(self, *, nudge: float = 0.0) -> None:
        """Two wards of two hoods each, an enclave, and blocks of half a hood; `nudge` degrees of overlap and gap between blocks."""
        self.write("wards.geojson", {"W1": tile(0, 0, 2, 1), "W2": tile(0, 1, 2, 1)}, name=["Ward 1", "Ward 2"])
        hoods = {"H1": tile(0, 0), "H2": tile(1, 0), "H3": tile(0, 1), "H4": tile(1, 1), "H5": tile(5, 5)}
        self.write("hoods.geojson", hoods, name=["Hood 1", "Hood 2", "Hood 3", "Hood 4", "Enclave"])
        blocks = {}
        for column in range(4):
            for row in range(2):
                extra = nudge if column % 2 else -nudge
                blocks[f"B{column}{row}"] = tile(column / 2, row, 0.5 + extra, 1)
        self.write("blocks.geojson", blocks)

    def write_calls(self, rows: list[list[str]] = CALLS) -> None:
        with (self.folder / "calls.csv").open("w", newline="") as opened:
            csv.writer(opened).writerows(rows)

    def bring(self, text: str, *, dry_run: bool = False, paths: list[Path] | None = None) -> Report:
        path = self.folder / "mapping.toml"
        path.write_text(text)
        mapping, digest = mappings.load(path)
        work = service.Run(self.database, Scope(token="", everything=True), self.desk, mapping, digest, lambda _: None)
        return service.run(work, service.jobs(mapping, paths or [], self.folder), dry_run=dry_run)

    def value(self, question: str) -> Any:
        with self.clone.owner() as connection:
            row = connection.execute(question).fetchone()
        assert row is not None
        return row[0]


def tile(column: float, row: float, columns: float = 1, rows: float = 1) -> shapely.Polygon:
    west, south = WEST + column * SIDE, SOUTH + row * SIDE
    return shapely.box(west, south, west + columns * SIDE, south + rows * SIDE)


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with Desk() as opened:
        yield opened


@pytest.fixture
def city(tmp_path: Path, empty: Clone, desk: Desk) -> Iterator[City]:
    database = open_database(empty.schema_url, pool_size=2)
    made = City(tmp_path, empty, database, desk)
    made.write_ground()
    made.write_calls()
    yield made
    database.close()


def counted(report: Report, source: str) -> tuple[int, int, int, int]:
    found = next(each for each in report.files if each.source == source)
    return found.read, found.loaded, found.unchanged, found.refused


def test_a_city_is_founded_by_its_first_ground(city: City) -> None:
    report = city.bring(GROUND)
    assert report.refused_files == {}
    assert counted(report, "hoods") == (5, 4, 0, 1)
    assert counted(report, "blocks") == (8, 8, 0, 0)
    assert report.ground["exact"]
    assert city.value("SELECT count(*) FROM grid") == 8
    assert city.value("SELECT value #>> '{}' FROM deployment WHERE key = 'timezone'") == "America/New_York"
    assert city.value("SELECT count(*) FROM area WHERE level = 'district'") == 1
    assert city.value("SELECT count(*) FROM scheme WHERE is_primary AND household_max = 90") == 1
    assert city.value("SELECT count(*) FROM outbox WHERE op = 'bulk'") == 2
    assert city.value("SELECT count(*) FROM audit WHERE action = 'import'") == 3


def test_an_archive_is_looked_at_from_its_own_moment_on_borders_of_its_own_day(city: City) -> None:
    city.bring(GROUND.replace('time_zone = "America/New_York"', 'time_zone = "America/New_York"\nvalid_from = 2010-01-01\nnow = 2020-06-01T12:00:00'))
    assert city.value("SELECT value #>> '{}' FROM deployment WHERE key = 'now'") == "2020-06-01T12:00:00-04:00"
    assert city.value("SELECT count(*) FROM grid WHERE valid_from = '2010-01-01 05:00+00'") == 8
    assert city.value("SELECT count(*) FROM area WHERE valid_from <> '2010-01-01 05:00+00'") == 0


def test_a_second_import_changes_nothing_and_says_so(city: City) -> None:
    city.bring(GROUND)
    before = city.value("SELECT md5(string_agg(md5(grid::text), '' ORDER BY id)) FROM grid")
    report = city.bring(GROUND)
    assert counted(report, "blocks") == (8, 0, 8, 0)
    assert counted(report, "wards") == (2, 0, 2, 0)
    assert city.value("SELECT md5(string_agg(md5(grid::text), '' ORDER BY id)) FROM grid") == before
    assert city.value("SELECT count(*) FROM grid_past") == 0
    assert any("nothing has changed" in note for each in report.files for note in each.notes)


def test_a_dry_run_reports_everything_and_stores_nothing(city: City) -> None:
    report = city.bring(GROUND + INCIDENTS, dry_run=True)
    assert counted(report, "blocks") == (8, 8, 0, 0)
    assert counted(report, "calls")[0] == 9
    assert city.value("SELECT count(*) FROM area") == 0
    assert city.value("SELECT count(*) FROM import_batch") == 0
    assert city.value("SELECT count(*) FROM deployment") == 0


def test_gaps_and_overlaps_are_mended_only_when_asked_and_every_square_metre_is_told(city: City, tmp_path: Path) -> None:
    city.write_ground(nudge=0.02)
    unasked = city.bring(GROUND.replace('"slivers", ', ""))
    assert "slivers" in unasked.refused_files["blocks: blocks.geojson"]
    assert city.value("SELECT count(*) FROM area") == 0
    report = city.bring(GROUND)
    assert report.refused_files == {}
    assert report.ground["defects"]["grid"]
    assert report.ground["moved"]["grid"]["area_m2"] > 1000
    assert write_defects(report, tmp_path / "defects.geojson")
    features = json.loads((tmp_path / "defects.geojson").read_text())["features"]
    assert {"overlap", "gap", "straddle"} & {each["properties"]["kind"] for each in features}


def test_a_block_in_two_hoods_is_divided_where_asked(city: City) -> None:
    blocks = {
        "B1": tile(0, 0, 0.5, 1),
        "B2": tile(0.5, 0, 1, 1),
        "B3": tile(1.5, 0, 0.5, 1),
        "B4": tile(0, 1, 1, 1),
        "B5": tile(1, 1, 1, 1),
    }
    city.write("blocks.geojson", blocks)
    report = city.bring(GROUND)
    assert counted(report, "blocks") == (5, 5, 0, 0)
    assert report.ground["split_off"] == 1
    assert city.value("SELECT string_agg(code, ' ' ORDER BY code) FROM grid") == "B1 B2 B2-2 B3 B4 B5"


def test_a_hood_that_no_block_lies_mainly_in_still_gets_a_grid(city: City) -> None:
    blocks = {"B1": tile(0, 0, 1.25, 1), "B2": tile(1.25, 0, 0.75, 1), "B3": tile(0, 1, 1.9, 1), "B4": tile(1.9, 1, 0.1, 1)}
    city.write("blocks.geojson", {**blocks, "B3": tile(0, 1, 2, 1), "B4": tile(4, 4, 1, 1)})
    report = city.bring(GROUND.replace("split_from = 0.3", "split_from = 1.0"))
    assert report.refused_files == {}
    assert city.value("SELECT count(DISTINCT community_id) FROM grid") == 4
    assert counted(report, "blocks") == (4, 3, 0, 1)


def test_a_changed_border_is_stored_and_the_old_one_kept(city: City) -> None:
    city.bring(GROUND)
    city.write("blocks.geojson", {f"B{column}{row}": tile([0, 0.4, 1, 1.5][column], row, [0.4, 0.6, 0.5, 0.5][column], 1)
                                  for column in range(4) for row in range(2)})  # fmt: skip
    report = city.bring(GROUND)
    assert counted(report, "blocks") == (8, 4, 4, 0)
    assert city.value("SELECT count(*) FROM grid_past") == 4


def test_grids_alone_are_fitted_to_the_areas_that_are_stored(city: City) -> None:
    city.bring(GROUND)
    head, *_, grids = GROUND.split("[[layer]]")
    only_grids = f"{head}[[layer]]{grids}"
    assert counted(city.bring(only_grids), "blocks") == (8, 0, 8, 0)
    blocks = {
        f"B{column}{row}": tile([0, 0.4, 1, 1.5][column], row, [0.4, 0.6, 0.5, 0.5][column], 1) for column in range(4) for row in range(2)
    }
    city.write("blocks.geojson", blocks)
    assert counted(city.bring(only_grids), "blocks") == (8, 4, 4, 0)
    assert city.value("SELECT count(*) FROM area WHERE source = 'hoods'") == 4
    assert city.value("SELECT count(*) FROM grid WHERE valid_to IS NULL") == 8


def test_another_city_does_not_come_into_this_one(city: City) -> None:
    city.bring(GROUND)
    report = city.bring(GROUND.replace('code = "9901"', 'code = "9902"'))
    assert "needs one of its own" in report.refused_files["wards: wards.geojson"]


def test_every_row_of_a_feed_is_loaded_unplaced_repeated_or_refused_with_a_reason(city: City, tmp_path: Path) -> None:
    report = city.bring(GROUND + INCIDENTS)
    assert report.refused_files == {}
    calls = next(each for each in report.files if each.source == "calls")
    assert (calls.read, calls.loaded, calls.unchanged, calls.refused, calls.unplaced) == (9, 4, 1, 4, 1)
    assert sum(calls.reasons.values()) == 4
    assert (calls.agreements[0].agree, calls.agreements[0].named) == (3, 4)
    [path] = write_errors(report, tmp_path / "errors.csv") if sum(each.errors is not None for each in report.files) == 1 else [
        each for each in write_errors(report, tmp_path / "errors") if "calls" in each.name
    ]  # fmt: skip
    errors = pd.read_csv(path, dtype=str)
    assert list(errors.columns) == ["row", "id", "kind", "at", "lon", "lat", "state", "hood", "why"]
    assert errors["row"].tolist() == ["4", "5", "6", "8"]
    assert "AGE" not in errors
    assert city.value("SELECT count(*) FROM incident WHERE community_id = 0 AND place IS NULL") == 1
    assert city.value("SELECT reported_at::text FROM incident WHERE source_id = 'c1'").startswith("2024-03-10 16:00")


def test_a_feed_brought_again_adds_only_what_is_new(city: City) -> None:
    city.bring(GROUND + INCIDENTS)
    rows = [*CALLS, ["c8", "noise", "2024-03-13T12:00:00", "-79.995", "40.005", "new", "Hood 1", "1"]]
    rows[1] = [*rows[1][:1], "waste", *rows[1][2:]]
    city.write_calls(rows)
    calls = next(each for each in city.bring(INCIDENTS).files if each.source == "calls")
    assert calls.loaded == 1
    assert any("stored already with other content" in why for why in calls.reasons)
    assert city.value("SELECT count(*) FROM incident") == 5


def test_a_feed_of_another_place_is_refused_as_a_whole(city: City) -> None:
    city.bring(GROUND)
    city.write_calls([CALLS[0], ["c1", "noise", "2024-03-10T12:00:00", "113.1", "28.1", "new", "", ""]])
    assert "most are around 113.100" in city.bring(INCIDENTS).refused_files["calls: calls.csv"]
    city.write_calls([CALLS[0], ["c1", "noise", "2024-03-10T12:00:00", "40.005", "-79.995", "new", "", ""]])
    assert "exchanged" in city.bring(INCIDENTS).refused_files["calls: calls.csv"]
    assert city.value("SELECT count(*) FROM incident") == 0


def test_a_file_without_a_coordinate_system_asks_for_it(city: City) -> None:
    city.bring(GROUND)
    report = city.bring(INCIDENTS.replace('crs = "EPSG:4326"\n', ""))
    assert "does not say its coordinate system" in report.refused_files["calls: calls.csv"]


def test_ground_in_china_must_say_its_datum(city: City) -> None:
    frame = gpd.read_file(city.folder / "hoods.geojson")
    frame.geometry = frame.translate(113 - WEST, 28 - SOUTH)
    (city.folder / "hoods.geojson").write_text(frame.to_json(drop_id=True))
    report = city.bring(GROUND)
    assert 'datum = "wgs84", "gcj02" or "bd09"' in report.refused_files["hoods: hoods.geojson"]


def test_places_of_another_datum_are_doubted_never_moved(city: City) -> None:
    for name in ("wards", "hoods", "blocks"):
        frame = gpd.read_file(city.folder / f"{name}.geojson")
        frame.geometry = frame.translate(113 - WEST, 28 - SOUTH)
        (city.folder / f"{name}.geojson").write_text(frame.to_json(drop_id=True))
    ground = "\n".join(f'{line}\ndatum = "wgs84"' if line.startswith("source =") else line for line in GROUND.splitlines())
    assert city.bring(ground).refused_files == {}
    lon, lat = crs.wgs84_to_gcj02([113.0005 + 0.0001 * k for k in range(190)], [28.0005 + 0.0001 * k for k in range(190)])
    city.write_calls([CALLS[0]] + [[f"g{k}", "noise", "2024-03-10T12:00:00", str(x), str(y), "new", "", ""]
                                   for k, (x, y) in enumerate(zip(lon, lat, strict=True))])  # fmt: skip
    calls = next(each for each in city.bring(INCIDENTS, dry_run=True).files if each.source == "calls")
    assert any('datum = "gcj02"' in note for note in calls.notes)
    told = INCIDENTS.replace('crs = "EPSG:4326"', 'crs = "EPSG:4326"\ndatum = "gcj02"')
    calls = next(each for each in city.bring(told).files if each.source == "calls")
    assert (calls.loaded, calls.unplaced) == (190, 0)


def test_buildings_find_their_grid_and_counts_are_spread_to_the_last_household(city: City) -> None:
    city.bring(GROUND)
    houses = {f"h{k}": tile(0.1 + 0.18 * k, 0.2, 0.05, 0.05 * (1 + k % 3)) for k in range(10)}
    bowtie = shapely.Polygon(
        [(WEST + 0.001, SOUTH + 0.011), (WEST + 0.002, SOUTH + 0.012), (WEST + 0.002, SOUTH + 0.011), (WEST + 0.001, SOUTH + 0.012)]
    )
    city.write("houses.geojson", {**houses, "broken": bowtie, "far": tile(3, 0.2, 0.05, 0.05)})
    city.write("tracts.geojson", {"T1": tile(0, 0, 2, 1), "T2": tile(0, 1, 2, 1), "T3": tile(7, 7)}, count=["1,001", "77", "5"])
    homes = """
[[layer]]
noun = "building"
source = "houses"
files = "houses.geojson"
mend = ["valid"]
fields = { source_id = "id" }
[[layer]]
noun = "households"
source = "tracts"
files = "tracts.geojson"
fields = { count = "count" }
spread = { by = "buildings" }
"""
    report = city.bring(homes)
    assert counted(report, "houses") == (12, 11, 0, 1)
    assert counted(report, "tracts") == (3, 2, 0, 1)
    assert city.value("SELECT sum(households) FROM building WHERE source_id LIKE 'h%'") == 1001
    assert city.value("SELECT sum(households) FROM grid") == 1078
    assert city.value("SELECT value ->> 'estimated' FROM deployment WHERE key = 'households'") == "true"
    again = city.bring(homes)
    assert counted(again, "houses") == (12, 0, 11, 1)
    assert counted(again, "tracts") == (3, 0, 2, 1)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [('source_id = "id"', 'source_ID = "id"', "no field"), ('noun = "incident"', 'noun = "event"', "noun"), ("[[layer]]", "[[layers]]", "mapping.toml: layer"),
     ('category = "kind"', 'category = "AGE"', "columns with persons"), ('category = "kind"', 'category = "sort"', "no column sort"),
     ('reported_at = "at"\n', "", "needs the field"), ('files = "calls.csv"', 'files = "none.csv"', "No file for incident")],
)  # fmt: skip
def test_a_mapping_that_does_not_fit_says_which_key(city: City, old: str, new: str, said: str) -> None:
    city.bring(GROUND)
    try:
        report = city.bring(INCIDENTS.replace(old, new))
        message = report.refused_files["calls: calls.csv"]
    except BadMapping as refused:
        message = refused.message
    assert said in message


@pytest.mark.skipif(not (SHARED / "china").exists(), reason="the shared data is not on this machine")
def test_a_hotline_sheet_with_chinese_columns_comes_in_without_places(city: City) -> None:
    city.bring(GROUND)
    sheet = """
[[layer]]
noun = "incident"
source = "hotline"
time_zone = "Asia/Shanghai"
catalogue = { code = "hotline", name = "民生诉求", create = true }
[layer.fields]
source_id = "留言编号"
category = "一级分类"
reported_at = { column = "留言时间", format = ["iso", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M"] }
title = "留言主题"
"""
    report = city.bring(sheet, paths=[SHARED / "china" / "hotline" / "附件2.xlsx"], dry_run=True)
    assert report.refused_files == {}
    [feed] = report.files
    assert (feed.read, feed.loaded + feed.unchanged + feed.refused) == (495, 495)
    assert feed.unplaced == feed.loaded > 400


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "dirty").exists(), reason="the shared corpus is not on this machine")
def test_the_import_runs_over_every_file_of_the_corpus_and_loses_no_row(city: City) -> None:
    city.bring(GROUND)
    catalogue = pd.read_csv(SHARED / "dirty" / "CATALOG.csv", dtype=str, keep_default_na=False)
    paths = [SHARED / "dirty" / file for file in catalogue["file"] if (SHARED / "dirty" / file).exists()]
    anything = '[[layer]]\nnoun = "building"\nsource = "corpus"\nfields = { source_id = "#row" }\nmend = ["valid"]\n'
    before = city.value("SELECT count(*) FROM building")
    report = city.bring(anything, paths=paths, dry_run=True)
    assert len(report.files) + len(report.refused_files) >= len({path.name for path in paths})
    assert all(each.accounted for each in report.files)
    assert all(why for why in report.refused_files.values())
    assert city.value("SELECT count(*) FROM building") == before


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "realcity").exists(), reason="the shared data is not on this machine")
def test_a_real_city_tiles_and_its_fires_lie_where_they_were_said_to(city: City) -> None:
    city.folder = SHARED / "realcity"
    work = service.Run(
        city.database, Scope(token="", everything=True), city.desk, *mappings.load(EXAMPLES / "realcity" / "ground.toml"), lambda _: None
    )
    report = service.run(work, service.jobs(work.mapping, [], city.folder))
    assert [counted(report, source) for source in ("pgh-wards", "pgh-neighborhoods", "census-block-group-2010")] == [
        (35, 35, 0, 0), (91, 90, 0, 1), (359, 355, 0, 4)]  # fmt: skip
    feed, digest = mappings.load(EXAMPLES / "realcity" / "incidents.toml")
    work = service.Run(city.database, work.scope, city.desk, feed, digest, lambda _: None)
    report = service.run(work, service.jobs(feed, [], city.folder))
    shares = {each.source: round(each.agreements[0].share or 0, 3) for each in report.files}
    assert shares["pgh-fire"] > 0.999
    assert shares["pgh-311"] == 1.0
    assert shares["pgh-citations"] == 0.896
    assert 0.84 < shares["pgh-police"] < 0.855
