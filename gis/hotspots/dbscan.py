"""Density clusters of points: DBSCAN, ST-DBSCAN, HDBSCAN, and the addresses that come again and again.

A point is core if at least `min_points` points, itself included, lie within `reach_m` metres (and, ST-DBSCAN, within
`reach_days` days). Core points within reach of each other are one cluster; a point that is not core joins the cluster of a core
point within reach, else it is noise (-1). Sources: Ester, Kriegel, Sander and Xu, KDD 1996; Birant and Kut, Data Knowl. Eng. 60
(2007), without its optional limit on the change of a cluster's mean; cells as in Gunawan, thesis, TU Eindhoven 2013; Campello,
Moulavi and Sander, PAKDD 2013 (HDBSCAN, from scikit-learn). These clusters have no p: chance makes clusters too. Use the scan.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from gis.errors import BadCoordinate, BadValue, NothingToAnalyse, TooLarge
from gis.hotspots import dbscan_kernels

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

NOISE = dbscan_kernels.NOISE
LEAST_POINTS = 4
MOST_CELLS = 2**62
MOST_HDBSCAN = 200_000
# All in one cell must be within reach, so its diagonal stays below it by more than rounding.
SNUG = 1 - 1e-9


@dataclass(frozen=True)
class Density:
    """`labels`: of each point its cluster, 0, 1, … by each cluster's first core point, or NOISE; `core`: which are core."""

    labels: Longs
    core: NDArray[np.bool_]


def dbscan(points: ArrayLike, *, reach_m: float, min_points: int) -> Density:
    """DBSCAN of `points`, (n, 2) metres; labels equal scikit-learn's, border points included.

    Raises BadValue for a reach of 0 or less or fewer than 4 points a cluster, BadCoordinate for a place that is no number,
    NothingToAnalyse for fewer points than one cluster needs. Memory: about 100 bytes a point.
    """
    return _clustered(points, None, reach_m, math.inf, min_points)


def st_dbscan(points: ArrayLike, days: ArrayLike, *, reach_m: float, reach_days: float, min_points: int) -> Density:
    """DBSCAN where neighbours are within `reach_m` metres and within `reach_days` days; refusals as for dbscan."""
    if not (math.isfinite(reach_days) and reach_days >= 0):
        raise BadValue("The reach in days is 0 or more.", reach_days=reach_days)
    return _clustered(points, days, reach_m, reach_days, min_points)


def hdbscan(points: ArrayLike, *, min_points: int) -> Density:
    """HDBSCAN of scikit-learn on the distinct places of `points`, (n, 2) metres; points of one place share a label.

    Duplicates are merged first: a pile has infinite density, which breaks the hierarchy. `core` is all but noise. Raises as
    dbscan, and TooLarge above MOST_HDBSCAN places, where it would take minutes.
    """
    from sklearn.cluster import HDBSCAN  # noqa: PLC0415  seconds to load, for this method only

    where, _ = _checked(points, None, min_points)
    distinct, back = np.unique(where, axis=0, return_inverse=True)
    if len(distinct) > MOST_HDBSCAN:
        raise TooLarge("HDBSCAN of so many places takes minutes; use dbscan.", places=len(distinct), most=MOST_HDBSCAN)
    if len(distinct) < 2 * min_points:
        raise NothingToAnalyse("Too few different places for a hierarchy of densities.", places=len(distinct), minimum=2 * min_points)
    found = HDBSCAN(min_cluster_size=min_points, copy=True).fit(distinct).labels_.astype(np.int64)
    labels = found[back.ravel()]
    return Density(labels, labels >= 0)


def summary(points: ArrayLike, found: Density, days: ArrayLike | None = None) -> pd.DataFrame:
    """One row a cluster: label, points, core, x, y (mean, metres), radius_m (furthest from the mean), piled, first_day, last_day.

    `piled`: the most points on one coordinate; the last two only with `days`.
    """
    where, labels, core = np.asarray(points, dtype=np.float64), found.labels, found.core
    when = None if days is None else np.asarray(days, dtype=np.float64)
    kept = np.flatnonzero(labels >= 0)
    kept = kept[np.argsort(labels[kept], kind="stable")]
    label = labels[kept]
    count = np.bincount(label) if len(label) else np.zeros(0, dtype=np.int64)
    begins = np.concatenate([[0], np.cumsum(count)])[:-1].astype(np.int64)
    sums = [np.bincount(label, weights=where[kept, axis], minlength=len(count)) for axis in (0, 1)]
    middle = np.asarray(np.column_stack(sums) / np.maximum(count, 1)[:, None], dtype=np.float64)
    cores = np.bincount(label, weights=core[kept], minlength=len(count)).astype(np.int64)
    apart = np.hypot(*(where[kept] - middle[label]).T)
    table = pd.DataFrame({
        "label": np.arange(len(count)), "points": count, "core": cores, "x": middle[:, 0], "y": middle[:, 1],
        "radius_m": _over(np.maximum, apart, begins), "piled": _piled(where[kept], label, len(count)),
    })  # fmt: skip
    if when is not None:
        table["first_day"], table["last_day"] = _over(np.minimum, when[kept], begins), _over(np.maximum, when[kept], begins)
    return table


