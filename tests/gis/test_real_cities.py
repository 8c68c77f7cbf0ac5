"""Real published borders, which straddle and gape, become exact hierarchies that keep their true outlines."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gis.coverage import build_hierarchy
from gis.crs import geometry_from, local_metres
from gis.lattice import on_lattice
from tests.gis.tessellations import shared

pytestmark = pytest.mark.slow


def read(path: str, code: str, crs: int = 4326) -> gpd.GeoDataFrame:
    frame = gpd.read_file(shared(path))
    shapes = geometry_from(crs, np.array(frame.geometry.array, dtype=object))
    return gpd.GeoDataFrame({"code": frame[code].astype(str)}, geometry=list(shapes), crs=4490)


def test_pittsburgh_block_groups_tile_its_neighbourhoods_and_those_its_wards() -> None:
    grids = read("realcity/grids/Block_Group_2010_noprj.zip", "GEOID10", 2272)
    communities = read("realcity/communities/Pittsburgh_Neighborhoods.zip", "hood")
    wards = read("realcity/districts/PGHWards.zip", "ward").dissolve("code", as_index=False)
    metres = local_metres(-79.98, 40.43)
    built = build_hierarchy([grids, communities, wards], metres=metres, truth=1)
    assert built.exact
    assert [len(level) for level in built.levels] == [359, 91, 31]
    assert built.refused[["kind", "codes"]].to_numpy().tolist() == [["nothing_left", ("17",)]]
    assert built.repaired["code"].tolist() == ["Knoxville"]
    assert (built.homes.query("level == 0")["share"] < 0.99).sum() == 89
    moved = built.moved.query("level == 1")["area_m2"].sum()
    assert moved < 20  # of 150 km²: the overlaps and gaps in the publication itself
    true, kept = (metres.to_metres(np.array(frame.geometry.make_valid().array, dtype=object)) for frame in (communities, built.levels[1]))
    drift = shapely.hausdorff_distance(true, kept)
    assert (drift < 1).sum() == 89  # the two others overlap each other by a spike of 4 m²
    assert shapely.area(shapely.symmetric_difference(true, kept)).max() < 20
    assert all(on_lattice(np.array(level.geometry.array, dtype=object)).all() for level in built.levels)


def test_pittsburgh_fires_lie_in_the_neighbourhoods_that_were_published_with_them() -> None:
    fires = pd.read_csv(shared("realcity/incidents/fire_incidents.csv.gz")).dropna(subset=["latitude", "longitude", "neighborhood"])
    communities = read("realcity/communities/Pittsburgh_Neighborhoods.zip", "hood")
    built = build_hierarchy([communities], metres=local_metres(-79.98, 40.43))
    places = gpd.GeoDataFrame(fires, geometry=gpd.points_from_xy(fires["longitude"], fires["latitude"]), crs=4490)
    joined = gpd.sjoin(places, built.levels[0], predicate="within")
    assert len(joined) > 7500
    assert (joined["neighborhood"] == joined["code"]).mean() > 0.999


def test_washington_districts_tile_its_commissions_and_those_its_wards() -> None:
    grids = read("dc/boundaries/single-member-district-2013.geojson.zip", "SMD_ID")
    communities = read("dc/boundaries/advisory-neighborhood-commission-2013.geojson.zip", "ANC_ID")
    wards = read("dc/boundaries/ward-2012.geojson.zip", "WARD")
    built = build_hierarchy([grids, communities, wards], metres=local_metres(-77.03, 38.9), truth=1)
    assert built.exact
    assert [len(level) for level in built.levels] == [296, 40, 8]
    assert built.refused.empty
    assert built.moved.query("level == 0")["area_m2"].sum() < 2
    assert built.moved.query("level == 1").empty
    assert (built.homes.query("level == 1")["share"] < 0.99).sum() == 2
