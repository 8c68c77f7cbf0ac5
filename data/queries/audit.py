"""The audit trail: one row in the transaction of each change, reveal and sign-in; written once, never changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from data.scope import Scope


class Asking(Protocol):
    """Whoever can be held to account: an actor."""

    @property
    def person_id(self) -> int:
        """The person's id."""
        ...


RECORD = text("""
    INSERT INTO audit (person_id, address, action, noun, noun_id, community_id, outcome, why, facts)
    VALUES (:person_id, coalesce(:address, (gate.current_session()).address), :action, :noun, :noun_id, :community_id, :outcome, :why,
            CAST(:facts AS jsonb))
""")


def record(  # noqa: PLR0913  each is a column of the trail
    session: Session,
    actor: Asking | None,
    action: str,
    noun: str,
    noun_id: object = "",
    *,
    community_id: int = 0,
    why: str = "",
    outcome: str = "done",
    facts: Mapping[str, object] | None = None,
    address: str | None = None,
) -> None:
    """Write down who did what to which thing, in the transaction that does it; both happen or neither.

    `actor` is None only for a sign-in that failed (action "sign_in"). `facts` never holds personal data.
    """
    session.execute(
        RECORD,
        {
            "person_id": None if actor is None else actor.person_id,
            "address": address,
            "action": action,
            "noun": noun,
            "noun_id": str(noun_id),
            "community_id": community_id,
            "outcome": outcome,
            "why": why,
            "facts": orjson.dumps(dict(facts or {}), default=str).decode(),
        },
    )


@dataclass(frozen=True, slots=True)
class Filter:
    """What of the trail is asked for; None means any. `before` pages backwards from an id."""

    person_id: int | None = None
    action: str | None = None
    noun: str | None = None
    noun_id: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None
    limit: int = 100


ENTRIES = text("""
    SELECT audit.id, audit.at, audit.person_id, address, action, noun, noun_id, community_id, outcome, why, facts
      FROM audit
     WHERE (CAST(:person_id AS bigint) IS NULL OR audit.person_id = :person_id)
       AND (CAST(:action AS text) IS NULL OR action = :action)
       AND (CAST(:noun AS text) IS NULL OR noun = :noun)
       AND (CAST(:noun_id AS text) IS NULL OR noun_id = :noun_id)
       AND (CAST(:outcome AS text) IS NULL OR outcome = :outcome)
       AND (CAST(:since AS timestamptz) IS NULL OR at >= :since)
       AND (CAST(:until AS timestamptz) IS NULL OR at < :until)
       AND (CAST(:before AS bigint) IS NULL OR id < :before)
     ORDER BY id DESC LIMIT :limit
""")


def entries(session: Session, scope: Scope, wanted: Filter) -> list[Mapping[str, Any]]:
    """The newest entries that match, for those whom the database lets read the trail."""
    asked = {name: getattr(wanted, name) for name in Filter.__slots__}
    return [dict(row) for row in session.execute(ENTRIES, asked).mappings()]
