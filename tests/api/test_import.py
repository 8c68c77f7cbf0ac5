"""Import of the ground and its buildings on a real database: fitted, mended as asked, all or nothing, twice without change."""

import json
from pathlib import Path

import shapely

from api.imports.report import write_defects
from tests.imported_city import GROUND, INCIDENTS, SOUTH, WEST, City, counted, tile


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
    city.bring(
        GROUND.replace(
            'time_zone = "America/New_York"', 'time_zone = "America/New_York"\nvalid_from = 2010-01-01\nnow = 2020-06-01T12:00:00'
        )
    )
    assert city.value("SELECT value #>> '{}' FROM deployment WHERE key = 'now'") == "2020-06-01T12:00:00-04:00"
    assert city.value("SELECT count(*) FROM grid WHERE valid_from = '2010-01-01 05:00+00'") == 8
    assert city.value("SELECT count(*) FROM area WHERE valid_from <> '2010-01-01 05:00+00'") == 0


def test_a_name_of_ten_thousand_letters_is_refused_by_its_row(city: City) -> None:
    hoods = {"H1": tile(0, 0), "H2": tile(1, 0), "H3": tile(0, 1), "H4": tile(1, 1), "H5": tile(5, 5)}
    city.write("hoods.geojson", hoods, name=["Hood 1", "Hood 2", "Hood 3", "N" * 200, "N" * 10_000])
    [refused] = [each.errors for each in city.bring(GROUND, dry_run=True).files if each.source == "hoods"]
    assert refused is not None
    assert refused["why"].tolist() == ["name: it is longer than 200 characters"]


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


def test_a_hood_that_lies_in_no_ward_is_named_and_nothing_is_stored(city: City) -> None:
    hoods = {"H1": tile(0, 0), "H2": tile(1, 0), "H3": tile(0, 1), "H4": tile(1, 1), "H9": tile(5, 0)}
    city.write("hoods.geojson", hoods, name=["Hood 1", "Hood 2", "Hood 3", "Hood 4", "Hood 9"])
    city.write(
        "blocks.geojson", {f"B{column}{row}": tile(column, row) for column in (0, 1, 5) for row in range(2) if (column, row) != (5, 1)}
    )
    report = city.bring(GROUND)
    assert "H9" in report.refused_files["hoods: hoods.geojson"]
    assert "street" in report.refused_files["hoods: hoods.geojson"]
    assert city.value("SELECT count(*) FROM area") == 0


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
