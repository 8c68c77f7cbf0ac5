"""The methods of `analyse` that ask about points: dbscan, stdbscan, hdbscan, repeats, knox, kde."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import shapely
import typer

from api.commands import analyse_options as options
from api.commands.analyse_study import ground_of, one_place
from data.files.answer import Answer
from data.files.source import Source
from gis.crs import LocalMetres
from gis.errors import BadValue
from gis.hotspots import dbscan as clusters_of
from gis.hotspots.kde import Density, density
from gis.hotspots.knox import PERMUTATIONS, knox

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
                  context_settings={"help_option_names": ["-h", "--help"]})  # fmt: skip
STORED = "EPSG:4490"
PILE = 0.5
CHANCE = "Chance makes clusters of density too: these have no p. Ask scan whether one is beyond chance."


class Kernel(StrEnum):
    """How an event's weight falls off."""

    QUARTIC = "quartic"
    GAUSSIAN = "gaussian"


Reach = Annotated[float, typer.Option("--eps", help="Neighbours are within so many metres.")]
Span = Annotated[float, typer.Option("--days", help="And within so many days.")]
Least = Annotated[int, typer.Option("--min-points", help="Neighbours a core point has, itself included (at least 4).")]
Bands = Annotated[str, typer.Option(help="Rising edges, such as 0,0.1,100,200; a band is from <= value < to.")]
Bandwidth = Annotated[float | None, typer.Option(help="Metres. Default: a rule of thumb by the events' spread.")]
By = Annotated[str | None, typer.Option("--by", help="Column of the address or building. Default: the place.")]
Outline = Annotated[Path | None, typer.Option(help="File of polygons to cut to; the density is corrected at their edge.")]


@app.callback()
def points() -> None:
    """Methods that ask about points."""


@app.command()
def dbscan(  # noqa: PLR0913, PLR0917  each is an option of the command
    file: options.File, eps: Reach, min_points: Least = 10, id_column: options.Id = None, layer: options.Layer = None,
    lon: options.Lon = None, lat: options.Lat = None, crs: options.Crs = None, skip: options.Skip = False, out: options.Out = None,
    as_json: options.AsJson = False,
) -> None:  # fmt: skip
    """Density clusters of points (DBSCAN): labels as scikit-learn gives them."""
    read = options.opened(file, out, options.Reading(layer, id_column, lon, lat, crs, skip))
    where = read.points()
    found = one_place(read, lambda: clusters_of.dbscan(where, reach_m=eps, min_points=min_points))
    answer = _clustered("dbscan", read, found, clusters_of.summary(where, found), {"eps_m": eps, "min_points": min_points})
    _finish(answer, out, as_json=as_json)


@app.command()
def stdbscan(  # noqa: PLR0913, PLR0917  each is an option of the command
    file: options.File, eps: Reach, days: Span, time: options.Time = None, min_points: Least = 10, id_column: options.Id = None,
    layer: options.Layer = None, lon: options.Lon = None, lat: options.Lat = None, crs: options.Crs = None,
    skip: options.Skip = False, out: options.Out = None, as_json: options.AsJson = False,
) -> None:  # fmt: skip
    """Density clusters of points in space and time (ST-DBSCAN)."""
    column = options.needed(time, "--time")
    read = options.opened(file, out, options.Reading(layer, id_column, lon, lat, crs, skip), column)
    where, when = read.points(), read.days(column)
    found = one_place(read, lambda: clusters_of.st_dbscan(where, when, reach_m=eps, reach_days=days, min_points=min_points))
    parameters = {"eps_m": eps, "days": days, "min_points": min_points, "time": column}
    _finish(_clustered("stdbscan", read, found, clusters_of.summary(where, found, when), parameters), out, as_json=as_json)


