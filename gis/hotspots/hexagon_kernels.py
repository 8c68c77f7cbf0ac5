# mypy: disable-error-code="untyped-decorator"
"""The compiled loop that finds the hexagon of a point."""

import math

import numba
import numpy as np
from numpy.typing import NDArray

NOWHERE = -1
ROOT_3 = math.sqrt(3.0)
Floats = NDArray[np.float64]


@numba.njit(cache=True, nogil=True)
def located(
    where: Floats, side: float, origin: tuple[float, float], corner: tuple[int, int], cell_of: NDArray[np.int32]
) -> NDArray[np.int32]:
    """The cell of each of the points `where`, (n, 2); see gis.hotspots.hexagons."""
    found = np.empty(len(where), dtype=np.int32)
    high, wide = cell_of.shape
    across, up = 1.0 / (ROOT_3 * side), 1.0 / (1.5 * side)
    for at in range(len(where)):
        y = (where[at, 1] - origin[1]) * up
        x = (where[at, 0] - origin[0]) * across - y / 2
        # Rounded, the three add up to 0 only if the one that moved most is put right.
        column, row, third = np.rint(x), np.rint(y), np.rint(-x - y)
        off_column, off_row, off_third = abs(column - x), abs(row - y), abs(third + x + y)
        if off_column > off_row and off_column > off_third:
            column = -row - third
        elif off_row > off_third:
            row = -column - third
        r, c = int(row) - corner[0], int(column) - corner[1]
        found[at] = cell_of[r, c] if 0 <= r < high and 0 <= c < wide else NOWHERE
    return found
