"""Analyses through the store at full size: time and memory of each method, beside merely reading the rows as rows."""

import json
import subprocess
import sys
import time
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from api.analyses.question import QuestionIn, complete
from api.work import Work
from bench._ground import settled
from bench.harness import BenchContext, Report, interleaved
from data.queries import analysis_rows
from data.statements import statements

BERNOULLI = {"model": "bernoulli"}
FOURTH = "SELECT category_id FROM incident GROUP BY 1 ORDER BY count(*) DESC OFFSET 3 LIMIT 1"
PERMUTATION = {"model": "permutation", "max_radius_m": 1500}
CASES: tuple[tuple[str, dict[str, Any], bool], ...] = (
    ("Gi*, 99,999 draws, with four other cuts", {"method": "gi"}, True),
    ("local Moran, 99,999 draws", {"method": "moran"}, True),
    ("rates", {"method": "rates"}, True),
    ("scan, Poisson, 999 replicas", {"method": "scan"}, True),
    ("scan, Bernoulli, 999 replicas, one category", {"method": "scan", "denominator": "incidents", "parameters": BERNOULLI}, False),
    ("scan, space-time permutation, 90 days, one category", {"method": "scan", "parameters": PERMUTATION, "days": 90}, False),
    ("watch, 90 days, one category", {"method": "watch", "days": 90}, False),
    ("DBSCAN, 20 m", {"method": "dbscan", "parameters": {"reach_m": 20}}, True),
    ("ST-DBSCAN, 50 m and 3 days", {"method": "stdbscan", "parameters": {"reach_m": 50, "reach_days": 3}}, True),
    ("Knox, 999 shuffles, a year, one category", {"method": "knox", "days": 365}, False),
    ("kernel density", {"method": "kde"}, True),
    ("emerging hot spots, months", {"method": "emerging"}, True),
    ("trends, months", {"method": "trend"}, True),
    ("repeat buildings", {"method": "repeats"}, True),
)  # fmt: skip


def run(context: BenchContext, report: Report) -> None:
    """Each case in a process of its own that has done a small one before; CPU seconds of that process."""
    settled(context)
    work = Work(context.schema_url)
    try:
        with work.unit() as (session, _):
            first, last, rows = session.execute(
                text("SELECT min(reported_at)::date, max(reported_at)::date, count(*) FROM incident WHERE reported_at < deployment_now()")
            ).one()
            category = session.execute(
                text("SELECT category_id FROM incident GROUP BY 1 ORDER BY count(*) DESC OFFSET 3 LIMIT 1")
            ).scalar_one()
        read_cpu = _reading(work, report, str(first))
        for name, told, every in CASES:
            question = dict(told)
            days = question.pop("days", None)
            question["from"] = str(first if days is None else last - timedelta(days=days - 1))
            question["category_ids"] = [] if every else [category]
            small = {"method": question["method"], "from": str(last - timedelta(days=60)), "category_ids": [category],
                     "denominator": question.get("denominator"), "parameters": question.get("parameters", {})}  # fmt: skip
            words = [sys.executable, "-m", "bench._analysis", context.schema_url, json.dumps(small), json.dumps(question)]
            found = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
            report.add(f"{name}: {found['incidents'] or 0:,} incidents", ours=found["cpu"], peer=read_cpu, unit="cpu s")
            why = f" ({found['refusal']['message']})" if found["refusal"] else ""
            report.note(f"{name}: {found['state']}{why}, {found['wall']:.1f} s wall, peak {found['peak_mb']:.0f} MB, "
                        f"{found['peak_mb'] - found['before_mb']:.0f} MB above a small one.")  # fmt: skip
        report.note(
            f"{rows:,} incidents stored. The peer only fetches the same columns as rows of objects; the database's time is not counted."
        )
    finally:
        work.close()


def _reading(work: Work, report: Report, first: str) -> float:
    """Our columns against rows of objects of the same statement, in CPU."""
    with work.unit() as (session, scope):
        asked = complete(session, scope, QuestionIn.model_validate({"method": "gi", "from": first})).asked
        known = analysis_rows.sources(session, scope)
    binds = asked.selection.binds() | {"known": known}

    def ours() -> None:
        with work.unit() as (session, scope):
            analysis_rows.incidents(session, scope, asked.selection, known, lambda done, whole: None)

    def peer() -> None:
        with work.unit() as (session, _):
            session.execute(statements("analysis_rows")["incidents"], binds).all()

    began = time.perf_counter()
    timing = interleaved(ours=ours, peer=peer, rounds=3, clock="cpu", warm_up=0)
    report.add("reading the rows into columns v fetching them as rows", ours=timing.ours, peer=timing.peer, unit="cpu s")
    report.note(f"Reading alone: {time.perf_counter() - began:.0f} s for six readings, the database's work included.")
    return timing.peer
