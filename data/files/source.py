"""A file as the input of an analysis: columns asked for by name, as numbers, times or places, or a refusal that names the row."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from data.files.desk import Desk
from data.files.layer import Layer, Question, Shapes
from data.files.tables import absent, number
from data.files.times import moments
from gis.crs import LocalMetres, geometry_from, known_crs, local_metres
from gis.errors import BadFile, BadGeometry, BadValue, WrongCrs

Floats = NDArray[np.float64]
TABLES = ("csv", "excel", "parquet")
LON_NAMES = ("lon", "lng", "long", "longitude", "x", "经度", "东经")
LAT_NAMES = ("lat", "latitude", "y", "纬度", "北纬")
DEGREE_NAMES = frozenset(LON_NAMES) - {"x"}
WKT_NAMES = ("wkt", "geometry", "geom", "the_geom")
ID_NAMES = ("id", "code", "fid", "geoid", "name", "编号", "编码")
DEGREES = "EPSG:4326"
YEARS = (1800, 2200)
LARGEST = 1e15
MOST_DAYS = 200_000
"""Since 1970: times beyond are no days, but dates written as one number."""


@dataclass(frozen=True)
class Source:
    """Rows of a file with one shape or None each.

    `crs` is None for plain numbers without a place on the Earth: those are taken as metres. `ids` name the rows.
    """

    name: str
    rows: pd.DataFrame
    shapes: Shapes
    crs: str | None
    ids: list[str]
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows)

    def only(self, rows: NDArray[np.bool_]) -> "Source":
        """The same with some rows left out."""
        ids = [each for each, kept in zip(self.ids, rows, strict=True) if kept]
        return replace(self, rows=self.rows[rows].reset_index(drop=True), shapes=self.shapes[rows], ids=ids)

    def column(self, name: str) -> pd.Series:
        """A column as it came; BadValue if there is none."""
        if name not in self.rows:
            raise BadValue(f"There is no column {name!r} in {self.name}. It has: {', '.join(map(str, self.rows.columns))}", column=name)
        return self.rows[name]

    def missing(self, name: str) -> NDArray[np.bool_]:
        """Which rows hold no value in a column."""
        return np.array([_nothing(each) for each in self.column(name)], dtype=np.bool_)

    def numbers(self, name: str) -> Floats:
        """A column as finite numbers; BadValue names the first row that is none."""
        cells = self.column(name)
        if pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells):
            values = cells.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            read = (None if _nothing(each) else number(each) for each in cells)
            values = np.array([np.nan if each is None else each for each in read], dtype=np.float64)
        wrong = ~np.isfinite(values)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise BadValue(
                f"Column {name!r} of {self.name} is no number in {int(wrong.sum())} of {len(self)} rows, first in row {row + 1}"
                f" ({self.ids[row]}): {str(cells.iloc[row])[:40]!r}. Mend them, or leave such rows out with --skip-missing.",
                column=name, row=row + 1, rows=int(wrong.sum()),
            )  # fmt: skip
        large = np.abs(values) > LARGEST
        if large.any():
            row = int(np.argmax(large))
            raise BadValue(
                f"Column {name!r} of {self.name} is {values[row]:g} in row {row + 1} ({self.ids[row]}): beyond {LARGEST:.0e} numbers are no"
                " longer exact, and are not analysed. Take a larger unit.", column=name, row=row + 1, rows=int(large.sum()),
            )  # fmt: skip
        return values

    def texts(self, name: str) -> list[str]:
        """A column as text."""
        return [_text(each) for each in self.column(name)]

    def dated(self, name: str) -> bool:
        """Whether a column holds dates; else its times are plain numbers: days, years or steps."""
        cells = [each for each in self.column(name) if not _nothing(each)]
        read = [number(each) for each in cells]
        return not read or any(each is None or abs(each) >= MOST_DAYS for each in read)

    def days(self, name: str) -> Floats:
        """A column of times as days: dates since 1970-01-01, with the time of day as fraction; plain numbers as they are."""
        if not self.dated(name):
            return self.numbers(name)
        return self.moments(name).astype(np.int64) / 86_400_000.0

    def moments(self, name: str) -> NDArray[np.datetime64]:
        """A column of dates, with or without a time of day, as wall-clock moments in milliseconds; an offset is left out.

        Numbers that are neither years nor written like 20260331 are days since 1970-01-01.
        """
        read, wrong = self.moments_if_any(name)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise BadValue(
                f"Column {name!r} of {self.name} is no date in {int(wrong.sum())} of {len(self)} rows, first in row {row + 1}"
                f" ({self.ids[row]}): {_text(self.column(name).iloc[row])[:40]!r}. Write dates as 2026-03-31 or 2026-03-31 14:05.",
                column=name, row=row + 1, rows=int(wrong.sum()),
            )  # fmt: skip
        return read

    def moments_if_any(self, name: str) -> tuple[NDArray[np.datetime64], NDArray[np.bool_]]:
        """The same with nothing (NaT) where a row holds no date, and which rows those are."""
        if self.dated(name) or self._years(name):
            return moments([_text(each) for each in self.column(name)])
        cells = pd.to_numeric(pd.Series([number(each) if not _nothing(each) else None for each in self.column(name)]))
        days = cells.to_numpy(dtype=np.float64)
        wrong = ~np.isfinite(days)
        read = np.where(wrong, 0.0, days * 86_400_000).round().astype("datetime64[ms]")
        read[wrong] = np.datetime64("NaT")
        return read, wrong

    def _years(self, name: str) -> bool:
        """Whether plain numbers are years."""
        return all(YEARS[0] <= (number(each) or 0) <= YEARS[1] for each in self.column(name) if not _nothing(each))

    def placed(self) -> Shapes:
        """The shapes, none missing or empty; BadGeometry names the first row without one."""
        without = shapely.is_missing(self.shapes) | shapely.is_empty(self.shapes)
        if without.any():
            row = int(np.argmax(without))
            raise BadGeometry(
                f"{int(without.sum())} of {len(self)} rows of {self.name} have no shape or place, first row {row + 1} ({self.ids[row]})."
                " Name the columns with --lon and --lat, or leave such rows out with --skip-missing.",
                row=row + 1, rows=int(without.sum()),
            )  # fmt: skip
        return self.shapes

    def metres(self) -> Shapes:
        """The shapes in metres: around their middle where they are degrees, else in their own system."""
        shapes = self.placed()
        measure = self.measure()
        return shapes if measure is None else measure.to_metres(self.in_degrees())

    def in_degrees(self) -> Shapes:
        """The shapes as degrees of longitude and latitude; those of plain numbers have none and stay."""
        return self.placed() if self.crs is None else geometry_from(self.crs, self.placed())

    def measure(self) -> LocalMetres | None:
        """What turns degrees of this file into metres; None for plain numbers, which are metres already."""
        if self.crs is None:
            return None
        west, south, east, north = shapely.total_bounds(self.in_degrees())
        return local_metres((west + east) / 2, (south + north) / 2)

    def points(self) -> Floats:
        """One place a row in metres, (n, 2): points as they are, the middle (centroid) of everything else."""
        return np.asarray(shapely.get_coordinates(shapely.centroid(self.metres())), dtype=np.float64)

    @property
    def ground(self) -> Shapes | None:
        """The shapes, some maybe missing; None for a table without any."""
        return None if shapely.is_missing(self.shapes).all() else self.shapes

    @property
    def polygonal(self) -> bool:
        """Whether every row is a polygon."""
        kinds = shapely.get_type_id(self.shapes)
        return bool(len(kinds)) and bool(np.isin(kinds, (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)).all())


def source(
    path: Path, *, layer: str | None = None, lon: str | None = None, lat: str | None = None, id_column: str | None = None,
    crs: str | None = None, broken_as_missing: bool = False,
) -> Source:  # fmt: skip
    """Read a file of any kind that can be imported; columns of places and ids are found by their usual names when not said.

    Raises BadFile for a file that cannot be read or, unless `broken_as_missing`, for a place that cannot be; WrongCrs for an
    unknown coordinate system.
    """
    with Desk() as desk:
        question = Question(layer=layer)
        first = desk.read(path, replace(question, limit=1))
        if first.findings.kind in TABLES and not first.spatial:
            question = _placed_by(question, first, lon, lat)
        read = desk.read(path, question)
    if read.broken and not broken_as_missing:
        row, why = next(iter(sorted(read.broken.items())))
        raise BadFile(f"{len(read.broken)} rows of {path.name} cannot be read, first row {row + 1}: {why}", row=row + 1)
    if not len(read):
        raise BadFile(f"{path.name} holds no row: there is nothing to analyse.", file=path.name)
    far = np.zeros(len(read), dtype=np.bool_)
    if crs is None and str(question.x).strip().lower() in DEGREE_NAMES:
        far = _no_degrees(read, question, tolerant=broken_as_missing)
        read.shapes[far] = None
    system, notes = _system(read, crs, tabular=question.x is not None or question.wkt is not None)
    missing = len(read.broken) + int(far.sum())
    if missing:
        notes.append(
            f"{missing} {'place' if missing == 1 else 'places'} cannot be read and {'counts' if missing == 1 else 'count'} as missing."
        )
    if not read.findings.encoding_sure:
        notes.append(f"The file does not say its encoding; {read.findings.encoding} is a guess. Save it as UTF-8 if names look wrong.")
    if system is not None and known_crs(system).is_geographic:
        geometry_from(system, _corners(read.shapes))  # refused here, also by methods that never ask where on the Earth they are
    return Source(path.name, read.rows, read.shapes, system, _ids(read.rows, id_column, path.name), [*read.findings.notes, *notes])


def _no_degrees(read: Layer, question: Question, *, tolerant: bool) -> NDArray[np.bool_]:
    """Rows whose place is none, though its columns are called degrees: no metres. BadValue names the first, unless `tolerant` of some."""
    x, y = shapely.get_x(read.shapes), shapely.get_y(read.shapes)
    wrong = (np.abs(x) > 180) | (np.abs(y) > 90)
    if not wrong.any() or (tolerant and not wrong.all()):
        return np.asarray(wrong)
    row = int(np.argmax(wrong))
    turned = bool(((np.abs(x) <= 90) & (np.abs(y) <= 180))[~np.isnan(x)].all())
    hint = f"They look exchanged: --lon {question.y} --lat {question.x}." if turned else "Mend them; for metres name the system with --crs."
    raise BadValue(
        f"{int(wrong.sum())} of {len(read)} rows hold no degrees in the columns {question.x!r} and {question.y!r}, first row {row + 1}:"
        f" {x[row]:g}, {y[row]:g}. {hint}", row=row + 1, rows=int(wrong.sum()),
    )  # fmt: skip


def _corners(shapes: Shapes) -> Shapes:
    """The outermost south-west and north-east of all, nothing where there is no shape."""
    bounds = shapely.total_bounds(shapes)
    return np.asarray(shapely.points(bounds.reshape(2, 2))) if np.isfinite(bounds).all() else np.empty(0, dtype=object)


def _placed_by(question: Question, first: Layer, lon: str | None, lat: str | None) -> Question:
    """The question with the columns of a table that hold its places."""
    if (lon is None) != (lat is None):
        raise BadValue("Name both columns of the place, --lon and --lat.")
    if lon and lat:
        return replace(question, x=lon, y=lat)
    x, y, wkt = (_named(first.rows.columns, names) for names in (LON_NAMES, LAT_NAMES, WKT_NAMES))
    if x and y:
        return replace(question, x=x, y=y)
    return replace(question, wkt=wkt) if wkt else question


def _system(read: Layer, asked: str | None, *, tabular: bool) -> tuple[str | None, list[str]]:
    """The coordinate system, and what has to be said about it."""
    if asked is not None:
        known_crs(asked)
        return asked, []
    if read.findings.crs is not None:
        try:
            system = known_crs(read.findings.crs)
        except WrongCrs:
            # A local or engineering system: what it holds are lengths on paper, as good as metres to the methods.
            return None, ["The file's coordinate system has no place on the Earth; its numbers are taken as metres."]
        return _short(system), []
    bounds = shapely.total_bounds(read.shapes)
    if not np.isfinite(bounds).all():
        return None, []
    if tabular and _look_like_degrees(bounds):
        return DEGREES, ["No coordinate system is named; the numbers are taken as degrees of longitude and latitude."]
    return None, ["No coordinate system is named; the numbers are taken as metres. Say another with --crs."]


def _look_like_degrees(bounds: Floats) -> bool:
    return bool(np.abs(bounds[[0, 2]]).max() <= 180 and np.abs(bounds[[1, 3]]).max() <= 90)


def _short(system: pyproj.CRS) -> str:
    authority = system.to_authority()
    return ":".join(authority) if authority else str(system.to_wkt())


def _ids(rows: pd.DataFrame, asked: str | None, file: str) -> list[str]:
    """Names of the rows: the column asked for, else one with a usual name and no value twice, else numbers from 1."""
    if asked is not None:
        if asked not in rows:
            raise BadValue(f"There is no column {asked!r} in {file}. It has: {', '.join(map(str, rows.columns))}", column=asked)
        return [_text(each) for each in rows[asked]]
    found = _named(rows.columns, ID_NAMES)
    if found is not None and found.lower() == "id":
        return [_text(each) for each in rows[found]]
    if found is not None and rows[found].is_unique and not any(_nothing(each) for each in rows[found]):
        return [_text(each) for each in rows[found]]
    return [str(row) for row in range(1, len(rows) + 1)]


def _named(columns: Iterable[object], names: tuple[str, ...]) -> str | None:
    """The column with one of these names, whatever its case; the earliest name wins."""
    there = {str(each).strip().lower(): str(each) for each in columns}
    return next((there[name] for name in names if name in there), None)


def _nothing(value: object) -> bool:
    return value is None or value is pd.NaT or (isinstance(value, float) and not np.isfinite(value)) or absent(value)


def _text(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if _nothing(value) else str(value)
