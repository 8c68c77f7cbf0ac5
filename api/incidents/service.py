"""Use cases of reading incidents: the feed, lists, and one with its whole history."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from api.actor import Actor
from api.period import Period
from data.queries import incidents, statistics
from data.queries.incidents import Cursor, One, Wanted
from data.queries.reach import reach
from gis.errors import BadValue
from gis.lifecycle import State, permitted

DEFAULT_WINDOW = timedelta(days=30)
Answer = dict[str, Any]


def feed(session: Session, actor: Actor, area: str | None, categories: tuple[int, ...], limit: int, before: str | None) -> Answer:
    """The newest incidents of an area; the next page begins at `next`."""
    actor.must("incidents")
    at = statistics.moment(session)
    asked = reach(session, actor.scope, area)
    wanted = Wanted(asked.communities, limit, categories=categories, ends=at.now, before=cursor(before))
    rows = incidents.page(session, actor.scope, wanted, at.now)
    return {"items": [short(row) for row in rows], "next": _next(rows, limit)}


def newest(
    session: Session, actor: Actor, area: str | None, categories: tuple[int, ...], period: Period | None, limit: int
) -> list[Answer]:
    """The newest incidents of an area, of a period if one is named."""
    actor.must("incidents")
    at = statistics.moment(session)
    starts, ends = period.times(at) if period else (None, at.now)
    asked = reach(session, actor.scope, area)
    wanted = Wanted(asked.communities, limit, categories=categories, starts=starts, ends=ends)
    return [short(row) for row in incidents.page(session, actor.scope, wanted, at.now)]


def listed(  # noqa: PLR0913  each is a filter of the list
    session: Session,
    actor: Actor,
    *,
    area: str | None,
    grid: int | None,
    states: tuple[str, ...],
    is_open: bool | None,
    overdue: bool | None,
    categories: tuple[int, ...],
    period: Period,
    limit: int,
    before: str | None,
) -> Answer:
    """Incidents that match, newest first: of the last 30 days unless a period, a state or what is open is asked for."""
    actor.must("incidents")
    unknown = set(states) - {state.value for state in State}
    if unknown:
        raise BadValue("There is no such state.", states=sorted(unknown))
    at = statistics.moment(session)
    starts, ends = period.times(at)
    if starts is None and not is_open and not overdue:
        starts = (ends or at.now) - DEFAULT_WINDOW
    wanted = Wanted(
        communities=reach(session, actor.scope, area).communities,
        limit=limit,
        grid_id=grid,
        states=states or None,
        open=is_open,
        overdue=overdue,
        categories=categories,
        starts=starts,
        ends=ends,
        before=cursor(before),
    )
    rows = incidents.page(session, actor.scope, wanted, at.now)
    return {"items": [_line(row) for row in rows], "next": _next(rows, limit)}


def detail(session: Session, actor: Actor, incident_id: int) -> Answer:
    """One incident with its log, its placement and what may be done next."""
    actor.must("incidents")
    at = statistics.moment(session)
    row = incidents.one(session, actor.scope, incident_id, at.now)
    history = incidents.placements(session, actor.scope, incident_id)
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
        "permitted": permitted(row.state),
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


def _next(rows: Any, limit: int) -> str | None:
    return f"{rows[-1].reported_at.isoformat()}_{rows[-1].id}" if len(rows) == limit else None
