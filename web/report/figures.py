"""The figures of a report: the map with its clusters, incidents over time, and over the hours of the day."""

import base64
import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.crs import local_metres
from web.figures.bars import Bars
from web.figures.map import Layer, MapFigure, Mark, Picture, bounds_of
from web.figures.styles import STYLES
from web.paper.document import Figure
from web.report.facts import Answer, Speech
from web.report.sentences import DENSITY, SPATIAL, is_sure
from web.telling import count

TALLEST = 350.0
"""Of the map: with the sentences before it, it fills the first sheet."""
SIMPLE, PRECISE = 1e-5, 1e-6
"""Degrees: how far a border on the page's map may be from the true one, and its last digit."""
MARKED = 25
"""Clusters with a number on the map."""
RATIO_STYLES = ((2.0, "ratio-5"), (1.5, "ratio-4"), (1.1, "ratio-3"), (0.9, "ratio-2"), (0.0, "ratio-1"))
"""From which observed / expected on a unit gets which fill."""
RASTER_COLOURS = tuple(tuple(bytes.fromhex(STYLES[f"density-{at}"]["fill"][1:])) for at in range(6))
QUADRANTS = {"HH": "hot-99", "LL": "cold-99", "HL": "hot-90", "LH": "cold-90"}


def figures(speech: Speech) -> list[Figure]:
    """The figures there are to this result."""
    found = [_map(speech), _series(speech), _hours(speech)]
    return [each for each in found if each is not None]


def fill_of(speech: Speech, unit: Answer) -> str:
    """The style in which a unit is filled: the page's map asks the same."""
    method = speech.facts.method
    if unit["suppressed"] or unit["flag"] in ("no-population", "few-population", "island"):
        return "missing"
    if method == "gi":
        value = unit.get("class") or 0
        return f"{'hot' if value > 0 else 'cold'}-{abs(value)}" if value else "plain"
    if method == "moran":
        return QUADRANTS.get(unit.get("quadrant") or "", "plain") if unit.get("class") else "plain"
    if method == "rates":
        return {"above_998": "hot-99", "above_95": "hot-95", "below_95": "cold-95", "below_998": "cold-99"}.get(
            unit.get("funnel") or "", "plain"
        )
    if method == "emerging":
        kind = unit.get("category") or "none"
        return "plain" if kind == "none" else kind
    if method == "trend":
        told = unit.get("pop") or {}
        low, high = told.get("low"), told.get("high")
        return "hot-95" if low is not None and low > 1 else "cold-95" if high is not None and high < 1 else "plain"
    ratio = unit.get("ratio")
    return "plain" if ratio is None else next(style for least, style in RATIO_STYLES if ratio >= least)


def fill_words(speech: Speech, style: str) -> str:
    """What the key says of a fill."""
    family = speech.facts.method if speech.facts.method in ("gi", "moran", "rates", "emerging", "trend") else "ratio"
    key = f"pattern.{style}" if family == "emerging" and style not in ("plain", "missing") else f"report.key.{family}.{style}"
    return speech.word(key if style not in ("plain", "missing") else f"report.key.{style}")


def outlined(speech: Speech) -> Sequence[Answer]:
    """The clusters that are drawn: those that are more than chance, where that is known."""
    told = speech.facts.clusters
    if speech.facts.method in SPATIAL and any(map(is_sure, told)):
        told = [each for each in told if is_sure(each)]
    return told[:MARKED]


def shape_of(speech: Speech, cluster: Answer) -> shapely.Geometry | None:
    """A cluster's own ground: its hull, or its units together."""
    place = cluster["place"] or {}
    if place.get("hull"):
        return _hull(place["hull"])
    known = [speech.facts.borders[each] for each in cluster["members"] if each in speech.facts.borders]
    return shapely.union_all(known) if known else None


def _hull(coordinates: Sequence[Sequence[float]]) -> shapely.Geometry:
    if len(coordinates) >= 4:
        return shapely.Polygon(coordinates)
    return shapely.LineString(coordinates) if len(coordinates) > 1 else shapely.Point(coordinates[0])


