"""Rows of a file as the study of a scan: which rows are one place, which day is which step, and where the places are."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon

from data.files.source import Source, source
from data.files.times import moments
from gis.crs import LocalMetres, geometry_from
from gis.errors import BadValue, InputRefused, TooLarge
from gis.faces import polygonal
from gis.hotspots.circles import on_sphere
from gis.hotspots.scan_time import counts_of, steps_of

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Found = TypeVar("Found")
DAY_NAMES = "datetime64[D]"
MOST_CELLS = 50_000_000
LEAST_REGULAR, WEEK, MONTHS = 4, 7, 12
"""With fewer different times, that all lie on one day of the month or weeks apart may be chance."""


@dataclass(frozen=True)
class Study:
    """`places`: one row each; `counts`: (places, steps); `place` and `step` of each row of `rows`.

    `first`: the number of the first day of each step; `dated`: whether those are dates.
    """

    places: Source
    rows: Source
    place: Longs
    step: Longs
    counts: Longs
    first: Floats
    last: Floats
    step_days: float
    dated: bool

    def first_day(self, step: int) -> str | float:
        """When a step begins, as the file says times."""
        return _named(self.first[step], self.dated)

    def last_day(self, step: int) -> str | float:
        """The last day of a step."""
        return _named(self.last[step], self.dated)

    def at_risk(self, population: str) -> Floats:
        """Those at risk, (places, steps): one row of the file for each, or one number a place that never changes."""
        people = self.rows.numbers(population)
        places, steps = self.counts.shape
        rows = np.bincount(self.place * steps + self.step, minlength=places * steps)
        if (rows == 1).all():
            table = np.empty(places * steps)
            table[self.place * steps + self.step] = people
            return table.reshape(places, steps)
        low, high = np.full(places, np.inf), np.full(places, -np.inf)
        np.minimum.at(low, self.place, people)
        np.maximum.at(high, self.place, people)
        if (low != high).any():
            row = int(np.argmax(low != high))
            raise BadValue(
                f"The population of {self.places.ids[row]} changes, but not every place has one row for every time step."
                " Give one row for each place and step, or one population a place.", place=self.places.ids[row],
            )  # fmt: skip
        return np.repeat(low[:, None], steps, axis=1)


def study_of(
    read: Source,
    id_column: str | None,
    time: str,
    cases: str | None,
    period: tuple[str | None, str | None],
    step_days: int | None,
) -> Study:
    """Events (one row each, or with a column of cases) as counts of places and time steps.

    Rows are one place if they share an id (asked for, or used twice), else if they share a coordinate. A row with 0 cases
    only says that there is a place. Without `step_days` a step is a day, or a month, a year or some weeks where all times come so.
    Raises BadValue for an id with two coordinates or a time outside the period.
    """
    how_many = np.ones(len(read)) if cases is None else read.numbers(cases)
    if (how_many != np.floor(how_many)).any() or (how_many < 0).any():
        raise BadValue(f"Column {cases!r} counts cases: whole numbers of 0 or more.", column=cases)
    some = how_many > 0
    if not some.any():
        raise BadValue(f"Column {cases!r} of {read.name} holds no case at all.", column=cases)
    place, first_rows = _places(read, id_column)
    without = np.zeros(len(read), dtype=np.bool_) if some.all() else read.missing(time) & ~some
    timed = read.only(~without)
    days = np.floor(timed.days(time))
    dated = read.dated(time)
    begin, end = (_day(each, dated) for each in period)
    begin = float(days.min()) if begin is None else begin
    end = float(days.max()) if end is None else end
    step, steps = steps_of(days, start=begin, end=end, step_days=step_days or 1)
    last = np.floor(end) - (step_days or 1) * np.arange(steps)[::-1]
    first, length = np.maximum(begin, last - (step_days or 1) + 1), float(step_days or 1)
    own = own_steps(days, begin, end, dated=dated) if step_days is None else None
    if own is not None:
        step, first = own
        last, steps, length = first, len(first), float(np.diff(first).mean())
        read.notes.append(
            f"All times are about {length:.0f} days apart or a multiple: such is a step, told by its own date. Another: --step-days."
        )
    if len(first_rows) * steps > MOST_CELLS:
        raise TooLarge(
            f"{len(first_rows):,} places in {steps:,} steps, {_named(first[0], dated)} to {_named(last[-1], dated)}, are more than"
            f" {MOST_CELLS:,} cells. Is one date far off? Else say --start and --end, or longer steps: --step-days.",
            places=len(first_rows), steps=steps,
        )  # fmt: skip
    counts = counts_of(place[~without], step, places=len(first_rows), steps=steps, cases=how_many[~without])
    kept = np.zeros(len(read), dtype=np.bool_)
    kept[first_rows] = True
    # Rows keep the order of the file, so the places do too.
    return Study(read.only(kept), timed, place[~without], step, counts, first, last, length, dated)


def own_steps(days: Floats, begin: float, end: float, *, dated: bool) -> tuple[Longs, Floats] | None:
    """Times that stand for longer than a day, since all are firsts (or lasts, or any one day) of months, of years, or weeks apart.

    The step of each and the day that names each step from `begin` to `end`; None where times are days. Counted as days, a month's
    cases would all fall on its first, among thirty days of people at risk.
    """
    different = np.unique(days)
    if len(different) < LEAST_REGULAR:
        return None
    dates = different.astype(np.int64).astype(DAY_NAMES)
    month = dates.astype("datetime64[M]")
    of_month = (dates - month.astype(DAY_NAMES)).astype(np.int64)
    ends = (month + 1).astype(DAY_NAMES) - dates == np.timedelta64(1, "D")
    if dated and (ends.all() or (of_month == of_month[0]).all()):
        return _months(days, begin, end, None if ends.all() else int(of_month[0]))
    apart = int(np.gcd.reduce(np.diff(different).astype(np.int64)))
    if apart % WEEK:
        return None
    start = different[0] - apart * ((different[0] - begin) // apart)
    return ((days - start) // apart).astype(np.int64), np.arange(start, end + 1, apart)


def _months(days: Floats, begin: float, end: float, of_month: int | None) -> tuple[Longs, Floats]:
    """Steps of a month, or of years where all times are of one month; `of_month`: the day that names it, from 0, or None for its last."""
    at = days.astype(np.int64).astype(DAY_NAMES).astype("datetime64[M]").astype(np.int64)
    low, high = (int(np.int64(math.floor(each)).astype(DAY_NAMES).astype("datetime64[M]").astype(np.int64)) for each in (begin, end))
    every = MONTHS if len(np.unique(at % MONTHS)) == 1 else 1
    low = int(at.min()) - every * ((int(at.min()) - low) // every)
    months = np.arange(low, high + 1, every).astype("datetime64[M]")
    first = months.astype(DAY_NAMES) + of_month if of_month is not None else (months + 1).astype(DAY_NAMES) - 1
    return (at - low) // every, first.astype(np.int64).astype(np.float64)


def places_of(read: Source) -> Floats:
    """The places of a scan: on the round Earth where the file has degrees or a system of the Earth, else plane metres."""
    degrees = degrees_of(read)
    return read.points() if degrees is None else on_sphere(degrees[:, 0], degrees[:, 1])


def degrees_of(read: Source) -> Floats | None:
    """Longitude and latitude of each row's point or middle; None for plain numbers."""
    if read.crs is None:
        return None
    middle = shapely.centroid(read.placed())
    return np.asarray(shapely.get_coordinates(geometry_from(read.crs, middle)), dtype=np.float64)


