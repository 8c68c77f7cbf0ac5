"""The one door between degrees and metres, and between WGS84/CGCS2000, GCJ-02 and BD-09.

Degrees are longitude first, EPSG:4490. CGCS2000 and WGS84 differ by less than a few centimetres, less than any
source we read is sure of, so degrees of EPSG:4326 and EPSG:4490 are taken as equal.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Protocol, TypeVar

import numpy as np
import pyproj
import shapely
from numpy.typing import ArrayLike, NDArray

from gis.errors import BadCoordinate, WrongCrs

STORAGE_EPSG = 4490
Datum = Literal["wgs84", "gcj02", "bd09"]
Shapes = TypeVar("Shapes")
Floats = NDArray[np.float64]
Pair = tuple[Floats, Floats]

KEY_ZOOM = 24
CELL_ZOOM = 14
CELL_SHIFT = 2 * (KEY_ZOOM - CELL_ZOOM)
MERCATOR_LATITUDE = 85.0511287798066  # degrees, where Web Mercator's square ends

# Published constants of GCJ-02: the Krasovsky ellipsoid and the box in which the offset applies, degrees.
GCJ_AXIS_M = 6378245.0
GCJ_ECCENTRICITY2 = 0.00669342162296594323
GCJ_BOX = (72.004, 0.8293, 137.8347, 55.8271)
BD_ANGLE = math.pi * 3000.0 / 180.0
BD_SHIFT = (0.0065, 0.006)
INVERSE_DEGREES = 1e-11
INVERSE_ROUNDS = 30


class Measure(Protocol):
    """Whatever turns the coordinates of shapes into metres."""

    def to_metres(self, geoms: Shapes) -> Shapes:
        """Geometries → in metres; one geometry or an array."""
        ...


@dataclass(frozen=True)
class LocalMetres:
    """A transverse Mercator centred on a deployment: metres, true to 2 mm in 100 m within 35 km of its meridian."""

    lon0: float
    lat0: float

    def to_metres(self, geoms: Shapes) -> Shapes:
        """Geometries in degrees → in metres east and north of the centre; one geometry or an array."""
        return shapely.transform(geoms, self._forward)  # type: ignore[call-overload, no-any-return]

    def to_degrees(self, geoms: Shapes) -> Shapes:
        """Geometries in metres east and north of the centre → in degrees; one geometry or an array."""
        return shapely.transform(geoms, self._backward)  # type: ignore[call-overload, no-any-return]

    def xy(self, lon: ArrayLike, lat: ArrayLike) -> Pair:
        """Degrees → metres east and north of the centre, as two arrays."""
        x, y = _local_transformer(self.lon0, self.lat0).transform(_floats(lon), _floats(lat))
        return np.asarray(x), np.asarray(y)

    def degrees(self, x: ArrayLike, y: ArrayLike) -> Pair:
        """Metres east and north of the centre → degrees, as two arrays."""
        there = _local_transformer(self.lon0, self.lat0)
        lon, lat = there.transform(_floats(x), _floats(y), direction=pyproj.enums.TransformDirection.INVERSE)
        return np.asarray(lon), np.asarray(lat)

    def _forward(self, coords: Floats) -> Floats:
        return _through(_local_transformer(self.lon0, self.lat0), coords)

    def _backward(self, coords: Floats) -> Floats:
        return _through(_local_transformer(self.lon0, self.lat0), coords, inverse=True)


@dataclass(frozen=True)
class SourceMetres:
    """Metres of shapes in the coordinates of their source, so that a check never moves a vertex before it compares."""

    system: pyproj.CRS
    local: LocalMetres

    def to_metres(self, geoms: Shapes) -> Shapes:
        """Geometries in the source's coordinates, east first → in metres; one geometry or an array."""
        return self.local.to_metres(geometry_from(self.system, geoms))


def local_metres(lon0: float, lat0: float) -> LocalMetres:
    """Metres around a deployment whose middle is at `lon0`, `lat0` (degrees); BadCoordinate if that is no place."""
    if not (math.isfinite(lon0) and math.isfinite(lat0) and abs(lon0) <= 180 and abs(lat0) < 89):
        raise BadCoordinate("The middle of the deployment is not a longitude and a latitude.", lon=lon0, lat=lat0)
    return LocalMetres(float(lon0), float(lat0))


def geometry_from(source_crs: str | int | pyproj.CRS, geoms: Shapes, *, datum: Datum = "wgs84") -> Shapes:
    """Geometries of a source, east first, → degrees of EPSG:4490; one geometry or an array.

    `datum` says that geographic coordinates are GCJ-02 (AMap, Tencent) or BD-09 (Baidu) instead of true ones.
    Raises WrongCrs if the system is unknown, is not of the Earth's surface, or does not fit the numbers.
    """
    system = known_crs(source_crs)
    if datum != "wgs84" and not system.is_geographic:
        raise WrongCrs("GCJ-02 and BD-09 are degrees; the source is in metres.", crs=system.to_string(), datum=datum)
    undo: dict[str, Callable[[ArrayLike, ArrayLike], Pair]] = {"gcj02": gcj02_to_wgs84, "bd09": bd09_to_wgs84}
    if datum not in ("wgs84", *undo):
        raise WrongCrs("The datum is wgs84, gcj02 or bd09.", datum=datum)

    def to_degrees(coords: Floats) -> Floats:
        degrees = _degrees_of(system, coords)
        return np.column_stack(undo[datum](degrees[:, 0], degrees[:, 1])) if datum in undo else degrees

    return shapely.transform(geoms, to_degrees)  # type: ignore[call-overload, no-any-return]


