"""A map on a sheet: shapes in degrees become an SVG with scale bar, north and key; the same shapes give the same text."""

import base64
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.crs import LocalMetres, local_metres
from web.figures.styles import STYLES, attributes
from web.page import filled

Box = tuple[float, float, float, float]
"""West, south, east, north, degrees."""
WIDTH, TALLEST, SHORTEST = 680.0, 720.0, 300.0
"""Of the drawing, in its own units; on paper 680 of them are 178 mm."""
MARGIN = 10.0
KEY_ROW = 20.0
LABEL_WIDTH, LABEL_HEIGHT = 36.0, 22.0
DISC = 8.0
"""Radius of the disc of a number."""
STEPS_AWAY = 12
"""How many sizes of its own a mark may be moved to find a free place."""
AROUND = ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1))
SIMPLE = 0.25
"""How far a drawn line may leave the true one, units: a tenth of a millimetre on paper."""
NICE = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Layer:
    """Shapes (degrees) drawn in one style of `styles`; `key` is what the key says of them, "" keeps them out of it."""

    style: str
    shapes: Sequence[shapely.Geometry]
    key: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A text at a place (degrees); `style` is one of `styles`."""

    place: tuple[float, float]
    lines: tuple[str, ...]
    style: str = "label"


@dataclass(frozen=True, slots=True)
class Picture:
    """An image (PNG) that lies between a south-west and a north-east corner: west, south, east, north, degrees."""

    png: bytes
    corners: Box


@dataclass(frozen=True)
class MapFigure:
    """What a map shows: layers from below to above, marks over them, and the words of its scale and north."""

    bounds: Box
    layers: Sequence[Layer]
    marks: Sequence[Mark] = field(default_factory=tuple)
    title: str = ""
    north: str = "N"
    tallest: float = TALLEST
    picture: Picture | None = None

    def svg(self) -> str:
        """The drawing."""
        frame = _Frame.around(self.bounds, self.tallest)
        keyed = [layer for layer in self.layers if layer.key]
        per_row = 3
        rows = math.ceil(len(keyed) / per_row)
        key_height = rows * KEY_ROW + 30
        drawn = [{"style": attributes(layer.style), "d": frame.path(layer.shapes), "name": layer.style} for layer in self.layers]
        metres = _nice(0.22 * frame.width / frame.scale)
        return filled(
            "figures/map.svg",
            title=self.title,
            sheet=f"sheet-{zlib.crc32(f'{self.title}{self.bounds}'.encode()):08x}",
            width=f"{frame.width:g}",
            height=f"{frame.height:g}",
            whole=f"{frame.height + key_height:g}",
            layers=[each for each in drawn if each["d"]],
            picture=None if self.picture is None else frame.picture(self.picture),
            marks=frame.marks(self.marks),
            key=[
                {
                    "style": attributes(layer.style), "text": layer.key, "line": STYLES[layer.style].get("fill") == "none",
                    "x": f"{MARGIN + (at % per_row) * (frame.width - 2 * MARGIN) / per_row:g}",
                    "y": f"{frame.height + 34 + (at // per_row) * KEY_ROW:g}",
                }
                for at, layer in enumerate(keyed)
            ],
            bar=f"{metres * frame.scale:.1f}",
            bar_text=f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m",
            bar_y=f"{frame.height + 12:g}",
            north=self.north,
        )  # fmt: skip


@dataclass(frozen=True)
class _Frame:
    """Where the ground lies on the sheet: metres around `middle`, times `scale`, south downwards."""

    metres: LocalMetres
    left: float
    top: float
    scale: float
    width: float
    height: float

    @classmethod
    def around(cls, bounds: Box, tallest: float) -> "_Frame":
        west, south, east, north = bounds
        metres = local_metres((west + east) / 2, (south + north) / 2)
        xs, ys = metres.xy([west, east, west, east], [south, south, north, north])
        wide, high = max(float(np.ptp(xs)), 1.0), max(float(np.ptp(ys)), 1.0)
        room = WIDTH - 2 * MARGIN
        scale = min(room / wide, (tallest - 2 * MARGIN) / high)
        height = max(high * scale + 2 * MARGIN, SHORTEST)
        left = float(np.min(xs)) - (WIDTH / scale - wide) / 2
        top = float(np.max(ys)) + (height / scale - high) / 2
        return cls(metres, left, top, scale, WIDTH, height)

    def path(self, shapes: Sequence[shapely.Geometry]) -> str:
        """All shapes as one path, simplified to what the eye can see, and cut to the sheet."""
        given: Any = np.array([each for each in shapes if not shapely.is_empty(each)], dtype=object)
        if not len(given):
            return ""
        flat = shapely.transform(self.metres.to_metres(given), self._drawn)
        sheet = shapely.box(-MARGIN, -MARGIN, self.width + MARGIN, self.height + MARGIN)
        inside = shapely.clip_by_rect(shapely.simplify(flat, SIMPLE), *sheet.bounds)
        return "".join(_ring(coords, closed) for coords, closed in _lines(inside))

    def marks(self, marks: Sequence[Mark]) -> list[dict[str, Any]]:
        """Where marks stand on the sheet; one that would lie on an earlier one moves to the nearest free place, tied to its own."""
        taken: list[tuple[float, float, float, float]] = []
        told = []
        for mark in marks:
            x, y = self._drawn(np.column_stack(self.metres.xy([mark.place[0]], [mark.place[1]])))[0].tolist()
            wide, high = (2 * DISC, 2 * DISC) if mark.style == "number" else (LABEL_WIDTH, LABEL_HEIGHT)
            at = self._free((x, y), (wide, high), taken)
            taken.append((*at, wide, high))
            told.append(self._mark(mark, at, (x, y)))
        return told

    def _free(
        self, place: tuple[float, float], size: tuple[float, float], taken: Sequence[tuple[float, float, float, float]]
    ) -> tuple[float, float]:
        """The nearest place on the sheet where a mark of a size touches none of those there; its own place if there is none."""
        (x, y), (wide, high) = place, size
        steps = [(0.0, 0.0)] + [(step / 2 * east, step / 2 * south) for step in range(1, 2 * STEPS_AWAY) for east, south in AROUND]
        for east, south in sorted(steps, key=lambda step: math.hypot(step[0] * wide, step[1] * high)):
            left, top = x + east * wide, y + south * high
            apart = all(abs(left - a) >= (wide + w) / 2 or abs(top - b) >= (high + h) / 2 for a, b, w, h in taken)
            if apart and wide / 2 <= left <= self.width - wide / 2 and high / 2 <= top <= self.height - high / 2:
                return left, top
        return place

    def picture(self, picture: Picture) -> dict[str, str]:
        """Where an image lies on the sheet."""
        west, south, east, north = picture.corners
        (left, bottom), (right, top) = self._drawn(np.column_stack(self.metres.xy([west, east], [south, north]))).tolist()
        return {"x": f"{left:.1f}", "y": f"{top:.1f}", "w": f"{right - left:.1f}", "h": f"{bottom - top:.1f}",
                "png": base64.b64encode(picture.png).decode()}  # fmt: skip

    def _mark(self, mark: Mark, place: tuple[float, float], own: tuple[float, float]) -> dict[str, Any]:
        first = -5.0 * (len(mark.lines) - 1)
        return {
            "x": f"{place[0]:.1f}", "y": f"{place[1]:.1f}", "style": attributes(mark.style), "name": mark.style,
            "lines": [{"dy": f"{first + 10 * at + 3:g}", "text": text} for at, text in enumerate(mark.lines)],
            "disc": mark.style == "number", "tie": None if place == own else [f"{own[0] - place[0]:.1f}", f"{own[1] - place[1]:.1f}"],
        }  # fmt: skip

    def _drawn(self, coords: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack([(coords[:, 0] - self.left) * self.scale, (self.top - coords[:, 1]) * self.scale])


def bounds_of(shapes: Sequence[shapely.Geometry], margin: float = 0.04) -> Box:
    """The box around shapes (degrees), wider on each side by a share of its own."""
    west, south, east, north = shapely.total_bounds(np.array(list(shapes), dtype=object)).tolist()
    x, y = margin * max(east - west, 1e-5), margin * max(north - south, 1e-5)
    return west - x, south - y, east + x, north + y


def inside(shape: shapely.Geometry) -> tuple[float, float]:
    """A place well inside a shape (degrees), for its label."""
    areal: Any = shape
    circle = shapely.maximum_inscribed_circle(areal, tolerance=1e-5)
    x, y = shapely.get_coordinates(circle)[0].tolist()
    return float(x), float(y)


def _lines(shapes: Any) -> list[tuple[NDArray[np.float64], bool]]:
    parts = shapely.get_parts(shapes)
    kinds = shapely.get_type_id(parts)
    rings = shapely.get_rings(parts[kinds == 3])
    lines = parts[np.isin(kinds, (1, 2))]
    return [(shapely.get_coordinates(each), True) for each in rings] + [(shapely.get_coordinates(each), False) for each in lines]


def _ring(coords: NDArray[np.float64], closed: bool) -> str:
    places = [f"{x:.1f} {y:.1f}" for x, y in (coords[:-1] if closed else coords).tolist()]
    return f"M{'L'.join(places)}{'Z' if closed else ''}" if len(places) > 1 else ""


def _nice(metres: float) -> float:
    """The largest 1, 2 or 5 times a power of ten that is no longer."""
    power = 10.0 ** math.floor(math.log10(max(metres, 1.0)))
    return max(each * power for each in NICE if each * power <= max(metres, 1.0))
