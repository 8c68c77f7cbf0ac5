"""Several planners on one plan at once over HTTP, and the proof that the plan stayed whole and nothing acknowledged was lost."""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection

import numpy as np
import psycopg
import shapely
from shapely import MultiPolygon, Polygon

from bench._draft import Draft, Heard, ask, border_of, edit
from gis.certificate import loose_edges
from gis.lattice import STEP

KINDS = ("split", "merge", "redraw", "move_vertex", "give", "undo", "redo")
FEW, MANY = 8, 40
"""Below so many grids a planner rather splits, above so many rather merges, so that there stays ground to meet on."""
REFUSALS = frozenset({409, 422})
FRESH = 0.1
"""How often a planner looks at the whole plan anew without being told to."""
PROVE_EVERY_S = 0.2
CHAIN = """
    WITH drawn AS (SELECT grid_id, geom FROM plan_grid WHERE plan_id = %(plan)s),
    polygon AS (
        SELECT row_number() OVER () AS ord, sign, geom
          FROM (SELECT 1 AS sign, geom FROM drawn WHERE geom IS NOT NULL
                UNION ALL SELECT -1, grid.geom FROM grid JOIN drawn ON drawn.grid_id = grid.id WHERE grid.valid_to IS NULL) AS signed),
    point AS (
        SELECT ord, sign, (d).path AS path, ST_X((d).geom) AS x, ST_Y((d).geom) AS y
          FROM polygon, LATERAL ST_DumpPoints(ST_ForcePolygonCCW(geom)) AS d),
    edge AS (
        SELECT sign, x, y, lead(x) OVER ring AS next_x, lead(y) OVER ring AS next_y
          FROM point WINDOW ring AS (PARTITION BY ord, path[1], path[2] ORDER BY path[3])),
    directed AS (
        SELECT x, y, next_x, next_y, sign FROM edge WHERE next_x IS NOT NULL AND (x, y) < (next_x, next_y)
        UNION ALL SELECT next_x, next_y, x, y, -sign FROM edge WHERE next_x IS NOT NULL AND (x, y) > (next_x, next_y)),
    uneven AS (
        SELECT ST_SetSRID(ST_MakeLine(ST_MakePoint(x, y), ST_MakePoint(next_x, next_y)), 4490) AS line FROM directed
         GROUP BY x, y, next_x, next_y HAVING sum(sign) <> 0),
    loose AS (
        SELECT FROM uneven WHERE NOT EXISTS (
            SELECT FROM area WHERE level = 'district' AND valid_to IS NULL AND ST_Within(line, ST_Buffer(ST_Boundary(geom), %(near)s))))
    SELECT (SELECT count(*) FROM loose), (SELECT count(*) FROM polygon WHERE NOT ST_IsValid(geom)), revision FROM plan WHERE id = %(plan)s
"""
"""The edges by which a draft's grids and today's under them differ: none, or ground was lost or held twice.

Only at the outer border of all ground, where nobody's ground is beyond, an edge may have become two."""
NEAR = 2 * STEP


@dataclass
class Told:
    """What all planners heard: answers, and how often the database was asked for its proof meanwhile."""

    heard: list[Heard] = field(default_factory=list)
    proofs: int = 0
    broken: list[tuple[int, int, int]] = field(default_factory=list)

    def by_status(self) -> Counter[int]:
        """How many answers of each status there were."""
        return Counter(each.status for each in self.heard)


def crowd(port: int, plan: int, tokens: Sequence[str], *, goes_on: Callable[[int, float], bool], database: str | None = None) -> Told:
    """Let one planner for each token edit a plan until `goes_on` (edits so far, seconds) says no.

    `database`: its URL, where the draft's coverage is proved over and over while they work.
    """
    told, began = Told(), time.monotonic()

    def work(number: int) -> list[Heard]:
        mine: list[Heard] = []
        with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            draft = Draft(connection, {"Authorization": f"Bearer {tokens[number]}"}, plan, random.Random(number))
            draft.open()
            while goes_on(len(mine), time.monotonic() - began):
                heard = edit(draft, _kind(draft))
                if heard is None:
                    continue
                mine.append(heard)
                if heard.status != 200 or draft.chance.random() < FRESH:
                    draft.open()
        return mine

    with ThreadPoolExecutor(len(tokens)) as pool:
        working = [pool.submit(work, number) for number in range(len(tokens))]
        if database is not None:
            with psycopg.connect(database, autocommit=True) as watch:
                while wait(working, timeout=PROVE_EVERY_S).not_done:
                    _prove(watch, plan, told)
        for each in working:
            told.heard += each.result()
    return told


