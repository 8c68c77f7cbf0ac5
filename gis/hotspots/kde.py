"""Kernel density: how many events per square kilometre, smoothed over a raster in metres and cut to the district.

density(s) = Σ K(|s - event| / h) / h² · 10⁶, quartic K(u) = 3/π (1 - u²)² for u < 1, or Gaussian K(u) = exp(-u²/2) / 2π. Inside
an outline each density is divided by the share of the kernel around s that lies within it (uniform edge correction: Diggle,
Appl. Statist. 34, 1985), since events beyond it are not known. Events are shared among the four nearest cell centres (linear
binning: Wand, J. Comput. Graph. Statist. 3, 1994), then convolved by FFT. Sharing smooths by a triangle of variance cell² / 6
each way, K + (cell² / 12) ∇²K, which the kernel on cells takes back: K - (cell² / 12) ∇²K. A picture, without any word on
significance.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.fft
import scipy.ndimage
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.geometry import MultiPolygon, Polygon

from gis.errors import BadCoordinate, BadGeometry, BadValue, NothingToAnalyse, TooLarge

Floats = NDArray[np.float64]
Kernel = Literal["quartic", "gaussian"]

MINIMUM_EVENTS = 10
GAUSSIAN_REACH = 5.0
"""In bandwidths: 4 in a million of the mass lie beyond."""
FINEST = 2.0
"""A bandwidth spans at least so many cells, else the kernel is a spike between them."""
MOST_CELLS = 16_000_000
M2_PER_KM2 = 1e6


@dataclass(frozen=True)
class Density:
    """`values`: events per km², (rows, columns), row 0 in the north, NaN outside the outline.

    `west`, `north`: the raster's corner, `cell_m` a cell's side, metres. `events` were counted, `outside` left out.
    """

    values: Floats
    west: float
    north: float
    cell_m: float
    bandwidth_m: float
    kernel: Kernel
    events: int
    outside: int

    def centres(self) -> tuple[Floats, Floats]:
        """x of each column and y of each row, metres."""
        rows, columns = self.values.shape
        x = self.west + (np.arange(columns) + 0.5) * self.cell_m
        y = self.north - (np.arange(rows) + 0.5) * self.cell_m
        return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)


def density(
    points: ArrayLike, *, bandwidth_m: float | None = None, cell_m: float, kernel: Kernel = "quartic",
    outline: Polygon | MultiPolygon | None = None, corrected: bool = True,
) -> Density:  # fmt: skip
    """The density of `points`, (n, 2) metres, on cells of `cell_m` metres, within `outline` (metres) if there is one.

    Bandwidth in metres; default: `rule_of_thumb_m`. Points outside the outline are left out and counted. Raises BadValue for a
    bandwidth under FINEST cells, BadCoordinate, BadGeometry for an outline that is empty or invalid, NothingToAnalyse below
    MINIMUM_EVENTS, TooLarge above MOST_CELLS. Memory: about 60 bytes a cell.
    """
    where = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    if not np.isfinite(where).all():
        raise BadCoordinate("A point is not a finite number.", row=int(np.argmin(np.isfinite(where).all(axis=1))))
    if kernel not in ("quartic", "gaussian"):
        raise BadValue("The kernel is quartic or gaussian.", kernel=kernel)
    inside = _inside(where, outline)
    if len(inside) < MINIMUM_EVENTS:
        raise NothingToAnalyse("Too few events for a density.", events=len(inside), minimum=MINIMUM_EVENTS)
    wide = rule_of_thumb_m(inside) if bandwidth_m is None else bandwidth_m
    if not (math.isfinite(cell_m) and cell_m > 0 and math.isfinite(wide) and wide >= FINEST * cell_m):
        raise BadValue("A bandwidth is at least two cells wide.", bandwidth_m=wide, cell_m=cell_m)
    reach = wide * (GAUSSIAN_REACH if kernel == "gaussian" else 1.0)
    west, north, shape = _frame(inside, outline, reach + 2 * cell_m, cell_m)
    template = _template(kernel, wide, reach, cell_m)
    mask = np.ones(shape, dtype=np.bool_) if outline is None else _mask(outline, west, north, cell_m, shape)
    values = _convolved(_binned(inside, west, north, cell_m, shape), template) / cell_m**2 * M2_PER_KM2
    if outline is not None and corrected:
        values = np.divide(values, _convolved(mask.astype(np.float64), template), out=np.zeros(shape), where=mask)
    # The sharpened kernel dips below 0 at its rim: cut there, and the events kept whole.
    above = np.maximum(values, 0.0)
    values = np.where(mask, above * (values.sum() / above.sum()), np.nan)
    return Density(values, west, north, cell_m, wide, kernel, len(inside), len(where) - len(inside))


def rule_of_thumb_m(points: Floats) -> float:
    """0.9 · min(SD, √(1 / ln 2) · D) · n^(-1/5) with the standard distance SD and the median distance D from the mean centre.

    Silverman's rule (1986) as desktop GIS state it for maps; BadValue if all points are one.
    """
    apart = np.hypot(*(points - points.mean(axis=0)).T)
    spread = min(math.sqrt(float((apart**2).mean())), math.sqrt(1 / math.log(2)) * float(np.median(apart)))
    if spread <= 0:
        raise BadValue("At least half the events lie on one place; say a bandwidth, or look at repeat addresses.", events=len(points))
    return float(0.9 * spread * len(points) ** -0.2)


def _inside(where: Floats, outline: Polygon | MultiPolygon | None) -> Floats:
    if outline is None:
        return where
    if outline.is_empty or not outline.is_valid or outline.area <= 0:
        raise BadGeometry("The outline is empty or crosses itself.")
    shapely.prepare(outline)
    return np.asarray(where[shapely.intersects_xy(outline, where[:, 0], where[:, 1])])


def _frame(inside: Floats, outline: Polygon | MultiPolygon | None, reach: float, cell: float) -> tuple[float, float, tuple[int, int]]:
    """West, north and shape of a raster whose lines are multiples of the cell, so that two maps lie cell on cell."""
    if outline is None:
        low, high = inside.min(axis=0) - reach, inside.max(axis=0) + reach
    else:
        low, high = np.array(outline.bounds[:2]), np.array(outline.bounds[2:])
    begin, end = np.floor(low / cell), np.maximum(np.ceil(high / cell), np.floor(low / cell) + 1)
    columns, rows = (float(each) for each in end - begin)
    if rows * columns > MOST_CELLS:
        raise TooLarge("The raster has too many cells; take larger ones.", cells=int(rows * columns), most=MOST_CELLS)
    return float(begin[0] * cell), float(end[1] * cell), (int(rows), int(columns))


def _template(kernel: Kernel, wide: float, reach: float, cell: float) -> Floats:
    """The kernel on cell centres around its own, sharpened by what linear binning smooths, adding up to 1."""
    span = math.ceil(reach / cell) + 1
    away = np.arange(-span, span + 1) * (cell / wide)
    square = away[:, None] ** 2 + away[None, :] ** 2
    raw = np.maximum(0.0, 1 - square) ** 2 if kernel == "quartic" else np.exp(-square / 2) * (square <= GAUSSIAN_REACH**2)
    sharp = raw - scipy.ndimage.laplace(raw, mode="constant") / 12
    return np.asarray(sharp / sharp.sum(), dtype=np.float64)


def _binned(inside: Floats, west: float, north: float, cell: float, shape: tuple[int, int]) -> Floats:
    across, down = (inside[:, 0] - west) / cell - 0.5, (north - inside[:, 1]) / cell - 0.5
    column, row = np.floor(across), np.floor(down)
    right, low = across - column, down - row
    total = np.zeros(shape[0] * shape[1])
    for down_by, across_by, weight in (
        (0, 0, (1 - right) * (1 - low)),
        (0, 1, right * (1 - low)),
        (1, 0, (1 - right) * low),
        (1, 1, right * low),
    ):
        # What would fall off the raster stays in its outermost cell.
        there = np.clip(row + down_by, 0, shape[0] - 1) * shape[1] + np.clip(column + across_by, 0, shape[1] - 1)
        total += np.bincount(there.astype(np.int64), weights=weight, minlength=len(total))
    return total.reshape(shape)


def _convolved(raster: Floats, template: Floats) -> Floats:
    span = template.shape[0] // 2
    size = [scipy.fft.next_fast_len(length + 2 * span, real=True) for length in raster.shape]
    product = scipy.fft.rfft2(raster, size) * scipy.fft.rfft2(template, size)
    whole = scipy.fft.irfft2(product, size)
    return np.asarray(whole[span : span + raster.shape[0], span : span + raster.shape[1]])


def _mask(outline: Polygon | MultiPolygon, west: float, north: float, cell: float, shape: tuple[int, int]) -> NDArray[np.bool_]:
    x, y = np.meshgrid(west + (np.arange(shape[1]) + 0.5) * cell, north - (np.arange(shape[0]) + 0.5) * cell)
    inside = np.asarray(shapely.intersects_xy(outline, x.ravel(), y.ravel()), dtype=np.bool_).reshape(shape)
    if not inside.any():
        raise BadValue("The outline holds no cell; take smaller ones.", cell_m=cell)
    return inside