def _map(speech: Speech) -> Figure | None:
    borders = speech.facts.borders
    if not borders or speech.facts.method == "knox":
        return None
    shapes: dict[str, list[shapely.Geometry]] = {}
    picture = _picture(speech)
    points = _of_places(speech)
    for id, border in borders.items():
        unit = speech.facts.units.get(id)
        style = "plain" if points or unit is None else fill_of(speech, unit)
        shapes.setdefault(style, []).append(border)
    order = sorted(shapes, key=lambda style: (style != "plain", style != "missing", style))
    keyed = "" if points else None
    layers = [Layer(style, shapes[style], fill_words(speech, style) if keyed is None else "") for style in order]
    found = [(each, shape) for each in outlined(speech) if (shape := shape_of(speech, each)) is not None]
    grounds = [shape for _, shape in found if shapely.get_dimensions(shape) == 2]
    layers += _density_key(speech)
    if points and grounds:
        layers.append(Layer("cluster-ground", grounds))
    layers.append(Layer("community", _communities(speech), speech.word("report.key.community")))
    layers.append(Layer("cluster", grounds, speech.word("report.key.cluster") if grounds else ""))
    marks = [Mark(_middle(each, shape), (str(each["rank"]),), "number") for each, shape in found]
    marks += [Mark((row["lon"], row["lat"]), (str(at),), "number") for at, row in enumerate(_repeated(speech), 1)]
    caption = speech.word("report.map_caption", method=speech.word(f"method_name.{speech.facts.method}"))
    drawn = MapFigure(bounds_of(list(borders.values()), 0.02), layers, marks, caption, speech.word("paper.north"), TALLEST, picture)
    n = speech.number(speech.facts.summary["incidents"])
    note = speech.word("report.map_note", n=n, period=speech.period(), district=speech.facts.district)
    return Figure("map", drawn.svg(), caption, speech.word("report.map_alt", n=len(found)), note)


def _of_places(speech: Speech) -> bool:
    """Whether the answer is of places, or of circles without anything expected of a unit: then units have no fill of their own."""
    if speech.facts.method in SPATIAL:
        return all(unit.get("ratio") is None for unit in speech.facts.units.values())
    return speech.facts.method in DENSITY or speech.facts.method in ("repeats", "kde")


def points(speech: Speech) -> list[Answer]:
    """Places that stand for themselves, with their rank."""
    return [{"rank": at, "lon": row["lon"], "lat": row["lat"], "observed": row["observed"]} for at, row in enumerate(_repeated(speech), 1)]


def _repeated(speech: Speech) -> Sequence[Answer]:
    rows: Sequence[Answer] = speech.facts.result["table"] or [] if speech.facts.method == "repeats" else []
    return rows[:MARKED]


def _middle(cluster: Answer, shape: shapely.Geometry) -> tuple[float, float]:
    place = cluster["place"]
    if place and place.get("hull"):
        return place["lon"], place["lat"]
    inside = shapely.point_on_surface(shape)
    x, y = shapely.get_coordinates(inside)[0].tolist()
    return float(x), float(y)


def _communities(speech: Speech) -> list[shapely.Geometry]:
    by: dict[int, list[shapely.Geometry]] = {}
    for id, border in speech.facts.borders.items():
        unit = speech.facts.units.get(id)
        if unit is not None:
            by.setdefault(unit["community_id"], []).append(border)
    return [shapely.coverage_union_all(each) for each in by.values()]


def _series(speech: Speech) -> Figure | None:
    told = speech.facts.result["series"]
    if not told or len(told["observed"]) < 2:
        return None
    month = told["step"] == "month"
    labels = [date.fromisoformat(each).strftime("%Y-%m" if month else "%m-%d") for each in told["starts"]]
    lines: list[tuple[str, Any, str]] = []
    if told.get("expected"):
        lines.append(("line", told["expected"], speech.word("report.key.level")))
    if any(each is not None for each in told.get("year_before") or []):
        lines.append(("before", told["year_before"], speech.word("report.key.year_before")))
    caption = speech.word("report.series_caption", step=speech.word(f"report.step.{told['step']}"))
    partial = speech.word("report.partial_steps") if any(told.get("partial") or []) else ""
    drawn = Bars(labels, told["observed"], caption, speech.word("report.key.reported"), lines)
    return Figure("series", drawn.svg(), caption, caption, partial)


def _hours(speech: Speech) -> Figure | None:
    hours = speech.facts.summary.get("hours")
    if not hours or not sum(each or 0 for each in hours):
        return None
    caption = speech.word("report.hours_caption")
    drawn = Bars([f"{hour:02d}" for hour in range(24)], hours, caption, speech.word("report.key.reported"), height=120.0)
    return Figure("hours", drawn.svg(), caption, caption)


