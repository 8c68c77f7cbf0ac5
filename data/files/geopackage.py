"""Writes layers into a GeoPackage, whole or not at all, with columns that the format can hold."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import pyogrio

from gis.errors import BadFile

FAILURES = (
    pyogrio.errors.DataSourceError, pyogrio.errors.FieldError, pyogrio.errors.FeatureError, pyogrio.errors.GeometryError, ValueError,
)  # fmt: skip
"""What writing through GDAL ends with where it cannot."""
RESERVED = {"fid", "ogc_fid", "geom", "geometry"}


def write_geopackage(path: Path, layers: Mapping[str, gpd.GeoDataFrame]) -> None:
    """Store layers under their names; what was at `path` is replaced only once all is written.

    Names that differ only in case, or that the format keeps for itself, get a number. Raises BadFile if it cannot be written.
    """
    if path.suffix.lower() != ".gpkg":
        raise BadFile(f"{path.name}: the result is a GeoPackage; give it a name that ends in .gpkg.", file=path.name)
    if not path.parent.is_dir():
        raise BadFile(f"There is no folder {path.parent}.", file=path.name)
    with tempfile.TemporaryDirectory(prefix=".wangge-", dir=path.parent) as folder:
        whole = Path(folder) / path.name
        for name, frame in layers.items():
            try:
                _fit(frame).to_file(whole, layer=name, driver="GPKG", engine="pyogrio")
            except FAILURES as failed:
                raise BadFile(f"{path.name} cannot be written: {str(failed).splitlines()[0][:200]}", file=path.name) from failed
        os.replace(whole, path)


def fitting_names(frame: gpd.GeoDataFrame) -> dict[str, str]:
    """What each column is called in a database that ignores case and keeps some names for itself."""
    seen = set(RESERVED)
    names: dict[str, str] = {}
    for column in map(str, frame.columns.drop(frame.geometry.name)):
        name, number = column, 2
        while name.lower() in seen:
            name, number = f"{column}_{number}", number + 1
        seen.add(name.lower())
        names[column] = name
    return names


def _fit(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    renamed = frame.rename(columns=fitting_names(frame))
    return renamed if frame.geometry.name == "geometry" else renamed.rename_geometry("geometry")
