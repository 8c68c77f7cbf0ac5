"""What is wrong with a set of polygons that should tile an outline, with places and sizes for a person to judge."""

from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Point, Polygon

from gis.certificate import loose_edges
from gis.crs import STORAGE_EPSG, Measure
from gis.faces import Floats, Shapes, coverage_union, mean_width_m, polygonal
from gis.junctions import bent
from gis.ring_defects import Found, of_each, slivers

KINDS = (
    "invalid", "self_crossing", "empty", "duplicate_code", "multipart", "duplicate_vertex", "spike", "off_lattice", "sliver", "overlap",
    "gap", "outside", "unnoded",
)  # fmt: skip
SUGGESTIONS = ("snap", "slivers", "fit", "draw", "decide", "split", "merge", "renumber", "remove")
SLIVER_WIDTH_M = 2.0
WIDE_M = 10.0  # an overlap or a gap this wide is no accident of drawing: a person decides
NOISE_WIDTH_M = 1e-5  # far below a lattice step: borders that meet but for the last digits of their coordinates
ALONG = 0.4  # of the border of a piece that lies on the outline: a strip along the rim
NEAR = 1e-12  # of a coordinate: on the border of a defect


def defects(
    frame: gpd.GeoDataFrame,
    outline: Polygon | MultiPolygon | None = None,
    *,
    metres: Measure,
    sliver_width_m: float = SLIVER_WIDTH_M,
    lattice: bool = True,
    rim_m: float = 0.0,
) -> gpd.GeoDataFrame:
    """Every defect of polygons with a `code`: kind, codes concerned, area_m2, width_m, length_m, detail, suggestion, geometry.

    self_crossing, invalid: a broken ring, with the places. empty: no ground. duplicate_code. multipart: several pieces.
    duplicate_vertex: one vertex twice in a row. spike: a ring turns back on itself. off_lattice: a vertex is not on the
    lattice (asked for by `lattice`). sliver: a whole piece narrower than `sliver_width_m`. overlap: ground of two. gap:
    ground of nobody inside the outline, or without an outline inside the union. outside: ground beyond the outline.
    unnoded: a common border whose vertices are not the same on both sides. Widths are means, 2 · area / perimeter.
    The rim may be `rim_m` off the outline, and have other vertices, without being told (0: it has to fit exactly).
    For overlaps and gaps broken rings count as `make_valid` reads them. `suggestion`: the mending step or the deed
    that would mend it. Coordinates are degrees, or what `metres` turns into metres; the table has the same.
    """
    codes = np.asarray(frame["code"].to_numpy(), dtype=object)
    given = np.array(frame.geometry.array, dtype=object)
    shapes = as_read(given)
    areal = shapely.area(shapes) > 0
    found = [Found("empty", _place_of(given[at]), (codes[at],), "there is no ground", "remove") for at in np.flatnonzero(~areal)]
    given, shapes, codes = given[areal], shapes[areal], codes[areal]
    found += of_each(given, codes, metres, lattice=lattice)
    found += slivers(shapes, codes, metres, sliver_width_m)
    if len(shapes):
        found += _together(shapes, codes, None if outline is None else polygonal(shapely.make_valid(outline)), metres, rim_m)
    return _measured(found, metres, frame.crs or STORAGE_EPSG)


def as_read(given: Shapes) -> Shapes:
    """The polygons with broken rings as `make_valid` reads them, empty where there is no ground."""
    broken = ~shapely.is_valid(given)
    shapes = given.copy()
    shapes[broken] = [Polygon() if shape is None else polygonal(shapely.make_valid(shape)) for shape in given[broken]]
    return shapes


def _together(
    shapes: Shapes, codes: NDArray[np.object_], outline: Polygon | MultiPolygon | None, metres: Measure, rim_m: float
) -> Iterator[Found]:
    """Defects of the polygons among each other and against the outline; a certificate that holds answers them all at once."""
    whole = coverage_union(shapes) if outline is None else outline
    if whole is not None and shapely.is_valid(whole) and not loose_edges(list(shapes), whole, anywhere=True):
        if outline is None:
            yield from _gaps(_holes(whole), shapes, codes)
        return
    union = polygonal(shapely.union_all(shapes))
    found = [*_overlaps(shapes, codes)]
    if outline is None:
        found += _gaps(_holes(union), shapes, codes)
    else:
        found += _gaps(_pieces(shapely.difference(outline, union)), shapes, codes)
        found += _outside(shapes, codes, outline)
    found = _wide_enough(found, union if outline is None else outline, metres, rim_m)
    yield from found
    loose = np.array(loose_edges(list(shapes), union if outline is None else outline, anywhere=True), dtype=object)
    near = NEAR * float(np.abs(shapely.bounds(shapes)).max())
    loose = _apart(loose, loose, [each.shape for each in found], near)
    if outline is None or rim_m > 0:  # the rim of a union has nothing to fit to
        rim, reach = (union, near) if outline is None else (outline, rim_m / _metres_a_unit(outline, metres))
        loose = _apart(loose, shapely.line_interpolate_point(loose, 0.5, normalized=True), [shapely.boundary(rim)], reach)
    yield from _unnoded(loose, shapes, codes, near, metres)


