"""Use cases of categories."""

from sqlalchemy.orm import Session

from api.actor import Actor
from data.queries import categories


def every(session: Session, actor: Actor) -> list[dict[str, object]]:
    """All categories; they belong to no area."""
    return [dict(row._mapping) for row in categories.every(session, actor.scope)]
