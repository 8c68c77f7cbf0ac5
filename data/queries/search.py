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
    number = int(words) if words.isascii() and words.isdigit() and int(words) <= LARGEST_NUMBER else None
    asked = {
        **scope_binds(scope),
        **{kind: kind in kinds for kind in ("officers", "facilities", "incidents")},
        "words": words,
        "pattern": f"%{_escaped(words)}%",
        "number": number,
        "each": each,
        "most": most,
    }
    return [dict(row) for row in session.execute(text(_cased(statements("search")["everything"], words)), asked).mappings()]


def house_numbers(session: Session, scope: Scope, street: str, number: int, *, each: int) -> list[Row]:
    """Buildings of a street (the words before the number in their addresses), those first whose number comes closest."""
    asked = {**scope_binds(scope), "street": street, "pattern": f"{_escaped(street)}%", "number": number, "each": each}
    return [dict(row) for row in session.execute(text(statements("search")["house_numbers"]), asked).mappings()]


def _cased(statement: str, words: str) -> str:
    """The statement with the cheapest comparison that finds the same: ILIKE folds each row's text by the rules of a language."""
    cased = [letter for letter in words if letter.lower() != letter.upper()]
    if not cased:
        return statement.replace("ILIKE pattern", "LIKE pattern")
    return statement.replace("ILIKE pattern", 'ILIKE pattern COLLATE "C"') if "".join(cased).isascii() else statement


def _escaped(words: str) -> str:
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
