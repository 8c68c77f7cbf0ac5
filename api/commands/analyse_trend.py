"""The method of `analyse` that asks how numbers went: trend, with 环比 and 同比, season and changes for good."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray

from api.commands import analyse_options as options
from api.commands.analyse_cube import Cube, Step, from_places, from_rows, steps_of_rows
from data.files.answer import Answer
from data.files.source import Source
from gis.errors import BadValue
from gis.hotspots.trend import LEAST_MEAN, PENALTY, SEASONS, Trends, trends

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
                  context_settings={"help_option_names": ["-h", "--help"]})  # fmt: skip
SEASON = {Step.day: 7, Step.week: 52, Step.month: 12}
ALL = "all"


@app.callback()
def over_time() -> None:
    """Methods that ask how numbers went."""


@app.command()
def trend(  # noqa: PLR0913, PLR0917  each is an option of the command
    file: options.File, time: options.Time = None, cases: options.Cases = None,
    areas: Annotated[Path | None, typer.Option(help="Polygons to count in; FILE then holds one place a row.")] = None,
    step: Annotated[Step | None, typer.Option(help="Length of a step. Default: month for incidents, else each different time.")] = None,
    season: Annotated[int | None, typer.Option(min=2, help="Steps of a season. Default: 12 months, 52 weeks, 7 days.")] = None,
    penalty: Annotated[float, typer.Option(help="What a change for good costs, times ln of the steps.")] = PENALTY,
    confidence: Annotated[float, typer.Option(help="Of the limits of ratios.")] = 0.95,
    id_column: options.Id = None, layer: options.Layer = None, lon: options.Lon = None, lat: options.Lat = None, crs: options.Crs = None,
    skip: options.Skip = False, out: options.Out = None, as_json: options.AsJson = False,
) -> None:  # fmt: skip
    """How the numbers of areas went: last step against the one before and a season ago, season, trend, changes for good.

    FILE has one row for each area and time, with --cases; or one row for each incident, counted in --areas or all together.
    """
    time = options.needed(time, "--time")
    how = options.Reading(layer, None if areas else id_column, lon, lat, crs, skip)
    read = options.opened(file, out, how, time, cases)
    if areas is not None:
        step = step or Step.month
        ground, cube, steps = from_places(read, time, areas, step, id_column, cases)
    elif cases is None:
        step = step or Step.month
        ground, cube, steps = _together(read, time, step)
    elif id_column is None and len(set(read.ids)) == len(read):
        ground, cube, steps = _together(read, time, step, read.numbers(cases))
    else:
        ground, cube, steps = from_rows(read, time, None, cases, step, id_column)
    turn = season or SEASON.get(step) if step else season
    if turn is None:
        raise BadValue("Say how many steps make a season: --season 12, or --step month, week or day.", option="--season")
    days = None if step is None else _days(steps, step)
    found = trends(cube, season=turn, days=days, confidence=confidence, penalty=penalty)
    parameters = {"time": time, "cases": cases, "areas": areas and areas.name, "step": step and step.value, "season": turn,
                  "penalty": penalty, "confidence": confidence}  # fmt: skip
    facts = {"n": len(cube), "steps": steps, "total": float(cube.sum()), "with_changes": int((found.table["changes"] > 0).sum())}
    answer = Answer("trend", parameters, _units(ground, cube, found), _changes(ground, steps, found), facts,
                    [*ground.notes, *_notes(found)], ground.ground, ground.crs)  # fmt: skip
    shown = ["id", "total", "last", "step_ratio", "season_ratio", "trend_p", "slope", "changes"]
    options.finish(answer, out, as_json=as_json, shown=shown, ranked_by="total")


def _together(read: Source, time: str, step: Step | None, count: NDArray[np.float64] | None = None) -> Cube:
    """All rows as one series."""
    at, steps = steps_of_rows(read, time, step)
    series = np.bincount(at, weights=count, minlength=len(steps)).astype(np.float64)
    none = np.array([None], dtype=object)
    return Source(read.name, read.rows.iloc[:1], none, None, [ALL], list(read.notes)), series[None], steps


def _days(steps: list[str], step: Step) -> NDArray[np.float64]:
    """How many days each step has."""
    spans = pd.PeriodIndex(steps, freq={"day": "D", "week": "W", "month": "M", "year": "Y"}[step.value])
    return np.asarray((spans.end_time.normalize() - spans.start_time.normalize()).days + 1, dtype=np.float64)


def _units(ground: Source, cube: NDArray[np.float64], found: Trends) -> pd.DataFrame:
    table = found.table.copy()
    table.insert(0, "id", ground.ids)
    table["values"], table["level"], table["seasonal"] = cube.tolist(), found.level.tolist(), found.seasonal.tolist()
    return table


def _changes(ground: Source, steps: list[str], found: Trends) -> list[dict[str, Any]]:
    return [
        {"members": [ground.ids[int(row["area"])]], "step": steps[int(row["step"])]}
        | {name: row[name] for name in ("before", "after", "ratio", "low", "high")}
        for row in found.changes.to_dict("records")
    ]


def _notes(found: Trends) -> list[str]:
    notes = ["step_ratio is 环比, season_ratio 同比, each a ratio of daily numbers with exact limits (low, high)."]
    if found.steps < SEASONS * found.season:
        notes.append(f"{found.steps} steps are less than {SEASONS} seasons of {found.season}: no season and no trend can be told.")
    if found.table["small"].any():
        notes.append(f"{int(found.table['small'].sum())} areas have fewer than {LEAST_MEAN:g} case a step: only ratios are told of them.")
    areas = len(found.table)
    if areas > 1:
        notes.append(
            f"{areas} areas are tested one by one: at 5 % about {max(1, round(0.05 * areas))} trends and ratios stand out by chance."
        )
    return notes
