"""`plan propose`: any file of polygons with a number each, divided into balanced contiguous parts."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from data.files.desk import Desk
from data.files.geopackage import write_geopackage
from data.files.layer import Layer, Question
from gis.balance.graph import Graph, graph_of
from gis.balance.proposal import Impossible, Proposal
from gis.balance.propose import propose as divided
from gis.crs import LocalMetres, geometry_from, local_metres
from gis.errors import BadFile, BadValue, WrongCrs

PART = "part"
SHOWN = 40
WHY = {
    "total": "{total:g} in all cannot be divided into parts within the bounds",
    "piece": "{total:g} in ground that is cut off from the rest cannot be divided into parts within the bounds",
    "atom": "single polygons are heavier than the upper bound (in the file's order: {rows})",
    "granularity": "the polygons are too coarse: every way of joining them has been looked at",
}


@dataclass(frozen=True)
class Ground:
    """A file's polygons as they came (`shapes`), in degrees (`places`), and their graph's units of length."""

    layer: Layer
    places: NDArray[np.object_]
    metres: LocalMetres | None


def propose(  # noqa: PLR0913, PLR0917  each is an option of the command
    file: Annotated[Path, typer.Argument(help="Polygons: GeoPackage, Shapefile, GeoJSON, GeoParquet … (.zip too).")],
    weight: Annotated[str, typer.Option(help="Column whose sum is to be balanced.")],
    low: Annotated[float | None, typer.Option("--min", help="Least weight of a part.")] = None,
    high: Annotated[float | None, typer.Option("--max", help="Greatest weight of a part.")] = None,
    parts: Annotated[int | None, typer.Option(help="How many parts; without --min and --max as even as can be.")] = None,
    seed: Annotated[int, typer.Option(help="Another number gives another proposal, the same number the same one.")] = 0,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="GeoPackage to write: the polygons with a column 'part', and the parts.")
    ] = None,
    home: Annotated[str | None, typer.Option(help="Column that names today's part of each polygon: change as little as possible.")] = None,
    mu: Annotated[float, typer.Option(help="With --home: how dear moving away from it is; 2, 10 and 40 move less and less.")] = 10.0,
    roads: Annotated[Path | None, typer.Option(help="File of roads and water that borders should follow.")] = None,
    layer: Annotated[str | None, typer.Option(help="Which layer of the file, where it holds several.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")] = False,
) -> None:
    """Divide polygons into contiguous, compact parts whose weights lie in a range, or are as even as can be.

    Needs no server. If no plan is in range, the nearest is shown and why. Exit status: 0 with a plan, 1 for bad input.
    """
    if (low is None) != (high is None):
        raise BadValue("Give --min and --max together.", field="min")
    with Desk() as desk:
        ground = _ground(desk.read(file, Question(layer=layer)), file)
        lines = None if roads is None else _lines(desk.read(roads), roads)
    weights = _numbers(ground.layer.rows, weight, file)
    names, today = (None, None) if home is None else _names(ground.layer.rows, home, file)
    with _progress(quiet=as_json) as tell:
        graph = graph_of(ground.places, weights, ground.metres, lines)
        proposal = divided(
            graph, low=low, high=high, parts=parts, seed=seed, home=today, mu=mu if today is not None else 0.0, progress=tell
        )
    labels = _in_order(proposal.labels)
    called = None if names is None else _called(proposal.labels, labels, names)
    if out is not None:
        _write(out, ground, graph, labels, called)
    answer = _answer(graph, proposal, labels, called, ground.layer.findings.notes, out)
    if as_json:
        print(json.dumps(answer, ensure_ascii=False))
    else:
        _show(answer, weight)


def _ground(layer: Layer, file: Path) -> Ground:
    """The polygons in degrees; without a coordinate system that fits, in the plane they are drawn in."""
    if not layer.spatial or not len(layer):
        raise BadFile(f"{file.name} holds no polygons.", file=file.name)
    for row, why in layer.broken.items():
        raise BadFile(f"{file.name}, row {row + 1}: {why}", file=file.name, row=row + 1)
    shapes = layer.shapes
    if layer.findings.crs is None:
        bounds = shapely.total_bounds(shapes)
        if not (np.abs(bounds[[0, 2]]) <= 180).all() or not (np.abs(bounds[[1, 3]]) <= 90).all():
            layer.findings.notes.append("The file names no coordinate system; its numbers are taken for metres.")
            return Ground(layer, shapes, None)
    places = shapes if layer.findings.crs is None else geometry_from(layer.findings.crs, shapes)
    west, south, east, north = shapely.total_bounds(places)
    if not np.isfinite([west, south, east, north]).all():
        raise BadFile(f"{file.name} holds a coordinate that is not a number.", file=file.name)
    if east - west > 60:
        raise WrongCrs("The polygons span more than 60 degrees; lengths would be far from true. Take a smaller ground.", file=file.name)
    return Ground(layer, places, local_metres((west + east) / 2, (south + north) / 2))


def _lines(layer: Layer, file: Path) -> NDArray[np.object_]:
    if not layer.spatial or not len(layer):
        raise BadFile(f"{file.name} holds no lines.", file=file.name)
    shapes = layer.shapes[~shapely.is_missing(layer.shapes) & ~shapely.is_empty(layer.shapes)]
    areal = shapely.get_dimensions(shapes) == 2
    lines = np.concatenate([shapes[~areal], shapely.boundary(shapes[areal])])
    return lines if layer.findings.crs is None else np.asarray(geometry_from(layer.findings.crs, lines), dtype=object)


def _column(rows: pd.DataFrame, name: str, file: Path) -> pd.Series:
    if name not in rows.columns:
        raise BadValue(f"{file.name} has no column {name!r}. It has: {', '.join(map(str, rows.columns)) or 'none'}.", field=name)
    return rows[name]


def _numbers(rows: pd.DataFrame, name: str, file: Path) -> NDArray[np.float64]:
    column = _column(rows, name, file)
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = np.flatnonzero(~(np.isfinite(numbers) & (numbers >= 0)))
    if len(wrong):
        row = int(wrong[0])
        raise BadValue(
            f"{file.name}, row {row + 1}: {name} is {column.iloc[row]}; a weight is a number from 0"
            f"{f', and so in {len(wrong) - 1} more rows' if len(wrong) > 1 else ''}.", field=name, row=row + 1,
        )  # fmt: skip
    return np.asarray(numbers)


def _names(rows: pd.DataFrame, name: str, file: Path) -> tuple[list[str], NDArray[np.int64]]:
    """The names of today's parts and, for each polygon, which it is; -1 where the cell is empty."""
    codes, names = pd.factorize(_column(rows, name, file))
    return [str(each) for each in names], np.asarray(codes, dtype=np.int64)


