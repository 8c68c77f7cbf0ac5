"""What a question is about, the same way on every route: area or grid, period, categories, hours of the day."""

import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Annotated

from fastapi import Depends, Query
from sqlalchemy.orm import Session

from api.actor import Actor
from api.times import refuse_far
from data.queries import categories
from data.queries.statistics import Moment
from gis.errors import BadValue

DEFAULT_DAYS = 30
LONGEST_DAYS = 3_700
DAY_HOURS = 24
HOURS = re.compile(r"(\d{1,2})-(\d{1,2})")


@dataclass(frozen=True, slots=True)
class Period:
    """From the day or time `start` to `end`, both as they were asked for; None for the default."""

    start: date | datetime | None = None
    end: date | datetime | None = None

    def __post_init__(self) -> None:
        for at, asked in (("from", self.start), ("to", self.end)):
            if asked is not None:
                refuse_far(asked, at)

    def days(self, at: Moment) -> tuple[date, date]:
        """The first day and the day after the last, in the deployment's zone; a day counts whole, days to come not at all."""
        tomorrow = at.today + timedelta(days=1)
        after = tomorrow if self.end is None else _day(self.end, at) + timedelta(days=1)
        after = min(after, tomorrow)
        first = after - timedelta(days=DEFAULT_DAYS) if self.start is None else _day(self.start, at)
        if not first < after:
            raise BadValue("The period ends before it begins, or has not begun.", first=first.isoformat(), after=after.isoformat())
        if (after - first).days > LONGEST_DAYS:
            raise BadValue("The period is too long.", days=(after - first).days, longest=LONGEST_DAYS)
        return first, after

    def times(self, at: Moment) -> tuple[datetime | None, datetime | None]:
        """From the moment `start` to before `end`; a day begins at its midnight and ends with it."""
        start = _moment(self.start, at, timedelta()) if self.start is not None else None
        end = _moment(self.end, at, timedelta(days=1)) if self.end is not None else None
        if start and end and start >= end:
            raise BadValue("The period ends before it begins.", start=start.isoformat(), end=end.isoformat())
        return start, end


def asked_period(
    start: Annotated[date | datetime | None, Query(alias="from", description="First day, or a time with its zone.")] = None,
    end: Annotated[date | datetime | None, Query(alias="to", description="Last day, or a time with its zone.")] = None,
) -> Period:
    """The period of a request."""
    return Period(start, end)


def asked_categories(
    category: Annotated[list[int] | None, Query(description="Category ids; none for all.", max_length=100)] = None,
) -> tuple[int, ...]:
    """The categories of a request, each once."""
    if any(not 0 < each < 2**31 for each in category or ()):
        raise BadValue("A category is named by its id.", field="category")
    return tuple(sorted(set(category or ())))


def asked_hours(
    hours: Annotated[
        str | None, Query(max_length=5, description="Hours of the day, such as 8-12 or, over midnight, 22-6; the last not included.")
    ] = None,
) -> tuple[int, ...]:
    """The hours of the day of a request; none for all of them."""
    return hours_between(hours)


def hours_between(text: str | None) -> tuple[int, ...]:
    """The hours a text such as "22-6" names; none for no text or a whole day. Raises BadValue for what is no span of hours."""
    if not text:
        return ()
    found = HOURS.fullmatch(text)
    first, after = (int(part) for part in found.groups()) if found else (-1, -1)
    if not 0 <= first < DAY_HOURS or not 0 < after <= DAY_HOURS or first == after:
        raise BadValue("Hours are written as first-after, such as 8-12.", field="hours")
    length = (after - first) % DAY_HOURS or DAY_HOURS
    return () if length == DAY_HOURS else tuple(sorted((first + step) % DAY_HOURS for step in range(length)))


AskedPeriod = Annotated[Period, Depends(asked_period)]
AskedCategories = Annotated[tuple[int, ...], Depends(asked_categories)]
AskedHours = Annotated[tuple[int, ...], Depends(asked_hours)]
AskedArea = Annotated[str | None, Query(max_length=40, description="Code of an area; all in scope when not named.")]
AskedGrid = Annotated[int | None, Query(gt=0, lt=2**63, description="Id of a grid.")]


@dataclass(frozen=True, slots=True)
class Choice:
    """What a reader chose to see: of an area or a grid, in a period, of categories, in hours of the day; None and () mean all."""

    period: Period = field(default_factory=Period)
    area: str | None = None
    grid: int | None = None
    categories: tuple[int, ...] = ()
    hours: tuple[int, ...] = ()


def asked_choice(
    period: AskedPeriod, categories: AskedCategories, hours: AskedHours, area: AskedArea = None, grid: AskedGrid = None
) -> Choice:
    """The choice of a request."""
    return Choice(period, area, grid, categories, hours)


AskedChoice = Annotated[Choice, Depends(asked_choice)]


def refuse_unknown(session: Session, actor: Actor, chosen: tuple[int, ...]) -> None:
    """BadValue with those of the chosen that are no categories."""
    unknown = set(chosen) - categories.known(session, actor.scope, chosen) if chosen else set()
    if unknown:
        raise BadValue("There is no such category.", categories=sorted(unknown))


def _day(asked: date | datetime, at: Moment) -> date:
    if isinstance(asked, datetime):
        return _zoned(asked, at).astimezone(at.zone).date()
    return asked


def _moment(asked: date | datetime, at: Moment, beyond: timedelta) -> datetime:
    if isinstance(asked, datetime):
        return _zoned(asked, at)
    return at.starts(asked + beyond)


def _zoned(asked: datetime, at: Moment) -> datetime:
    return asked if asked.tzinfo else asked.replace(tzinfo=at.zone)
