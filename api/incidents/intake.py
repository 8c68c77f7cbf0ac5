"""Use case of the intake: a report finds its grid, its deadline and its twins, once, whoever sends it how often."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import cos, radians
from typing import Any

import orjson
from sqlalchemy.orm import Session

from api.actor import Actor
from data import after_commit
from data.after_commit import Change
from data.hot.ground import GroundIndex, ground_index
from data.queries import audit, categories, extent, incidents, statistics
from data.queries.calendar import working_calendar
from data.queries.incidents import One
from data.queries.reach import reach
from data.queries.statistics import Moment
from gis import clocks, crs
from gis.errors import BadValue, Conflict, DeadlineUnknown, NotPermitted, Refusal
from gis.geojson_gate import point_from_geojson

TWINS_WITHIN_M = 50.0
DEGREE_M = 111_000.0
"""A little less than the shortest degree of latitude, so that the box around a place is never too small."""
AHEAD = timedelta(minutes=15)
"""A report may come from a clock that is this much ahead of ours."""
ONE_BY_ONE = 50
"""More reports in one request are told as one change of each community."""
CONTENT = ("category_id", "title", "address", "lon", "lat", "severity", "urgent", "area")
Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reported:
    """What became of one report: `state` is created, known (the first incident is answered) or refused."""

    state: str
    incident_id: int | None = None
    facts: Facts | None = None
    refusal: Refusal | None = None


class Desk:
    """What the reports of one request share: the ground, the rules, the calendar, the moment."""

    def __init__(self, session: Session, actor: Actor, reports: Sequence[Facts], *, ambiguous_within_m: float) -> None:
        self.session, self.actor = session, actor
        self.at: Moment = statistics.moment(session)
        self.ground: GroundIndex = ground_index(session, tolerance_m=ambiguous_within_m)
        named = {report["category_id"] for report in reports}
        self.known = categories.known(session, actor.scope, sorted(named))
        self.rules = categories.first_rules(session, actor.scope, sorted(named))
        self.calendar = working_calendar(session, actor.scope, self.at.zone)


def report(session: Session, actor: Actor, asked: Facts, *, ambiguous_within_m: float) -> Facts:
    """One report; the same number of a source with the same content answers with the first incident, with other content Conflict."""
    actor.must("incidents.write")
    (outcome,) = _taken_in(session, actor, [asked], ambiguous_within_m)
    if outcome.refusal is not None:
        raise outcome.refusal
    return _answer(session, actor, outcome)


def report_many(
    session: Session, actor: Actor, reports: Sequence[Facts], *, all_or_nothing: bool, ambiguous_within_m: float
) -> list[Reported]:
    """Many reports in one transaction, each with its outcome; with `all_or_nothing` the first refusal refuses them all."""
    actor.must("incidents.write")
    outcomes = _taken_in(session, actor, reports, ambiguous_within_m)
    refused = [outcome.refusal for outcome in outcomes if outcome.refusal is not None]
    if all_or_nothing and refused:
        raise refused[0]
    return outcomes


def _taken_in(session: Session, actor: Actor, reports: Sequence[Facts], ambiguous_within_m: float) -> list[Reported]:
    desk = Desk(session, actor, reports, ambiguous_within_m=ambiguous_within_m)
    outcomes: list[Reported | None] = [None] * len(reports)
    fresh: dict[tuple[str, str], tuple[int, Facts]] = {}
    again: list[tuple[int, Facts]] = []
    for row, (asked, number) in enumerate(zip(reports, incidents.new_ids(session, len(reports)), strict=True)):
        try:
            facts = _worked_out(desk, asked, number)
        except Refusal as refusal:
            outcomes[row] = Reported("refused", refusal=refusal)
            continue
        key = (facts["source"], facts["source_id"])
        if key in fresh:
            again.append((row, facts))
        else:
            fresh[key] = (row, facts)
    won = incidents.claim(session, actor.scope, [facts for _, facts in fresh.values()]) if fresh else set()
    new = [facts for key, (_, facts) in fresh.items() if key in won]
    incidents.add(session, actor.scope, new, actor.person_id)
    for key, (row, facts) in fresh.items():
        if key in won:
            outcomes[row] = Reported("created", facts["id"], facts)
        else:
            again.append((row, facts))
    _answer_again(session, actor, again, outcomes)
    _tell(session, actor, new)
    return [outcome for outcome in outcomes if outcome is not None]


def _worked_out(desk: Desk, asked: Facts, number: int) -> Facts:
    """Everything the table keeps about a report; refuses what cannot be right or lies outside the actor's scope."""
    if asked["category_id"] not in desk.known:
        raise BadValue("There is no such category.", field="category_id", category=asked["category_id"])
    reported_at: datetime = asked["reported_at"] or desk.at.now
    if reported_at > desk.at.now + AHEAD:
        raise BadValue("The report lies in the future.", field="reported_at")
    if reported_at.year < 1970:
        raise BadValue("The report lies too far in the past.", field="reported_at")
    placed = _placed(desk, asked)
    rule = desk.rules.get(asked["category_id"])
    due_at, deadline = _deadline(desk, rule, reported_at)
    digest = hashlib.blake2b(orjson.dumps([asked[name] for name in CONTENT] + [asked["reported_at"]]), digest_size=16).hexdigest()
    return placed | {
        "id": number,
        "reported_at": reported_at,
        "source": asked["source"],
        "source_id": asked["source_id"] or str(number),
        "category_id": asked["category_id"],
        "rule_id": rule.id if rule else None,
        "title": asked["title"],
        "address": asked["address"],
        "severity": asked["severity"],
        "urgent": asked["urgent"],
        "officer_id": None,
        "due_at": due_at,
        "deadline": deadline,
        "content_hash": digest,
    }


