"""Eight planners at once on one community for two minutes: what they applied, what conflicted, and whether anything was lost."""

import statistics

import psycopg

from api import tokens
from bench._crowd import crowd, faults, made_plan
from bench._ground import settled
from bench.harness import BenchContext, Report
from bench.tiles import serving_ours

PLANNERS = 8
SECONDS = 120.0
BAR_MS = 50.0
COMMUNITY = """
    SELECT area.code FROM area JOIN grid ON grid.community_id = area.id AND grid.valid_to IS NULL
     WHERE area.valid_to IS NULL GROUP BY area.id HAVING count(*) BETWEEN 10 AND 14 ORDER BY area.code LIMIT 1"""


def run(context: BenchContext, report: Report) -> None:
    """Each planner works over a connection of their own, as themselves; the database proves the coverage all the while."""
    settled(context)
    database = context.schema_url.replace("+psycopg", "")
    with psycopg.connect(database) as owner:
        row = owner.execute(COMMUNITY).fetchone()
        assert row is not None
        code = str(row[0])
    # A person for each of them: undo is everybody's own.
    holders = [tokens.bearer_token(context.schema_url, "planner", code[:length]) for length in (6, 9, 12)]
    holders += [tokens.bearer_token(context.schema_url, "planner", None)]
    with serving_ours(context, cache_bytes=0) as server:
        port = server.connection.port
        assert port is not None
        plan = made_plan(port, holders[0], code)
        everybody = [holders[number % len(holders)] for number in range(PLANNERS)]
        alone = crowd(port, plan, everybody[:1], goes_on=lambda edits, _: edits < 40)
        told = crowd(port, plan, everybody, goes_on=lambda _, seconds: seconds < SECONDS, database=database)
        told.heard += alone.heard
        found = faults(port, plan, holders[0], told, database)
    applied = [each.ms for each in told.heard if each.status == 200]
    single = [each.ms for each in alone.heard if each.status == 200]
    report.add(f"an operation, {PLANNERS} at once v alone", ours=statistics.median(applied), peer=statistics.median(single), unit="ms")
    p95, p95_alone = statistics.quantiles(applied, n=20)[-1], statistics.quantiles(single, n=20)[-1]
    report.note(f"p95 {p95:.0f} ms with {PLANNERS} at once, {p95_alone:.0f} ms alone (bar {BAR_MS:.0f} for one).")
    by = told.by_status()
    report.note(
        f"{sum(by.values())} operations in {SECONDS:.0f} s: {by[200]} applied, {by[409]} conflicts told, {by[422]} refused by the ground."
    )
    report.note(f"The database proved the draft {told.proofs} times while they worked: {'broken!' if told.broken else 'whole each time'}.")
    report.note(f"Faults: {'; '.join(found[:10]) or 'none'}.")
