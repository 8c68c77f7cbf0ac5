# mypy: disable-error-code="untyped-decorator"
"""The compiled loops of gis.assignment: a raster of owners, and the edges that cross its mixed cells."""

import math
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Bytes = NDArray[np.uint8]

OUTSIDE = -1
UNSURE = -2
UNFILLED = 2**31 - 1
# A crossing is computed with an error under 1e-13 degree; what is nearer than this is left to exact predicates.
DOUBT = 1e-12
RADIUS_A = 6378137.0
ECCENTRICITY2 = 0.00669438002290  # GRS 80


class Index(NamedTuple):
    """Where the edges are.

    `frame`: west, south, cell width, cell height (degrees). `owners[row, column]` >= 0 is the owner of the whole cell,
    OUTSIDE nobody, and -2 - k says that cell k of `first` is mixed. `near`: how many cells away the nearest mixed cell
    is. `edges`, rows ax, ay, bx, by with ay <= by in degrees, are copied for each mixed cell, cell k from first[k] to
    first[k + 1]; `east` is the owner on their side of larger x.
    """

    frame: Floats
    owners: Ints
    near: Bytes
    first: Longs
    edges: Floats
    east: Ints


@numba.njit(cache=True, nogil=True)
def cells_of_edges(edges: Floats, frame: Floats, rows: int, columns: int, first: Longs, entries: Ints) -> None:
    """Count (empty `entries`) or list the edges that touch each cell, cells row by row; `first` has one more slot."""
    west, south, width, height = frame
    margin = 1e-9
    listing = len(entries) > 0
    for edge in range(len(edges)):
        ax, ay, bx, by = edges[edge, 0], edges[edge, 1], edges[edge, 2], edges[edge, 3]
        low = max(0, (math.floor((ay - south) / height - margin)))
        high = min(rows - 1, (math.floor((by - south) / height + margin)))
        slope = (bx - ax) / (by - ay) if by > ay else 0.0
        for row in range(low, high + 1):
            bottom = max(ay, south + (row - margin) * height)
            top = min(by, south + (row + 1 + margin) * height)
            x0 = ax + (bottom - ay) * slope if by > ay else ax
            x1 = ax + (top - ay) * slope if by > ay else bx
            left = max(0, (math.floor((min(x0, x1) - west) / width - margin)))
            right = min(columns - 1, (math.floor((max(x0, x1) - west) / width + margin)))
            for column in range(left, right + 1):
                cell = row * columns + column
                if listing:
                    entries[first[cell]] = edge
                first[cell] += 1


@numba.njit(cache=True, nogil=True)
def owner_at(x: float, y: float, column: int, row: int, index: Index) -> int:
    """The owner of a place in a cell: the east side of the nearest edge to its west; UNSURE if too near to tell.

    Looks west cell by cell, so it also fills the raster from west to east while that is being built.
    """
    frame, owners, first, edges, east = index.frame, index.owners, index.first, index.edges, index.east
    while column >= 0:
        label = owners[row, column]
        if label >= OUTSIDE:
            return int(label)
        cell = -2 - label
        border = frame[0] + column * frame[2] - DOUBT
        nearest = -np.inf
        owner = OUTSIDE
        doubt = False
        for entry in range(first[cell], first[cell + 1]):
            ay, by = edges[entry, 1], edges[entry, 3]
            if ay <= y < by:
                ax = edges[entry, 0]
                crossing = ax + (y - ay) * (edges[entry, 2] - ax) / (by - ay)
                if crossing > x + DOUBT:
                    continue
                if crossing >= x - DOUBT:
                    return UNSURE
                if crossing > nearest + DOUBT:
                    nearest, owner, doubt = crossing, int(east[entry]), False
                elif crossing >= nearest - DOUBT:
                    doubt = doubt or owner != east[entry]
                    nearest = max(nearest, crossing)
            elif by == y and min(edges[entry, 0], edges[entry, 2]) <= x <= max(edges[entry, 0], edges[entry, 2]):
                return UNSURE
        if nearest >= border:
            return UNSURE if doubt else owner
        column -= 1
    return OUTSIDE


@numba.njit(cache=True, nogil=True)
def fill_raster(index: Index) -> bool:
    """Give every cell that no edge touches its owner; False if one stays in doubt."""
    frame, owners = index.frame, index.owners
    rows, columns = owners.shape
    for row in range(rows):
        for column in range(columns):
            if owners[row, column] != UNFILLED:
                continue
            if column == 0:
                owners[row, column] = OUTSIDE
                continue
            if owners[row, column - 1] >= OUTSIDE:
                owners[row, column] = owners[row, column - 1]
                continue
            owner = UNSURE
            for share in (0.5, 0.37, 0.71, 0.13, 0.89, 0.437, 0.611):
                y = frame[1] + (row + share) * frame[3]
                x = frame[0] + (column + 0.5) * frame[2]
                owner = owner_at(x, y, column - 1, row, index)
                if owner != UNSURE:
                    break
            if owner == UNSURE:
                return False
            owners[row, column] = owner
    return True


@numba.njit(cache=True, nogil=True)
def owner_of(x: float, y: float, index: Index) -> int:
    """The owner of one place; OUTSIDE if it lies off the raster, UNSURE if too near an edge to tell."""
    frame, owners = index.frame, index.owners
    rows, columns = owners.shape
    across, up = (x - frame[0]) / frame[2], (y - frame[1]) / frame[3]
    if not (0.0 <= across < columns and 0.0 <= up < rows):
        return OUTSIDE
    column, row = int(across), int(up)
    label = owners[row, column]
    if label >= OUTSIDE:
        return int(label)
    return owner_at(x, y, column, row, index)


