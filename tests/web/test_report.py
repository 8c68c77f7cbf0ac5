"""Reports: sentences that say what the stored numbers say, tables that hold them, files without formulas."""

import csv
import io
import sqlite3
from pathlib import Path
from typing import Any

import openpyxl
import pyogrio
import pytest
from pypdf import PdfReader
from scipy.stats import binomtest

from api.reports.files import bundle
from tests.web.reports import cluster, facts, unit
from web.paper.document import Table
from web.report.comparison import comparison
from web.report.facts import Speech
from web.report.figures import features
from web.report.report import report
from web.report.sentences import leading, peak
from web.words import LANGUAGES, table, word


def sentences(language: str = "zh", **asked: Any) -> list[str]:
    return leading(Speech(facts(language=language, **asked), language))  # type: ignore[arg-type]


def test_a_cluster_is_told_as_a_director_would_tell_it() -> None:
    told = sentences()
    assert told[0] == "2026年3月，测试区共 49 件事件（全部类别；全部来源），折合每千户 40.8 件。"
    assert told[1] == "1 处聚集超出偶然（p ≤ 0.05）。"
    assert told[2] == (
        "第 1 处：枫一社区（第1网格），31 件，为应有 7.4 件的 4.2 倍（95% 区间 2.9–5.9，p = 0.001）；31 件中 12 件来自同一栋楼（枫一社区路2号）；"
        "超时率 29%，为其余地区（14%）的 2.0 倍；以噪声扰民为主（20 件）；100% 在 21–24 时上报。"
    )


def test_the_same_in_english() -> None:
    told = sentences("en")
    assert told[0] == "Test District, March 2026: 49 incidents (all categories; all sources), 40.8 per 1,000 households."
    assert told[1] == "1 cluster is more than chance would show (p ≤ 0.05)."
    assert told[2] == (
        "No. 1, Fengyi Community (Grid 1): 31 incidents, 4.2 times the expected 7.4 (95% interval 2.9–5.9, p = 0.001); "
        "12 of 31 from one building (枫一社区路2号); overdue share 29%, 2.0 times that elsewhere (14%); mostly Noise (20); "
        "100% reported between 21 and 24 h."
    )
    assert told[3] == "11 records were left out because they are in doubt; see Data doubts."


def test_what_may_be_chance_is_not_told_as_a_cluster() -> None:
    told = sentences(clusters=[cluster(1, [1], p=0.4)])
    assert "没有一处聚集超出偶然" in told[1]
    assert not any(line.startswith("第 1 处") for line in told)


def test_p_of_reports_that_repeat_each_other_is_told_with_a_warning() -> None:
    spread = {"code": "overdispersed", "facts": {"dispersion": 93.6}}
    assert "grids differ 93.6 times more than independent reports would" in sentences("en", caveats=[spread])[2]
    assert not any("independent" in line for line in sentences("en"))
    shuffled = {"model": "permutation", "max_share": 0.1, "max_radius_m": None, "permutations": 999, "least_cases": 2}
    assert not any("independent" in line for line in sentences("en", caveats=[spread], parameters=shuffled))


def test_numbers_that_are_held_back_are_not_told() -> None:
    gone = dict.fromkeys(
        ("observed", "ratio", "interval", "relative_risk", "categories", "sources", "hours", "repeat", "officers", "deadlines")
    )
    told = sentences(clusters=[cluster(1, [1], **gone)])
    assert told[2] == "第 1 处：枫一社区（第1网格），少于 5 件。"
    table = next(each for each in report(facts(), "zh").tables() if each.key == "categories")
    assert table.texts("zh", table.rows[1]) == ["其他", "–", "–"] and table.note == "“–”：少于 5，不予显示。"


def test_a_cluster_beyond_the_readers_area_is_told_without_numbers() -> None:
    hidden = dict.fromkeys(cluster(1, [])) | {
        "rank": 1,
        "kind": "circle",
        "partial": True,
        "members": [1],
        "community_ids": [7],
        "p": 0.001,
    }
    document = report(facts(cut=True, clusters=[hidden], series=None, doubts=None, summary={}), "zh")
    assert any("此处聚集跨出您的辖区" in each for block in document.blocks for each in getattr(block, "items", ()))


