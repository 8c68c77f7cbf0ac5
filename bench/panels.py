"""Panels at full size: key figures, fills and the feed through row-level security against plain SQL over the incidents."""

import statistics as median
import time
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import text

from api import auth, tokens
from api.incidents import service as incidents
from api.period import Choice, Period
from api.statistics import fills, service
from bench._ground import settled
from bench.harness import BenchContext, Report, interleaved
from data.database import Database, open_database
from data.queries import statistics

ROUNDS = 40
BAR_MS = 50.0
# What a page would ask without rollups: the same figures counted from the incidents, as the owner, without any scope.
PLAIN_OVERVIEW = """
    SELECT count(*) FILTER (WHERE reported_at >= :starts), count(*) FILTER (WHERE is_open),
           count(*) FILTER (WHERE is_open AND due_at < :now),
           count(*) FILTER (WHERE due_at >= :starts AND due_at < :now), count(*) FILTER (WHERE closed_at >= :starts),
           avg(closed_at - reported_at) FILTER (WHERE closed_at >= :starts)
      FROM incident"""
PLAIN_SERIES = """
    SELECT (reported_at AT TIME ZONE 'Asia/Shanghai')::date, category_id, count(*)
      FROM incident WHERE reported_at >= :starts GROUP BY 1, 2"""
PLAIN_RANKING = "SELECT community_id, count(*), count(*) FILTER (WHERE is_open) FROM incident WHERE reported_at >= :starts GROUP BY 1"
PLAIN_GRIDS = "SELECT grid_id, count(*) FROM incident WHERE reported_at >= :starts GROUP BY 1"
PLAIN_PANELS = (PLAIN_OVERVIEW, PLAIN_SERIES, PLAIN_RANKING)
PLAIN_FEED = """
    SELECT incident.id, title, category.name, grid.name FROM incident JOIN category ON category.id = category_id
      LEFT JOIN grid ON grid.id = grid_id ORDER BY reported_at DESC LIMIT 30"""


def run(context: BenchContext, report: Report) -> None:
    """Measure on the deployment's incidents or the demo district's, each case interleaved with its plain SQL."""
    settled(context)
    plain = open_database(context.schema_url, pool_size=1)
    ours = open_database(context.app_url, pool_size=1)
    try:
        with plain.unit_of_work() as session:
            rows = session.execute(text("SELECT count(*) FROM incident")).scalar_one()
            at = statistics.moment(session)
        actor = auth.resolve(ours, tokens.bearer_token(context.schema_url, "analyst", None))
        assert actor is not None, "a new token is known"
        cases: list[tuple[str, int, Callable[..., object], tuple[str, ...]]] = []
        for name, days in (("30 days", 30), ("a year", 365)):
            period = Period(at.today - timedelta(days=days - 1), None)
            cases += [
                (f"overview, {name}", days, lambda s, p=period: service.overview(s, actor, Choice(p)), PLAIN_PANELS),
                (f"fill by rate, {name}", days, lambda s, p=period: fills.fill(s, actor, "rate", Choice(p)), (PLAIN_GRIDS,)),
            ]
        cases.append(("feed", 30, lambda s: incidents.feed(s, actor, Choice(Period(None, None)), 30), (PLAIN_FEED,)))
        for name, days, question, statements in cases:
            binds: dict[str, object] = {"starts": at.starts(at.today - timedelta(days=days - 1)), "now": at.now}
            found: list[float] = []

            def asked(question: Callable[..., object] = question, found: list[float] = found) -> None:
                began = time.perf_counter()
                with ours.unit_of_work(actor.scope) as session:
                    question(session)
                found.append((time.perf_counter() - began) * 1000)

            def counted(statements: tuple[str, ...] = statements, binds: dict[str, object] = binds, plain: Database = plain) -> None:
                with plain.unit_of_work() as session:
                    for statement in statements:
                        told = {each: value for each, value in binds.items() if f":{each}" in statement}
                        session.execute(text(statement), told).all()

            timing = interleaved(ours=asked, peer=counted, rounds=ROUNDS)
            report.add(name, ours=timing.ours * 1000, peer=timing.peer * 1000, unit="ms")
            p95 = median.quantiles(found[1:], n=20)[-1]
            report.note(f"{name}: p95 {p95:.1f} ms, {'within' if p95 <= BAR_MS else 'over'} the bar of {BAR_MS:.0f} ms.")
        report.note(f"{rows:,} incidents; ours through row-level security as the application, the peer plain SQL as the owner.")
    finally:
        plain.close()
        ours.close()