@numba.njit(cache=True, nogil=True)
def owners_at(lon: Floats, lat: Floats, index: Index, out: Ints) -> None:
    """Owner of every place into `out`. A place that is not finite is OUTSIDE."""
    frame, owners = index.frame, index.owners
    rows, columns = owners.shape
    west, south, width, height = frame[0], frame[1], frame[2], frame[3]
    for place in range(len(lon)):
        x, y = lon[place], lat[place]
        across, up = (x - west) / width, (y - south) / height
        if not (0.0 <= across < columns and 0.0 <= up < rows):
            out[place] = OUTSIDE
            continue
        owner = owners[numba.uint64(up), numba.uint64(across)]
        out[place] = owner if owner >= OUTSIDE else owner_at(x, y, int(across), int(up), index)


@numba.njit(cache=True, nogil=True)
def metres_per_degree(lat: float) -> tuple[float, float]:
    """Metres in one degree of longitude and of latitude at a latitude, on the ellipsoid."""
    radians = math.radians(lat)
    curve = 1.0 - ECCENTRICITY2 * math.sin(radians) ** 2
    root = math.sqrt(curve)
    east = RADIUS_A / root * math.cos(radians)
    north = RADIUS_A * (1.0 - ECCENTRICITY2) / (curve * root)
    return math.radians(east), math.radians(north)


@numba.njit(cache=True, nogil=True)
def border_distance(x: float, y: float, reach_m: float, index: Index) -> float:
    """Metres to the nearest edge, at most `reach_m`: looks in rings of cells around the place until none can be nearer."""
    frame, owners, near, first, edges = index.frame, index.owners, index.near, index.first, index.edges
    rows, columns = owners.shape
    kx, ky = metres_per_degree(y)
    across, up = (x - frame[0]) / frame[2], (y - frame[1]) / frame[3]
    wide, high = kx * frame[2], ky * frame[3]
    if not (-reach_m <= across * wide <= columns * wide + reach_m and -reach_m <= up * high <= rows * high + reach_m):
        return reach_m
    column, row = (math.floor(across)), (math.floor(up))
    inner = min(min(across - column, column + 1 - across) * wide, min(up - row, row + 1 - up) * high)
    side = min(wide, high)
    best = reach_m * reach_m
    ring = near[row, column] if 0 <= column < columns and 0 <= row < rows else 0
    while True:
        nearest = inner + (ring - 1) * side if ring else 0.0
        if nearest * nearest >= best:
            return math.sqrt(best)
        for r in range(max(0, row - ring), min(rows - 1, row + ring) + 1):
            step = 1 if abs(r - row) == ring else max(1, 2 * ring)
            for c in range(column - ring, column + ring + 1, step):
                if 0 <= c < columns and owners[r, c] < OUTSIDE:
                    cell = -2 - owners[r, c]
                    for entry in range(first[cell], first[cell + 1]):
                        ax, ay = (edges[entry, 0] - x) * kx, (edges[entry, 1] - y) * ky
                        dx, dy = (edges[entry, 2] - edges[entry, 0]) * kx, (edges[entry, 3] - edges[entry, 1]) * ky
                        length = dx * dx + dy * dy
                        along = -(ax * dx + ay * dy) / length if length > 0.0 else 0.0
                        along = min(1.0, max(0.0, along))
                        best = min(best, (ax + along * dx) ** 2 + (ay + along * dy) ** 2)
        ring += 1


@numba.njit(cache=True, nogil=True)
def border_distances(lon: Floats, lat: Floats, reach_m: float, index: Index, out: NDArray[np.float32]) -> None:
    """Metres to the nearest edge of every place into `out`, at most `reach_m`; NaN where a place is not finite."""
    frame, owners, near = index.frame, index.owners, index.near
    rows, columns = owners.shape
    west, south, width, height = frame[0], frame[1], frame[2], frame[3]
    # The smallest cell side of the raster: its north or south rim, whichever is nearer the pole.
    side_south, side_north = metres_per_degree(south), metres_per_degree(south + rows * height)
    side = min(width * min(side_south[0], side_north[0]), height * min(side_south[1], side_north[1]))
    empty = reach_m / side + 1.0
    for place in range(len(lon)):
        x, y = lon[place], lat[place]
        across, up = (x - west) / width, (y - south) / height
        if 0.0 <= across < columns and 0.0 <= up < rows and near[numba.uint64(up), numba.uint64(across)] >= empty:
            out[place] = reach_m
        elif math.isfinite(x) and math.isfinite(y):
            out[place] = border_distance(x, y, reach_m, index)
        else:
            out[place] = np.nan


@numba.njit(cache=True, nogil=True)
def locate(x: float, y: float, reach_m: float, parts: tuple[Floats, Ints, Bytes, Longs, Floats, Ints]) -> tuple[int, float]:
    """Owner and distance of one place; the parts of an Index come as a plain tuple, which is quicker to hand over."""
    index = Index(parts[0], parts[1], parts[2], parts[3], parts[4], parts[5])
    return owner_of(x, y, index), border_distance(x, y, reach_m, index)
