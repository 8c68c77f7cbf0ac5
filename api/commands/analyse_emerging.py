"""The method of `analyse` that asks how hot spots went over time: emerging."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray

from api.commands import analyse_options as options
from api.commands.analyse_cube import Step, from_places, from_rows
from api.commands.analyse_units import draws_note, neighbours_of
from data.files.answer import Answer
from data.files.source import Source
from gis.hotspots import emerging as emerging_
from gis.hotspots.permutation import PERMUTATIONS
from gis.hotspots.weights import Neighbours

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
                  context_settings={"help_option_names": ["-h", "--help"]})  # fmt: skip


class Compare(StrEnum):
    """What a bin is compared with."""

    cube = "cube"
    step = "step"


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
        ground, cube, steps = from_rows(read, time, value, cases, step, id_column)
    else:
        ground, cube, steps = from_places(read, time, areas, step, id_column, value or cases)
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


def _in_all_bins(neighbours: Neighbours, steps: int) -> Neighbours:
    """As many rows as there are bins under one false-discovery control."""
    return Neighbours(np.arange(int((neighbours.number > 0).sum()) * steps + 1), neighbours.index[:0])
