"""Writes what an analysis found: JSON, GeoPackage, GeoJSON or CSV, whole or not at all."""

import json
import math
import os
import tempfile
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from data.files.layer import Shapes
from gis.errors import BadFile

WRITTEN = (".json", ".geojson", ".gpkg", ".csv")
Facts = dict[str, Any]


@dataclass
class Answer:
    """What a method says about a file.

    `units`: one row a unit of the input, `id` first, on the rows of `shapes` if those are known (in `crs`).
    `clusters`: one object each, lists allowed. `facts` belong to the whole: counts, thresholds, how it was done.
    `notes`: sentences a reader has to know.
    """

    method: str
    parameters: Facts
    units: pd.DataFrame
    clusters: list[Facts] = field(default_factory=list)
    facts: Facts = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    shapes: Shapes | None = None
    crs: str | None = None


def refuse_unknown(path: Path) -> None:
    """BadFile before the work if the answer could not be written to this path after it."""
    if path.suffix.lower() not in WRITTEN:
        raise BadFile(f"An answer is written as {', '.join(WRITTEN)}; not as {path.suffix or 'a file without a suffix'}.", file=path.name)
    if not path.absolute().parent.is_dir():
        raise BadFile(f"There is no folder {path.absolute().parent} to write {path.name} in.", file=path.name)


def write(answer: Answer, path: Path) -> None:
    """Write an answer in the format that the suffix names; what stood there before stays until the new file is whole."""
    refuse_unknown(path)
    with tempfile.TemporaryDirectory(dir=path.absolute().parent, prefix=".wangge-") as folder:
        fresh = Path(folder) / path.name
        match path.suffix.lower():
            case ".json":
                fresh.write_text(as_json(answer), encoding="utf-8")
            case ".csv":
                _flat(answer.units).to_csv(fresh, index=False)
            case ".geojson":
                _frame(answer).to_file(fresh, driver="GeoJSON", engine="pyogrio", RFC7946="NO", COORDINATE_PRECISION=9)
            case _:
                _geopackage(answer, fresh)
        os.replace(fresh, path)


def as_json(answer: Answer) -> str:
    """The answer as one JSON object; what is not a number is null."""
    units = [dict(zip(answer.units.columns, row, strict=True)) for row in answer.units.itertuples(index=False, name=None)]
    whole = {
        "method": answer.method, "parameters": answer.parameters, **answer.facts, "notes": answer.notes, "units": units,
        "clusters": answer.clusters,
    }  # fmt: skip
    return json.dumps(_plain(whole), ensure_ascii=False, indent=1)


def _geopackage(answer: Answer, path: Path) -> None:
    """Layers `units` and, where there are any, `clusters` (their members' ground united), and a table `about`."""
    _frame(answer).to_file(path, layer="units", driver="GPKG", engine="pyogrio")
    if answer.clusters:
        clusters = pd.DataFrame([{name: _cell(value) for name, value in each.items()} for each in answer.clusters])
        if answer.shapes is not None and "members" in answer.clusters[0]:
            place = {name: row for row, name in enumerate(answer.units["id"])}
            ground = [shapely.union_all(answer.shapes[[place[each] for each in one["members"]]]) for one in answer.clusters]
            gpd.GeoDataFrame(clusters, geometry=ground, crs=answer.crs).to_file(path, layer="clusters", driver="GPKG", engine="pyogrio")
        else:
            _table(clusters, path, "clusters")
    about = {"method": answer.method, "parameters": answer.parameters, **answer.facts, "notes": answer.notes}
    _table(pd.DataFrame([{"name": name, "value": _cell(value)} for name, value in about.items()]).astype({"value": str}), path, "about")


def _table(table: pd.DataFrame, path: Path, layer: str) -> None:
    import pyogrio  # noqa: PLC0415  only a GeoPackage needs it

    pyogrio.write_dataframe(table, path, layer=layer, driver="GPKG")


def _frame(answer: Answer) -> gpd.GeoDataFrame:
    if answer.shapes is None:
        raise BadFile("These units have no shape, so their answer is no layer. Write it as .json or .csv.")
    return gpd.GeoDataFrame(_flat(answer.units), geometry=answer.shapes, crs=answer.crs)


def _flat(units: pd.DataFrame) -> pd.DataFrame:
    """The table with lists and objects as JSON text."""
    nested = [name for name in units if units[name].map(lambda each: isinstance(each, list | dict | tuple)).any()]
    return units.assign(**{str(name): units[name].map(_cell) for name in nested})


def _cell(value: object) -> object:
    plain = _plain(value)
    return json.dumps(plain, ensure_ascii=False) if isinstance(plain, list | dict) else plain


def _plain(value: object) -> object:
    """A value as JSON knows it."""
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(each) for each in value]
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.datetime64):
        return str(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    return None if value is pd.NaT or value is pd.NA else value
