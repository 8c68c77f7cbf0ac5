"""Incidents: pages of them, one with its history, intake by number of a source, and changes under a lock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal, NamedTuple

import orjson
from sqlalchemy import Row, TextClause, text, update
from sqlalchemy.orm import Session

from data.scope import Scope
from data.statements import statements
from data.tables.incidents import Incident
from gis.errors import NotFound
from gis.lifecycle import OPEN_STATES

IDS = text("SELECT nextval('incident_id_seq') FROM generate_series(1, :count)")
SHORTLY = timedelta(days=60)
"""What ends or falls due was mostly reported within this time before."""
FEW_DAYS = timedelta(days=2)
"""The newest of some hours of the day are mostly among those of so many days."""
Facts = Mapping[str, Any]
Timed = Literal["reported", "closed", "due"]
"""Which of an incident's times a period is about."""
Order = Literal["newest", "due"]
"""The newest report first, or what has been due for the longest first; what has no deadline is not in the latter."""
One = Row[Any]
"""One row of an answer, its columns as attributes."""


class Cursor(NamedTuple):
    """Where a page ended: everything after it is older, or as old with a lower id; by deadline it is later, or as late with a higher id."""

    at: datetime
    id: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which incidents a page holds; None means any."""

    communities: tuple[int, ...]
    limit: int
    grid_id: int | None = None
    states: tuple[str, ...] | None = None
    open: bool | None = None
    overdue: bool | None = None
    categories: tuple[int, ...] = ()
    starts: datetime | None = None
    ends: datetime | None = None
    before: Cursor | None = None
    hours: tuple[int, ...] = ()
    by: Timed = "reported"
    order: Order = "newest"


def page(session: Session, scope: Scope, wanted: Wanted, now: datetime) -> Sequence[Row[Any]]:
    """Incidents that match, in their order, at most `limit`; `communities` are already within scope."""
    # The planner takes what is in scope for a thousandth of all and would gather and sort that, rather than read an index in its order.
    session.execute(text("SET LOCAL enable_bitmapscan = off"))
    # Where what was reported lately fills the page, older years need not be read.
    for since in _lately(wanted, now):
        rows = _page_of(session, wanted, now, since)
        if len(rows) == wanted.limit:
            return rows
    return _page_of(session, wanted, now, None)


def _lately(wanted: Wanted, now: datetime) -> tuple[datetime, ...]:
    """From when on the newest that are wanted were probably reported, where no index gives them in their order."""
    if wanted.order != "newest":
        return ()
    if wanted.by != "reported":
        return () if wanted.starts is None else (wanted.starts - SHORTLY,)
    if not wanted.hours and wanted.starts is None:
        return ()
    end = min(each for each in (now, wanted.ends, wanted.before and wanted.before.at) if each is not None)
    return tuple(since for since in (end - FEW_DAYS, end - SHORTLY) if wanted.starts is None or since > wanted.starts)


def _page_of(session: Session, wanted: Wanted, now: datetime, since: datetime | None) -> Sequence[Row[Any]]:
    """A page of what was reported since a moment, or ever."""
    return session.execute(
        _page(wanted.order),
        {
            "communities": list(wanted.communities),
            "grid_id": wanted.grid_id,
            "states": None if wanted.states is None else list(wanted.states),
            "open": True if wanted.open is None and _all_open(wanted) else wanted.open,
            "overdue": wanted.overdue,
            "every": not wanted.categories,
            "categories": list(wanted.categories),
            "starts": since or (wanted.starts if wanted.by == "reported" else None),
            "ends": wanted.ends if wanted.by == "reported" else None,
            "closed_from": wanted.starts if wanted.by == "closed" else None,
            "closed_to": wanted.ends if wanted.by == "closed" else None,
            "due_from": wanted.starts if wanted.by == "due" else None,
            "due_to": wanted.ends if wanted.by == "due" else None,
            "hours": list(wanted.hours),
            "all_day": not wanted.hours,
            "before_at": wanted.before.at if wanted.before else None,
            "before_id": wanted.before.id if wanted.before else None,
            "limit": wanted.limit,
            "now": now,
        },
    ).all()


def ended(row: One, order: Order) -> Cursor:
    """Where a page with this row at its end ended."""
    return Cursor(row.reported_at if order == "newest" else row.due_at, row.id)


def one(session: Session, scope: Scope, incident_id: int, now: datetime) -> Row[Any]:
    """An incident in scope with the names around it; NotFound otherwise."""
    row = session.execute(_named("one"), _in_scope(scope) | {"id": incident_id, "now": now}).one_or_none()
    if row is None:
        raise NotFound("There is no such incident in your scope.", incident=incident_id)
    return row


def locked(session: Session, scope: Scope, incident_id: int) -> Row[Any]:
    """An incident in scope, held against other writers until the transaction ends; NotFound otherwise."""
    row = session.execute(_named("locked"), _in_scope(scope) | {"id": incident_id}).one_or_none()
    if row is None:
        raise NotFound("There is no such incident in your scope.", incident=incident_id)
    return row


def log(session: Session, scope: Scope, incident_id: int) -> Sequence[Row[Any]]:
    """All that was done to an incident, in order; row-level security cuts what is not in scope."""
    return session.execute(_named("log"), {"id": incident_id}).all()


def placements(session: Session, scope: Scope, incident_id: int) -> Sequence[Row[Any]]:
    """Where an incident was placed before."""
    return session.execute(_named("placements"), {"id": incident_id}).all()


def new_ids(session: Session, count: int) -> list[int]:
    """Ids for new incidents."""
    return list(session.scalars(IDS, {"count": count}))


def claim(session: Session, scope: Scope, rows: Sequence[Facts]) -> set[tuple[str, str]]:
    """Take the numbers of a source for new incidents; returns those that nobody had taken before."""
    taken = session.execute(_named("claim"), {"rows": _json(rows)})
    return {(row.source, row.source_id) for row in taken}


def met(session: Session, scope: Scope, numbers: Sequence[tuple[str, str]]) -> dict[tuple[str, str], tuple[int, bytes | None]]:
    """The incidents in scope that hold these numbers of a source, with the hash of what they said."""
    asked = {"sources": [source for source, _ in numbers], "source_ids": [number for _, number in numbers]}
    found = session.execute(_named("met"), asked)
    return {(row.source, row.source_id): (row.incident_id, row.content_hash) for row in found}


def add(session: Session, scope: Scope, rows: Sequence[Facts], actor_id: int) -> None:
    """Store new incidents as reported, each with the first line of its log."""
    if rows:
        told = _json(rows)
        session.execute(_named("add"), {"rows": told})
        session.execute(_named("begin_log"), {"rows": told, "actor_id": actor_id})


def change(session: Session, scope: Scope, incident: Row[Any], **values: object) -> int:
    """Change a locked incident and count its version up; returns the new version."""
    key = (Incident.cell == incident.cell, Incident.id == incident.id, Incident.reported_at == incident.reported_at)
    session.execute(
        update(Incident).where(*key).values(**values, version=incident.version + 1).execution_options(synchronize_session=False)
    )
    return int(incident.version) + 1


def write_log(session: Session, scope: Scope, incident: Row[Any], *, before: Facts | None = None, undo_s: int = 0, **facts: object) -> None:
    """Add a line to an incident's log: at, community_id, actor_id, action, from_state, to_state, seconds_used, overdue, note.

    `before`: what the step changed, as it was; it can be taken back for `undo_s` seconds by the clock on the wall.
    """
    kept = {"before": None if before is None else orjson.dumps(dict(before)).decode(), "undo_s": undo_s}
    session.execute(_named("continue_log"), {"cell": incident.cell, "id": incident.id} | kept | facts)


def last_step(session: Session, scope: Scope, incident: Row[Any]) -> Row[Any] | None:
    """The last line of an incident's log: action, actor_id, before, and whether it is too late to take it back."""
    return session.execute(_named("last_step"), {"cell": incident.cell, "id": incident.id}).one_or_none()


