"""Use cases of facilities."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from shapely.geometry import Point
from sqlalchemy.orm import Session

from api.actor import Actor
from data.queries import facilities, places
from gis.errors import NotFound

Row = Mapping[str, Any]


def one(session: Session, actor: Actor, id: int) -> Row:
    """One facility."""
    actor.must("facilities")
    found = facilities.one(session, actor.scope, id)
    if found is None:
        raise NotFound("There is no such facility.")
    return found


def kinds(session: Session, actor: Actor) -> list[Row]:
    """The kinds of facilities the actor may see."""
    actor.must("facilities")
    return facilities.kinds(session, actor.scope)


def nearest(session: Session, actor: Actor, place: Point, *, kind: str | None, k: int) -> list[Row]:
    """The k facilities nearest to a place, of a kind or of any."""
    actor.must("facilities")
    # Facilities do not depend on the day; the query takes one for those that do.
    wanted = places.Wanted(day=date.min, kind=kind)
    return places.nearest(session, actor.scope, "facilities", place, wanted, k=k)
