"""Incidents of a feed: checked, categorised, placed; those known already change nothing."""

import hashlib
from collections import Counter
from collections.abc import Iterator

import numpy as np
import orjson
import pandas as pd
import shapely
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from api.imports import areas_check, categories
from api.imports.fields import Values
from api.imports.mapping import AreaCheck, LayerMapping
from api.imports.prepared import Prepared
from api.imports.report import Agreement
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


class Incidents:
    """The incidents of one feed, part by part; what is said of the whole feed is counted until the end."""

    def __init__(self, session: Session, scope: Scope, mapping: LayerMapping) -> None:
        self.session, self.scope, self.mapping = session, scope, mapping
        self.grids = imports.ground(session, scope, "grid")
        if not len(self.grids.ids):
            raise BadMapping("There are no grids yet: import the ground before incidents.")
        self.locator = GridLocator(list(self.grids.borders), np.arange(len(self.grids.ids)))
        self.categories = categories.OfFeed(session, scope, mapping)
        self.first: dict[str, tuple[int, bytes]] = {}
        self.said: Counter[str] = Counter()
        self.agreements = [Agreement(check.column, check.level, agree=0, named=0) for check in mapping.check_area]

    def add(self, prepared: Prepared) -> None:
        """Refuse what cannot be an incident here, load the rest, compare places with the areas the source names."""
        prepared.need("source_id", "category", "reported_at")
        _refuse_odd_values(prepared)
        lon, lat = _places(prepared)
        grid = self._within(prepared, lon, lat)
        ids = self.categories.ids(prepared)
        self._settle_times(prepared)
        rows, contents = self._without_doubles(prepared, lon, lat)
        frame = _frame(prepared, rows, ids, lon, lat).assign(content_hash=contents)
        loaded = load_many(imports.raw_connection(self.session), frame)
        for row in rows[loaded.clashing]:
            number = prepared.text("source_id", row)
            prepared.refuse(
                row, f"source_id: {number!r} is stored already with other content; incidents change through their own log, not by import"
            )
        prepared.report.loaded += int((loaded.ids >= 0).sum())
        prepared.report.unchanged += int(loaded.known.sum())
        self.said["known"] += int(loaded.known.sum())
        prepared.report.unplaced += int(((loaded.ids >= 0) & (loaded.grid_ids < 0)).sum())
        self._compare(prepared, grid)

    def finish(self, prepared: Prepared) -> None:
        """Say what was noticed of the whole feed."""
        report, said = prepared.report, self.said
        report.agreements += self.agreements
        for count, words in (
            (self.categories.made, "{} categories were made from the source's own words."),
            (said["none"], "{} closed cases have no closing time in the source; they count as closed when reported."),
            (said["early"], "{} cases were closed before they were reported; they count as closed when reported (mended)."),
            (said["again"], "{} rows repeat a row of the same file word for word."),
            (said["known"], "{} rows were there already, under the same number with the same content."),
        ):
            if count:
                report.note(words.format(count))
        if report.loaded:
            imports.tell_bulk(self.session, self.scope, ["incident"])

    def _within(self, prepared: Prepared, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int64]:
        """The position of each row's grid, -1 for none; places outside are refused unless the mapping keeps them."""
        grid = np.asarray(self.locator.ids_at(lon, lat))
        if self.mapping.outside == "refuse":
            for row in np.flatnonzero(np.isfinite(lon) & (grid == NOBODY)):
                prepared.refuse(int(row), "The place lies outside the district.")
        return grid

    def _settle_times(self, prepared: Prepared) -> None:
        """A closed case needs a closing time: where the source has none, or one before the report, it is the time of the report."""
        rows = prepared.kept
        closed_at = prepared.values.setdefault("closed_at", np.full(len(prepared.layer), None, dtype=object))
        ended = np.isin(prepared.column("state", "reported")[rows].astype(str), ENDED)
        closed_at[rows[~ended]] = None
        rows = rows[ended]
        reported, closed = _times(prepared.values["reported_at"][rows]), _times(closed_at[rows])
        none, early = closed.isna().to_numpy(), (closed < reported).to_numpy()
        mended = rows[none | early]
        closed_at[mended] = prepared.values["reported_at"][mended]
        self.said["none"] += int(none.sum())
        self.said["early"] += int(early.sum())
        prepared.report.mended += int(early.sum())

    def _without_doubles(
        self, prepared: Prepared, lon: NDArray[np.float64], lat: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], list[bytes]]:
        """Rows to be loaded, with the digest of each: a number that comes twice is the same case if all else is, and refused if not."""
        rows = prepared.kept
        taken, contents = [], []
        numbers = prepared.values["source_id"]
        for row, content in zip(rows.tolist(), _contents(prepared, rows, lon, lat), strict=True):
            number = str(numbers[row])
            met = self.first.setdefault(number, (prepared.number(row), content))
            if met[0] == prepared.number(row):
                taken.append(row)
                contents.append(content)
            elif met[1] == content:
                self.said["again"] += 1
                prepared.report.unchanged += 1
            else:
                prepared.refuse(row, f"source_id: {number!r} is the number of row {met[0]} too, with other content")
        return np.array(taken, dtype=np.int64), contents

    def _compare(self, prepared: Prepared, grid: NDArray[np.int64]) -> None:
        """Count how often the area a place lies in is the one the source names; nothing is corrected."""
        rows = prepared.kept
        community = np.where(grid >= 0, self.grids.parent_ids[grid], 0)
        for check, total in zip(self.mapping.check_area, self.agreements, strict=True):
            named = prepared.layer.rows[check.column].to_numpy(object)
            published = [None if pd.isna(named[row]) or not str(named[row]).strip() else str(named[row]).strip() for row in rows]
            found = _areas(self.session, self.scope, check, self.grids, grid, community)
            part = areas_check.agreement(published, [found[row] for row in rows], column=check.column, level=check.level)
            total.agree += part.agree
            total.named += part.named


