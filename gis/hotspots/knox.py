"""Near repeats, by Knox: do incidents near one another in space come near in time more often than chance would have it?

All pairs of events are counted by band of distance and band of time apart, both half-open: from <= value < to. Under no
interaction the times are exchangeable among the places, so replicas shuffle them. ratio = observed / mean of the replicas;
p = (1 + replicas with as many pairs or more) / (1 + replicas), one for each cell of the table: judge the table, not its best
cell. Sources: Knox, Appl. Statist. 13 (1964); Johnson et al., J. Quant. Criminol. 23 (2007); Ratcliffe, Near Repeat Calculator.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from gis.errors import BadCoordinate, BadValue, NothingToAnalyse, TooLarge
from gis.hotspots import knox_kernels
from gis.hotspots.permutation import Progress

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

MINIMUM_EVENTS = 50
PERMUTATIONS = 999
SECONDS_A_DAY = 86_400
LANES = 64
MOST_PAIRS = 200_000_000
"""Near pairs kept, 8 bytes each."""


@dataclass(frozen=True)
class Knox:
    """`table`: one row a cell: from_m, to_m, from_days, to_days, observed, expected (mean), median, ratio, ratio_median, p.

    A ratio is infinite where no replica has a pair but the events have, NaN where neither has.
    """

    table: pd.DataFrame
    events: int
    pairs: int
    permutations: int
    seed: int


def knox(
    points: ArrayLike, days: ArrayLike, *, bands_m: ArrayLike, bands_days: ArrayLike, permutations: int = PERMUTATIONS, seed: int = 0,
    progress: Progress | None = None,
) -> Knox:  # fmt: skip
    """The Knox table of `points`, (n, 2) metres, at times `days`, (n,), numbers of days, told apart to the second.

    `bands_m`, `bands_days`: rising edges, such as 0, 0.1, 100, 200: the first band then holds the same address. Refused:
    BadValue for edges that do not rise or numbers missing; NothingToAnalyse below MINIMUM_EVENTS or if all events share one
    place or one time; TooLarge above MOST_PAIRS near pairs (lower the last distance).
    """
    where, seconds, space, time = _checked(points, days, bands_m, bands_days, permutations)
    order, keys, first, across = _cells(where, float(space[-1]))
    x, y = where[order, 0], where[order, 1]
    nothing = np.empty(0, dtype=np.int32)
    count = knox_kernels.near_pairs(x, y, keys, first, across, space, np.zeros(len(space), dtype=np.int64), nothing, nothing)
    pairs = int(count.sum())
    if pairs > MOST_PAIRS:
        raise TooLarge("Too many pairs are so near; lower the last distance.", pairs=pairs, most=MOST_PAIRS)
    fill = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    one, two = np.empty(pairs, dtype=np.int32), np.empty(pairs, dtype=np.int32)
    if pairs:
        knox_kernels.near_pairs(x, y, keys, first, across, space, fill, one, two)
    times = seconds[order]
    observed = _by_band(knox_kernels.closer_than(times[:, None], one, two, fill, time))[:, :, 0]
    drawn = []
    for begin in range(0, permutations, LANES):
        lanes = min(LANES, permutations - begin)
        drawn.append(_by_band(knox_kernels.closer_than(_mixed(times, seed, begin, lanes), one, two, fill, time)))
        if progress is not None:
            progress(begin + lanes, permutations)
    table = _table(observed, np.concatenate(drawn, axis=2), np.asarray(bands_m, dtype=np.float64), np.asarray(bands_days, dtype=np.float64))
    return Knox(table, len(where), pairs, permutations, seed)


def _mixed(times: NDArray[np.int32], seed: int, begin: int, lanes: int) -> NDArray[np.int32]:
    state = np.random.default_rng([seed, begin // LANES]).integers(0, 2**64, size=1, dtype=np.uint64)
    return knox_kernels.shuffled(state, times, lanes)


def _by_band(closer: Longs) -> Longs:
    """Pairs closer than each edge → pairs between one edge and the next."""
    return np.diff(closer, axis=1)


def _table(observed: Longs, drawn: Longs, space: Floats, time: Floats) -> pd.DataFrame:
    rows, columns = observed.shape
    mean, median = drawn.mean(axis=2).ravel(), np.median(drawn, axis=2).ravel()
    seen = observed.ravel()
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio, ratio_median = seen / mean, seen / median
    p = (1 + (drawn >= observed[:, :, None]).sum(axis=2).ravel()) / (1 + drawn.shape[2])
    return pd.DataFrame({
        "from_m": np.repeat(space[:-1], columns), "to_m": np.repeat(space[1:], columns), "from_days": np.tile(time[:-1], rows),
        "to_days": np.tile(time[1:], rows), "observed": seen, "expected": mean, "median": median, "ratio": ratio,
        "ratio_median": ratio_median, "p": p,
    })  # fmt: skip


def _checked(
    points: ArrayLike, days: ArrayLike, bands_m: ArrayLike, bands_days: ArrayLike, permutations: int
) -> tuple[Floats, NDArray[np.int32], Floats, NDArray[np.int32]]:
    where, when = np.asarray(points, dtype=np.float64), np.asarray(days, dtype=np.float64)
    space, time = (_edges(bands, name) for bands, name in ((bands_m, "bands_m"), (bands_days, "bands_days")))
    if where.ndim != 2 or where.shape[1] != 2 or when.shape != (len(where),):
        raise BadValue("Points are pairs of metres, with a time for each.", points=where.shape, days=when.shape)
    if not np.isfinite(where).all():
        raise BadCoordinate("A point is not a finite number.", row=int(np.argmin(np.isfinite(where).all(axis=1))))
    if not np.isfinite(when).all():
        raise BadValue("A time is missing.", row=int(np.argmin(np.isfinite(when))))
    if permutations < 99:
        raise BadValue("Fewer than 99 permutations say nothing.", permutations=permutations)
    if len(where) < MINIMUM_EVENTS:
        raise NothingToAnalyse("Too few events for near repeats.", events=len(where), minimum=MINIMUM_EVENTS)
    if not np.ptp(where, axis=0).any() or not np.ptp(when):
        raise NothingToAnalyse("All events share one place or one time; shuffling their times changes nothing.", events=len(where))
    if np.ptp(when) * SECONDS_A_DAY >= 2**31 - 1:
        raise BadValue("Times are days, and lie within 68 years.", span_days=float(np.ptp(when)))
    seconds = np.round((when - when.min()) * SECONDS_A_DAY).astype(np.int32)
    limits = np.minimum(np.ceil(np.round(time * SECONDS_A_DAY, 6)), 2**31 - 1).astype(np.int32)
    return where, seconds, space, limits


def _edges(bands: ArrayLike, name: str) -> Floats:
    edges = np.asarray(bands, dtype=np.float64)
    if edges.ndim != 1 or len(edges) < 2 or not np.isfinite(edges).all() or edges[0] < 0 or (np.diff(edges) <= 0).any():
        raise BadValue("Bands are two or more rising numbers from 0 on.", name=name, edges=edges.tolist())
    return edges


def _cells(where: Floats, side: float) -> tuple[Longs, Longs, Longs, int]:
    """The points in order of their cells, the cells' keys and first points, and what a row is worth in a key."""
    column, row = (np.floor((where[:, axis] - where[:, axis].min()) / side).astype(np.int64) + 1 for axis in (0, 1))
    across = int(column.max()) + 2
    keys = row * across + column
    order = np.argsort(keys, kind="stable")
    cells, first = np.unique(keys[order], return_index=True)
    return order, cells, np.append(first, len(keys)).astype(np.int64), across
