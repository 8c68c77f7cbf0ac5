"""One question over everything that has a name, a code or an address."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from data.queries.bound import scope_binds
from data.scope import Scope
from data.sql_files import statements

Row = Mapping[str, Any]
LARGEST_NUMBER = 2**63 - 1


def everything(session: Session, scope: Scope, words: str, *, kinds: frozenset[str], each: int, most: int) -> list[Row]:
    """What has the words in it: areas, grids and buildings, and of officers, facilities and incidents those in `kinds`.

    An incident is found by its number. At most `each` of a kind and `most` in all, the closest match first.
    """
    escaped = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    number = int(words) if words.isascii() and words.isdigit() and int(words) <= LARGEST_NUMBER else None
    asked = {
        **scope_binds(scope),
        **{kind: kind in kinds for kind in ("officers", "facilities", "incidents")},
        "words": words,
        "pattern": f"%{escaped}%",
        "number": number,
        "each": each,
        "most": most,
    }
    return [dict(row) for row in session.execute(text(statements("search")["everything"]), asked).mappings()]
