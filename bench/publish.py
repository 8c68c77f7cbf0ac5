"""Publishing a community's new grids on a clone of the demo district, beside the bare UPDATE of the same rows."""

import statistics as median
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
import shapely
from shapely.geometry import LineString, MultiPolygon
from sqlalchemy import text

from api import auth, tokens
from api.cluster import Cluster
from api.plans import impact, publish, reversal
from api.work import Work
from bench._ground import settled
from bench.harness import BenchContext, Report
from data.database import open_database
from gis.borders.model import Ground
from gis.borders.operations import split
from gis.crs import local_metres

OPEN_INCIDENTS = 2_000
HOUSEHOLDS = 4_000
BAR_S = 2.0
BAR_IMPACT_MS = 300.0
ROUNDS = 3
CLONE = "bench_publish"
BARE_INCIDENTS = "UPDATE incident SET grid_id = grid_id, version = version + 1 WHERE is_open AND community_id = %s"
BARE_BUILDINGS = "UPDATE building SET grid_id = grid_id, version = version + 1 WHERE community_id = %s"
BARE_HOUSEHOLDS = "UPDATE household SET community_id = community_id, version = version + 1 WHERE community_id = %s"
BARE_RESIDENTS = "UPDATE resident SET community_id = community_id, version = version + 1 WHERE community_id = %s"


@dataclass
class Ready:
    """A community filled up to the size of the bar, and its grids."""

    id: int
    neighbour: int
    households: int
    opened: int


def run(context: BenchContext, report: Report) -> None:
    """Each case is published on a fresh state: a committed publication cannot be measured twice, so rounds alternate plan and reversal."""
    settled(context)
    assert isinstance(context.databases, Cluster), "a clone needs the embedded cluster"
    with _clone(context) as url:
        _fill(url)
        for name, crossing in (("new grids within the community", False), ("merged into its neighbour", True)):
            ready = _community(url)
            figures, bare, seen = [], [], []
            for _ in range(ROUNDS):
                bare.append(_bare(url, ready, crossing))
                plan = _draft(url, ready, crossing)
                seen.append(_impact(context.databases, url, plan))
                figures.append(_published(url, plan))
                _published(url, _reversal(url, plan))
                ready = _community(url)
            report.add(f"publish: {name}", ours=median.median(figures), peer=median.median(bare), unit="s")
            report.note(
                f"{name}: {ready.households:,} households, {ready.opened:,} open incidents; slowest of {ROUNDS} {max(figures):.2f} s"
                f" (bar {BAR_S:.0f} s); impact in {median.median(seen):.0f} ms, slowest {max(seen):.0f} (bar {BAR_IMPACT_MS:.0f})."
            )
    report.note("Peer: the same rows updated in place by one statement a table, triggers included, in one transaction, committed.")


@contextmanager
def _clone(context: BenchContext) -> Iterator[str]:
    """A copy of the database that may be changed; a running deployment is dumped, since nobody may be connected to a template."""
    assert isinstance(context.databases, Cluster), "a clone needs the embedded cluster"
    cluster = context.databases
    cluster.drop_database(CLONE)
    if context.throw_away:
        cluster.create_database(CLONE, template=context.database)
    else:
        cluster.create_database(CLONE, template="template0")
        dump = context.work / "publish.dump"
        words = [f"--host={cluster.socket_folder}", "--username=wangge_admin"]
        bindir = cluster.programs().bindir
        subprocess.run([str(bindir / "pg_dump"), *words, "-Fc", "-Z0", f"--file={dump}", context.database], check=True)
        subprocess.run([str(bindir / "pg_restore"), *words, "--exit-on-error", f"--dbname={CLONE}", str(dump)], check=True)
    try:
        url = cluster.url("schema", CLONE)
        _owner(url, "ANALYZE", alone=True)
        yield url
    finally:
        cluster.drop_database(CLONE)


