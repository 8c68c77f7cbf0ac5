"""Each indicator is one formula with its counts beside it, and a dash where there is nothing to divide by."""

import pytest

from gis.errors import BadValue
from gis.indicators import INDICATORS, change, measured

COUNTS = {
    "reported": 50, "filed": 40, "due": 32, "closed_of_due": 28, "closed_on_time_of_due": 24, "closed": 30, "closed_at_grid": 6,
    "running_hours": 450.0, "overdue": 3,
}  # fmt: skip


@pytest.mark.parametrize(
    ("indicator", "value"),
    [
        ("filing_rate", 0.8),
        ("closing_rate", 0.875),
        ("on_time_closing_rate", 0.75),
        ("on_spot_rate", 0.2),
        ("mean_handling_hours", 15),
        ("overdue_count", 3),
    ],
)
def test_values(indicator: str, value: float) -> None:
    answer = measured(indicator, COUNTS)
    assert answer.value == value
    assert answer.numerator == COUNTS[INDICATORS[indicator].numerator]


def test_no_denominator_is_no_value_but_keeps_its_counts() -> None:
    answer = measured("filing_rate", {"reported": 0, "filed": 0})
    assert (answer.value, answer.numerator, answer.denominator) == (None, 0, 0)


@pytest.mark.parametrize("counts", [{}, {"reported": 1}, {"reported": 1, "filed": -1}, {"reported": 1, "filed": float("nan")}])
def test_missing_or_impossible_counts_are_refused(counts: dict[str, float]) -> None:
    with pytest.raises(BadValue):
        measured("filing_rate", counts)


def test_an_unknown_indicator_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadValue) as refused:
        measured("happiness", COUNTS)
    assert refused.value.facts["indicators"] == sorted(INDICATORS)


def test_change_needs_something_to_compare_with() -> None:
    assert change(0.75, 0.5) == 0.5
    assert [change(None, 1), change(1, None), change(1, 0)] == [None, None, None]
