"""Use cases of homes: personal fields leave masked, and in the clear only with a reason that is kept."""

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from api import masking
from api.actor import Actor
from data import sealing
from data.queries import audit, homes
from data.queries.bound import now_of
from gis.errors import NotFound

Row = Mapping[str, Any]
SEALED = "resident.sealed"
MASKS: Mapping[str, Callable[[str], str]] = {"name": masking.name, "phone": masking.phone, "number": masking.number}


def building(session: Session, actor: Actor, id: int) -> Row:
    """One building."""
    actor.must("map")
    found = homes.building(session, actor.scope, id)
    if found is None:
        raise NotFound("There is no such building.")
    return found


def households(session: Session, actor: Actor, building_id: int) -> list[Row]:
    """The households of a building."""
    actor.must("households")
    return homes.households(session, actor.scope, building(session, actor, building_id))


def residents(session: Session, actor: Actor, household_id: int, data_dir: Path, zone: ZoneInfo) -> list[Row]:
    """The residents of a household with masked names; looking is written down."""
    actor.must("residents")
    found = homes.household(session, actor.scope, household_id)
    if found is None:
        raise NotFound("There is no such household.")
    day: date = now_of(session).astimezone(zone).date()
    people = homes.residents(session, actor.scope, household_id, day=day)
    audit.record(session, actor, "residents.list", "household", household_id, community_id=found["community_id"])
    keys = sealing.keyring(data_dir)
    return [{**person, **_masked(keys, person), "care": person["care"] if actor.may("care") else None} for person in people]


def reveal(session: Session, actor: Actor, resident_id: int, field: str, why: str, data_dir: Path) -> Row:
    """One field of one resident in the clear; the reason is kept in the same transaction."""
    actor.must("residents.reveal")
    found = homes.resident(session, actor.scope, resident_id)
    if found is None:
        raise NotFound("There is no such resident.")
    audit.record(
        session, actor, "residents.reveal", "resident", resident_id,
        community_id=found["community_id"], why=why, facts={"field": field},
    )  # fmt: skip
    return {"field": field, "value": _opened(sealing.keyring(data_dir), found).get(field)}


def _masked(keys: sealing.Keyring, person: Row) -> dict[str, str | None]:
    fields = _opened(keys, person)
    return {f"{name}_masked": mask(fields[name]) if fields.get(name) else None for name, mask in MASKS.items()}


def _opened(keys: sealing.Keyring, person: Row) -> dict[str, str]:
    return {} if person["sealed"] is None else keys.open_fields(SEALED, person["id"], person["sealed"])
