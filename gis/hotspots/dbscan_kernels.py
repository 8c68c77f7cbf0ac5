# mypy: disable-error-code="untyped-decorator"
"""The compiled loops of DBSCAN: points in cells so small that all in one cell are neighbours, cells joined by union-find."""

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Ints = NDArray[np.int32]
Flags = NDArray[np.bool_]

NOISE = -1
STRIDE = 64


@numba.njit(cache=True, nogil=True, inline="always")
def _near(points: Floats, one: int, other: int, reach2: float, days: float) -> bool:
    dx, dy = points[0, one] - points[0, other], points[1, one] - points[1, other]
    return dx * dx + dy * dy <= reach2 and (len(points) == 2 or abs(points[2, one] - points[2, other]) <= days)


@numba.njit(cache=True, nogil=True)
def _near_count(points: Floats, one: int, begin: int, end: int, reach2: float, days: float) -> int:
    """How many of the points `begin` to `end` are within reach; without a branch, so that vector instructions count."""
    count = 0
    x, y = points[0, one], points[1, one]
    if len(points) == 2:
        for other in range(begin, end):
            dx, dy = x - points[0, other], y - points[1, other]
            count += dx * dx + dy * dy <= reach2
        return count
    moment = points[2, one]
    for other in range(begin, end):
        dx, dy = x - points[0, other], y - points[1, other]
        count += (dx * dx + dy * dy <= reach2) & (abs(moment - points[2, other]) <= days)
    return count


@numba.njit(cache=True, nogil=True)
def core_points(points: Floats, keys: Longs, first: Longs, rows: Longs, reach2: float, days: float, least: int) -> Flags:
    """Which points have at least `least` points, themselves included, within reach.

    `points`: rows x, y and perhaps time, columns sorted by cell; `keys`: of each cell, rising;
    `first`: where its points begin, with one more.
    `rows`: what to add to a key for each row of cells around it; two cells left and right of there are looked at.
    """
    core = np.zeros(points.shape[1], dtype=np.bool_)
    at = np.zeros(len(rows), dtype=np.int64)
    until = np.zeros(len(rows), dtype=np.int64)
    for cell in range(len(keys)):
        if first[cell + 1] - first[cell] >= least:
            core[first[cell] : first[cell + 1]] = True
            continue
        _advance(keys, rows, cell, at, until)
        for point in range(first[cell], first[cell + 1]):
            count = 0
            for row in range(len(rows)):
                begin, end = first[at[row]], first[until[row]]
                while begin < end and count < least:
                    count += _near_count(points, point, begin, min(end, begin + STRIDE), reach2, days)
                    begin += STRIDE
                if count >= least:
                    core[point] = True
                    break
    return core


@numba.njit(cache=True, nogil=True)
def joined_cells(points: Floats, keys: Longs, first: Longs, rows: Longs, core: Flags, reach2: float, days: float) -> Longs:
    """For each cell the root of its cluster: cells are one cluster if core points of theirs are within reach of each other."""
    parent = np.arange(len(keys))
    boxes = _boxes(points, first, core)
    at = np.zeros(len(rows), dtype=np.int64)
    until = np.zeros(len(rows), dtype=np.int64)
    for cell in range(len(keys)):
        _advance(keys, rows, cell, at, until)
        if boxes[cell, 0] > boxes[cell, 1]:
            continue
        for row in range(len(rows)):
            for other in range(at[row], min(until[row], cell)):
                if boxes[other, 0] > boxes[other, 1] or _root(parent, cell) == _root(parent, other):
                    continue
                if _touch(points, first, core, boxes, cell, other, reach2, days):
                    one, two = _root(parent, cell), _root(parent, other)
                    parent[max(one, two)] = min(one, two)
    for cell in range(len(keys)):
        parent[cell] = _root(parent, cell)
    return parent


