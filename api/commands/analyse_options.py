"""What the sub-commands of `analyse` share: their words, reading the file, a bar while it works, and the answer."""

import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import shapely
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from data.files import answer as answers
from data.files.answer import Answer
from data.files.source import Source, source
from gis.errors import BadValue

SEED = 20_261
SHOWN = 10
Say = Callable[[int, int], None]
"""How far it is: done, of how many."""

File = Annotated[Path, typer.Argument(help="GeoPackage, GeoParquet, GeoJSON, Shapefile, CSV or Excel.")]
Layer = Annotated[str | None, typer.Option(help="Which layer or sheet, where a file holds several.")]
Id = Annotated[str | None, typer.Option("--id", help="Column that names the units. Default: id, code, name … or the row's number.")]
Lon = Annotated[str | None, typer.Option(help="Column of the longitude (or x). Default: lon, lng, longitude, x.")]
Lat = Annotated[str | None, typer.Option(help="Column of the latitude (or y). Default: lat, latitude, y.")]
Crs = Annotated[str | None, typer.Option(help="Coordinate system, such as EPSG:4490. Default: the file's own; degrees if they look so.")]
Value = Annotated[str | None, typer.Option(help="Column of the value to analyse.")]
Cases = Annotated[str | None, typer.Option(help="Column of the number of cases (incidents).")]
Population = Annotated[str | None, typer.Option(help="Column of the population at risk (households, residents, all incidents).")]
Time = Annotated[str | None, typer.Option(help="Column of the time: dates, or numbers in days or steps.")]
Weights = Annotated[
    str | None,
    typer.Option(
        help="queen, rook, knn:K, distance:METRES, network:METRES:ROADS, or a file (.gal .gwt .json; .csv of pairs, lists or a square"
        " table). Default: queen; points knn:8."
    ),
]
Permutations = Annotated[int, typer.Option(min=99, max=9_999_999, help="Random draws behind each p.")]
Seed = Annotated[int, typer.Option(min=0, help="Start of the random numbers: same seed, same answer.")]
Skip = Annotated[bool, typer.Option("--skip-missing", help="Leave rows without a value or a place out instead of refusing.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="Where to write: .json, .gpkg, .geojson or .csv.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the whole answer as JSON.")]


@dataclass(frozen=True)
class Reading:
    """How a file is to be read, as the options say; `tolerant`: rows whose place cannot be read are rows without one."""

    layer: str | None = None
    id_column: str | None = None
    lon: str | None = None
    lat: str | None = None
    crs: str | None = None
    skip: bool = False
    tolerant: bool = False


def opened(file: Path, out: Path | None, how: Reading, *names: str | None) -> Source:
    """The file to analyse; when rows may be skipped, without those that miss a place or a value in the columns `names`.

    Refuses an `out` that could not be written before any work is done.
    """
    if out is not None:
        answers.refuse_unknown(out)
    read = source(
        file, layer=how.layer, lon=how.lon, lat=how.lat, id_column=how.id_column, crs=how.crs,
        broken_as_missing=how.skip or how.tolerant,
    )  # fmt: skip
    if not how.skip:
        return read
    kept = ~_without(read, [each for each in names if each is not None])
    if not kept.any():
        raise BadValue(f"Every row of {read.name} misses a value or a place; there is nothing to analyse.", rows=len(read))
    left_out = int((~kept).sum())
    if left_out:
        read.notes.append(f"{left_out} of {len(read)} rows miss a value or a place and were left out.")
    return read.only(kept)


def needed(name: str | None, option: str) -> str:
    """The name of a column that a method cannot do without."""
    if name is None:
        raise BadValue(f"Say which column: {option} COLUMN.", option=option)
    return name


def some(count: int, one: str, more: str) -> str:
    """A count with the words for one or for several: "1 area has", "3 areas have"."""
    return f"{count} {one if count == 1 else more}"


@contextmanager
def progress(what: str, *, quiet: bool) -> Iterator[Say]:
    """A bar on a terminal while something long runs; silence for programs and logs."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, of: None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def finish(
    answer: Answer, out: Path | None, *, as_json: bool, shown: list[str], ranked_by: str | None = None, hidden: Collection[str] = ()
) -> None:
    """Write the answer where asked, print it whole as JSON, or print its facts and the first rows.

    Those are rows of the columns `shown`, the largest `ranked_by`, whatever its sign, first. Facts that are `hidden` were told already.
    """
    if out is not None:
        answers.write(answer, out)
    if as_json:
        print(answers.as_json(answer))
        return
    for name, value in answer.facts.items():
        if name not in hidden:
            print(f"{name:<20} {value}")
    for note in answer.notes:
        print(f"note: {note}")
    table = answer.units
    if ranked_by is not None:
        table = table.sort_values(ranked_by, key=abs, ascending=False, kind="stable", na_position="last")
    print(table[shown].head(SHOWN).to_string(index=False))
    if len(table) > SHOWN:
        print(f"… {len(table) - SHOWN} more; -o FILE writes all of them.")
    if out is not None:
        print(f"Written: {out}")


def _without(read: Source, names: list[str]) -> NDArray[np.bool_]:
    without = shapely.is_missing(read.shapes) | shapely.is_empty(read.shapes)
    if without.all():  # a table without places: some methods need none
        without = np.zeros(len(read), dtype=np.bool_)
    for name in names:
        without |= read.missing(name)
    return without
