"""Random exact coverages and the shared data, for the tests of the pure room."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import shapely
from shapely.geometry import Polygon

from gis.crs import local_metres
from gis.faces import polygonal
from gis.lattice import STEP

SHARED = Path(__file__).parents[3] / "shared" / "data"
WEST, SOUTH, WIDTH, HEIGHT = 116.3, 39.9, 0.02, 0.016
METRES = local_metres(WEST + WIDTH / 2, SOUTH + HEIGHT / 2)


def shared(path: str) -> Path:
    """A file of the shared data, or the test is skipped."""
    file = SHARED / path
    if not file.exists():
        pytest.skip(f"the shared data has no {path}")
    return file


@lru_cache(maxsize=128)
def tessellation(seed: int, cells: int) -> tuple[list[Polygon], Polygon]:
    """Crooked cells that tile a crooked outline exactly, and that outline with all their vertices."""
    random = np.random.default_rng(seed)
    frame = shapely.box(WEST, SOUTH, WEST + WIDTH, SOUTH + HEIGHT)
    seeds = shapely.multipoints(random.random((cells, 2)) * [WIDTH, HEIGHT] + [WEST, SOUTH])
    walls = shapely.intersection(shapely.voronoi_polygons(seeds, extend_to=frame, only_edges=True), frame)
    lines = shapely.segmentize(shapely.union_all([walls, frame.boundary]), WIDTH / np.sqrt(cells) / 3)
    bent = shapely.transform(lines, lambda c: c + np.column_stack([np.sin(c[:, 1] * 9e3), np.cos(c[:, 0] * 9e3)]) * 1e-4)
    noded = shapely.union_all(shapely.get_parts(shapely.union_all(bent, grid_size=STEP)), grid_size=STEP)
    faces = list(shapely.get_parts(shapely.polygonize(shapely.get_parts(noded))))
    return faces, polygonal(shapely.coverage_union_all(faces))
