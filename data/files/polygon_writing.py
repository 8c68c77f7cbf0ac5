"""Writes polygons in the formats of GIS programs, with every digit of their vertices; a file is there whole or not at all."""

import os
import tempfile
import zipfile
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio

from data.files.geopackage import FAILURES, fitting_names
from gis.errors import BadFile, BadValue

SHAPEFILE = "ESRI Shapefile"
DRIVERS = {".gpkg": "GPKG", ".shp": SHAPEFILE, ".zip": SHAPEFILE, ".geojson": "GeoJSON", ".json": "GeoJSON", ".fgb": "FlatGeobuf"}
FORMATS = (*DRIVERS, ".parquet")
SHORT_NAME = 10
"""Bytes that a shapefile gives a column's name."""


def write_polygons(frame: gpd.GeoDataFrame, path: Path, *, layer: str = "layer") -> list[str]:
    """Write a frame to the format that the suffix of `path` names, replacing what was there; returns what could not be kept.

    A .zip holds a Shapefile with its encoding said. Raises BadValue for another suffix, BadFile where nothing can be written.
    """
    refuse_format(path)
    suffix = path.suffix.lower()
    frame, notes = _fitting(frame, suffix)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".wangge-", dir=path.parent) as folder:
            if suffix == ".parquet":
                frame.to_parquet(Path(folder) / path.name)
            else:
                _through_gdal(frame, Path(folder), path, layer)
            for each in sorted(Path(folder).iterdir(), key=lambda each: each.suffix.lower() == suffix):  # what was asked for comes last
                os.replace(each, path.with_name(each.name))
    except (OSError, *FAILURES) as failed:
        raise BadFile(f"{path} cannot be written: {str(failed).splitlines()[0][:200]}", file=path.name) from failed
    return notes


def refuse_format(path: Path) -> None:
    """BadValue if nothing is written with such a suffix."""
    if path.suffix.lower() not in FORMATS:
        raise BadValue(f"Nothing is written as {path.suffix or 'a file without suffix'}. What is: {', '.join(FORMATS)}.")


def _through_gdal(frame: gpd.GeoDataFrame, folder: Path, path: Path, layer: str) -> None:
    driver = DRIVERS[path.suffix.lower()]
    target = folder / (f"{path.stem}.shp" if driver == SHAPEFILE else path.name)
    options = {"COORDINATE_PRECISION": "15"} if driver == "GeoJSON" else {}
    pyogrio.write_dataframe(
        frame, target, driver=driver, encoding="UTF-8" if driver == SHAPEFILE else None,
        layer=path.stem if driver == SHAPEFILE else layer, promote_to_multi=driver == "GPKG" or None, **options,
    )  # fmt: skip
    if path.suffix.lower() == ".zip":
        parts = sorted(folder.iterdir())
        with zipfile.ZipFile(folder / path.name, "w", zipfile.ZIP_DEFLATED) as packed:
            for part in parts:
                packed.write(part, part.name)
        for part in parts:
            part.unlink()


def _fitting(frame: gpd.GeoDataFrame, suffix: str) -> tuple[gpd.GeoDataFrame, list[str]]:
    """The frame with columns the format takes: texts where a column is mixed, short names for a shapefile."""
    frame = frame.copy()
    for name in frame.columns.drop(frame.geometry.name):
        if frame[name].dtype == object:
            frame[name] = [None if pd.isna(value) else str(value) for value in frame[name]]
    names: dict[str, str] = {}
    if suffix == ".gpkg":
        names = fitting_names(frame)
    elif DRIVERS.get(suffix) == SHAPEFILE:
        for name in map(str, frame.columns.drop(frame.geometry.name)):
            names[name] = _short(name, {each.lower() for each in names.values()})
    kind = "GeoPackage" if suffix == ".gpkg" else "shapefile"
    changed = [f"column {name} is {other} in the {kind}" for name, other in names.items() if name != other]
    return frame.rename(columns=names), changed


def _short(name: str, taken: set[str]) -> str:
    """A name of at most ten bytes that is not taken."""
    cut, number = name.encode()[:SHORT_NAME].decode(errors="ignore"), 1
    while cut.lower() in taken:
        tail = f"_{number}"
        cut = name.encode()[: SHORT_NAME - len(tail)].decode(errors="ignore") + tail
        number += 1
    return cut
