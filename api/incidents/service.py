"""Use cases of reading incidents: the feed, lists, and one with its whole history."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from api.actor import Actor
from api.incidents import workflow
from api.incidents.table import table
from api.period import Choice
from data.queries import audit, incidents, statistics
from data.queries.incidents import Cursor, One, Order, Timed, Wanted
from data.queries.reach import reach
from data.queries.statistics import Moment
from gis.errors import BadValue, TooLarge
from gis.lifecycle import State

DEFAULT_WINDOW = timedelta(days=30)
NEAREST = 3
EXPORT_LIMIT = 50_000
"""Most incidents one file holds; more go out by the period."""
EXPORT_PAGE = 5_000
Answer = dict[str, Any]


def feed(session: Session, actor: Actor, choice: Choice, limit: int, before: str | None = None) -> Answer:
    """The newest incidents of an area or a grid, of a period if one is named; the next page begins at `next`."""
    actor.must("incidents")
    at = statistics.moment(session)
    starts, ends = choice.period.times(at)
    wanted = Wanted(
        reach(session, actor.scope, choice.area).communities,
        limit,
        grid_id=choice.grid,
        categories=choice.categories,
        hours=choice.hours,
        starts=starts,
        ends=ends or at.now,
        before=cursor(before),
    )
    rows = incidents.page(session, actor.scope, wanted, at.now)
    return {"items": [short(row) for row in rows], "next": _next(rows, limit)}


@dataclass(frozen=True, slots=True)
class Listing:
    """Which incidents are listed; `by` is the time the period of the choice is about: when they were reported, closed or due."""

    choice: Choice
    states: tuple[str, ...] = ()
    is_open: bool | None = None
    overdue: bool | None = None
    by: Timed = "reported"
    order: Order = "newest"


def listed(session: Session, actor: Actor, listing: Listing, limit: int, before: str | None) -> Answer:
    """Incidents that match, in the order of the listing: of the last 30 days unless a period, a state or what is open is asked for."""
    wanted, at = _wanted(session, actor, listing)
    rows = incidents.page(session, actor.scope, replace(wanted, limit=limit, before=cursor(before)), at.now)
    return {"items": [_line(row) for row in rows], "next": _next(rows, limit, listing.order)}


def exported(session: Session, actor: Actor, listing: Listing) -> str:
    """Every incident that matches as a table for a spreadsheet, in the caller's language.

    TooLarge beyond EXPORT_LIMIT; told to the audit trail.
    """
    actor.must("particulars")
    wanted, at = _wanted(session, actor, listing)
    rows: list[One] = []
    before: Cursor | None = None
    while True:
        page = incidents.page(session, actor.scope, replace(wanted, limit=EXPORT_PAGE, before=before), at.now)
        rows += page
        if len(rows) > EXPORT_LIMIT:
            raise TooLarge("These are too many incidents for one file; ask for a shorter period or a smaller area.", limit=EXPORT_LIMIT)
        if len(page) < EXPORT_PAGE:
            break
        before = incidents.ended(page[-1], listing.order)
    audit.record(session, actor, "export", "incident", None, facts={"incidents": len(rows), "area": listing.choice.area})
    return table(rows, actor.language, at.zone)


def _wanted(session: Session, actor: Actor, listing: Listing) -> tuple[Wanted, Moment]:
    actor.must("incidents")
    unknown = set(listing.states) - {state.value for state in State}
    if unknown:
        raise BadValue("There is no such state.", states=sorted(unknown))
    at = statistics.moment(session)
    starts, ends = listing.choice.period.times(at)
    if starts is None and not listing.is_open and not listing.overdue:
        starts = (ends or at.now) - DEFAULT_WINDOW
    wanted = Wanted(
        communities=reach(session, actor.scope, listing.choice.area).communities,
        limit=0,
        grid_id=listing.choice.grid,
        states=listing.states or None,
        open=listing.is_open,
        overdue=listing.overdue,
        categories=listing.choice.categories,
        starts=starts,
        ends=ends,
        hours=listing.choice.hours,
        by=listing.by,
        order=listing.order,
    )
    return wanted, at


def detail(session: Session, actor: Actor, incident_id: int) -> Answer:
    """One incident with its log, its placement and what may be done next."""
    actor.must("incidents")
    actor.must("particulars")
    at = statistics.moment(session)
    row = incidents.one(session, actor.scope, incident_id, at.now)
    history = incidents.placements(session, actor.scope, incident_id)
    steps = workflow.steps(actor, row, at.now)
    return _line(row) | {
        "urgent": row.urgent,
        "supervised": row.supervised,
        "on_spot": row.on_spot,
        "duplicate_of": row.duplicate_of,
        "rule_id": row.rule_id,
        "filed_at": row.filed_at,
        "dispatched_at": row.dispatched_at,
        "handled_at": row.handled_at,
        "closed_at": row.closed_at,
        "suspended_until": row.suspended_until,
        "extensions": row.extensions,
        "permitted": [each["action"] for each in steps],
        "steps": steps,
        "log": [dict(line._mapping) for line in incidents.log(session, actor.scope, incident_id)],
        "placement": {
            "grid_id": row.grid_id,
            "grid_version": row.grid_version,
            "method": row.placed_by,
            "border_distance_m": row.border_distance_m,
            "ambiguous": row.ambiguous,
            "history": [dict(line._mapping) for line in history],
        },
    }


def hands(session: Session, actor: Actor, incident_id: int) -> Answer:
    """To whom an incident can be dispatched; NotFound out of scope."""
    actor.must("incidents.dispatch")
    actor.must("officers")
    at = statistics.moment(session)
    row = incidents.one(session, actor.scope, incident_id, at.now)
    found = incidents.hands(session, actor.scope, incident_id, at.today, NEAREST)
    queue = None
    if row.community_code is not None:
        waiting = incidents.queued(session, actor.scope, row.community_id)
        queue = {"community": row.community_code, "name": row.community_name, "name_en": row.community_name_en, "waiting": waiting}
    return {
        "grid_officer": next((each._mapping for each in found if each.answers), None),
        "nearest": [each._mapping for each in found if not each.answers],
        "queue": queue,
    }


def short(row: One) -> Answer:
    """An incident as the feed shows it."""
    return {
        "id": row.id,
        "reported_at": row.reported_at,
        "category": {"id": row.category_id, "name": row.category_name, "name_en": row.category_name_en, "symbol": row.category_symbol},
        "severity": row.severity,
        "urgent": row.urgent,
        "state": row.state,
        "title": row.title,
        "grid": _named_or_none(row.grid_code, {"id": row.grid_id}, row.grid_name, row.grid_name_en),
        "community": _named_or_none(row.community_code, {}, row.community_name, row.community_name_en),
        "place": None if row.lon is None else [row.lon, row.lat],
        "due_at": row.due_at,
        "overdue": row.overdue,
    }


def cursor(told: str | None) -> Cursor | None:
    """Where a page begins: `time` or `time_id`, as `next` of the page before; BadValue for anything else."""
    if told is None:
        return None
    moment, _, number = told.partition("_")
    try:
        at = datetime.fromisoformat(moment)
        before = Cursor(at if at.tzinfo else at.replace(tzinfo=UTC), int(number) if number else 0)
    except ValueError:
        raise BadValue("This is not where a page ended.", field="cursor") from None
    if not 0 <= before.id < 2**63:
        raise BadValue("This is not where a page ended.", field="cursor")
    return before


def _line(row: One) -> Answer:
    officer = None if row.officer_id is None or row.officer_name is None else {"id": row.officer_id, "name": row.officer_name}
    return short(row) | {
        "address": row.address,
        "source": row.source,
        "source_id": row.source_id,
        "level": row.level,
        "officer": officer,
        "version": row.version,
    }


def _named_or_none(code: str | None, key: Answer, name: str, name_en: str) -> Answer | None:
    return None if code is None else key | {"code": code, "name": name, "name_en": name_en}


def _next(rows: Sequence[One], limit: int, order: Order = "newest") -> str | None:
    if len(rows) < limit:
        return None
    at, number = incidents.ended(rows[-1], order)
    return f"{at.isoformat()}_{number}"
