"""The method of `analyse` that asks how well a map of hot spots did on the period after it: accuracy."""

from dataclasses import asdict
from typing import Annotated

import numpy as np
import pandas as pd
import shapely
import typer
from numpy.typing import NDArray

from api.commands import analyse_options as options
from api.commands.analyse_study import one_place
from data.files.answer import Answer
from data.files.source import Source
from data.files.tables import number
from gis.errors import BadValue
from gis.hotspots.accuracy import accuracy as scored

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
                  context_settings={"help_option_names": ["-h", "--help"]})  # fmt: skip
YES, NO = ("true", "yes", "hot", "是"), ("", "false", "no", "none", "cold", "excluded", "否")

Hot = Annotated[str | None, typer.Option(help="Column that calls an area hot: yes or no, a number above 0, or the class or bin of gi.")]
Later = Annotated[str | None, typer.Option(help="Column of the cases of the period after the map.")]
Before = Annotated[str | None, typer.Option(help="Column of the cases the map was made from, for the naive map it must beat.")]
Ground = Annotated[str | None, typer.Option(help="Column of the ground (or effort) an area takes. Default: the polygons' own, m².")]


@app.callback()
def afterwards() -> None:
    """Methods that ask what came after."""


@app.command()
def accuracy(  # noqa: PLR0913, PLR0917  each is an option of the command
    file: options.File, hot: Hot = None, later: Later = None, before: Before = None, ground: Ground = None, id_column: options.Id = None,
    layer: options.Layer = None, lon: options.Lon = None, lat: options.Lat = None, crs: options.Crs = None, skip: options.Skip = False,
    out: options.Out = None, as_json: options.AsJson = False,
) -> None:  # fmt: skip
    """Score a map of hot spots on the period after it: hit rate, PAI, PEI, beside the naive map of where most happened before."""
    hot, later = options.needed(hot, "--hot"), options.needed(later, "--later")
    read = options.opened(file, out, options.Reading(layer, id_column, lon, lat, crs, skip), later, before, ground)
    called, counts = _called(read, hot), read.numbers(later)
    past = None if before is None else read.numbers(before)
    area = read.numbers(ground) if ground is not None else _ground(read)
    found = one_place(read, lambda: scored(called, area, counts, before=past))
    table = pd.DataFrame({"id": read.ids, "hot": called, "ground": area, "later": counts})
    facts = {"n": len(read), **{name: value for name, value in asdict(found).items() if past is not None or not name.startswith("naive")}}
    notes = list(read.notes)
    if past is not None and not found.pai > found.naive_pai:
        notes.append("The naive map, where most happened before on as much ground, did as well or better: this map adds nothing to act on.")
    parameters = {"hot": hot, "later": later, "before": before, "ground": ground or "m2 of the polygons"}
    answer = Answer("accuracy", parameters, table, [], facts, notes, read.ground, read.crs)
    options.finish(answer, out, as_json=as_json, shown=["id", "hot", "ground", "later"], ranked_by="later")


def _called(read: Source, column: str) -> NDArray[np.bool_]:
    """Which areas are called hot; BadValue names the first cell that says neither."""
    found = np.zeros(len(read), dtype=np.bool_)
    for row, text in enumerate(read.texts(column)):
        said, counted = text.strip().lower(), number(text)
        if counted is not None:
            found[row] = counted > 0
        elif said in YES or said.startswith("hot_"):
            found[row] = True
        elif said not in NO and not said.startswith("cold_"):
            raise BadValue(f"Column {column!r} says neither hot nor not in row {row + 1} ({read.ids[row]}): {text[:40]!r}.", row=row + 1)
    return found


def _ground(read: Source) -> NDArray[np.float64]:
    if not read.polygonal:
        raise BadValue("The rows are no polygons, so their ground must come from a column: --ground COLUMN.")
    return np.asarray(shapely.area(read.metres()), dtype=np.float64)
