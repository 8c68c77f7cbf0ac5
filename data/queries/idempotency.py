"""Answers kept under the key a client gave, so that a repeated request changes nothing and is answered the same."""

from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from data.scope import Scope

FORGET = text("DELETE FROM idempotency WHERE person_id = :person_id AND at < now() - interval '2 days'")


@dataclass(frozen=True, slots=True)
class Kept:
    """The first answer under a key, and the request it was for."""

    route: str
    body_hash: bytes
    status: int
    answer: Any


def claim(session: Session, scope: Scope, person_id: int, key: str) -> Kept | None:
    """The answer kept under a person's key, or None; until this transaction ends, others with the key wait."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, :person_id))"), {"key": key, "person_id": person_id})
    row = session.execute(
        text("SELECT route, body_hash, status, answer FROM idempotency WHERE person_id = :person_id AND key = :key"),
        {"person_id": person_id, "key": key},
    ).one_or_none()
    return None if row is None else Kept(row.route, bytes(row.body_hash), row.status, row.answer)


def keep(session: Session, scope: Scope, person_id: int, key: str, answered: Kept) -> None:
    """Keep an answer in the transaction of the change it tells of; forgets the person's old ones."""
    session.execute(FORGET, {"person_id": person_id})
    session.execute(
        text(
            "INSERT INTO idempotency (person_id, key, route, body_hash, status, answer)"
            " VALUES (:person_id, :key, :route, :body_hash, :status, CAST(:answer AS jsonb))"
        ),
        {
            "person_id": person_id,
            "key": key,
            "route": answered.route,
            "body_hash": answered.body_hash,
            "status": answered.status,
            "answer": orjson.dumps(answered.answer).decode(),
        },
    )
