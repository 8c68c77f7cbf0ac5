"""Documents on paper: searchable Chinese, people's text as text, the same bytes for the same data."""

import io
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import shapely
from pypdf import PdfReader

from gis.errors import Unavailable
from web.figures.map import Layer, MapFigure, Mark, bounds_of, inside
from web.paper import typeset
from web.paper.document import Bullets, Column, Document, Facts, Figure, Heading, PageBreak, Signatures, Table, Text
from web.paper.plan import in_ranges
from web.paper.typeset import pdf
from web.telling import day, span, told

NASTY = [
    '#panic("x")',
    "*bold* _it_ $x^2$ `raw`",
    '#include "/etc/passwd"',
    "</svg><script>alert(1)</script>",
    "\\u{41} @ref <label>",
    "// gone",
]
GRID = shapely.box(113.0, 28.0, 113.01, 28.01)


def figure(text: str) -> Figure:
    drawn = MapFigure(bounds_of([GRID]), [Layer("new", [GRID], text)], [Mark(inside(GRID), (text,))], text, "北")
    return Figure("map", drawn.svg(), text, text)


def document(*blocks: object) -> Document:
    return Document("zh", "网格方案", "副题", datetime(2026, 3, 5, tzinfo=UTC), "某区", "审图号", "第 {page} 页，共 {pages} 页", blocks)  # type: ignore[arg-type]


def text_of(made: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(made)).pages)


def test_chinese_on_paper_is_searchable() -> None:
    text = text_of(pdf(document(Heading("网格"), figure("网格图"))))
    assert "\u7f51\u683c" in text
    assert "网格图" in text, "the words of a figure are text too"
    assert not any(0x2E80 <= ord(sign) <= 0x2FDF for sign in text), "no radicals in place of characters"


@pytest.mark.parametrize("nasty", NASTY)
def test_what_people_wrote_stays_text(nasty: str) -> None:
    cells = Table("t", nasty, [Column("a", nasty)], [{"a": nasty}], nasty, {"a": nasty})
    everywhere = document(
        Heading(nasty),
        Text(nasty),
        Bullets([nasty]),
        Facts([(nasty, nasty)]),
        figure(nasty),
        cells,
        Signatures([(nasty, nasty)], (nasty,) * 3),
    )
    found = text_of(pdf(replace(everywhere, title=nasty, subtitle=nasty, header=nasty, footer=nasty)))
    assert "".join(found.split()).count("".join(nasty.split())) >= 12


def test_the_same_data_make_the_same_bytes() -> None:
    made = document(Heading("一"), figure("图"), Table("t", "表", [Column("n", "数", "count")], [{"n": 1234}]), PageBreak(), Text("二"))
    assert pdf(made) == pdf(made)
    assert pdf(made) != pdf(replace(made, title="别的"))


def test_a_long_table_goes_over_many_pages_with_its_head_on_each() -> None:
    rows = [{"name": f"第{at}网格", "n": at} for at in range(1_007)]
    pages = PdfReader(
        io.BytesIO(pdf(document(Table("t", "表", [Column("name", "网格", share=1), Column("n", "户数", "count")], rows))))
    ).pages
    texts = [page.extract_text() for page in pages]
    assert len(pages) > 10
    assert all("户数" in text for text in texts)
    assert f"第 {len(pages)} 页，共 {len(pages)} 页" in texts[-1].replace("\n", "")
    assert "1,006" in texts[-1]


def test_a_document_that_cannot_be_set_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typeset, "AT_MOST_S", 0.001)
    with pytest.raises(Unavailable, match="smaller part"):
        pdf(document(Text("x")))


def test_a_table_without_rows_says_so() -> None:
    assert "没有网格" in text_of(pdf(document(Table("t", "表", [Column("a", "名")], [], empty="没有网格"))))


def test_rare_signs_of_tables_are_there() -> None:
    assert "→ ≥ ±" in text_of(pdf(document(Text("→ ≥ ±"))))


def test_a_map_without_ground_is_still_a_map() -> None:
    assert "<svg" in MapFigure((113.0, 28.0, 113.0, 28.0), [Layer("new", [])]).svg()


def test_numbers_on_a_map_stand_on_the_sheet_and_never_on_each_other() -> None:
    close = [Mark((113.0 + 0.00002 * at, 28.0), (str(at),), "number") for at in range(25)]
    svg = MapFigure((113.0, 28.0, 113.1, 28.05), [], close, tallest=350.0).svg()
    height = float(re.search(r'<clipPath.*?height="([\d.]+)"', svg)[1])  # type: ignore[index]
    places = [(float(x), float(y)) for x, y in re.findall(r'<g transform="translate\(([-\d.]+) ([-\d.]+)\)" text-anchor="middle">\n<', svg)]
    assert len(places) >= 25 and svg.count('<path d="M0 0L') == 24, "each that had to move is tied to its place"
    assert all(8 <= x <= 672 and 8 <= y <= height - 8 for x, y in places)
    assert all(max(abs(a[0] - b[0]), abs(a[1] - b[1])) >= 15.9 for at, a in enumerate(places) for b in places[:at])


def test_a_share_is_never_nothing_where_there_is_something() -> None:
    assert [told(each, "percent", "zh") for each in (0.387, 0.0, 0.0021, 0.0004, 0.00001)] == ["39%", "0%", "0.2%", "0.04%", "<0.01%"]


def test_an_interval_is_as_fine_on_both_sides() -> None:
    assert [told(each, "interval", "en") for each in ((1.78, 2.08), (0.4, 0.9), (98.0, 120.0))] == ["1.8–2.1", "0.40–0.90", "98–120"]


def test_numbers_are_told_the_same_everywhere() -> None:
    assert told((1234, 1234), "change_count", "zh") == "1,234"
    assert told((12_345, 67_890), "change_hectares", "en") == "1.23 → 6.79"
    assert (told(None, "count", "zh"), told(float("nan"), "decimal", "en"), told(0.0001, "p", "zh")) == ("–", "–", "<0.001")
    assert told("a\r\nb", "text", "zh") == "a  b"


def test_periods_are_told_by_their_names() -> None:
    first, last = datetime(2026, 3, 1, tzinfo=UTC).date(), datetime(2026, 3, 31, tzinfo=UTC).date()
    assert (span(first, last, "zh"), span(first, last, "en")) == ("2026年3月", "March 2026")
    assert span(first, last.replace(day=7), "en") == "1 March 2026 – 7 March 2026"
    assert span(first.replace(month=1), first.replace(month=12, day=31), "zh") == "2026年"
    assert day("2026-03-05T20:00:00+00:00", "zh") == "2026年3月6日", "a moment is told as its day in the zone"


def test_units_that_follow_each_other_are_told_as_one() -> None:
    assert in_ranges(["1-102", "1-101", "1-103", "2-101", "铺面"]) == ["1-101–103", "2-101", "铺面"]
