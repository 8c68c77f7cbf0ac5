"""The method of `analyse` that looks at the records first: doubts about places, times, repeats and sources, with counts."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import shapely
import typer
from numpy.typing import NDArray

from api.commands import analyse_options as options
from api.commands.analyse_study import ground_of
from data.files.answer import Answer
from data.files.source import Source
from gis.errors import BadValue
from gis.hotspots.doubts import LEAST_PILE, Doubts, doubts

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
                  context_settings={"help_option_names": ["-h", "--help"]})  # fmt: skip
Text = str | None
MEANT = {
    "no-place": "without a place", "outside": "outside the ground", "no-time": "without a time", "future": "later than the records",
    "same-id": "with a number the source gave before", "same-event": "same place, time and category as a row before",
    "pile": "on a coordinate with far more rows than others", "midnight": "at 00:00:00, which means no time of day",
    "day-pile": "on a day with far more rows than others", "level": "of a source after its level changed for good",
}  # fmt: skip


@app.callback()
def first() -> None:
    """Methods that look at the records."""


@app.command("doubts")
def look(  # noqa: PLR0913, PLR0917  each is an option of the command
    file: options.File, time: options.Time = None,
    category: Annotated[Text, typer.Option(help="Column of the category.")] = None,
    source: Annotated[Text, typer.Option(help="Column of who reported: hotline, app, patrol …")] = None,
    source_id: Annotated[Text, typer.Option("--source-id", help="Column of the source's own number.")] = None,
    address: Annotated[Text, typer.Option(help="Column of the address: many on one coordinate betray a default point.")] = None,
    outline: Annotated[Path | None, typer.Option(help="File of polygons: what lies outside is told.")] = None,
    until: Annotated[Text, typer.Option(help="When the records were taken: later times are told. 2026-03-31 or 2026-03-31 14:05.")] = None,
    least_pile: Annotated[int, typer.Option("--least-pile", min=2, help="A pile has at least so many rows.")] = LEAST_PILE,
    id_column: options.Id = None, layer: options.Layer = None, lon: options.Lon = None, lat: options.Lat = None, crs: options.Crs = None,
    out: options.Out = None, as_json: options.AsJson = False,
) -> None:  # fmt: skip
    """Look at incidents before any method does: what is doubtful, how many, and what a run would do about it."""
    read = options.opened(file, out, options.Reading(layer, id_column, lon, lat, crs, tolerant=True))
    there = _placed(read)
    placed = read.only(there)
    measure = placed.measure()
    ground = None if outline is None else ground_of(outline, placed, measure)
    columns = {"category": category, "source": source, "source_id": source_id, "address": address}
    table, bad_times = _table(read, there, placed.points(), time, columns)
    found = doubts(table, ground=ground, until=None if until is None else _moment(until), least_pile=least_pile)
    parameters = {"time": time, "category": category, "source": source, "source_id": source_id, "address": address,
                  "outline": outline and outline.name, "until": until, "least_pile": least_pile}  # fmt: skip
    units = pd.DataFrame({"id": read.ids}).assign(
        kept=found.kept(), doubts=[" ".join(found.flags.columns[row]) for row in found.flags.to_numpy()]
    )
    checks = _checks(found)
    facts: dict[str, Any] = {"rows": found.rows, "kept": int(found.kept().sum()), "checks": checks, "unasked": found.unasked,
             "piles": _piles(found, measure), "days": _plain(found.days), "levels": _plain(found.levels)}  # fmt: skip
    notes = list(read.notes)
    if bad_times:
        notes.append(f"{bad_times} times cannot be read as a date and count as missing.")
    if found.unasked:
        notes.append(f"Not asked, for want of a column, an outline or a date: {', '.join(found.unasked)}.")
    answer = Answer("doubts", parameters, units, [], facts, notes, read.shapes if read.ground is not None else None, read.crs)
    if not as_json:
        for each in checks:
            print(f"{each['rows']:>9,}  {each['share']:7.2%}  {each['done']:<9} {each['meaning']}")
    options.finish(answer, out, as_json=as_json, shown=["id", "kept", "doubts"], hidden=("checks",))


def _placed(read: Source) -> NDArray[np.bool_]:
    """Which rows have a place other than 0 and 0; BadValue if none has."""
    there = ~(shapely.is_missing(read.shapes) | shapely.is_empty(read.shapes))
    there[there] = (shapely.get_coordinates(shapely.centroid(read.shapes[there])) != 0).any(axis=1)
    if not there.any():
        raise BadValue(f"No row of {read.name} has a place. Say which columns hold it: --lon and --lat.")
    return there


def _table(
    read: Source, there: NDArray[np.bool_], points: NDArray[np.float64], time: str | None, columns: dict[str, str | None]
) -> tuple[pd.DataFrame, int]:
    """The columns that `doubts` looks at, rows without a place kept; and how many times could not be read."""
    places = np.full((len(read), 2), np.nan)
    places[there] = points
    table = pd.DataFrame({"x": places[:, 0], "y": places[:, 1]})
    for name, column in columns.items():
        if column is not None:
            table[name] = pd.Series(read.texts(column), dtype=object).replace("", None)
    bad = 0
    if time is not None:
        moments, unread = read.moments_if_any(time)
        table["time"], bad = moments, int((unread & ~read.missing(time)).sum())
    return table, bad


def _moment(text: str) -> np.datetime64:
    try:
        return np.datetime64(pd.Timestamp(text.replace("/", "-")))
    except ValueError as problem:
        raise BadValue(f"{text!r} is no moment. Write 2026-03-31 or 2026-03-31 14:05.", until=text) from problem


def _checks(found: Doubts) -> list[dict[str, Any]]:
    asked = found.table[found.table["asked"]]
    return [row | {"meaning": MEANT[str(row["check"])]} for row in asked.drop(columns="asked").to_dict("records")]  # type: ignore[misc]


def _piles(found: Doubts, measure: Any) -> list[dict[str, Any]]:
    table = found.piles
    if measure is not None and len(table):
        middle = shapely.get_coordinates(measure.to_degrees(shapely.points(table[["x", "y"]].to_numpy())))
        table = table.assign(lon=middle[:, 0], lat=middle[:, 1]).drop(columns=["x", "y"])
    return _plain(table)


def _plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
