"""Named statements: SQL of fifteen lines and more lives in `data/sql/<noun>.sql`, read once."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

SQL = Path(__file__).parent / "sql"
NAME = re.compile(r"^-- ([a-z_0-9]+) --$", re.MULTILINE)


@cache
def statements(noun: str) -> Mapping[str, str]:
    """The statements of `data/sql/<noun>.sql` by name; each opens with a line `-- name --`."""
    _, *parts = NAME.split((SQL / f"{noun}.sql").read_text(encoding="utf-8"))
    return MappingProxyType(dict(zip(parts[::2], (body.strip() for body in parts[1::2]), strict=True)))
