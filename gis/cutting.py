"""Cuts polygons where the borders of others run through them, on the lattice."""

from collections.abc import Sequence

import numpy as np
import shapely

from gis.faces import Ints, Shapes, polygonal
from gis.lattice import STEP

Shape = shapely.Polygon | shapely.MultiPolygon


def within(shapes: Shapes, area: Shape) -> tuple[Shapes, Ints]:
    """What of some polygons lies within an area: pieces (degrees, lattice), each of one part, and the number of its polygon.

    Strips of no more than a lattice step along the border are none, and a polygon that loses no more than them stays whole.
    """
    shapely.prepare(area)
    numbers = np.flatnonzero(shapely.intersects(area, shapes) & ~shapely.touches(area, shapes))
    inside = shapes[numbers]
    cut = ~shapely.covers(area, inside)
    inside[cut] = shapely.intersection(inside[cut], area, grid_size=STEP)
    return _parts(shapes, inside, numbers)


def along(shapes: Shapes, areas: Sequence[Shape]) -> tuple[Shapes, Ints]:
    """Polygons cut along the borders of areas that do not overlap: pieces as in `within`, those outside all areas, too."""
    if not len(areas):
        return shapes, np.arange(len(shapes), dtype=np.int64)
    inside = [within(shapes, area) for area in areas]
    covered = sum(np.bincount(numbers, weights=shapely.area(pieces), minlength=len(shapes)) for pieces, numbers in inside)
    rest = np.flatnonzero(shapely.area(shapes) - covered > shapely.length(shapes) * STEP)
    outside = _parts(shapes, shapely.difference(shapes[rest], shapely.union_all(areas), grid_size=STEP), rest)
    pieces, numbers = (np.concatenate(each) for each in zip(*inside, outside, strict=True))
    order = np.argsort(numbers, kind="stable")
    return pieces[order], numbers[order]


def _parts(shapes: Shapes, cut: Shapes, numbers: Ints) -> tuple[Shapes, Ints]:
    """The parts of what was cut from the polygons of some numbers, without strips of a step."""
    whole = shapes[numbers]
    strip = shapely.length(whole) * STEP
    cut = np.where(shapely.area(whole) - shapely.area(cut) <= strip, whole, cut)
    parts = [[part for part in shapely.get_parts(polygonal(each)) if part.area > least] for each, least in zip(cut, strip, strict=True)]
    flat = np.empty(sum(map(len, parts)), dtype=object)
    flat[:] = [part for each in parts for part in each]
    return flat, np.repeat(numbers, [len(each) for each in parts])
