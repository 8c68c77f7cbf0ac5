"""Incidents of a feed: checked, categorised, placed; those known already change nothing."""

import datetime as dt
import hashlib
from collections.abc import Sequence

import numpy as np
import orjson
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from api.imports import areas_check, categories
from api.imports.fields import Value
from api.imports.mapping import AreaCheck
from api.imports.prepared import Prepared
from data.queries import imports
from data.queries.imports import Ground
from data.queries.incident_load import load_many
from data.scope import Scope
from gis.assignment import NOBODY, GridLocator
from gis.errors import BadMapping

STATES = frozenset({"reported", "verifying", "not_filed", "filed", "dispatched", "returned", "handling", "suspended", "feedback",
                    "checking", "rework", "closed"})  # fmt: skip
ENDED = ("closed", "not_filed")
TIMES = ("filed_at", "dispatched_at", "handled_at", "closed_at", "due_at")
LONGEST_TEXT = 2_000
LONGEST_NUMBER = 200


def store(session: Session, scope: Scope, prepared: Prepared) -> None:
    """Refuse what cannot be an incident here, load the rest, compare places with the areas the source names."""
    prepared.need("source_id", "category", "reported_at")
    _refuse_odd_values(prepared)
    grids = imports.ground(session, scope, "grid")
    if not len(grids.ids):
        raise BadMapping("There are no grids yet: import the ground before incidents.")
    lon, lat = _places(prepared)
    grid = _within(prepared, grids, lon, lat)
    ids = categories.of_incidents(session, scope, prepared)
    _settle_times(prepared)
    rows = _without_doubles(prepared, lon, lat)
    frame = _frame(prepared, rows, ids, lon, lat)
    loaded = load_many(imports.raw_connection(session), frame)
    for row in rows[loaded.clashing]:
        number = prepared.text("source_id", row)
        prepared.refuse(
            row, f"source_id: {number!r} is stored already with other content; incidents change through their own log, not by import"
        )
    prepared.report.loaded = int((loaded.ids >= 0).sum())
    prepared.report.unchanged += int(loaded.known.sum())
    if loaded.known.any():
        prepared.report.notes.append(f"{int(loaded.known.sum())} rows were there already, under the same number with the same content.")
    prepared.report.unplaced = int(((loaded.ids >= 0) & (loaded.grid_ids < 0)).sum())
    _compare(session, scope, prepared, grids, grid)
    if prepared.report.loaded:
        imports.tell_bulk(session, scope, ["incident"])


def _refuse_odd_values(prepared: Prepared) -> None:
    for row in prepared.kept:
        state = prepared.text("state", row, "reported")
        severity = prepared.value("severity", row, 1)
        if state not in STATES:
            prepared.refuse(row, f"state: {state!r} is not one of ours; give it a lookup in the mapping")
        elif severity not in (1, 2, 3):
            prepared.refuse(row, f"severity: {severity!r} is not 1, 2 or 3")
        elif len(prepared.text("source_id", row)) > LONGEST_NUMBER:
            prepared.refuse(row, "source_id: it is longer than 200 characters")


def _places(prepared: Prepared) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitude and latitude of each row, NaN where there is none."""
    lon, lat = np.full(len(prepared.layer), np.nan), np.full(len(prepared.layer), np.nan)
    for row in prepared.kept:
        shape = prepared.shapes[row]
        if shape is None or shape.is_empty:
            if prepared.mapping.without_place == "refuse":
                prepared.refuse(row, "There is no place.")
        elif shape.geom_type == "Point" or (shape.geom_type == "MultiPoint" and len(shape.geoms) == 1):
            point = shape if shape.geom_type == "Point" else shape.geoms[0]
            lon[row], lat[row] = point.x, point.y
        else:
            prepared.refuse(row, f"The shape is a {shape.geom_type}, not a place.")
    return lon, lat


def _within(prepared: Prepared, grids: Ground, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int64]:
    """The position of each row's grid, -1 for none; places outside are refused unless the mapping keeps them."""
    grid = GridLocator(list(grids.borders), np.arange(len(grids.ids))).assign(lon, lat, distances=False).ids
    for row in prepared.kept:
        if np.isfinite(lon[row]) and grid[row] == NOBODY and prepared.mapping.outside == "refuse":
            prepared.refuse(row, "The place lies outside the district.")
    return grid


