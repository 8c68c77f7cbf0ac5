"""Columns of a source → values of our fields, by the small named transforms of a mapping; a value that will not go says why."""

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from api.imports.mapping import PLACEHOLDER, ROW, LayerMapping, Spec, nearest
from data.files.tables import absent, number
from gis.errors import BadMapping

EXCEL_EPOCH = dt.datetime(1899, 12, 30)  # noqa: DTZ001  a sheet's day numbers have no zone; the mapping's is put on afterwards
YES = {"1", "y", "yes", "true", "t", "是", "有"}
NO = {"0", "n", "no", "false", "f", "否", "无", ""}
EARLIEST, LATEST = dt.datetime(1900, 1, 1, tzinfo=dt.UTC), dt.datetime(2200, 1, 1, tzinfo=dt.UTC)
TIMES = {"reported_at", "filed_at", "dispatched_at", "handled_at", "closed_at", "due_at"}
DAYS = {"care_since"}
INTEGERS = {"count", "levels", "built_year", "households", "severity", "members", "birth_year"}
FLAGS = {"urgent", "on_spot", "supervised", "floating", "has_address", "has_family", "has_work", "has_changes", "has_key_persons"}
LONGEST_NAME = 200
"""Letters; the routes by which people name things take as many."""
NAMES = {"name", "name_en"}
Value = str | int | float | bool | dt.datetime | None
Values = NDArray[np.object_]
"""One value for each row."""


@dataclass
class Read:
    """Values by field, one list each, and why rows (from 0) are refused; the first reason of a row stays."""

    values: dict[str, Values] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)

    def refuse(self, row: int, why: str) -> None:
        """Refuse a row unless it is refused already."""
        self.refused.setdefault(row, why)


class Unfit(ValueError):
    """A value that a transform cannot take; its text is the reason."""


def read(rows: pd.DataFrame, mapping: LayerMapping, time_zone: str, *, first: int = 0) -> Read:
    """All fields of a layer whose rows begin at row `first` of the file; BadMapping if it names a column that is not there."""
    refuse_missing_columns(rows, mapping)
    result = Read()
    zone = ZoneInfo(mapping.time_zone or time_zone)
    for name, spec in mapping.fields.items():
        result.values[name] = column(rows, name, spec, zone, result, first=first)
    for exclusion in mapping.refuse:
        named = rows[exclusion.column].astype(str).str.strip().isin(exclusion.equals).to_numpy(bool)
        for row in np.flatnonzero(named):
            result.refuse(int(row), exclusion.why)
    return result


def column(rows: pd.DataFrame, name: str, spec: Spec, zone: ZoneInfo, result: Read, *, first: int = 0) -> Values:
    """One field: each distinct text is worked out once, however many rows say it."""
    finish = _finisher(name, spec, zone)
    codes, texts = _texts(rows, spec, first)
    values = np.full(len(texts) + 1, None, dtype=object)
    unfit: dict[int, str] = {}
    for place, text in enumerate([*texts, None]):
        try:
            values[place] = finish(text)
        except Unfit as reason:
            unfit[place] = f"{name}: {reason}"
    if unfit:
        codes = np.where(codes < 0, len(texts), codes)
        for row in np.flatnonzero(np.isin(codes, list(unfit))):
            result.refuse(int(row), unfit[int(codes[row])])
    return np.asarray(values[codes], dtype=object)


def refuse_missing_columns(rows: pd.DataFrame, mapping: LayerMapping) -> None:
    """BadMapping for columns that the file does not have, and for columns with persons where no person may be."""
    named = [name for spec in (*mapping.fields.values(), *mapping.resident.values()) for name in spec.wanted]
    named += [exclusion.column for exclusion in mapping.refuse] + [check.column for check in mapping.check_area]
    personal = set(mapping.personal(named))
    if personal:
        raise BadMapping(
            f"The mapping of {mapping.source} reads columns with persons, which are never loaded: {', '.join(sorted(personal))}."
        )
    missing = sorted({name for name in named if name not in rows})
    if missing:
        raise BadMapping(
            f"The file of {mapping.source} has no column {', '.join(missing)}{nearest(missing, [str(name) for name in rows.columns])}."
            f" It has: {', '.join(map(str, rows.columns))}.", missing=missing,
        )  # fmt: skip