def restored(before: Facts) -> dict[str, Any]:
    """The values a log line kept, as the table takes them."""
    return {name: datetime.fromisoformat(each) if each and name.endswith("_at") else each for name, each in before.items()}


def hands(session: Session, scope: Scope, incident_id: int, today: object, nearest: int) -> Sequence[Row[Any]]:
    """Who could handle an incident: who answers for its grid (`answers`), then the nearest on duty; with distance and open incidents."""
    return session.execute(_named("hands"), _in_scope(scope) | {"id": incident_id, "today": today, "nearest": nearest}).all()


def queued(session: Session, scope: Scope, community_id: int) -> int:
    """How many incidents wait in a community's queue: dispatched to nobody in particular."""
    return int(session.execute(_named("queued"), _in_scope(scope) | {"community_id": community_id}).scalar_one())


def keep_placement(session: Session, scope: Scope, incident: Row[Any], at: datetime, community_id: int, why: str) -> None:
    """Write down where an incident was placed until now; whoever may read `community_id` may read it."""
    old = {name: getattr(incident, name) for name in ("cell", "id", "grid_id", "grid_version", "placed_by")}
    session.execute(_named("begin_placement"), old | {"at": at, "community_id": community_id, "why": why})


def move_history(session: Session, scope: Scope, incident_id: int, community_id: int) -> None:
    """Let the people of another community read the history of an incident that was placed there."""
    session.execute(text("SELECT gate.move_history(:id, :community_id)"), {"id": incident_id, "community_id": community_id})


