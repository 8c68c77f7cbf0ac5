"""Import of households and facilities as rows: each finds its building and grid, persons stay sealed, twice without change."""

import csv
from pathlib import Path

import pandas as pd
import pytest

from api.imports.report import Report, write_errors
from tests.imported_city import GROUND, SIDE, SOUTH, WEST, City, counted, tile, told

BUILDINGS = """
[[layer]]
noun = "building"
source = "houses"
files = "houses.geojson"
fields = { source_id = "id", code = "code", address = "address" }
"""
HOMES = """
[[layer]]
noun = "household"
source = "homes"
files = "住户.csv"
crs = "EPSG:4326"
shape = { x = "经度", y = "纬度" }
building = { by = "source_id", source = "houses" }
[layer.fields]
source_id = "户号"
building = "楼栋"
unit = "房号"
members = "人口"
tenure = { column = "产权", lookup = { "自有" = "own", "租赁" = "rent" }, unknown = "refuse" }
floating = "流动"
has_address = { constant = true }
[layer.resident]
name = "姓名"
phone = "电话"
number = "身份证号"
care = { column = "关爱", lookup = { "独居老人" = "lone_elder", "低保" = "poor" } }
"""
HEAD = ["户号", "楼栋", "社区", "地址", "房号", "人口", "产权", "流动", "姓名", "电话", "身份证号", "关爱", "经度", "纬度"]
ROWS = [
    [
        "h1",
        "B1",
        "H1",
        "一路 1 号",
        "101",
        "3",
        "自有",
        "否",
        "张三",
        "13800000001",
        "310104198001011234",
        "独居老人",
        "-79.9985",
        "40.0025",
    ],
    ["h2", "B1", "H1", "一路１号", "102", "2", "租赁", "是", "李四", "13800000002", "310104198001011235", "", "-79.9985", "40.0025"],
    ["h3", "B2", "H2", "二路2号", "1", "1", "自有", "否", "", "", "", "", "-79.98305", "40.0025"],
    ["h4", "B9", "H2", "九路9号", "1", "1", "自有", "否", "王五", "13800000004", "310104198001011236", "", "-79.97", "40.0025"],
    ["h5", "B2", "H2", "二路2号", "2", "1", "不明", "否", "赵六", "13800000005", "310104198001011237", "低保", "-79.984", "40.0025"],
]


@pytest.fixture
def homes(city: City) -> City:
    """The city with two buildings and a sheet of households."""
    city.write("houses.geojson", {"B1": tile(0.1, 0.2, 0.1, 0.1), "B2": tile(1.5, 0.2, 0.19, 0.1)}, code=["001", "002"],
               address=["一路1号", "二路2号"])  # fmt: skip
    city.bring(GROUND + BUILDINGS)
    write(city.folder, ROWS)
    return city


def write(folder: Path, rows: list[list[str]]) -> None:
    with (folder / "住户.csv").open("w", newline="") as opened:
        csv.writer(opened).writerows([HEAD, *rows])


def errors_of(report: Report, folder: Path) -> pd.DataFrame:
    [path] = write_errors(report, folder / "errors.csv")
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def test_households_find_their_building_and_the_counts_become_the_rows(homes: City) -> None:
    report = homes.bring(HOMES)
    assert report.refused_files == {}
    assert counted(report, "homes") == (5, 3, 0, 2)
    assert homes.value("SELECT array_agg(households ORDER BY code) FROM building") == [2, 1]
    assert homes.value("SELECT sum(households) FROM grid") == 3
    assert homes.value("SELECT count(*) FROM household JOIN building USING (cell, community_id) WHERE building.id = building_id") == 3
    assert homes.value("SELECT tenure || floating || members || has_address FROM household WHERE source_id = 'h2'") == "renttrue2true"
    assert any("counts of grids and buildings are the rows now. 6 grids" in note for note in told(report, "homes").notes)


def test_refused_households_say_why_and_show_no_person(homes: City) -> None:
    report = homes.bring(HOMES)
    errors = errors_of(report, homes.folder)
    assert errors["row"].tolist() == ["4", "5"]
    assert "there is no building with the source_id 'B9'" in errors["why"][0]
    assert "'不明' is not among the values" in errors["why"][1]
    assert errors["姓名"].tolist() == ["王*", "赵*"]
    assert errors["电话"].tolist() == ["138****0004", "138****0005"]
    assert errors["身份证号"].tolist() == ["310104********1236", "310104********1237"]
    assert errors["关爱"].tolist() == ["", "***"]
    kept = homes.value("SELECT report::text FROM import_batch WHERE noun = 'household'")
    assert "13800000004" not in kept
    assert "王五" not in kept


def test_the_head_of_a_household_is_sealed_and_its_care_is_known(homes: City) -> None:
    homes.bring(HOMES)
    assert homes.value("SELECT count(*) FROM resident WHERE head") == 2
    assert homes.value("SELECT string_agg(class, ' ') FROM care") == "lone_elder"
    resident, sealed = homes.row("SELECT resident.id, sealed FROM resident JOIN household ON household_id = household.id"
                                 " WHERE source_id = 'h1'")  # fmt: skip
    assert "张三".encode() not in bytes(sealed)
    assert homes.keys().open_fields("resident.sealed", resident, sealed) == {
        "name": "张三", "phone": "13800000001", "number": "310104198001011234",
    }  # fmt: skip
    asked = homes.keys().blind_index("resident.phone", "138 0000 0001")
    assert homes.value(f"SELECT count(*) FROM resident WHERE phone_index = '\\x{asked.hex()}'") == 1


