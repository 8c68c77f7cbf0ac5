"""The head of a household: sealed before it is stored, compared unsealed, written only where something has changed."""

import datetime as dt
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from api.imports.prepared import Prepared
from data.queries import import_homes, imports
from data.scope import Scope
from data.sealing import Keyring, packed

CARE = frozenset({"poor", "lone_elder", "left_behind_child", "disabled", "unemployed", "floating", "correction", "drug_recovery",
                  "mental_health"})  # fmt: skip
SEXES = frozenset({"female", "male", "unknown"})
SEALED = ("name", "phone", "number")
COLUMN = "resident.sealed"
Row = Mapping[str, Any]


def refuse_unknown_care(prepared: Prepared) -> None:
    """Refuse rows whose class of care, sex or year of birth is none of ours; the reason holds no value, as it is personal."""
    for row in prepared.kept if prepared.mapping.resident else ():
        if set(_care(prepared, row)) - CARE:
            prepared.refuse(row, f"care: the value is not one of {', '.join(sorted(CARE))}; give it a lookup in the mapping")
        elif _one(prepared, "sex", row, "unknown") not in SEXES:
            prepared.refuse(row, f"sex: the value is not one of {', '.join(sorted(SEXES))}; give it a lookup in the mapping")
        elif not 1850 <= int(_one(prepared, "birth_year", row, 1950)) <= 2200:
            prepared.refuse(row, "birth_year: the value is no year of birth")


def store(session: Session, scope: Scope, prepared: Prepared, rows: NDArray[np.int64], keys: Keyring) -> set[str]:
    """Store the heads of households that are stored already; the source ids of households whose head or care is new or changed."""
    by_number = {prepared.text("source_id", row): int(row) for row in rows if _given(prepared, row)}
    known = import_homes.heads(session, scope, prepared.mapping.source, list(by_number))
    zone, _ = imports.time_zone(session, scope)
    fresh = iter(import_homes.new_resident_ids(session, scope, sum(head["id"] is None for head in known.values())))
    people, care, touched = [], [], set()
    for number, head in known.items():
        row = by_number[number]
        resident_id = next(fresh) if head["id"] is None else head["id"]
        fields = {name: str(_one(prepared, name, row, "")) for name in SEALED}
        facts = {"sex": _one(prepared, "sex", row, "unknown"), "birth_year": _one(prepared, "birth_year", row, None)}
        if not _same(head, fields, facts, keys):
            people.append(_sealed({"id": resident_id, **_place(head), **facts}, fields, keys))
            touched.add(number)
        for class_ in sorted(set(_care(prepared, row)) - set(head["care"] if head["id"] is not None else ())):
            since = _one(prepared, "care_since", row, None)
            day = since.astimezone(ZoneInfo(prepared.mapping.time_zone or zone)).date() if isinstance(since, dt.datetime) else None
            care.append({"id": resident_id, **_place(head), "class": class_, "since": day, "zone": zone})
            touched.add(number)
    import_homes.put_heads(session, scope, people, care)
    return touched


def _same(head: Row, fields: dict[str, str], facts: Row, keys: Keyring) -> bool:
    if head["id"] is None or head["sealed"] is None or any(head[name] != value for name, value in facts.items()):
        return False
    return keys.open_fields(COLUMN, head["id"], head["sealed"]) == fields


def _sealed(row: dict[str, Any], fields: dict[str, str], keys: Keyring) -> Row:
    return {
        **row,
        "sealed": keys.seal(COLUMN, row["id"], packed(fields)),
        "phone_index": keys.blind_index("resident.phone", fields["phone"]) if fields["phone"] else None,
        "number_index": keys.blind_index("resident.number", fields["number"]) if fields["number"] else None,
    }


def _place(head: Row) -> Row:
    return {name: head[name] for name in ("cell", "household_id", "community_id")}


def _given(prepared: Prepared, row: int) -> bool:
    return any(values[row] is not None for values in prepared.persons.values())


def _care(prepared: Prepared, row: int) -> list[str]:
    """Classes of care; a source may name several, with commas between."""
    told = str(_one(prepared, "care", row, ""))
    return [each.strip() for each in told.split(",") if each.strip()]


def _one(prepared: Prepared, name: str, row: int, default: Any) -> Any:
    values = prepared.persons.get(name)
    return default if values is None or values[row] is None else values[row]
