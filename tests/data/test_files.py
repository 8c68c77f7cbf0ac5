"""The desk for files: what is packed, written or built oddly is read as it was meant, or refused with what to do."""

import gzip
import io
import json
import lzma
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
import shapely

from data.files import archive, encoding, tables
from data.files.desk import Desk
from data.files.layer import Question
from gis.errors import BadFile

SHARED = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with Desk() as opened:
        yield opened


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, body in members.items():
            packed.writestr(name, body)
    return path


def square(x: float = 0.0) -> shapely.Polygon:
    return shapely.box(x, 0, x + 1, 1)


def written_shapefile(folder: Path, name: str = "layer", *, encoding: str = "utf-8") -> Path:
    frame = gpd.GeoDataFrame({"名称": ["枫桥社区", "柳岸社区"], "code": ["1", "2"]}, geometry=[square(), square(1)], crs=4490)
    path = folder / f"{name}.shp"
    frame.to_file(path, engine="pyogrio", encoding=encoding)
    return path


# Archives


@pytest.mark.parametrize("name", ["../outside.csv", "/etc/outside.csv", "a/../../outside.csv", "C:\\outside.csv", "..\\outside.csv"])
def test_an_archive_that_names_a_file_outside_its_folder_is_refused(tmp_path: Path, name: str) -> None:
    path = zipped(tmp_path / "slip.zip", {name: b"a,b\n1,2\n"})
    with pytest.raises(BadFile, match="outside its own folder"):
        archive.unpacked(path, tmp_path)
    assert not (tmp_path.parent / "outside.csv").exists()


def test_an_archive_that_unpacks_to_hundreds_of_times_its_size_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "bomb.zip", {"zeros.csv": b"0" * 60_000_000})
    with pytest.raises(BadFile, match="times its size"):
        archive.unpacked(path, tmp_path)
    packed = tmp_path / "bomb.csv.gz"
    packed.write_bytes(gzip.compress(b"0" * 60_000_000))
    with pytest.raises(BadFile, match="times its size"):
        archive.unpacked(packed, tmp_path)


def test_an_archive_in_an_archive_is_refused(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as packed:
        packed.writestr("a.csv", "a\n1\n")
    with pytest.raises(BadFile, match="another archive"):
        archive.unpacked(zipped(tmp_path / "nested.zip", {"inner.zip": inner.getvalue()}), tmp_path)
    twice = tmp_path / "twice.csv.gz"
    twice.write_bytes(gzip.compress(gzip.compress(b"a\n1\n")))
    with pytest.raises(BadFile, match="packed twice"):
        archive.unpacked(twice, tmp_path)


def test_a_symbolic_link_in_an_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "link.zip"
    entry = zipfile.ZipInfo("link.csv")
    entry.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr(entry, "/etc/passwd")
    with pytest.raises(BadFile, match="symbolic link"):
        archive.unpacked(path, tmp_path)


def test_an_archive_that_is_empty_or_cut_short_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="empty"):
        archive.unpacked(zipped(tmp_path / "empty.zip", {}), tmp_path)
    whole = zipped(tmp_path / "cut.zip", {"a.csv": bytes(range(256)) * 40})
    whole.write_bytes(whole.read_bytes()[:-60])
    with pytest.raises(BadFile, match="broken"):
        archive.unpacked(whole, tmp_path)
    cut = tmp_path / "cut.csv.xz"
    cut.write_bytes(lzma.compress(bytes(range(256)) * 400)[:-30])
    with pytest.raises(BadFile, match="cut short"):
        archive.unpacked(cut, tmp_path)


def test_a_member_name_in_gbk_without_its_flag_is_read_as_it_was_meant() -> None:
    entry = zipfile.ZipInfo("区县界_area.shp".encode("gb18030").decode("cp437"))
    entry.flag_bits = 0
    assert archive.member_name(entry) == "区县界_area.shp"


# Encodings


