"""Panels, feed and lists over ten times the incidents of the same ground; 10 minutes and 8 GB of disk, so only when asked by name."""

import statistics as median
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

from api import auth, tokens
from api.actor import Actor
from api.incidents import service as incidents
from api.incidents.service import Listing
from api.period import Choice, Period
from api.server import settle
from api.statistics import fills, service
from bench._denser import multiply
from bench._ground import settled
from bench.harness import BenchContext, Report
from data.database import open_database
from data.queries import search

TIMES = 10
ROUNDS = 30
BAR_MS = 50.0
MORNING = (8, 9, 10, 11)
FILLS = ("rate", "open", "overdue_share", "households", "officer_load", "assignment", "service")
Question = Callable[[Session, Actor], object]


class Ground:
    """One database as an analyst asks it, on a connection of its own; CPU is this process's and its server process's."""

    def __init__(self, databases: BenchContext, database: str) -> None:
        self.schema_url = databases.databases.url("schema", database)
        self._database = open_database(databases.databases.url("app", database), pool_size=1)
        actor = auth.resolve(self._database, tokens.bearer_token(self.schema_url, "analyst", None))
        assert actor is not None, "a new token is known"
        self._actor = actor
        with self._database.unit_of_work(actor.scope) as session:
            self._server = Path(f"/proc/{session.execute(text('SELECT pg_backend_pid()')).scalar_one()}/schedstat")
        self.cpu: list[float] = []
        self.wall: list[float] = []

    def ask(self, question: Question) -> None:
        """Ask once, and note the milliseconds it took."""
        cpu, wall = self._spent_ms(), time.perf_counter()
        with self._database.unit_of_work(self._actor.scope) as session:
            question(session, self._actor)
        self.wall.append((time.perf_counter() - wall) * 1000)
        self.cpu.append(self._spent_ms() - cpu)

    def begin(self) -> None:
        """Forget what was noted, and fold as the worker does each twenty seconds."""
        with psycopg.connect(self.schema_url.replace("+psycopg", "")) as owner:
            owner.execute("SELECT statistics_fold(), waiting_fold()")
        self.cpu, self.wall = [], []

    def p95(self) -> float:
        """The 95th percentile of the time on the wall, ms."""
        return median.quantiles(self.wall, n=20)[-1]

    def close(self) -> None:
        """Give the connection back."""
        self._database.close()

    def _spent_ms(self) -> float:
        return time.process_time() * 1000 + int(self._server.read_text().split()[0]) / 1e6


def run(context: BenchContext, report: Report) -> None:
    """Ours is ten times the incidents, the peer the ground as it is: a ratio of 1 says that density costs nothing."""
    settle()
    settled(context)
    dense = "bench_tenfold"
    context.databases.drop_database(dense)
    context.databases.create_database(dense, template=context.database)
    try:
        multiply(context.databases.url("schema", dense), TIMES)
        with psycopg.connect(context.schema_url.replace("+psycopg", ""), autocommit=True) as owner:
            owner.execute("VACUUM (ANALYZE)")
            rows, incident = _one(owner, "SELECT count(*), min(id) FROM incident")
            (street,) = _one(owner, "SELECT code FROM area WHERE level = 'street' ORDER BY code LIMIT 1")
            (today,) = _one(owner, "SELECT (max(reported_at) AT TIME ZONE deployment_time_zone())::date FROM incident")
            grid, code = _one(owner, "SELECT id, code FROM grid WHERE valid_to IS NULL ORDER BY code LIMIT 1")
            categories = owner.execute("SELECT category_id FROM incident GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 3").fetchall()
        month, year = (Period(today - timedelta(days=days - 1), None) for days in (30, 365))
        cases = _cases(month, year, street, tuple(sorted(each for (each,) in categories)), grid, (str(incident), code))
        with ExitStack() as opened:
            ours, peer = (Ground(context, each) for each in (dense, context.database))
            opened.callback(ours.close)
            opened.callback(peer.close)
            for name, question in cases.items():
                _measure(report, name, question, ours, peer)
        report.note(f"{rows:,} incidents and {TIMES} times as many on the same ground; CPU of server and database, ms.")
    finally:
        context.databases.drop_database(dense)


def _measure(report: Report, name: str, question: Question, ours: Ground, peer: Ground) -> None:
    for ground in (ours, peer):
        ground.ask(question)
        ground.begin()
    for number in range(ROUNDS):
        for ground in (ours, peer) if number % 2 else (peer, ours):
            ground.ask(question)
    report.add(name, ours=median.median(ours.cpu), peer=median.median(peer.cpu), unit="ms CPU")
    bar = "within" if ours.p95() <= BAR_MS else "over"
    report.note(f"{name}: p95 {ours.p95():.1f} ms, {bar} the bar of {BAR_MS:.0f} ms; with a tenth of the incidents {peer.p95():.1f} ms.")


