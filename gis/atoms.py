"""Atoms 原子单元: the smallest pieces of ground a border may be painted along, one a building inside the blocks between roads and water.

The ground of a building is all that lies nearer to it than to any other of its block, so a border painted along atoms
keeps to roads or runs half-way between houses, and never through one.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from scipy.spatial import Voronoi
from shapely.geometry import MultiPolygon, Point, Polygon

from gis.certificate import directed_edges, tiles_exactly
from gis.crs import LocalMetres
from gis.errors import BadGeometry, CoverageBroken
from gis.faces import NOBODY, Faces, Floats, Ints, Shapes, between, coverage_union, mean_width_m, polygonal
from gis.lattice import STEP, on_lattice

WALL_BEND_M = 0.5  # how far a wall between two houses may be straightened
INSET_M = 0.2  # samples stand this far inside a house, so that houses that touch have a wall between them
SPACING = 1.3  # gaps to the next house between samples: a wall is then at most a fifth of the gap off its middle
FINEST_M, COARSEST_M = 0.5, 8.0  # between samples along the side of a house
SLIVER_M = 1.0  # ground without a house that is narrower is no atom of its own
FAR = 20.0  # extents of a block's houses, where four samples of nobody make every wall reach its border


@dataclass(frozen=True)
class Atoms:
    """Polygons (degrees, on the lattice) that tile `outline` exactly, each in one piece and within one block.

    `building`: the index of the building on each, the largest if there are several, NOBODY on ground without one.
    `block`: a number for each, the same where no road or water lies between. `atom_of`: for each building its atom.
    `outline`: the outline as it was given, with every vertex of the atoms.
    """

    shapes: Shapes
    building: Ints
    block: Ints
    atom_of: Ints
    outline: Polygon | MultiPolygon


def tessellate(outline: Polygon | MultiPolygon, buildings: Shapes, lines: Shapes, metres: LocalMetres) -> Atoms:
    """Divide an outline (degrees, on the lattice) into atoms.

    `buildings`: polygons in degrees, lattice or not. `lines`: roads and the banks of water as lines or polygons in
    degrees; parts outside the outline do not matter, dead ends divide nothing. A building that stands outside the
    outline is given the nearest atom. Raises BadGeometry if the outline is broken or off the lattice, CoverageBroken
    if the atoms do not tile it exactly.
    """
    if not (shapely.is_valid(outline) and shapely.area(outline) > 0 and on_lattice(np.array([outline])).all()):
        raise BadGeometry("The outline to be divided into atoms is broken, empty or off the lattice.")
    houses = _sound(buildings)
    edges = np.concatenate([_segments(np.array([outline])), _near(_segments(lines), outline)])
    for settle in (False, True):  # noding a second time is needed hardly ever and doubles the work
        try:
            return _divided(outline, houses, edges, metres, settle=settle)
        except CoverageBroken:
            if settle:
                raise
    raise AssertionError


def _divided(outline: Polygon | MultiPolygon, houses: Shapes, edges: Shapes, metres: LocalMetres, *, settle: bool) -> Atoms:
    blocks = _inside(between(edges, metres, settle=settle), outline)
    doors = shapely.point_on_surface(houses)
    block_of = _standing_in(doors, blocks.shapes)
    walls = _walls(houses, block_of, blocks.shapes, metres)
    lines = np.concatenate([_segments(blocks.shapes), walls])
    faces = _inside(between(lines, metres, settle=settle), outline) if len(walls) else blocks
    face_of = _standing_in(doors, faces.shapes)
    block = _standing_in(shapely.point_on_surface(faces.shapes), blocks.shapes)
    labels, seeds = _labels(faces, block, face_of)
    shapes = faces.shapes[seeds]
    for label in np.flatnonzero(np.bincount(labels) > 1):
        shapes[label] = coverage_union(faces.shapes[labels == label]) or Polygon()
    whole = _proved(shapes, outline)
    building, atom_of = _held(houses, np.where(face_of >= 0, labels[face_of], NOBODY), shapes, doors, outline)
    return Atoms(shapes, building, np.unique(block[seeds], return_inverse=True)[1], atom_of, whole)


def _sound(buildings: Shapes) -> Shapes:
    """The buildings as valid polygons; one without ground stays as it is and gets an atom by its place."""
    houses = np.array(list(buildings), dtype=object)
    broken = ~shapely.is_valid(houses)
    houses[broken] = [polygonal(shapely.make_valid(each)) or each for each in houses[broken]]
    return houses


def _segments(shapes: Shapes) -> Shapes:
    """Every straight piece of lines or of the borders of polygons."""
    areal = shapely.get_dimensions(shapes) == 2
    lines = shapely.get_parts(np.concatenate([shapes[~areal], shapely.boundary(shapes[areal])]))
    coords, line = shapely.get_coordinates(shapely.get_parts(lines), return_index=True)
    within = line[1:] == line[:-1]
    return np.asarray(shapely.linestrings(np.stack([coords[:-1][within], coords[1:][within]], axis=1)), dtype=object)


def _near(segments: Shapes, outline: Polygon | MultiPolygon) -> Shapes:
    """Those that come near the outline's box; they are taken whole, for a cut end would not lie on the lattice."""
    west, south, east, north = outline.bounds
    bounds = shapely.bounds(segments).reshape(-1, 4)
    meets = (bounds[:, 0] <= east) & (bounds[:, 2] >= west) & (bounds[:, 1] <= north) & (bounds[:, 3] >= south)
    return segments[meets]


