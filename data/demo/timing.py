"""Beijing time as numbers: public holidays, the hours in which people report, and deadlines of a million cases at once."""

from datetime import date, datetime, timedelta
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.demo.taxonomy import RHYTHMS, Kind

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

HOUR = 3_600_000_000  # microseconds
DAY = 24 * HOUR
ZONE = 8 * HOUR  # Asia/Shanghai has had no summer time since 1991
EPOCH = date(1970, 1, 1)
SLOTS = ((8 * HOUR, 12 * HOUR), (14 * HOUR, 18 * HOUR))
WORKING_DAY = sum(end - start for start, end in SLOTS)

# Days of the moon's calendar: New Year, Dragon Boat, Mid-Autumn.
MOON = {
    2019: ((2, 5), (6, 7), (9, 13)), 2020: ((1, 25), (6, 25), (10, 1)),
    2021: ((2, 12), (6, 14), (9, 21)), 2022: ((2, 1), (6, 3), (9, 10)),
    2023: ((1, 22), (6, 22), (9, 29)), 2024: ((2, 10), (6, 10), (9, 17)),
    2025: ((1, 29), (5, 31), (10, 6)), 2026: ((2, 17), (6, 19), (9, 25)),
    2027: ((2, 6), (6, 9), (9, 15)), 2028: ((1, 26), (5, 28), (10, 3)), 2029: ((2, 13), (6, 16), (9, 22)), 2030: ((2, 3), (6, 5), (9, 12)),
    2031: ((1, 23), (6, 24), (10, 1)), 2032: ((2, 11), (6, 12), (9, 19)),
}  # fmt: skip


def calendar(years: tuple[int, ...]) -> pd.DataFrame:
    """Holidays and make-up days of some years (day, kind, name), by a simple rule rather than by decree."""
    days: dict[date, tuple[str, str]] = {}
    for year in years:
        _feast(days, date(year, 1, 1), 1, "元旦")
        _feast(days, date(year, 4, 5 if year % 4 else 4), 1, "清明节")
        _feast(days, date(year, 5, 1), 5, "劳动节")
        _feast(days, date(year, 10, 1), 7, "国庆节")
        for (month, day), length, name in zip(MOON.get(year, ()), (8, 1, 1), ("春节", "端午节", "中秋节"), strict=False):
            _feast(days, date(year, month, day) - timedelta(days=length > 1), length, name)
    for begin, name in sorted((day, name) for day, (_, name) in days.items() if name in ("春节", "国庆节")):
        _make_up(days, begin, name)
    rows = sorted((day, kind, name) for day, (kind, name) in days.items())
    return pd.DataFrame(rows, columns=["day", "kind", "name"])


def _feast(days: dict[date, tuple[str, str]], begin: date, length: int, name: str) -> None:
    for offset in range(length):
        days.setdefault(begin + timedelta(days=offset), ("holiday", name))


def _make_up(days: dict[date, tuple[str, str]], day: date, name: str) -> None:
    """The Sunday before and the Saturday after a long feast are worked."""
    before, after = day - timedelta(days=1), day + timedelta(days=1)
    while before.weekday() != 6:
        before -= timedelta(days=1)
    while after.weekday() != 5:
        after += timedelta(days=1)
    first = days.get(day - timedelta(days=1), ("", ""))[1] != name
    last = days.get(day + timedelta(days=1), ("", ""))[1] != name
    if first:
        days.setdefault(before, ("make_up", name))
    if last:
        days.setdefault(after, ("make_up", name))


