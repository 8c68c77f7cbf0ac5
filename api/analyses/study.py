"""A study: everything one analysis computes on, read once, as arrays; what each incident is in it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon
from sqlalchemy.orm import Session

from api.analyses.question import Asked
from data.hot.ground import ground_index
from data.queries import analyses, analysis_rows
from data.queries.analysis_rows import NONE, STALE, Incidents, Units
from data.queries.statistics import moment
from data.scope import Scope
from gis.assignment import GridLocator
from gis.crs import LocalMetres, local_metres
from gis.errors import NothingToAnalyse
from gis.faces import polygonal
from gis.hotspots.permutation import Progress
from gis.hotspots.rates import LEAST_HOUSEHOLDS

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
DAY_US = 86_400_000_000


@dataclass(frozen=True)
class Study:
    """`unit`: of each incident its row among `units`, NONE for none; `day` (0 is the first), `hour`, `weekday` (0 is Monday) in the
    deployment's zone; `xy`: metres, NaN without a place. `people`: what rates are per, by unit.
    """

    question: dict[str, Any]
    ground: str
    starts: datetime
    ends: datetime
    zone: ZoneInfo
    units: Units
    people: Floats
    communities: list[dict[str, Any]]
    sources: Sequence[str]
    rows: Incidents
    unit: Longs
    day: Longs
    hour: NDArray[np.int8]
    weekday: NDArray[np.int8]
    xy: Floats
    metres: LocalMetres
    merged: int
    data_version: bytes

    @property
    def parameters(self) -> dict[str, Any]:
        """Of the method."""
        return dict(self.question["parameters"])

    @property
    def seed(self) -> int:
        """Of all chance in it."""
        return int(self.question["seed"])

    @property
    def first(self) -> date:
        """The first day."""
        return self.starts.astimezone(self.zone).date()

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.ends.astimezone(self.zone).date() - self.first).days

    @property
    def rated(self) -> bool:
        """Whether rates are per something."""
        return bool(self.question["denominator"] != "none")

    def unpeopled(self, least: float = LEAST_HOUSEHOLDS) -> dict[int, str]:
        """Units of too small a population for a rate, and why; none where rates are per nothing."""
        few = np.flatnonzero(self.people < least) if self.rated else np.empty(0, dtype=np.int64)
        return {int(each): "few-population" if self.people[each] > 0 else "no-population" for each in few}

    def date_of(self, day: int) -> date:
        """A day by its number."""
        return self.first + timedelta(days=int(day))

    @cached_property
    def placed(self) -> NDArray[np.bool_]:
        """Which incidents have a unit."""
        return self.unit >= 0

    @cached_property
    def counts(self) -> Longs:
        """Incidents of each unit."""
        return np.bincount(self.unit[self.placed], minlength=len(self.units)).astype(np.int64)

    @cached_property
    def centres(self) -> Floats:
        """A point within each unit, metres."""
        return np.asarray(
            shapely.get_coordinates(shapely.point_on_surface(self.metres.to_metres(np.array(self.units.borders, dtype=object))))
        )

    @cached_property
    def outline(self) -> Polygon | MultiPolygon:
        """All units together, metres."""
        return polygonal(shapely.union_all(self.metres.to_metres(np.array(self.units.borders, dtype=object))))

    @cached_property
    def by_unit(self) -> tuple[Longs, Longs]:
        """Rows of incidents by unit, and where each unit's begin (one more at the end)."""
        order = np.flatnonzero(self.placed)
        order = order[np.argsort(self.unit[order], kind="stable")]
        return order, np.searchsorted(self.unit[order], np.arange(len(self.units) + 1))

    def of_units(self, members: NDArray[np.integer], days: tuple[int, int] | None = None) -> Longs:
        """Rows of the incidents in some units, from a day to another, both included."""
        order, begins = self.by_unit
        found = (
            np.concatenate([order[begins[each] : begins[each + 1]] for each in members]) if len(members) else np.empty(0, dtype=np.int64)
        )
        if days is not None:
            found = found[(self.day[found] >= days[0]) & (self.day[found] <= days[1])]
        return np.sort(found)

    def only(self, kept: NDArray[np.bool_]) -> "Study":
        """The same study of some of its incidents; the others are no longer among all incidents either, if rates are per those."""
        gone = self.unit[~kept & self.placed] if self.question["denominator"] == "incidents" else np.empty(0, dtype=np.int64)
        return replace(
            self, people=self.people - np.bincount(gone, minlength=len(self.people)), rows=self.rows.only(kept), unit=self.unit[kept],
            day=self.day[kept], hour=self.hour[kept], weekday=self.weekday[kept], xy=self.xy[kept],
        )  # fmt: skip


