"""What is wrong with a mapping file, said so that it can be mended: the key, what it may be, the nearest right name."""

import difflib
import inspect
import typing
from typing import Any

from pydantic import BaseModel, ValidationError

from gis.errors import BadMapping

TOLD = 3


def refusal(file: str, wrong: ValidationError, model: type[BaseModel]) -> BadMapping:
    """A refusal that names the first wrong keys of a file and what to write instead."""
    errors = wrong.errors()
    said = [f"{_where(error['loc'])}: {_what(error, model)}" for error in errors[:TOLD]]
    more = f" And {len(errors) - TOLD} more." if len(errors) > TOLD else ""
    return BadMapping(f"{file}: {'; '.join(said)}.{more}", where=_where(errors[0]["loc"]))


def _where(place: tuple[int | str, ...]) -> str:
    """layer, 0, fields, code → layer 1.fields.code, counted as people count."""
    text = ""
    for part in place:
        text += f" {part + 1}" if isinstance(part, int) else f".{part}" if text else part
    return text or "the file"


def _what(error: Any, model: type[BaseModel]) -> str:
    given = str(error["input"])[:40]
    if error["type"] == "extra_forbidden":
        names = _keys(model, error["loc"][:-1])
        return f"there is no such key{_hint(str(error['loc'][-1]), names)}. There are: {', '.join(names)}"
    if error["type"] == "literal_error":
        allowed = str(error["ctx"]["expected"])
        names = [each.strip(" '") for each in allowed.replace(" or ", ", ").split(",")]
        return f"{given!r} is not allowed{_hint(given, names)}. Allowed: {', '.join(names)}"
    if error["type"] == "missing":
        return "this key is missing"
    return str(error["msg"]).removeprefix("Value error, ")


def _hint(given: str, names: list[str]) -> str:
    found = difflib.get_close_matches(given, names, n=1, cutoff=0.5)
    return f", did you mean {found[0]}?" if found else ""


def _keys(model: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    """The keys of the table at a place of the file."""
    here: Any = model
    for part in place:
        if isinstance(part, str) and isinstance(here, type) and issubclass(here, BaseModel) and part in here.model_fields:
            here = _table(here.model_fields[part].annotation)
    return list(here.model_fields) if isinstance(here, type) and issubclass(here, BaseModel) else []


def _table(kind: Any) -> Any:
    """The table inside list, dict and optional types; the type itself where there is none."""
    if inspect.isclass(kind) and issubclass(kind, BaseModel):
        return kind
    for inner in typing.get_args(kind):
        found = _table(inner)
        if inspect.isclass(found) and issubclass(found, BaseModel):
            return found
    return kind
