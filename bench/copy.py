"""COPY import of incidents: ours against assignment by trigger, a staging table joined to the grids, and the bare COPY floor."""

import numpy as np
import pandas as pd
import psycopg
import shapely

from bench.harness import BenchContext, Report, interleaved
from data.queries.incident_load import load_many, point_hex

ROWS = 100_000
ROUNDS = 2
SIDE = 2.0**-9
WEST, SOUTH = 113.0, 28.0
COLUMNS, ROWS_OF_GRIDS = 36, 28
PEER_TABLE = """
    CREATE TABLE {name} (id bigserial PRIMARY KEY, reported_at timestamptz NOT NULL, source_id text NOT NULL, category_id integer NOT NULL,
        place geometry(Point, 4490) NOT NULL, grid_id bigint);
    CREATE INDEX ON {name} (grid_id, reported_at);
    CREATE INDEX ON {name} USING gist (place)"""
TRIGGER = """
    CREATE FUNCTION bench_assign() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        SELECT id INTO NEW.grid_id FROM grid WHERE ST_Covers(geom, NEW.place) AND valid_to IS NULL ORDER BY code LIMIT 1;
        RETURN NEW;
    END $$;
    CREATE TRIGGER assign BEFORE INSERT ON bench_trigger FOR EACH ROW EXECUTE FUNCTION bench_assign()"""
STAGED = """
    INSERT INTO bench_staged (reported_at, source_id, category_id, place, grid_id)
    SELECT arrived.reported_at, arrived.source_id, arrived.category_id, arrived.place, min(grid.id)
      FROM arrived LEFT JOIN grid ON ST_Covers(grid.geom, arrived.place) AND grid.valid_to IS NULL
     GROUP BY arrived.ctid, arrived.reported_at, arrived.source_id, arrived.category_id, arrived.place"""
COPY = "COPY {table} (reported_at, source_id, category_id, place) FROM STDIN"


def run(context: BenchContext, report: Report) -> None:
    """Load the same rows each way into a fresh database with 1,008 square grids; each way starts from an empty table."""
    with context.fresh_database("copy") as name:
        url = context.databases.url("schema", name).replace("+psycopg", "")
        with psycopg.connect(url) as connection:
            _ground(connection)
            connection.commit()
            rows = _incidents()
            lines = _lines(rows)
            ways = {
                "row trigger with ST_Covers": lambda: _by_trigger(connection, lines),
                "staging table joined to the grids": lambda: _by_staging(connection, lines),
                "bare COPY, no index, no assignment": lambda: _bare(connection, lines),
            }
            for case, peer in ways.items():
                timing = interleaved(ours=lambda: _ours(connection, rows), peer=peer, rounds=ROUNDS)
                report.add(case, ours=timing.ours / ROWS * 1e6, peer=timing.peer / ROWS * 1e6, unit="µs a row")
                report.note(f"{case}: ours {ROWS / timing.ours:,.0f} rows/s, peer {ROWS / timing.peer:,.0f} rows/s.")
    report.note("Ours keeps 31 columns, ten indexes and an intake row each; the peers five columns and three indexes or none.")


def _ours(connection: psycopg.Connection, rows: pd.DataFrame) -> None:
    load_many(connection, rows)
    connection.rollback()


def _by_trigger(connection: psycopg.Connection, lines: bytes) -> None:
    for statement in PEER_TABLE.format(name="bench_trigger").split(";"):
        connection.execute(statement)
    connection.execute(TRIGGER)
    _send(connection, "bench_trigger", lines)
    connection.rollback()


def _by_staging(connection: psycopg.Connection, lines: bytes) -> None:
    for statement in PEER_TABLE.format(name="bench_staged").split(";"):
        connection.execute(statement)
    connection.execute(
        "CREATE TEMP TABLE arrived (reported_at timestamptz, source_id text, category_id integer, place geometry(Point, 4490))"
    )
    _send(connection, "arrived", lines)
    connection.execute("ANALYZE arrived")
    connection.execute(STAGED)
    connection.rollback()


def _bare(connection: psycopg.Connection, lines: bytes) -> None:
    connection.execute(
        "CREATE TABLE bench_bare (reported_at timestamptz, source_id text, category_id integer, place geometry(Point, 4490))"
    )
    _send(connection, "bench_bare", lines)
    connection.rollback()


def _send(connection: psycopg.Connection, table: str, lines: bytes) -> None:
    with connection.cursor().copy(COPY.format(table=table)) as copy:
        copy.write(lines)


def _incidents() -> pd.DataFrame:
    random = np.random.default_rng(5)
    return pd.DataFrame(
        {
            "source": "bench",
            "source_id": [f"B{number}" for number in range(ROWS)],
            "category_id": 1,
            "reported_at": pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(random.integers(0, 300 * 86_400, ROWS), unit="s"),
            "lon": WEST + random.random(ROWS) * COLUMNS * SIDE,
            "lat": SOUTH + random.random(ROWS) * ROWS_OF_GRIDS * SIDE,
        }
    )


def _lines(rows: pd.DataFrame) -> bytes:
    places = point_hex(rows["lon"].to_numpy(), rows["lat"].to_numpy())
    times = rows["reported_at"].dt.strftime("%Y-%m-%d %H:%M:%S+00")
    return "".join(f"{at}\t{number}\t1\t{place}\n" for at, number, place in zip(times, rows["source_id"], places, strict=True)).encode()


def _ground(connection: psycopg.Connection) -> None:
    """A district with one street and one community, cut into squares that share every vertex."""
    connection.execute("INSERT INTO scheme (id, code, name, code_pattern, is_primary) VALUES (1, 'bench', 'bench', '.*', true)")
    connection.execute("INSERT INTO category_catalogue (id, code, version, name) VALUES (1, 'bench', '1', 'bench')")
    connection.execute("INSERT INTO category (id, catalogue_id, code, name) VALUES (1, 1, '01', 'bench')")
    whole = _square(0, 0, COLUMNS, ROWS_OF_GRIDS)
    for number, (level, parent) in enumerate((("district", None), ("street", 1), ("community", 2)), start=1):
        connection.execute(
            "INSERT INTO area (id, level, parent_id, code, name, geom) VALUES (%s, %s, %s, %s, %s, %s)",
            (number, level, parent, f"99010100000{number}", level, whole),
        )
    for each in range(COLUMNS * ROWS_OF_GRIDS):
        connection.execute(
            "INSERT INTO grid (id, scheme_id, community_id, code, name, households, geom) VALUES (%s, 1, 3, %s, 'bench', 200, %s)",
            (each + 1, f"{each:04d}", _square(each % COLUMNS, each // COLUMNS, 1, 1)),
        )


def _square(column: int, row: int, columns: int, rows: int) -> bytes:
    """A rectangle of the lattice with a vertex at every corner of a grid on its edge, as PostGIS reads it."""
    xs = [WEST + (column + step) * SIDE for step in range(columns + 1)]
    ys = [SOUTH + (row + step) * SIDE for step in range(rows + 1)]
    ring = [(x, ys[0]) for x in xs] + [(xs[-1], y) for y in ys[1:]] + [(x, ys[-1]) for x in xs[-2::-1]] + [(xs[0], y) for y in ys[-2:0:-1]]
    return shapely.to_wkb(shapely.set_srid(shapely.MultiPolygon([shapely.Polygon(ring)]), 4490), include_srid=True)