def _wide_enough(found: list[Found], outline: Polygon | MultiPolygon, metres: Measure, rim_m: float) -> list[Found]:
    """What is more than the last digits of coordinates, and more than a rim may be off its outline where it lies along it."""
    shapes = np.array([each.shape for each in found], dtype=object)
    if not len(shapes):
        return found
    around, rim = shapely.boundary(shapes), shapely.boundary(outline)
    on_rim = shapely.length(shapely.intersection(around, rim)) > ALONG * shapely.length(around)
    coords, owner = shapely.get_coordinates(shapes, return_index=True)
    shapely.prepare(rim)
    beside = shapely.dwithin(shapely.points(coords), rim, rim_m / _metres_a_unit(outline, metres))
    on_rim |= np.bincount(owner, ~beside) == 0
    limit = np.where(on_rim & (rim_m > 0), rim_m, NOISE_WIDTH_M)
    wide = mean_width_m(bent(shapes, metres)) > limit
    return [each for each, real in zip(found, wide.tolist(), strict=True) if real]


def _metres_a_unit(shape: Polygon | MultiPolygon, metres: Measure) -> float:
    """About how many metres one unit of the coordinates is."""
    return float(np.sqrt(shapely.area(metres.to_metres(shape)) / shapely.area(shape)))


def _overlaps(shapes: Shapes, codes: NDArray[np.object_]) -> Iterator[Found]:
    left, right = shapely.STRtree(shapes).query(shapes)
    left, right = left[left < right], right[left < right]
    shapely.prepare(shapes)
    share_ground = shapely.relate_pattern(shapes[left], shapes[right], "T********")
    left, right = left[share_ground], right[share_ground]
    for one, other in zip(left.tolist(), right.tolist(), strict=True):
        for part in _pieces(shapely.intersection(shapes[one], shapes[other])):
            yield Found("overlap", part, (codes[one], codes[other]), "ground of two polygons", "slivers")


def _gaps(gaps: Shapes, shapes: Shapes, codes: NDArray[np.object_]) -> Iterator[Found]:
    tree = shapely.STRtree(shapes)
    for gap in gaps:
        around = np.sort(tree.query(gap, predicate="intersects"))
        yield Found("gap", gap, tuple(codes[around]), "ground of nobody", "slivers")


def _outside(shapes: Shapes, codes: NDArray[np.object_], outline: Polygon | MultiPolygon) -> Iterator[Found]:
    shapely.prepare(outline)
    for index in np.flatnonzero(~shapely.covers(outline, shapes)):
        for part in _pieces(shapely.difference(shapes[index], outline)):
            yield Found("outside", part, (codes[index],), "beyond the outline", "fit")


def _unnoded(loose: Shapes, shapes: Shapes, codes: NDArray[np.object_], near: float, metres: Measure) -> Iterator[Found]:
    """Stretches of loose edges that touch nothing else that was found: borders of which only the vertices do not fit."""
    stretches = shapely.get_parts(shapely.line_merge(shapely.union_all(loose)))
    tree = shapely.STRtree(shapes)
    for stretch, length in zip(stretches, shapely.length(metres.to_metres(stretches)).tolist(), strict=True):
        middle = shapely.line_interpolate_point(stretch, 0.5, normalized=True)
        beside = np.sort(tree.query(middle, predicate="dwithin", distance=near))
        detail = "the borders on both sides have different vertices"
        yield Found("unnoded", stretch, tuple(codes[beside]), detail, "snap", length)


def _apart(edges: Shapes, marks: Shapes, explained: list[shapely.Geometry], near: float) -> Shapes:
    """The edges whose mark does not touch what is explained already."""
    touching, _ = shapely.STRtree(np.array(explained, dtype=object)).query(marks, predicate="dwithin", distance=near)
    return np.delete(edges, touching)


def _holes(whole: Polygon | MultiPolygon) -> Shapes:
    """Holes of a union, less what lies in them."""
    rings = shapely.get_rings(shapely.get_parts(whole))
    if not len(rings):
        return np.empty(0, dtype=object)
    return _pieces(shapely.difference(shapely.union_all(shapely.polygons(rings)), whole))


def _pieces(shape: shapely.Geometry) -> Shapes:
    parts = shapely.get_parts(polygonal(shape))
    return np.asarray(parts[~shapely.is_empty(parts)], dtype=object)


def _place_of(shape: shapely.Geometry | None) -> shapely.Geometry:
    """Something to point at for a shape without ground."""
    coords = shapely.get_coordinates(shape)
    return Point(coords[0]) if len(coords) else Point()


def _measured(found: list[Found], metres: Measure, crs: object) -> gpd.GeoDataFrame:
    shapes = np.array([each.shape for each in found], dtype=object)
    flat = bent(shapes, metres) if len(shapes) else shapes
    areas: Floats = shapely.area(flat)
    lengths = np.array([each.length_m for each in found], dtype=np.float64)
    areal = shapely.get_dimensions(shapes) == 2
    widths = mean_width_m(flat) * areal if len(shapes) else areas
    lengths = np.where(areal, shapely.length(flat) / 2, lengths) if len(shapes) else lengths
    wide = [each.kind in ("overlap", "gap") and width > WIDE_M for each, width in zip(found, widths, strict=True)]
    large = {"overlap": "decide", "gap": "draw"}
    return gpd.GeoDataFrame(
        {
            "kind": [each.kind for each in found],
            "codes": [each.codes for each in found],
            "area_m2": areas,
            "width_m": widths,
            "length_m": lengths,
            "detail": [each.detail for each in found],
            "suggestion": [large[each.kind] if is_wide else each.suggestion for each, is_wide in zip(found, wide, strict=True)],
        },
        geometry=list(shapes),
        crs=crs,
    )
