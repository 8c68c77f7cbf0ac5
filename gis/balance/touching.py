"""Borders that run side by side without sharing vertices, as in files that were never noded."""

import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TURN = 0.1
"""Sine of the angle up to which two edges run side by side."""
FROM_M = 0.01
"""Shorter contacts are corners."""


def near_borders(start: Floats, end: Floats, owner: Ints, gap_m: float) -> tuple[Ints, Floats, Floats]:
    """Stretches of edges (metres, ground on the left) of different owners that run against each other within a gap.

    Returns the pair of owners, the lower first, the metres they run together and the place in the middle of that.
    """
    real = np.hypot(*(end - start).T) > FROM_M
    start, end, owner = start[real], end[real], owner[real]
    if len(start) < 2:
        return np.empty((0, 2), dtype=np.int64), np.empty(0), np.empty((0, 2))
    lines = np.asarray(shapely.linestrings(np.stack([start, end], axis=1)), dtype=object)
    one, other = shapely.STRtree(lines).query(lines, predicate="dwithin", distance=gap_m)
    fits = (owner[one] < owner[other]) & _against(end[one] - start[one], end[other] - start[other])
    one, other = one[fits], other[fits]
    direction = end[one] - start[one]
    length = np.hypot(*direction.T)
    unit = direction / length[:, None]
    along = [np.clip(((place[other] - start[one]) * unit).sum(axis=1), 0.0, length) for place in (end, start)]
    together = along[1] - along[0]
    middles = start[one] + unit * ((along[0] + along[1]) / 2)[:, None]
    apart = shapely.distance(shapely.points(middles), lines[other])
    side_by_side = (together > FROM_M) & (apart <= gap_m)
    pairs = np.column_stack([owner[one], owner[other]])
    return pairs[side_by_side], together[side_by_side], middles[side_by_side]


def _against(one: Floats, other: Floats) -> NDArray[np.bool_]:
    """Whether vectors point in opposite directions, near enough."""
    size = np.hypot(*one.T) * np.hypot(*other.T)
    turn = one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]
    return np.asarray(((one * other).sum(axis=1) < 0) & (np.abs(turn) <= TURN * size))
