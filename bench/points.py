"""Clusters and near repeats of points: DBSCAN against scikit-learn, Knox against pointpats, both with equal answers."""

import resource

import numpy as np
from sklearn.cluster import DBSCAN

from bench.harness import BenchContext, Report, interleaved
from gis.hotspots.dbscan import dbscan
from gis.hotspots.kde import density
from gis.hotspots.knox import knox

REACH_M, LEAST = 50.0, 10
POINTS = (100_000, 1_000_000)
KNOX = (2_000, 20_000)
PERMUTATIONS = 99
NEAR_M, NEAR_DAYS = 300.0, 14.0


def run(context: BenchContext, report: Report) -> None:
    """CPU seconds; labels and counts must be equal."""
    random = np.random.default_rng(0)
    for count in POINTS:
        _dbscan(report, random, count)
    for count in KNOX:
        _knox(report, random, count)
    points = random.random((1_000_000, 2)) * [6810, 5610]
    timing = interleaved(
        ours=lambda: density(points, bandwidth_m=300, cell_m=10),
        peer=lambda: np.histogram2d(points[:, 0], points[:, 1], bins=(681, 561)),
        rounds=3, clock="cpu",
    )  # fmt: skip
    report.add("kernel density of 1 M points v numpy.histogram2d alone", ours=timing.ours, peer=timing.peer, unit="cpu s")
    report.note(f"Peak memory of the whole process, peers included, {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB.")


def _dbscan(report: Report, random: np.random.Generator, count: int) -> None:
    side = 30_000 * (count / 1_000_000) ** 0.5
    spots = random.random((count // 300, 2)) * side
    crowds = spots[random.integers(0, len(spots), count // 2)] + random.normal(0, 60, (count // 2, 2))
    points = np.concatenate([crowds, random.random((count // 2, 2)) * side])
    answers: dict[str, np.ndarray] = {}

    def ours() -> None:
        answers["ours"] = dbscan(points, reach_m=REACH_M, min_points=LEAST).labels

    def peer() -> None:
        answers["peer"] = DBSCAN(eps=REACH_M, min_samples=LEAST).fit(points).labels_

    limit = lambda: np.argsort(np.floor(points[:, 0] / 35) * 10_000 + np.floor(points[:, 1] / 35))
    timing = interleaved(ours=ours, peer=peer, limit=limit, rounds=1 if count > 500_000 else 3, clock="cpu")
    if (answers["ours"] != answers["peer"]).any():
        raise RuntimeError("The labels differ from scikit-learn's.")
    report.add(f"DBSCAN of {count:,} points v scikit-learn", ours=timing.ours, peer=timing.peer, unit="cpu s", limit=timing.limit)


def _knox(report: Report, random: np.random.Generator, count: int) -> None:
    from pointpats import Knox  # noqa: PLC0415  seconds to load, for this case only

    points, days = random.random((count, 2)) * 10_000, np.floor(random.random(count) * 365)
    answers: dict[str, int] = {}

    def ours() -> None:
        # Their bands are closed, ours half-open: the next number is the same band.
        bands = [0, float(np.nextafter(NEAR_M, np.inf))], [0, NEAR_DAYS + 1e-4]
        found = knox(points, days, bands_m=bands[0], bands_days=bands[1], permutations=PERMUTATIONS)
        answers["ours"] = int(found.table["observed"].iloc[0])

    def peer() -> None:
        answers["peer"] = int(Knox(points, days.reshape(-1, 1), delta=NEAR_M, tau=NEAR_DAYS, permutations=PERMUTATIONS).statistic_)

    timing = interleaved(ours=ours, peer=peer, rounds=3 if count < 10_000 else 1, clock="cpu")
    if answers["ours"] != answers["peer"]:
        raise RuntimeError(f"The counts differ from pointpats': {answers}")
    report.add(f"Knox of {count:,} points, {PERMUTATIONS} permutations, v pointpats", ours=timing.ours, peer=timing.peer, unit="cpu s")