class WorkingClock:
    """Deadlines in all four units for arrays of moments; equal to `gis.clocks.deadline`, which does one at a time."""

    def __init__(self, years: tuple[int, ...], feasts: pd.DataFrame) -> None:
        kinds = dict(zip(feasts["day"], feasts["kind"], strict=True))
        first, last = date(min(years), 1, 1), date(max(years), 12, 31)
        days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        self._worked = [day for day in days if kinds.get(day) == "make_up" or (day.weekday() < 5 and day not in kinds)]

    @cached_property
    def _slots(self) -> tuple[Integers, Integers, Integers]:
        """Start, end and working time up to the end of each slot, microseconds."""
        midnights = np.array([(day - EPOCH).days for day in self._worked], dtype=np.int64) * DAY - ZONE
        starts = (midnights[:, None] + np.array([slot[0] for slot in SLOTS])).ravel()
        ends = (midnights[:, None] + np.array([slot[1] for slot in SLOTS])).ravel()
        return starts, ends, np.cumsum(ends - starts)

    def deadlines(self, start: Integers, limit: Floats, unit: NDArray[np.str_]) -> Integers:
        """When each limit that starts at `start` runs out; all moments in microseconds of UTC."""
        due = start + np.rint(limit * np.where(unit == "calendar_day", DAY, HOUR)).astype(np.int64)
        working = np.isin(unit, ("working_hour", "working_day"))
        length = np.rint(limit[working] * np.where(unit[working] == "working_day", WORKING_DAY, HOUR)).astype(np.int64)
        due[working] = self._after(start[working], length)
        return due

    def elapsed(self, start: Integers, end: Integers) -> Integers:
        """Working time between moments, microseconds; 0 where `end` is not after `start`."""
        return np.asarray(np.maximum(self._worked_until(end) - self._worked_until(start), 0))

    def _worked_until(self, moment: Integers) -> Integers:
        starts, ends, worked = self._slots
        slot = np.searchsorted(starts, moment, side="right") - 1
        return np.asarray(worked[slot] - np.maximum(ends[slot] - moment, 0))

    def _after(self, start: Integers, length: Integers) -> Integers:
        starts, ends, worked = self._slots
        slot = np.searchsorted(starts, start, side="right") - 1
        left = np.maximum(ends[slot] - start, 0)
        target = worked[slot] - left + length
        at = np.searchsorted(worked, target, side="left")
        if (at >= len(worked)).any():
            raise ValueError("The calendar of the demo ends before the last deadline.")
        return np.asarray(ends[at] - (worked[at] - target))


class Rhythm:
    """Draws moments between two moments by hour of day, weekday, season, holiday and growth."""

    def __init__(self, start: datetime, now: datetime, feasts: pd.DataFrame, rng: np.random.Generator) -> None:
        self.start, self._now = (round(moment.timestamp() * 1e6) for moment in (start, now))
        self.first_day = (self.start + ZONE) // DAY
        count = (self._now + ZONE) // DAY - self.first_day + 1
        days = pd.to_datetime((self.first_day + np.arange(count)) * 86_400, unit="s")
        self._weekend = np.asarray(days.day_of_week >= 5)
        self.weekday = np.asarray(days.day_of_week)
        self._season = np.cos(2 * np.pi * (np.asarray(days.day_of_year) - 205) / 365.25)
        off = set(feasts.loc[feasts["kind"] == "holiday", "day"])
        self._holiday = np.array([day.date() in off for day in days])
        self._common = (1 + 0.14 * np.arange(count) / 365) * np.exp(rng.normal(0, 0.06, count))
        edges = (self.first_day * DAY - ZONE) + np.arange(count * 24 + 1) * HOUR
        clipped = np.clip(edges, self.start, self._now)
        self._edges, self._open = clipped[:-1], np.diff(clipped)

    def weights(self, kind: Kind) -> Floats:
        """How much of a category falls into each hour since the first day."""
        day = self._common * np.where(self._weekend, kind.weekend, 1.0) * (1 + (kind.summer - 1) * self._season)
        day = np.maximum(day, 0.05) * np.where(self._holiday, 0.62 if kind.day == "office" else 0.9, 1.0)
        return np.asarray((day[:, None] * np.array(RHYTHMS[kind.day])).ravel() * (self._open / HOUR))

    def draw(self, weights: Floats, count: int, rng: np.random.Generator) -> Integers:
        """Moments whose hours follow the weights, none after now."""
        total = np.cumsum(weights)
        hour = np.searchsorted(total, rng.random(count) * total[-1], side="right")
        hour = np.minimum(hour, len(weights) - 1)
        return np.asarray(self._edges[hour] + (rng.random(count) * self._open[hour]).astype(np.int64))

    def between(self, start: int, end: int) -> NDArray[np.bool_]:
        """The hours that lie within two moments."""
        return np.asarray((self._edges >= start) & (self._edges + self._open <= end))

    def hours(self, weekday: int | None, begin: int, end: int) -> NDArray[np.bool_]:
        """The hours of day from `begin` up to `end` on a weekday (Monday is 0) or on all."""
        hour = np.tile(np.arange(24), len(self.weekday))
        day = np.repeat(self.weekday, 24)
        return np.asarray((hour >= begin) & (hour < end) & ((weekday is None) | (day == weekday)))
