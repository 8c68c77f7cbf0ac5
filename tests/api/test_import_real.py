"""Import of real files that lie beside the project: a Chinese hotline sheet, a corpus of dirty files, a whole city."""

from pathlib import Path

import pandas as pd
import pytest

from tests.imported_city import GROUND, City, counted

SHARED = Path(__file__).parents[3] / "shared" / "data"
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


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
    report = city.run(EXAMPLES / "realcity" / "ground.toml", SHARED / "realcity")
    assert [counted(report, source) for source in ("pgh-wards", "pgh-neighborhoods", "census-block-group-2010")] == [
        (35, 35, 0, 0), (91, 90, 0, 1), (359, 355, 0, 4)]  # fmt: skip
    report = city.run(EXAMPLES / "realcity" / "incidents.toml", SHARED / "realcity")
    shares = {each.source: round(each.agreements[0].share or 0, 3) for each in report.files}
    assert shares["pgh-fire"] > 0.999
    assert shares["pgh-311"] == 1.0
    assert shares["pgh-citations"] == 0.896
    assert 0.84 < shares["pgh-police"] < 0.855