@pytest.mark.parametrize(
    ("accuracy", "said"),
    [
        ({"events": 120, "hits": 40, "hit_rate": 0.33, "share_of_ground": 0.1, "pai": 3.3, "pei": 0.6, "naive_hit_rate": 0.25, "naive_pai": 2.5,
          "from": "2026-04-01", "to": "2026-05-01"}, "120 件事件中有 33% 落在占地 10% 的热点内（PAI 3.3）；照搬上期密度最高处可得 25%。"),
        ({"events": 120, "hits": 10, "hit_rate": 0.1, "share_of_ground": 0.1, "pai": 1.0, "pei": 0.2, "naive_hit_rate": 0.25, "naive_pai": 2.5,
          "from": "2026-04-01", "to": "2026-05-01"}, "本图并未更好"),
        ({"refusal": {"code": "nothing-to-analyse"}}, "无从检验"),
    ],
)  # fmt: skip
def test_how_well_it_did_is_told_with_the_map_it_must_beat(accuracy: Any, said: str) -> None:
    assert any(said in line for line in sentences(accuracy=accuracy))
    report(facts(accuracy=accuracy), "en")


def test_the_busiest_hours_go_over_midnight() -> None:
    assert peak([5] + [0] * 21 + [3, 4], 12) == (22, 1.0, False)
    assert peak([None] * 24, 9) is None
    # Hours that are held back are still hours: 20 of 28 at noon, not 20 of the 20 that are told.
    assert peak([None] * 12 + [20] + [None] * 11, 28) == (10, pytest.approx(20 / 28), True)


def test_counts_of_communities_are_told_as_communities() -> None:
    asked = facts("rates", language="en", units=[unit(1, funnel="above_998"), unit(2, funnel="within")], parameters={"smoothing": "global"})
    asked.analysis["question"]["unit"] = "community"
    assert any(line.startswith("Of 4 communities 1 lie above") for line in leading(Speech(asked, "en")))


METHODS: dict[str, dict[str, Any]] = {
    "gi": {"parameters": {"weights": "queen", "permutations": 99_999}, "clusters": [cluster(1, [1], kind="hot", q=0.004, **{"class": 99})],
           "units": [unit(1, z=4.0, p=1e-5, q=0.004, **{"class": 99}), unit(2, z=0.1, p=0.9, q=0.9, **{"class": 0})],
           "summary": {"classes": {"99": 1, "0": 1}},
           "alternate": {"hot": 1, "agree": 1, "cuts": [{"cell_m2": 9000.0, "moved": 0.5, "cells": 12, "hot_cells": 1, "hot_m2": 9000.0, "jaccard": 0.5,
                                                        "refusal": ""}]}},
    "moran": {"parameters": {"weights": "queen", "permutations": 999}, "clusters": [cluster(1, [1], kind="hot", q=0.004)],
              "units": [unit(1, i=1.0, z=4.0, p=1e-5, q=0.004, quadrant="HH", **{"class": 99})], "summary": {"classes": {"99": 1}}},
    "rates": {"parameters": {"smoothing": "global"}, "units": [unit(1, funnel="above_998"), unit(2, funnel="within"), unit(3, funnel=None)]},
    "watch": {"parameters": {"max_days": 14, "max_share": 0.1, "permutations": 999}, "clusters": [cluster(1, [1], kind="cylinder", recurrence_days=1000.0)]},
    "dbscan": {"parameters": {"reach_m": 50.0, "min_points": 10},
               "clusters": [cluster(1, [1], kind="density", expected=None, ratio=None, interval=None, p=None,
                                    place={"lon": 113.015, "lat": 28.005, "radius_m": 40.0, "community_id": 7, "community_share": 1.0,
                                           "hull": [[113.01, 28.0], [113.02, 28.0], [113.02, 28.01], [113.01, 28.0]]})],
               "summary": {"density_clusters": 1, "in_clusters": 31, "noise": 18}},
    "knox": {"parameters": {"bands_m": [0, 100], "bands_days": [0, 7], "permutations": 999}, "clusters": [],
             "table": [{"from_m": 0.1, "to_m": 100.0, "from_days": 0.0, "to_days": 7.0, "observed": 40, "expected": 20.0, "ratio": 2.0, "p": 0.001}]},
    "emerging": {"parameters": {"weights": "queen", "step": "month", "lag": 1, "permutations": 999}, "clusters": [cluster(1, [1], kind="new_hot", p=None)],
                 "units": [unit(1, category="new_hot", tau=0.4, trend_p=0.03, steps=[0, 1], counts=[3, 9]), unit(2, category="none", tau=0.0, trend_p=1.0)],
                 "summary": {"steps": 12, "categories_of_units": {"new_hot": 1, "none": 1}}},
    "trend": {"parameters": {"step": "month"}, "clusters": [],
              "units": [unit(1, pop={"now": 30, "before": 20, "ratio": 1.5, "low": 1.1, "high": 2.0}, yoy=None)], "summary": {"steps": 14},
              "table": [{"pop": {"now": 30, "before": 20, "ratio": 1.5, "low": 1.1, "high": 2.0, "p": 0.02}, "yoy": None,
                         "changes": [{"from": "2026-01-01", "before": 20.0, "after": 30.0, "ratio": 1.5, "low": 1.1, "high": 2.0}]}]},
    "repeats": {"parameters": {"by": "building", "least": 3}, "clusters": [], "summary": {"places": 20, "repeated": 2},
                "table": [{"building_id": 82, "lon": 113.015, "lat": 28.005, "observed": 12, "share": 0.24, "cumulative": 0.24}]},
    "kde": {"parameters": {"bandwidth_m": None, "cell_m": 50.0, "kernel": "quartic"}, "clusters": [], "summary": {"bandwidth_m": 230.0, "largest": 800.0},
            "raster": {"west": 1000.0, "north": 1000.0, "cell_m": 500.0, "columns": 2, "rows": 1, "unit": "per km²",
                       "crs": {"kind": "local_metres", "lon0": 113.0, "lat0": 28.0}, "values": "AADAfwAAgD8="}},
}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("method", METHODS)
def test_every_method_has_a_whole_report_in_both_languages(method: str, language: Any) -> None:
    asked = facts(method, language=language, **METHODS[method])
    document = report(asked, language)
    told = [text for block in document.blocks for text in texts(block, language)]
    assert not [text for text in told if "{" in text and not text.startswith(("问题", "Question"))], "a slot stayed empty"
    assert not [text for text in told if "None" in text]
    assert leading(Speech(asked, language))[1]
    assert all("<svg" in figure.svg and "None" not in figure.svg for figure in document.figures())


