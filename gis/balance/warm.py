"""Makes the kernels of balancing ready before somebody waits for them: the first call of a process loads or compiles them."""

import numpy as np
import shapely

from gis.balance.graph import graph_of
from gis.balance.one_click import balance
from gis.crs import local_metres

SIDE = 12
STEP_DEGREES = 2.0**-10


def warm() -> None:
    """Balance a small field whose first part holds too much: one click and proposals share these kernels."""
    east, north = np.divmod(np.arange(SIDE * SIDE), SIDE)
    west, south = east * STEP_DEGREES, north * STEP_DEGREES
    atoms = shapely.box(west, south, west + STEP_DEGREES, south + STEP_DEGREES)
    graph = graph_of(atoms, np.ones(len(atoms)), local_metres(0.0, 0.0), [], east)
    parts = np.maximum(east // 2 - 1, 0)
    balance(graph, parts, 0, low=SIDE * 2.0, high=SIDE * 3.5)
