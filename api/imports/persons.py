"""Reads the head of a household where a mapping asks for it, and masks those columns before anything else sees the rows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from api import masking
from api.imports import fields
from api.imports.fields import Values
from api.imports.mapping import LayerMapping

MASKS: dict[str, Callable[[str], str]] = {"name": masking.name, "phone": masking.phone, "number": masking.number}


def _nothing(value: str) -> str:
    """A mask that shows only that there is something."""
    return "***" if value else ""


@dataclass
class People:
    """Values by field of the resident, what is left of the columns they came from, and why rows are refused: never with a value."""

    values: dict[str, Values] = field(default_factory=dict)
    masked: dict[str, Values] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)


def read(rows: pd.DataFrame, mapping: LayerMapping, time_zone: str) -> People:
    """The resident's fields of every row; empty where the mapping has no [layer.resident]."""
    people = People()
    if not mapping.resident:
        return people
    fields.refuse_missing_columns(rows, mapping)
    result = fields.Read()
    zone = ZoneInfo(mapping.time_zone or time_zone)
    for name, spec in mapping.resident.items():
        people.values[name] = fields.column(rows, name, spec, zone, result)
        mask = MASKS.get(name, _nothing)
        for column in spec.wanted:
            shown = [mask(str(value)) if not pd.isna(value) and str(value).strip() else "" for value in rows[column]]
            people.masked[column] = np.array(shown, dtype=object)
    people.refused = {row: f"{why.partition(':')[0]}: the value is not one the mapping takes" for row, why in result.refused.items()}
    return people