def test_the_same_households_again_change_nothing(homes: City) -> None:
    homes.bring(HOMES)
    tables = ("household", "resident", "care", "building", "grid")
    before = [homes.value(f"SELECT md5(string_agg(md5({each}::text), '' ORDER BY {each}::text)) FROM {each}") for each in tables]
    assert counted(homes.bring(HOMES), "homes") == (5, 0, 3, 2)
    assert [homes.value(f"SELECT md5(string_agg(md5({each}::text), '' ORDER BY {each}::text)) FROM {each}") for each in tables] == before


def test_a_household_that_was_in_another_building_moves_with_its_people(homes: City) -> None:
    homes.bring(HOMES)
    write(homes.folder, [["h1", "B2", *ROWS[0][2:]], [*ROWS[1][:8], "李四四", *ROWS[1][9:]], ROWS[2]])
    assert counted(homes.bring(HOMES), "homes") == (3, 2, 1, 0)
    assert homes.value("SELECT array_agg(households ORDER BY code) FROM building") == [1, 2]
    assert homes.value("SELECT count(*) FROM household") == 3
    assert homes.value("SELECT count(*) FROM care JOIN resident ON id = resident_id AND care.cell = resident.cell"
                       " JOIN building ON building.cell = care.cell AND building.community_id = care.community_id"
                       " WHERE code = '002'") == 1  # fmt: skip
    resident, sealed = homes.row("SELECT resident.id, sealed FROM resident JOIN household ON household_id = household.id"
                                 " WHERE source_id = 'h2'")  # fmt: skip
    assert homes.keys().open_fields("resident.sealed", resident, sealed)["name"] == "李四四"


@pytest.mark.parametrize(
    ("link", "loaded", "reason"),
    [('by = "code", community = "source_id"', 3, "no building with the code"), ('by = "address"', 3, "no building with the address"),
     ('by = "place"', 2, "No building covers the place."), ('by = "place", within_m = 20', 3, "none lies within 20 m")],
)  # fmt: skip
def test_households_are_linked_by_code_by_address_and_by_place(homes: City, link: str, loaded: int, reason: str) -> None:
    fields = {"code": 'building = "号"\ncommunity = "社区"\n', "address": 'building = "地址"\n', "place": ""}[link.split('"')[1]]
    mapping = HOMES.replace('by = "source_id", source = "houses"', link).replace('building = "楼栋"\n', fields)
    mapping = mapping.replace('"号"', '{ column = "楼栋", match = "\\\\d", pad = 3 }')
    report = homes.bring(mapping)
    assert told(report, "homes").loaded == loaded
    assert any(reason in why.replace("…", "") or reason in why for why in told(report, "homes").reasons)


def test_an_estimate_never_replaces_household_rows(homes: City) -> None:
    homes.bring(HOMES)
    homes.write("tracts.geojson", {"T1": tile(0, 0, 2, 2)}, count=["800"])
    spread = '[[layer]]\nnoun = "households"\nsource = "tracts"\nfiles = "tracts.geojson"\nfields = { count = "count" }\nspread = { by = "area" }\n'
    report = homes.bring(spread)
    assert homes.value("SELECT sum(households) FROM grid WHERE id IN (SELECT grid_id FROM building)") == 3
    assert homes.value("SELECT sum(households) FROM grid") == 603
    assert any("2 grids have household rows" in note for note in told(report, "tracts").notes)


FACILITIES = """
[[layer]]
noun = "facility"
source = "parts"
files = "部件.csv"
crs = "EPSG:4326"
shape = { x = "经度", y = "纬度" }
[layer.fields]
source_id = "部件编号"
name = "部件名称"
kind = { column = "类别", lookup = { "路灯" = "light", "消防栓" = "hydrant" } }
status = { column = "状态", lookup = { "完好" = "working", "破损" = "faulty" } }
"""


def parts(folder: Path, *rows: str) -> None:
    (folder / "部件.csv").write_text("部件编号,部件名称,类别,状态,经度,纬度\n" + "\n".join(rows) + "\n")


def test_facilities_come_in_with_their_grid_and_a_second_time_unchanged(city: City) -> None:
    city.bring(GROUND)
    inside, far = f"{WEST + SIDE / 4},{SOUTH + SIDE / 4}", f"{WEST + 2.5 * SIDE},{SOUTH + SIDE / 4}"
    rows = [f"p1,灯一,路灯,完好,{inside}", f"p2,栓,消防栓,破损,{inside}", f"p3,树,古树,完好,{inside}", f"p4,灯,路灯,完好,{far}",
            f"p1,灯二,路灯,完好,{inside}", "p5,灯,路灯,完好,,"]  # fmt: skip
    parts(city.folder, *rows)
    report = city.bring(FACILITIES)
    assert counted(report, "parts") == (6, 2, 0, 4)
    assert errors_of(report, city.folder)["row"].tolist() == ["3", "4", "5", "6"]
    assert city.value("SELECT count(*) FROM facility JOIN grid ON grid.id = grid_id AND ST_Covers(grid.geom, facility.geom)") == 2
    assert city.value("SELECT kind || ' ' || status || ' ' || facility.code FROM facility WHERE source_id = 'p2'") == "hydrant faulty p2"
    before = city.value("SELECT max(id) FROM tile_change WHERE layer = 'facilities' OR layer = 'facility'")
    assert before is not None
    assert counted(city.bring(FACILITIES), "parts") == (6, 0, 2, 4)
    parts(city.folder, rows[0].replace("完好", "破损"))
    assert counted(city.bring(FACILITIES), "parts") == (1, 1, 0, 0)
    assert city.value("SELECT status || version FROM facility WHERE source_id = 'p1'") == "faulty2"