def _placed(desk: Desk, asked: Facts) -> Facts:
    """Grid, community, cell and key of a place; a place in no grid stays unplaced and says so."""
    lon, lat = asked["lon"], asked["lat"]
    note: str | None
    if lon is None:
        community_id = _community_without_place(desk, asked["area"])
        note = "no-place"
        spot: Facts = {"lon": None, "lat": None, "qk": None, "cell": 0, "grid_id": None, "grid_version": None, "placed_by": "none"}
        spot |= {"border_distance_m": None, "ambiguous": False}
    else:
        near = extent.around(desk.ground.bounds, extent.REPORT_MARGIN_DEGREES)
        point_from_geojson({"type": "Point", "coordinates": [lon, lat]}, bounds=near)
        at = desk.ground.place(lon, lat)
        community_id = at.community_id
        note = None if at.grid_id is not None else "outside-every-grid"
        key = int(crs.morton_key([lon], [lat])[0])
        spot = {"lon": lon, "lat": lat, "qk": key, "cell": key >> crs.CELL_SHIFT, "grid_id": at.grid_id, "grid_version": at.grid_version}
        spot |= {"placed_by": at.placed_by, "ambiguous": at.ambiguous and at.grid_id is not None}
        spot |= {"border_distance_m": at.border_distance_m if at.grid_id is not None else None}
    if community_id == 0 and lon is not None and not desk.actor.scope.covers(0):
        community_id = _community_without_place(desk, asked["area"])
    if not desk.actor.scope.covers(community_id):
        raise NotPermitted("The place lies outside your scope.", field="place")
    return spot | {"community_id": community_id, "note": note}


def _community_without_place(desk: Desk, area: str | None) -> int:
    """The community named, the only one of the actor, or none yet for those who see the whole ground."""
    communities = [each for each in reach(desk.session, desk.actor.scope, area).communities if each]
    if len(communities) == 1:
        return communities[0]
    if area is None and desk.actor.scope.everything:
        return 0
    raise BadValue("Without a place, name the community.", field="area")


def _deadline(desk: Desk, rule: One | None, reported_at: datetime) -> tuple[datetime | None, Facts]:
    """When the category's limit runs out; beyond the calendar there is none, and the answer says so."""
    if rule is None:
        return None, {"due_at": None, "note": "no-rule"}
    told = {"limit": float(rule.limit_amount), "unit": rule.limit_unit}
    try:
        due_at = clocks.deadline(reported_at, float(rule.limit_amount), rule.limit_unit, desk.calendar)
    except DeadlineUnknown:
        return None, told | {"due_at": None, "note": "beyond-calendar"}
    return due_at, told | {"due_at": due_at, "note": None}


def _answer_again(session: Session, actor: Actor, again: list[tuple[int, Facts]], outcomes: list[Reported | None]) -> None:
    """Reports whose number was taken: by the same content, then the first incident is the answer; else a conflict."""
    if not again:
        return
    met = incidents.met(session, actor.scope, [(facts["source"], facts["source_id"]) for _, facts in again])
    for row, facts in again:
        first = met.get((facts["source"], facts["source_id"]))
        if first is not None and first[1] in (None, bytes.fromhex(facts["content_hash"])):
            outcomes[row] = Reported("known", first[0], facts)
        else:
            seen = {} if first is None else {"incident": first[0]}
            refusal = Conflict("This number of the source came with other content before.", source_id=facts["source_id"], **seen)
            outcomes[row] = Reported("refused", refusal=refusal)


def _tell(session: Session, actor: Actor, new: Sequence[Facts]) -> None:
    if len(new) > ONE_BY_ONE:
        communities = sorted({each["community_id"] for each in new})
        after_commit.publish(session, *(Change("incident", "bulk", community_id=each) for each in communities))
    else:
        after_commit.publish(session, *(Change("incident", "insert", each["id"], each["cell"], each["community_id"]) for each in new))
    if len(new) == 1:
        audit.record(session, actor, "create", "incident", new[0]["id"], community_id=new[0]["community_id"])
    elif new:
        facts = {"incidents": len(new), "first": new[0]["id"], "last": new[-1]["id"]}
        audit.record(session, actor, "create", "incident", facts=facts)


def _answer(session: Session, actor: Actor, outcome: Reported) -> Facts:
    assert outcome.incident_id is not None, "a report that is not refused has an incident"
    at = statistics.moment(session)
    row = incidents.one(session, actor.scope, outcome.incident_id, at.now)
    facts = outcome.facts or {}
    return {
        "id": row.id,
        "created": outcome.state == "created",
        "state": row.state,
        "version": row.version,
        "source": row.source,
        "source_id": row.source_id,
        "reported_at": row.reported_at,
        "grid_id": row.grid_id,
        "community": row.community_code,
        "placed_by": row.placed_by,
        "border_distance_m": row.border_distance_m,
        "ambiguous": row.ambiguous,
        "placement_note": facts.get("note"),
        "deadline": facts.get("deadline"),
        "may_repeat": _twins(session, actor, facts, row.id),
    }


def _twins(session: Session, actor: Actor, facts: Facts, incident_id: int) -> list[Facts]:
    if facts.get("lon") is None:
        return []
    reach_lat = TWINS_WITHIN_M / DEGREE_M
    box = (reach_lat / max(cos(radians(facts["lat"])), 0.01), reach_lat)
    communities = reach(session, actor.scope).communities
    rows = incidents.twins(session, actor.scope, facts | {"id": incident_id}, communities, box, TWINS_WITHIN_M)
    return [dict(row._mapping) for row in rows]
