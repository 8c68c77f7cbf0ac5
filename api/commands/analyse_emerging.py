"""The method of `analyse` that asks how hot spots went over time: emerging; and how a file becomes a cube of areas and steps."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray

from api.commands import analyse_options as options
from api.commands.analyse_units import counted, draws_note, neighbours_of
from data.files.answer import Answer
from data.files.source import Source
from gis.errors import BadValue, NothingToAnalyse, TooLarge
from gis.hotspots import emerging as emerging_
from gis.hotspots.permutation import PERMUTATIONS
from gis.hotspots.weights import Neighbours

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
                  context_settings={"help_option_names": ["-h", "--help"]})  # fmt: skip
MAX_BINS = 20_000_000
Cube = tuple[Source, NDArray[np.float64], list[str]]


class Step(StrEnum):
    """How long a step is."""

    day = "day"
    week = "week"
    month = "month"
    year = "year"


class Compare(StrEnum):
    """What a bin is compared with."""

    cube = "cube"
    step = "step"


FREQUENCY = {Step.day: "D", Step.week: "W", Step.month: "M", Step.year: "Y"}


@app.callback()
def over_time() -> None:
    """Methods that ask how hot spots went over time."""


@app.command()
def emerging(  # noqa: PLR0913, PLR0917  each is an option of the command
    file: options.File, time: options.Time = None, value: options.Value = None, cases: options.Cases = None,
    areas: Annotated[Path | None, typer.Option(help="Polygons to count in; FILE then holds one place a row.")] = None,
    step: Annotated[Step | None, typer.Option(help="Length of a step. Default: each different time is one.")] = None,
    lag: Annotated[int | None, typer.Option(min=0, help="Steps before that count as neighbours. Default: 1, or 0 by step.")] = None,
    compare: Annotated[Compare, typer.Option(help="Compare a bin with the whole cube, or with its step.")] = Compare.cube,
    weights: options.Weights = None, permutations: options.Permutations = PERMUTATIONS, seed: options.Seed = options.SEED,
    id_column: options.Id = None, layer: options.Layer = None, lon: options.Lon = None, lat: options.Lat = None, crs: options.Crs = None,
    skip: options.Skip = False, out: options.Out = None, as_json: options.AsJson = False,
) -> None:  # fmt: skip
    """Emerging hot spots: Gi* of each area and step, Mann-Kendall, 17 categories.

    FILE has one row for each area and time, with --value or --cases (several rows of one area and time add up); or, with
    --areas, one row for each incident.
    """
    time = options.needed(time, "--time")
    how = options.Reading(layer, None if areas else id_column, lon, lat, crs, skip)
    read = options.opened(file, out, how, time, value, cases)
    if areas is None:
        ground, cube, steps = _from_rows(read, time, value, cases, step, id_column)
    else:
        ground, cube, steps = _from_places(read, time, areas, step, id_column, value or cases)
    if value is None:
        emerging_.enough_in_bins(cube)
    neighbours, notes = neighbours_of(ground, weights)
    lag = (0 if compare is Compare.step else 1) if lag is None else lag
    with options.progress("drawing", quiet=as_json) as say:
        found = emerging_.emerging(
            cube, neighbours, lag=lag, compare=compare.value, permutations=permutations, seed=seed, progress=say,
        )  # fmt: skip
    parameters = {"time": time, "value": value, "cases": cases, "areas": areas and areas.name, "step": step and step.value, "lag": lag,
                  "compare": compare.value, "weights": neighbours.kind, "permutations": permutations, "seed": seed,
                  "false_discovery": "benjamini-hochberg over all bins", "level": 0.05}  # fmt: skip
    named = pd.Series(found.category).value_counts()
    facts = {"n": len(cube), "steps": steps, "total": float(cube.sum()),
             "categories": {str(name): int(count) for name, count in named.items()}}  # fmt: skip
    bins = _in_all_bins(neighbours, 1 if compare is Compare.step else len(steps))
    answer = Answer("emerging", parameters, _table(ground, cube, found, neighbours), [], facts,
                    [*ground.notes, *notes, *draws_note(bins, permutations)], ground.ground, ground.crs)  # fmt: skip
    options.finish(
        answer, out, as_json=as_json, shown=["id", "category", "hot_steps", "cold_steps", "tau", "trend_p"], ranked_by="hot_steps"
    )


def _table(ground: Source, cube: NDArray[np.float64], found: emerging_.Emerging, neighbours: Neighbours) -> pd.DataFrame:
    return pd.DataFrame({
        "id": ground.ids, "category": found.category, "total": cube.sum(axis=1), "neighbours": neighbours.number,
        "hot_steps": (found.signs == 1).sum(axis=1), "cold_steps": (found.signs == -1).sum(axis=1), "tau": found.tau,
        "trend_p": found.trend_p, "trend": found.trend, "final_z": found.z[:, -1], "final_p": found.p[:, -1], "final_q": found.q[:, -1],
        "z": found.z.tolist(), "p": found.p.tolist(), "q": found.q.tolist(), "bins": found.signs.tolist(), "values": cube.tolist(),
    })  # fmt: skip


def _from_rows(read: Source, time: str, value: str | None, cases: str | None, step: Step | None, id_column: str | None) -> Cube:
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
    at, steps = _steps(read, time, step)
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


def _from_places(read: Source, time: str, areas: Path, step: Step | None, id_column: str | None, given: str | None) -> Cube:
    """A cube of incidents counted in areas; months where no step is named."""
    if given is not None:
        raise BadValue("With --areas each row is one incident; --value and --cases have no part in that.", column=given)
    ground, where = counted(areas, read, id_column, None)
    inside = where >= 0
    if not inside.any():
        raise NothingToAnalyse(f"None of the {len(read)} places of {read.name} lies in an area of {areas.name}.", places=len(read))
    at, steps = _steps(read.only(inside), time, step or Step.month)
    _refuse_size(len(ground), len(steps))
    cube = np.asarray(np.bincount(where[inside] * len(steps) + at, minlength=len(ground) * len(steps)), dtype=np.float64)
    if not inside.all():
        ground.notes.append(f"{int((~inside).sum())} of {len(read)} places lie in none of the areas and are not counted.")
    return ground, cube.reshape(len(ground), -1), steps


def _steps(read: Source, time: str, step: Step | None) -> tuple[NDArray[np.int64], list[str]]:
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
    span = pd.period_range(periods.min(), periods.max(), freq=FREQUENCY[step])
    return number - number.min(), [str(each) for each in span]


def _refuse_size(areas: int, steps: int) -> None:
    if areas * steps > MAX_BINS:
        raise TooLarge(f"{areas:,} areas in {steps:,} steps are more than {MAX_BINS:,} bins. Take longer steps.", areas=areas, steps=steps)


def _in_all_bins(neighbours: Neighbours, steps: int) -> Neighbours:
    """As many rows as there are bins under one false-discovery control."""
    return Neighbours(np.arange(int((neighbours.number > 0).sum()) * steps + 1), neighbours.index[:0])