def _refuse_odd_values(prepared: Prepared) -> None:
    rows = prepared.kept
    state, severity = prepared.column("state", "reported"), prepared.column("severity", 1)
    for row in rows[~np.isin(state[rows].astype(str), list(STATES))]:
        prepared.refuse(row, f"state: {state[row]!r} is not one of ours; give it a lookup in the mapping")
    for row in rows[[severity[row] not in (1, 2, 3) for row in rows]]:
        prepared.refuse(row, f"severity: {severity[row]!r} is not 1, 2 or 3")
    for row in rows[[len(str(number)) > LONGEST_NUMBER for number in prepared.values["source_id"][rows]]]:
        prepared.refuse(row, "source_id: it is longer than 200 characters")


def _places(prepared: Prepared) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitude and latitude of each row, NaN where there is none."""
    lon, lat = np.full(len(prepared.layer), np.nan), np.full(len(prepared.layer), np.nan)
    rows = prepared.kept
    shapes = prepared.shapes[rows]
    points = shapely.get_type_id(shapes) == shapely.GeometryType.POINT
    lon[rows[points]], lat[rows[points]] = shapely.get_x(shapes[points]), shapely.get_y(shapes[points])
    for row in rows[~(points & ~shapely.is_empty(shapes))]:
        shape = prepared.shapes[row]
        if shape is None or shape.is_empty:
            if prepared.mapping.without_place == "refuse":
                prepared.refuse(row, "There is no place.")
        elif shape.geom_type == "MultiPoint" and len(shape.geoms) == 1:
            lon[row], lat[row] = shape.geoms[0].x, shape.geoms[0].y
        else:
            prepared.refuse(row, f"The shape is a {shape.geom_type}, not a place.")
    return lon, lat


def _contents(prepared: Prepared, rows: NDArray[np.int64], lon: NDArray[np.float64], lat: NDArray[np.float64]) -> Iterator[bytes]:
    """A digest of all that is loaded of each row, so that the same row is known again."""
    names = sorted(prepared.values)
    columns = [prepared.values[name][rows] for name in names]
    places = [None if x != x else (x, y) for x, y in zip(lon[rows].tolist(), lat[rows].tolist(), strict=True)]  # noqa: PLR0124  NaN
    for values, place in zip(zip(*columns, strict=True), places, strict=True):
        said = [dict(zip(names, values, strict=True)), place or (None, None)]
        yield hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).digest()


def _frame(
    prepared: Prepared, rows: NDArray[np.int64], ids: NDArray[np.int64], lon: NDArray[np.float64], lat: NDArray[np.float64]
) -> pd.DataFrame:
    frame = pd.DataFrame({"source_id": prepared.values["source_id"][rows].astype(str)}, dtype=object)
    frame.insert(0, "source", prepared.mapping.source)
    frame["category_id"] = ids[rows]
    frame["reported_at"] = _times(prepared.values["reported_at"][rows])
    frame["lon"], frame["lat"] = lon[rows], lat[rows]
    for name in ("title", "address"):
        frame[name] = [str(text)[:LONGEST_TEXT] for text in prepared.column(name, "")[rows]]
    frame["state"] = prepared.column("state", "reported")[rows].astype(str)
    frame["severity"] = prepared.column("severity", 1)[rows].astype(int)
    for name in ("urgent", "on_spot", "supervised"):
        frame[name] = prepared.column(name, False)[rows].astype(bool)
    for name in TIMES:
        frame[name] = _times(prepared.column(name)[rows])
    return frame


def _times(values: Values) -> pd.Series:
    return pd.Series(pd.to_datetime(pd.Series(list(values), dtype=object), utc=True), dtype="datetime64[us, UTC]")


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
