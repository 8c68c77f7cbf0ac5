"""Use cases of areas."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from api.actor import Actor
from data.queries import areas
from gis.errors import NotFound

Row = Mapping[str, Any]


def page(session: Session, actor: Actor, *, parent: str | None, level: str | None, as_of: datetime | None) -> list[Row]:
    """Areas the actor may see."""
    actor.must("map")
    return areas.page(session, actor.scope, parent=parent, level=level, as_of=as_of)


def one(session: Session, actor: Actor, code: str, *, as_of: datetime | None) -> Row:
    """One area with its ancestors; a dead code says when it ended and what came after it."""
    actor.must("map")
    found = areas.page(session, actor.scope, code=code, as_of=as_of)
    if found:
        return {**found[0], "ancestors": areas.ancestors(session, actor.scope, code)}
    past = areas.ended(session, actor.scope, code)
    if past is not None and as_of is None:
        raise NotFound("This area has ended; ask for a day on which it was.", ended=past["valid_to"], successors=past["successors"])
    raise NotFound("There is no such area.")