def _picture(speech: Speech) -> Picture | None:
    """A raster of density as an image over the map, with the corners it lies between."""
    raster = speech.facts.result["raster"]
    if not raster:
        return None
    values = np.frombuffer(base64.b64decode(raster["values"]), dtype="<f4").reshape(raster["rows"], raster["columns"])
    metres = local_metres(raster["crs"]["lon0"], raster["crs"]["lat0"])
    east, south = raster["west"] + raster["columns"] * raster["cell_m"], raster["north"] - raster["rows"] * raster["cell_m"]
    corners = shapely.get_coordinates(metres.to_degrees(shapely.LineString([(raster["west"], south), (east, raster["north"])])))
    return Picture(png(values), (*corners[0].tolist(), *corners[1].tolist()))


def _density_key(speech: Speech) -> list[Layer]:
    """What the colours of a density stand for: nothing is drawn in them but the picture."""
    raster = speech.facts.result["raster"]
    if not raster:
        return []
    values = np.frombuffer(base64.b64decode(raster["values"]), dtype="<f4")
    top = float(np.nanmax(values, initial=0.0))
    last = len(RASTER_COLOURS) - 1
    return [Layer(f"density-{at}", [], speech.word("report.key.density", n=count((at / last) ** 2 * top))) for at in range(last + 1)]


def png(values: NDArray[np.float32]) -> bytes:
    """A density as a picture: white where there is nothing, dark where there is most, clear where it is not known."""
    known = np.isfinite(values)
    top = float(values[known].max()) if known.any() else 1.0
    share = np.where(known, values, 0.0) / (top or 1.0)
    steps = np.linspace(0, 1, len(RASTER_COLOURS))
    channels = [np.interp(np.sqrt(share), steps, [colour[at] for colour in RASTER_COLOURS]) for at in range(3)]
    pixels = np.stack([*channels, np.where(known, 255, 0)], axis=-1).astype(np.uint8)
    rows, columns = values.shape
    lines = np.concatenate([np.zeros((rows, 1), dtype=np.uint8), pixels.reshape(rows, columns * 4)], axis=1)
    head = struct.pack(">IIBBBBB", columns, rows, 8, 6, 0, 0, 0)
    body = zlib.compress(lines.tobytes(), 9)
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*each) for each in ((b"IHDR", head), (b"IDAT", body), (b"IEND", b"")))


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def features(speech: Speech) -> Mapping[str, Any]:
    """Units and clusters for the page's map (GeoJSON, degrees), with the fill, the rank and what a tip says."""
    bare = _of_places(speech)
    units = [
        _feature(border, {"id": id, "fill": "plain" if bare else fill_of(speech, unit), **_tip(speech, id, unit)})
        for id, border in speech.facts.borders.items() if (unit := speech.facts.units.get(id)) is not None
    ]  # fmt: skip
    clusters = [
        _feature(shape, {"rank": each["rank"], "name": speech.place(each)})
        for each in outlined(speech) if (shape := shape_of(speech, each)) is not None
    ]  # fmt: skip
    styles = sorted({each["properties"]["fill"] for each in units}, key=lambda style: (style in ("plain", "missing"), style))
    told = {style: fill_words(speech, style) for style in styles} if not bare else {}
    told |= {each.style: each.key for each in _density_key(speech)}
    key = [{"fill": style, "colour": STYLES[style]["fill"], "text": text} for style, text in told.items()]
    found = {"units": _collection(units), "clusters": _collection(clusters), "points": points(speech), "key": key}
    return found | ({"picture": _overlay(picture)} if (picture := _picture(speech)) else {})


def _overlay(picture: Picture) -> Answer:
    """A picture as the page's map lays it over the ground: its bytes, and its south-west and north-east corners (latitude first)."""
    west, south, east, north = picture.corners
    return {"png": base64.b64encode(picture.png).decode(), "bounds": [[south, west], [north, east]]}


def _tip(speech: Speech, id: int, unit: Answer) -> Answer:
    around = speech.community(unit["community_id"])
    return {"name": speech.unit(id), "community": around, **{name: unit.get(name) for name in ("observed", "ratio", "cluster")}}


def _feature(shape: shapely.Geometry, properties: Answer) -> Answer:
    simple = shapely.set_precision(shapely.simplify(shape, SIMPLE), PRECISE)
    return {"type": "Feature", "properties": dict(properties), "geometry": json.loads(shapely.to_geojson(simple))}


def _collection(found: Sequence[Answer]) -> Answer:
    return {"type": "FeatureCollection", "features": list(found)}
