"""Mending a file: from the file's own coordinates to the lattice, and back where the exact tiling survives the way."""

from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon

from data.files.polygons import PolygonFile
from gis.certificate import loose_edges
from gis.crs import STORAGE_EPSG, LocalMetres, geometry_from
from gis.defects import WIDE_M, as_read
from gis.faces import Shapes, coverage_union, mean_width_m, polygonal
from gis.junctions import with_junctions
from gis.mending import MendReport, mend

Codes = NDArray[np.object_]
JUNCTION_M = 0.001  # within which a vertex is taken to lie on a side


@dataclass
class Mended:
    """The mended rows, what changed hands (from, to, area_m2), what was left (kind, codes, area_m2, reason), rings rebuilt."""

    frame: gpd.GeoDataFrame
    exact: bool
    crs: str
    moved: list[dict[str, Any]]
    left: list[dict[str, Any]]
    repaired: list[dict[str, Any]]
    notes: list[str] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "polygons": len(self.frame), "exact": self.exact, "crs": self.crs,
            "moved_m2": sum(each["area_m2"] for each in self.moved), "moved": self.moved, "left": self.left, "repaired": self.repaired,
        }  # fmt: skip


def mended(given: PolygonFile, ground: PolygonFile | None, *, steps: tuple[str, ...], gap_m: float | None) -> Mended:
    """Mend the polygons of a file within the ground of another, or within their own union.

    Gaps wider than `gap_m` stay; by default all are filled within a parent, and those up to WIDE_M without one, where a
    wide hole may be a lake or another's land. Raises as gis.mending.mend does.
    """
    metres = given.metres.local
    shapes, outer = _degrees(given, ground)
    read = as_read(shapes)
    areal = shapely.area(read) > 0
    outline, wide = _outline(read[areal], outer, metres, gap_m if gap_m is not None or ground is not None else WIDE_M)
    rows = given.rows[areal].reset_index(drop=True)
    numbers = np.arange(len(rows))
    frame = gpd.GeoDataFrame({"code": numbers}, geometry=list(shapes[areal]), crs=STORAGE_EPSG)
    asked = steps if ground is not None else tuple({"fit": "outline"}.get(step, step) for step in steps)
    report = mend(frame, outline, steps=asked, metres=metres)
    codes = given.codes[areal]
    kept = report.frame["code"].to_numpy()
    left = [*_empty(given.codes[~areal]), *_left(report, codes), *_wide(wide, metres)]
    result = gpd.GeoDataFrame(rows.iloc[kept].reset_index(drop=True), geometry=list(report.frame.geometry), crs=STORAGE_EPSG)
    result, notes = _home(result, given, report)
    crs = ":".join(result.crs.to_authority() or (result.crs.name,))
    return Mended(result, report.exact, crs, _moved(report, codes), left, _repaired(report, codes), notes)


def _degrees(given: PolygonFile, ground: PolygonFile | None) -> tuple[Shapes, Shapes | None]:
    """The polygons and the parent's in degrees; what meets in metres meets there too."""
    if not given.system.is_projected:
        return given.degrees, None if ground is None else ground.degrees
    together = ground is not None and ground.system.equals(given.system, ignore_axis_order=True)
    count = len(given.shapes)
    shapes = np.concatenate([given.shapes, ground.shapes]) if ground is not None and together else given.shapes
    shapes = geometry_from(given.system, with_junctions(shapes, JUNCTION_M))
    return shapes[:count], None if ground is None else shapes[count:] if together else ground.degrees


def _outline(shapes: Shapes, ground: Shapes | None, metres: LocalMetres, gap_m: float | None) -> tuple[Polygon | MultiPolygon, Shapes]:
    """The ground to be tiled, and the wide gaps in it that are to stay."""
    union = polygonal(shapely.union_all(shapes))
    if ground is None:
        rings = shapely.get_rings(shapely.get_parts(union))
        whole = polygonal(shapely.union_all(shapely.polygons(rings)))
    else:
        whole = coverage_union(ground) or Polygon()
        if not (shapely.is_valid(whole) and shapely.area(whole) > 0):
            whole = polygonal(shapely.union_all(as_read(ground)))
    if gap_m is None:
        return whole, np.empty(0, dtype=object)
    gaps = shapely.get_parts(polygonal(shapely.difference(whole, union)))
    wide = gaps[mean_width_m(metres.to_metres(gaps)) > gap_m]
    return (polygonal(shapely.difference(whole, shapely.union_all(wide))) if len(wide) else whole), wide


def _home(result: gpd.GeoDataFrame, given: PolygonFile, report: MendReport) -> tuple[gpd.GeoDataFrame, list[str]]:
    """The result in the coordinate system of the file, if it is as exact there."""
    if given.system.is_geographic and given.system.to_epsg() in (4326, STORAGE_EPSG):
        return result.set_crs(given.system, allow_override=True), []
    there = result.to_crs(given.system)
    shapes = np.array(there.geometry.array, dtype=object)
    whole = coverage_union(shapes)
    exact = whole is not None and shapely.is_valid(shapes).all() and not loose_edges(list(shapes), whole, anywhere=True)
    if exact or not report.exact:
        return there, []
    return result, [f"It would not be exact in {given.system.name}, so it is on the lattice in EPSG:{STORAGE_EPSG}."]


def _moved(report: MendReport, codes: Codes) -> list[dict[str, Any]]:
    rows = report.moved.to_dict("records")
    return [{"from": _name(row["from_code"], codes), "to": _name(row["to_code"], codes), "area_m2": row["area_m2"]} for row in rows]


def _name(number: Any, codes: Codes) -> str | None:
    return None if number is None else str(codes[number])


def _repaired(report: MendReport, codes: Codes) -> list[dict[str, Any]]:
    return [{"code": str(codes[row["code"]]), "reason": row["reason"]} for row in report.repaired.to_dict("records")]


def _left(report: MendReport, codes: Codes) -> list[dict[str, Any]]:
    rows = pd.DataFrame(report.refused.drop(columns="geometry")).to_dict("records")
    return [{**{str(name): value for name, value in row.items()}, "codes": [str(codes[each]) for each in row["codes"]]} for row in rows]


def _empty(codes: Codes) -> list[dict[str, Any]]:
    reason = "there is no ground; the row is not in the result"
    return [{"kind": "empty", "codes": [str(code)], "area_m2": 0.0, "reason": reason} for code in codes]


def _wide(gaps: Shapes, metres: LocalMetres) -> list[dict[str, Any]]:
    reason = "wider than gaps that are filled (--gap); a lake, another's land, or a polygon that is missing"
    return [{"kind": "gap", "codes": [], "area_m2": float(metres.to_metres(gap).area), "reason": reason} for gap in gaps]