@app.command()
def hdbscan(  # noqa: PLR0913, PLR0917  each is an option of the command
    file: options.File, min_points: Least = 10, id_column: options.Id = None, layer: options.Layer = None,
    lon: options.Lon = None, lat: options.Lat = None, crs: options.Crs = None, skip: options.Skip = False, out: options.Out = None,
    as_json: options.AsJson = False,
) -> None:  # fmt: skip
    """Density clusters of points at every density (HDBSCAN), one coordinate counted once."""
    read = options.opened(file, out, options.Reading(layer, id_column, lon, lat, crs, skip))
    where = read.points()
    found = one_place(read, lambda: clusters_of.hdbscan(where, min_points=min_points))
    _finish(_clustered("hdbscan", read, found, clusters_of.summary(where, found), {"min_points": min_points}), out, as_json=as_json)


@app.command()
def repeats(  # noqa: PLR0913, PLR0917  each is an option of the command
    file: options.File, column: By = None, layer: options.Layer = None, lon: options.Lon = None, lat: options.Lat = None,
    crs: options.Crs = None, skip: options.Skip = False, out: options.Out = None, as_json: options.AsJson = False,
) -> None:  # fmt: skip
    """How often one address, building or coordinate comes again."""
    read = options.opened(file, out, options.Reading(layer, None, lon, lat, crs, skip), column)
    if column is not None:
        table = pd.Series(read.texts(column)).value_counts().rename_axis("id").reset_index(name="events")
        table["share"] = table["events"] / len(read)
        table["cumulative"] = table["share"].cumsum()
        often = clusters_of.repeat_table(read.texts(column))
    else:
        found = clusters_of.repeats(read.points())
        table = found.rename(columns={"points": "events"}).assign(
            id=[f"{x:.2f} {y:.2f}" for x, y in zip(found["x"], found["y"], strict=True)]
        )
        often = clusters_of.repeat_table(np.unique(np.round(read.points(), 2), axis=0, return_inverse=True)[1].ravel())
    table = table[["id", *(each for each in table if each != "id")]]
    facts = {"events": len(read), "multiplicity": often.to_dict("records")}
    options.finish(Answer("repeats", {"by": column}, table, [], facts, read.notes), out, as_json=as_json, shown=["id", "events", "share"])


@app.command("knox")
def near_repeats(  # noqa: PLR0913, PLR0917  each is an option of the command
    file: options.File, bands_m: Bands = "0,0.1,100,200,300,400", bands_days: Bands = "0,7,14,21,28", time: options.Time = None,
    permutations: options.Permutations = PERMUTATIONS, seed: options.Seed = options.SEED, layer: options.Layer = None,
    lon: options.Lon = None, lat: options.Lat = None, crs: options.Crs = None, skip: options.Skip = False, out: options.Out = None,
    as_json: options.AsJson = False,
) -> None:  # fmt: skip
    """Near repeats (Knox): pairs near in space and time against shuffled times."""
    column = options.needed(time, "--time")
    read = options.opened(file, out, options.Reading(layer, None, lon, lat, crs, skip), column)
    space, days = _edges(bands_m, "--bands-m"), _edges(bands_days, "--bands-days")
    found = one_place(
        read, lambda: knox(read.points(), read.days(column), bands_m=space, bands_days=days, permutations=permutations, seed=seed)
    )
    table = found.table.copy()
    table.insert(0, "id", [f"{a:g}-{b:g} m, {c:g}-{d:g} d" for a, b, c, d in table.iloc[:, :4].itertuples(index=False, name=None)])
    parameters = {"time": column, "bands_m": space, "bands_days": days, "permutations": permutations, "seed": seed}
    notes = [*read.notes, f"{len(table)} cells are tested; the smallest p of them is not the p of the table."]
    answer = Answer("knox", parameters, table, [], {"events": found.events, "near_pairs": found.pairs}, notes)
    options.finish(answer, out, as_json=as_json, shown=["id", "observed", "expected", "ratio", "p"])


