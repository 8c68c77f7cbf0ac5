"""What each kind of operation names, how far it reaches, and which function on borders does it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, assert_never

import numpy as np
import shapely
from shapely.geometry import LineString, Point, Polygon

from api.plans import schemas
from data.queries.plan_ground import Box, GridState, Shape
from gis.borders import operations as borders
from gis.borders.model import Change, Ground
from gis.borders.refusals import refused
from gis.crs import LocalMetres, local_metres

Drawing = (
    schemas.Split | schemas.Merge | schemas.Redraw | schemas.MoveVertex | schemas.Give | schemas.Straighten | schemas.Trace
)  # fmt: skip
"""Operations that a function on borders does alone."""
CENTRE_DEGREES = 0.25
"""Metres are counted from a place on this raster, so that the projections stay few and ready; true within 35 km."""


@dataclass(frozen=True, slots=True)
class Materials:
    """What an operation needs beside the grids: the ground to be given, lines to follow, numbers for new grids."""

    area: Shape | None = None
    lines: Sequence[shapely.Geometry] = ()
    new_ids: Sequence[int] = ()


def named_by(operation: Any) -> list[int]:
    """The grids that an operation names; their versions must be those the caller saw."""
    match operation:
        case schemas.Split() | schemas.Balance() | schemas.Rename():
            return [operation.grid]
        case schemas.Merge():
            return [*operation.grids, *([operation.keep] if operation.keep is not None else [])]
        case schemas.Redraw():
            return list(operation.between or ())
        case schemas.Give():
            return [operation.to, *(operation.take_from or ())]
        case schemas.Straighten() | schemas.Trace():
            return list(operation.between)
        case schemas.Transfer() | schemas.SplitCommunity():
            return list(operation.grids)
        case _:
            return []


def reach_of(operation: Drawing, named: Sequence[GridState], materials: Materials) -> Box:
    """The box (degrees) whose grids the operation has to see."""
    drawn: list[shapely.Geometry] = []
    match operation:
        case schemas.Split() | schemas.Redraw():
            drawn = [LineString(operation.line)]
        case schemas.MoveVertex():
            drawn = [Point(operation.at), Point(operation.to)]
        case schemas.Give():
            drawn = [materials.area] if materials.area is not None else []
        case schemas.Trace():
            drawn = [Point(each) for each in operation.waypoints]
    if isinstance(operation, schemas.Split):
        # Only what lies on the grid itself counts, however far the line was drawn.
        drawn = []
    return borders.reach(operation.kind, drawn, [each.shape for each in named if each.shape is not None])


def lasso_of(operation: schemas.Give) -> Polygon | None:
    """The polygon that a lasso draws."""
    return None if operation.lasso is None else Polygon(operation.lasso)


def perform(operation: Drawing, ground: Ground, materials: Materials) -> Change:
    """Do it; EditRefused says why not, and nothing has happened then."""
    match operation:
        case schemas.Split():
            return borders.split(ground, operation.grid, LineString(operation.line), materials.new_ids)
        case schemas.Merge():
            return borders.merge(ground, operation.grids, _kept(operation, ground))
        case schemas.Redraw():
            return borders.redraw(ground, LineString(operation.line), operation.between, operation.cross_communities)
        case schemas.MoveVertex():
            return borders.move_vertex(ground, operation.at, operation.to, operation.cross_communities)
        case schemas.Give():
            if materials.area is None:
                raise refused("nothing_moved", None, grid=operation.to)
            return borders.give(ground, materials.area, operation.to, operation.take_from, operation.cross_communities)
        case schemas.Straighten():
            return borders.straighten(ground, *operation.between, _array(materials.lines))
        case schemas.Trace():
            return borders.trace(ground, *operation.between, operation.waypoints, _array(materials.lines))
    assert_never(operation)


def ground_of(states: Sequence[GridState]) -> Ground:
    """The grids an operation reads, in the order of their numbers."""
    standing = sorted((each for each in states if each.shape is not None), key=lambda each: each.id)
    shapes = _array([each.shape for each in standing if each.shape is not None])
    return Ground(
        np.array([each.id for each in standing], dtype=np.int64),
        shapes,
        np.array([each.community_id for each in standing], dtype=np.int64),
        metres_near(shapely.total_bounds(shapes).tolist() if len(shapes) else (0.0, 0.0, 0.0, 0.0)),
    )


def metres_near(bounds: Sequence[float]) -> LocalMetres:
    """Metres around a box (degrees)."""
    west, south, east, north = (float(each) for each in bounds)
    return local_metres(
        round((west + east) / 2 / CENTRE_DEGREES) * CENTRE_DEGREES, round((south + north) / 2 / CENTRE_DEGREES) * CENTRE_DEGREES
    )


def _kept(operation: schemas.Merge, ground: Ground) -> int:
    """The grid whose number remains: the one named, else the largest."""
    if operation.keep is not None:
        if operation.keep not in operation.grids:
            raise refused("unknown_grid", None, grid=operation.keep)
        return operation.keep
    known = [each for each in operation.grids if each in ground.index]
    sizes = {each: float(shapely.area(ground.shapes[ground.index[each]])) for each in known}
    return max(sizes, key=lambda each: (sizes[each], -each)) if sizes else operation.grids[0]


def _array(shapes: Sequence[shapely.Geometry]) -> np.ndarray[Any, np.dtype[np.object_]]:
    given = np.empty(len(shapes), dtype=object)
    given[:] = list(shapes)
    return given
