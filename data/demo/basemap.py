"""The base map below everything else: named streets, water, green and the names of places."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from data.demo import names
from data.demo.fabric import Fabric
from data.demo.names import Name
from data.demo.roads import streets

Integers = NDArray[np.int64]

ROAD_CLASS = {4: ("arterial", 10), 3: ("collector", 12), 2: ("local", 14), 1: ("lane", 16)}
WATER = {"river": names.RIVER, "creek": names.CREEK, "lake": names.LAKE}
GREEN = {
    "hill": ("hill", names.HILLS),
    "riverside": ("riverside", ("滨江绿带", "Riverside Green")),
    "lakeside": ("park", ("映月湖公园", "Yingyue Lake Park")),
    "island": ("park", ("澜江洲", "Lan Isle")),
}


def name_roads(fabric: Fabric, rng: np.random.Generator) -> pd.DataFrame:
    """Streets (metres) with rank, class and names; lanes have none."""
    with_road = fabric.ranks > 0
    lines, ranks = streets(fabric.lines[with_road], fabric.ranks[with_road])
    order = np.lexsort((-shapely.length(lines), -ranks))
    lines, ranks = lines[order], ranks[order]
    named = int((ranks > 1).sum())
    pool = names.words(named, rng)
    zh = [word.zh + names.ROAD_WORDS[int(rank)][0] for word, rank in zip(pool, ranks[:named], strict=True)]
    en = [f"{word.en} {names.ROAD_WORDS[int(rank)][1]}" for word, rank in zip(pool, ranks[:named], strict=True)]
    blank = [""] * (len(lines) - named)
    return pd.DataFrame({
        "metres": lines, "rank": ranks, "class": [ROAD_CLASS[int(rank)][0] for rank in ranks],
        "min_zoom": [ROAD_CLASS[int(rank)][1] for rank in ranks], "name": zh + blank, "name_en": en + blank,
    })  # fmt: skip


def layers(fabric: Fabric, roads: pd.DataFrame, areas: gpd.GeoDataFrame, estates: dict[int, Name]) -> pd.DataFrame:
    """Every feature of the base map in metres: layer, class, name, name_en, min_zoom, metres."""
    parts = [roads.assign(layer="road")[["layer", "class", "name", "name_en", "min_zoom", "metres"]]]
    rows: list[tuple[str, str, str, str, int, object]] = []
    for use, (zh, en) in WATER.items():
        for shape in _joined(fabric, fabric.uses == use):
            rows.append(("water", use, zh, en, 9, shape))
    for use, (kind, (zh, en)) in GREEN.items():
        for shape in _joined(fabric, fabric.uses == use):
            rows.append(("green", kind, zh, en, 10, shape))
    for block in np.unique(fabric.block[fabric.uses == "park"]):
        own = estates[int(block)]
        for shape in _joined(fabric, (fabric.uses == "park") & (fabric.block == block)):
            rows.append(("green", "park", own.zh, own.en, 12, shape))
            rows.append(("place", "park", own.zh, own.en, 15, shapely.point_on_surface(shape)))
    rows += _landmarks(fabric, estates)
    for use, (zh, en) in {**WATER, "hill": names.HILLS}.items():
        shapes = _joined(fabric, fabric.uses == use)
        if shapes:
            largest = max(shapes, key=lambda shape: shape.area)
            rows.append(("place", "hill" if use == "hill" else "water", zh, en, 11, shapely.point_on_surface(largest)))
    for area in areas.itertuples():
        if area.level != "district":
            zoom = 12 if area.level == "street" else 14
            rows.append(("place", area.level, area.name, area.name_en, zoom, shapely.point_on_surface(area.metres)))
    parts.append(pd.DataFrame(rows, columns=["layer", "class", "name", "name_en", "min_zoom", "metres"]))
    return pd.concat(parts, ignore_index=True)


def _landmarks(fabric: Fabric, estates: dict[int, Name]) -> list[tuple[str, str, str, str, int, object]]:
    rows: list[tuple[str, str, str, str, int, object]] = []
    for use in ("campus", "hospital", "market", "industrial", "school"):
        blocks, first = np.unique(fabric.block[fabric.uses == use], return_index=True)
        pieces = np.flatnonzero(fabric.uses == use)[first]
        for block, piece in zip(blocks, pieces, strict=True):
            own = estates[int(block)]
            rows.append(("place", use, own.zh, own.en, 16, shapely.point_on_surface(fabric.metres[piece])))
    return rows


def _joined(fabric: Fabric, mask: NDArray[np.bool_]) -> list[shapely.Polygon]:
    return list(shapely.get_parts(shapely.coverage_union_all(fabric.metres[mask]))) if mask.any() else []
