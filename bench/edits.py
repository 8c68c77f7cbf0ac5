"""One edit of a border against PostGIS Topology, and the proof of a whole coverage against what shapely offers."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import psycopg
import shapely
from shapely.geometry import LineString, MultiPolygon

from bench.harness import BenchContext, Report, interleaved
from data.demo.generate import begin
from gis.borders.follow import outline_of
from gis.borders.model import Change, Ground, Shapes
from gis.borders.operations import reach, split
from gis.borders.reaching import MARGIN
from gis.certificate import tiles_exactly
from gis.crs import LocalMetres, local_metres
from gis.errors import EditRefused
from gis.lattice import STEP

EDITS = 40
ROUNDS = 4
NOW = datetime(2026, 10, 1, 4, tzinfo=UTC)
LARGE = 3_461
SNAPPING = 2 * STEP  # degrees by which the peer may pull the end of a line to an edge
NEAR = """
    SELECT grid.id, community, ST_AsBinary(grid.geom)
      FROM bench_grid AS grid, (SELECT ST_Expand(geom, %s) AS box FROM bench_grid WHERE id = %s) AS named
     WHERE grid.geom && box ORDER BY grid.id FOR UPDATE OF grid"""
WRITE = """
    WITH ended AS (DELETE FROM bench_grid WHERE id = %s)
    INSERT INTO bench_grid SELECT each.id, 0, ST_GeomFromWKB(wkb, 4490) FROM unnest(%s::bigint[], %s::bytea[]) AS each(id, wkb)
    ON CONFLICT (id) DO UPDATE SET geom = excluded.geom"""
ADD = "SELECT topology.TopoGeo_AddLineString('bench_topology', ST_GeomFromWKB(%s, 4490), %s)"
FACES = """
    SELECT ST_AsBinary(topology.ST_GetFaceGeometry('bench_topology', face))
      FROM (SELECT left_face FROM bench_topology.edge_data WHERE edge_id = ANY(%(edges)s)
            UNION SELECT right_face FROM bench_topology.edge_data WHERE edge_id = ANY(%(edges)s)) faces(face)"""
Plan = tuple[int, LineString, LineString]


def run(context: BenchContext, report: Report) -> None:
    """The same split lines for both, in a transaction that is rolled back; then the check of all grids at two sizes."""
    district = begin("district", seed=7, now=NOW).district.grids
    shapes = np.array([each if isinstance(each, MultiPolygon) else MultiPolygon([each]) for each in district.geometry], dtype=object)
    metres = _metres_of(shapes)
    _checks(report, shapes)
    _checks(report, _crooked(LARGE))
    ground = Ground(np.arange(1, len(shapes) + 1), shapes, district["community"].to_numpy(dtype=np.int64), metres)
    plans = _plans(ground)
    with context.fresh_database("edits") as name:
        plain = context.databases.url("admin", name).replace("+psycopg", "")
        with psycopg.connect(plain, autocommit=True) as connection:
            _edits(report, connection, ground, plans)


def _checks(report: Report, shapes: Shapes) -> None:
    """The certificate of all grids against their outline, beside two checks that do not see a missing grid."""
    outline = outline_of(shapes)
    if not tiles_exactly(list(shapes), outline) or not shapely.coverage_is_valid(shapes):
        raise RuntimeError("the coverage of the bench is broken")
    peers: dict[str, Callable[[], object]] = {
        "coverage_is_valid": lambda: shapely.coverage_is_valid(shapes),
        "a join on overlaps": lambda: shapely.STRtree(shapes).query(shapes, predicate="overlaps"),
    }
    for peer, check in peers.items():
        timing = interleaved(ours=lambda: tiles_exactly(list(shapes), outline), peer=check, rounds=ROUNDS, clock="cpu")
        report.add(f"check of {len(shapes):,} grids v {peer}", ours=timing.ours * 1e3, peer=timing.peer * 1e3, unit="ms CPU")
    missing = list(shapes[1:])
    seen = {
        "ours": not tiles_exactly(missing, outline),
        "coverage_is_valid": not shapely.coverage_is_valid(np.array(missing, dtype=object)),
    }
    report.note(f"{len(shapes):,} grids, {int(shapely.get_num_coordinates(shapes).sum()):,} vertices. A missing grid is seen by: {seen}.")


def _edits(report: Report, connection: psycopg.Connection, ground: Ground, plans: list[Plan]) -> None:
    _load(connection, ground)
    engine = [_local(ground, plan) for plan in plans]
    topology = _topology(connection, ground)

    def ours() -> None:
        for plan in plans:
            _ours(connection, plan, ground.metres)

    def theirs() -> None:
        for _, _, border in plans:
            _rolled_back(connection, lambda border=border: _edges(connection, border))

    def theirs_with_answer() -> None:
        for _, _, border in plans:
            _rolled_back(connection, lambda border=border: connection.execute(FACES, {"edges": _edges(connection, border)}).fetchall())

    bare = interleaved(ours=lambda: [each() for each in engine], peer=lambda: [each() for each in engine], rounds=3)
    report.note(f"The engine alone takes {bare.ours * 1e3 / len(plans):.2f} ms an edit of that.")
    if topology is None:
        report.note("This PostgreSQL has no extension postgis_topology: the edit has no peer here.")
        return
    backend = Path(f"/proc/{connection.info.backend_pid}/schedstat")
    for case, peer in (("TopoGeo_AddLineString", theirs), ("that and reading its two faces", theirs_with_answer)):
        wall = interleaved(ours=ours, peer=peer, rounds=ROUNDS)
        each, other = wall.ours * 1e3 / len(plans), wall.peer * 1e3 / len(plans)
        report.add(f"split a grid in the database v {case}", ours=each, peer=other, unit="ms/edit")
        if backend.exists():
            each, other = (_cpu_ms(run, backend) / len(plans) for run in (ours, peer))
            report.add(f"the same, CPU of program and server, v {case}", ours=each, peer=other, unit="ms CPU/edit")
    report.note(f"{len(plans)} split lines on {len(ground.ids)} grids, each rolled back; the topology took {topology:.1f} s to load.")
    report.note(
        "Ours reads the rows around, splits, proves, writes what changed; the peer's answer is edges, still to be read back as polygons."
    )


def _cpu_ms(run: Callable[[], object], backend: Path) -> float:
    """CPU time that a run takes of this process and of its server process together, which a busy machine does not lengthen."""
    began = time.process_time(), int(backend.read_text().split()[0])
    run()
    return (time.process_time() - began[0]) * 1e3 + (int(backend.read_text().split()[0]) - began[1]) / 1e6


def _plans(ground: Ground) -> list[Plan]:
    """A grid, a line through it, and the border that comes of it: what the peer is given, so that both do the same edit."""
    random = np.random.default_rng(7)
    plans: list[Plan] = []
    for at in random.permutation(len(ground.ids)):
        shape = ground.shapes[at]
        west, south, east, north = shape.bounds
        angle = random.uniform(0, np.pi)
        way = np.array([np.cos(angle), np.sin(angle)]) * max(east - west, north - south)
        line = LineString([shape.centroid.coords[0] + way * side for side in (-1.0, -0.2, 0.3, 1.0)])
        try:
            change = split(ground, int(ground.ids[at]), line, [-11, -12])
        except EditRefused:
            continue
        border = shapely.line_merge(shapely.intersection(change.after[-11].boundary, change.after[-12].boundary))
        if isinstance(border, LineString) and not change.outer:
            plans.append((int(ground.ids[at]), line, border))
        if len(plans) == EDITS:
            break
    return plans


def _local(ground: Ground, plan: Plan) -> Callable[[], Change]:
    grid, line, _ = plan
    west, south, east, north = reach("split", [line], [ground.shapes[ground.index[grid]]])
    near = shapely.intersects(ground.shapes, shapely.box(west, south, east, north))
    local = ground.ids[near], ground.shapes[near], ground.communities[near], ground.metres
    return lambda: split(Ground(*local), grid, line, [-11, -12])


def _ours(connection: psycopg.Connection, plan: Plan, metres: LocalMetres) -> None:
    grid, line, _ = plan

    def edit() -> None:
        rows = connection.execute(NEAR, [MARGIN, grid]).fetchall()
        ids, homes = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
        ground = Ground(ids, shapely.from_wkb([bytes(row[2]) for row in rows]), homes, metres)
        change = split(ground, grid, line, [-11, -12])
        connection.execute(WRITE, [grid, list(change.after), [shape.wkb for shape in change.after.values()]])

    _rolled_back(connection, edit)


def _edges(connection: psycopg.Connection, border: LineString) -> list[int]:
    return [row[0] for row in connection.execute(ADD, [border.wkb, SNAPPING])]


def _rolled_back(connection: psycopg.Connection, work: Callable[[], object]) -> None:
    with connection.transaction(force_rollback=True):
        work()


def _load(connection: psycopg.Connection, ground: Ground) -> None:
    connection.execute("CREATE TABLE bench_grid (id bigint PRIMARY KEY, community bigint, geom geometry(MultiPolygon, 4490))")
    rows = zip(ground.ids.tolist(), ground.communities.tolist(), ground.shapes, strict=True)
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO bench_grid VALUES (%s, %s, ST_GeomFromWKB(%s, 4490))", [(a, b, c.wkb) for a, b, c in rows])
    connection.execute("CREATE INDEX ON bench_grid USING gist (geom)")
    connection.execute("ANALYZE bench_grid")


def _topology(connection: psycopg.Connection, ground: Ground) -> float | None:
    """Seconds it took to put all borders into a topology; None where there is no such extension."""
    try:
        connection.execute("CREATE EXTENSION IF NOT EXISTS postgis_topology")
    except psycopg.errors.FeatureNotSupported:
        return None
    connection.execute("SELECT topology.CreateTopology('bench_topology', 4490, 0)")
    began = time.perf_counter()
    walls = shapely.line_merge(shapely.union_all(shapely.boundary(ground.shapes)))
    connection.execute("SELECT topology.ST_CreateTopoGeo('bench_topology', ST_GeomFromWKB(%s, 4490))", [walls.wkb])
    connection.execute("ANALYZE")
    return time.perf_counter() - began


def _crooked(cells: int) -> Shapes:
    """A random exact coverage of crooked cells, about as many vertices each as a grid has."""
    random = np.random.default_rng(11)
    size = 2.0**-2
    frame = shapely.box(113.0, 28.0, 113.0 + size, 28.0 + size)
    seeds = shapely.multipoints(random.random((cells, 2)) * size + [113.0, 28.0])
    walls = shapely.intersection(shapely.voronoi_polygons(seeds, extend_to=frame, only_edges=True), frame)
    lines = shapely.segmentize(shapely.union_all([walls, frame.boundary]), size / np.sqrt(cells) / 6)
    bent = shapely.transform(lines, lambda c: c + np.column_stack([np.sin(c[:, 1] * 9e3), np.cos(c[:, 0] * 9e3)]) * 1e-5)
    noded = shapely.union_all(shapely.get_parts(shapely.union_all(bent, grid_size=STEP)), grid_size=STEP)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    return np.array([MultiPolygon([face]) for face in faces], dtype=object)


def _metres_of(shapes: Shapes) -> LocalMetres:
    west, south, east, north = shapely.total_bounds(shapes)
    return local_metres((west + east) / 2, (south + north) / 2)
