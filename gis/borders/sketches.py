"""What people draw, made fit for an operation: finite, within limits, on the lattice, cut to where it matters."""

import numpy as np
import shapely
from shapely.geometry import LineString, MultiLineString, MultiPolygon, Polygon

from gis.borders.model import Floats, Place, Shape, Shapes
from gis.borders.refusals import refused
from gis.errors import BadCoordinate, BadGeometry
from gis.faces import polygonal
from gis.lattice import STEP, snap

MOST_VERTICES = 20_000
OVERSHOOT = 4 * STEP  # degrees, so that a cut line surely crosses the border it was cut at

Line = LineString | MultiLineString


def drawn_line(line: shapely.Geometry) -> Line:
    """A line (degrees) on the lattice, without repeated points.

    Raises BadCoordinate for what is no place on Earth, BadGeometry for what is no line, EditRefused for too many vertices.
    """
    if not isinstance(line, LineString | MultiLineString):
        raise BadGeometry("A border is drawn as a line.", given=type(line).__name__)
    _check(line)
    snapped = shapely.remove_repeated_points(snap(shapely.force_2d(line)))
    if shapely.length(snapped) == 0:
        raise BadGeometry("A line needs two different places.")
    return snapped


def drawn_area(area: shapely.Geometry) -> Shape:
    """A polygon (degrees) as it was drawn, with crossings of its own rings read as the even-odd rule does.

    Raises BadCoordinate for what is no place on Earth, BadGeometry for what has no ground, EditRefused for too many vertices.
    """
    if not isinstance(area, Polygon | MultiPolygon):
        raise BadGeometry("Ground is given as a polygon.", given=type(area).__name__)
    _check(area)
    snapped = snap(shapely.force_2d(area))
    ground = polygonal(snapped if shapely.is_valid(snapped) else shapely.make_valid(snapped))
    if shapely.is_empty(ground):
        raise BadGeometry("The polygon has no ground.")
    return ground


def drawn_place(place: Place) -> Place:
    """A place (degrees) on the lattice; BadCoordinate if it is none on Earth."""
    coords = np.asarray(place, dtype=np.float64)
    if coords.shape != (2,):
        raise BadCoordinate("A place is a longitude and a latitude.")
    on_earth(coords[None, :])
    at = np.rint(coords / STEP) * STEP + 0.0
    return float(at[0]), float(at[1])


def outline_lines(shape: Shape) -> MultiLineString:
    """The rings of a polygon as lines."""
    coords, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(shape)), return_index=True)
    return MultiLineString([coords[ring == each] for each in np.unique(ring)])


def cut_to(line: Line, shapes: Shapes) -> Line:
    """The parts of a line on the ground of polygons that fit each other, with a few lattice steps to spare; maybe empty."""
    region = shapes[0] if len(shapes) == 1 else shapely.coverage_union_all(shapes)
    shapely.prepare(region)
    if shapely.contains_properly(region, line):
        return line
    kept = shapely.intersection(line, shapely.buffer(region, OVERSHOOT, quad_segs=1, join_style="mitre"))
    lines = shapely.get_parts(kept)
    lines = snap(lines[shapely.get_type_id(lines) == shapely.GeometryType.LINESTRING])
    return MultiLineString(list(lines[shapely.length(lines) > 0]))


def _check(shape: shapely.Geometry) -> None:
    count = int(shapely.get_num_coordinates(shape))
    if count < 2:
        raise BadGeometry("There is nothing drawn.")
    coords = shapely.get_coordinates(shape)
    on_earth(coords)
    if count > MOST_VERTICES:
        raise refused("too_many_vertices", (coords[0, 0], coords[0, 1]), vertices=count, limit=MOST_VERTICES)


def on_earth(coords: Floats) -> None:
    """Raise BadCoordinate unless all coordinates (degrees, shape (n, 2)) are places on Earth."""
    if not np.isfinite(coords).all():
        raise BadCoordinate("A coordinate is not a finite number.")
    if (np.abs(coords[:, 0]) > 180).any() or (np.abs(coords[:, 1]) > 90).any():
        raise BadCoordinate("A coordinate is not a longitude and a latitude.")