def _settle_times(prepared: Prepared) -> None:
    """A closed case needs a closing time: where the source has none, or one before the report, it is the time of the report, and said."""
    size = len(prepared.layer)
    closed_at = prepared.values.setdefault("closed_at", [None] * size)
    none = early = 0
    for row in prepared.kept:
        if prepared.text("state", row, "reported") not in ENDED:
            closed_at[row] = None
            continue
        reported, closed = prepared.value("reported_at", row), closed_at[row]
        assert isinstance(reported, dt.datetime)
        if closed is None:
            none += 1
            closed_at[row] = reported
        elif isinstance(closed, dt.datetime) and closed < reported:
            early += 1
            closed_at[row] = reported
    prepared.report.mended += early
    if none:
        prepared.report.notes.append(f"{none} closed cases have no closing time in the source; they count as closed when reported.")
    if early:
        prepared.report.notes.append(f"{early} cases were closed before they were reported; they count as closed when reported (mended).")


def _without_doubles(prepared: Prepared, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rows to be loaded: a number that comes twice in one file is the same case if all else is, and refused if not."""
    first: dict[str, tuple[int, bytes]] = {}
    again = 0
    doubles: set[int] = set()
    for row in prepared.kept:
        number, content = prepared.text("source_id", row), _content(prepared, int(row), lon, lat)
        if number not in first:
            first[number] = (int(row), content)
        elif first[number][1] == content:
            again += 1
            doubles.add(int(row))
        else:
            prepared.refuse(row, f"source_id: {number!r} is the number of row {first[number][0] + 1} too, with other content")
    if again:
        prepared.report.notes.append(f"{again} rows repeat a row of the same file word for word.")
        prepared.report.unchanged += again
    rows = prepared.kept
    return rows[~np.isin(rows, list(doubles))]


def _content(prepared: Prepared, row: int, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> bytes:
    """A digest of all that is loaded of a row, so that the same row is known again."""
    values: dict[str, Value] = {name: column[row] for name, column in sorted(prepared.values.items())}
    place = [None, None] if np.isnan(lon[row]) else [float(lon[row]), float(lat[row])]
    return hashlib.sha256(orjson.dumps([values, place], option=orjson.OPT_SORT_KEYS)).digest()


def _frame(
    prepared: Prepared, rows: NDArray[np.int64], ids: dict[str, int], lon: NDArray[np.float64], lat: NDArray[np.float64]
) -> pd.DataFrame:
    frame = pd.DataFrame({"source_id": [prepared.text("source_id", row) for row in rows]}, dtype=object)
    frame.insert(0, "source", prepared.mapping.source)
    frame["category_id"] = [ids[prepared.text("category", row)[: categories.LONGEST_CODE]] for row in rows]
    frame["reported_at"] = _times([prepared.value("reported_at", row) for row in rows])
    frame["lon"], frame["lat"] = lon[rows], lat[rows]
    frame["title"] = [prepared.text("title", row)[:LONGEST_TEXT] for row in rows]
    frame["address"] = [prepared.text("address", row)[:LONGEST_TEXT] for row in rows]
    frame["state"] = [prepared.text("state", row, "reported") for row in rows]
    frame["severity"] = [prepared.value("severity", row, 1) for row in rows]
    for name in ("urgent", "on_spot", "supervised"):
        frame[name] = [bool(prepared.value(name, row, False)) for row in rows]
    for name in TIMES:
        frame[name] = _times([prepared.value(name, row) for row in rows])
    frame["content_hash"] = pd.Series([_content(prepared, int(row), lon, lat) for row in rows], dtype=object)
    return frame


def _times(values: Sequence[Value]) -> pd.Series:
    return pd.Series(pd.to_datetime(pd.Series(list(values), dtype=object), utc=True), dtype="datetime64[us, UTC]")


def _compare(session: Session, scope: Scope, prepared: Prepared, grids: Ground, grid: NDArray[np.int64]) -> None:
    """Tell how often the area a place lies in is the one the source names; nothing is corrected."""
    rows = prepared.kept
    community = np.where(grid >= 0, grids.parent_ids[grid], 0)
    for check in prepared.mapping.check_area:
        published = [None if value is None or not str(value).strip() else str(value).strip() for value in prepared.layer.rows[check.column]]
        found = _areas(session, scope, check, grids, grid, community)
        prepared.report.agreements.append(
            areas_check.agreement([published[row] for row in rows], [found[row] for row in rows], column=check.column, level=check.level)
        )


def _areas(
    session: Session, scope: Scope, check: AreaCheck, grids: Ground, grid: NDArray[np.int64], community: NDArray[np.int64]
) -> list[str | None]:
    if check.level == "grid":
        return areas_check.named(np.where(grid >= 0, grids.ids[grid], 0), grids.names(check.against))
    communities = imports.ground(session, scope, "community")
    if check.level == "community":
        return areas_check.named(community, communities.names(check.against))
    street = dict(zip(communities.ids.tolist(), communities.parent_ids.tolist(), strict=True))
    streets = imports.ground(session, scope, "street")
    return areas_check.named(np.array([street.get(int(each), 0) for each in community]), streets.names(check.against))
