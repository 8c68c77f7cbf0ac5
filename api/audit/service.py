"""Reading the trail; who reads it stands in it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from api.actor import Actor
from data.queries import audit

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def entries(session: "Session", actor: Actor, wanted: audit.Filter) -> list[Mapping[str, Any]]:
    """The newest entries that match; looking is itself written down."""
    actor.must("audit")
    found = audit.entries(session, actor.scope, wanted)
    asked = {name: getattr(wanted, name) for name in audit.Filter.__slots__ if getattr(wanted, name) is not None}
    audit.record(session, actor, "read", "audit", facts=asked)
    return found
