"""Limits run in their own unit: through nights, or only in the slots of working days that the calendar knows."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.clocks import Calendar, Unit, deadline, elapsed, extended_deadline
from gis.errors import BadValue, DeadlineUnknown

ZONE = ZoneInfo("Asia/Shanghai")
# In 2026 the first three days of October are holidays and the 10th, a Saturday, is made up for.
CALENDAR = Calendar(ZONE, frozenset({2026}), frozenset(date(2026, 10, day) for day in (1, 2, 5, 6, 7)), frozenset({date(2026, 10, 10)}))


def at(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("start", "limit", "unit", "due"),
    [
        (at(9, 30, 17), 2, "urgent_hour", at(9, 30, 19)),
        (at(9, 30, 17), 1, "calendar_day", at(10, 1, 17)),
        (at(9, 29, 11), 2, "working_hour", at(9, 29, 15)),
        (at(9, 29, 10), 2, "working_hour", at(9, 29, 12)),  # ends with the slot, not after lunch
        (at(9, 29, 12, 30), 4, "working_hour", at(9, 29, 18)),
        (at(9, 30, 17), 4, "working_hour", at(10, 8, 11)),  # over the holiday
        (at(9, 30, 9), 1, "working_day", at(10, 8, 9)),  # slots end at 18:00 with 1 h left
        (at(10, 9, 9), 2, "working_day", at(10, 12, 9)),  # the Saturday is worked
        (at(9, 26, 9), 1, "working_day", at(9, 28, 18)),  # filed on a free Saturday
        (at(9, 28, 8), 0.5, "working_day", at(9, 28, 12)),
    ],
)
def test_deadlines(start: datetime, limit: float, unit: str, due: datetime) -> None:
    assert deadline(start, limit, unit, CALENDAR) == due


def test_a_deadline_beyond_the_calendar_is_unknown_and_says_so() -> None:
    with pytest.raises(DeadlineUnknown) as refused:
        deadline(at(12, 31, 17), 3, "working_hour", CALENDAR)
    assert refused.value.facts == {"day": "2027-01-01", "years": [2026]}
    assert deadline(at(12, 31, 17), 3, "urgent_hour", CALENDAR) == at(12, 31, 20)


def test_times_of_other_zones_are_understood_and_naive_ones_refused() -> None:
    assert deadline(datetime(2026, 9, 29, 3, tzinfo=UTC), 2, "working_hour", CALENDAR) == at(9, 29, 15)
    with pytest.raises(BadValue, match="zone"):
        deadline(datetime(2026, 9, 29, 3), 2, "working_hour", CALENDAR)  # noqa: DTZ001


@pytest.mark.parametrize(("limit", "unit"), [(0, "working_hour"), (-1, "urgent_hour"), (float("nan"), "working_day"), (1, "moon")])
def test_nonsense_limits_are_refused(limit: float, unit: str) -> None:
    with pytest.raises(BadValue):
        deadline(at(9, 29, 9), limit, unit, CALENDAR)


@given(
    st.timedeltas(timedelta(), timedelta(days=240)),
    st.floats(0.1, 60),
    st.sampled_from(list(Unit)),
)
@settings(max_examples=200, deadline=None)
def test_at_its_deadline_exactly_the_limit_has_run(after: timedelta, limit: float, unit: Unit) -> None:
    start = at(1, 5, 0) + after
    assert elapsed(start, deadline(start, limit, unit, CALENDAR), unit, CALENDAR) == pytest.approx(limit, abs=1e-6)


def test_suspended_time_does_not_run_even_when_spans_overlap() -> None:
    spans = [(at(9, 29, 9), at(9, 29, 11)), (at(9, 29, 10), at(9, 29, 15)), (at(9, 28, 7), at(9, 29, 8, 30))]
    assert elapsed(at(9, 29, 8), at(9, 29, 18), "working_hour", CALENDAR, spans) == 3.5
    assert elapsed(at(9, 29, 8), at(9, 29, 18), "urgent_hour", CALENDAR, spans) == 3.5
    assert elapsed(at(9, 29, 8), at(9, 29, 18), "urgent_hour", CALENDAR) == 10
    assert elapsed(at(9, 29, 18), at(9, 29, 8), "working_hour", CALENDAR) == 0


def test_a_change_of_the_clocks_is_real_time() -> None:
    new_york = Calendar(ZoneInfo("America/New_York"), frozenset({2026}))
    before = datetime(2026, 3, 7, 12, tzinfo=new_york.zone)
    due = deadline(before, 24, "urgent_hour", new_york)
    assert due.timestamp() - before.timestamp() == 24 * 3600
    assert due.hour == 13


def test_an_extension_adds_the_limit_twice_at_most_and_only_in_time() -> None:
    due, now = at(9, 29, 15), at(9, 29, 14)
    assert extended_deadline(due, 2, "working_hour", CALENDAR, granted=1, now=now) == at(9, 29, 17)
    with pytest.raises(BadValue):
        extended_deadline(due, 2, "working_hour", CALENDAR, granted=2, now=now)
    with pytest.raises(BadValue):
        extended_deadline(due, 2, "working_hour", CALENDAR, granted=0, now=due)


def test_a_calendar_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(BadValue):
        Calendar(ZONE, frozenset({2026}), slots=((time(12), time(8)),))
    with pytest.raises(BadValue):
        Calendar(ZONE, frozenset({2026}), frozenset({date(2026, 10, 1)}), frozenset({date(2026, 10, 1)}))
    assert CALENDAR.day_length == timedelta(hours=8)
