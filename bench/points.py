"""Clusters, near repeats and densities of points against scikit-learn, PostGIS and pointpats, with equal answers, up to 10 M points."""

import numpy as np
import psycopg
from sklearn.cluster import DBSCAN, HDBSCAN
from sklearn.neighbors import KernelDensity

from bench._methods import compared
from bench.harness import BenchContext, Report, interleaved
from gis.hotspots.dbscan import dbscan, hdbscan
from gis.hotspots.kde import density
from gis.hotspots.knox import knox

REACH_M, LEAST = 50.0, 10
POINTS = (100_000, 1_000_000)
MANY, LEAST_OF_MANY = 10_000_000, 50
KNOX = (2_000, 20_000)
PERMUTATIONS = 99
NEAR_M, NEAR_DAYS = 300.0, 14.0
CELLS_TRIED = 300
"""Cells at which the peer sums kernels; counted as if it had summed all."""
POSTGIS_TOLD = """
    SELECT count(*) FILTER (WHERE label IS NOT NULL), count(DISTINCT label)
      FROM (SELECT ST_ClusterDBSCAN(place, eps => %s, minpoints => %s) OVER () AS label FROM bench_point) AS labelled"""


def run(context: BenchContext, report: Report) -> None:
    """CPU seconds (PostGIS: wall); labels, counts and densities must be equal."""
    random = np.random.default_rng(0)
    for count in POINTS:
        _dbscan(report, crowded(random, count))
    _postgis(context, report, crowded(random, POINTS[-1]))
    _many(report, random)
    _hierarchy(report, crowded(random, 20_000))
    for count in KNOX:
        _knox(report, random, count)
    _density(report, crowded(random, 1_000_000))
    report.note(
        f"scikit-learn sums kernels at {CELLS_TRIED} cells and is counted as if it had summed all. PostGIS is told in wall seconds."
    )


def _dbscan(report: Report, points: np.ndarray) -> None:
    compared(
        report, f"DBSCAN of {len(points):,} points v scikit-learn", lambda: dbscan(points, reach_m=REACH_M, min_points=LEAST).labels,
        lambda: DBSCAN(eps=REACH_M, min_samples=LEAST).fit(points).labels_, 1 if len(points) > 500_000 else 3, np.array_equal,
        limit=lambda: np.argsort(_cell(points)),
    )  # fmt: skip


def _cell(points: np.ndarray) -> np.ndarray:
    return np.floor(points[:, 0] / 35) * 10_000 + np.floor(points[:, 1] / 35)


