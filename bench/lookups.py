"""Which grid a place lies in: the index in memory and over HTTP, against PostGIS and a shapely STRtree."""

import numpy as np
import psycopg
import shapely

from bench._ground import TOKEN, prepared
from bench.harness import BenchContext, Report, interleaved
from bench.tiles import HEADERS, serving_ours
from data.database import open_database
from data.hot.ground import ground_index

ROUNDS = 7
PLACES = 500
COVERS = """
    SELECT id FROM grid WHERE geom && ST_SetSRID(ST_MakePoint(%(lon)s, %(lat)s), 4490)
       AND ST_Covers(geom, ST_SetSRID(ST_MakePoint(%(lon)s, %(lat)s), 4490)) AND valid_to IS NULL ORDER BY code LIMIT 1
"""


def run(context: BenchContext, report: Report) -> None:
    """Compare on places spread over the district; every contestant must give the same grid."""
    with prepared(context) as owner, psycopg.connect(context.app_url.replace("+psycopg", ""), autocommit=True) as app:
        app.execute("SELECT set_config('wangge.token', %s, false)", [TOKEN])
        rows = owner.execute("SELECT id, ST_AsBinary(geom) FROM grid WHERE valid_to IS NULL ORDER BY code").fetchall()
        ids, borders = np.array([row[0] for row in rows]), shapely.from_wkb([bytes(row[1]) for row in rows])
        places = _places(borders)
        tree = shapely.STRtree(borders)
        database = open_database(context.app_url, pool_size=2)
        index = ground_index(database)

        def ours() -> list[int]:
            return [index.place(lon, lat).grid_id or -1 for lon, lat in places]

        def of_tree() -> list[int]:
            found = (tree.query(shapely.Point(lon, lat), predicate="intersects") for lon, lat in places)
            return [int(ids[each.min()]) if len(each) else -1 for each in found]

        def of_postgis() -> list[int]:
            found = (app.execute(COVERS, {"lon": lon, "lat": lat}, prepare=True).fetchone() for lon, lat in places)
            return [row[0] if row else -1 for row in found]

        if not ours() == of_tree() == of_postgis():
            raise RuntimeError("The contestants disagree on the grid of a place.")
        _add(report, "one place, in memory, v STRtree", ours, of_tree)
        _add(report, "one place, in memory, v PostGIS", ours, of_postgis)
        many = np.tile(places, (200, 1))
        bulk = interleaved(
            ours=lambda: index.place_many(many[:, 0], many[:, 1]),
            peer=lambda: tree.query(shapely.points(many), predicate="intersects"),
            rounds=3,
        )
        report.add("100,000 places at once v STRtree", ours=bulk.ours * 1e6 / len(many), peer=bulk.peer * 1e6 / len(many), unit="µs/place")
        with serving_ours(context, cache_bytes=0) as server:
            over_http = interleaved(
                ours=lambda: [server.get(f"/api/v1/locate?lon={lon}&lat={lat}", HEADERS) for lon, lat in places],
                peer=of_postgis,
                rounds=3,
            )
        report.add(
            "/api/v1/locate with names and officer v one bare PostGIS query",
            ours=over_http.ours * 1e6 / len(places), peer=over_http.peer * 1e6 / len(places), unit="µs/place",
        )  # fmt: skip
        report.note(f"{len(rows)} grids, {PLACES} places; PostGIS is asked under row-level security over a held connection, prepared.")
        database.close()


def _add(report: Report, case: str, ours, peer) -> None:
    timing = interleaved(ours=ours, peer=peer, rounds=ROUNDS)
    report.add(case, ours=timing.ours * 1e6 / PLACES, peer=timing.peer * 1e6 / PLACES, unit="µs/place")


def _places(borders) -> list[tuple[float, float]]:
    chance = np.random.default_rng(7)
    west, south, east, north = shapely.total_bounds(borders)
    return list(zip(chance.uniform(west, east, PLACES).tolist(), chance.uniform(south, north, PLACES).tolist(), strict=True))