def twins(
    session: Session, scope: Scope, facts: Facts, communities: Sequence[int], reach: tuple[float, float], within_m: float
) -> Sequence[Row[Any]]:
    """Incidents that a new one may repeat: same category, within metres and 24 hours; `reach` is the box around it, degrees."""
    asked = {name: facts[name] for name in ("id", "lon", "lat", "category_id", "reported_at")}
    box = {"reach_lon": reach[0], "reach_lat": reach[1], "within_m": within_m}
    return session.execute(_named("twins"), asked | box | {"communities": list(communities)}).all()


def officer(session: Session, scope: Scope, officer_id: int, today: object) -> Row[Any]:
    """An officer in scope who has not left; NotFound otherwise."""
    row = session.execute(_named("officer"), {"id": officer_id, "today": today}).one_or_none()
    if row is None or not scope.covers(row.community_id):
        raise NotFound("There is no such officer in your scope.", officer=officer_id)
    return row


def grid(session: Session, scope: Scope, grid_id: int) -> Row[Any]:
    """A current grid in scope; NotFound otherwise."""
    row = session.execute(_named("grid"), {"id": grid_id}).one_or_none()
    if row is None or not scope.covers(row.community_id):
        raise NotFound("There is no such grid in your scope.", grid=grid_id)
    return row


def _all_open(wanted: Wanted) -> bool:
    """Whether what is wanted is open whatever else is said: the few that are have indexes of their own."""
    return bool(wanted.overdue) or (bool(wanted.states) and OPEN_STATES.issuperset(wanted.states or ()))


def _in_scope(scope: Scope) -> dict[str, object]:
    return {"everything": scope.everything, "communities": scope.communities}


def _json(rows: Sequence[Facts]) -> str:
    return orjson.dumps([dict(row) for row in rows]).decode()


def _named(name: str) -> TextClause:
    return statements("incidents")[name]


@cache
def _page(order: Order) -> TextClause:
    """The statement for one order: each is a text of its own, so that an index can give it."""
    at, way, beyond = ("reported_at", "DESC", "<") if order == "newest" else ("due_at", "ASC", ">")
    return text(_named("page").text.format(at=at, way=way, beyond=beyond))
