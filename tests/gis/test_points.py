"""Clusters of points, near repeats, densities and scores agree with the reference software and with brute force."""

import csv
import json
import math

import numpy as np
import pytest
from shapely.geometry import Polygon, box
from sklearn.cluster import DBSCAN, HDBSCAN
from sklearn.metrics import adjusted_rand_score

from gis.errors import BadCoordinate, BadGeometry, BadValue, NothingToAnalyse
from gis.hotspots.accuracy import accuracy
from gis.hotspots.dbscan import NOISE, dbscan, hdbscan, repeat_table, repeats, st_dbscan, summary
from gis.hotspots.kde import density, rule_of_thumb_m
from gis.hotspots.knox import knox
from tests.gis.tessellations import shared


def crowd(seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    count = int(random.integers(50, 1200))
    points = np.concatenate([random.random((count, 2)) * 100, random.normal(50, 3, (count // 3, 2))])
    return np.round(points) if seed % 3 == 0 else points  # whole metres: many points exactly at the reach, and piles


@pytest.mark.parametrize("seed", range(12))
def test_labels_equal_scikit_learns_border_points_included(seed: int) -> None:
    points, random = crowd(seed), np.random.default_rng(seed)
    reach, least = float(random.choice([1, 2, 3, 5])), int(random.integers(4, 12))
    theirs = DBSCAN(eps=reach, min_samples=least).fit(points)
    ours = dbscan(points, reach_m=reach, min_points=least)
    assert (ours.labels == theirs.labels_).all()
    assert np.flatnonzero(ours.core).tolist() == theirs.core_sample_indices_.tolist()


@pytest.mark.parametrize("seed", range(12))
def test_labels_in_space_and_time_equal_scikit_learns_on_the_distances_of_both(seed: int) -> None:
    points, random = crowd(seed), np.random.default_rng(seed)
    days = random.random(len(points)) * 20
    days = np.round(days) if seed % 2 else days
    reach, span = float(random.choice([2, 3, 5])), float(random.choice([0, 1, 2.5, 30]))
    square = ((points[:, None] - points[None]) ** 2).sum(axis=2)
    near = (square <= reach * reach) & (np.abs(days[:, None] - days[None]) <= span)
    theirs = DBSCAN(eps=0.5, min_samples=5, metric="precomputed").fit(np.where(near, 0.0, 1.0))
    assert (st_dbscan(points, days, reach_m=reach, reach_days=span, min_points=5).labels == theirs.labels_).all()


def test_a_pile_and_a_far_crowd_are_told_apart_and_summed_up() -> None:
    points = np.concatenate([np.zeros((30, 2)), np.column_stack([np.arange(10) * 10 + 500, np.zeros(10)]), [[9000, 9000]]])
    found = dbscan(points, reach_m=25, min_points=4)
    table = summary(points, found, np.arange(41))
    assert table["points"].tolist() == [30, 10] and table["piled"].tolist() == [30, 1]
    assert table["core"].tolist() == [30, 8]
    assert table["radius_m"].tolist() == [0, 45] and table["first_day"].tolist() == [0, 30]
    assert found.labels[-1] == NOISE


def test_the_hierarchy_is_scikit_learns_on_distinct_places() -> None:
    random = np.random.default_rng(6)
    points = np.vstack(
        [random.normal(middle, 40, (120, 2)) for middle in ((0, 0), (900, 0), (400, 800))] + [random.random((80, 2)) * 1_500]
    )
    theirs = HDBSCAN(min_cluster_size=12, min_samples=12, copy=True).fit_predict(points)
    ours = hdbscan(points, min_points=12).labels
    # Ties of distance fall by the order of the points, so that a point at a rim may differ.
    assert ours.max() == theirs.max() >= 2 and adjusted_rand_score(theirs, ours) > 0.98


def test_the_hierarchy_counts_one_coordinate_once() -> None:
    random = np.random.default_rng(1)
    spots = np.concatenate([random.normal(centre, 5, (60, 2)) for centre in (0, 200, 400)])
    found = hdbscan(np.concatenate([spots, np.repeat(spots[:1], 500, axis=0)]), min_points=15)
    assert found.labels.max() == 2
    assert len(set(found.labels[[0, *range(180, 680)]].tolist())) == 1


def test_addresses_that_come_again_are_counted() -> None:
    table = repeats([[0, 0], [0, 0], [0.001, 0], [5, 5], [5, 5], [9, 9]])
    assert table["points"].tolist() == [3, 2] and table["cumulative"].iloc[-1] == pytest.approx(5 / 6)
    often = repeat_table(["a", "a", "a", "b", "b", "c"])
    assert often[["times", "units", "events"]].to_numpy().tolist() == [[1, 1, 1], [2, 1, 2], [3, 1, 3]]


def test_clusters_of_too_little_are_refused() -> None:
    some = np.random.default_rng(0).random((20, 2))
    for refusal, ask in (
        (BadValue, lambda: dbscan(some, reach_m=0, min_points=5)),
        (BadValue, lambda: dbscan(some, reach_m=1, min_points=3)),
        (BadValue, lambda: dbscan(some * 1e9, reach_m=1e-9, min_points=4)),
        (NothingToAnalyse, lambda: dbscan(some[:3], reach_m=1, min_points=4)),
        (BadCoordinate, lambda: dbscan(np.full((9, 2), np.nan), reach_m=1, min_points=4)),
        (BadValue, lambda: st_dbscan(some, np.full(20, np.nan), reach_m=1, reach_days=1, min_points=4)),
        (BadValue, lambda: st_dbscan(some, np.zeros(20), reach_m=1, reach_days=-1, min_points=4)),
        (NothingToAnalyse, lambda: hdbscan(np.zeros((50, 2)), min_points=5)),
    ):
        with pytest.raises(refusal):
            ask()


def arsons() -> tuple[np.ndarray, np.ndarray, dict]:
    rows = list(csv.DictReader(shared("hotspot/chicago_arson.csv").read_text().splitlines()))
    answer = json.loads(shared("hotspot/chicago_arson_nearrepeat_R.json").read_text())
    return np.array([[float(row["x"]), float(row["y"])] for row in rows]), np.array([float(row["day"]) for row in rows]), answer


def test_arsons_in_chicago_repeat_near_by_as_in_nearrepeat() -> None:
    points, days, answer = arsons()
    found = knox(points, days, bands_m=answer["sds"], bands_days=answer["tds"], permutations=9_999, seed=1)
    assert found.table["observed"].to_numpy().reshape(5, 2).tolist() == answer["observed"]
    # Theirs come from 999 shuffles: three of their standard errors.
    theirs = np.array(answer["p"])
    assert (np.abs(found.table["p"].to_numpy().reshape(5, 2) - theirs) <= 3 * np.sqrt(theirs * (1 - theirs) / 999) + 0.002).all()


def test_burkitts_lymphoma_in_west_nile_has_the_pairs_that_pysal_prints() -> None:
    # PySAL's worked example: 13 pairs within 20 and 5 days, both closed.
    from libpysal.examples import get_path  # noqa: PLC0415  seconds to load
    from pyogrio import read_dataframe  # noqa: PLC0415

    cases = read_dataframe(get_path("burkitt.shp"))
    points = np.column_stack([cases.geometry.x, cases.geometry.y])
    found = knox(points, cases["T"], bands_m=[0, 20.001], bands_days=[0, 5.001], permutations=99)
    assert (found.events, found.table["observed"].tolist()) == (188, [13])


def test_the_knox_table_equals_brute_force_with_half_open_bands() -> None:
    random = np.random.default_rng(3)
    points, days = np.round(random.random((80, 2)) * 20), np.round(random.random(80) * 30)
    found = knox(points, days, bands_m=[0, 1, 3, 5], bands_days=[0, 1, 7, 14], permutations=99)
    one, two = np.triu_indices(80, 1)
    space, time = np.hypot(*(points[one] - points[two]).T), np.abs(days[one] - days[two])
    for row in found.table.itertuples():
        inside = (space >= row.from_m) & (space < row.to_m) & (time >= row.from_days) & (time < row.to_days)
        assert row.observed == inside.sum()
    assert found.pairs == (space < 5).sum()


def test_near_repeats_are_found_where_planted_and_seldom_in_chance() -> None:
    random = np.random.default_rng(5)
    points, days = random.random((200, 2)) * 3000, random.random(200) * 300
    followed = knox(np.concatenate([points, points[:40] + random.normal(0, 20, (40, 2))]), np.concatenate([days, days[:40] + 2]),
                    bands_m=[0, 100], bands_days=[0, 7])  # fmt: skip
    assert followed.table["p"].iloc[0] == 0.001 and followed.table["ratio"].iloc[0] > 5
    p = [
        knox(random.random((60, 2)) * 1000, random.random(60) * 100, bands_m=[0, 250], bands_days=[0, 20], permutations=199, seed=run)
        .table["p"]
        .iloc[0]
        for run in range(400)
    ]
    # Counts tie, so p is somewhat too large, never too small.
    for level in (0.05, 0.2, 0.5):
        assert np.mean(np.array(p) <= level) <= level + 3 * math.sqrt(level * (1 - level) / 400)
    assert np.mean(np.array(p) <= 0.5) > 0.35


def test_near_repeats_of_too_little_are_refused() -> None:
    random = np.random.default_rng(0)
    points, days = random.random((60, 2)) * 100, random.random(60)
    edges = {"bands_m": [0, 10], "bands_days": [0, 1]}
    for refusal, ask in (
        (NothingToAnalyse, lambda: knox(points[:49], days[:49], **edges)),
        (NothingToAnalyse, lambda: knox(points, np.zeros(60), **edges)),
        (NothingToAnalyse, lambda: knox(np.zeros((60, 2)), days, **edges)),
        (BadValue, lambda: knox(points, np.full(60, np.nan), **edges)),
        (BadValue, lambda: knox(points, days, bands_m=[0, 0], bands_days=[0, 1])),
        (BadValue, lambda: knox(points, days, permutations=9, **edges)),
        (BadValue, lambda: knox(points, days * 1e6, **edges)),
        (BadCoordinate, lambda: knox(np.full((60, 2), np.inf), days, **edges)),
    ):
        with pytest.raises(refusal):
            ask()


@pytest.mark.parametrize(("cell", "off"), [(20, 0.005), (75, 0.02)])
@pytest.mark.parametrize("kernel", ["quartic", "gaussian"])
def test_densities_equal_the_exact_sum_of_kernels(kernel: str, cell: int, off: float) -> None:
    random = np.random.default_rng(1)
    points = random.normal(5000, 800, (300, 2))
    found = density(points, bandwidth_m=300, cell_m=cell, kernel=kernel)
    x, y = found.centres()
    row, column = random.integers(0, len(y), 400), random.integers(0, len(x), 400)
    square = ((x[column, None] - points[:, 0]) ** 2 + (y[row, None] - points[:, 1]) ** 2) / 300**2
    each = 3 / np.pi * np.maximum(0, 1 - square) ** 2 if kernel == "quartic" else np.exp(-square / 2) / 2 / np.pi
    exact = each.sum(axis=1) / 300**2 * 1e6
    assert np.abs(found.values[row, column] - exact).max() <= off * np.nanmax(found.values)
    assert found.values.sum() * cell**2 / 1e6 == pytest.approx(300, rel=1e-9)


def test_an_even_spread_stays_even_up_to_the_edge_of_the_district() -> None:
    district = Polygon([(0, 0), (3000, 0), (3000, 2000), (1500, 3000), (0, 2000)])
    x, y = np.meshgrid(np.arange(10, 3000, 20), np.arange(10, 3000, 20))
    points = np.column_stack([x.ravel(), y.ravel()])
    even = density(points, bandwidth_m=400, cell_m=25, outline=district)
    bare = density(points, bandwidth_m=400, cell_m=25, outline=district, corrected=False)
    assert np.nanmin(even.values) > 0.93 * 2500 and np.nanmax(even.values) < 1.07 * 2500
    assert np.nanmin(bare.values) < 0.6 * 2500
    assert np.isnan(even.values[0, 0]) and even.outside > 0
    assert even.events + even.outside == len(points)


def test_densities_of_too_little_are_refused() -> None:
    points = np.random.default_rng(0).random((50, 2)) * 1000
    assert rule_of_thumb_m(points) > 0
    for refusal, ask in (
        (NothingToAnalyse, lambda: density(points[:9], bandwidth_m=100, cell_m=10)),
        (NothingToAnalyse, lambda: density(points, bandwidth_m=100, cell_m=10, outline=box(5000, 5000, 6000, 6000))),
        (BadValue, lambda: density(points, bandwidth_m=15, cell_m=10)),
        (BadValue, lambda: density(np.zeros((50, 2)), cell_m=10)),
        (BadGeometry, lambda: density(points, bandwidth_m=100, cell_m=10, outline=Polygon())),
        (BadCoordinate, lambda: density(np.full((50, 2), np.nan), cell_m=10)),
    ):
        with pytest.raises(refusal):
            ask()


def test_a_map_is_scored_on_what_came_after_it() -> None:
    score = accuracy([True, False, False, False], [1, 1, 1, 1], [5, 3, 2, 0], before=[0, 9, 1, 0])
    assert (score.hit_rate, score.share_of_ground, score.pai, score.best_pai, score.pei) == (0.5, 0.25, 2, 2, 1)
    assert (score.naive_hit_rate, score.naive_pai, score.naive_pei) == (0.3, 1.2, 0.6)
    uneven = accuracy([False, True], [1, 4], [4, 4])
    # The best choice of 4 parts of ground is the dense one and three quarters of the other.
    assert uneven.pei == pytest.approx(0.5 / (0.5 + 0.5 * 0.75))


def test_no_choice_of_ground_beats_the_best() -> None:
    random = np.random.default_rng(0)
    for _ in range(200):
        hot, ground, later = random.random(9) < 0.4, random.random(9) + 0.1, random.integers(0, 9, 9)
        if hot.any() and later.any():
            assert accuracy(hot, ground, later).pei <= 1 + 1e-12


def test_a_map_that_cannot_be_scored_is_refused() -> None:
    for refusal, ask in (
        (NothingToAnalyse, lambda: accuracy([False, False], [1, 1], [1, 1])),
        (NothingToAnalyse, lambda: accuracy([True, False], [1, 1], [0, 0])),
        (BadValue, lambda: accuracy([True, False], [1, 0], [1, 1])),
        (BadValue, lambda: accuracy([True, False], [1, 1], [1, np.nan])),
        (BadValue, lambda: accuracy([True], [1, 1], [1, 1])),
    ):
        with pytest.raises(refusal):
            ask()
