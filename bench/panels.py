"""Panels at full size: key figures, fills and the feed through row-level security against plain SQL over the incidents."""

import statistics as median
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import text

from api import auth, tokens
from api.incidents import service as incidents
from api.period import Choice, Period
from api.server import settle
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
MORNING = (8, 9, 10, 11)
IN_KINDS = "category_id = ANY (:kinds)"
IN_STREET = "community_id IN (SELECT id FROM area WHERE parent_id = (SELECT id FROM area WHERE code = :street AND valid_to IS NULL))"
IN_GRID = "grid_id = :grid"
IN_MORNING = "extract(hour FROM reported_at AT TIME ZONE 'Asia/Shanghai') IN (8, 9, 10, 11)"
PLAIN_FEED = """
    SELECT incident.id, title, category.name, grid.name FROM incident JOIN category ON category.id = category_id
      LEFT JOIN grid ON grid.id = grid_id ORDER BY reported_at DESC LIMIT 30"""


def run(context: BenchContext, report: Report) -> None:
    """Measure on the deployment's incidents or the demo district's, each case interleaved with its plain SQL."""
    settle()
    settled(context)
    plain = open_database(context.schema_url, pool_size=1)
    ours = open_database(context.app_url, pool_size=1)
    try:
        with plain.unit_of_work() as session:
            rows = session.execute(text("SELECT count(*) FROM incident")).scalar_one()
            at = statistics.moment(session)
            street = session.execute(text("SELECT code FROM area WHERE level = 'street' ORDER BY code LIMIT 1")).scalar_one()
            grid = session.execute(text("SELECT id FROM grid WHERE valid_to IS NULL ORDER BY code LIMIT 1")).scalar_one()
            kinds = tuple(session.scalars(text("SELECT category_id FROM incident GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 3")))
        actor = auth.resolve(ours, tokens.bearer_token(context.schema_url, "analyst", None))
        assert actor is not None, "a new token is known"
        cases: list[tuple[str, int, Callable[..., object], tuple[str, ...]]] = []
        for name, days in (("30 days", 30), ("a year", 365)):
            period = Period(at.today - timedelta(days=days - 1), None)
            some = Choice(period, categories=kinds)
            choices = {
                "": (Choice(period), ()),
                " of a street": (Choice(period, area=street), (IN_STREET,)),
                " of three categories": (some, (IN_KINDS,)),
                " of three categories of a street": (replace(some, area=street), (IN_KINDS, IN_STREET)),
                " of a morning": (Choice(period, hours=MORNING), (IN_MORNING,)),
                " of three categories of a morning": (replace(some, hours=MORNING), (IN_KINDS, IN_MORNING)),
                " of three categories of a morning of a street": (
                    replace(some, hours=MORNING, area=street),
                    (IN_KINDS, IN_MORNING, IN_STREET),
                ),
                " of a grid": (Choice(period, grid=grid), (IN_GRID,)),
            }
            for what, (choice, cuts) in choices.items():
                cases += [
                    (f"overview{what}, {name}", days, lambda s, c=choice: service.overview(s, actor, c), _cut(PLAIN_PANELS, cuts)),
                    (f"fill by rate{what}, {name}", days, lambda s, c=choice: fills.fill(s, actor, "rate", c), _cut((PLAIN_GRIDS,), cuts)),
                ]
        cases.append(("feed", 30, lambda s: incidents.feed(s, actor, Choice(Period(None, None)), 30), (PLAIN_FEED,)))
        for name, days, question, statements in cases:
            binds: dict[str, object] = {
                "starts": at.starts(at.today - timedelta(days=days - 1)), "now": at.now, "kinds": list(kinds),
                "street": street, "grid": grid,
            }  # fmt: skip
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


def _cut(statements: tuple[str, ...], cuts: tuple[str, ...]) -> tuple[str, ...]:
    """Plain statements about a part of the incidents."""
    part = f"FROM (SELECT * FROM incident WHERE {' AND '.join(cuts)}) AS incident"
    return tuple(each.replace("FROM incident", part) for each in statements) if cuts else statements
