"""Codes follow their scheme's pattern, are numbered like reading a page, and dead ones stay dead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis.codes import CodePattern, NameRule, check_area_code, check_code, number, parent_area_code
from gis.errors import CodeRefused

HERE = {"community": "110101001001"}
GRID = CodePattern("{community}{serial:03d}")


def test_grids_are_numbered_west_to_east_then_north_to_south() -> None:
    places = [(2.0, 1.0), (0.0, 1.01), (1.0, 0.0), (0.0, 0.02)]
    assert number(places, GRID, HERE).codes == ["110101001001002", "110101001001001", "110101001001004", "110101001001003"]
    assert [code[-1] for code in number(places, GRID, HERE, row_degrees=10).codes] == ["4", "1", "3", "2"]


def test_numbers_go_on_after_the_highest_living_or_dead_one() -> None:
    used = {"110101001001007", "110101001002099", "something else"}
    assert number([(0, 0)], GRID, HERE, used=used).codes == ["110101001001008"]


def test_overflow_is_refused_and_nearly_full_is_told() -> None:
    used = frozenset({GRID.code(898, HERE)})
    assert not number([(0, 0)], GRID, HERE, used=used).nearly_full
    assert number([(0, 0), (1, 0)], GRID, HERE, used=used).nearly_full
    with pytest.raises(CodeRefused) as refused:
        number([(0, 0), (1, 0)], GRID, HERE, used={GRID.code(998, HERE)})
    assert refused.value.facts == {"wanted": 2, "left": 1, "capacity": 999}


def test_names_go_on_by_the_rule_that_the_others_follow() -> None:
    rule = NameRule.of(["枫一社区第1网格", "枫一社区第12网格", "2号市场专属网格", "枫一社区第12网格-1", "枫一社区丙"])
    assert rule == NameRule("枫一社区第", "网格")
    assert (rule.name(13), rule.serial_of("枫一社区第7网格"), rule.serial_of("枫二社区第7网格")) == ("枫一社区第13网格", 7, None)
    assert NameRule.of(["网格09", "网格10"]) == NameRule("网格", "", 2)
    assert NameRule.of(["枫一社区甲", "枫一社区乙"]) is NameRule.of([]) is NameRule.of(["一区1", "市场2", "丙"]) is None


@given(st.integers(1, 999))
def test_a_serial_is_read_back_from_its_code(serial: int) -> None:
    assert GRID.serial_of(GRID.code(serial, HERE), HERE) == serial


@pytest.mark.parametrize(
    "pattern", ["{community}", "{community}{serial}", "{serial:03d}{serial:03d}", "{serial:03d", "{serial:3}", "{a!r}{0}{serial:03d}"]
)
def test_a_pattern_that_cannot_number_is_refused(pattern: str) -> None:
    with pytest.raises(CodeRefused):
        CodePattern(pattern)


def test_codes_of_other_areas_and_serial_zero_do_not_match() -> None:
    for code in ("110101001002001", "110101001001000", "11010100100100x"):
        with pytest.raises(CodeRefused):
            GRID.serial_of(code, HERE)
    with pytest.raises(CodeRefused, match="not given"):
        GRID.code(1, {})


def test_area_codes_have_their_length_and_no_zero_part() -> None:
    assert check_area_code("110101", "district") == "110101"
    assert check_area_code("110101001001", "community") == "110101001001"
    for code, level in (
        ("11010", "district"),
        ("110101000", "street"),
        ("110101001000", "community"),
        ("１１０１０１", "district"),
        ("1", "planet"),
    ):
        with pytest.raises(CodeRefused):
            check_area_code(code, level)
    assert [parent_area_code(code) for code in ("110101001001", "110101001", "110101")] == ["110101001", "110101", None]


def test_a_deployment_has_its_own_pattern_and_its_dead_codes() -> None:
    assert check_code("Mt. Oliver", r".{1,60}") == "Mt. Oliver"
    with pytest.raises(CodeRefused, match="dead"):
        check_code("42", r"\d+", dead={"42"})
    with pytest.raises(CodeRefused, match="pattern"):
        check_code("42a", r"\d+")