def repeats(points: ArrayLike, *, least: int = 2, digits: int = 2) -> pd.DataFrame:
    """Places with at least `least` points: x, y, points, share of all, cumulative; most first. (n, 2) metres.

    Points are one place if they agree to `digits` decimals of a metre. Look here before any cluster: a pile of events on one
    coordinate is a repeat address, or a default of the geocoder.
    """
    where, _ = _checked(points, None, LEAST_POINTS, enough=1)
    places, count = np.unique(np.round(where, digits), axis=0, return_counts=True)
    keep = count >= least
    order = np.argsort(-count[keep], kind="stable")
    often = count[keep][order]
    return pd.DataFrame({
        "x": places[keep][order, 0], "y": places[keep][order, 1], "points": often, "share": often / len(where),
        "cumulative": np.cumsum(often) / len(where),
    })  # fmt: skip


def repeat_table(names: ArrayLike) -> pd.DataFrame:
    """How many units (buildings, households, addresses) were met once, twice, …: times, units, events, share of all events."""
    times = pd.Series(np.asarray(names)).value_counts()
    table = times.value_counts().sort_index().rename_axis("times").reset_index(name="units")
    table["events"] = table["times"] * table["units"]
    table["share"] = table["events"] / max(1, int(table["events"].sum()))
    return table


def _clustered(points: ArrayLike, days: ArrayLike | None, reach_m: float, reach_days: float, min_points: int) -> Density:
    if not (math.isfinite(reach_m) and reach_m > 0):
        raise BadValue("The reach in metres is above 0.", reach_m=reach_m)
    where, when = _checked(points, days, min_points)
    keys, rows = _cells(where, when, reach_m, reach_days)
    order = np.argsort(keys)
    cells, first = np.unique(keys[order], return_index=True)
    first = np.append(first, len(keys)).astype(np.int64)
    packed = np.stack([each[order] for each in (where[:, 0], where[:, 1], when) if each is not None])
    span = 0.0 if when is None else reach_days
    reach2 = reach_m * reach_m
    core = dbscan_kernels.core_points(packed, cells, first, rows, reach2, span, min_points)
    root = dbscan_kernels.joined_cells(packed, cells, first, rows, core, reach2, span)
    labels = dbscan_kernels.labelled(packed, cells, first, rows, core, root, order, reach2, span)
    in_order = np.empty(len(core), dtype=np.bool_)
    in_order[order] = core
    return Density(labels, in_order)


def _checked(points: ArrayLike, days: ArrayLike | None, min_points: int, *, enough: int | None = None) -> tuple[Floats, Floats | None]:
    where = np.asarray(points, dtype=np.float64)
    if where.ndim != 2 or where.shape[1] != 2:
        raise BadValue("Points are pairs of metres.", shape=where.shape)
    if not np.isfinite(where).all():
        raise BadCoordinate("A point is not a finite number.", row=int(np.argmin(np.isfinite(where).all(axis=1))))
    if min_points < LEAST_POINTS:
        raise BadValue("A cluster of fewer than 4 points says nothing.", min_points=min_points, minimum=LEAST_POINTS)
    needed = min_points if enough is None else enough
    if len(where) < needed:
        raise NothingToAnalyse("There are fewer points than one cluster needs.", points=len(where), minimum=needed)
    if days is None:
        return where, None
    when = np.asarray(days, dtype=np.float64)
    if when.shape != (len(where),) or not np.isfinite(when).all():
        raise BadValue("Each point needs a time, as a number of days.", points=len(where), days=when.shape)
    return where, when


def _cells(where: Floats, when: Floats | None, reach_m: float, reach_days: float) -> tuple[Longs, Longs]:
    """The key of each point's cell (time, row, column), and what to add to a key for each row of cells around it."""
    side = reach_m / math.sqrt(2) * SNUG
    column, row = (np.floor((where[:, axis] - where[:, axis].min()) / side) for axis in (0, 1))
    # Two empty columns and rows between one row (or time) and the next, so that neighbours never wrap round.
    wide, high = column.max() + 5, row.max() + 5
    moment = np.zeros(len(where)) if when is None or reach_days == 0 else np.floor((when - when.min()) / (reach_days * SNUG))
    layers: tuple[int, ...] = (0,)
    if when is not None and reach_days == 0:
        moment = np.unique(when, return_inverse=True)[1].astype(np.float64)
    elif when is not None:
        layers = (0, -1, 1, -2, 2)
    if wide * high * (moment.max() + 5) >= MOST_CELLS:
        raise BadValue("The reach is too small for how far the points lie apart.", reach_m=reach_m, reach_days=reach_days)
    across, up = int(wide), int(high)
    keys = (moment.astype(np.int64) * up + row.astype(np.int64) + 2) * across + column.astype(np.int64) + 2
    rows = [(layer * up + step) * across for layer in layers for step in (0, -1, 1, -2, 2)]
    return keys, np.array(rows, dtype=np.int64)


def _over(most: np.ufunc, values: Floats, begins: Longs) -> Floats:
    return np.asarray(most.reduceat(values, begins), dtype=np.float64) if len(begins) else np.zeros(0)


def _piled(where: Floats, label: Longs, clusters: int) -> Longs:
    """Of each cluster the most points that share one coordinate."""
    piled = np.zeros(clusters, dtype=np.int64)
    if len(where):
        order = np.lexsort((where[:, 1], where[:, 0], label))
        same = np.append(False, (np.diff(label[order]) == 0) & (np.diff(where[order], axis=0) == 0).all(axis=1))
        starts = np.flatnonzero(~same)
        np.maximum.at(piled, label[order][starts], np.diff(np.append(starts, len(order))))
    return piled
