"""Questions about people and their sessions; what the application may not read itself, the gate answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from data.scope import Scope, from_multirange


@dataclass(frozen=True, slots=True)
class Caller:
    """The person behind a token, with what the token allows."""

    person_id: int
    sign_in_name: str
    display_name: str
    roles: tuple[str, ...]
    language: str
    permissions: tuple[str, ...]
    scope: Scope
    area_ids: tuple[int, ...]
    kind: str
    expires_at: datetime
    idle_s: float


WHO = text("SELECT *, extract(epoch FROM now() - last_seen_at)::float AS idle_s FROM gate.who()")


def who(session: Session, token: str) -> Caller | None:
    """Who asks in this transaction, which `token` was named for; None when it is unknown, expired or idle too long."""
    row = session.execute(WHO).mappings().one_or_none()
    return None if row is None else caller_from(row, token)


def seen(session: Session) -> None:
    """Keep the caller's session from going idle; writes at most twice a minute."""
    session.execute(text("SELECT gate.seen()"))


def caller_from(row: Mapping[Any, Any], token: str) -> Caller:
    """The caller in a row of WHO."""
    return Caller(
        person_id=row["person_id"],
        sign_in_name=row["sign_in_name"],
        display_name=row["display_name"],
        roles=tuple(row["roles"]),
        language=row["language"],
        permissions=tuple(row["permissions"]),
        scope=from_multirange(token, row["scope"]),
        area_ids=tuple(row["area_ids"]),
        kind=row["kind"],
        expires_at=row["expires_at"],
        idle_s=row["idle_s"],
    )
