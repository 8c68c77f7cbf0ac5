"""Areas and grids of several files → levels that tile each other exactly, with every square metre that changed hands told."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from api.imports import straddle
from api.imports.mapping import GROUND, DistrictMapping, GroundRules, Noun
from api.imports.prepared import Prepared
from data.queries.import_ground import Unit
from gis import coverage
from gis.coverage import Hierarchy
from gis.crs import LocalMetres, local_metres
from gis.errors import BadMapping, CoverageBroken

NESTS_FROM = 0.999
"""A unit with less of its ground than this share in its parent straddles."""
TOLD = 40
STEP_FOR = {
    "invalid": "valid", "self_crossing": "valid", "off_lattice": "snap", "unnoded": "snap",
    "overlap": "slivers", "gap": "slivers", "sliver": "slivers",
}  # fmt: skip


@dataclass
class Built:
    """Units by level, ready to be stored, and what was found and mended on the way."""

    units: dict[Noun, list[Unit]]
    outline: BaseGeometry
    defects: gpd.GeoDataFrame
    facts: dict[str, Any] = field(default_factory=dict)
    origin: dict[str, str] = field(default_factory=dict)
    """Code of a grid that was split off → the code of its source."""
    touched: dict[Noun, set[str]] = field(default_factory=dict)
    """Codes that gave or took a square metre or more."""


def frame_of(prepared: Sequence[Prepared], *, repair: bool) -> gpd.GeoDataFrame:
    """One level from its files: code, name, …, geometry, and where each row came from."""
    parts = []
    for each in prepared:
        each.need("code")
        each.report.mended += each.only_polygons(repair=repair)
        if not each.mapping.dissolve:
            _refuse_double_codes(each)
        rows = each.kept
        parts.append(
            gpd.GeoDataFrame(
                {
                    "code": [each.text("code", row) for row in rows],
                    "name": [each.text("name", row, each.text("code", row)) for row in rows],
                    "name_en": [each.text("name_en", row) for row in rows],
                    "parent_code": [each.value("parent", row) for row in rows],
                    "kind": [each.text("kind", row, "basic") for row in rows],
                    "households": [each.value("households", row, 0) for row in rows],
                    "source": each.mapping.source,
                    "source_id": [each.text("source_id", row, each.text("code", row)) for row in rows],
                },
                geometry=list(each.shapes[rows]),
                crs=4490,
            )
        )
    whole = pd.concat(parts, ignore_index=True)
    if any(each.mapping.dissolve for each in prepared):
        united = whole.groupby("code", sort=False).geometry.agg(lambda shapes: shapely.union_all(shapes.to_numpy()))
        whole = whole.drop_duplicates("code").reset_index(drop=True).set_geometry(gpd.GeoSeries(united.to_numpy(), crs=4490))
    return whole


def build(levels: dict[Noun, gpd.GeoDataFrame], rules: GroundRules, district: DistrictMapping) -> Built:
    """Fit grids, communities and streets to each other by the steps asked for; CoverageBroken names a step that is missing."""
    missing = [noun for noun in ("grid", "community", "street") if noun not in levels or levels[noun].empty]
    if missing:
        raise BadMapping(f"The ground needs a layer for each level; there is none for {', '.join(missing)}.")
    order = [noun for noun in GROUND if noun in levels]
    metres = _metres(levels["community"])
    found = _defects(levels, order, metres)
    frames: dict[Noun, gpd.GeoDataFrame] = dict(levels)
    levels, cuts = _with_cut_communities(levels, rules, metres)
    frames["community"] = levels["community"]
    table = straddle.shares(levels["grid"], levels["community"], metres)
    levels["grid"], table = straddle.inside(levels["grid"], table, rules.inside_from)
    frames["grid"], splits, pieces = straddle.split(levels["grid"], levels["community"], table, rules.split_from, metres)
    taken: dict[str, str] = {}
    if rules.every_parent:
        frames["community"], taken = straddle.every_parent(levels["community"], levels["street"], metres)
    frames = {noun: _without_empty_parents(frame) for noun, frame in frames.items()}
    _refuse_missing_steps(found, pieces, rules)
    hierarchy = coverage.build_hierarchy(
        [frames[noun] for noun in order], metres=metres, truth=order.index(rules.truth), gap_width_m=rules.gap_width_m
    )
    if not hierarchy.exact:
        raise CoverageBroken("The levels could not be made to tile each other; see the defects file for the places.")
    _refuse_strays(hierarchy, order)
    units = {noun: _units(hierarchy.levels[place]) for place, noun in enumerate(order)}
    units["district"] = [Unit(district.code, None, district.name, district.name_en, hierarchy.outline, "import", district.code)]
    units["street"] = [_under(each, district.code) for each in units["street"]]
    facts = _facts(hierarchy, order, found, {"split_off": len(splits), "communities_split_off": cuts, "given_to_empty_streets": taken})
    touched = {noun: _touched(hierarchy.moved[hierarchy.moved["level"] == place]) for place, noun in enumerate(order)}
    return Built(units, hierarchy.outline, _with_straddles(found, pieces, hierarchy), facts, {**splits, **cuts}, touched)


def _with_cut_communities(
    levels: dict[Noun, gpd.GeoDataFrame], rules: GroundRules, metres: LocalMetres
) -> tuple[dict[Noun, gpd.GeoDataFrame], dict[str, str]]:
    """Communities that lie in two streets cut in two where the mapping asks for it; their grids find the part they lie in by area."""
    if rules.split_communities_from >= 1:
        return levels, {}
    table = straddle.shares(levels["community"], levels["street"], metres)
    cut, origin, _ = straddle.split(levels["community"], levels["street"], table, rules.split_communities_from, metres, exclusive=True)
    grids = levels["grid"].copy()
    divided = set(origin.values())
    grids["parent_code"] = [None if code in divided else code for code in grids["parent_code"]]
    return {**levels, "community": cut, "grid": grids}, origin


def _metres(frame: gpd.GeoDataFrame) -> LocalMetres:
    west, south, east, north = (float(each) for each in frame.total_bounds)
    return local_metres((west + east) / 2, (south + north) / 2)


def _refuse_double_codes(prepared: Prepared) -> None:
    first: dict[str, int] = {}
    for row in prepared.kept:
        code = prepared.text("code", row)
        if code in first:
            prepared.refuse(row, f"code: {code!r} is the code of row {first[code] + 1} already")
        first.setdefault(code, int(row))


def _without_empty_parents(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return frame.drop(columns="parent_code") if frame["parent_code"].isna().all() else frame


def _defects(levels: dict[Noun, gpd.GeoDataFrame], order: list[Noun], metres: LocalMetres) -> gpd.GeoDataFrame:
    """Everything wrong within each level as it came."""
    tables = [coverage.defects(levels[noun], metres=metres).assign(level=noun) for noun in order]
    return gpd.GeoDataFrame(pd.concat(tables, ignore_index=True), geometry="geometry", crs=4490)


def _refuse_missing_steps(found: gpd.GeoDataFrame, pieces: gpd.GeoDataFrame, rules: GroundRules) -> None:
    """Nothing is mended unasked: name each step that the files would need and the mapping does not ask for."""
    steps = {STEP_FOR[kind] for kind in found["kind"] if kind in STEP_FOR}
    if len(pieces):
        steps |= {"fit", "outline"}
    missing = sorted(steps - set(rules.mend) - ({"valid"} if "snap" in rules.mend else set()))
    if missing:
        counts = ", ".join(f"{count} × {kind}" for kind, count in found["kind"].value_counts().items())
        raise CoverageBroken(
            f"The levels do not tile each other as they are ({counts}; {len(pieces)} pieces of grids lie in a second community)."
            f" Ask for the mending steps {', '.join(missing)} to have them mended, or mend the source.", missing=missing,
        )  # fmt: skip


def _refuse_strays(hierarchy: Hierarchy, order: list[Noun]) -> None:
    """Whatever has no parent could not be found from above; only a person knows which of the two files is wrong."""
    for place, above in enumerate(order[1:]):
        frame = hierarchy.levels[place]
        strays = [str(code) for code in frame.loc[frame["parent_code"].isna(), "code"]]
        if strays:
            raise CoverageBroken(
                f"No {above} holds {order[place]} {', '.join(strays[:TOLD])}. Add the {above} it lies in, or leave it out of the file.",
                level=order[place], codes=strays[:TOLD],
            )  # fmt: skip


def _units(frame: gpd.GeoDataFrame) -> list[Unit]:
    columns = ["code", "parent_code", "name", "name_en", "source", "source_id", "kind", "households"]
    rows = frame[columns].to_dict("records")
    return [
        Unit(row["code"], row["parent_code"], row["name"], row["name_en"], border, row["source"], row["source_id"], row["kind"],
             int(row["households"]))
        for row, border in zip(rows, frame.geometry, strict=True)
    ]  # fmt: skip


def _under(unit: Unit, parent: str) -> Unit:
    return Unit(unit.code, parent, unit.name, unit.name_en, unit.border, unit.source, unit.source_id)


def _with_straddles(found: gpd.GeoDataFrame, pieces: gpd.GeoDataFrame, hierarchy: Hierarchy) -> gpd.GeoDataFrame:
    """The defects for the file a person looks at: off-lattice vertices are all of them and say nothing there."""
    left = hierarchy.refused.assign(detail=hierarchy.refused["reason"]) if len(hierarchy.refused) else hierarchy.refused
    parts = [found[found["kind"] != "off_lattice"], pieces, left[~left.geometry.is_empty]]
    columns = ["level", "kind", "codes", "area_m2", "width_m", "detail", "geometry"]
    held = [pd.DataFrame(part.reindex(columns=columns)) for part in parts if len(part)]
    table = pd.concat(held, ignore_index=True) if held else pd.DataFrame(columns=columns)
    return gpd.GeoDataFrame(table, geometry="geometry", crs=4490)


def _facts(hierarchy: Hierarchy, order: list[Noun], found: gpd.GeoDataFrame, divided: dict[str, Any]) -> dict[str, Any]:
    """What a person must know, in numbers and with the largest of each by name."""
    facts: dict[str, Any] = {"exact": hierarchy.exact, **divided}
    facts["defects"] = {
        noun: {str(kind): {"count": len(rows), "area_m2": round(float(rows["area_m2"].sum()), 1)}
               for kind, rows in found[found["level"] == noun].groupby("kind") if kind != "off_lattice"}
        for noun in order
    }  # fmt: skip
    facts["moved"] = {noun: _moved(hierarchy.moved[hierarchy.moved["level"] == place]) for place, noun in enumerate(order)}
    homes = hierarchy.homes
    facts["straddling"] = {
        noun: {"count": len(rows), "least": rows.nsmallest(TOLD, "share")[["code", "parent_code", "share"]].round(4).to_dict("records")}
        for place, noun in enumerate(order)
        for rows in [homes[(homes["level"] == place) & (homes["share"] < NESTS_FROM)]]
    }
    facts["left_over"] = [
        {"level": order[row["level"]], "kind": row["kind"], "codes": list(row["codes"]), "area_m2": round(row["area_m2"], 1),
         "reason": row["reason"]}
        for row in hierarchy.refused.drop(columns="geometry").to_dict("records")
    ]  # fmt: skip
    facts["repaired"] = hierarchy.repaired.assign(level=[order[each] for each in hierarchy.repaired["level"]]).to_dict("records")
    return facts


def _moved(rows: pd.DataFrame) -> dict[str, Any]:
    told = rows.nlargest(TOLD, "area_m2")
    largest = [
        {"from": row["from_code"], "to": row["to_code"], "area_m2": round(float(row["area_m2"]), 1)} for row in told.to_dict("records")
    ]
    return {"pairs": len(rows), "area_m2": round(float(rows["area_m2"].sum()), 1), "largest": largest}


def _touched(moved: pd.DataFrame) -> set[str]:
    rows = moved[moved["area_m2"] >= 1.0]
    return {str(code) for side in ("from_code", "to_code") for code in rows[side] if code is not None}


def district_of(outline: BaseGeometry) -> tuple[list[float], list[float]]:
    """Bounds and centre (degrees) of the deployment."""
    bounds = [float(each) for each in np.asarray(outline.bounds)]
    return bounds, [(bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2]
