"""How a file becomes a cube of areas and time steps: rows of areas and times, or incidents counted in polygons."""

from enum import StrEnum
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from api.commands.analyse_units import counted
from data.files.source import Source
from gis.errors import BadValue, NothingToAnalyse, TooLarge

MAX_BINS = 20_000_000
MAX_STEPS = 10_000
Cube = tuple[Source, NDArray[np.float64], list[str]]


class Step(StrEnum):
    """How long a step is."""

    day = "day"
    week = "week"
    month = "month"
    year = "year"


FREQUENCY = {Step.day: "D", Step.week: "W", Step.month: "M", Step.year: "Y"}


def from_rows(read: Source, time: str, value: str | None, cases: str | None, step: Step | None, id_column: str | None) -> Cube:
    """A cube of rows of areas and times; the shape of an area is that of its first row."""
    if (value is None) == (cases is None):
        raise BadValue("Say what to analyse: --value COLUMN or --cases COLUMN; or count incidents with --areas FILE.")
    if len(set(read.ids)) == len(read):
        raise BadValue(
            f"Each row of {read.name} is an area of its own, so nothing goes on over time. Say which column names the areas: --id COLUMN.",
            column=id_column,
        )
    numbers = read.numbers(value or cases or "")
    if cases is not None and (numbers < 0).any():
        row = int(np.argmax(numbers < 0))
        raise BadValue(f"Column {cases!r} is negative in row {row + 1}.", column=cases, row=row + 1)
    at, steps = steps_of_rows(read, time, step)
    area, names = pd.factorize(pd.Series(read.ids, dtype=object))
    _refuse_size(len(names), len(steps))
    bin_ = area * len(steps) + at
    there = np.bincount(bin_, minlength=len(names) * len(steps))
    cube = np.asarray(np.bincount(bin_, weights=numbers, minlength=len(there)), dtype=np.float64).reshape(len(names), -1)
    if value is not None and (there != 1).any():
        wrong = int(np.argmax(there != 1))
        what = "has no row" if there[wrong] == 0 else f"has {there[wrong]} rows"
        raise BadValue(
            f"A --value needs one row for each area and step; {names[wrong // len(steps)]} {what} at {steps[wrong % len(steps)]}"
            f" (and {int((there != 1).sum()) - 1} other bins). Counts of cases, which are 0 where no row is, are --cases.",
        )
    first = np.unique(area, return_index=True)[1]
    ground = Source(read.name, read.rows.iloc[first], read.shapes[first], read.crs, [str(name) for name in names], list(read.notes))
    if (there == 0).any():
        ground.notes.append(f"{int((there == 0).sum())} of {len(there)} bins have no row and count as 0.")
    return ground, cube, steps


def from_places(read: Source, time: str, areas: Path, step: Step | None, id_column: str | None, given: str | None) -> Cube:
    """A cube of incidents counted in areas; months where no step is named."""
    if given is not None:
        raise BadValue("With --areas each row is one incident; --value and --cases have no part in that.", column=given)
    ground, where = counted(areas, read, id_column, None)
    inside = where >= 0
    if not inside.any():
        raise NothingToAnalyse(f"None of the {len(read)} places of {read.name} lies in an area of {areas.name}.", places=len(read))
    at, steps = steps_of_rows(read.only(inside), time, step or Step.month)
    _refuse_size(len(ground), len(steps))
    cube = np.asarray(np.bincount(where[inside] * len(steps) + at, minlength=len(ground) * len(steps)), dtype=np.float64)
    if not inside.all():
        ground.notes.append(f"{int((~inside).sum())} of {len(read)} places lie in none of the areas and are not counted.")
    return ground, cube.reshape(len(ground), -1), steps


def steps_of_rows(read: Source, time: str, step: Step | None) -> tuple[NDArray[np.int64], list[str]]:
    """The step of each row, from 0, and the names of all steps, those without a row as well."""
    if step is None:
        cells = read.column(time)
        if read.missing(time).any():
            read.days(time)  # refuses with the row
        try:
            values, names = read.numbers(time), None
        except BadValue:
            values, names = read.days(time), read.texts(time)
        different, first, at = np.unique(values, return_index=True, return_inverse=True)
        told = [names[each] for each in first] if names else [str(cells.iloc[each]) for each in first]
        if len(different) > 2 and np.ptp(np.diff(different)) > 0.15 * np.diff(different).mean():
            read.notes.append("The times are not evenly spaced; each different one is taken as a step. Say --step for steps of one length.")
        return at.ravel(), told
    periods = pd.PeriodIndex(pd.Series(read.moments(time)), freq=FREQUENCY[step])
    number = np.asarray(periods.asi8, dtype=np.int64)
    if np.ptp(number) >= MAX_STEPS:
        raise TooLarge(
            f"From {periods.min()} to {periods.max()} are more than {MAX_STEPS:,} steps. Is one date far off? Else take longer steps.",
            most=MAX_STEPS,
        )
    span = pd.period_range(periods.min(), periods.max(), freq=FREQUENCY[step])
    return number - number.min(), [str(each) for each in span]


def _refuse_size(areas: int, steps: int) -> None:
    if areas * steps > MAX_BINS:
        raise TooLarge(f"{areas:,} areas in {steps:,} steps are more than {MAX_BINS:,} bins. Take longer steps.", areas=areas, steps=steps)