def _inside(faces: Faces, outline: Polygon | MultiPolygon) -> Faces:
    shapely.prepare(outline)
    return Faces(faces.shapes[shapely.contains(outline, shapely.point_on_surface(faces.shapes))], faces.metres)


def _standing_in(places: Shapes, shapes: Shapes) -> Ints:
    """The shape each place lies in, the first where it lies between two, NOBODY outside all."""
    place, shape = shapely.STRtree(shapes).query(places, predicate="intersects")
    found = np.full(len(places), len(shapes))
    np.minimum.at(found, place, shape)
    return np.where(found < len(shapes), found, NOBODY)


def _walls(houses: Shapes, block_of: Ints, blocks: Shapes, metres: LocalMetres) -> Shapes:
    """Lines (degrees) half-way between the houses of each block, straightened a little, cut off at the block's border."""
    several = np.bincount(block_of[block_of >= 0], minlength=len(blocks)) > 1
    chosen = np.flatnonzero((block_of >= 0) & several[block_of] & (shapely.area(houses) > 0))
    chosen = chosen[np.argsort(block_of[chosen], kind="stable")]
    if len(chosen) < 2:
        return np.empty(0, dtype=object)
    at, house = _samples(metres.to_metres(houses[chosen]))
    numbers, begin = np.unique(block_of[chosen][house], return_index=True)
    ridges = [_ridges(*each) for each in zip(np.split(at, begin[1:]), np.split(house, begin[1:]), strict=True)]
    group = np.repeat(np.arange(len(ridges)), [len(each) for each in ridges])
    if not len(group):
        return np.empty(0, dtype=object)
    network = shapely.multilinestrings(np.asarray(shapely.linestrings(np.concatenate(ridges))), indices=group)
    chains, owner = shapely.get_parts(shapely.line_merge(network), return_index=True)
    chains = metres.to_degrees(shapely.simplify(chains, WALL_BEND_M))
    # Cut in degrees: a side of a block is straight there, and would end some millimetres off in metres.
    within = shapely.intersection(chains, blocks[numbers[np.unique(group)][owner]])
    parts = shapely.get_parts(shapely.get_parts(within))
    return _segments(parts[shapely.get_dimensions(parts) == 1])


def _samples(houses: Shapes) -> tuple[Floats, Ints]:
    """Places (metres) just inside the sides of houses, and whose they are; the closer two houses, the denser."""
    inset = np.minimum(INSET_M, mean_width_m(houses) / 4)
    gap = _gaps(houses)
    start, end, house = directed_edges(houses)
    step = np.clip(SPACING * (gap + 2 * inset), FINEST_M, COARSEST_M)[house]
    along = end - start
    length = np.hypot(along[:, 0], along[:, 1])
    count = np.maximum(np.ceil(length / step), 1).astype(np.int64)
    side = np.repeat(np.arange(len(count)), count)
    nth = np.arange(len(side)) - np.repeat(np.cumsum(count) - count, count)
    share = (nth + 0.5) / count[side]
    inward = np.column_stack([-along[:, 1], along[:, 0]]) / np.maximum(length, 1e-9)[:, None] * inset[house][:, None]
    return start[side] + along[side] * share[:, None] + inward[side], house[side]


def _gaps(houses: Shapes) -> Floats:
    """Metres from each house to the nearest other one, COARSEST_M at most."""
    tree = shapely.STRtree(houses)
    (house, _), distance = tree.query_nearest(houses, max_distance=COARSEST_M, exclusive=True, return_distance=True, all_matches=False)
    gap = np.full(len(houses), COARSEST_M)
    gap[house] = distance
    return gap


