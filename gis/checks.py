"""What is exact but not good: grids out of their band, in pieces, too narrow, or shut in by another one."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.certificate import directed_edges
from gis.crs import LocalMetres
from gis.faces import mean_width_m

NARROW_M = 10.0
"""A grid narrower on average than this, 2 · area / perimeter, is a strip."""
UNEVEN = 0.25
"""A share of the mean of its community by which a grid within the band may still stand out."""

Ints = NDArray[np.int64]
Shapes = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at: which grids, where (degrees), how large, and what would help."""

    kind: str
    grids: tuple[int, ...]
    place: shapely.Point
    area_m2: float
    width_m: float
    suggestion: str
    detail: dict[str, object] = field(default_factory=dict)


def findings(ids: Ints, shapes: Shapes, households: Ints, communities: Ints, metres: LocalMetres, *, low: int, high: int) -> list[Finding]:
    """Everything that rules say about grids (degrees): out_of_band, unbalanced, noncontiguous, thin, enclave; by grid.

    `households` of each; `low` and `high` bound the band. Figures of a grid with no neighbour at all are no enclave.
    """
    flat = metres.to_metres(shapes)
    sizes = np.stack([shapely.area(flat), mean_width_m(flat)], axis=1) if len(shapes) else np.empty((0, 2))
    places = shapely.point_on_surface(shapes)
    found: list[Finding] = []
    for kind, at, suggestion, detail in (
        *_by_number(households, communities, low, high), *_by_form(shapes, sizes), *_shut_in(ids, shapes),
    ):  # fmt: skip
        found.append(Finding(kind, (int(ids[at]),), places[at], float(sizes[at, 0]), float(sizes[at, 1]), suggestion, detail))
    return sorted(found, key=lambda each: each.grids)


Told = tuple[str, int, str, dict[str, object]]


def _by_number(households: Ints, communities: Ints, low: int, high: int) -> Iterator[Told]:
    names, place = np.unique(communities, return_inverse=True)
    means = np.bincount(place, households, minlength=len(names)) / np.maximum(np.bincount(place, minlength=len(names)), 1)
    for at, count in enumerate(households.tolist()):
        mean = float(means[place[at]])
        if count > high:
            yield "out_of_band", at, "split" if count >= 2 * low else "balance", {"households": count, "min": low, "max": high}
        elif count < low:
            yield "out_of_band", at, "merge" if count < low / 2 else "balance", {"households": count, "min": low, "max": high}
        elif mean > 0 and abs(count - mean) > UNEVEN * mean:
            yield "unbalanced", at, "balance", {"households": count, "mean": round(mean, 1)}


def _by_form(shapes: Shapes, sizes: NDArray[np.float64]) -> Iterator[Told]:
    parts = shapely.get_num_geometries(shapes)
    for at in np.flatnonzero(parts > 1).tolist():
        yield "noncontiguous", at, "give", {"parts": int(parts[at])}
    for at in np.flatnonzero(sizes[:, 1] < NARROW_M).tolist():
        yield "thin", at, "merge", {"width_m": round(float(sizes[at, 1]), 2)}


def _shut_in(ids: Ints, shapes: Shapes) -> Iterator[Told]:
    """Grids all of whose border they share with one other grid."""
    start, end, owner = directed_edges(shapes)
    upward = (start[:, 0] < end[:, 0]) | ((start[:, 0] == end[:, 0]) & (start[:, 1] < end[:, 1]))
    edges = np.where(upward[:, None], np.hstack([start, end]), np.hstack([end, start]))
    order = np.lexsort((edges[:, 3], edges[:, 2], edges[:, 1], edges[:, 0]))
    edges, owner = edges[order], owner[order]
    other = np.full(len(owner), -1, dtype=np.int64)
    same = np.flatnonzero((edges[1:] == edges[:-1]).all(axis=1)) if len(edges) else np.empty(0, dtype=np.int64)
    other[same], other[same + 1] = owner[same + 1], owner[same]
    least = np.full(len(ids), np.iinfo(np.int64).max)
    most = np.full(len(ids), -1, dtype=np.int64)
    np.minimum.at(least, owner, other)
    np.maximum.at(most, owner, other)
    for at in np.flatnonzero((least == most) & (least >= 0)).tolist():
        yield "enclave", at, "merge", {"within": int(ids[most[at]])}
