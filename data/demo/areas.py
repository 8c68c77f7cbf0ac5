"""Codes, names and exact borders of areas and grids, dissolved from the pieces so that parents carry every vertex."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from data.demo import names
from data.demo.divide import Division
from data.demo.fabric import Fabric
from data.demo.names import Name
from data.demo.sizes import COUNTY
from gis.codes import CodePattern, number

Integers = NDArray[np.int64]

CRS = "EPSG:4490"
UNDER = CodePattern("{parent}{serial:03d}")


@dataclass(frozen=True)
class Ground:
    """Areas and grids in the order of their codes, and the grid (row) of each piece."""

    areas: gpd.GeoDataFrame
    grids: gpd.GeoDataFrame
    grid_of_piece: Integers


def dissolve(fabric: Fabric, division: Division, estates: dict[int, Name], rng: np.random.Generator) -> Ground:
    """Grids from pieces, communities from grids, streets from communities, districts from streets."""
    chain = [division.grid, division.community, division.street, division.district]
    first = [np.unique(labels, return_index=True)[1] for labels in chain]
    parents = [upper[at] for upper, at in zip(chain[1:], first[:-1], strict=True)]
    shapes = [_unions(fabric.degrees, division.grid)]
    for labels in parents:
        shapes.append(_unions(shapes[-1], labels))
    district_codes = np.array([str(COUNTY + number) for number in range(len(shapes[3]))])
    codes = [district_codes]
    for level in (2, 1, 0):
        codes.append(_numbered(shapes[level], parents[level], codes[-1]))
    codes.reverse()
    areas = _areas(shapes, codes, parents, rng)
    grids, place = _grids(fabric, division, shapes[0], codes, parents[0], areas, estates)
    return Ground(areas, grids, place[division.grid])


def _unions(shapes: NDArray[np.object_], labels: Integers) -> NDArray[np.object_]:
    order = np.argsort(labels, kind="stable")
    bounds = np.flatnonzero(np.r_[True, np.diff(labels[order]) > 0])
    return np.array([shapely.coverage_union_all(part) for part in np.split(shapes[order], bounds[1:])], dtype=object)


def _numbered(shapes: NDArray[np.object_], parent: Integers, parent_codes: NDArray[np.str_]) -> NDArray[np.str_]:
    """Codes under each parent, west to east, then north to south."""
    hearts = shapely.get_coordinates(shapely.centroid(shapes))
    codes = np.empty(len(shapes), dtype=f"U{len(parent_codes[0]) + 3}")
    for own in range(len(parent_codes)):
        which = np.flatnonzero(parent == own)
        places = [(float(lon), float(lat)) for lon, lat in hearts[which]]
        codes[which] = number(places, UNDER, {"parent": str(parent_codes[own])}).codes
    return codes


def _areas(
    shapes: list[NDArray[np.object_]], codes: list[NDArray[np.str_]], parents: list[Integers], rng: np.random.Generator
) -> gpd.GeoDataFrame:  # fmt: skip
    words = iter(names.words(len(codes[1]) + len(codes[2]), rng))
    frames = []
    for level, depth, ending in (("district", 3, None), ("street", 2, ("街道", "Subdistrict")), ("community", 1, ("社区", "Community"))):
        order = np.argsort(codes[depth])
        labels = [Name(*names.DISTRICTS[at % len(names.DISTRICTS)]) for at in range(len(order))]
        if ending is not None:
            labels = [Name(word.zh + ending[0], f"{word.en} {ending[1]}") for _, word in zip(order, words, strict=False)]
        above = np.full(len(order), "", dtype="U12") if depth == 3 else codes[depth + 1][parents[depth]]
        frames.append(gpd.GeoDataFrame({
            "level": level, "code": codes[depth][order], "parent_code": above[order], "name": [label.zh for label in labels],
            "name_en": [label.en for label in labels], "geometry": _multi(shapes[depth][order]),
        }, crs=CRS))  # fmt: skip
    return gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs=CRS)


def _grids(
    fabric: Fabric, division: Division, shapes: NDArray[np.object_], codes: list[NDArray[np.str_]], community: Integers,
    areas: gpd.GeoDataFrame, estates: dict[int, Name],
) -> tuple[gpd.GeoDataFrame, Integers]:  # fmt: skip
    """Grids by code, and the row of each grid number."""
    order = np.argsort(codes[0])
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    row_of_code = {code: row for row, code in enumerate(areas["code"])}
    community_code = codes[1][community[order]]
    rows = np.array([row_of_code[code] for code in community_code])
    _, first = np.unique(division.grid, return_index=True)
    owner = [estates.get(int(fabric.block[first[grid]])) if division.dedicated[grid] else None for grid in order]
    serial = [int(code[-3:]) for code in codes[0][order]]
    zh, en = areas["name"].to_numpy()[rows], areas["name_en"].to_numpy()[rows]
    frame = gpd.GeoDataFrame({
        "code": codes[0][order], "community": rows, "community_code": community_code,
        "name": [f"{who.zh}专属网格" if who else f"{name}第{at}网格" for who, name, at in zip(owner, zh, serial, strict=True)],
        "name_en": [f"{who.en} dedicated grid" if who else f"{name} Grid {at}" for who, name, at in zip(owner, en, serial, strict=True)],
        "kind": np.where(division.dedicated[order], "dedicated", "basic"), "geometry": _multi(shapes[order]),
    }, crs=CRS)  # fmt: skip
    return frame, place


def _multi(shapes: NDArray[np.object_]) -> list[shapely.MultiPolygon]:
    return [shapely.MultiPolygon(list(shapely.get_parts(shape))) for shape in shapes]


def name_estates(fabric: Fabric, rng: np.random.Generator) -> dict[int, Name]:
    """A name for each block that has a use."""
    known = np.flatnonzero(np.isin(fabric.uses, list(names.ESTATE_WORDS)))
    blocks, first = np.unique(fabric.block[known], return_index=True)
    found = {}
    for word, block, use in zip(names.words(len(blocks), rng), blocks, fabric.uses[known[first]], strict=True):
        endings = names.ESTATE_WORDS[str(use)]
        ending = endings[int(rng.integers(0, len(endings)))]
        found[int(block)] = Name(word.zh + ending[0], f"{word.en} {ending[1]}")
    return found
