"""Loads the named statements of `data/sql`, so that SQL is kept as SQL and read once."""

import re
from functools import cache
from pathlib import Path
from types import MappingProxyType

from sqlalchemy import TextClause, text

FOLDER = Path(__file__).parent / "sql"
NAME = re.compile(r"^-- (\w+) --$", re.MULTILINE)
COMMENT = re.compile(r"^\s*--.*$", re.MULTILINE)


@cache
def statements(noun: str) -> MappingProxyType[str, TextClause]:
    """The statements of `data/sql/<noun>.sql` by name; each begins with a line `-- name --`. Comments are left out."""
    parts = NAME.split((FOLDER / f"{noun}.sql").read_text(encoding="utf-8"))
    # A colon in a comment would be taken for a bind.
    named = {name: text(COMMENT.sub("", body).strip().rstrip(";")) for name, body in zip(parts[1::2], parts[2::2], strict=True)}
    return MappingProxyType(named)
