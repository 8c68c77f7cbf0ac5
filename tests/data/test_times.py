"""Dates as people write them: each way gives the same day, and what could be two days is refused."""

import numpy as np
import pytest

from data.files.times import moments
from gis.errors import BadValue


@pytest.mark.parametrize(
    "text",
    ["2026-03-31", "2026/3/31", "2026.3.31", "20260331", "2026年3月31日", "２０２６年３月３１日", "31.03.2026", "3/31/2026", "31-03-2026",
     "2026-03-31T00:00:00+08:00", "2026-03-31 00:00:00Z", "20260331000000", "31 March 2026"],
)  # fmt: skip
def test_every_way_to_write_a_day_is_that_day(text: str) -> None:
    read, wrong = moments([text, text])
    assert not wrong.any() and read[0] == np.datetime64("2026-03-31"), text


@pytest.mark.parametrize(
    ("text", "moment"),
    [("2026年3月31日14时05分", "2026-03-31T14:05"), ("3/31/2026 2:05 PM", "2026-03-31T14:05"), ("202603", "2026-03-01"), ("2026年3月", "2026-03-01"),
     ("2026/3/31 14:05:09", "2026-03-31T14:05:09"), ("20260331140509", "2026-03-31T14:05:09"), ("2015", "2015-01-01")],
)  # fmt: skip
def test_times_and_months_are_read(text: str, moment: str) -> None:
    assert moments([text])[0][0] == np.datetime64(moment)


def test_a_column_of_days_before_months_is_read_as_one_and_not_row_by_row() -> None:
    read, _ = moments(["05/06/2026", "13/06/2026"])
    assert read.astype("datetime64[D]").tolist() == [np.datetime64(each).astype(object) for each in ("2026-06-05", "2026-06-13")]
    assert moments(["05.06.2026"])[0][0] == np.datetime64("2026-06-05"), "dots stand where the day comes first"


@pytest.mark.parametrize(
    ("texts", "why"), [(["05/06/2026"], "cannot be told"), (["13/06/2026", "06/13/2026"], "some rows put the day first")]
)
def test_dates_that_could_be_two_are_refused(texts: list[str], why: str) -> None:
    with pytest.raises(BadValue, match=why):
        moments(texts)


def test_what_is_no_date_is_told_row_by_row() -> None:
    assert moments(["2026-02-30", "soon", "", "05/06/26", "1775433600", "2026-03-31"])[1].tolist() == [True] * 5 + [False]
