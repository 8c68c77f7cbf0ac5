"""Put a whole set of new borders in place of old ones: an accepted proposal, or a file that comes back from elsewhere."""

from collections.abc import Collection, Mapping

import numpy as np
import shapely
from shapely.geometry import MultiLineString

from gis.borders.model import Change, Ground, Ints, Shape, Shapes
from gis.borders.refining import THIN_M, Refined, certified, position, refine
from gis.borders.refusals import refused
from gis.borders.relabelling import committed, settled
from gis.borders.sketches import cut_to, drawn_area, outline_lines
from gis.faces import mean_width_m, polygonal

NOBODY = -2


def replace(
    ground: Ground,
    new: Mapping[int, Shape],
    ended: Collection[int] = (),
    communities: Mapping[int, int] | None = None,
    cross_communities: bool = False,
) -> Change:
    """Give grids new borders all at once; together they take exactly the ground of those they replace.

    `new`: borders by id, of grids of the ground or new ones; `ended`: grids whose ground the others take. New ids need
    an entry in `communities`. Strips thinner than 0.3 m that two claim stay where they are, or go to a neighbour as those
    do that nobody claims.
    Raises EditRefused: unknown_grid, overlaps, leaves_a_gap, community_border, not_contiguous, would_be_empty, not_certified.
    """
    home = dict(communities or {})
    staying = [each for each in new if each in ground.index]
    missing = [each for each in new if each not in ground.index and each not in home]
    if missing:
        raise refused("unknown_grid", None, grid=missing[0])
    replaced = np.array([position(ground, each) for each in dict.fromkeys([*staying, *ended])], dtype=np.int64)
    if not len(replaced):
        raise refused("nothing_moved", None)
    names = np.array(list(new), dtype=np.int64)
    shapes = np.array([drawn_area(shape) for shape in new.values()], dtype=object)
    rings = MultiLineString([line for shape in shapes for line in outline_lines(shape).geoms])
    _refuse_beyond(ground, replaced, new, shapes)
    line = cut_to(rings, ground.shapes[replaced])
    leaving = ground.ids[replaced]

    def attempt(members: Ints) -> Change:
        refined = refine(ground, members, line)
        labels = _claimed(refined, names, shapes, leaving)
        homes = {**refined.community, **home}
        if not cross_communities:
            _stay_home(refined, labels, homes)
        mains = {each: np.flatnonzero((labels == each) & refined.thick) for each in names.tolist()}
        labels, notices = settled(refined, labels, cross=cross_communities, home=homes, mains=mains)
        return committed(refined, labels, ended=set(ended) - set(new), notices=notices)

    return certified(ground, line, replaced, attempt)


def _refuse_beyond(ground: Ground, replaced: Ints, new: Mapping[int, Shape], shapes: Shapes) -> None:
    """No new grid may take more than a hair of ground that is not given up."""
    region = shapely.coverage_union_all(ground.shapes[replaced])
    for name, rest in zip(new, shapely.difference(shapes, region), strict=True):
        parts = shapely.get_parts(polygonal(rest))
        wide = mean_width_m(ground.metres.to_metres(parts)) >= THIN_M
        if wide.any():
            raise refused("overlaps", parts[np.argmax(wide)], grid=name)


def _claimed(refined: Refined, names: Ints, shapes: Shapes, leaving: Ints) -> Ints:
    """Each face of the ground that is given up, with the one new grid that claims it.

    A thin strip that two claim stays with the one that has it; what nobody claims goes to a neighbour.
    """
    open_ground = np.isin(refined.origin, leaving)
    points = shapely.point_on_surface(refined.faces.shapes)
    face, claim = shapely.STRtree(shapes).query(points, predicate="within")
    claims = np.bincount(face, minlength=len(points))
    for bad, reason in ((claims > 1, "overlaps"), (claims == 0, "leaves_a_gap")):
        wrong = np.flatnonzero(bad & open_ground & refined.thick)
        if len(wrong):
            raise refused(reason, refined.faces.shapes[wrong[0]], grids=names[claim[face == wrong[0]]].tolist())
    labels = np.where(open_ground, NOBODY, refined.origin)
    settles = open_ground[face] & ((claims[face] == 1) | (names[claim] == refined.origin[face]))
    labels[face[settles]] = names[claim[settles]]
    return _filled(refined, labels, set(names.tolist()))


def _filled(refined: Refined, labels: Ints, names: set[int]) -> Ints:
    """Unclaimed strips, longest border first; what touches no new grid goes back to where it came from."""
    one, other, length = refined.neighbours
    for _ in range(len(labels)):
        asks = (labels[one] == NOBODY) & np.isin(labels[other], list(names))
        if not asks.any():
            break
        best = np.flatnonzero(asks)[np.argmax(length[asks])]
        labels[one[best]] = labels[other[best]]
    return np.where(labels == NOBODY, refined.origin, labels)


def _stay_home(refined: Refined, labels: Ints, homes: Mapping[int, int]) -> None:
    moved = (labels != refined.origin) & refined.thick
    for face in np.flatnonzero(moved):
        if homes[int(labels[face])] != homes[int(refined.origin[face])]:
            raise refused("community_border", refined.faces.shapes[face], grid=int(labels[face]))