@numba.njit(cache=True, nogil=True)
def labelled(
    points: Floats, keys: Longs, first: Longs, rows: Longs, core: Flags, root: Longs, order: Longs, reach2: float, days: float,
) -> Longs:  # fmt: skip
    """Labels in the original order of the points; `order`: the original row of each sorted point.

    Clusters are numbered by their first core point; a border point goes to the lowest number within reach, else NOISE.
    """
    count = points.shape[1]
    place = np.empty(count, dtype=np.int64)
    cell_of = np.empty(count, dtype=np.int32)
    for cell in range(len(keys)):
        for point in range(first[cell], first[cell + 1]):
            cell_of[point] = cell
            place[order[point]] = point
    number = np.full(len(keys), -1, dtype=np.int64)
    labels = np.full(count, NOISE, dtype=np.int64)
    clusters = 0
    for original in range(count):
        point = place[original]
        if not core[point]:
            continue
        top = root[cell_of[point]]
        if number[top] < 0:
            number[top] = clusters
            clusters += 1
        labels[original] = number[top]
    at = np.zeros(len(rows), dtype=np.int64)
    until = np.zeros(len(rows), dtype=np.int64)
    for cell in range(len(keys)):
        _advance(keys, rows, cell, at, until)
        for point in range(first[cell], first[cell + 1]):
            if core[point]:
                continue
            best = clusters
            for row in range(len(rows)):
                for other in range(at[row], until[row]):
                    if number[root[other]] >= best or number[root[other]] < 0:
                        continue
                    for there in range(first[other], first[other + 1]):
                        if core[there] and _near(points, point, there, reach2, days):
                            best = number[root[other]]
                            break
            if best < clusters:
                labels[order[point]] = best
    return labels


@numba.njit(cache=True, nogil=True)
def _advance(keys: Longs, rows: Longs, cell: int, at: Longs, until: Longs) -> None:
    """Move on to the cells around `cell` in each row: keys rise, so the ends only ever move forward."""
    for row in range(len(rows)):
        middle = keys[cell] + rows[row]
        while at[row] < len(keys) and keys[at[row]] < middle - 2:
            at[row] += 1
        until[row] = max(until[row], at[row])
        while until[row] < len(keys) and keys[until[row]] <= middle + 2:
            until[row] += 1


@numba.njit(cache=True, nogil=True)
def _root(parent: Longs, cell: int) -> int:
    while parent[cell] != cell:
        parent[cell] = parent[parent[cell]]
        cell = parent[cell]
    return cell


@numba.njit(cache=True, nogil=True)
def _boxes(points: Floats, first: Longs, core: Flags) -> Floats:
    """Of each cell west, east, south, north of its core points; west > east where it has none."""
    boxes = np.empty((len(first) - 1, 4))
    for cell in range(len(boxes)):
        west, east, south, north = np.inf, -np.inf, np.inf, -np.inf
        for point in range(first[cell], first[cell + 1]):
            if core[point]:
                west, east = min(west, points[0, point]), max(east, points[0, point])
                south, north = min(south, points[1, point]), max(north, points[1, point])
        boxes[cell, 0], boxes[cell, 1], boxes[cell, 2], boxes[cell, 3] = west, east, south, north
    return boxes


@numba.njit(cache=True, nogil=True)
def _to_box(x: float, y: float, boxes: Floats, cell: int) -> float:
    dx = max(0.0, boxes[cell, 0] - x, x - boxes[cell, 1])
    dy = max(0.0, boxes[cell, 2] - y, y - boxes[cell, 3])
    return float(dx * dx + dy * dy)


@numba.njit(cache=True, nogil=True)
def _touch(points: Floats, first: Longs, core: Flags, boxes: Floats, cell: int, other: int, reach2: float, days: float) -> bool:
    """Whether a core point of one cell is within reach of one of the other."""
    slack = reach2 * (1 + 1e-12)
    dx = max(0.0, boxes[cell, 0] - boxes[other, 1], boxes[other, 0] - boxes[cell, 1])
    dy = max(0.0, boxes[cell, 2] - boxes[other, 3], boxes[other, 2] - boxes[cell, 3])
    if dx * dx + dy * dy > slack:
        return False
    for one in range(first[cell], first[cell + 1]):
        if not core[one] or _to_box(points[0, one], points[1, one], boxes, other) > slack:
            continue
        for two in range(first[other], first[other + 1]):
            if core[two] and _near(points, one, two, reach2, days):
                return True
    return False
