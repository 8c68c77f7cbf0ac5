"""Alerts of the live watch: raised once for one cluster, moved on while it lasts, acknowledged, scored by what happened after."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy import Row, TextClause
from sqlalchemy.orm import Session

from data.queries.analyses import canonical, joined_shares
from data.scope import Scope
from data.statements import statements
from gis.errors import NotFound

Facts = Mapping[str, Any]
ANY = {"id": None, "state": None, "category_id": None, "first": None, "last": None, "within": None, "before": None}


def districts(session: Session, scope: Scope) -> Sequence[Row[Any]]:
    """The districts, each of which is watched."""
    return session.execute(_named("districts")).all()


def watched(session: Session, scope: Scope, asked: Facts) -> list[int]:
    """Categories with enough incidents; `asked`: ground, starts, ends, recent (a moment), enough, least."""
    return [row.category_id for row in session.execute(_named("watched"), dict(asked))]


def same(session: Session, scope: Scope, category_id: int, grids: Sequence[int], day: date, gap_days: int) -> int | None:
    """The alert that a cluster goes on with, locked; None for a new one."""
    binds = {"category_id": category_id, "grids": list(grids), "day": day, "gap": gap_days}
    found: int | None = session.execute(_named("same"), binds).scalar_one_or_none()
    return found


def put(session: Session, scope: Scope, facts: Facts, grids: Sequence[int]) -> int:
    """A new alert: category_id, analysis_id, rank, communities, day, begins, recurrence_days, looks. Returns its id."""
    id = int(session.execute(_named("raise"), dict(facts)).scalar_one())
    session.execute(_named("note_grids"), {"id": id, "grids": list(grids), "first": True})
    return id


def go_on(session: Session, scope: Scope, id: int, facts: Facts, grids: Sequence[int]) -> bool:
    """The same cluster seen again; false when it has been seen on a later day already."""
    if session.execute(_named("go_on"), dict(facts) | {"id": id}).one_or_none() is None:
        return False
    session.execute(_named("note_grids"), {"id": id, "grids": list(grids), "first": False})
    return True


def page(session: Session, scope: Scope, asked: Facts, limit: int) -> Sequence[Row[Any]]:
    """Alerts in scope, newest first; `asked` as ANY, None for any."""
    return session.execute(_named("page"), ANY | dict(asked) | {"limit": limit}).all()


def waiting(session: Session, scope: Scope) -> int:
    """How many alerts in scope are open."""
    return int(session.execute(_named("waiting")).scalar_one())


def one(session: Session, scope: Scope, id: int) -> Row[Any]:
    """One alert; NotFound when there is none in scope."""
    rows = page(session, scope, {"id": id}, 1)
    if not rows:
        raise NotFound("There is no such alert.", alert=id)
    return rows[0]


def clusters(session: Session, scope: Scope, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The newest cluster of each alert, as far as the caller may see it."""
    whole: dict[int, dict[str, Any]] = {}
    shares: dict[int, list[dict[str, Any]]] = {}
    for row in session.execute(_named("clusters"), {"ids": list(ids)}):
        if row.kind == "cluster":
            whole[row.id] = orjson.loads(row.body)
        else:
            shares.setdefault(row.id, []).append(orjson.loads(row.body))
    return {id: joined_shares(each)[0] for id, each in shares.items()} | whole


def acknowledge(session: Session, scope: Scope, id: int, person_id: int, note: str) -> bool:
    """Note that somebody has taken an alert in hand; false when somebody did before."""
    return session.execute(_named("acknowledge"), {"id": id, "person_id": person_id, "note": note}).one_or_none() is not None


def unscored(session: Session, scope: Scope, days: int, today: date) -> Sequence[Row[Any]]:
    """Alerts whose next so many days are over, and whose count is not kept yet."""
    return session.execute(_named("unscored"), {"days": days, "today": today}).all()


def happened(session: Session, scope: Scope, grids: Sequence[int], categories: Sequence[int], starts: datetime, ends: datetime) -> int:
    """Incidents of some categories in some grids between two moments."""
    binds = {"grids": list(grids), "categories": list(categories), "starts": starts, "ends": ends}
    return int(session.execute(_named("happened"), binds).scalar_one())


def score(session: Session, scope: Scope, id: int, told: Facts) -> None:
    """Keep what happened after an alert, beside what is kept already."""
    session.execute(_named("score"), {"id": id, "score": canonical(dict(told)).decode()})


def _named(name: str) -> TextClause:
    return statements("alerts")[name]
