"""Places and shapes outside, shapely inside: the gate for everything a request says about where."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import cos, isfinite, radians
from typing import Annotated, Any, Literal

import shapely
from fastapi import Depends, Query
from shapely.geometry import MultiPolygon, Point, Polygon
from shapely.geometry.base import BaseGeometry

from api.deps import Session
from api.problems import NOT_JSON
from data.queries import extent
from data.queries.extent import Bounds
from gis import crs as systems
from gis.errors import BadCoordinate, BadGeometry, BadValue, OutsideDistrict, WrongCrs
from gis.geojson_gate import polygon_from_geojson

Datum = Literal["wgs84", "gcj02", "bd09"]
DEGREES = frozenset(
    {"4326", "4490", "EPSG:4326", "EPSG:4490", "CRS84", "OGC:CRS84"}
    | {"urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:EPSG::4326", "urn:ogc:def:crs:EPSG::4490"}
    | {
        "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
        "http://www.opengis.net/def/crs/EPSG/0/4326",
        "http://www.opengis.net/def/crs/EPSG/0/4490",
    }
)
"""Names of degrees, longitude first, as this interface takes them whatever the order in a register."""
RADIUS_AT_MOST_M = 20_000.0
METRES_PER_DEGREE = 110_574.0
"""The shortest degree of latitude, so that a box is never too small."""


@dataclass(frozen=True, slots=True)
class Region:
    """Where to look: a shape, or all within `radius_m` metres of `centre`; `box` holds it either way (degrees)."""

    box: Polygon
    shape: Polygon | MultiPolygon | None = None
    centre: Point | None = None
    radius_m: float | None = None


def _bounds(session: Session) -> Bounds | None:
    return extent.around(extent.bounds(session))


NearDistrict = Annotated[Bounds | None, Depends(_bounds)]
Lon = Annotated[float, Query(description="Longitude, degrees.", examples=[113.0])]
Lat = Annotated[float, Query(description="Latitude, degrees.", examples=[28.2])]
Crs = Annotated[str | None, Query(max_length=80, description="CRS84, EPSG:4326 or EPSG:4490; longitude first.", examples=["CRS84"])]
DatumName = Annotated[Datum, Query(description="gcj02 (AMap, Tencent) or bd09 (Baidu) are turned into true degrees.")]


def _place(bounds: NearDistrict, lon: Lon, lat: Lat, crs: Crs = None, datum: DatumName = "wgs84") -> Point:
    return place_at(lon, lat, crs=crs, datum=datum, bounds=bounds)


Place = Annotated[Point, Depends(_place)]


def place_at(lon: float, lat: float, *, crs: str | None, datum: Datum, bounds: Bounds | None) -> Point:
    """A place a request names as true degrees near the district; a refusal says what is wrong with it."""
    in_degrees(crs)
    if not (isfinite(lon) and isfinite(lat)):
        raise BadCoordinate("A coordinate is not a finite number.")
    place = _true(Point(lon, lat), datum) if abs(lon) <= 180 and abs(lat) <= 90 else Point(lon, lat)
    swapped = bounds is not None and _inside(place.y, place.x, bounds)
    hint = "swapped-axes" if swapped else None
    if abs(lon) > 180 or abs(lat) > 90:
        raise BadCoordinate("A coordinate is not a degree of longitude and latitude.", lon=lon, lat=lat, hint=hint)
    if bounds is not None and not _inside(place.x, place.y, bounds):
        raise OutsideDistrict("The place lies far from this district.", lon=lon, lat=lat, bounds=bounds, hint=hint)
    return place


def in_degrees(crs: str | None) -> None:
    """Refuse a coordinate system that is not degrees with longitude first."""
    if crs is not None and crs not in DEGREES:
        raise WrongCrs("This interface takes degrees: CRS84, EPSG:4326 or EPSG:4490, longitude first.", crs=crs[:80])


def region_from(body: object, *, crs: str | None, datum: Datum, bounds: Bounds | None, most_vertices: int) -> Region:
    """A region of a request: a GeoJSON polygon, {"bbox": […]} or {"center": [lon, lat], "radius_m": metres}."""
    in_degrees(crs)
    if isinstance(body, bytes):
        raise BadValue(NOT_JSON, at="body")
    if not isinstance(body, Mapping):
        raise BadGeometry("A region is a GeoJSON polygon, a bbox, or a center with radius_m.", found=type(body).__name__)
    if "center" in body or "radius_m" in body:
        lon, lat = _numbers(body.get("center"), "center", 2)
        return around(place_at(lon, lat, crs=crs, datum=datum, bounds=bounds), body.get("radius_m"))
    if "bbox" in body and "type" not in body:
        return _box(_numbers(body["bbox"], "bbox", 4), datum, bounds)
    # The bounds are asked of true degrees, so a shifted datum has to be undone first.
    gate_bounds = bounds if datum == "wgs84" else None
    shape = polygon_from_geojson(_without_known_crs(body), bounds=gate_bounds, max_vertices=most_vertices)
    return _of_shape(_true(shape, datum), bounds if datum != "wgs84" else None)


def around(centre: Point, radius_m: object) -> Region:
    """All within a distance, metres on the ellipsoid, up to 20 km."""
    if isinstance(radius_m, bool) or not isinstance(radius_m, int | float) or not 0 < radius_m <= RADIUS_AT_MOST_M:
        raise BadValue("The radius is a number of metres above 0 and at most 20000.", at="radius_m")
    north = radius_m / METRES_PER_DEGREE * 1.001
    east = north / cos(radians(min(abs(centre.y) + north, 89.0)))
    return Region(shapely.box(centre.x - east, centre.y - north, centre.x + east, centre.y + north), None, centre, float(radius_m))


def categories_of(values: list[int] | None) -> list[int] | None:
    """Category ids, or None for all."""
    return sorted(set(values)) if values else None


def _without_known_crs(body: Mapping[str, Any]) -> Mapping[str, Any]:
    named = body.get("crs")
    if named is None:
        return body
    name = named.get("properties", {}).get("name") if isinstance(named, Mapping) and isinstance(named.get("properties"), Mapping) else named
    in_degrees(str(name))
    return {key: value for key, value in body.items() if key != "crs"}


def _box(corners: list[float], datum: Datum, bounds: Bounds | None) -> Region:
    west, south, east, north = corners
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise BadCoordinate("A bbox is west, south, east, north in degrees, west below east and south below north.", at="bbox")
    return _of_shape(_true(shapely.box(west, south, east, north), datum), bounds)


def _of_shape(shape: Polygon | MultiPolygon, bounds: Bounds | None) -> Region:
    if bounds is not None and not shape.intersects(shapely.box(*bounds)):
        west, south, east, north = shape.bounds
        hint = "swapped-axes" if shapely.box(south, west, north, east).intersects(shapely.box(*bounds)) else None
        raise OutsideDistrict("The shape lies far from this district.", bounds=bounds, hint=hint)
    return Region(shapely.box(*shape.bounds), shape)


def _true(shape: Any, datum: Datum) -> Any:
    moved: BaseGeometry = shape if datum == "wgs84" else systems.geometry_from(4326, shape, datum=datum)
    return moved


def _numbers(value: object, at: str, count: int) -> list[float]:
    if not isinstance(value, list | tuple) or len(value) != count:
        raise BadValue(f"{count} numbers are needed here.", at=at)
    for each in value:
        if isinstance(each, bool) or not isinstance(each, int | float) or abs(each) > 1e9 or not isfinite(each):
            raise BadCoordinate("A coordinate is not a finite number of degrees.", at=at)
    return [float(each) for each in value]


def _inside(lon: float, lat: float, bounds: Bounds) -> bool:
    west, south, east, north = bounds
    return west <= lon <= east and south <= lat <= north