def known_crs(source_crs: str | int | pyproj.CRS) -> pyproj.CRS:
    """A coordinate system by EPSG number, name or WKT; WrongCrs if it is unknown or has no link to the Earth."""
    try:
        system = pyproj.CRS.from_user_input(source_crs)
    except pyproj.exceptions.CRSError as problem:
        raise WrongCrs("The coordinate system is unknown.", crs=str(source_crs)[:200]) from problem
    if not (system.is_geographic or system.is_projected):
        raise WrongCrs("The coordinate system has no link to longitude and latitude.", crs=system.name)
    return system


def wgs84_to_gcj02(lon: ArrayLike, lat: ArrayLike) -> Pair:
    """True degrees → GCJ-02 degrees; outside China's box nothing moves."""
    lon, lat = _floats(lon), _floats(lat)
    d_lon, d_lat = _gcj_offset(lon, lat)
    return lon + d_lon, lat + d_lat


def gcj02_to_wgs84(lon: ArrayLike, lat: ArrayLike) -> Pair:
    """GCJ-02 degrees → true degrees, by iteration until the way back agrees to 1e-11 degree."""
    return _inverse(wgs84_to_gcj02, _floats(lon), _floats(lat), _floats(lon), _floats(lat))


def gcj02_to_bd09(lon: ArrayLike, lat: ArrayLike) -> Pair:
    """GCJ-02 degrees → BD-09 degrees."""
    lon, lat = _floats(lon), _floats(lat)
    radius = np.hypot(lon, lat) + 2e-5 * np.sin(lat * BD_ANGLE)
    angle = np.arctan2(lat, lon) + 3e-6 * np.cos(lon * BD_ANGLE)
    return radius * np.cos(angle) + BD_SHIFT[0], radius * np.sin(angle) + BD_SHIFT[1]


def bd09_to_gcj02(lon: ArrayLike, lat: ArrayLike) -> Pair:
    """BD-09 degrees → GCJ-02 degrees, by iteration until the way back agrees to 1e-11 degree."""
    lon, lat = _floats(lon), _floats(lat)
    return _inverse(gcj02_to_bd09, lon, lat, lon - BD_SHIFT[0], lat - BD_SHIFT[1])


def wgs84_to_bd09(lon: ArrayLike, lat: ArrayLike) -> Pair:
    """True degrees → BD-09 degrees."""
    return gcj02_to_bd09(*wgs84_to_gcj02(lon, lat))


def bd09_to_wgs84(lon: ArrayLike, lat: ArrayLike) -> Pair:
    """BD-09 degrees → true degrees."""
    return gcj02_to_wgs84(*bd09_to_gcj02(lon, lat))


def morton_key(lon: ArrayLike, lat: ArrayLike) -> NDArray[np.int64]:
    """The Morton code of each place at zoom 24 of the Web Mercator square: places near on the map are near in order.

    Longitude beyond ±180 and latitude beyond ±85.05 degrees go to the edge of the square.
    """
    lon, lat = _floats(lon), _floats(lat)
    if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
        raise BadCoordinate("A coordinate is not a finite number.")
    radians = np.radians(np.clip(lat, -MERCATOR_LATITUDE, MERCATOR_LATITUDE))
    column = (lon + 180.0) / 360.0
    row = (1.0 - np.arcsinh(np.tan(radians)) / np.pi) / 2.0
    size = 2**KEY_ZOOM
    x = np.clip(np.floor(column * size), 0, size - 1).astype(np.int64)
    y = np.clip(np.floor(row * size), 0, size - 1).astype(np.int64)
    return _spread(x) | (_spread(y) << 1)


def cell_of(lon: ArrayLike, lat: ArrayLike) -> NDArray[np.int32]:
    """The Morton code of each place at zoom 14: the immutable spatial cell in the keys of big tables."""
    return (morton_key(lon, lat) >> CELL_SHIFT).astype(np.int32)


def tile_cells(z: int, x: int, y: int) -> tuple[int, int]:
    """The places of a map tile are exactly those with `lo <= morton_key < hi`, for zooms 0 to 24."""
    if not (0 <= z <= KEY_ZOOM and 0 <= x < 2**z and 0 <= y < 2**z):
        raise BadCoordinate("There is no such map tile.", z=z, x=x, y=y)
    code = int(_spread(np.int64(x)) | (_spread(np.int64(y)) << 1))
    shift = 2 * (KEY_ZOOM - z)
    return code << shift, (code + 1) << shift