@app.command()
def kde(  # noqa: PLR0913, PLR0917  each is an option of the command
    file: options.File, cell: Annotated[float, typer.Option(help="Side of a cell, metres.")] = 100.0, bandwidth: Bandwidth = None,
    kernel: Kernel = Kernel.QUARTIC, outline: Outline = None, layer: options.Layer = None, lon: options.Lon = None,
    lat: options.Lat = None, crs: options.Crs = None, skip: options.Skip = False, out: options.Out = None,
    as_json: options.AsJson = False,
) -> None:  # fmt: skip
    """Kernel density: events per square kilometre on a raster in metres, a row for each cell with any."""
    read = options.opened(file, out, options.Reading(layer, None, lon, lat, crs, skip))
    measure = read.measure()
    cut = None if outline is None else ground_of(outline, read, measure)
    found = density(read.points(), bandwidth_m=bandwidth, cell_m=cell, kernel=kernel.value, outline=cut)
    parameters = {"bandwidth_m": found.bandwidth_m, "cell_m": cell, "kernel": kernel.value, "outline": outline and outline.name}
    table, shapes = _raster(found, measure)
    facts = {"events": found.events, "outside": found.outside, "rows": found.values.shape[0], "columns": found.values.shape[1]}
    notes = [*read.notes, "A density is a picture: it says nothing on significance, and nothing per person."]
    answer = Answer("kde", parameters, table, [], facts, notes, shapes, read.crs and STORED)
    options.finish(answer, out, as_json=as_json, shown=["id", "x", "y", "density"], ranked_by="density")


def _clustered(method: str, read: Source, found: clusters_of.Density, table: pd.DataFrame, parameters: dict[str, Any]) -> Answer:
    """The answer of a density method: a label for each row, and its clusters, those of most points first."""
    units = read.rows.iloc[:, :0].assign(id=read.ids, label=found.labels, core=found.core)
    order = np.argsort(found.labels, kind="stable")
    first = np.searchsorted(found.labels[order], np.arange(len(table) + 1))
    listed = []
    for row in table.sort_values("points", ascending=False, kind="stable").to_dict("records"):
        label = int(row["label"])
        members = np.sort(order[first[label] : first[label + 1]])
        listed.append({str(name): value for name, value in row.items()} | {"members": [read.ids[each] for each in members]})
    notes = [*read.notes, CHANCE]
    piled = int((table["piled"] > PILE * table["points"]).sum())
    if piled:
        notes.append(f"In {piled} clusters most points share one coordinate: a repeat address, or a default of the geocoder.")
    facts = {"points": len(read), "clusters_found": len(table), "noise": int((found.labels == clusters_of.NOISE).sum())}
    return Answer(method, parameters, units, listed, facts, notes, read.shapes, read.crs)


def _finish(answer: Answer, out: Path | None, *, as_json: bool) -> None:
    if answer.clusters and not as_json:
        table = pd.DataFrame(
            [{name: value for name, value in each.items() if name != "members"} for each in answer.clusters[: options.SHOWN]]
        )
        print(table.to_string(index=False))
    options.finish(answer, out, as_json=as_json, shown=["id", "label", "core"])


def _edges(text: str, option: str) -> list[float]:
    try:
        return [float(each) for each in text.split(",")]
    except ValueError as problem:
        raise BadValue(f"{option} {text!r} is not a list of numbers, such as 0,100,200.", option=option) from problem


def _raster(found: Density, measure: LocalMetres | None) -> tuple[pd.DataFrame, Any]:
    """A row for each cell with a density above 0: row, column, middle (metres), density; and the cells as squares."""
    row, column = np.nonzero(np.nan_to_num(found.values) > 0)
    x, y = found.centres()
    table = pd.DataFrame({
        "id": [f"{r}-{c}" for r, c in zip(row, column, strict=True)], "row": row, "column": column, "x": x[column], "y": y[row],
        "density": found.values[row, column],
    })  # fmt: skip
    half = found.cell_m / 2
    squares = shapely.box(table["x"] - half, table["y"] - half, table["x"] + half, table["y"] + half)
    return table, squares if measure is None else measure.to_degrees(squares)
