"""Bulk assignment of places to grids and hexagons: ours against geopandas' spatial join, PostGIS' join on ST_Contains, a tree."""

import geopandas as gpd
import numpy as np
import psycopg
import shapely
from scipy.spatial import cKDTree

from bench._ground import settled
from bench.harness import BenchContext, Report, Timing, interleaved
from gis.assignment import NOBODY, GridLocator
from gis.hotspots.hexagons import hexagons_of

PLACES = 1_000_000
POSTGIS_PLACES = 100_000
"""PostGIS is asked about a tenth of the places and counted per place."""
ROUNDS = 3
MANY = 10_000_000
CURRENT = """
    SELECT grid.id, ST_AsBinary(geom) FROM grid JOIN scheme ON scheme.id = scheme_id AND is_primary
     WHERE valid_to IS NULL ORDER BY grid.code"""
JOIN = """
    SELECT count(grid.id), count(DISTINCT grid.id)
      FROM bench_place LEFT JOIN grid ON ST_Contains(grid.geom, bench_place.geom) AND grid.valid_to IS NULL"""


def run(context: BenchContext, report: Report) -> None:
    """Assign random places within the box of the ground: the deployment's, or the demo district's."""
    settled(context)
    with psycopg.connect(context.schema_url.replace("+psycopg", ""), autocommit=True) as connection:
        rows = connection.execute(CURRENT).fetchall()
        ids, borders = [row[0] for row in rows], list(shapely.from_wkb([bytes(row[1]) for row in rows]))
        lon, lat = _places(borders)
        locator = GridLocator(borders, ids)
        frame = gpd.GeoDataFrame({"id": ids}, geometry=borders, crs=4490)
        points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(lon, lat), crs=4490)
        sjoin = interleaved(
            ours=lambda: locator.ids_at(lon, lat),
            peer=lambda: points.sjoin(frame, how="left", predicate="intersects"),
            rounds=ROUNDS,
            clock="cpu",
        )
        _add(report, "geopandas sjoin, CPU", sjoin, PLACES)
        with_doubt = interleaved(
            ours=lambda: locator.assign(lon, lat, distances=False),
            peer=lambda: points.sjoin(frame, how="left", predicate="intersects"),
            rounds=1,
            warm_up=0,
            clock="cpu",
        )
        _add(report, "geopandas sjoin, CPU, ours with what is ambiguous", with_doubt, PLACES)
        with_distance = interleaved(
            ours=lambda: locator.assign(lon, lat),
            peer=lambda: points.sjoin(frame, how="left", predicate="intersects"),
            rounds=1,
            warm_up=0,
            clock="cpu",
        )
        _add(report, "geopandas sjoin, CPU, ours with border distances", with_distance, PLACES)
        _copy_places(connection, lon[:POSTGIS_PLACES], lat[:POSTGIS_PLACES])
        postgis = interleaved(
            ours=lambda: locator.ids_at(lon[:POSTGIS_PLACES], lat[:POSTGIS_PLACES]),
            peer=lambda: connection.execute(JOIN).fetchone(),
            rounds=ROUNDS,
        )
        _add(report, "PostGIS ST_Contains join, wall", postgis, POSTGIS_PLACES)
        report.note(_agreement(locator, lon, lat, points, frame))
        _many(report, locator, borders)
    _hexagons(report)
    report.note(f"{PLACES:,} places, {len(borders):,} grids of {np.mean(shapely.get_num_coordinates(borders)):.0f} vertices on average.")


def _many(report: Report, locator: GridLocator, borders: list[shapely.Geometry]) -> None:
    """So many that a peer's points alone take gigabytes: ours beside reading both numbers and writing one."""
    lon, lat = (np.tile(each, MANY // PLACES) for each in _places(borders))
    timing = interleaved(ours=lambda: locator.ids_at(lon, lat), peer=lambda: (lon + lat).astype(np.int32), rounds=1, clock="cpu")
    report.add(f"{MANY:,} places v reading and writing them", ours=timing.ours, peer=timing.peer, unit="cpu s", memory=timing.memory)


def _hexagons(report: Report) -> None:
    """Cells by arithmetic against the nearest middle in a tree, which is asked about a tenth and counted per place."""
    cells = hexagons_of(shapely.box(0, 0, 31_623, 31_623), cell_m2=10_000)
    points = np.random.default_rng(0).random((MANY, 2)) * 31_623
    some, tree = points[:PLACES], cKDTree(cells.middles)
    found = cells.at(some)
    if (found[found >= 0] != tree.query(some)[1][found >= 0]).any():
        raise RuntimeError("A hexagon is not that of the nearest middle.")
    timing = interleaved(ours=lambda: cells.at(points), peer=lambda: tree.query(some), rounds=1, clock="cpu")
    report.add(f"{MANY:,} places in {len(cells):,} hexagons v scipy's tree", ours=timing.ours, peer=timing.peer * MANY / PLACES,
               unit="cpu s", memory=timing.memory)  # fmt: skip


def _add(report: Report, case: str, timing: Timing, places: int) -> None:
    report.add(case, ours=timing.ours / places * 1e6, peer=timing.peer / places * 1e6, unit="µs a place")


def _agreement(locator: GridLocator, lon: np.ndarray, lat: np.ndarray, points: gpd.GeoDataFrame, frame: gpd.GeoDataFrame) -> str:
    found = locator.ids_at(lon, lat)
    joined = points.sjoin(frame, how="left", predicate="intersects")
    first = joined[~joined.index.duplicated()]["id"].fillna(NOBODY).to_numpy(dtype=np.int64)
    sole = ~joined.index.duplicated(keep=False)
    different = (found != first) & np.isin(np.arange(len(lon)), joined.index[sole])
    return f"Different answers for places in exactly one grid: {int(different.sum())}."


def _places(borders: list[shapely.Geometry]) -> tuple[np.ndarray, np.ndarray]:
    west, south, east, north = shapely.total_bounds(borders)
    random = np.random.default_rng(11)
    return west + random.random(PLACES) * (east - west), south + random.random(PLACES) * (north - south)


def _copy_places(connection: psycopg.Connection, lon: np.ndarray, lat: np.ndarray) -> None:
    connection.execute("CREATE TEMP TABLE bench_place (geom geometry(Point, 4490))")
    with connection.cursor().copy("COPY bench_place FROM STDIN") as copy:
        for x, y in zip(lon.tolist(), lat.tolist(), strict=True):
            copy.write_row((f"SRID=4490;POINT({x!r} {y!r})",))
    connection.execute("ANALYZE bench_place")