def read(session: Session, scope: Scope, asked: Asked, tell: Progress) -> Study:
    """Read all that a stored question is about. NothingToAnalyse where there are no grids."""
    question, ground, starts, ends, scheme_id = asked.question, asked.ground, asked.starts, asked.ends, asked.scheme_id
    zone = moment(session).zone
    chosen = asked.selection
    found = analysis_rows.units(session, scope, ground, scheme_id, of=question["unit"])
    if not len(found):
        raise NothingToAnalyse("There are no grids on this ground.", areas=0)
    people = _population(session, scope, asked, found)
    names = analysis_rows.communities(session, scope, ground)
    known = analysis_rows.sources(session, scope)
    merged = analysis_rows.merged(session, scope, chosen)
    rows, fingerprint = analysis_rows.incidents(session, scope, chosen, known, tell)
    local = local_times(rows, zone)
    first = starts.astimezone(zone).date()
    west, south, east, north = shapely.total_bounds(found.borders)
    metres = local_metres((west + east) / 2, (south + north) / 2)
    return Study(
        question, ground, starts, ends, zone, found, people, names, known, rows, _unit_of(session, scope, found, rows, scheme_id),
        np.asarray(local.as_unit("us").asi8 // DAY_US - (first - date(1970, 1, 1)).days, dtype=np.int64),
        np.asarray(local.hour, dtype=np.int8), np.asarray(local.day_of_week, dtype=np.int8),
        np.column_stack(metres.xy(rows.lon, rows.lat)) if len(rows) else np.empty((0, 2)), metres, merged,
        analysis_rows.data_version(fingerprint, merged, found, people, names),
    )  # fmt: skip


def local_times(rows: Incidents, zone: ZoneInfo) -> pd.DatetimeIndex:
    """When each incident was reported, by the clock on the wall."""
    return pd.DatetimeIndex(rows.at.view("M8[us]")).tz_localize("UTC").tz_convert(zone).tz_localize(None)


def present_version(session: Session, scope: Scope, asked: Asked) -> bytes:
    """The fingerprint of what `read` would read now, without reading it."""
    found = analysis_rows.units(session, scope, asked.ground, asked.scheme_id, of=asked.question["unit"])
    people = _population(session, scope, asked, found)
    names = analysis_rows.communities(session, scope, asked.ground)
    merged = analysis_rows.merged(session, scope, asked.selection)
    return analysis_rows.data_version(analysis_rows.fingerprint(session, scope, asked.selection), merged, found, people, names)


def counted(session: Session, scope: Scope, chosen: analysis_rows.Selection, found: Units, scheme_id: int) -> Floats:
    """Incidents of a selection by unit, by today's borders; TooLarge above MOST_INCIDENTS."""
    rows, _ = analysis_rows.incidents(session, scope, chosen, (), lambda done, whole: None)
    unit = _unit_of(session, scope, found, rows, scheme_id)
    return np.bincount(unit[unit >= 0], minlength=len(found)).astype(np.float64)


def _population(session: Session, scope: Scope, asked: Asked, found: Units) -> Floats:
    """What rates are per, by unit. All incidents are counted as those asked for are, so that no unit has more of these than of those."""
    per = asked.question["denominator"]
    if per == "incidents":
        return counted(session, scope, replace(asked.selection, categories=(), sources=()), found, asked.scheme_id)
    if per == "residents" and _of_another_scheme(session, scope, found, asked.scheme_id):
        lon, lat, residents = analysis_rows.residents_at(session, scope, asked.ground)
        unit = _unit_at(found, lon, lat)
        return np.bincount(unit[unit >= 0], weights=residents[unit >= 0], minlength=len(found)).astype(np.float64)
    return analysis_rows.population(session, scope, found, asked.ground, per)


def _of_another_scheme(session: Session, scope: Scope, found: Units, scheme_id: int) -> bool:
    return found.are_grids and scheme_id != analyses.scheme(session, scope, None).id


def _unit_at(found: Units, lon: Floats, lat: Floats) -> Longs:
    """The unit in whose borders each place lies, NONE elsewhere."""
    return found.rows_of(GridLocator(found.borders, found.ids).ids_at(_somewhere(lon), _somewhere(lat)))


def _unit_of(session: Session, scope: Scope, found: Units, rows: Incidents, scheme_id: int) -> Longs:
    """Of each incident its unit by today's borders; what ended in a grid that was redrawn since counts where it lies today."""
    if _of_another_scheme(session, scope, found, scheme_id):
        return _unit_at(found, rows.lon, rows.lat)
    ids = rows.grid.copy() if found.are_grids else np.where(rows.grid == NONE, NONE, rows.community).astype(np.int64)
    moved = np.flatnonzero(rows.marks & STALE)
    if len(moved):
        at = ground_index(session).place_many(rows.lon[moved], rows.lat[moved])
        ids[moved] = at.grid_ids if found.are_grids else np.where(at.grid_ids == NONE, NONE, at.community_ids)
    return found.rows_of(ids)


def _somewhere(degrees: Floats) -> Floats:
    """What has no place lies in no grid."""
    return np.where(np.isnan(degrees), 0.0, degrees)
