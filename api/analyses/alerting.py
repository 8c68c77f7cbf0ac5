"""Use cases of alerts: look, and take one in hand."""

from typing import Any

from sqlalchemy.orm import Session

from api.actor import Actor
from data import after_commit
from data.after_commit import Change
from data.queries import alerts, audit
from data.queries.reach import reach
from gis.errors import Conflict
from gis.hotspots.scan_time import recurrence

Answer = dict[str, Any]


def page(session: Session, actor: Actor, asked: Answer, area: str | None, limit: int) -> Answer:
    """Alerts the caller sees, newest first."""
    actor.must("statistics")
    within = None if area is None else list(reach(session, actor.scope, area).communities)
    rows = alerts.page(session, actor.scope, asked | {"within": within}, limit + 1)
    shown = rows[:limit]
    clusters = alerts.clusters(session, actor.scope, [row.id for row in shown])
    return {"items": [_told(actor, row, clusters) for row in shown], "next": shown[-1].id if len(rows) > limit else None}


def waiting(session: Session, actor: Actor) -> int:
    """How many alerts nobody has taken in hand yet."""
    actor.must("statistics")
    return alerts.waiting(session, actor.scope)


def one(session: Session, actor: Actor, id: int) -> Answer:
    """One alert."""
    actor.must("statistics")
    return _told(actor, alerts.one(session, actor.scope, id), alerts.clusters(session, actor.scope, [id]))


def acknowledge(session: Session, actor: Actor, id: int, note: str) -> Answer:
    """Take an alert in hand; Conflict when somebody did before, with who and when."""
    actor.must("alerts.write")
    row = alerts.one(session, actor.scope, id)
    if not alerts.acknowledge(session, actor.scope, id, actor.person_id, note):
        row = alerts.one(session, actor.scope, id)
        raise Conflict("Somebody has acknowledged it already.", acknowledged_at=row.acknowledged_at, acknowledged_by=row.acknowledged_by)
    after_commit.publish(session, *(Change("alert", "update", id, community_id=each) for each in row.community_ids))
    audit.record(session, actor, "acknowledge", "alert", id, community_id=row.community_ids[0] if row.community_ids else 0, why=note)
    return one(session, actor, id)


def _told(actor: Actor, row: Any, clusters: dict[int, Answer]) -> Answer:
    names = (
        "id", "state", "raised_at", "raised_for", "last_seen_for", "times_seen", "category_id", "analysis_id", "community_ids", "grid_ids",
        "recurrence_days", "looks", "acknowledged_at", "acknowledged_by", "note", "score",
    )  # fmt: skip
    cluster = clusters.get(row.id)
    again = recurrence(1 / row.recurrence_days, watches=row.looks)
    told = {name: getattr(row, name) for name in names} | {"cluster": cluster, "recurrence_days_of_all": again}
    if not actor.may("particulars"):
        told["note"] = ""
    # Counts over ground that the caller does not see are not theirs.
    return told | {"score": {}} if cluster is None or cluster["partial"] else told