def _ridges(at: Floats, house: Ints) -> Floats:
    """Straight pieces (metres, shape (n, 2, 2)) half-way between samples of two houses; some reach far beyond all of them."""
    low, high = at.min(axis=0), at.max(axis=0)
    middle, far = (low + high) / 2, FAR * float((high - low).max() + 1)
    beyond = middle + far * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    diagram = Voronoi(np.vstack([at, beyond]))
    owner = np.concatenate([house, [NOBODY, NOBODY, NOBODY, NOBODY]])
    sides = owner[diagram.ridge_points]
    ends = np.asarray(diagram.ridge_vertices, dtype=np.int64)
    between_houses = (sides[:, 0] != sides[:, 1]) & (sides >= 0).all(axis=1) & (ends >= 0).all(axis=1)
    return np.asarray(diagram.vertices[ends[between_houses]], dtype=np.float64)


def _labels(faces: Faces, block: Ints, face_of: Ints) -> tuple[Ints, Ints]:
    """The atom of each face, and the face each atom began with.

    Faces with a house and blocks without any begin one; what is left over joins the neighbour with the longest border.
    """
    seed = np.zeros(len(faces.shapes), dtype=np.bool_)
    seed[face_of[face_of >= 0]] = True
    inhabited = np.zeros(block.max(initial=0) + 2, dtype=np.bool_)
    inhabited[block[seed]] = True
    bare = ~inhabited[block]
    bare[bare] = mean_width_m(faces.metres.to_metres(faces.shapes[bare])) >= SLIVER_M
    seed |= bare
    labels = np.where(seed, np.cumsum(seed) - 1, NOBODY)
    if seed.all():
        return labels, np.arange(len(labels))
    one, other, length = faces.borders
    same = block[one] == block[other]
    _join(labels, one[same], other[same], length[same])
    _join(labels, one, other, length)
    alone = np.flatnonzero(labels < 0)
    labels[alone] = seed.sum() + np.arange(len(alone))
    return labels, np.concatenate([np.flatnonzero(seed), alone])


def _join(labels: Ints, one: Ints, other: Ints, length: Floats) -> None:
    """Let open faces join the atom they share the longest border with, from the inside out."""
    face, neighbour, border = np.concatenate([one, other]), np.concatenate([other, one]), np.concatenate([length, length])
    while True:
        asks = (labels[face] < 0) & (labels[neighbour] >= 0)
        if not asks.any():
            return
        pair, place = np.unique(np.column_stack([face[asks], labels[neighbour[asks]]]), axis=0, return_inverse=True)
        total = np.bincount(place.ravel(), border[asks])
        best = np.lexsort((-pair[:, 1], total, pair[:, 0]))
        last = best[np.r_[pair[best][1:, 0] != pair[best][:-1, 0], True]]
        labels[pair[last, 0]] = pair[last, 1]


def _held(houses: Shapes, stands_on: Ints, shapes: Shapes, doors: Shapes, outline: Polygon | MultiPolygon) -> tuple[Ints, Ints]:
    """The house of each atom, the largest if there are several, and the atom of each house: the nearest for those outside."""
    building = np.full(len(shapes), NOBODY)
    inside = np.flatnonzero(stands_on >= 0)
    by_size = inside[np.argsort(shapely.area(houses[inside]), kind="stable")]
    building[stands_on[by_size]] = by_size
    atom_of = stands_on.copy()
    outside = np.flatnonzero(stands_on < 0)
    if len(outside):
        places = doors[outside]
        places[shapely.is_empty(places)] = shapely.point_on_surface(outline)
        atom_of[outside] = shapely.STRtree(shapes).nearest(places)
    return building, atom_of


def _proved(shapes: Shapes, outline: Polygon | MultiPolygon) -> Polygon | MultiPolygon:
    """The outline with all vertices of the atoms, which they tile; CoverageBroken if they do not, or it is off by more than a step."""
    whole = coverage_union(shapes)
    broken = shapely.point_on_surface(outline)
    if whole is not None:
        given, now = shapely.get_coordinates(outline), shapely.get_coordinates(whole)
        rim = shapely.boundary(outline)
        shapely.prepare(rim)
        far = now[~shapely.dwithin(shapely.points(now), rim, 1.5 * STEP)]
        kept = len(np.unique(np.vstack([given, now]), axis=0)) == len(np.unique(now, axis=0))
        one_piece = shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON
        if kept and not len(far) and one_piece.all() and tiles_exactly(list(shapes), whole):
            return whole
        broken = Point(far[0]) if len(far) else broken
    raise CoverageBroken("The atoms do not tile their outline exactly.", place=[broken.x, broken.y])