def _one(owner: psycopg.Connection, question: LiteralString) -> tuple[Any, ...]:
    row = owner.execute(question).fetchone()
    assert row is not None, "settled ground has incidents and streets"
    return row


def _cases(month: Period, year: Period, street: str, some: tuple[int, ...], grid: int, found: tuple[str, str]) -> dict[str, Question]:
    anytime = Choice(Period(None, None))
    choices = {
        "30 days": Choice(month), "a year": Choice(year), "three categories, 30 days": Choice(month, categories=some),
        "a street, 30 days": Choice(month, area=street), "a street, a year": Choice(year, area=street),
        "a morning, 30 days": Choice(month, hours=MORNING), "a morning, a year": Choice(year, hours=MORNING),
        "a morning of a street, 30 days": Choice(month, area=street, hours=MORNING),
        "a morning of a street, a year": Choice(year, area=street, hours=MORNING),
        "three categories of a street, 30 days": Choice(month, area=street, categories=some),
        "three categories of a street, a year": Choice(year, area=street, categories=some),
        "three categories, a year": Choice(year, categories=some),
        "three categories of a morning, 30 days": Choice(month, hours=MORNING, categories=some),
        "three categories of a morning, a year": Choice(year, hours=MORNING, categories=some),
        "three categories of a morning of a street, 30 days": Choice(month, area=street, hours=MORNING, categories=some),
        "three categories of a morning of a street, a year": Choice(year, area=street, hours=MORNING, categories=some),
        "a grid, 30 days": Choice(month, grid=grid), "a grid, a year": Choice(year, grid=grid),
        "three categories of a grid, 30 days": Choice(month, grid=grid, categories=some),
        "three categories of a grid, a year": Choice(year, grid=grid, categories=some),
        "a morning of a grid, 30 days": Choice(month, grid=grid, hours=MORNING),
        "a morning of a grid, a year": Choice(year, grid=grid, hours=MORNING),
        "three categories of a morning of a grid, 30 days": Choice(month, grid=grid, hours=MORNING, categories=some),
        "three categories of a morning of a grid, a year": Choice(year, grid=grid, hours=MORNING, categories=some),
    }  # fmt: skip
    listings = {
        "open by deadline": Listing(anytime, is_open=True, order="due"), "open, newest": Listing(anytime, is_open=True),
        "suspended": Listing(anytime, states=("suspended",)), "closed in 30 days": Listing(Choice(month), by="closed"),
    }  # fmt: skip
    kinds = frozenset({"officers", "facilities", "incidents"})
    return {
        **{f"overview, {name}": lambda s, a, c=choice: service.overview(s, a, c) for name, choice in choices.items()},
        **{f"fill {metric}": lambda s, a, m=metric: fills.fill(s, a, m, choices["30 days"]) for metric in FILLS},
        **{f"fill rate, {name}": lambda s, a, c=choices[name]: fills.fill(s, a, "rate", c) for name in choices if name != "30 days"},
        "ranked grids": lambda s, a: service.ranked_grids(s, a, choices["30 days"], "rate_per_1000", 20),
        "fill open, three categories": lambda s, a: fills.fill(s, a, "open", choices["three categories, 30 days"]),
        "fill open, a morning": lambda s, a: fills.fill(s, a, "open", choices["a morning, 30 days"]),
        "ranked grids, some": lambda s, a: service.ranked_grids(s, a, choices["three categories, 30 days"], "rate_per_1000", 20),
        "ranked grids, a morning": lambda s, a: service.ranked_grids(s, a, choices["a morning, 30 days"], "rate_per_1000", 20),
        "indicators": lambda s, a: service.indicators(s, a, choices["30 days"]),
        "feed": lambda s, a: incidents.feed(s, a, anytime, 30),
        "feed of three categories": lambda s, a: incidents.feed(s, a, Choice(Period(None, None), categories=some), 30),
        **{f"list, {name}": lambda s, a, asked=listing: incidents.listed(s, a, asked, 50, None) for name, listing in listings.items()},
        **{
            f"search by {what}": lambda s, a, w=words: search.everything(s, a.scope, w, kinds=kinds, each=5, most=20)
            for what, words in zip(("number", "grid"), found, strict=True)
        },
    }