@lru_cache(maxsize=64)
def _local_transformer(lon0: float, lat0: float) -> pyproj.Transformer:
    centre = f"+lat_0={lat0!r} +lon_0={lon0!r} +k=1 +ellps=GRS80"
    return pyproj.Transformer.from_pipeline(f"+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=tmerc {centre}")


@lru_cache(maxsize=64)
def _to_wgs84(system: pyproj.CRS) -> pyproj.Transformer:
    try:
        return pyproj.Transformer.from_crs(system, 4326, always_xy=True)
    except pyproj.exceptions.ProjError as problem:
        raise WrongCrs("There is no way from this coordinate system to degrees.", crs=str(system.name)[:200]) from problem


def _through(transformer: pyproj.Transformer, coords: Floats, *, inverse: bool = False) -> Floats:
    direction = pyproj.enums.TransformDirection.INVERSE if inverse else pyproj.enums.TransformDirection.FORWARD
    return np.column_stack(transformer.transform(coords[:, 0], coords[:, 1], direction=direction))


def _degrees_of(system: pyproj.CRS, coords: Floats) -> Floats:
    """Source coordinates → degrees; numbers that cannot belong to the system are refused, not bent."""
    if system.is_geographic:
        _within_the_earth(system, coords)
        if system.to_epsg() in (4326, STORAGE_EPSG):
            return coords
    degrees = _through(_to_wgs84(system), coords)
    _within_the_earth(system, degrees)
    return degrees


def _within_the_earth(system: pyproj.CRS, degrees: Floats) -> None:
    fits = (np.abs(degrees[:, 0]) <= 180.0) & (np.abs(degrees[:, 1]) <= 90.0)
    if not fits.all():
        first = degrees[np.argmin(fits)]
        raise WrongCrs(
            "The numbers do not fit the coordinate system; it was probably named wrongly.",
            crs=system.name, x=float(first[0]), y=float(first[1]), misfits=int((~fits).sum()),
        )  # fmt: skip


def _gcj_offset(lon: Floats, lat: Floats) -> Pair:
    """The published offset of GCJ-02 at true degrees, in degrees; none outside China's box."""
    x, y = lon - 105.0, lat - 35.0
    waves = (20.0 * np.sin(6.0 * x * np.pi) + 20.0 * np.sin(2.0 * x * np.pi)) * 2.0 / 3.0
    root = np.sqrt(np.abs(x))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + waves
    north += (20.0 * np.sin(y * np.pi) + 40.0 * np.sin(y / 3.0 * np.pi)) * 2.0 / 3.0
    north += (160.0 * np.sin(y / 12.0 * np.pi) + 320.0 * np.sin(y * np.pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + waves
    east += (20.0 * np.sin(x * np.pi) + 40.0 * np.sin(x / 3.0 * np.pi)) * 2.0 / 3.0
    east += (150.0 * np.sin(x / 12.0 * np.pi) + 300.0 * np.sin(x / 30.0 * np.pi)) * 2.0 / 3.0
    latitude = np.radians(lat)
    magic = 1.0 - GCJ_ECCENTRICITY2 * np.sin(latitude) ** 2
    meridian = GCJ_AXIS_M * (1.0 - GCJ_ECCENTRICITY2) / (magic * np.sqrt(magic))
    parallel = GCJ_AXIS_M / np.sqrt(magic) * np.cos(latitude)
    west, south, east_end, north_end = GCJ_BOX
    inside = (lon >= west) & (lon <= east_end) & (lat >= south) & (lat <= north_end)
    return np.where(inside, np.degrees(east / parallel), 0.0), np.where(inside, np.degrees(north / meridian), 0.0)


def _inverse(forward: Callable[[ArrayLike, ArrayLike], Pair], lon: Floats, lat: Floats, lon_guess: Floats, lat_guess: Floats) -> Pair:
    """The place that `forward` sends to lon, lat; the offsets vary slowly, so each round gains three digits."""
    for _ in range(INVERSE_ROUNDS):
        there = forward(lon_guess, lat_guess)
        d_lon, d_lat = lon - there[0], lat - there[1]
        lon_guess, lat_guess = lon_guess + d_lon, lat_guess + d_lat
        worst = np.maximum(np.abs(d_lon), np.abs(d_lat))
        if not (worst > INVERSE_DEGREES).any():
            break
    return lon_guess, lat_guess


def _spread(bits: NDArray[np.int64] | np.int64) -> NDArray[np.int64]:
    """The lower 32 bits with a zero between each two."""
    wide = np.asarray(bits, dtype=np.int64)
    wide = (wide | (wide << 16)) & 0x0000FFFF0000FFFF
    wide = (wide | (wide << 8)) & 0x00FF00FF00FF00FF
    wide = (wide | (wide << 4)) & 0x0F0F0F0F0F0F0F0F
    wide = (wide | (wide << 2)) & 0x3333333333333333
    return (wide | (wide << 1)) & 0x5555555555555555


def _floats(values: ArrayLike) -> Floats:
    return np.asarray(values, dtype=np.float64)