def _in_order(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Parts numbered from 0 in the order in which the file comes to them."""
    _, first, place = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[place]


def _called(named: NDArray[np.int64], labels: NDArray[np.int64], names: list[str]) -> list[str]:
    """What each part is called: as today, or new."""
    called = []
    for label in range(int(labels.max()) + 1):
        part = int(named[np.argmax(labels == label)])
        called.append(names[part] if part < len(names) else f"new-{part - len(names) + 1}")
    return called


def _write(out: Path, ground: Ground, graph: Graph, labels: NDArray[np.int64], called: list[str] | None) -> None:
    rows = ground.layer.rows.rename(columns={each: f"{each}_before" for each in ground.layer.rows.columns if str(each).lower() == PART})
    shapes = ground.layer.shapes
    join = shapely.coverage_union_all if shapely.coverage_is_valid(shapes) else shapely.union_all
    whole = [join(shapes[labels == label]) for label in range(int(labels.max()) + 1)]
    sums: dict[str, object] = {PART: np.arange(len(whole)), "weight": np.bincount(labels, weights=graph.weights)}
    marked = rows.assign(**{PART: labels})
    if called is not None:
        marked["part_name"], sums["part_name"] = [called[label] for label in labels], called
    crs = ground.layer.findings.crs
    polygons = gpd.GeoDataFrame(marked, geometry=list(shapes), crs=crs)
    write_geopackage(out, {"polygons": polygons, "parts": gpd.GeoDataFrame(sums, geometry=whole, crs=crs)})


def _answer(
    graph: Graph, proposal: Proposal, labels: NDArray[np.int64], called: list[str] | None, notes: list[str], out: Path | None
) -> dict[str, object]:
    figure = np.zeros(int(labels.max()) + 1)
    figure[labels] = proposal.polsby_popper[np.searchsorted(proposal.parts, proposal.labels)]
    answer: dict[str, object] = {
        "weights": [_plain(each) for each in np.bincount(labels, weights=graph.weights)],
        "parts": labels.tolist(),
        "contiguous": proposal.contiguous,
        "in_range": proposal.in_range,
        "deviation": proposal.deviation,
        "polsby_popper": proposal.mean_polsby_popper,
        "polsby_popper_of_parts": figure.tolist(),
        "border_m": proposal.border_m,
        "on_roads": proposal.on_roads,
        "optimal": proposal.optimal,
        "seed": proposal.seed,
        "impossible": [{**asdict(each), "why": _why(each)} for each in proposal.impossible],
        "notes": notes,
    }
    if called is not None:
        answer |= {"names": called, "moved_weight": _plain(proposal.moved_weight)}
    if out is not None:
        answer["file"] = str(out)
    return answer


def _plain(number: float) -> int | float:
    return int(number) if float(number).is_integer() else float(number)


def _why(impossible: Impossible) -> str:
    rows = ", ".join(str(each + 1) for each in impossible.atoms[:10])
    nearest = ", ".join(f"{each:g}" for each in impossible.weights[:10]) + (" …" if len(impossible.weights) > 10 else "")
    return f"{WHY[impossible.reason].format(total=impossible.total, rows=rows)}. The nearest: {impossible.parts} parts of {nearest}."


def _show(answer: dict[str, object], weight: str) -> None:
    weights, shapes = answer["weights"], answer["polsby_popper_of_parts"]
    names = answer.get("names")
    assert isinstance(weights, list)
    assert isinstance(shapes, list)
    table = Table(title_justify="left")
    for column in ("part", weight, "Polsby-Popper"):
        table.add_column(column, justify="right")
    for part in range(min(len(weights), SHOWN)):
        table.add_row(str(names[part] if isinstance(names, list) else part), f"{weights[part]:,}", f"{shapes[part]:.3f}")
    console = Console()
    console.print(table)
    if len(weights) > SHOWN:
        console.print(f"… and {len(weights) - SHOWN} more.")
    for word, value in (("Parts", len(weights)), ("In range", "yes" if answer["in_range"] else "no"), ("Contiguous", "yes"),
                        ("Deviation from the mean", f"{answer['deviation']:.4%}"), ("Polsby-Popper", f"{answer['polsby_popper']:.3f}"),
                        ("Moved", answer.get("moved_weight")), ("Written", answer.get("file"))):  # fmt: skip
        if value is not None:
            console.print(f"{word}: {value}", highlight=False)
    if answer["optimal"]:
        console.print("No plan is nearer: all of them have been looked at.")
    impossible, notes = answer["impossible"], answer["notes"]
    assert isinstance(impossible, list)
    assert isinstance(notes, list)
    for each in impossible:
        console.print(f"Not possible in range: {each['why']}", highlight=False)
    for note in notes:
        console.print(f"Note: {note}", highlight=False)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[float], None]]:
    """A bar on a terminal; silence for programs and logs."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    with Progress(TextColumn("proposing"), BarColumn(), TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("proposing", total=1.0)
        yield lambda share: bar.update(task, completed=share)
