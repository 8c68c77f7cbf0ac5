"""What the small demo district plants stands out by the methods themselves: found, in its place, at its time."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
import shapely

from data.demo.generate import generate
from data.demo.model import District
from gis.crs import local_metres
from gis.hotspots.dbscan import NOISE, repeat_table, st_dbscan
from gis.hotspots.rates import location_quotients
from gis.hotspots.scan import Sought, scan
from gis.hotspots.scan_time import Cylinders, permutation_scan

NOW = datetime(2026, 11, 23, 2, 30, tzinfo=UTC)
DAY = 86_400_000_000
WEEK = 7


@pytest.fixture(scope="module")
def district() -> District:
    return generate("small", now=NOW)


@pytest.fixture(scope="module")
def places(district: District) -> np.ndarray:
    """A point of each grid, metres."""
    inside = shapely.point_on_surface(district.grids.geometry.to_numpy())
    middle = shapely.get_coordinates(inside).mean(axis=0)
    return np.asarray(shapely.get_coordinates(local_metres(*middle).to_metres(inside)))


def planted(district: District, kind: str) -> pd.Series:
    return district.clusters[district.clusters.kind == kind].iloc[0]


def of_category(district: District, cluster: pd.Series, *, since: int = 0) -> np.ndarray:
    own = district.incidents
    return np.asarray((own.category == cluster.category) & (own.grid >= 0) & (own.reported_at >= since))


def per_grid(district: District, chosen: np.ndarray) -> np.ndarray:
    return np.bincount(district.incidents.grid[chosen], minlength=len(district.grids))


def test_the_scan_finds_the_constant_cluster_in_its_place(district, places):
    cluster = planted(district, "constant")
    everything = per_grid(district, district.incidents.grid >= 0)
    found = scan(places, per_grid(district, of_category(district, cluster)), everything, model="bernoulli", sought=Sought(0.2, seed=1))
    members = set(np.concatenate([each.members for each in found.clusters if each.p <= 0.05]).tolist())
    assert set(cluster.grids) <= members and len(members) <= len(cluster.grids) + 4
    quotient = location_quotients(per_grid(district, of_category(district, cluster)), everything)
    assert (quotient.low[cluster.grids] > 1).all()


def test_the_watch_finds_the_emerging_cluster_where_and_when_it_began(district, places):
    cluster = planted(district, "emerging")
    own = of_category(district, cluster)
    last = int(district.incidents.reported_at.max())
    weeks = district.size.days // WEEK
    step = weeks - 1 - (last - district.incidents.reported_at[own]) // (WEEK * DAY)
    kept = step >= 0
    counts = np.bincount(district.incidents.grid[own][kept] * weeks + step[kept], minlength=len(places) * weeks).reshape(len(places), weeks)
    watch = permutation_scan(places, counts, cylinders=Cylinders(12, prospective=True), sought=Sought(0.3, seed=1), step_days=WEEK)
    first = watch.scan.clusters[0]
    assert first.p <= 0.01 and watch.recurrence_days is not None and watch.recurrence_days[0] >= 700
    # No smaller circle around the middle of a grid holds both.
    assert set(cluster.grids) <= set(first.members.tolist()) and len(first.members) <= len(cluster.grids) + 3
    began = last - (weeks - first.first_step) * WEEK * DAY
    assert abs(began - cluster.start) <= 3 * WEEK * DAY


def test_near_repeats_are_dense_in_space_and_time_and_the_rest_is_not(district):
    cluster = planted(district, "near_repeat")
    number = int(district.clusters.index[district.clusters.kind == "near_repeat"][0])
    own = of_category(district, cluster, since=int(cluster.start)) & np.isfinite(district.incidents.lon)
    lon, lat = district.incidents.lon[own], district.incidents.lat[own]
    points = shapely.get_coordinates(local_metres(lon.mean(), lat.mean()).to_metres(shapely.points(lon, lat)))
    found = st_dbscan(points, district.incidents.reported_at[own] / DAY, reach_m=100, reach_days=7, min_points=4)
    made = district.incidents.cluster[own] == number
    assert (found.labels[made] != NOISE).mean() > 0.75
    assert (found.labels[~made] != NOISE).mean() < 0.4


def test_the_noisy_building_is_the_address_that_comes_most_often(district):
    cluster = planted(district, "noisy_building")
    own = of_category(district, cluster, since=int(cluster.start)) & (district.incidents.building >= 0)
    buildings = district.incidents.building[own]
    assert np.bincount(buildings).argmax() == cluster.building
    assert repeat_table(buildings)["times"].iloc[-1] == np.bincount(buildings).max()
