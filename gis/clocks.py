"""Working time: the four units in which limits are written, deadlines, and time used."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from itertools import pairwise

from gis.errors import BadValue, DeadlineUnknown

EXTENSIONS_AT_MOST = 2
DEFAULT_SLOTS = ((time(8), time(12)), (time(14), time(18)))
Span = tuple[datetime, datetime]


class Unit(StrEnum):
    """The unit of a limit."""

    URGENT_HOUR = "urgent_hour"  # wall clock: nights and holidays count
    WORKING_HOUR = "working_hour"  # only the slots of working days
    WORKING_DAY = "working_day"  # as many working hours as the slots of a day hold
    CALENDAR_DAY = "calendar_day"  # 24 hours


@dataclass(frozen=True)
class Calendar:
    """Working days of the years that are known: weekdays less `holidays`, plus weekends made up for (`make_up_days`).

    `slots` are the working times of a day in local time of `zone`, in order. A day of another year is unknown.
    """

    zone: tzinfo
    years: frozenset[int]
    holidays: frozenset[date] = frozenset()
    make_up_days: frozenset[date] = frozenset()
    slots: tuple[tuple[time, time], ...] = DEFAULT_SLOTS

    def __post_init__(self) -> None:
        edges = [edge for slot in self.slots for edge in slot]
        if not edges or any(later <= earlier for earlier, later in pairwise(edges)):
            raise BadValue("Working slots need times in rising order.", slots=[str(slot) for slot in self.slots])
        if self.holidays & self.make_up_days:
            both = min(self.holidays & self.make_up_days)
            raise BadValue("A day is both a holiday and made up for.", day=both.isoformat())

    @property
    def day_length(self) -> timedelta:
        """Working time of one working day."""
        today = date(2000, 1, 3)
        return sum((datetime.combine(today, end) - datetime.combine(today, start) for start, end in self.slots), timedelta())  # fmt: skip

    def is_working_day(self, day: date) -> bool:
        """Whether a day is worked; DeadlineUnknown beyond the known years."""
        if day.year not in self.years:
            raise DeadlineUnknown("The calendar of working days does not know this year.", day=day.isoformat(), years=sorted(self.years))
        return day in self.make_up_days or (day.weekday() < 5 and day not in self.holidays)


def deadline(start: datetime, limit: float, unit: str, calendar: Calendar) -> datetime:
    """When a limit that starts at `start` (with a time zone) runs out, in the calendar's zone.

    A limit that ends with a slot ends at the end of that slot, not at the start of the next. Raises DeadlineUnknown
    beyond the calendar, BadValue for a limit that is not positive or a time without a zone.
    """
    if not 0 < limit < 1e6:
        raise BadValue("A limit is a positive number.", limit=limit)
    measure = _unit(unit)
    begin = _local(start, calendar)
    if measure in (Unit.URGENT_HOUR, Unit.CALENDAR_DAY):
        return _plus(begin, _length(limit, measure, calendar), calendar)
    left = _length(limit, measure, calendar)
    for opens, closes in _slots_from(begin, calendar):
        span = _between(opens, closes)
        if span >= left:
            return _plus(opens, left, calendar)
        left -= span
    raise AssertionError("the calendar ends with DeadlineUnknown")


def elapsed(start: datetime, end: datetime, unit: str, calendar: Calendar, suspended: Sequence[Span] = ()) -> float:
    """How much of a limit's unit has run from `start` to `end`, less the suspended spans (they may overlap).

    0 if `end` is not after `start`. Raises DeadlineUnknown beyond the calendar, BadValue for a time without a zone.
    """
    measure = _unit(unit)
    begin, finish = _local(start, calendar), _local(end, calendar)
    stops = [(_local(one, calendar), _local(other, calendar)) for one, other in suspended]
    used = sum((_worked(*span, measure, calendar) for span in _running(begin, finish, stops)), timedelta())
    return used / _length(1, measure, calendar)


def extended_deadline(due: datetime, limit: float, unit: str, calendar: Calendar, *, granted: int, now: datetime) -> datetime:  # fmt: skip
    """The deadline after one more extension by the original limit; at most two, and only before it has passed."""
    if granted >= EXTENSIONS_AT_MOST:
        raise BadValue("A limit can be extended twice at most.", granted=granted)
    if now >= due:
        raise BadValue("A limit can be extended only before it has run out.", due=due.isoformat())
    return deadline(due, limit, unit, calendar)


def _slots_from(begin: datetime, calendar: Calendar) -> Iterator[Span]:
    """The working slots from a moment on, the first one cut; without end, until the calendar is unknown."""
    day = begin.date()
    while True:
        if calendar.is_working_day(day):
            for opens, closes in calendar.slots:
                slot = (
                    max(begin, datetime.combine(day, opens, calendar.zone)),
                    datetime.combine(day, closes, calendar.zone),
                )
                if slot[0] < slot[1]:
                    yield slot
        day += timedelta(days=1)


def _worked(begin: datetime, finish: datetime, measure: Unit, calendar: Calendar) -> timedelta:
    if measure in (Unit.URGENT_HOUR, Unit.CALENDAR_DAY):
        return _between(begin, finish)
    total = timedelta()
    day = begin.date()
    while day <= finish.date():
        if calendar.is_working_day(day):
            for opens, closes in calendar.slots:
                first = max(begin, datetime.combine(day, opens, calendar.zone))
                last = min(finish, datetime.combine(day, closes, calendar.zone))
                total += max(timedelta(), _between(first, last))
        day += timedelta(days=1)
    return total


def _running(begin: datetime, finish: datetime, stops: Sequence[Span]) -> Iterator[Span]:
    """What is left of a span when the stops are taken out."""
    at = begin
    for stop, resume in sorted(stops):
        if at < min(stop, finish):
            yield at, min(stop, finish)
        at = max(at, resume)
    if at < finish:
        yield at, finish


def _length(limit: float, measure: Unit, calendar: Calendar) -> timedelta:
    one = {
        Unit.URGENT_HOUR: timedelta(hours=1),
        Unit.WORKING_HOUR: timedelta(hours=1),
        Unit.WORKING_DAY: calendar.day_length,
        Unit.CALENDAR_DAY: timedelta(days=1),
    }[measure]
    return limit * one


def _unit(word: str) -> Unit:
    try:
        return Unit(word)
    except ValueError:
        raise BadValue("There is no such unit of time.", unit=word, units=[each.value for each in Unit]) from None


def _local(moment: datetime, calendar: Calendar) -> datetime:
    if moment.tzinfo is None:
        raise BadValue("A time needs its zone.", time=moment.isoformat())
    return moment.astimezone(calendar.zone)


def _between(one: datetime, other: datetime) -> timedelta:
    """Real time: subtracting two times of one zone ignores a change of the clocks between them."""
    return timedelta(seconds=other.timestamp() - one.timestamp())


def _plus(moment: datetime, span: timedelta, calendar: Calendar) -> datetime:
    return datetime.fromtimestamp(moment.timestamp() + span.total_seconds(), calendar.zone)
