"""The circular windows of a scan: around each centre the places by distance, as far as a share of those at risk allows."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from gis.errors import BadCoordinate, BadValue, NothingToAnalyse, TooLarge

Floats = NDArray[np.float64]

EARTH_RADIUS_M = 6_371_000.0
MOST_ENTRIES = 150_000_000
"""Of all circles together, 5 bytes each."""
CHUNK = 2_000_000
TREE_FROM = 4_000
# Places on a regular grid lie equally far but for rounding; a circle takes all of them or none.
SAME = 1e-9


@dataclass(frozen=True)
class Circles:
    """Entries first[c] to first[c + 1] of `order` are the places around centre c, nearest first.

    A circle ends at each entry k with whole[k]: it holds all entries of its centre up to k, and no other place is as near.
    """

    places: Floats
    first: NDArray[np.int64]
    order: NDArray[np.int32]
    whole: NDArray[np.bool_]

    def members(self, centre: int, entry: int) -> NDArray[np.int64]:
        """The places of the circle that ends at `entry`, nearest first, then as they were given."""
        found = self.order[self.first[centre] : entry + 1].astype(np.int64)
        return found[np.lexsort((found, np.round(self._apart(centre, found), 6)))]

    def radius_m(self, centre: int, members: NDArray[np.int64]) -> float:
        """How far its furthest member lies, metres (along the ground)."""
        apart = float(self._apart(centre, members).max())
        return 2 * EARTH_RADIUS_M * float(np.arcsin(min(1.0, apart / 2 / EARTH_RADIUS_M))) if self.places.shape[1] == 3 else apart

    def _apart(self, centre: int, members: NDArray[np.int64]) -> Floats:
        return np.asarray(np.sqrt(((self.places[members] - self.places[centre]) ** 2).sum(axis=1)))


def on_sphere(lon: ArrayLike, lat: ArrayLike) -> Floats:
    """Degrees → (n, 3) metres from the middle of a round Earth: chords rank as distances along the ground do."""
    there, up = np.radians(np.asarray(lon, dtype=np.float64)), np.radians(np.asarray(lat, dtype=np.float64))
    return EARTH_RADIUS_M * np.column_stack([np.cos(up) * np.cos(there), np.cos(up) * np.sin(there), np.sin(up)])


def circles(places: ArrayLike, at_risk: ArrayLike, *, max_share: float, max_radius_m: float | None = None) -> Circles:
    """All circles around each place that hold at most `max_share` of `at_risk` and reach at most `max_radius_m`.

    `places`: (n, 2) plane metres or (n, 3) of `on_sphere`. Raises BadValue for a share outside (0, 1] or a radius under 0,
    BadCoordinate for a place that is no number, NothingToAnalyse if no circle is within the limits or all places are one,
    TooLarge beyond MOST_ENTRIES.
    """
    where, base = np.asarray(places, dtype=np.float64), np.asarray(at_risk, dtype=np.float64)
    if not 0 < max_share <= 1:
        raise BadValue("The largest share of a circle lies above 0 and at most 1.", max_share=max_share)
    if max_radius_m is not None and not max_radius_m >= 0:
        raise BadValue("The largest radius is 0 metres or more.", max_radius_m=max_radius_m)
    if not np.isfinite(where).all():
        raise BadCoordinate("A place is not a finite number.", row=int(np.argmin(np.isfinite(where).all(axis=1))))
    if len(where) < 2 or not np.ptp(where, axis=0).any():
        raise NothingToAnalyse("All places are one; a scan compares places.", places=len(where))
    most = max_share * base.sum() * (1 + 1e-12)
    reach = np.inf if max_radius_m is None else _chord(max_radius_m, where.shape[1]) * (1 + SAME)
    lengths, orders, wholes, entries = [], [], [], 0
    for apart, order in _nearest(where, base, most, reach):
        length, kept, whole = _within(apart, order, base, most, reach)
        entries += int(length.sum())
        if entries > MOST_ENTRIES:
            raise TooLarge("The circles are too many; lower the largest share or radius.", places=len(where), most=MOST_ENTRIES)
        lengths.append(length)
        orders.append(kept)
        wholes.append(whole)
    if not entries:
        raise NothingToAnalyse("No circle is small enough; raise the largest share or radius.", max_share=max_share, places=len(where))
    first = np.concatenate([[0], np.cumsum(np.concatenate(lengths))]).astype(np.int64)
    return Circles(where, first, np.concatenate(orders), np.concatenate(wholes))


def _chord(along: float, dimensions: int) -> float:
    return along if dimensions == 2 else 2 * EARTH_RADIUS_M * float(np.sin(min(np.pi / 2, along / 2 / EARTH_RADIUS_M)))


def _nearest(where: Floats, base: Floats, most: float, reach: float) -> Iterator[tuple[Floats, NDArray[np.int32]]]:
    """Distances and places by distance, a block of centres at a time; enough of them to pass the limits."""
    count = len(where)
    likely = int(2 * count * min(1.0, most / base.sum())) + 16
    if count < TREE_FROM or likely > count // 2:
        rows = max(1, CHUNK // count)
        for begin in range(0, count, rows):
            square = sum((where[begin : begin + rows, None, axis] - where[None, :, axis]) ** 2 for axis in range(where.shape[1]))
            order = np.argsort(square, axis=1).astype(np.int32)
            yield np.sqrt(np.take_along_axis(np.asarray(square), order, axis=1)), order
        return
    tree = cKDTree(where)
    begin = 0
    while begin < count:
        asked = where[begin : begin + max(1, CHUNK // likely)]
        apart, order = tree.query(asked, k=likely)
        held = np.cumsum(base[order], axis=1)[:, -1]
        enough = (held > most) | (apart[:, -1] > reach) | (likely == count)
        done = len(enough) if enough.all() else int(np.argmin(enough))
        if done:
            yield apart[:done], order[:done].astype(np.int32)
            begin += done
        if not enough.all():
            likely = min(count, 2 * likely)


def _within(
    apart: Floats, order: NDArray[np.int32], base: Floats, most: float, reach: float
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.bool_]]:
    """How many entries each centre keeps, those entries, and where a circle ends."""
    fits = (np.cumsum(base[order], axis=1) <= most) & (apart <= reach)
    ends = np.ones(apart.shape, dtype=np.bool_)
    ends[:, :-1] = apart[:, 1:] > apart[:, :-1] * (1 + SAME) + SAME
    # The furthest of a block is the last of all places, or lies beyond the limits.
    ends &= fits
    length = np.where(ends.any(axis=1), apart.shape[1] - np.argmax(ends[:, ::-1], axis=1), 0)
    kept = np.arange(apart.shape[1]) < length[:, None]
    return length.astype(np.int64), order[kept], ends[kept]
