"""Use case of a map's fill: one number for each grid, and the class breaks that stay put for a day."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass

import orjson
from sqlalchemy.orm import Session

from api.actor import Actor
from api.period import Choice
from api.statistics.service import Answer, asked, rate_per_1000, told
from data.queries import statistics
from data.queries.statistics import Asked, Moment
from gis.class_breaks import class_breaks
from gis.errors import BadValue
from gis.hotspots.rates import LEAST_HOUSEHOLDS

SMALL_NUMBER = 5
"""A rate or a share of fewer incidents than this is marked as one of small numbers."""
SMALL_CELL = 5
"""Of fewer households in care than this nothing is told: they could be known."""


@dataclass
class Filled:
    """Values by grid; `n` is what they rest on, `small` the grids that rest on little."""

    unit: str
    values: dict[int, float | int | None]
    n: int
    small: list[int]
    officers: dict[int, str] | None = None


def fill(session: Session, actor: Actor, metric: str, choice: Choice) -> Answer:
    """The fill of every current grid in reach by one metric; BadValue for an unknown metric."""
    if metric not in METRICS:
        raise BadValue("There is no such fill.", metric=metric, metrics=sorted(METRICS))
    permission, fill_in = METRICS[metric]
    actor.must(permission)
    wanted, at = asked(session, actor, choice)
    filled = fill_in(session, actor, wanted, at)
    breaks = [] if metric == "assignment" else _breaks(session, actor, metric, wanted, at, filled)
    answer: Answer = {
        "metric": metric,
        "unit": filled.unit,
        "period": told(wanted),
        "breaks": breaks,
        "n": filled.n,
        "values": {str(grid): value for grid, value in filled.values.items()},
        "small": filled.small,
    }
    return answer if filled.officers is None else answer | {"officers": {str(each): name for each, name in filled.officers.items()}}


def _rate(session: Session, actor: Actor, wanted: Asked, at: Moment) -> Filled:
    counts = statistics.by_grid(session, actor.scope, wanted, at)
    homes = statistics.homes(session, actor.scope, wanted, at)
    values = {grid: rate_per_1000(counts.get(grid, 0), households) for grid, households in homes.items()}
    small = [grid for grid, value in values.items() if value is not None and counts.get(grid, 0) < SMALL_NUMBER]
    return Filled("per_1000_households", dict(values), sum(counts.get(grid, 0) for grid in homes), small)


def _open(session: Session, actor: Actor, wanted: Asked, at: Moment) -> Filled:
    waiting = statistics.waiting_by_grid(session, actor.scope, wanted, at)
    values: dict[int, float | int | None] = {
        grid: waiting.get(grid, (0, 0))[0] for grid in statistics.homes(session, actor.scope, wanted, at)
    }
    return Filled("count", values, sum(waiting.get(grid, (0, 0))[0] for grid in values), [])


def _overdue_share(session: Session, actor: Actor, wanted: Asked, at: Moment) -> Filled:
    waiting = statistics.waiting_by_grid(session, actor.scope, wanted, at)
    values: dict[int, float | int | None] = {}
    for grid in statistics.homes(session, actor.scope, wanted, at):
        still_open, overdue = waiting.get(grid, (0, 0))
        values[grid] = round(overdue / still_open, 4) if still_open else None
    small = [grid for grid in values if 0 < waiting.get(grid, (0, 0))[0] < SMALL_NUMBER]
    return Filled("ratio", values, sum(waiting.get(grid, (0, 0))[0] for grid in values), small)


def _households(session: Session, actor: Actor, wanted: Asked, at: Moment) -> Filled:
    homes = statistics.homes(session, actor.scope, wanted, at)
    return Filled("households", dict(homes), sum(homes.values()), [])


def _officer_load(session: Session, actor: Actor, wanted: Asked, at: Moment) -> Filled:
    """Households of all grids that the grid's officer answers for."""
    answering = {row.grid_id: int(row.households) for row in statistics.answering(session, actor.scope, wanted, at)}
    homes = statistics.homes(session, actor.scope, wanted, at)
    return Filled("households_per_officer", {grid: answering.get(grid) for grid in homes}, len(answering), [])


def _assignment(session: Session, actor: Actor, wanted: Asked, at: Moment) -> Filled:
    rows = statistics.answering(session, actor.scope, wanted, at)
    officer = {row.grid_id: row.id for row in rows}
    homes = statistics.homes(session, actor.scope, wanted, at)
    return Filled("officer", {grid: officer.get(grid) for grid in homes}, len(rows), [], {row.id: row.name for row in rows})


def _care(session: Session, actor: Actor, wanted: Asked, at: Moment) -> Filled:
    """The share of a grid's households in which somebody needs care; of fewer than SMALL_CELL nothing is told."""
    caring = statistics.caring(session, actor.scope, wanted, at)
    values: dict[int, float | int | None] = {}
    for grid, households in statistics.homes(session, actor.scope, wanted, at).items():
        homes = caring.get(grid, 0)
        told = households >= LEAST_HOUSEHOLDS and not 0 < homes < SMALL_CELL
        values[grid] = round(min(homes / households, 1), 4) if told else None
    return Filled("ratio", values, sum(caring.values()), [])


def _service(session: Session, actor: Actor, wanted: Asked, at: Moment) -> Filled:
    """The share of a grid's households within a ten minutes' walk of a service point that works."""
    reached = statistics.served(session, actor.scope, wanted, at)
    values: dict[int, float | int | None] = {}
    for grid in statistics.homes(session, actor.scope, wanted, at):
        near, homes = reached.get(grid, (0, 0))
        values[grid] = round(near / homes, 4) if homes else None
    return Filled("ratio", values, sum(near for near, _ in reached.values()), [])


METRICS: dict[str, tuple[str, Callable[[Session, Actor, Asked, Moment], Filled]]] = {
    "rate": ("statistics", _rate),
    "open": ("statistics", _open),
    "overdue_share": ("statistics", _overdue_share),
    "households": ("map", _households),
    "officer_load": ("officers", _officer_load),
    "assignment": ("officers", _assignment),
    "care": ("care", _care),
    "service": ("facilities", _service),
}


def _breaks(session: Session, actor: Actor, metric: str, wanted: Asked, at: Moment, filled: Filled) -> list[float]:
    question = orjson.dumps(
        [metric, wanted.reach.communities, str(wanted.first), str(wanted.after), wanted.categories, len(wanted.hours), wanted.grid]
    )
    digest = hashlib.blake2b(question, digest_size=16).digest()
    kept = statistics.kept_breaks(session, actor.scope, at.today, digest)
    if kept is not None:
        return kept
    known = {grid: value for grid, value in filled.values.items() if value is not None and math.isfinite(value)}
    sound = [known[grid] for grid in known.keys() - set(filled.small)]
    # Where nearly all rest on small numbers, the few that do not are the high ones: breaks of these would tell nothing apart.
    if len(sound) < len(known) / 2:
        sound = list(known.values())
    return statistics.keep_breaks(session, actor.scope, at.today, digest, class_breaks(sound))
