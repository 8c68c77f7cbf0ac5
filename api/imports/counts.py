"""Household counts of areas that are not ours, spread to our grids by a rule that is recorded with the counts."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from api.imports import straddle
from api.imports.prepared import Prepared
from data.queries import import_buildings, import_homes, imports
from data.queries.import_buildings import Footprints
from data.queries.imports import Ground
from data.scope import Scope
from gis.crs import local_metres
from gis.errors import BadMapping

INSIDE_FROM = {"share": 0.01, "most": 0.5}
"""An area with less of its ground in the district than this share belongs elsewhere; its edge was drawn differently."""
EDGE = {
    "share": "count × share of the area inside the district",
    "most": "the whole count of each area with most of its ground inside the district",
}
ESTIMATE = {
    "buildings": "spread over the buildings in it by weighted footprint, whole numbers by"
    " largest remainder; where no building is, over its grids by area",
    "area": "spread over its grids by common area, whole numbers by largest remainder",
}


@dataclass
class Spread:
    """Counts by place of the building and by place of the grid in their lists."""

    buildings: NDArray[np.int64]
    grids: NDArray[np.int64]


def store(session: Session, scope: Scope, prepared: Prepared) -> None:
    """Spread the counts of a layer and store them with their rule; nothing changes where they are the same."""
    prepared.need("count")
    prepared.report.mended = prepared.only_polygons(repair="valid" in prepared.mapping.mend)
    for row in prepared.kept:
        if float(str(prepared.value("count", row))) < 0:
            prepared.refuse(row, "count: it is negative")
    grids = imports.ground(session, scope, "grid")
    if not len(grids.ids):
        raise BadMapping("There are no grids yet: import the ground before the households.")
    table = _shares(prepared, grids)
    assert prepared.mapping.spread is not None
    footprints = import_buildings.footprints(session, scope) if prepared.mapping.spread.by == "buildings" else None
    spread = _spread(prepared, table, grids, footprints)
    _leave_rows(session, scope, prepared, spread, grids, footprints)
    total = _store(session, scope, prepared, spread, grids, footprints)
    prepared.report.notes.append(f"{total} households in {len(grids.ids)} grids, estimated: {_rule(prepared)}.")


def _leave_rows(session: Session, scope: Scope, prepared: Prepared, spread: Spread, grids: Ground, footprints: Footprints | None) -> None:
    """Where household rows were imported the counts stay those rows: an estimate never replaces what is known."""
    known = import_homes.grids_with_rows(session, scope)
    if not known:
        return
    there = np.isin(grids.ids, list(known))
    households = import_homes.households_of_grids(session, scope, grids.ids.tolist())
    spread.grids[there] = households[there]
    if footprints is not None:
        inside = np.isin(footprints.grid_ids, list(known))
        spread.buildings[inside] = footprints.households[inside]
    prepared.report.notes.append(f"{int(there.sum())} grids have household rows; their counts stay those rows.")


def _rule(prepared: Prepared) -> str:
    assert prepared.mapping.spread is not None
    return f"{EDGE[prepared.mapping.spread.edge]}, {ESTIMATE[prepared.mapping.spread.by]}"


def largest_remainder(total: int, weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """Whole numbers in proportion to weights that add up to `total` exactly; equal remainders go to the first."""
    whole = weights.sum()
    if total == 0 or whole <= 0:
        return np.zeros(len(weights), dtype=np.int64)
    exact = total * weights / whole
    floor = np.floor(exact).astype(np.int64)
    rest = total - int(floor.sum())
    order = np.lexsort((np.arange(len(weights)), -(exact - floor)))
    floor[order[:rest]] += 1
    return np.asarray(floor, dtype=np.int64)


def _shares(prepared: Prepared, grids: Ground) -> pd.DataFrame:
    """Common ground of each counting area and grid; areas outside the district are refused."""
    west, south, east, north = shapely.total_bounds(grids.borders)
    metres = local_metres(float(west + east) / 2, float(south + north) / 2)
    rows = prepared.kept
    areas = gpd.GeoDataFrame({"row": rows}, geometry=list(prepared.shapes[rows]), crs=4490)
    table = straddle.shares(areas, gpd.GeoDataFrame(geometry=list(grids.borders), crs=4490), metres)
    inside = table.groupby("child")["share"].sum().reindex(range(len(rows)), fill_value=0.0).to_numpy()
    assert prepared.mapping.spread is not None
    edge = prepared.mapping.spread.edge
    for place in np.flatnonzero(inside < INSIDE_FROM[edge]):
        prepared.refuse(rows[place], "The area, or most of it, lies outside the district.")
    table = table[table["child"].isin(np.flatnonzero(inside >= INSIDE_FROM[edge]))]
    partly = int(((inside >= INSIDE_FROM[edge]) & (inside < 0.99)).sum())
    if partly:
        prepared.report.notes.append(f"{partly} areas lie partly outside the district ({EDGE[edge]}).")
    if edge == "most":
        inside = np.ones_like(inside)
    return table.assign(row=rows[table["child"]], inside=inside[table["child"]])


def _spread(prepared: Prepared, table: pd.DataFrame, grids: Ground, footprints: Footprints | None) -> Spread:
    counts = Spread(np.zeros(0 if footprints is None else len(footprints.ids), dtype=np.int64), np.zeros(len(grids.ids), dtype=np.int64))
    tree = None if footprints is None else shapely.STRtree(footprints.points)
    weight = None if footprints is None else _weights(prepared, footprints)
    for row in sorted(set(table["row"].tolist())):
        parts = table[table["row"] == row]
        total = round(float(str(prepared.value("count", row))) * min(1.0, float(parts["inside"].iloc[0])))
        inside = None if tree is None else np.sort(tree.query(prepared.shapes[row], predicate="contains"))
        if inside is not None and weight is not None and len(inside) and weight[inside].sum() > 0:
            counts.buildings[inside] += largest_remainder(total, weight[inside])
        else:
            counts.grids[parts["parent"].to_numpy()] += largest_remainder(total, parts["area_m2"].to_numpy())
    if footprints is not None:
        place = pd.Index(grids.ids).get_indexer(pd.Index(footprints.grid_ids))
        np.add.at(counts.grids, place[place >= 0], counts.buildings[place >= 0])
    return counts


def _weights(prepared: Prepared, footprints: Footprints) -> NDArray[np.float64]:
    assert prepared.mapping.spread is not None
    uses = prepared.mapping.spread.uses
    if not uses:
        return footprints.area_m2
    return np.asarray(footprints.area_m2 * np.array([uses.get(str(use), 0.0) for use in footprints.uses]), dtype=np.float64)


def _store(session: Session, scope: Scope, prepared: Prepared, spread: Spread, grids: Ground, footprints: Footprints | None) -> int:
    of_buildings = None if footprints is None else (footprints.cells, footprints.ids, spread.buildings)
    changed = import_buildings.set_households(session, scope, of_buildings, (list(grids.ids), list(spread.grids)))
    kept = len(prepared.kept)
    prepared.report.loaded, prepared.report.unchanged = (kept, 0) if changed else (0, kept)
    if changed:
        assert prepared.mapping.spread is not None
        rule = {"source": prepared.mapping.source, "estimated": True, "by": prepared.mapping.spread.by,
                "rule": _rule(prepared), "total": int(spread.grids.sum())}  # fmt: skip
        imports.set_deployment(session, scope, {"households": rule})
        imports.tell_bulk(session, scope, ["grid", "building"])
    return int(spread.grids.sum())
