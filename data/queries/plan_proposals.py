"""Proposals of balanced grids: asked for, worked out by the worker, kept with their alternatives."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from data.scope import Scope

Facts = Mapping[str, Any]
COLUMNS = """id, plan_id, asked_at, asked_by, gate.planner_name(plan_id, asked_by) AS asked_by_name, question, state, progress, revision,
             result, failure, done_at"""


def ask(session: Session, scope: Scope, plan_id: int, *, person: int, question: Facts, revision: int) -> int:
    """Store a question; returns its number."""
    statement = text(
        "INSERT INTO plan_proposal (plan_id, asked_by, question, revision)"
        " VALUES (:plan, :person, CAST(:question AS jsonb), :revision) RETURNING id"
    )
    asked = {"plan": plan_id, "person": person, "question": orjson.dumps(dict(question)).decode(), "revision": revision}
    return int(session.execute(statement, asked).scalar_one())


def page(session: Session, scope: Scope, plan_id: int) -> list[Row[Any]]:
    """The questions asked of a plan, the newest first."""
    return list(
        session.execute(text(f"SELECT {COLUMNS} FROM plan_proposal WHERE plan_id = :plan ORDER BY id DESC"), {"plan": plan_id}).all()
    )


def one(session: Session, scope: Scope, plan_id: int, id: int) -> Row[Any] | None:
    """One question of a plan."""
    statement = text(f"SELECT {COLUMNS} FROM plan_proposal WHERE plan_id = :plan AND id = :id")
    return session.execute(statement, {"plan": plan_id, "id": id}).one_or_none()


def cancel(session: Session, scope: Scope, id: int) -> bool:
    """Stop a question that is not answered yet; False when it is over already."""
    statement = text(
        "UPDATE plan_proposal SET state = 'cancelled', done_at = now() WHERE id = :id AND state IN ('asked', 'running') RETURNING id"
    )
    return session.execute(statement, {"id": id}).one_or_none() is not None


def begin(session: Session, scope: Scope, id: int) -> Row[Any] | None:
    """Take a question to work on it, again too when the worker died over it; None when it is over."""
    statement = text(
        "UPDATE plan_proposal SET state = 'running', progress = 0 WHERE id = :id AND state IN ('asked', 'running')"
        " RETURNING id, plan_id, question, revision"
    )
    return session.execute(statement, {"id": id}).one_or_none()


def tell(session: Session, scope: Scope, id: int, progress: float) -> bool:
    """Note how far the work is; False when it was cancelled."""
    statement = text("UPDATE plan_proposal SET progress = :progress WHERE id = :id AND state = 'running' RETURNING id")
    return session.execute(statement, {"id": id, "progress": progress}).one_or_none() is not None


def finish(session: Session, scope: Scope, id: int, state: str, *, result: Facts | None = None, failure: Facts | None = None) -> None:
    """End the work, unless it was cancelled meanwhile."""
    statement = text(
        "UPDATE plan_proposal SET state = :state, progress = 1, done_at = now(), result = CAST(:result AS jsonb),"
        " failure = CAST(:failure AS jsonb) WHERE id = :id AND state = 'running'"
    )
    told = {"result": _json(result), "failure": _json(failure)}
    session.execute(statement, {"id": id, "state": state, **told})


def changed_since(session: Session, scope: Scope, plan_id: int, seq: int, communities: Sequence[int]) -> int | None:
    """The newest operation after `seq` that changed ground of some communities, more than by vertices; None if there was none."""
    statement = text("""
        SELECT max(done.seq) FROM plan_op_grid AS done JOIN plan_op AS op ON op.plan_id = done.plan_id AND op.seq = done.seq
         WHERE done.plan_id = :plan AND done.seq > :seq AND NOT op.facts -> 'noded' @> to_jsonb(done.grid_id)
           AND (CAST(before ->> 'community_id' AS integer) = ANY (:communities)
                OR CAST(after ->> 'community_id' AS integer) = ANY (:communities))
    """)
    found: int | None = session.execute(statement, {"plan": plan_id, "seq": seq, "communities": list(communities)}).scalar_one()
    return found


def members_of(session: Session, scope: Scope, building_ids: Sequence[int]) -> dict[int, int]:
    """How many people live in each of some buildings, by household."""
    statement = text("""
        SELECT building.id, sum(household.members) AS people
          FROM building JOIN household ON household.cell = building.cell AND household.building_id = building.id
         WHERE building.id = ANY (:ids) GROUP BY building.id""")
    return {row.id: int(row.people) for row in session.execute(statement, {"ids": list(building_ids)})}


def _json(value: Facts | None) -> str | None:
    return None if value is None else orjson.dumps(value, default=str, option=orjson.OPT_SERIALIZE_NUMPY).decode()