def crowded(random: np.random.Generator, count: int) -> np.ndarray:
    """Half the points in crowds of some 60 m, half anywhere, as dense as the incidents of a city."""
    side = 30_000 * (count / 1_000_000) ** 0.5
    spots = random.random((count // 300, 2)) * side
    crowds = spots[random.integers(0, len(spots), count // 2)] + random.normal(0, 60, (count // 2, 2))
    return np.concatenate([crowds, random.random((count - count // 2, 2)) * side])


def _postgis(context: BenchContext, report: Report, points: np.ndarray) -> None:
    with psycopg.connect(context.schema_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE UNLOGGED TABLE bench_point (place geometry(Point))")
        try:
            with connection.cursor().copy("COPY bench_point FROM STDIN") as copy:
                for x, y in points.tolist():
                    copy.write_row([f"POINT({x!r} {y!r})"])
            told: dict[str, tuple[int, int]] = {}

            def peer() -> None:
                row = connection.execute(POSTGIS_TOLD, [REACH_M, LEAST]).fetchone()
                assert row is not None
                told["peer"] = (row[0], row[1])

            def ours() -> None:
                labels = dbscan(points, reach_m=REACH_M, min_points=LEAST).labels
                told["ours"] = (int((labels >= 0).sum()), int(labels.max() + 1))

            timing = interleaved(ours=ours, peer=peer, rounds=1, warm_up=0)
            if told["ours"] != told["peer"]:
                raise RuntimeError(f"PostGIS tells other clusters: {told}")
            report.add(f"DBSCAN of {len(points):,} points v PostGIS", ours=timing.ours, peer=timing.peer, unit="wall s")
        finally:
            connection.execute("DROP TABLE bench_point")


def _many(report: Report, random: np.random.Generator) -> None:
    """So many that scikit-learn's neighbourhoods do not fit into memory: ours beside sorting the cells."""
    points = crowded(random, MANY)
    timing = interleaved(
        ours=lambda: dbscan(points, reach_m=REACH_M, min_points=LEAST_OF_MANY),
        peer=lambda: np.argsort(_cell(points)), rounds=1, warm_up=0, clock="cpu",
    )  # fmt: skip
    report.add(f"DBSCAN of {MANY:,} points v numpy.argsort of their cells", ours=timing.ours, peer=timing.peer, unit="cpu s",
               memory=timing.memory)  # fmt: skip


def _hierarchy(report: Report, points: np.ndarray) -> None:
    """Points of which each lies where another does: one coordinate counted once."""
    twice = np.concatenate([points, points])
    compared(report, f"HDBSCAN of {len(twice):,} points on {len(points):,} places v scikit-learn on the places",
             lambda: hdbscan(twice, min_points=LEAST).labels[: len(points)],
             lambda: HDBSCAN(min_cluster_size=LEAST, copy=True).fit(np.unique(points, axis=0)).labels_, 1, _as_many)  # fmt: skip


def _as_many(ours: np.ndarray, theirs: np.ndarray) -> bool:
    return bool((np.sort(np.bincount(ours + 1)) == np.sort(np.bincount(theirs + 1))).all())


def _knox(report: Report, random: np.random.Generator, count: int) -> None:
    from pointpats import Knox  # noqa: PLC0415  seconds to load, for this case only

    points, days = random.random((count, 2)) * 10_000, np.floor(random.random(count) * 365)
    # Their bands are closed, ours half-open: the next number is the same band.
    bands = [0, float(np.nextafter(NEAR_M, np.inf))], [0, NEAR_DAYS + 1e-4]
    compared(
        report, f"Knox of {count:,} points, {PERMUTATIONS} permutations, v pointpats",
        lambda: int(knox(points, days, bands_m=bands[0], bands_days=bands[1], permutations=PERMUTATIONS).table["observed"].iloc[0]),
        lambda: int(Knox(points, days.reshape(-1, 1), delta=NEAR_M, tau=NEAR_DAYS, permutations=PERMUTATIONS).statistic_),
        3 if count < 10_000 else 1, int.__eq__,
    )  # fmt: skip


def _density(report: Report, points: np.ndarray) -> None:
    wide, cell = 300.0, 50.0
    found = density(points, bandwidth_m=wide, cell_m=cell, kernel="gaussian")
    x, y = found.centres()
    tried = np.random.default_rng(1).choice(found.values.size, CELLS_TRIED, replace=False)
    places = np.column_stack([x[tried % len(x)], y[tried // len(x)]])

    def ours() -> np.ndarray:
        return density(points, bandwidth_m=wide, cell_m=cell, kernel="gaussian").values.ravel()[tried]

    def peer() -> np.ndarray:
        fitted = KernelDensity(bandwidth=wide, kernel="gaussian", rtol=1e-4).fit(points)
        return np.exp(fitted.score_samples(places)) * len(points) * 1e6

    compared(report, f"kernel density of {len(points):,} points on {found.values.size:,} cells v scikit-learn", ours, peer, 1,
             lambda one, other: bool(np.abs(one - other).max() <= 0.005 * found.values.max()), scale=found.values.size / CELLS_TRIED,
             limit=lambda: np.histogram2d(points[:, 0], points[:, 1], bins=found.values.shape))  # fmt: skip
