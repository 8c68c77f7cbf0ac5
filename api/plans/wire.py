"""Borders on the wire: whole numbers of lattice steps, so that a page and the server never differ by a bit."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon
from starlette.responses import Response

from gis.lattice import STEP

Shape = Polygon | MultiPolygon
Shapes = NDArray[np.object_]
Rings = list[list[NDArray[np.int64]]]
"""Polygons of rings; a ring is x0, y0, dx1, dy1, … in steps, not closed."""


def origin_of(shapes: Sequence[Shape] | Shapes) -> tuple[int, int]:
    """The south-west corner of all shapes, in steps; 0, 0 of none."""
    if not len(shapes):
        return 0, 0
    west, south, _, _ = shapely.total_bounds(np.asarray(shapes, dtype=object))
    return int(np.floor(west / STEP)), int(np.floor(south / STEP))


def encoded(shapes: Sequence[Shape] | Shapes, origin: tuple[int, int]) -> list[Rings]:
    """For each shape (degrees, lattice) its polygons as rings of steps, the first place from `origin`, the others from the one before."""
    if not len(shapes):
        return []
    parts, of_shape = shapely.get_parts(np.asarray(shapes, dtype=object), return_index=True)
    rings, of_part = shapely.get_rings(parts, return_index=True)
    coords, of_ring = shapely.get_coordinates(rings, return_index=True)
    steps = np.rint(coords / STEP).astype(np.int64)
    starts = np.searchsorted(of_ring, np.arange(len(rings) + 1))
    deltas = np.empty_like(steps)
    deltas[1:] = steps[1:] - steps[:-1]
    first = starts[:-1]
    deltas[first] = steps[first] - np.array(origin, dtype=np.int64)
    flat = deltas.ravel()
    told: list[Rings] = [[] for _ in range(len(shapes))]
    part_before = -1
    # The closing place is left out: it is the first one again.
    for ring, part in enumerate(of_part.tolist()):
        if part != part_before:
            told[of_shape[part]].append([])
            part_before = part
        told[of_shape[part]][-1].append(flat[2 * starts[ring] : 2 * starts[ring + 1] - 2])
    return told


def answer(content: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """JSON with arrays of numbers as they are."""
    body = orjson.dumps(content, default=str, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)
    return Response(body, status, headers, media_type="application/json")