def _kind(draft: Draft) -> str:
    grids = len(draft.shapes)
    if grids < FEW or grids > MANY:
        return "split" if grids < FEW else "merge"
    return draft.chance.choice(KINDS)


def _prove(watch: psycopg.Connection, plan: int, told: Told) -> None:
    row = watch.execute(CHAIN, {"plan": plan, "near": NEAR}).fetchone()
    assert row is not None
    told.proofs += 1
    if row[0] or row[1]:
        told.broken.append(row)


def faults(port: int, plan: int, token: str, told: Told, database: str) -> list[str]:
    """What is wrong with a plan that a crowd has worked on: an empty list, or sentences.

    Broken are: a coverage with a loose edge or a broken polygon, by the database and by our own certificate and shapely;
    an acknowledged operation that the log does not have, or has otherwise than it was answered; a log with holes; a
    draft that is not what its log adds up to; a conflict that does not say what changed; any other refusal.
    """
    found: list[str] = []
    with psycopg.connect(database, autocommit=True) as watch:
        _prove(watch, plan, told)
        found += [f"at revision {row[2]} the database found {row[0]} loose edges, {row[1]} broken polygons" for row in told.broken]
        found += _coverage_faults(watch, plan)
        found += _log_faults(watch, plan, told)
        found += _sum_faults(watch, plan)
    found += [f"a conflict that tells nothing: {each.body[:200]!r}" for each in told.heard if each.status == 409 and not _says_what(each)]
    found += [f"{each.kind} was answered {each.status}: {each.body[:200]!r}" for each in told.heard if each.status not in {200, *REFUSALS}]
    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        draft = Draft(connection, {"Authorization": f"Bearer {token}"}, plan)
        draft.open()
        if loose_edges(list(draft.shapes.values()), shapely.coverage_union_all(list(draft.shapes.values()))):
            found.append("the grids that a page is given do not tile their outline")
    return found


def _says_what(heard: Heard) -> bool:
    """A conflict names what is stale and how it is now, or what stands in the way of going back."""
    problem = heard.told()
    if problem["type"] == "/problems/stale-version":
        return bool(problem["grids"]) and all({"id", "yours", "now"} <= each.keys() for each in problem["grids"])
    return problem.get("reason") in {"nothing_to_undo", "nothing_to_redo", "built_over"}


def _coverage_faults(watch: psycopg.Connection, plan: int) -> list[str]:
    """The draft over today's ground, by our certificate, by shapely, and by its area."""
    rows = watch.execute(
        "SELECT coalesce(ST_AsBinary(drawn.geom), CASE WHEN drawn.plan_id IS NULL THEN ST_AsBinary(grid.geom) END), ST_AsBinary(grid.geom)"
        "  FROM (SELECT * FROM plan_grid WHERE plan_id = %(plan)s) AS drawn"
        "  FULL JOIN (SELECT * FROM grid WHERE valid_to IS NULL AND scheme_id = (SELECT scheme_id FROM plan WHERE id = %(plan)s)) AS grid"
        "    ON grid.id = drawn.grid_id",
        {"plan": plan},
    ).fetchall()
    now = np.array([shapely.from_wkb(row[0]) for row in rows if row[0] is not None], dtype=object)
    was = np.array([shapely.from_wkb(row[1]) for row in rows if row[1] is not None], dtype=object)
    border = shapely.boundary(shapely.coverage_union_all(was))
    loose = [each for each in loose_edges(list(now), list(was)) if not shapely.within(each, shapely.buffer(border, NEAR))]
    found = [f"{len(loose)} edges differ from today's"] if loose else []
    if not shapely.coverage_is_valid(now):
        found.append("shapely finds the coverage broken")
    if abs(shapely.area(now).sum() - shapely.area(was).sum()) > shapely.length(border) * STEP:
        found.append("the area is another than before")
    return found