def texts(block: Any, language: Any) -> list[str]:
    if isinstance(block, Table):
        return [
            block.caption,
            block.note,
            *(column.label for column in block.columns),
            *(text for row in block.rows for text in block.texts(language, row)),
        ]
    pairs = [part for pair in getattr(block, "pairs", ()) for part in pair]
    return [*getattr(block, "items", ()), *pairs, getattr(block, "text", "") or getattr(block, "caption", "")]


def rows_of(asked: Any, key: str) -> list[list[str]]:
    found = next(each for each in report(asked, "zh").tables() if each.key == key)
    return [found.texts("zh", row) for row in found.rows]


def test_data_doubts_say_what_was_found_and_what_was_done() -> None:
    rows = rows_of(facts(), "doubts")
    assert rows[0][:4] == ["堆在同一坐标", "11", "18%", "剔除"] and "疑为默认点位" in rows[0][4]
    assert rows[1][3] == "未发现" and rows[2][3] == "无此数据，未检查"


def test_caveats_are_those_of_this_very_result() -> None:
    items = next(block.items for block in report(facts(), "zh").blocks if getattr(block, "tone", "") == "plain" and hasattr(block, "items"))
    assert "只有 49 件事件，数字小，容易受偶然影响。" in items
    assert any("1 个坐标疑为默认点位，共 11 件，处理：剔除" in each for each in items)


def test_a_hot_area_with_less_than_its_share_says_that_its_neighbours_make_it_hot() -> None:
    made = METHODS["gi"] | {"clusters": [cluster(1, [1], kind="hot", q=0.004, ratio=0.7, by_neighbours=True)]}
    assert rows_of(facts("gi", **made), "clusters")[0][2] == "热点（因相邻）"


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return bundle(facts(), "zh")


def test_a_report_goes_out_as_pdf_workbook_package_and_tables(files: dict[str, bytes]) -> None:
    assert {"report.pdf", "report.xlsx", "report.gpkg", "clusters.csv", "units.csv", "doubts.csv"} <= set(files)
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(files["report.pdf"])).pages)
    squeezed = "".join(text.split())
    assert "\u7f51\u683c" in squeezed and "为应有7.4件的4.2倍" in squeezed and "GS(2026)1234" in squeezed


def test_the_same_result_makes_the_same_document(files: dict[str, bytes]) -> None:
    assert bundle(facts(), "zh", only="report.pdf")["report.pdf"] == files["report.pdf"]


def test_a_workbook_holds_numbers_and_no_formula(files: dict[str, bytes]) -> None:
    book = openpyxl.load_workbook(io.BytesIO(files["report.xlsx"]))
    assert len(book.sheetnames) > 4
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert any(cell.value == "=cmd()" and cell.data_type == "s" for cell in cells), "what a source calls itself stays text"
    clusters = next(sheet for sheet in book if sheet.title == "聚集")
    head = [cell.value for cell in clusters[1]]
    row = dict(zip(head, [cell.value for cell in clusters[2]], strict=True))
    assert (row["件数"], row["应有"], row["倍数"]) == (31, 7.4, 4.19)