@pytest.mark.parametrize(
    ("text", "stored", "found"),
    [("枫桥社区,一号", "gb18030", "gb18030"), ("枫桥社区,一号", "utf-8", "utf-8"), ("plain", "ascii", "utf-8"), ("枫桥社区", "utf-16", "utf-16"),
     ("枫桥", "utf-8-sig", "utf-8-sig"), ("第1,地34,x 9\n", "gb18030", "gb18030")],
)  # fmt: skip
def test_an_encoding_is_known_by_its_bytes(text: str, stored: str, found: str) -> None:
    assert encoding.of_text((text * 3).encode(stored)).encoding == found


def test_western_text_is_a_guess_that_has_to_be_confirmed() -> None:
    assert not encoding.of_text("Ñandú; Zürich; Café; São Paulo".encode("latin-1")).sure


def test_a_shapefile_in_gbk_without_cpg_is_read_and_says_how(desk: Desk, tmp_path: Path) -> None:
    path = written_shapefile(tmp_path, encoding="gb18030")
    path.with_suffix(".cpg").unlink()
    layer = desk.read(path)
    assert layer.rows["名称"].tolist() == ["枫桥社区", "柳岸社区"]
    assert layer.findings.encoding == "gb18030"
    assert layer.findings.encoding_how


# Shapes


def test_a_shapefile_without_prj_has_no_system_and_one_without_shx_is_read_anyway(desk: Desk, tmp_path: Path) -> None:
    path = written_shapefile(tmp_path)
    path.with_suffix(".prj").unlink()
    path.with_suffix(".shx").unlink()
    layer = desk.read(path)
    assert layer.findings.crs is None
    assert len(layer) == 2
    assert any(".shx" in note for note in layer.findings.notes)
    assert not path.with_suffix(".shx").exists(), "nothing is written beside a source"


def test_a_packed_shapefile_is_found_among_its_parts(desk: Desk, tmp_path: Path) -> None:
    path = written_shapefile(tmp_path)
    parts = {f"some/folder/地块{each.suffix}": each.read_bytes() for each in tmp_path.iterdir() if each.stem == path.stem}
    assert len(desk.read(zipped(tmp_path / "packed.zip", parts))) == 2