def _log_faults(watch: psycopg.Connection, plan: int, told: Told) -> list[str]:
    """Every acknowledged operation is a row of the log, under the number and with the borders that its planner was told."""
    log = {str(row[0]): row for row in watch.execute("SELECT client_id, seq, kind FROM plan_op WHERE plan_id = %s", [plan]).fetchall()}
    found = []
    if sorted(row[1] for row in log.values()) != list(range(1, len(log) + 1)):
        found.append("the log has holes")
    acknowledged = {each.client_id: each for each in told.heard if each.status == 200}
    found += [f"{len(log.keys() - acknowledged.keys())} rows of the log were never acknowledged"] * bool(log.keys() - acknowledged.keys())
    for id, heard in acknowledged.items():
        answer = heard.told()
        if id not in log or log[id][1:] != (answer["seq"], heard.kind):
            found.append(f"{heard.kind} {id} was acknowledged as {answer['seq']}; the log has {log.get(id)}")
            continue
        rows = watch.execute(
            "SELECT grid_id, ST_AsBinary(after_geom) FROM plan_op_grid WHERE plan_id = %s AND seq = %s AND after_geom IS NOT NULL",
            [plan, answer["seq"]],
        ).fetchall()
        logged = {row[0]: shapely.normalize(shapely.from_wkb(row[1])) for row in rows}
        said = {each["id"]: border_of(each["polygons"], answer["origin"]) for each in answer["changed"]}
        wrong = [id for id, border in said.items() if id in logged and not _alike(border, logged[id])]
        found += [f"operation {answer['seq']} was told otherwise than logged for grids {wrong}"] * bool(wrong)
    return found


def _alike(border: Polygon | MultiPolygon, logged: shapely.Geometry) -> bool:
    whole = border if border.geom_type == "MultiPolygon" else shapely.multipolygons([border])
    return bool(shapely.equals_exact(shapely.normalize(whole), logged))


def _sum_faults(watch: psycopg.Connection, plan: int) -> list[str]:
    """Each row of the log begins where the one before ended, and the draft is where the last one ended."""
    torn = watch.execute(
        "SELECT count(*) FROM (SELECT before, before_geom, lag(after) OVER of_grid AS ended, lag(after_geom) OVER of_grid AS ended_geom,"
        "                             row_number() OVER of_grid AS turn FROM plan_op_grid WHERE plan_id = %s"
        "                      WINDOW of_grid AS (PARTITION BY grid_id ORDER BY seq)) AS step"
        # Without a row of its own before, a grid begins with today's border, wherever the step before left it.
        " WHERE turn > 1 AND (before IS DISTINCT FROM ended"
        "                     OR (before IS NOT NULL AND before_geom::bytea IS DISTINCT FROM ended_geom::bytea))",
        [plan],
    ).fetchone()
    other = watch.execute(
        "SELECT count(*) FROM (SELECT DISTINCT ON (grid_id) grid_id, after, after_geom FROM plan_op_grid WHERE plan_id = %(plan)s"
        "                       ORDER BY grid_id, seq DESC) AS last"
        "  FULL JOIN (SELECT * FROM plan_grid WHERE plan_id = %(plan)s) AS now USING (grid_id)"
        " WHERE (last.after IS NULL) <> (now.grid_id IS NULL) OR last.after_geom::bytea IS DISTINCT FROM now.geom::bytea",
        {"plan": plan},
    ).fetchone()
    assert torn is not None
    assert other is not None
    found = [f"{torn[0]} steps of the log do not begin where the step before ended"] * bool(torn[0])
    return found + [f"{other[0]} grids of the draft are not what the log adds up to"] * bool(other[0])


def made_plan(port: int, token: str, area: str) -> int:
    """A new draft over an area; its number."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        status, body = ask(connection, "POST", "/api/v1/plans", {"name": "crowd", "area": area}, {"Authorization": f"Bearer {token}"})
    assert status == 201, body[:300]
    return int(Heard("", "", status, 0.0, body).told()["id"])
