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
WIDEST, NORTHMOST = 120.0, 88.0
"""Degrees beyond which metres around the middle mean nothing."""
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

    A shape that is no polygon becomes an empty one, so that a check can name its row. `crs` is for files that say none, or say degrees
    and hold metres.
    """
    if not path.exists():
        raise BadFile(f"There is no file {path}.")
    found = _layer_of(path, layer)
    if not len(found):
        raise BadFile(f"{path.name} holds no rows.")
    shapes, notes = _areal(found)
    if shapely.is_empty(shapes).all():
        raise BadFile(f"{path.name} holds no polygons.")
    _refuse_no_numbers(shapes, path.name)
    codes, numbered = _codes(found.rows, code)
    system, told = _system(found, shapes, crs, path.name)
    _refuse_too_wide(geometry_from(system, shapes), path.name)
    notes = [*found.findings.notes, *notes, *told]
    return PolygonFile(found.rows, shapes, codes, numbered, system, found.findings.layer or path.stem, notes)


def _refuse_no_numbers(shapes: Shapes, name: str) -> None:
    coords, row = shapely.get_coordinates(shapes, return_index=True)
    wrong = np.unique(row[~np.isfinite(coords).all(axis=1)])
    if len(wrong):
        more = f", and so do {len(wrong) - 1} more rows" if len(wrong) > 1 else ""
        raise BadFile(f"{name}, row {wrong[0] + 1}, holds a coordinate that is not a number{more}.", file=name, row=int(wrong[0]) + 1)


def _refuse_too_wide(degrees: Shapes, name: str) -> None:
    west, south, east, north = shapely.total_bounds(degrees).tolist()
    if east - west > WIDEST or max(-south, north) > NORTHMOST:
        where = "span more than 120 degrees, as ground does that the 180th meridian cuts" if east - west > WIDEST else "reach a pole"
        raise WrongCrs(f"The polygons of {name} {where}; lengths would be far from true. Take a smaller ground.", file=name)


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


def _system(found: Layer, shapes: Shapes, crs: str | None, name: str) -> tuple[pyproj.CRS, list[str]]:
    """The system that the file says, else the one asked for, else degrees; and what is to be told of the choice."""
    asked = None if crs is None else known_crs(crs)
    west, south, east, north = shapely.total_bounds(shapes).tolist()
    degrees = -180 <= west <= east <= 180 and -90 <= south <= north <= 90
    if found.findings.crs:
        said = known_crs(str(found.findings.crs))
        if asked is None or (said.is_geographic and not degrees):  # GeoJSON in metres is taken for degrees
            return asked or said, []
        told = [] if said.equals(asked, ignore_axis_order=True) else [f"{name} says {said.name} itself; --crs {crs} was left out."]
        return said, told
    if asked is not None:
        return asked, []
    if degrees:
        return known_crs(4326), []
    raise WrongCrs(f"{name} does not say its coordinate system, and the numbers are no degrees. Say it with --crs, as EPSG:4549.")
