"""What polygons that were edited elsewhere mean for the ground they came from: who was redrawn, who gives way, what is new or gone."""

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry import MultiPolygon, Polygon

from gis.borders.refusals import refused
from gis.crs import STORAGE_EPSG, LocalMetres
from gis.defects import SLIVER_WIDTH_M, defects
from gis.faces import Shapes, polygonal
from gis.lattice import snap
from gis.mending import mend

Ground = Polygon | MultiPolygon
REASON = {"gap": "leaves_a_gap", "overlap": "overlaps", "outside": "outside_plan"}


@dataclass(frozen=True)
class Returned:
    """`after`: every grid of the ground as it is meant, by id (degrees, lattice). `changed`: ids that were redrawn, gave way,
    are new or ended. `found`: the defects as they came. `moved`: from_code, to_code (ids), area_m2 that mending moved."""

    after: dict[int, Ground]
    changed: frozenset[int]
    found: gpd.GeoDataFrame
    moved: pd.DataFrame


def returned(before: Mapping[int, Ground], came: Mapping[int, Ground], metres: LocalMetres) -> Returned:
    """Make edited grids tile the ground they came from; `before` and `came` by id, new ids in `came` only, ended ones in `before` only.

    Whoever was edited takes ground from whoever was not. Strips up to SLIVER_WIDTH_M that two claim or nobody does go to
    the neighbour with the longest border, and borders move to the lattice. Raises EditRefused (overlaps, leaves_a_gap,
    outside_plan) with the place of anything wider: that a person has to decide.
    """
    edited = {id: _sound(shape) for id, shape in came.items() if id not in before or not _same(shape, before[id])}
    ended = set(before) - set(came)
    yielding = _yielding({id: before[id] for id in before if id in came and id not in edited}, edited)
    changed = {**edited, **yielding}
    if not changed and not ended:
        return Returned(dict(before), frozenset(), _none(metres), pd.DataFrame(columns=["from_code", "to_code", "area_m2"]))
    frame = gpd.GeoDataFrame({"code": list(changed)}, geometry=list(changed.values()), crs=STORAGE_EPSG)
    own = np.array([before[id] for id in sorted({*changed, *ended} & set(before))], dtype=object)
    if not len(own) or not len(frame):
        raise refused("leaves_a_gap" if len(own) else "outside_plan", (own if len(own) else frame.geometry.array)[0])
    outline = polygonal(shapely.coverage_union_all(own))
    found = defects(frame, outline, metres=metres, lattice=False)
    wide = found[found["kind"].isin(REASON) & (found["width_m"] > SLIVER_WIDTH_M)]
    if len(wide):
        worst = wide.sort_values("area_m2", ascending=False).iloc[0]
        raise refused(
            REASON[worst["kind"]], worst["geometry"], grids=[int(each) for each in worst["codes"]], area_m2=float(worst["area_m2"])
        )
    report = mend(frame, outline, steps=("snap", "slivers", "fit"), metres=metres)
    mended = dict(zip(report.frame["code"].tolist(), report.frame.geometry.tolist(), strict=True))
    after = {id: shape for id, shape in before.items() if id not in ended} | mended
    return Returned(
        {id: after[id] for id in after if id in mended or id not in changed}, frozenset({*changed, *ended}), found, report.moved
    )


def _yielding(unedited: Mapping[int, Ground], edited: Mapping[int, Ground]) -> dict[int, Ground]:
    """What is left of the grids that others were drawn over."""
    if not edited or not unedited:
        return {}
    ids, shapes = list(unedited), np.array(list(unedited.values()), dtype=object)
    taken = np.array(list(edited.values()), dtype=object)
    pairs = shapely.STRtree(shapes).query(taken)
    over = shapely.relate_pattern(taken[pairs[0]], shapes[pairs[1]], "T********")
    left: dict[int, Ground] = {}
    for at in np.unique(pairs[1][over]).tolist():
        drawn: Shapes = taken[pairs[0][over & (pairs[1] == at)]]
        rest = polygonal(shapely.difference(shapes[at], shapely.union_all(drawn)))
        if shapely.area(rest) > 0:
            left[ids[at]] = rest
    return left


def _sound(shape: Ground) -> Ground:
    snapped = snap(shape)
    return snapped if shapely.is_valid(snapped) else polygonal(shapely.make_valid(shape))


def _same(one: Ground, other: Ground) -> bool:
    return bool(shapely.equals_exact(shapely.normalize(_single(one)), shapely.normalize(_single(other))))


def _single(shape: Ground) -> Ground:
    """One polygon alone as a polygon: a file may give back either."""
    return shape.geoms[0] if isinstance(shape, MultiPolygon) and len(shape.geoms) == 1 else shape


def _none(metres: LocalMetres) -> gpd.GeoDataFrame:
    return defects(gpd.GeoDataFrame({"code": []}, geometry=[], crs=STORAGE_EPSG), metres=metres)
