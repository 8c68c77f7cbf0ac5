"""Use cases of search."""

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from api.actor import Actor
from data.queries import search

Row = Mapping[str, Any]
EACH, MOST = 6, 20
ADDRESS = re.compile(r"(?P<street>[^\d\s]\D*)(?P<number>[0-9]{1,5})(?![0-9])")
"""An address up to its house number; what stands behind it (号, 附近, an estate) is not looked at."""


def everything(session: Session, actor: Actor, words: str) -> dict[str, Any]:
    """What the actor may see that has the words in it; for a house number that no building has, `near`: the closest of its street."""
    actor.must("map")
    kinds = frozenset(kind for kind in ("officers", "facilities", "incidents") if actor.may(kind))
    found = search.everything(session, actor.scope, words.strip(), kinds=kinds, each=EACH, most=MOST)
    address = ADDRESS.match(words.strip()) if not found else None
    if address is None:
        return {"items": found, "near": False}
    near = search.house_numbers(session, actor.scope, address["street"], int(address["number"]), each=EACH)
    return {"items": near, "near": bool(near)}
