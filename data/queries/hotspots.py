"""Hot-spot runs: asked for, counted in SQL, stored with what found them, read as stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import shapely
from shapely import MultiPolygon
from sqlalchemy import Row, TextClause
from sqlalchemy.orm import Session

from data.queries.present_ground import carried
from data.scope import Scope
from data.statements import statements
from gis.errors import Conflict, NotFound

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Counted:
    """The grids of a run in the order of their codes: borders (degrees), households, incidents."""

    grid_ids: list[int]
    community_ids: list[int]
    households: list[int]
    incidents: list[int]
    borders: list[MultiPolygon]


def ask(session: Session, scope: Scope, communities: Sequence[int], facts: Facts) -> int:
    """Store a run that is asked for; with no communities named, over the whole ground. Returns its id."""
    binds = dict(facts) | {"parameters": _json(facts["parameters"]), "everything": not communities, "communities": list(communities)}
    run_id: int | None = session.execute(_named("ask"), binds).scalar_one_or_none()
    if run_id is None:
        raise Conflict("There is no primary scheme of grids yet.")
    return run_id


def begin(session: Session, scope: Scope, run_id: int) -> Row[Any] | None:
    """Take a run to work on it; None when it is done already."""
    return session.execute(_named("begin"), {"id": run_id}).one_or_none()


def counts(session: Session, scope: Scope, run: Row[Any]) -> Counted:
    """Incidents of every grid of a run by the borders of today, none included."""
    rows = session.execute(_named("counts"), {"id": run.id, "starts": run.period_from, "ends": run.period_to}).all()
    moved = carried(session, scope, run.period_from, run.period_to, categories=run.category_ids, merged=False)
    return Counted(
        grid_ids=[row.id for row in rows],
        community_ids=[row.community_id for row in rows],
        households=[row.households for row in rows],
        incidents=[row.incidents + moved[row.id] for row in rows],
        borders=list(shapely.from_wkb([bytes(row.border) for row in rows])),
    )


def store(session: Session, scope: Scope, run_id: int, rows: Sequence[Facts]) -> None:
    """Keep what a run found, in place of what it had found before."""
    session.execute(_named("clear"), {"id": run_id})
    session.execute(_named("store"), {"id": run_id, "rows": _json(list(rows))})


def finish(session: Session, scope: Scope, run_id: int, state: str, **facts: Any) -> None:
    """End a run as done, refused or failed: incidents, grids, caveats, refusal, and parameters to add."""
    told = {"incidents": None, "grids": None, "caveats": [], "refusal": None, "parameters": {}} | facts
    binds = told | {name: _json(told[name]) for name in ("caveats", "parameters")}
    binds["refusal"] = None if told["refusal"] is None else _json(told["refusal"])
    session.execute(_named("finish"), binds | {"id": run_id, "state": state})


def latest(session: Session, scope: Scope, communities: Sequence[int]) -> Row[Any] | None:
    """The newest finished run that covers the communities; None when there is none yet."""
    return session.execute(_named("latest"), {"communities": [each for each in communities if each]}).one_or_none()


def first_due(session: Session, scope: Scope) -> bool:
    """Whether there are incidents and grids to analyse and nobody ever asked."""
    due: bool = session.execute(_named("first_due")).scalar_one()
    return due


def one(session: Session, scope: Scope, run_id: int) -> Row[Any]:
    """A run whatever its state; NotFound when there is none."""
    row = session.execute(_named("one"), {"id": run_id}).one_or_none()
    if row is None:
        raise NotFound("There is no such hot-spot run.", run=run_id)
    return row


def items(session: Session, scope: Scope, run_id: int, communities: Sequence[int]) -> Sequence[Row[Any]]:
    """What a run found in the communities, by grid."""
    return session.execute(_named("items"), {"id": run_id, "communities": list(communities)}).all()


def _json(value: Any) -> str:
    return orjson.dumps(value, default=str, option=orjson.OPT_SERIALIZE_NUMPY).decode()


def _named(name: str) -> TextClause:
    return statements("hotspots")[name]
