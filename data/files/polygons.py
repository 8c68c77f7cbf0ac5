"""Polygon files for the command line: whatever GDAL reads, with a code for each row and a coordinate system that is known."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from data.files.desk import Desk
from data.files.layer import Layer, Question
from data.files.vector import database
from gis.crs import SourceMetres, geometry_from, known_crs, local_metres
from gis.errors import BadFile, BadValue, WrongCrs
from gis.faces import Shapes, polygonal

ONLY_GDAL = (".kml", ".gml", ".tab", ".mif", ".mid", ".gdb", ".sqlite", ".gmt", ".geojsonl")
"""Formats the import desk does not know; GDAL reads them, here from the caller's own disk."""
USUAL_CODES = ("code", "编码", "网格编码", "社区编码", "区划代码")


@dataclass(frozen=True)
class PolygonFile:
    """Rows of a file with their polygons, as they came, in the coordinates of `system` (east first).

    `codes`: what names each row. `row_numbers` tells that they are row numbers because the file has no column of codes.
    """

    rows: pd.DataFrame
    shapes: Shapes
    codes: NDArray[np.object_]
    row_numbers: bool
    system: pyproj.CRS
    layer: str
    notes: list[str]

    @property
    def metres(self) -> SourceMetres:
        """Metres around the middle of the file."""
        west, south, east, north = shapely.total_bounds(geometry_from(self.system, self.shapes)).tolist()
        return SourceMetres(self.system, local_metres((west + east) / 2, (south + north) / 2))

    @property
    def degrees(self) -> Shapes:
        """The polygons in degrees of EPSG:4490."""
        return geometry_from(self.system, self.shapes)


def polygons_in(path: Path, *, code: str | None = None, layer: str | None = None, crs: str | None = None) -> PolygonFile:
    """Read a file of polygons. Raises BadFile, BadValue (no such column) or WrongCrs with what is wrong and what to do.

    A shape that is no polygon becomes an empty one, so that a check can name its row. `crs` is for files that say none.
    """
    if not path.exists():
        raise BadFile(f"There is no file {path}.")
    found = _layer_of(path, layer)
    if not len(found):
        raise BadFile(f"{path.name} holds no rows.")
    shapes, notes = _areal(found)
    if shapely.is_empty(shapes).all():
        raise BadFile(f"{path.name} holds no polygons.")
    codes, numbered = _codes(found.rows, code)
    system = _system(found, shapes, crs, path.name)
    geometry_from(system, shapes)  # refuses numbers that do not fit it
    return PolygonFile(found.rows, shapes, codes, numbered, system, found.findings.layer or path.stem, [*found.findings.notes, *notes])


def _layer_of(path: Path, layer: str | None) -> Layer:
    if path.suffix.lower() in ONLY_GDAL:
        return database(path, Question(layer=layer), path.suffix.lower().strip("."))
    if path.is_dir():
        raise BadFile(f"{path} is a folder. Name a file.")
    with Desk() as desk:
        return desk.read(path, Question(layer=layer))


def _areal(found: Layer) -> tuple[Shapes, list[str]]:
    """Polygons only, flat; what else there is becomes an empty polygon and is told."""
    shapes = shapely.force_2d(found.shapes)
    kinds = shapely.get_type_id(shapes)
    mixed = kinds == shapely.GeometryType.GEOMETRYCOLLECTION
    shapes[mixed] = [polygonal(shape) for shape in shapes[mixed]]
    areal = np.isin(shapely.get_type_id(shapes), (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON))
    others = int((~areal & ~shapely.is_missing(shapes)).sum())
    shapes[~areal] = shapely.Polygon()
    single = shapely.get_num_geometries(shapes) == 1
    shapes[single] = shapely.get_geometry(shapes[single], 0)
    unread = [f"row {row + 1}: {why}" for row, why in sorted(found.broken.items())[:20]]
    return shapes, [*unread, *([f"{others} rows are points or lines, not polygons."] if others else [])]


def _codes(rows: pd.DataFrame, column: str | None) -> tuple[NDArray[np.object_], bool]:
    names = {str(name).strip().lower(): name for name in rows.columns}
    if column is not None and column not in rows.columns and column.lower() not in names:
        raise BadValue(f"There is no column {column!r}. There are: {', '.join(map(str, rows.columns)) or 'none'}.")
    wanted = (column.lower(),) if column is not None else USUAL_CODES
    chosen = next((names[name] for name in wanted if name in names), None)
    if column in rows.columns:
        chosen = column
    if chosen is None:
        return np.array([str(number) for number in range(1, len(rows) + 1)], dtype=object), True
    values = rows[chosen]
    empty = values.isna() | (values.astype(str).str.strip() == "")
    texts = [f"row {number}" if missing else _plain(value) for number, (value, missing) in enumerate(zip(values, empty, strict=True), 1)]
    return np.array(texts, dtype=object), False


def _plain(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _system(found: Layer, shapes: Shapes, crs: str | None, name: str) -> pyproj.CRS:
    if crs is not None or found.findings.crs:
        return known_crs(crs or str(found.findings.crs))
    west, south, east, north = shapely.total_bounds(shapes).tolist()
    if -180 <= west <= east <= 180 and -90 <= south <= north <= 90:
        return known_crs(4326)
    raise WrongCrs(f"{name} does not say its coordinate system, and the numbers are no degrees. Say it with --crs, as EPSG:4549.")
