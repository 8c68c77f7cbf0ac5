"""What is wrong with a set of polygons that should tile an outline, with places and sizes for a person to judge."""

from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon

from gis.crs import STORAGE_EPSG, LocalMetres
from gis.faces import mean_width_m, polygonal
from gis.lattice import on_lattice
from gis.mending import sound_polygons

KINDS = ("invalid", "duplicate_code", "multipart", "off_lattice", "sliver", "overlap", "gap", "outside")
SLIVER_WIDTH_M = 2.0

Shapes = NDArray[np.object_]
Row = tuple[str, shapely.Geometry, tuple[object, ...], str]


def defects(
    frame: gpd.GeoDataFrame,
    outline: Polygon | MultiPolygon | None = None,
    *,
    metres: LocalMetres,
    sliver_width_m: float = SLIVER_WIDTH_M,
) -> gpd.GeoDataFrame:
    """Every defect of polygons with a `code` (degrees): kind, codes concerned, area_m2, width_m, detail, geometry.

    invalid: a broken ring, with the reason. duplicate_code. multipart: more than one piece. off_lattice: a vertex is
    not on the lattice. sliver: a whole piece of a polygon narrower than `sliver_width_m`. overlap: ground of two.
    gap: ground of nobody inside the outline, or without an outline inside the union. outside: ground beyond the
    outline. Widths are means, 2 · area / perimeter. For overlaps and gaps broken rings count as `make_valid` reads
    them. Raises BadGeometry if a polygon has no ground.
    """
    codes = np.asarray(frame["code"].to_numpy(), dtype=object)
    given = np.array(frame.geometry.array, dtype=object)
    shapes, _ = sound_polygons(frame, codes)
    rows = [*_of_each(given, shapes, codes), *_slivers(shapes, codes, metres, sliver_width_m)]
    rows += [*_overlaps(shapes, codes), *_against_outline(shapes, codes, outline)]
    table = gpd.GeoDataFrame(
        {
            "kind": [row[0] for row in rows],
            "codes": [row[2] for row in rows],
            "detail": [row[3] for row in rows],
        },
        geometry=[row[1] for row in rows],
        crs=STORAGE_EPSG,
    )
    flat = metres.to_metres(np.array(table.geometry.array, dtype=object))
    table.insert(2, "area_m2", shapely.area(flat))
    table.insert(3, "width_m", mean_width_m(flat))
    return table


def _of_each(given: Shapes, shapes: Shapes, codes: NDArray[np.object_]) -> Iterator[Row]:
    """Defects that one polygon has by itself, and codes that come twice."""
    for index in np.flatnonzero(~shapely.is_valid(given)):
        yield "invalid", shapes[index], (codes[index],), str(shapely.is_valid_reason(given[index]))
    seen: set[object] = set()
    for number, code in enumerate(codes):
        if code in seen:
            yield "duplicate_code", shapes[number], (code,), "another polygon has this code"
        seen.add(code)
    for index in np.flatnonzero(shapely.get_num_geometries(shapes) > 1):
        yield "multipart", shapes[index], (codes[index],), f"{shapely.get_num_geometries(shapes[index])} pieces"
    for index in np.flatnonzero(~on_lattice(given)):
        yield "off_lattice", shapes[index], (codes[index],), "a vertex is not on the lattice of 2^-27 degree"


def _slivers(shapes: Shapes, codes: NDArray[np.object_], metres: LocalMetres, limit_m: float) -> Iterator[Row]:
    parts, owner = shapely.get_parts(shapes, return_index=True)
    widths = mean_width_m(metres.to_metres(parts))
    for index in np.flatnonzero(widths < limit_m):
        yield "sliver", parts[index], (codes[owner[index]],), "the piece is narrower than a sliver may be"


def _overlaps(shapes: Shapes, codes: NDArray[np.object_]) -> Iterator[Row]:
    left, right = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    left, right = left[left < right], right[left < right]
    common = shapely.intersection(shapes[left], shapes[right])
    for pair in np.flatnonzero(shapely.area(common) > 0):
        for part in shapely.get_parts(polygonal(common[pair])):
            yield "overlap", part, (codes[left[pair]], codes[right[pair]]), "ground of two polygons"


def _against_outline(shapes: Shapes, codes: NDArray[np.object_], outline: Polygon | MultiPolygon | None) -> Iterator[Row]:
    union = shapely.union_all(shapes)
    if outline is None:
        holes = shapely.get_rings(shapely.get_parts(polygonal(union)))
        filled = shapely.union_all(shapely.polygons(holes)) if len(holes) else Polygon()
        missing = polygonal(shapely.difference(filled, union))
    else:
        ground = polygonal(shapely.make_valid(outline))
        missing = polygonal(shapely.difference(ground, union))
        for index in np.flatnonzero(~shapely.covers(ground, shapes)):
            for part in shapely.get_parts(polygonal(shapely.difference(shapes[index], ground))):
                yield "outside", part, (codes[index],), "beyond the outline"
    gaps = shapely.get_parts(missing)
    gaps = gaps[~shapely.is_empty(gaps)]
    tree = shapely.STRtree(shapes)
    for gap in gaps:
        around = np.sort(tree.query(gap, predicate="intersects"))
        yield "gap", gap, tuple(codes[around]), "ground of nobody"