def test_what_a_mac_puts_beside_each_file_of_a_zip_is_no_layer(desk: Desk, tmp_path: Path) -> None:
    path = written_shapefile(tmp_path)
    parts = {each.name: each.read_bytes() for each in tmp_path.iterdir() if each.stem == path.stem}
    shadows = {f"__MACOSX/._{name}": b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X" for name in parts}
    assert len(desk.read(zipped(tmp_path / "packed.zip", {**parts, **shadows, "._layer.shp": b"\x00\x05\x16\x07"}))) == 2


def test_a_layer_that_a_file_does_not_hold_is_refused_even_where_it_holds_only_one(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "one.gpkg"
    gpd.GeoDataFrame({"a": [1]}, geometry=[square()], crs=4490).to_file(path, layer="grids")
    with pytest.raises(BadFile, match=r"no layer 'girds' in it\. It holds: grids"):
        desk.read(path, Question(layer="girds"))
    assert len(desk.read(path, Question(layer="grids"))) == 1


def test_an_archive_of_two_layers_asks_which(desk: Desk, tmp_path: Path) -> None:
    body = json.dumps({"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {"a": 1}, "geometry": {"type": "Point", "coordinates": [1, 2]}}]}).encode()  # fmt: skip
    path = zipped(tmp_path / "two.zip", {"one.geojson": body, "two.geojson": body})
    with pytest.raises(BadFile, match=r"say which with layer = …: one\.geojson, two\.geojson"):
        desk.read(path)
    assert len(desk.read(path, Question(layer="two"))) == 1


def test_a_ring_that_cannot_be_read_is_a_row_with_a_reason_not_a_lost_file(desk: Desk, tmp_path: Path) -> None:
    features = [{"type": "Feature", "properties": {"n": 1}, "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1]]]}},
                {"type": "Feature", "properties": {"n": 2}, "geometry": {"type": "Point", "coordinates": [1, 2]}}]  # fmt: skip
    path = tmp_path / "open.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    layer = desk.read(path)
    assert len(layer) == 2
    assert 0 in layer.broken
    assert layer.shapes[1] is not None


def test_heights_are_left_out_and_said(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "high.geojson"
    path.write_text(json.dumps({"type": "Point", "coordinates": [1, 2, 300]}))
    layer = desk.read(path)
    assert not shapely.has_z(layer.shapes[0])
    assert any("Heights" in note for note in layer.findings.notes)


@pytest.mark.parametrize("suffix", ["gpkg", "fgb", "parquet", "geojsonl"])
def test_each_format_gives_the_same_rows(desk: Desk, tmp_path: Path, suffix: str) -> None:
    frame = gpd.GeoDataFrame({"name": ["甲", "乙"]}, geometry=[square(), square(1)], crs=4326)
    path = tmp_path / f"layer.{suffix}"
    if suffix == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_file(path, engine="pyogrio", driver={"geojsonl": "GeoJSONSeq"}.get(suffix))
    layer = desk.read(path)
    assert sorted(layer.rows["name"]) == ["乙", "甲"]
    assert layer.findings.crs == "EPSG:4326"


def test_a_file_that_includes_other_files_is_not_opened(desk: Desk, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b\n1,2\n")
    path = tmp_path / "trap.geojson"
    path.write_text(
        f'<OGRVRTDataSource><OGRVRTLayer name="secret"><SrcDataSource>{secret}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>'
    )
    with pytest.raises(BadFile, match="does not begin with an object"):
        desk.read(path)


def test_a_file_that_takes_too_long_or_too_much_is_stopped_and_the_next_one_is_read(tmp_path: Path) -> None:
    long = tmp_path / "long.csv"
    long.write_text("a,b\n" + "1,2\n" * 6_000_000)
    short = tmp_path / "short.csv"
    short.write_text("a,b\n1,2\n")
    with Desk(seconds=2) as hasty:
        with pytest.raises(BadFile, match="more than 2 s"):
            hasty.read(long)
        assert len(hasty.read(short)) == 1
    wide = tmp_path / "wide.geojson"
    feature = '{"type":"Feature","geometry":null,"properties":{"a":"' + "x" * 2_000_000 + '"}}'
    wide.write_text('{"type":"FeatureCollection","features":[' + ",".join([feature] * 150) + "]}")
    with Desk(memory_bytes=600_000_000) as small, pytest.raises(BadFile, match=r"memory|broke the reader"):
        small.read(wide)


def test_a_long_table_comes_in_parts_whose_rows_and_broken_cells_keep_their_places(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    lines = [f"{number},{'x' if number == 60_001 else 113.5},28.5" for number in range(60_005)]
    path.write_text("id,lon,lat\n" + "\n\n".join(lines) + "\n")
    parts = list(desk.parts(path, Question(x="lon", y="lat"), 25_000))
    assert [len(part) for part in parts] == [25_000, 25_000, 10_005]
    assert parts[2].rows["id"].iloc[0] == "50000"
    assert [list(part.broken) for part in parts] == [[], [], [10_001]]
    assert parts[2].shapes[10_001] is None
    assert parts[2].shapes[10_002] == shapely.Point(113.5, 28.5)
    assert any("60004 blank lines" in note for note in parts[0].findings.notes)


# Tables


def csv_of(tmp_path: Path, body: str | bytes) -> Path:
    path = tmp_path / "table.csv"
    path.write_bytes(body if isinstance(body, bytes) else body.encode())
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_delimiter_is_found(desk: Desk, tmp_path: Path, delimiter: str) -> None:
    rows = [["id", "name"], ["1", "甲"], ["2", "乙"]]
    layer = desk.read(csv_of(tmp_path, "\n".join(delimiter.join(row) for row in rows)))
    assert layer.rows.columns.tolist() == ["id", "name"]
    assert layer.rows["name"].tolist() == ["甲", "乙"]


def test_rows_with_too_many_cells_are_named_and_title_rows_are_passed_over(desk: Desk, tmp_path: Path) -> None:
    layer = desk.read(csv_of(tmp_path, "Report of 2024\n\nid,name,place\n1,a,x\n2,b,y,zzz\n3,c\n"))
    assert layer.rows["id"].tolist() == ["1", "2", "3"]
    assert list(layer.broken) == [1]
    assert any("row 3" in note for note in layer.findings.notes)
    assert any("shorter" in note for note in layer.findings.notes)


def test_places_come_from_columns_and_bad_ones_are_named(desk: Desk, tmp_path: Path) -> None:
    body = 'id,lon,lat\n1,113.1,28.1\n2,,\n3,NA,NA\n4,abc,28\n5,"1,113.5",2\n'
    layer = desk.read(csv_of(tmp_path, body), Question(x="lon", y="lat"))
    assert shapely.get_x(layer.shapes[0]) == 113.1
    assert layer.shapes[1] is None
    assert list(layer.broken) == [3]
    assert shapely.get_x(layer.shapes[4]) == 1113.5


@pytest.mark.parametrize(("text", "value"), [("4,521", 4521.0), ("-74.84%", -0.7484), ("１２", 12.0), ("1,2", None), ("abc", None), ("nan", None),
                                             ("1_000", None), ("", None), ("1e3", 1000.0)])  # fmt: skip
def test_numbers_are_read_as_people_write_them(text: str, value: float | None) -> None:
    assert tables.number(text) == (pytest.approx(value) if value is not None else None)


def test_a_sheet_carries_merged_cells_into_every_row_and_asks_which_sheet(desk: Desk, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "部件"
    for row in (["大类", "小类", "时限"], ["公用设施", "井盖", 2], [None, "路灯", 4], ["其他", "杂项", 1.5]):
        sheet.append(row)
    sheet.merge_cells("A2:A3")
    book.create_sheet("事件")
    path = tmp_path / "rules.xlsx"
    book.save(path)
    with pytest.raises(BadFile, match="部件, 事件"):
        desk.read(path)
    layer = desk.read(path, Question(layer="部件"))
    assert layer.rows["大类"].tolist() == ["公用设施", "公用设施", "其他"]
    assert layer.rows["时限"].tolist() == ["2", "4", "1.5"]


def test_blank_continuation_cells_are_filled_down_where_asked(desk: Desk, tmp_path: Path) -> None:
    layer = desk.read(csv_of(tmp_path, "major,minor\nA,1\n,2\nB,3\n"), Question(fill_down=("major",)))
    assert layer.rows["major"].tolist() == ["A", "A", "B"]


def test_a_binary_file_under_a_table_s_name_is_refused(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="no text table"):
        desk.read(csv_of(tmp_path, struct.pack("<64i", *range(64))))


# The corpus


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "dirty").exists(), reason="the shared corpus is not on this machine")
def test_every_file_of_the_corpus_is_read_whole_or_refused_with_a_reason(desk: Desk) -> None:
    catalogue = pd.read_csv(SHARED / "dirty" / "CATALOG.csv", dtype=str, keep_default_na=False)
    unaccounted, mute, read, refused = [], [], 0, 0
    for file, result, rows in zip(catalogue["file"], catalogue["result"], catalogue["rows"], strict=True):
        path = SHARED / "dirty" / file
        if not path.exists():
            continue
        try:
            layer = desk.read(path)
        except BadFile as reason:
            refused += 1
            mute += [file] if len(reason.message) <= 15 or str(SHARED) in reason.message else []
            if result == "opens" and "layers; say which" not in reason.message and path.suffix != ".shx":
                unaccounted.append((file, reason.message))
        else:
            read += 1
            if result == "opens" and rows and len(layer) != int(rows):
                unaccounted.append((file, f"{len(layer)} of {rows} rows"))
    assert read > 100
    assert read + refused == sum((SHARED / "dirty" / file).exists() for file in catalogue["file"])
    assert unaccounted == []
    assert mute == []


@pytest.mark.skipif(not (SHARED / "china").exists(), reason="the shared data is not on this machine")
def test_published_chinese_files_are_read_as_they_were_meant(desk: Desk) -> None:
    shanghai = desk.read(SHARED / "china" / "boundaries" / "shanghai_district_shp_GBK_nocpg.zip")
    assert "黄浦区" in set(shanghai.rows["NAME"])
    villages = desk.read(SHARED / "china" / "taiwan" / "taiwan_villages-10t.topojson.zip", Question(layer="towns"))
    assert len(villages) == 368
    assert villages.findings.crs is None
    messages = desk.read(SHARED / "china" / "hotline" / "附件2.xlsx")
    assert {"留言编号", "留言时间", "一级分类"} <= set(messages.rows.columns)
    assert len(messages) == 495
