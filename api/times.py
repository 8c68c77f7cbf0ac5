"""Moments and periods as requests name them: ISO dates in the deployment's time zone, or ISO times."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Depends, Query

from api.hot import Zone
from gis.errors import BadValue

DATE_LENGTH = len("2026-01-31")
YEARS = range(1900, 2200)
"""Beyond them a time of another zone, or the day after, would not be a time any more."""


@dataclass(frozen=True, slots=True)
class Period:
    """From the first moment until just before the last; None is open."""

    since: datetime | None
    until: datetime | None


def moment(value: str | None, at: str, zone: ZoneInfo) -> datetime | None:
    """A date (its first moment in the zone) or a time, with an offset or of the zone; BadValue names the parameter."""
    if not value:
        return None
    try:
        if len(value) == DATE_LENGTH:
            read = datetime.combine(date.fromisoformat(value), time(), zone)
        else:
            # An unescaped + of an offset arrives as a space.
            read = datetime.fromisoformat(value.replace(" ", "+") if "T" in value else value)
    except ValueError as wrong:
        raise BadValue("A date is 2026-01-31, a time 2026-01-31T08:00:00Z.", at=at) from wrong
    refuse_far(read, at)
    return read if read.tzinfo else read.replace(tzinfo=zone)


def refuse_far(read: date, at: str) -> None:
    """Raise BadValue for a day or time that no incident can have; an open end is left out, not written as the year 9999."""
    if read.year not in YEARS:
        raise BadValue(f"A year lies between {YEARS.start} and {YEARS.stop - 1}; for an open end leave the value out.", at=at)


def period_between(since: str | None, until: str | None, zone: ZoneInfo) -> Period:
    """A period, a day it ends with included; BadValue when it ends before it begins."""
    end = moment(until, "to", zone)
    if end is not None and until is not None and len(until) == DATE_LENGTH:
        end += timedelta(days=1)
    period = Period(moment(since, "from", zone), end)
    if period.since and period.until and period.since > period.until:
        raise BadValue("The period ends before it begins.", at="from")
    return period


async def _as_of(
    zone: Zone,
    as_of: Annotated[str | None, Query(max_length=40, examples=["2025-06-30"], description="The ground as it was then.")] = None,
) -> datetime | None:
    return moment(as_of, "as_of", zone)


async def _period(
    zone: Zone,
    since: Annotated[str | None, Query(alias="from", max_length=40, examples=["2026-01-01"], description="Reported at or after.")] = None,
    until: Annotated[
        str | None,
        Query(alias="to", max_length=40, examples=["2026-02-01"], description="Reported before this time, or until the end of this day."),
    ] = None,
) -> Period:
    return period_between(since, until, zone)


AsOf = Annotated[datetime | None, Depends(_as_of)]
Within = Annotated[Period, Depends(_period)]
