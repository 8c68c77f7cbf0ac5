"""Use cases of grids."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from shapely.geometry import Point
from sqlalchemy.orm import Session

from api import masking
from api.actor import Actor
from api.period import Choice, refuse_unknown
from data import sealing
from data.queries import areas, grids, places
from data.queries.bound import now_of
from gis.errors import NotFound

Row = Mapping[str, Any]
NEAREST_OFFICERS = 3


@dataclass(frozen=True)
class Clock:
    """The deployment's time zone and the moment asked about, None for now."""

    zone: ZoneInfo
    as_of: datetime | None = None

    def day(self, session: Session) -> date:
        """The calendar day of that moment in the deployment."""
        return (self.as_of or now_of(session)).astimezone(self.zone).date()


def page(session: Session, actor: Actor, clock: Clock, *, area: str | None) -> list[Row]:
    """Grids the actor may see, of one area or of the whole scope."""
    actor.must("map")
    within = None
    if area is not None:
        within = areas.communities_in(session, actor.scope, area)
        if within is None:
            raise NotFound("There is no such area.")
    return grids.page(session, actor.scope, day=clock.day(session), within=within, as_of=clock.as_of)


def one(session: Session, actor: Actor, clock: Clock, id: int) -> Row:
    """One grid; one that has ended says when, and what came after it."""
    actor.must("map")
    found = grids.page(session, actor.scope, day=clock.day(session), id=id, as_of=clock.as_of)
    if found:
        return found[0]
    past = grids.ended(session, actor.scope, id)
    if past is not None and clock.as_of is None:
        raise NotFound("This grid has ended; ask for a day on which it was.", ended=past["valid_to"], successors=past["successors"])
    raise NotFound("There is no such grid.")


def card(session: Session, actor: Actor, clock: Clock, id: int, choice: Choice, data_dir: Path) -> Row:
    """A grid with its officer, its homes and, of the chosen categories and hours, its incidents today."""
    grid = one(session, actor, clock, id)
    now = now_of(session)
    today = datetime.combine(now.astimezone(clock.zone).date(), time(), clock.zone)
    held = grids.card(session, actor.scope, id, grids.Held(clock.day(session), today, now, choice.categories, choice.hours))
    if held is None:
        raise NotFound("There is no such grid.")
    refuse_unknown(session, actor, choice.categories)
    sees_incidents, care = actor.may("incidents"), None
    if actor.may("care") and actor.may("residents"):
        care = grids.residents_by_care(session, actor.scope, id, day=clock.day(session))
    community = areas.page(session, actor.scope, code=grid["community_code"])
    return {
        **grid,
        "ancestors": [*areas.ancestors(session, actor.scope, grid["community_code"]), *community],
        "officer": _answering(held, data_dir),
        "nearest_officers": _nearest(session, actor, Point(held["lon"], held["lat"]), clock.day(session)),
        **{name: held[name] if sees_incidents else None for name in ("today", "open", "overdue")},
        "hotspot": held["hotspot"],
        "buildings": held["buildings"],
        "residents_by_care": care,
    }


def border(session: Session, actor: Actor, id: int) -> str:
    """The current border of a grid as GeoJSON text."""
    actor.must("map")
    found = grids.border(session, actor.scope, id)
    if found is None:
        raise NotFound("There is no such grid.")
    return found


def _answering(held: Row, data_dir: Path) -> Row | None:
    if held["officer_id"] is None:
        return None
    sealed = held["phone_sealed"]
    phone = sealing.keyring(data_dir).open("officer.phone_sealed", held["officer_id"], sealed).decode() if sealed else None
    return {
        "id": held["officer_id"],
        "name": held["officer_name"],
        "phone_masked": masking.phone(phone) if phone else None,
        "on_duty": held["on_duty"],
    }


def _nearest(session: Session, actor: Actor, place: Point, day: date) -> list[Row]:
    if not actor.may("officers"):
        return []
    return places.nearest(session, actor.scope, "officers", place, places.Wanted(day=day), k=NEAREST_OFFICERS)
