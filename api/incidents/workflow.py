"""Use case of the closed loop: one action on one incident, by the rules of gis.lifecycle, with its clock and its line in the log."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from api.actor import Actor
from data import after_commit
from data.after_commit import Change
from data.hot.ground import ground_index
from data.queries import audit, categories, extent, incidents, statistics
from data.queries.calendar import working_calendar
from data.queries.incidents import One
from data.queries.statistics import Moment
from gis import clocks, crs
from gis.clocks import Calendar
from gis.errors import BadValue, DeadlineUnknown, NotPermitted, StaleVersion, TransitionRefused
from gis.geojson_gate import point_from_geojson
from gis.lifecycle import LEVELS, OPEN_STATES, Action, State, after, level_above, needs, permitted, way_to

DISPATCHERS = frozenset(
    {Action.DECLINE, Action.DISPATCH, Action.ESCALATE, Action.CHECK, Action.CLOSE, Action.REJECT, Action.REOPEN}
    | {"supervise", "place", "merge", "extend"}
)
"""What needs the permission to dispatch; the rest is the work of whoever may write incidents."""
BESIDE = frozenset({"supervise", "place", "merge", "extend"})
"""Actions beside the loop: they leave the state, or end a duplicate."""
UNDOABLE = frozenset({Action.DISPATCH, Action.ESCALATE, "supervise"})
"""Quick actions of the one screen: whoever did one may take it back for a moment."""
UNDO_S = 10
LONGEST_SUSPENSION = timedelta(days=366)
Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """What somebody asks to do: the action, the version they saw, and what the action needs."""

    action: str
    version: int
    note: str = ""
    confirmed: bool = False
    officer_id: int | None = None
    queue: bool = False
    until: datetime | None = None
    lon: float | None = None
    lat: float | None = None
    grid_id: int | None = None
    duplicate_of: int | None = None


@dataclass
class Case:
    """An incident under its lock, and what an action changes about it."""

    session: Session
    actor: Actor
    incident: One
    step: Step
    at: Moment
    calendar: Calendar
    limit: tuple[float, str] | None
    ambiguous_within_m: float
    to_state: str = ""
    changes: Facts = field(default_factory=dict)
    before: Facts = field(default_factory=dict)
    """What this action, and the one it began with, have changed: the values that were."""

    @property
    def now(self) -> datetime:
        """The moment of the action."""
        return self.at.now


def act(session: Session, actor: Actor, incident_id: int, step: Step, *, ambiguous_within_m: float) -> Facts:
    """Do one action; NotFound out of scope, StaleVersion when somebody was faster, TransitionRefused when the loop does not permit it."""
    actor.must("incidents.write")
    if step.action in DISPATCHERS:
        actor.must("incidents.dispatch")
    incident = incidents.locked(session, actor.scope, incident_id)
    if incident.version != step.version:
        raise StaleVersion("Somebody changed this incident in between.", version=incident.version, state=incident.state)
    case = _case(session, actor, incident, step, ambiguous_within_m)
    if step.action in BESIDE:
        _needs_reason(step)
        case.to_state = incident.state
        return _done(case)
    first, *then = way_to(incident.state, step.action)
    case.step = replace(step, action=first.value)
    told = _stepped(case)
    for action in then:
        again = _case(
            session, actor, incidents.locked(session, actor.scope, incident_id), replace(step, action=action.value), ambiguous_within_m
        )
        again.before = case.before
        told = _stepped(again)
    return told


def steps(actor: Actor, incident: One, now: datetime) -> list[Facts]:
    """What this actor may do to an incident now, each with what it needs: {action, needs}."""
    if not actor.may("incidents.write"):
        return []
    found = permitted(incident.state)
    if "file" in found:
        found.append(Action.DISPATCH)
    if incident.level == LEVELS[-1] and Action.ESCALATE in found:
        found.remove(Action.ESCALATE)
    if incident.state == State.HANDLING and incident.suspended_s > 0:
        found.remove(Action.SUSPEND)
    loop = [{"action": each, "needs": needs(incident.state, each)} for each in found]
    late = incident.due_at is not None and incident.due_at < now
    if incident.state in OPEN_STATES and not incident.supervised:
        loop.append({"action": "supervise", "needs": ["reason"]})
    if incident.state in OPEN_STATES and incident.due_at is not None and not late and incident.extensions < clocks.EXTENSIONS_AT_MOST:
        loop.append({"action": "extend", "needs": ["reason"]})
    return [each for each in loop if each["action"] not in DISPATCHERS or actor.may("incidents.dispatch")]


def undo(session: Session, actor: Actor, incident_id: int, version: int) -> Facts:
    """Take back what the actor did last, as long as nobody acted since; a new line of the log puts back what was."""
    actor.must("incidents.write")
    incident = incidents.locked(session, actor.scope, incident_id)
    if incident.version != version:
        raise StaleVersion("Somebody changed this incident in between.", version=incident.version, state=incident.state)
    last = incidents.last_step(session, actor.scope, incident)
    if last is None or last.before is None or last.actor_id != actor.person_id:
        raise TransitionRefused("There is nothing of yours to take back.", action="undo", reason="nothing")
    if last.action in DISPATCHERS:
        actor.must("incidents.dispatch")
    if last.too_late:
        raise TransitionRefused("The time to take it back is over.", action="undo", reason="too-late")
    case = _case(session, actor, incident, Step("undo", version), 0.0)
    case.changes = incidents.restored(last.before)
    case.to_state = case.changes.get("state", incident.state)
    return _saved(case)


def _stepped(case: Case) -> Facts:
    step = case.step
    case.to_state = after(case.incident.state, step.action, reason=step.note, condition_met=step.confirmed).value
    case.changes["state"] = case.to_state
    return _done(case)


def _done(case: Case) -> Facts:
    EFFECTS.get(case.step.action, _nothing)(case)
    case.before = {name: getattr(case.incident, name) for name in case.changes} | case.before
    return _saved(case)


def _case(session: Session, actor: Actor, incident: One, step: Step, ambiguous_within_m: float) -> Case:
    at = statistics.moment(session)
    rule = categories.rule(session, actor.scope, incident.category_id, incident.rule_id)
    limit = None if rule is None else (float(rule.limit_amount), str(rule.limit_unit))
    calendar = working_calendar(session, actor.scope, at.zone)
    return Case(session, actor, incident, step, at, calendar, limit, ambiguous_within_m)


def _saved(case: Case) -> Facts:
    """Row, log, history, outbox and audit: all of them or, if one fails, none."""
    session, scope, incident = case.session, case.actor.scope, case.incident
    due_at = incident.due_at
    used = _seconds_used(case)
    community_id = case.changes.get("community_id", incident.community_id)
    version = incidents.change(session, scope, incident, **case.changes)
    incidents.write_log(
        session, scope, incident,
        at=case.now, community_id=community_id, actor_id=case.actor.person_id, action=case.step.action, from_state=incident.state,
        to_state=case.changes.get("state", incident.state), seconds_used=used, overdue=bool(due_at and due_at < case.now),
        note=case.step.note, before=case.before if case.step.action in UNDOABLE else None, undo_s=UNDO_S,
    )  # fmt: skip
    if "placed_by" in case.changes:
        incidents.keep_placement(session, scope, incident, case.now, community_id, case.step.note)
    if community_id != incident.community_id:
        incidents.move_history(session, scope, incident.id, community_id)
        after_commit.publish(session, Change("incident", "delete", incident.id, incident.cell, incident.community_id))
    after_commit.publish(session, *(Change("incident", "update", incident.id, cell, community_id) for cell in _cells(case)))
    facts = {"action": case.step.action, "from": incident.state, "to": case.changes.get("state", incident.state)}
    audit.record(session, case.actor, "update", "incident", incident.id, community_id=community_id, facts=facts)
    told = {"state": facts["to"], "due_at": case.changes.get("due_at", due_at), "seconds_used": used}
    told["undo_s"] = UNDO_S if case.step.action in UNDOABLE else None
    return {"id": incident.id, "version": version} | told


def _cells(case: Case) -> list[int]:
    """The cells of the map on which it shows: before, and after it was placed elsewhere."""
    keys = {case.incident.qk, case.changes.get("qk", case.incident.qk)} - {None}
    return sorted({key >> crs.CELL_SHIFT for key in keys}) or [case.incident.cell]


def _nothing(case: Case) -> None:
    """The action changes the state alone."""


def _file(case: Case) -> None:
    case.changes["filed_at"] = case.incident.filed_at or case.now


def _end(case: Case) -> None:
    case.changes["closed_at"] = case.now


def _close_on_spot(case: Case) -> None:
    case.changes |= {"on_spot": True, "filed_at": case.incident.filed_at or case.now, "handled_at": case.now, "closed_at": case.now}


def _reopen(case: Case) -> None:
    case.changes |= {"closed_at": None, "handled_at": None, "on_spot": False}
    if case.incident.duplicate_of is not None:
        case.changes["duplicate_of"] = None


def _dispatch(case: Case) -> None:
    """To an officer, or into the queue of the community, whose people take up what waits there."""
    step = case.step
    if (step.officer_id is None) == (not step.queue):
        raise BadValue("Name the officer who is to handle it, or the community's queue.", field="officer_id")
    officer_id = None
    if step.officer_id is not None:
        officer_id = incidents.officer(case.session, case.actor.scope, step.officer_id, case.at.today).id
    elif not case.incident.community_id:
        raise BadValue("It lies in no community yet: place it first.", field="queue")
    elif case.incident.level == LEVELS[0]:
        case.changes["level"] = LEVELS[1]
    case.changes |= {"officer_id": officer_id, "dispatched_at": case.now, "filed_at": case.incident.filed_at or case.now}


def _return(case: Case) -> None:
    case.changes["officer_id"] = None


def _escalate(case: Case) -> None:
    case.changes["level"] = level_above(case.incident.level)


def _feed_back(case: Case) -> None:
    case.changes["handled_at"] = case.now


def _suspend(case: Case) -> None:
    """The clock stands until a date within a year, once; the deadline is kept aside."""
    until = case.step.until
    if until is None or not case.now < until <= case.now + LONGEST_SUSPENSION:
        raise BadValue("A suspension names a date within a year from now.", field="until")
    if case.incident.suspended_s > 0:
        raise TransitionRefused("An incident is suspended once only.", state=case.incident.state, action="suspend")
    case.changes |= {"suspended_at": case.now, "suspended_until": until, "suspended_due_at": case.incident.due_at, "due_at": None}


def _resume(case: Case) -> None:
    """The clock runs again, with what was left of the limit."""
    stopped = case.incident.suspended_at or case.now
    seconds = case.incident.suspended_s + max(int((case.now - stopped).total_seconds()), 1)
    case.changes |= {
        "suspended_s": seconds, "suspended_at": None, "suspended_until": None, "suspended_due_at": None,
        "due_at": _deadline_after(case, stopped),
    }  # fmt: skip


def _deadline_after(case: Case, stopped: datetime) -> datetime | None:
    """The new deadline of a clock that stood since `stopped`; None beyond the calendar."""
    due_at: datetime | None = case.incident.suspended_due_at
    if due_at is None or case.limit is None or due_at <= stopped:
        return due_at
    try:
        left = clocks.elapsed(stopped, due_at, case.limit[1], case.calendar)
        return clocks.deadline(case.now, left, case.limit[1], case.calendar) if left > 0 else case.now
    except DeadlineUnknown:
        return None


def _supervise(case: Case) -> None:
    case.changes["supervised"] = True


def _extend(case: Case) -> None:
    """One more original limit, twice at most, while the deadline has not passed."""
    if case.incident.due_at is None or case.limit is None or case.incident.state not in OPEN_STATES:
        raise TransitionRefused("There is no running deadline to extend.", state=case.incident.state, action="extend")
    amount, unit = case.limit
    due_at = clocks.extended_deadline(case.incident.due_at, amount, unit, case.calendar, granted=case.incident.extensions, now=case.now)
    case.changes |= {"due_at": due_at, "extensions": case.incident.extensions + 1}


def _merge(case: Case) -> None:
    """A duplicate ends and points at the first; it is never deleted."""
    other = case.step.duplicate_of
    if other is None or other == case.incident.id:
        raise BadValue("Name the other incident that this one repeats.", field="duplicate_of")
    if case.incident.state not in OPEN_STATES:
        raise TransitionRefused("Only an open incident can be merged.", state=case.incident.state, action="merge")
    first = incidents.locked(case.session, case.actor.scope, other)
    if first.duplicate_of is not None:
        raise TransitionRefused("That incident is a duplicate itself.", action="merge", incident=first.duplicate_of)
    case.changes |= {"duplicate_of": first.id, "state": State.CLOSED.value, "closed_at": case.now}
    if case.incident.state == State.SUSPENDED:
        case.changes |= {"suspended_at": None, "suspended_until": None, "suspended_due_at": None}


def _place(case: Case) -> None:
    """A place or a grid set by hand; the key `cell` of the row stays, where it lies now is `place` and `qk`."""
    step = case.step
    if (step.lon is None) != (step.lat is None) or (step.lon is None) == (step.grid_id is None):
        raise BadValue("Name a place (lon and lat) or a grid, one of them.", field="place")
    if step.grid_id is not None:
        grid = incidents.grid(case.session, case.actor.scope, step.grid_id)
        case.changes |= {"grid_id": grid.id, "grid_version": grid.version, "community_id": grid.community_id, "ambiguous": False}
        case.changes |= {"placed_by": "hand", "border_distance_m": None}
        return
    assert step.lon is not None, "checked above"
    assert step.lat is not None, "checked above"
    ground = ground_index(case.session, tolerance_m=case.ambiguous_within_m)
    near = extent.around(ground.bounds, extent.REPORT_MARGIN_DEGREES)
    place = point_from_geojson({"type": "Point", "coordinates": [step.lon, step.lat]}, bounds=near)
    at = ground.place(step.lon, step.lat)
    if not case.actor.scope.covers(at.community_id):
        raise NotPermitted("The place lies outside your scope.", field="place")
    case.changes |= {
        "place": place, "qk": int(crs.morton_key([step.lon], [step.lat])[0]), "grid_id": at.grid_id, "grid_version": at.grid_version,
        "community_id": at.community_id, "placed_by": "hand", "ambiguous": at.ambiguous and at.grid_id is not None,
        "border_distance_m": at.border_distance_m if at.grid_id is not None else None,
    }  # fmt: skip


def _needs_reason(step: Step) -> None:
    if not step.note.strip():
        raise TransitionRefused("This action needs a reason.", action=step.action, needs="reason")


def _seconds_used(case: Case) -> int | None:
    """Time of the incident's clock from the report until now, without suspensions; None beyond the calendar."""
    working = case.limit is not None and case.limit[1].startswith("working")
    unit = clocks.Unit.WORKING_HOUR if working else clocks.Unit.URGENT_HOUR
    spans = _suspensions(case)
    try:
        return round(clocks.elapsed(case.incident.reported_at, case.now, unit, case.calendar, spans) * 3600)
    except DeadlineUnknown:
        return None


def _suspensions(case: Case) -> list[tuple[datetime, datetime]]:
    """The spans in which the clock stood, from the log; one that still lasts ends now."""
    if case.incident.suspended_s == 0 and case.incident.suspended_at is None:
        return []
    spans, began = [], None
    for line in incidents.log(case.session, case.actor.scope, case.incident.id):
        if line.action == Action.SUSPEND:
            began = line.at
        elif line.from_state == State.SUSPENDED and began is not None:
            spans.append((began, line.at))
            began = None
    return spans if began is None else [*spans, (began, case.now)]


EFFECTS: Mapping[str, Callable[[Case], None]] = {
    Action.FILE: _file,
    Action.DECLINE: _end,
    Action.CLOSE_ON_SPOT: _close_on_spot,
    Action.REOPEN: _reopen,
    Action.DISPATCH: _dispatch,
    Action.RETURN: _return,
    Action.ESCALATE: _escalate,
    Action.FEED_BACK: _feed_back,
    Action.SUSPEND: _suspend,
    Action.RESUME: _resume,
    Action.CLOSE: _end,
    "supervise": _supervise,
    "extend": _extend,
    "merge": _merge,
    "place": _place,
}