def _fill(url: str) -> None:
    """Bring the community with most households to the size that the bar speaks of."""
    with _connection(url) as owner:
        community = owner.execute("SELECT community_id FROM household GROUP BY 1 ORDER BY count(*) DESC LIMIT 1").fetchone()[0]  # type: ignore[index]
        lived = owner.execute("SELECT count(*) FROM household WHERE community_id = %s", [community]).fetchone()[0]  # type: ignore[index]
        missing = max(0, HOUSEHOLDS - lived)
        owner.execute(
            "WITH more AS (INSERT INTO household (cell, building_id, community_id, unit) SELECT cell, id, community_id, 'B' || n"
            "   FROM (SELECT cell, id, community_id FROM building WHERE community_id = %s AND households > 0 ORDER BY id) AS b,"
            "        generate_series(1, 20) AS n ORDER BY n, id LIMIT %s RETURNING cell, building_id),"
            " counted AS (SELECT cell, building_id, count(*) AS n FROM more GROUP BY 1, 2)"
            " UPDATE building SET households = households + counted.n FROM counted"
            "  WHERE building.cell = counted.cell AND building.id = building_id",
            [community, missing],
        )
        owner.execute(
            "UPDATE grid SET households = (SELECT coalesce(sum(households), 0) FROM building WHERE grid_id = grid.id)"
            " WHERE community_id = %s",
            [community],
        )
        owner.execute(
            "UPDATE incident SET state = 'handling', closed_at = NULL WHERE id IN (SELECT id FROM incident WHERE community_id = %s"
            " AND NOT is_open AND place IS NOT NULL AND grid_id IS NOT NULL ORDER BY reported_at DESC LIMIT %s)",
            [community, OPEN_INCIDENTS],
        )
        owner.commit()


def _community(url: str) -> Ready:
    """The community of the bench as it is now; a reversal gives it a new number."""
    with _connection(url) as owner:
        row = owner.execute(
            "SELECT one.id, (SELECT other.id FROM area AS other WHERE other.parent_id = one.parent_id AND other.id <> one.id"
            "   AND other.valid_to IS NULL AND other.geom && one.geom AND ST_Touches(other.geom, one.geom) ORDER BY other.code LIMIT 1),"
            " (SELECT count(*) FROM household WHERE community_id = one.id),"
            " (SELECT count(*) FROM incident WHERE is_open AND community_id = one.id)"
            " FROM area AS one WHERE level = 'community' AND valid_to IS NULL ORDER BY 3 DESC LIMIT 1"
        ).fetchone()
        assert row is not None
        return Ready(*row)


def _bare(url: str, ready: Ready, crossing: bool) -> float:
    statements = [BARE_INCIDENTS, BARE_BUILDINGS, *([BARE_HOUSEHOLDS, BARE_RESIDENTS] if crossing else [])]
    with _connection(url) as owner:
        began = time.perf_counter()
        for statement in statements:
            owner.execute(statement, [ready.id])  # type: ignore[arg-type]
        owner.commit()
        return time.perf_counter() - began


def _draft(url: str, ready: Ready, crossing: bool) -> int:
    """A plan that cuts every grid of the community in two, or that gives all of it to its neighbour."""
    with _connection(url) as owner:
        communities = f"{{[{ready.id},{ready.id + 1}),[{ready.neighbour},{ready.neighbour + 1})}}"
        people = [row[0] for row in owner.execute("SELECT id FROM person WHERE NOT 'system' = ANY (roles) ORDER BY id LIMIT 2")]
        while len(people) < 2:
            made = owner.execute(
                "INSERT INTO person (sign_in_name, display_name, roles) VALUES (%s, 'Bench', '{planner}') RETURNING id",
                [f"bench.{len(people)}"],
            ).fetchone()
            people.append(made[0])  # type: ignore[index]
        row = owner.execute(
            "INSERT INTO plan (name, area_id, scheme_id, communities, household_min, household_max, made_by, submitted_by, decided_by,"
            " state) SELECT 'bench', parent_id, (SELECT id FROM scheme WHERE is_primary), %s, 0, 500, %s, %s, %s, 'publishing'"
            " FROM area WHERE id = %s RETURNING id",
            [communities, people[0], people[0], people[1], ready.id],
        ).fetchone()
        plan = int(row[0])  # type: ignore[index]
        if crossing:
            owner.execute(
                "INSERT INTO plan_grid (plan_id, grid_id, base_version, community_id, name, name_en, kind, geom)"
                " SELECT %s, id, version, %s, name, name_en, kind, geom FROM grid WHERE community_id = %s AND valid_to IS NULL",
                [plan, ready.neighbour, ready.id],
            )
            owner.execute(
                "INSERT INTO plan_area (plan_id, area_id, base_version, parent_id, name, ended)"
                " SELECT %s, id, version, parent_id, name, true FROM area WHERE id = %s",
                [plan, ready.id],
            )
        else:
            _redrawn(owner, plan, ready)
        owner.commit()
    return plan


