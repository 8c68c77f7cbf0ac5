"""Small grounds for the tests of operations on borders, and what must be true after every operation."""

import numpy as np
import shapely
from shapely.geometry import MultiPolygon, Polygon, box

from gis.borders.model import Change, Ground, Shape
from gis.certificate import loose_edges, tiles_exactly
from gis.crs import LocalMetres, local_metres
from gis.faces import polygonal
from gis.lattice import STEP, on_lattice
from tests.gis.tessellations import METRES, tessellation

UNIT = 2.0**-10  # degrees, about 109 m
HERE = local_metres(0, 0)


def at(column: float, row: float) -> tuple[float, float]:
    return column * UNIT, row * UNIT


def square(column: float, row: float, width: float = 1, height: float = 1) -> Polygon:
    return box(*at(column, row), *at(column + width, row + height))


def ground_of(shapes: list[Shape], communities: list[int] | None = None, metres: LocalMetres = HERE) -> Ground:
    """Grids 1, 2, 3 … kept as the database keeps them."""
    kept = np.array([each if isinstance(each, MultiPolygon) else MultiPolygon([each]) for each in shapes], dtype=object)
    homes = np.array(communities or [1] * len(shapes), dtype=np.int64)
    return Ground(np.arange(1, len(shapes) + 1), kept, homes, metres)


def board(columns: int = 3, rows: int = 3, communities: list[int] | None = None) -> Ground:
    """Squares in rows from the south-west: 1 2 3 / 4 5 6 / 7 8 9."""
    return ground_of([square(column, row) for row in range(rows) for column in range(columns)], communities)


def town(seed: int, cells: int, *, communities: int = 1) -> Ground:
    """A random tessellation; communities are strips from west to east."""
    faces, _ = tessellation(seed, cells)
    x = np.array([face.centroid.x for face in faces])
    strip = np.searchsorted(np.quantile(x, np.linspace(0, 1, communities + 1)[1:-1]), x) + 1
    return ground_of(faces, strip.tolist(), METRES)


def after(ground: Ground, change: Change) -> dict[int, Shape]:
    """All grids of the ground after a change."""
    grids: dict[int, Shape] = dict(zip(ground.ids.tolist(), ground.shapes, strict=True))
    for each in change.before:
        del grids[each]
    return grids | change.after


def assert_sound(ground: Ground, change: Change) -> None:
    """What holds after every operation, whatever it was."""
    grids = list(after(ground, change).values())
    outline = polygonal(shapely.coverage_union_all(np.array(grids, dtype=object)))
    assert tiles_exactly(grids, outline)
    assert on_lattice(list(change.after.values())).all()
    assert not shapely.has_z(list(change.after.values())).any()
    by_id = dict(zip(ground.ids.tolist(), ground.shapes, strict=True))
    assert all(change.before[each] is by_id[each] for each in change.before)
    assert all(isinstance(each, MultiPolygon) for each in change.after.values())
    assert all(len(change.after[each].geoms) <= max(1, len(by_id[each].geoms)) for each in change.after if each in by_id)
    assert all(not shapely.equals_exact(shapely.normalize(change.before[each]), shapely.normalize(change.after[each]))
               for each in set(change.before) & set(change.after))  # fmt: skip
    first = polygonal(shapely.coverage_union_all(ground.shapes))
    if change.outer:
        assert shapely.hausdorff_distance(first, outline) <= STEP
    else:
        assert loose_edges(grids, list(ground.shapes)) == []


def square_metres(shape: shapely.Geometry, metres: LocalMetres = HERE) -> float:
    return float(shapely.area(metres.to_metres(shape)))
