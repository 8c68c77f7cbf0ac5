"""Schedules: questions asked again by the clock, and what each run wrote."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Row, TextClause
from sqlalchemy.orm import Session

from data.scope import Scope
from data.statements import statements
from gis.errors import NotFound

Facts = Mapping[str, Any]


def put(session: Session, scope: Scope, facts: Facts) -> int:
    """A new schedule: name, question (without a period), communities, every, languages, next_at, made_by. Returns its id."""
    return int(session.execute(_named("put"), dict(facts) | {"question": orjson.dumps(facts["question"]).decode()}).scalar_one())


def page(session: Session, scope: Scope) -> Sequence[Row[Any]]:
    """All schedules in scope."""
    return session.execute(_named("page"), {"id": None}).all()


def one(session: Session, scope: Scope, id: int) -> Row[Any]:
    """One schedule; NotFound when there is none in scope."""
    row = session.execute(_named("page"), {"id": id}).one_or_none()
    if row is None:
        raise NotFound("There is no such schedule.", schedule=id)
    return row


def change(
    session: Session, scope: Scope, id: int, *, name: str | None = None, paused: bool | None = None, next_at: datetime | None = None
) -> None:
    """Change what is named."""
    session.execute(_named("change"), {"id": id, "name": name, "paused": paused, "next_at": next_at})


def remove(session: Session, scope: Scope, id: int) -> bool:
    """Remove a schedule with the list of its runs; the files stay where they are."""
    return session.execute(_named("remove"), {"id": id}).one_or_none() is not None


def due(session: Session, scope: Scope, now: datetime) -> Sequence[Row[Any]]:
    """Schedules whose time has come, locked."""
    return session.execute(_named("due"), {"now": now}).all()


def put_run(session: Session, scope: Scope, facts: Facts) -> int | None:
    """A run of one period: schedule_id, analysis_id, communities, first, last; None when that period has been run."""
    found: int | None = session.execute(_named("put_run"), dict(facts)).scalar_one_or_none()
    return found


def runs(
    session: Session, scope: Scope, *, schedule_id: int | None = None, before: int | None = None, limit: int = 50
) -> Sequence[Row[Any]]:
    """Runs in scope, newest first."""
    return session.execute(_named("runs"), {"id": None, "schedule_id": schedule_id, "before": before, "limit": limit}).all()


def one_run(session: Session, scope: Scope, id: int) -> Row[Any]:
    """One run; NotFound when there is none in scope."""
    row = session.execute(_named("runs"), {"id": id, "schedule_id": None, "before": None, "limit": 1}).one_or_none()
    if row is None:
        raise NotFound("There is no such run.", run=id)
    return row


def latest_runs(session: Session, scope: Scope, ids: Sequence[int]) -> dict[int, Row[Any]]:
    """The last run of each schedule."""
    return {row.schedule_id: row for row in session.execute(_named("latest_runs"), {"ids": list(ids)})}


def unwritten(session: Session, scope: Scope) -> Sequence[Row[Any]]:
    """Runs whose analysis is over and whose files are not there yet, locked."""
    return session.execute(_named("unwritten")).all()


def written(session: Session, scope: Scope, id: int, state: str, folder: str, files: Sequence[Facts]) -> None:
    """Note what a run wrote and where."""
    session.execute(_named("written"), {"id": id, "state": state, "folder": folder, "files": orjson.dumps(list(files)).decode()})


def _named(name: str) -> TextClause:
    return statements("schedules")[name]