def _texts(rows: pd.DataFrame, spec: Spec, first: int) -> tuple[NDArray[np.int64], list[str | None]]:
    """What the columns say: a number for each row, -1 where they say that there is nothing, and the text of each number."""
    if spec.constant is not None:
        return np.zeros(len(rows), dtype=np.int64), [str(spec.constant)]
    if spec.column == ROW:
        return np.arange(len(rows)), [str(number) for number in range(first + 1, first + len(rows) + 1)]
    if spec.column is not None:
        codes, distinct = pd.factorize(rows[spec.column])
        return np.asarray(codes, dtype=np.int64), [_text(value) for value in distinct]
    if spec.columns:
        parts = [[_text(value) for value in rows[name]] for name in spec.columns]
        joined = (spec.join.join(each for each in row if each) for row in zip(*parts, strict=True))
        return np.arange(len(rows)), [each or None for each in joined]
    return np.arange(len(rows)), _filled(rows, str(spec.template))


def _filled(rows: pd.DataFrame, template: str) -> list[str | None]:
    places = PLACEHOLDER.findall(template)
    columns = {name: [_text(value) for value in rows[name]] for name, _ in places}
    result: list[str | None] = []
    for row in range(len(rows)):
        if any(columns[name][row] is None for name, _ in places):
            result.append(None)
            continue

        def fill(found: re.Match[str], row: int = row) -> str:
            width = int(found[2] or 0)
            return str(columns[found[1]][row]).rjust(width, "0" if (found[2] or "").startswith("0") else " ")

        result.append(PLACEHOLDER.sub(fill, template))
    return result


def _text(value: object) -> str | None:
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):  # noqa: PLR0124  NaN is not itself
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    plain = str(value).strip()
    return None if absent(plain) else plain.replace("\x00", "")


def _finisher(name: str, spec: Spec, zone: ZoneInfo) -> Callable[[str | None], Value]:
    """The transforms of one field as one function."""
    parse = spec.parse or ("time" if name in TIMES | DAYS else "integer" if name in INTEGERS else "yes_no" if name in FLAGS else None)
    pattern = re.compile(spec.match) if spec.match else None

    def finish(text: str | None) -> Value:
        if text is not None and spec.split:
            text = text.split(spec.split)[0].strip() or None
        if text is not None and pattern:
            text = _matched(pattern, text)
        if text is not None and spec.case:
            text = getattr(text, spec.case)()
        if text is not None and spec.pad:
            text = text.rjust(spec.pad, "0")
        if text is not None and spec.lookup:
            text = _looked_up(spec, text)
        if text is None:
            return spec.default
        if name in NAMES and len(text) > LONGEST_NAME:
            raise Unfit(f"it is longer than {LONGEST_NAME} characters")
        return _parsed(parse, text, spec.format, zone)

    return finish


def _matched(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.search(text)
    if found is None:
        return None
    return (found[1] if pattern.groups else found[0]) or None


def _looked_up(spec: Spec, text: str) -> str | None:
    if text in spec.lookup:
        return spec.lookup[text]
    if spec.unknown == "refuse":
        raise Unfit(f"{text[:60]!r} is not among the values the mapping knows")
    return None if spec.unknown == "default" else text


def _parsed(parse: str | None, text: str, formats: tuple[str, ...], zone: ZoneInfo) -> Value:
    if parse == "time":
        return _time(text, formats, zone)
    if parse in ("number", "integer"):
        value = number(text)
        if value is None:
            raise Unfit(f"{text[:40]!r} is not a number")
        return round(value) if parse == "integer" else value
    if parse == "yes_no":
        if text.lower() in YES or text.lower() in NO:
            return text.lower() in YES
        raise Unfit(f"{text[:40]!r} is neither yes nor no")
    return text


def _time(text: str, formats: tuple[str, ...], zone: ZoneInfo) -> dt.datetime:
    """A point in time by the first format that takes it; without a zone of its own it is local to the source."""
    for each in formats:
        try:
            moment = _by_format(text, each)
        except (ValueError, OverflowError, OSError):
            continue
        aware = moment.replace(tzinfo=zone) if moment.tzinfo is None else moment
        in_utc = aware.astimezone(dt.UTC)
        if not EARLIEST <= in_utc < LATEST:
            raise Unfit(f"the year of {text[:40]!r} cannot be right")
        return in_utc
    raise Unfit(f"{text[:40]!r} is not a time in the form {' or '.join(formats)}")


def _by_format(text: str, form: str) -> dt.datetime:
    if form == "iso":
        return dt.datetime.fromisoformat(text.replace("/", "-"))
    if form == "epoch":
        return dt.datetime.fromtimestamp(float(text), dt.UTC)
    if form == "epoch_ms":
        return dt.datetime.fromtimestamp(float(text) / 1000, dt.UTC)
    if form == "excel":
        return EXCEL_EPOCH + dt.timedelta(days=float(text))
    return dt.datetime.strptime(text, form)  # noqa: DTZ007  the zone is put on by the caller
