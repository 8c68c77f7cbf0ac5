"""Shapes of a file → degrees of the deployment, or the reason why not: coordinate system, datum and the district's own bounds."""

from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from api.imports.mapping import LayerMapping
from data.files.layer import Layer
from gis import crs
from gis.errors import OutsideDistrict, WrongCrs

Shapes = NDArray[np.object_]
MARGIN = 0.5
"""How far beyond the district's bounds a place may lie and still be near it, as a share of their size."""
MOST = 0.5
SHIFT_GAIN = 0.02
"""A share of places this much higher in another datum is a reason to ask."""


@dataclass(frozen=True)
class District:
    """The deployment's own ground, degrees: what is sensible is measured by it."""

    outline: BaseGeometry

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north."""
        west, south, east, north = self.outline.bounds
        return west, south, east, north

    def near(self, points: Shapes) -> NDArray[np.bool_]:
        """Whether points lie within the district's bounds and half their size around."""
        west, south, east, north = self.bounds
        x, y = shapely.get_x(points), shapely.get_y(points)
        across, up = (east - west) * MARGIN, (north - south) * MARGIN
        return np.asarray((x >= west - across) & (x <= east + across) & (y >= south - up) & (y <= north + up))


@dataclass
class Placed:
    """Shapes in degrees (None where there is none), why rows are refused, and what a person should know."""

    shapes: Shapes
    refused: dict[int, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def in_degrees(layer: Layer, mapping: LayerMapping, district: District | None) -> Placed:
    """Shapes of a layer as degrees of EPSG:4490.

    Raises WrongCrs when the system has to be said or cannot be what it says; OutsideDistrict when most of the file lies elsewhere.
    """
    given = ~shapely.is_missing(layer.shapes) & ~shapely.is_empty(layer.shapes)
    placed = Placed(np.full(len(layer), None, dtype=object))
    if not given.any():
        return placed
    system = _system(layer, mapping)
    sound = np.flatnonzero(given)
    finite = np.isfinite(shapely.bounds(layer.shapes[sound])).all(axis=1)
    for row in sound[~finite]:
        placed.refused[int(row)] = "A coordinate is not a finite number."
    sound = sound[finite]
    if crs.known_crs(system).is_geographic:
        sound = _within_the_earth(layer.shapes, sound, system, placed)
    placed.shapes[sound] = crs.geometry_from(system, layer.shapes[sound], datum=mapping.datum or "wgs84")
    _ask_for_datum(placed.shapes[sound], system, mapping, district)
    if district is not None:
        _refuse_elsewhere(placed, sound, mapping, district)
    return placed


def _system(layer: Layer, mapping: LayerMapping) -> str:
    if mapping.crs is not None:
        return mapping.crs
    if layer.findings.crs is not None:
        return layer.findings.crs
    bounds = [round(float(each), 3) for each in shapely.total_bounds(layer.shapes)]
    raise WrongCrs(
        f"The file does not say its coordinate system. Its numbers run from {bounds[0]}, {bounds[1]} to {bounds[2]}, {bounds[3]}."
        ' Say which it is, for instance crs = "EPSG:4490".', bounds=bounds,
    )  # fmt: skip


def _within_the_earth(shapes: Shapes, sound: NDArray[np.int64], system: str, placed: Placed) -> NDArray[np.int64]:
    """Rows whose degrees are degrees; single misfits are refused, a file of them is of another system."""
    bounds = shapely.bounds(shapes[sound])
    fits = (np.abs(bounds[:, [0, 2]]) <= 180).all(axis=1) & (np.abs(bounds[:, [1, 3]]) <= 90).all(axis=1)
    if fits.mean() < MOST:
        x, y = bounds[np.argmin(fits), 0], bounds[np.argmin(fits), 1]
        raise WrongCrs(
            f"The numbers do not fit {system}: {x:g}, {y:g} is no place in degrees. Say the true system with crs = …",
            misfits=int((~fits).sum()), rows=len(sound),
        )  # fmt: skip
    for row in sound[~np.asarray(fits)]:
        placed.refused[int(row)] = "The coordinates are no degrees of longitude and latitude."
    return sound[fits]


def _ask_for_datum(shapes: Shapes, system: str, mapping: LayerMapping, district: District | None) -> None:
    """In China degrees come in three datums that look alike; ground must say which it is."""
    if mapping.datum is not None or district is not None or not len(shapes) or crs.known_crs(system).to_epsg() != 4326:
        return
    x, y = (float(each) for each in np.nanmedian(shapely.get_coordinates(shapely.centroid(shapes)), axis=0))
    if not (_moved(x, y) < 1e-9).all():
        raise WrongCrs(
            "The ground lies where degrees come as WGS 84, as GCJ-02 (AMap, Tencent, most web maps) or as BD-09 (Baidu), some 500 m apart."
            ' Say which: datum = "wgs84", "gcj02" or "bd09".', lon=round(x, 4), lat=round(y, 4),
        )  # fmt: skip


def _moved(lon: float, lat: float) -> NDArray[np.float64]:
    there = crs.wgs84_to_gcj02(np.array([lon]), np.array([lat]))
    inside = (73.5 <= lon <= 135.1) & (18.0 <= lat <= 53.6)
    taiwan = (119.3 <= lon <= 122.1) & (21.8 <= lat <= 25.4)
    return np.array([abs(float(there[0][0]) - lon), abs(float(there[1][0]) - lat)]) * (inside and not taiwan)


def _refuse_elsewhere(placed: Placed, sound: NDArray[np.int64], mapping: LayerMapping, district: District) -> None:
    points = np.asarray(shapely.point_on_surface(placed.shapes[sound]), dtype=object)
    near = district.near(points)
    if not near.size:
        return
    if near.mean() < MOST:
        raise OutsideDistrict(_elsewhere(points, near, district), near=int(near.sum()), rows=len(near))
    if mapping.datum is None:
        _doubt_datum(points[near], placed, district)


def _elsewhere(points: Shapes, near: NDArray[np.bool_], district: District) -> str:
    share = f"Only {int(near.sum())} of {len(near)} places lie near the district"
    if district.near(np.asarray(shapely.points(shapely.get_y(points), shapely.get_x(points)), dtype=object)).mean() > MOST:
        return f"{share}; with longitude and latitude exchanged most of them would. Exchange x and y in the mapping."
    x, y = float(np.median(shapely.get_x(points))), float(np.median(shapely.get_y(points)))
    return (
        f"{share}: most are around {x:.3f}, {y:.3f}, the district around {district.outline.centroid.x:.3f},"
        f" {district.outline.centroid.y:.3f}. The coordinate system was probably named wrongly, or the file is of another place."
    )


def _doubt_datum(points: Shapes, placed: Placed, district: District) -> None:
    """Say, never mend: in another datum clearly more places would lie inside the district."""
    lon, lat = shapely.get_x(points), shapely.get_y(points)
    if (_moved(float(np.median(lon)), float(np.median(lat))) < 1e-9).all():
        return
    shapely.prepare(district.outline)
    plain = float(np.mean(shapely.contains_xy(district.outline, lon, lat)))
    for name, undone in (("gcj02", crs.gcj02_to_wgs84(lon, lat)), ("bd09", crs.bd09_to_wgs84(lon, lat))):
        share = float(np.mean(shapely.contains_xy(district.outline, *undone)))
        if share > plain + SHIFT_GAIN:
            placed.notes.append(
                f"{plain:.1%} of the places lie in the district as they are, {share:.1%} if they are {name}."
                f' If that is what they are, say datum = "{name}".'
            )