def _redrawn(owner: psycopg.Connection, plan: int, ready: Ready) -> None:
    """Every grid cut through its middle into two new ones, so that nothing on the ground keeps its grid."""
    rows = owner.execute(
        "SELECT DISTINCT grid.id, grid.community_id, ST_AsBinary(grid.geom), grid.version"
        " FROM grid JOIN area ON area.id = %s AND grid.geom && area.geom AND ST_Intersects(grid.geom, area.geom)"
        " WHERE grid.valid_to IS NULL AND scheme_id = (SELECT id FROM scheme WHERE is_primary)",
        [ready.id],
    ).fetchall()
    shapes: dict[int, Any] = {row[0]: shapely.from_wkb(row[2]) for row in rows}
    homes = {row[0]: row[1] for row in rows}
    first, versions = dict(shapes), {row[0]: row[3] for row in rows}
    for grid in [row[0] for row in rows if row[1] == ready.id]:
        fresh = [row[0] for row in owner.execute("SELECT nextval('grid_id_seq') FROM generate_series(1, 2)")]
        west, south, east, north = shapes[grid].bounds
        line = LineString([((west + east) / 2, south - 1e-4), ((west + east) / 2, north + 1e-4)])
        change = split(_ground(shapes, homes), grid, line, fresh)
        shapes = {id: shape for id, shape in (shapes | change.after).items() if id in change.after or id not in change.before}
        homes |= dict.fromkeys(change.after.keys() - homes.keys(), ready.id)
    for id in {*first, *shapes}:
        if id in shapes and id in first and shapely.equals_exact(shapes[id], first[id]):
            continue
        border = _wkb(shapes[id]) if id in shapes else None
        owner.execute(
            "INSERT INTO plan_grid (plan_id, grid_id, base_version, community_id, name, geom, noded_only)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [plan, id, versions.get(id), homes[id], f"网格 {id}", border, homes[id] != ready.id],
        )


def _ground(shapes: dict[int, shapely.Geometry], homes: dict[int, int]) -> Ground:
    ids = list(shapes)
    west, south, east, north = shapely.total_bounds(np.array(list(shapes.values()), dtype=object))
    metres = local_metres((west + east) / 2, (south + north) / 2)
    return Ground(np.array(ids), np.array([shapes[id] for id in ids], dtype=object), np.array([homes[id] for id in ids]), metres)


def _impact(cluster: Cluster, url: str, plan: int) -> float:
    """Milliseconds that the impact of the draft takes as somebody who may see it, through row-level security."""
    database = open_database(cluster.url("app", CLONE), pool_size=1)
    try:
        actor = auth.resolve(database, tokens.bearer_token(url, "planner", None))
        assert actor is not None, "a new token is known"
        with database.unit_of_work(actor.scope) as session:
            # A connection's first use of PROJ is not the plan's.
            impact.of(session, actor, plan)
            began = time.perf_counter()
            impact.of(session, actor, plan)
            return (time.perf_counter() - began) * 1000
    finally:
        database.close()


def _published(url: str, plan: int) -> float:
    work = Work(url)
    try:
        with work.unit() as (session, _):
            session.execute(text("SELECT 1"))
        began = time.perf_counter()
        state = publish.publish(work, plan)
        took = time.perf_counter() - began
    finally:
        work.close()
    with _connection(url) as owner:
        failure = owner.execute("SELECT failure FROM plan WHERE id = %s", [plan]).fetchone()
    assert state == "published", failure
    return took


def _reversal(url: str, plan: int) -> int:
    """The plan that takes a published one back, decided already."""
    work = Work(url)
    try:
        with work.unit() as (session, scope):
            actor = auth.resolve(work.database, scope.token)
            assert actor is not None
            made = reversal.draft_of(session, actor, type("Plan", (), {"id": plan}), None)
            session.execute(
                text(
                    "UPDATE plan SET state = 'publishing', submitted_by = made_by,"
                    " decided_by = (SELECT min(id) FROM person WHERE id <> plan.made_by) WHERE id = :id"
                ),
                {"id": made},
            )
            return made
    finally:
        work.close()


def _wkb(shape: shapely.Geometry) -> bytes:
    whole = shape if isinstance(shape, MultiPolygon) else MultiPolygon([shape])
    return shapely.to_wkb(shapely.set_srid(whole, 4490), include_srid=True)


def _connection(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("+psycopg", ""))


def _owner(url: str, statement: str, *, alone: bool = False) -> None:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=alone) as owner:
        owner.execute(statement)  # type: ignore[arg-type]
