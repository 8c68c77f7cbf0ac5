"""What happens if, and only if, the transaction commits: open pages hear of a change, the worker does a job."""

from dataclasses import dataclass

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

PUBLISH = text("INSERT INTO outbox (layer, op, noun_id, cell, community_id) VALUES (:layer, :op, :noun_id, :cell, :community_id)")
DEFER = text("SELECT gate.defer(:task, CAST(:args AS jsonb), :queueing_lock)")


@dataclass(frozen=True, slots=True)
class Change:
    """What others must hear of: ids and the area, never content. `op`: insert, update, delete or bulk."""

    layer: str
    op: str
    noun_id: int | None = None
    cell: int | None = None
    community_id: int = 0


def publish(session: Session, *changes: Change) -> None:
    """Write changes into the outbox; a relay tells them after the commit. No NOTIFY here: it would serialise all commits."""
    if changes:
        session.execute(
            PUBLISH,
            [
                {"layer": each.layer, "op": each.op, "noun_id": each.noun_id, "cell": each.cell, "community_id": each.community_id}
                for each in changes
            ],
        )


def defer(session: Session, task: str, *, once: str | None = None, **ids: int | str) -> int | None:
    """Ask the worker for a job by name, with ids only; a job that waits under the same `once` is not asked for twice (None)."""
    asked = {"task": task, "args": orjson.dumps(ids).decode(), "queueing_lock": once}
    job_id: int | None = session.execute(DEFER, asked).scalar_one()
    return job_id