def one_place(read: Source, ask: Callable[[], Found]) -> Found:
    """What a method answers; its refusal of a row names that row as the file does."""
    try:
        return ask()
    except InputRefused as refusal:
        row = refusal.facts.get("row")
        if not isinstance(row, int) or not 0 <= row < len(read) or read.name in refusal.message:
            raise
        raise type(refusal)(f"{refusal.message} First in row {row + 1} of {read.name} ({read.ids[row]}).", **refusal.facts) from refusal


def ground_of(path: Path, read: Source, measure: LocalMetres | None) -> Polygon | MultiPolygon:
    """The polygons of a file as one, in the metres of the points."""
    ground = source(path)
    if (measure is None) != (ground.crs is None):
        raise BadValue(f"{ground.name} and {read.name} do not say places the same way; name one's system with --crs.")
    shapes = ground.placed() if measure is None or ground.crs is None else measure.to_metres(geometry_from(ground.crs, ground.placed()))
    return polygonal(shapely.union_all(shapes))


def _places(read: Source, id_column: str | None) -> tuple[Longs, Longs]:
    """The place of each row, numbered in order of appearance, and the first row of each place."""
    corners = shapely.get_coordinates(shapely.centroid(read.placed()))
    at = pd.Series(list(map(tuple, corners)))
    ids = pd.Series(read.ids)
    named = id_column is not None or ids.duplicated().any()
    place, _ = pd.factorize(ids if named else at)
    first = np.flatnonzero(~pd.Series(place).duplicated())
    moved = (corners != corners[first[place]]).any(axis=1)
    if moved.any():
        row = int(np.argmax(moved))
        raise BadValue(f"{read.ids[row]} of {read.name} has two places, first seen in row {row + 1}.", row=row + 1, places=int(moved.sum()))
    return place.astype(np.int64), first.astype(np.int64)


def _named(day: float, dated: bool) -> str | float:
    return str(np.datetime64(int(day), "D")) if dated else float(day)


def _day(text: str | None, dated: bool) -> float | None:
    if text is None:
        return None
    try:
        if not dated:
            return float(text)
        day = moments([text])[0][0]
        if np.isnat(day):
            raise ValueError(text)
        return float(day.astype(DAY_NAMES).astype(np.int64))
    except ValueError as problem:
        raise BadValue(f"{text!r} is no day. Write days as the file does: 2026-03-31, or a number.", day=text) from problem
