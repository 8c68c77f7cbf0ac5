"""The audit trail on the wire."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel


class EntryOut(BaseModel):
    """Who did what to which thing, when, from where, and why."""

    id: int
    at: datetime
    person_id: int | None
    address: str | None
    action: str
    noun: str
    noun_id: str
    community_id: int
    outcome: Literal["done", "refused"]
    why: str
    facts: dict[str, Any]


class TrailOut(BaseModel):
    """A page of the trail, newest first; `next` is the `before` of the next page."""

    items: list[EntryOut]
    next: int | None
