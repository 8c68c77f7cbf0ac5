"""Rows of a file as the study of a scan: which rows are one place, which day is which step, and where the places are."""

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
from gis.crs import LocalMetres, geometry_from
from gis.errors import BadValue, InputRefused
from gis.faces import polygonal
from gis.hotspots.circles import on_sphere
from gis.hotspots.scan_time import counts_of, steps_of

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Found = TypeVar("Found")
DAY_NAMES = "datetime64[D]"


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
        return self._named(self.first[step])

    def last_day(self, step: int) -> str | float:
        """The last day of a step."""
        return self._named(self.last[step])

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

    def _named(self, day: float) -> str | float:
        return str(np.datetime64(int(day), "D")) if self.dated else float(day)


def study_of(
    read: Source, id_column: str | None, time: str, cases: str | None, period: tuple[str | None, str | None], step_days: int
) -> Study:
    """Events (one row each, or with a column of cases) as counts of places and time steps.

    Rows are one place if they share an id (asked for, or used twice), else if they share a coordinate. A row with 0 cases
    only says that there is a place. Raises BadValue for an id with two coordinates or a time outside the period.
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
    dated = not pd.api.types.is_numeric_dtype(read.column(time)) and not _all_numbers(timed.texts(time))
    begin, end = (_day(each, dated) for each in period)
    begin = float(days.min()) if begin is None else begin
    end = float(days.max()) if end is None else end
    step, steps = steps_of(days, start=begin, end=end, step_days=step_days)
    counts = counts_of(place[~without], step, places=len(first_rows), steps=steps, cases=how_many[~without])
    last = np.floor(end) - step_days * np.arange(steps)[::-1]
    kept = np.zeros(len(read), dtype=np.bool_)
    kept[first_rows] = True
    # Rows keep the order of the file, so the places do too.
    return Study(
        read.only(kept), timed, place[~without], step, counts, np.maximum(begin, last - step_days + 1), last, float(step_days), dated
    )


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


def _day(text: str | None, dated: bool) -> float | None:
    if text is None:
        return None
    try:
        return float(pd.Timestamp(text.replace("/", "-")).to_datetime64().astype(DAY_NAMES).astype(np.int64)) if dated else float(text)
    except ValueError as problem:
        raise BadValue(f"{text!r} is no day. Write days as the file does: 2026-03-31, or a number.", day=text) from problem


def _all_numbers(texts: list[str]) -> bool:
    return all(each.strip().replace(".", "", 1).replace("-", "", 1).isdigit() for each in texts)
