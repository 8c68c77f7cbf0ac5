"""The one gate for geometry that arrives as GeoJSON: it lets sound shapes in and says exactly why others stay out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite

import shapely
from shapely.geometry import LineString, MultiPolygon, Point, Polygon

from gis.errors import BadCoordinate, BadGeometry, OutsideDistrict, TooLarge

MAX_VERTICES = 100_000
MAX_COORDINATE = 1e12  # beyond metres on any projection
Bounds = tuple[float, float, float, float]
Position = tuple[float, float]


@dataclass
class _Gate:
    """What one geometry may use: where it may lie (west, south, east, north; degrees) and the vertices left."""

    bounds: Bounds | None
    max_vertices: int
    seen: int = 0


def point_from_geojson(value: object, *, bounds: Bounds | None) -> Point:
    """A GeoJSON Point (degrees) within the district's bounds.

    Raises BadGeometry, BadCoordinate or OutsideDistrict with what is wrong and where. A third number is left out.
    """
    coordinates = _coordinates_of(value, ("Point",))[1]
    return Point(_position(coordinates, "coordinates", _Gate(bounds, 1)))


def line_from_geojson(value: object, *, bounds: Bounds | None, max_vertices: int = MAX_VERTICES) -> LineString:
    """A GeoJSON LineString (degrees) of two or more different positions; refusals as for polygons."""
    coordinates = _coordinates_of(value, ("LineString",))[1]
    positions = _positions(coordinates, "coordinates", _Gate(bounds, max_vertices))
    if len(set(positions)) < 2:
        raise BadGeometry("A line needs two different positions.", where="coordinates", positions=len(positions))
    return LineString(positions)


def polygon_from_geojson(value: object, *, bounds: Bounds | None, max_vertices: int = MAX_VERTICES) -> Polygon | MultiPolygon:
    """A GeoJSON Polygon or MultiPolygon (already parsed JSON, degrees) as it stands, or a refusal.

    `bounds` is the deployment's own district with its margin: west, south, east, north in degrees; None asks only
    for degrees. Raises BadGeometry (type, structure, open ring, validity with reason and place), BadCoordinate (not
    finite, no degrees), OutsideDistrict (with a hint if the axes seem swapped), TooLarge. Nothing is repaired.
    """
    kind, coordinates = _coordinates_of(value, ("Polygon", "MultiPolygon"))
    gate = _Gate(bounds, max_vertices)
    if kind == "Polygon":
        shape: Polygon | MultiPolygon = _polygon(coordinates, "coordinates", gate)
    else:
        parts = _list(coordinates, "coordinates")
        shape = MultiPolygon([_polygon(part, f"coordinates[{at}]", gate) for at, part in enumerate(parts)])
    if not shape.is_valid:
        reason = shapely.is_valid_reason(shape)
        raise BadGeometry("The polygon is not valid.", reason=reason)
    if shape.area == 0:
        raise BadGeometry("The polygon has no ground.", reason="area 0")
    return shape


def _coordinates_of(value: object, kinds: tuple[str, ...]) -> tuple[str, object]:
    if not isinstance(value, Mapping):
        raise BadGeometry("A GeoJSON geometry is an object.", found=type(value).__name__)
    kind = value.get("type")
    if kind == "Feature" and isinstance(value.get("geometry"), Mapping):
        return _coordinates_of(value["geometry"], kinds)
    if kind not in kinds:
        raise BadGeometry("The geometry is of the wrong type.", found=str(kind)[:50], expected=list(kinds))
    if "crs" in value:
        raise BadGeometry("GeoJSON is in degrees of WGS84; a crs member is not accepted.", where="crs")
    if "coordinates" not in value:
        raise BadGeometry("The geometry has no coordinates.", where="coordinates")
    return str(kind), value["coordinates"]


def _polygon(rings: object, where: str, gate: _Gate) -> Polygon:
    lines = [_ring(ring, f"{where}[{at}]", gate) for at, ring in enumerate(_list(rings, where))]
    return Polygon(lines[0], lines[1:])


def _ring(value: object, where: str, gate: _Gate) -> list[Position]:
    ring = _positions(value, where, gate)
    if len(ring) < 4:
        raise BadGeometry("A ring needs at least four positions.", where=where, positions=len(ring))
    if ring[0] != ring[-1]:
        raise BadGeometry("A ring is open: its last position is not its first.", where=where, first=ring[0], last=ring[-1])
    return ring


def _positions(value: object, where: str, gate: _Gate) -> list[Position]:
    items = _list(value, where)
    gate.seen += len(items)
    if gate.seen > gate.max_vertices:
        raise TooLarge("The geometry has too many vertices.", maximum=gate.max_vertices, where=where)
    return [_position(item, f"{where}[{at}]", gate) for at, item in enumerate(items)]


def _position(value: object, where: str, gate: _Gate) -> Position:
    items = _list(value, where)
    if not 2 <= len(items) <= 3:
        raise BadGeometry("A position is longitude and latitude.", where=where, numbers=len(items))
    lon, lat = (_number(item, where) for item in items[:2])
    if len(items) == 3:
        _number(items[2], where)
    if not (abs(lon) <= 180 and abs(lat) <= 90):
        hint = _hint(lon, lat, gate.bounds)
        raise BadCoordinate("A coordinate is not a degree of longitude and latitude.", where=where, lon=lon, lat=lat, hint=hint)
    if gate.bounds is not None and not _within(lon, lat, gate.bounds):
        hint = _hint(lon, lat, gate.bounds)
        raise OutsideDistrict("The place lies far from this district.", where=where, lon=lon, lat=lat, bounds=gate.bounds, hint=hint)
    return lon, lat


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadCoordinate("A coordinate is not a number.", where=where, found=type(value).__name__)
    # A whole number of JSON can be too long for a float.
    number = float(value) if abs(value) < MAX_COORDINATE else inf
    if not isfinite(number):
        raise BadCoordinate("A coordinate is not a finite number.", where=where)
    return number


def _hint(lon: float, lat: float, bounds: Bounds | None) -> str | None:
    """What probably happened: swapped-axes, metres, or nothing known."""
    if bounds is not None and _within(lat, lon, bounds):
        return "swapped-axes"
    return "metres" if abs(lon) > 180 and abs(lat) > 90 else None


def _within(lon: float, lat: float, bounds: Bounds) -> bool:
    west, south, east, north = bounds
    return west <= lon <= east and south <= lat <= north


def _list(value: object, where: str) -> Sequence[object]:
    if not isinstance(value, list | tuple):
        raise BadGeometry("The coordinates are nested wrongly.", where=where, found=type(value).__name__)
    if not value:
        raise BadGeometry("The coordinates are empty.", where=where)
    return value
