"""Analyses of the hand-made district: a map of all of it, and for each community a question, a watch, an alert and a schedule."""

import hashlib
import json

import psycopg

from tests.factories import AREAS, SCHEME, District, Ids


def make(connection: psycopg.Connection, district: District) -> None:
    """Write all of them; the caller commits."""
    _make_map(connection, district)
    for ids in district.communities.values():
        _make_analyses(connection, ids)


def _make_map(connection: psycopg.Connection, district: District) -> None:
    """A plain map of hot spots of the whole ground, with one cluster that reaches over both communities of street a."""
    question = _question("gi", None) | {"parameters": {"permutations": 999}}
    _keep_analysis(connection, district.own.map, "{(,)}", question, state="done", is_map=True)
    _keep_piece(connection, district.own.map, "head", 0, "{}", {"contract": 1, "method": {"name": "gi"}, "caveats": ["maup"]})
    whole = {"summary": {"incidents": 8, "areas": 8}, "areas": {"communities": []}, "series": None, "table": None, "raster": None, "doubts": [],
             "alternate": None, "caveats": [{"code": "maup", "facts": {}}]}  # fmt: skip
    _keep_piece(connection, district.own.map, "whole", 0, "{(,)}", whole)
    for ids in district.communities.values():
        for serial, grid in enumerate(ids.grids):
            unit = {"grid_id": grid, "community_id": ids.area, "code": f"{AREAS[ids.community].code}{serial + 1:03d}", "version": 1, "observed": 1,
                    "population": 1.0, "class": 0, "z": 0.5, "p": 0.4, "q": 0.6, "rate": 1.0, "rate_smoothed": 1.0, "flag": "", "hot": False}  # fmt: skip
            _keep_piece(connection, district.own.map, "unit", grid, _ground(ids.area), unit)
    pair = [district.communities["a1"], district.communities["a2"]]
    members = [grid for each in pair for grid in each.grids]
    cluster = {"rank": 1, "kind": "hot", "partial": False, "members": members, "community_ids": [each.area for each in pair], "observed": 4, "p": 0.01,
               "recurrence_days": None}  # fmt: skip
    _keep_piece(connection, district.own.map, "cluster", 1, _ground(*(each.area for each in pair)), cluster)
    for each in pair:
        share = cluster | {"partial": True, "members": list(each.grids), "community_ids": [each.area], "observed": None}
        _keep_piece(connection, district.own.map, "share", 1, _ground(each.area), share, each.area)


def _make_analyses(connection: psycopg.Connection, ids: Ids) -> None:
    """A question that waits, a watch that saw something, its alert, a schedule and what it wrote."""
    code, ground = AREAS[ids.community].code, _ground(ids.area)
    _keep_analysis(connection, ids.analyses[0], ground, _question("scan", code), state="asked")
    _keep_analysis(connection, ids.analyses[1], ground, _question("watch", code), state="done")
    _keep_piece(connection, ids.analyses[1], "head", 0, "{}", {"contract": 1, "method": {"name": "watch"}, "caveats": []})
    cluster = {"rank": 1, "kind": "cylinder", "partial": False, "members": [ids.grids[0]], "community_ids": [ids.area], "observed": 6,
               "recurrence_days": 1000.0, "period": {"from": "2026-01-01", "to": "2026-01-02", "days": 2}}  # fmt: skip
    _keep_piece(connection, ids.analyses[1], "cluster", 1, ground, cluster)
    connection.execute(
        "INSERT INTO alert (id, category_id, analysis_id, first_analysis_id, rank, communities, raised_for, begins, last_seen_for, recurrence_days, looks)"
        " VALUES (%s, 410, %s, %s, 1, %s, '2026-01-02', '2026-01-01', '2026-01-02', 1000, 2)",
        (ids.alerts[0], ids.analyses[1], ids.analyses[1], ground),
    )
    connection.execute(
        "INSERT INTO alert_grid (alert_id, grid_id, community_id, first) VALUES (%s, %s, %s, true)", (ids.alerts[0], ids.grids[0], ids.area)
    )
    connection.execute(
        "INSERT INTO schedule (id, name, question, communities, every, languages, next_at) VALUES (%s, %s, %s, %s, 'week', '{zh}', '2030-01-07')",
        (ids.schedules[0], f"{AREAS[ids.community].name}周报", json.dumps(_question("gi", code)), ground),
    )
    connection.execute(
        "INSERT INTO schedule_run (id, schedule_id, analysis_id, communities, first, last) VALUES (%s, %s, %s, %s, '2026-01-05', '2026-01-11')",
        (ids.runs[0], ids.schedules[0], ids.analyses[1], ground),
    )


def _question(method: str, area: str | None) -> dict[str, object]:
    return {"method": method, "area": area, "scheme": "governance", "unit": "grid", "from": "2026-01-01", "to": "2026-01-31", "category_ids": [],
            "sources": [], "denominator": "households", "doubts": {}, "small_cell": 5, "seed": 20261, "parameters": {}}  # fmt: skip


def _ground(*communities: int) -> str:
    return "{" + ",".join(f"[{each},{each + 1})" for each in sorted(communities)) + "}"


def _keep_analysis(
    connection: psycopg.Connection, id: int, ground: str, question: dict[str, object], *, state: str, is_map: bool = False
) -> None:
    told = json.dumps(question, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = hashlib.sha256(told.encode()).digest()
    connection.execute(
        "INSERT INTO analysis (id, origin, scheme_id, communities, method, period_from, period_to, is_map, question, question_hash, code_version, state,"
        " data_version, result_hash, done_at, incidents) VALUES (%s, 'person', %s, %s, %s, now() - interval '30 days', now(), %s, %s, %s, 'test', %s,"
        " %s, %s, CASE WHEN %s THEN now() END, 8)",
        (id, SCHEME, ground, question["method"], is_map, told, digest, state, digest if state == "done" else None,
         digest if state == "done" else None, state == "done"),
    )  # fmt: skip


def _keep_piece(connection: psycopg.Connection, id: int, kind: str, key: int, ground: str, body: dict[str, object], part: int = 0) -> None:
    connection.execute(
        "INSERT INTO analysis_piece (analysis_id, kind, key, part, communities, body) VALUES (%s, %s, %s, %s, %s, %s)",
        (id, kind, key, part, ground, json.dumps(body, sort_keys=True, ensure_ascii=False)),
    )
