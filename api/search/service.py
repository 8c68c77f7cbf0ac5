"""Use cases of search."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from api.actor import Actor
from data.queries import search

Row = Mapping[str, Any]
EACH, MOST = 6, 20


def everything(session: Session, actor: Actor, words: str) -> list[Row]:
    """What the actor may see that has the words in it."""
    actor.must("map")
    kinds = frozenset(kind for kind in ("officers", "facilities", "incidents") if actor.may(kind))
    return search.everything(session, actor.scope, words.strip(), kinds=kinds, each=EACH, most=MOST)
