"""Lamps, hydrants, cameras and the like along the roads, and posts, clinics and toilets in houses."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from data.demo.fabric import Fabric

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# kind: component code (major, minor), metres of road for each, lowest rank of road, name in both languages
ALONG = {
    "light": ("0102", 170.0, 2, "路灯", "Street light"),
    "hydrant": ("0103", 420.0, 2, "消防栓", "Hydrant"),
    "camera": ("0104", 520.0, 2, "监控摄像头", "Camera"),
    "manhole": ("0101", 300.0, 1, "井盖", "Manhole cover"),
    "bin": ("0302", 380.0, 2, "垃圾桶", "Litter bin"),
    "transformer": ("0105", 1_500.0, 1, "变压器", "Transformer"),
    "bus_stop": ("0201", 620.0, 3, "公交站", "Bus stop"),
}
# kind: component code, how many in each community, name in both languages
INSIDE = {
    "service_point": ("0501", 1.0, "党群服务中心", "Community service centre"),
    "clinic": ("0501", 0.8, "社区卫生服务站", "Clinic"),
    "toilet": ("0301", 2.5, "公共厕所", "Public toilet"),
    "police_post": ("0501", 0.35, "警务室", "Police post"),
}


def beside_roads(fabric: Fabric, edge: Integers, share: Floats, left: NDArray[np.bool_], metres: Floats) -> tuple[Floats, Integers]:
    """Points some metres beside edges, at a share of their length, and the piece each lies in (-1: in neither)."""
    line = fabric.lines[edge]
    here = shapely.get_coordinates(shapely.line_interpolate_point(line, share, normalized=True))
    there = shapely.get_coordinates(
        shapely.line_interpolate_point(line, np.where(share < 0.5, share + 0.02, share - 0.02), normalized=True)
    )
    along = (there - here) * np.where(share < 0.5, 1.0, -1.0)[:, None]
    along /= np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)[:, None]
    aside = np.column_stack([-along[:, 1], along[:, 0]]) * np.where(left, 1.0, -1.0)[:, None]
    spots = here + aside * metres[:, None]
    piece = np.full(len(edge), -1, dtype=np.int64)
    shapely.prepare(fabric.metres)
    for side in (0, 1):
        candidate = fabric.sides[edge, side]
        inside = (candidate >= 0) & shapely.contains_xy(fabric.metres[candidate], spots[:, 0], spots[:, 1])
        piece[inside] = candidate[inside]
    return spots, piece


def equip(
    fabric: Fabric, grid_of_piece: Integers, grids: pd.DataFrame, buildings: gpd.GeoDataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Every facility with its place in metres (x, y), grid, kind, code and names."""
    parts = []
    for kind, (code, every, rank, zh, en) in ALONG.items():
        weight = np.where(fabric.ranks >= rank, fabric.lengths, 0.0)
        count = max(1, round(weight.sum() / every))
        edge = np.searchsorted(np.cumsum(weight), np.sort(rng.random(count)) * weight.sum())
        spots, piece = beside_roads(fabric, edge, rng.random(count), rng.random(count) < 0.5, rng.uniform(2.5, 5.0, count))
        kept = piece >= 0
        parts.append(_rows(kind, code, zh, en, spots[kept], grid_of_piece[piece[kept]]))
    community = grids["community"].to_numpy()[buildings["grid"].to_numpy()]
    order = rng.permutation(len(buildings))
    for kind, (code, each, zh, en) in INSIDE.items():
        turn = pd.Series(community[order]).groupby(community[order]).cumcount().to_numpy()
        wanted = np.floor(each + rng.random(int(community.max()) + 1))
        own = order[turn < wanted[community[order]]]
        order = order[turn >= wanted[community[order]]]
        spots = shapely.get_coordinates(shapely.point_on_surface(buildings["metres"].to_numpy()[own]))
        parts.append(_rows(kind, code, zh, en, spots, buildings["grid"].to_numpy()[own]))
    frame = pd.concat(parts, ignore_index=True).sort_values(["kind", "grid"], kind="stable", ignore_index=True)
    county = grids["community_code"].str[:6].to_numpy()[frame["grid"]]
    serial = frame.groupby([county, frame["component"]]).cumcount() + 1
    frame["code"] = [f"{c}{k}{n:06d}" for c, k, n in zip(county, frame["component"], serial, strict=True)]
    frame["name"] = frame["name"] + serial.astype(str)
    frame["name_en"] = frame["name_en"] + " " + serial.astype(str)
    draw = rng.random(len(frame))
    frame["status"] = np.where(draw < 0.965, "working", np.where(draw < 0.995, "faulty", "removed"))
    return frame


def _rows(kind: str, component: str, zh: str, en: str, spots: Floats, grid: Integers) -> pd.DataFrame:
    return pd.DataFrame({"kind": kind, "component": component, "name": zh, "name_en": en, "x": spots[:, 0], "y": spots[:, 1], "grid": grid})
