"""Use cases of officers."""

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from api import masking
from api.actor import Actor
from data import sealing
from data.queries import areas, officers
from data.queries.bound import now_of
from gis.errors import NotFound

Row = Mapping[str, Any]
SEALED = "officer.phone_sealed"


def page(session: Session, actor: Actor, zone: ZoneInfo, *, area: str | None, as_of: datetime | None) -> list[Row]:
    """Officers the actor may see, of one area or of the whole scope."""
    actor.must("officers")
    within = None
    if area is not None:
        within = areas.communities_in(session, actor.scope, area)
        if within is None:
            raise NotFound("There is no such area.")
    return officers.page(session, actor.scope, day=_day(session, zone, as_of), within=within)


def one(session: Session, actor: Actor, zone: ZoneInfo, id: int, data_dir: Path) -> Row:
    """One officer with a masked phone."""
    actor.must("officers")
    found = officers.page(session, actor.scope, day=_day(session, zone, None), id=id)
    if not found:
        raise NotFound("There is no such officer.")
    sealed = found[0]["phone_sealed"]
    phone = sealing.keyring(data_dir).open(SEALED, id, sealed).decode() if sealed else None
    return {**found[0], "phone_masked": masking.phone(phone) if phone else None}


def _day(session: Session, zone: ZoneInfo, as_of: datetime | None) -> date:
    return (as_of or now_of(session)).astimezone(zone).date()
