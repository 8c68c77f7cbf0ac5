"""A draft on its way to a GIS program and back: its grids with what lies around them, as GeoPackage or zipped Shapefile."""

import os
import sqlite3
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import shapely

from data.files.polygons import polygons_in
from gis.errors import BadFile
from gis.faces import Shapes

GRIDS, CONTEXT, ATOMS = "grids", "context", "atoms"
COLORS = {
    GRIDS: ("17,83,122,40", "17,83,122,255", "0.6"),
    CONTEXT: ("120,120,120,30", "120,120,120,255", "0.3"),
    ATOMS: ("0,0,0,0", "180,180,180,255", "0.1"),
}
"""Fill and line (red, green, blue, opacity) and millimetres of a layer in QGIS."""
STYLE_TABLE = """
    CREATE TABLE layer_styles (
        id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), f_table_schema TEXT(256), f_table_name TEXT(256),
        f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT,
        owner TEXT(30), ui TEXT(30), update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')))"""
STYLE = """
    INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, styleQML, useAsDefault,
        description)
    VALUES ('', '', ?, 'geom', ?, ?, 1, '')"""
CONTENTS = "INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('layer_styles', 'attributes', 'layer_styles')"
QML = """<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis version="3.22" styleCategories="Symbology|Labeling">
 <renderer-v2 type="singleSymbol"><symbols><symbol name="0" type="fill"><layer class="SimpleFill" enabled="1" pass="0"><Option type="Map">
  <Option name="color" type="QString" value="{fill}"/><Option name="outline_color" type="QString" value="{line}"/>
  <Option name="outline_width" type="QString" value="{width}"/><Option name="outline_width_unit" type="QString" value="MM"/>
 </Option></layer></symbol></symbols></renderer-v2>{labels}
</qgis>"""
LABELS = """
 <labeling type="simple"><settings>
  <text-style fieldName="coalesce(&quot;name&quot;, '') || '\\n' || &quot;households&quot;"
   isExpression="1" fontSize="9"/></settings></labeling>"""


def write_package(path: Path, layers: Mapping[str, gpd.GeoDataFrame]) -> None:
    """A GeoPackage with the layers and a style for each, in place of what was there."""
    with tempfile.TemporaryDirectory(prefix=".wangge-", dir=path.parent) as folder:
        target = Path(folder) / path.name
        for name, frame in layers.items():
            pyogrio.write_dataframe(frame, target, layer=name, driver="GPKG", geometry_type="MultiPolygon", promote_to_multi=True)
        connection = sqlite3.connect(target)
        try:
            with connection:
                connection.execute(STYLE_TABLE)
                connection.execute(CONTENTS)
                for name in layers:
                    fill, line, width = COLORS[name]
                    qml = QML.format(fill=fill, line=line, width=width, labels=LABELS if name == GRIDS else "")
                    connection.execute(STYLE, (name, name, qml))
        finally:
            connection.close()
        os.replace(target, path)


def write_shapefiles(path: Path, layers: Mapping[str, gpd.GeoDataFrame]) -> None:
    """A zip of Shapefiles, one a layer, each with its encoding (UTF-8) and coordinate system said."""
    with tempfile.TemporaryDirectory(prefix=".wangge-", dir=path.parent) as folder:
        inside = Path(folder) / "layers"
        inside.mkdir()
        for name, frame in layers.items():
            short = frame.rename(columns={"community_code": "community"})
            pyogrio.write_dataframe(short, inside / f"{name}.shp", driver="ESRI Shapefile", encoding="UTF-8")
        target = Path(folder) / path.name
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
            for part in sorted(inside.iterdir()):
                packed.write(part, part.name)
        os.replace(target, path)


def read_back(path: Path) -> list[tuple[int | None, str | None, str | None, shapely.Geometry]]:
    """The grids of an edited file: (id or None, code or None, name or None, border in degrees as it was drawn), row by row.

    Raises BadFile, BadValue or WrongCrs with what is wrong; a row without ground is refused, for it may have been meant to end.
    """
    try:
        found = polygons_in(path)
    except BadFile as refused:
        layers = refused.facts.get("layers")
        if not (isinstance(layers, list) and {GRIDS, f"{GRIDS}.shp"} & set(layers)):
            raise
        found = polygons_in(path, layer=GRIDS)
    empty = np.flatnonzero(shapely.area(found.shapes) == 0)
    shapes: Shapes = found.degrees
    still = [int(at) for at in empty if shapely.area(shapely.make_valid(shapes[at])) == 0]
    if still:
        raise BadFile(f"Row {still[0] + 1} has no ground. Delete the row to end its grid.", row=still[0] + 1)
    names = {str(column).lower(): found.rows[column] for column in found.rows.columns}
    ids, codes, titles = (names.get(name) for name in ("id", "code", "name"))
    return [
        (_number(None if ids is None else ids.iloc[at]), _text(None if codes is None else codes.iloc[at]),
         _text(None if titles is None else titles.iloc[at]), shape)
        for at, shape in enumerate(shapes)
    ]  # fmt: skip


def _number(value: object) -> int | None:
    try:
        number = float(str(value))
    except ValueError:
        return None
    return int(number) if number.is_integer() else None


def _text(value: object) -> str | None:
    text = "" if value is None or value != value else str(value).strip()  # noqa: PLR0124  NaN is not itself
    return text or None