def test_csv_cells_that_begin_like_a_formula_are_guarded(files: dict[str, bytes]) -> None:
    rows = list(csv.reader(io.StringIO(files["sources.csv"].decode("utf-8-sig"))))
    assert rows[2][0] == "'=cmd()"


def test_a_package_brings_its_colours_along(files: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "report.gpkg"
    path.write_bytes(files["report.gpkg"])
    units = pyogrio.read_dataframe(path, layer="units")
    assert len(units) == 4 and units.crs.to_epsg() == 4490 and set(units["fill"]) == {"ratio-5", "ratio-1"}
    assert list(pyogrio.read_dataframe(path, layer="clusters")["observed"]) == [31]
    with sqlite3.connect(path) as opened:
        styles = dict(opened.execute("SELECT f_table_name, styleQML FROM layer_styles WHERE useAsDefault"))
    assert set(styles) == {"units", "clusters"} and 'attr="fill"' in styles["units"] and 'value="ratio-5"' in styles["units"]


def test_the_pages_map_has_the_same_fills_and_ranks_as_the_paper() -> None:
    told = features(Speech(facts(), "zh"))
    assert {each["properties"]["fill"] for each in told["units"]["features"]} == {each["fill"] for each in told["key"]}
    assert [each["properties"]["rank"] for each in told["clusters"]["features"]] == [1]


def test_a_density_has_a_key_on_paper_and_its_picture_on_the_page() -> None:
    asked = facts("kde", language="en", **METHODS["kde"])
    (drawn,) = [each for each in report(asked, "en").figures() if each.key == "map"]
    assert "about 1 per km²" in drawn.svg and "left out" not in drawn.svg
    told = features(Speech(asked, "en"))
    assert [each["text"] for each in told["key"]][-1] == "about 1 per km²" and len(told["key"]) == 6
    (south, west), (north, east) = told["picture"]["bounds"]
    assert south < north and west < east and told["picture"]["png"].startswith("iVBOR")


def test_a_scan_that_expects_nothing_of_units_leaves_them_without_a_fill() -> None:
    asked = {"model": "permutation", "max_share": 0.1, "max_radius_m": None, "permutations": 999, "least_cases": 2}
    told = features(Speech(facts(parameters=asked, units=[unit(1, expected=None, ratio=None), unit(2, expected=None, ratio=None)]), "zh"))
    assert {each["properties"]["fill"] for each in told["units"]["features"]} <= {"plain"} and told["key"] == []


def test_a_dense_place_that_is_most_of_the_district_is_called_too_wide() -> None:
    told = leading(Speech(facts("dbscan", language="en", **METHODS["dbscan"]), "en"))
    assert "too wide to be a place to go to" in told[1], "31 of 49 in one place"


def test_kinds_of_funnels_and_of_moran_are_told_as_on_their_maps() -> None:
    limits = METHODS["rates"] | {"clusters": [cluster(1, [1], kind="hot", **{"class": 99})]}
    assert rows_of(facts("rates", **limits), "clusters")[0][2] == "高于 99.8% 上限"
    assert rows_of(facts("moran", **METHODS["moran"]), "clusters")[0][2] == word("zh", "report.key.moran.hot-99")


@pytest.mark.parametrize("language", LANGUAGES)
def test_two_periods_are_compared_by_the_day_with_an_exact_interval(language: Any) -> None:
    second = facts(summary={"incidents": 98, "overdue_share": 0.5}, language=language)
    document = comparison(facts(language=language), second, language)
    lead = next(block.items for block in document.blocks if hasattr(block, "items"))
    # The exact limits of the ratio of two Poisson counts are those of a binomial share (Clopper-Pearson), here by scipy.
    share = binomtest(98, 98 + 49).proportion_ci(method="exact")
    low, high = (f"{100 * (each / (1 - each) - 1):+.1f}%" for each in (share.low, share.high))
    assert "+100.0%" in lead[0] and low in lead[0] and high in lead[0]
    assert "25%" in lead[2] and "50%" in lead[2]
    assert {"map-first", "map-second"} <= {figure.key for figure in document.figures()}


def test_every_word_of_a_report_is_there_in_both_languages() -> None:
    for family in ("method_name", "method_text", "glossary", "caveat", "doubt"):
        assert {key for key in table("zh") if key.startswith(f"{family}.")} == {key for key in table("en") if key.startswith(f"{family}.")}
