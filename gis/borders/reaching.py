"""Which part of the map an operation has to be given before it begins."""

from collections.abc import Iterable

import numpy as np
import shapely

from gis.borders.model import Shape

MARGIN = 2.0**-13  # degrees, about 13 m


def reach(kind: str, drawn: Iterable[shapely.Geometry] = (), named: Iterable[Shape] = ()) -> tuple[float, float, float, float]:
    """West, south, east, north (degrees): every grid that meets this box belongs into the ground of an operation.

    `drawn`: lines, areas and places of the operation; `named`: the borders of the grids it names. A vertex needs what
    is drawn alone; any other kind lets ground go to neighbours of the named grids, so that their whole boxes count.
    Raises ValueError if there is nothing to go by.
    """
    shapes = [*drawn, *(() if kind == "move_vertex" else named)]
    boxes = shapely.bounds(np.array([each for each in shapes if not shapely.is_empty(each)], dtype=object))
    if not len(boxes) or np.isnan(boxes).any():
        raise ValueError("reach needs something drawn or named")
    west, south = boxes[:, :2].min(axis=0)
    east, north = boxes[:, 2:].max(axis=0)
    return float(west) - MARGIN, float(south) - MARGIN, float(east) + MARGIN, float(north) + MARGIN
