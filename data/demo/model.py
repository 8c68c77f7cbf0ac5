"""What a generated district is made of: tables in memory that refer to each other by row number."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.demo.sizes import Size

Integers = NDArray[np.int64]
NEVER = np.iinfo(np.int64).min  # a moment that has not come; numpy's own mark for "not a time"
SOURCES = ("officer", "hotline", "city_management", "app", "camera", "patrol")
STATES = (
    "reported", "verifying", "not_filed", "filed", "dispatched", "returned", "handling", "suspended", "feedback", "checking", "rework",
    "closed",
)  # fmt: skip
LEVELS = ("grid", "community", "street", "district")


@dataclass(frozen=True)
class Incidents:
    """Columns of equal length in order of time; moments are microseconds since 1970 in UTC, NEVER for none.

    `lon`, `lat` are degrees, NaN without a place; `grid` and `building` are row numbers, -1 for none; `state`, `source`,
    `level`, `title` and `address` index STATES, SOURCES, LEVELS, `District.titles` and `District.addresses`.
    """

    reported_at: Integers
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    category: NDArray[np.int16]
    source: NDArray[np.int8]
    grid: NDArray[np.int32]
    border_distance_m: NDArray[np.float32]
    on_border: NDArray[np.bool_]
    ambiguous: NDArray[np.bool_]
    building: NDArray[np.int32]
    officer: NDArray[np.int32]
    state: NDArray[np.int8]
    level: NDArray[np.int8]
    severity: NDArray[np.int8]
    urgent: NDArray[np.bool_]
    supervised: NDArray[np.bool_]
    on_spot: NDArray[np.bool_]
    filed_at: Integers
    dispatched_at: Integers
    handled_at: Integers
    closed_at: Integers
    due_at: Integers
    title: NDArray[np.int16]
    address: NDArray[np.int32]
    cluster: NDArray[np.int16]  # the planted cluster it was made for, -1 for none

    def __len__(self) -> int:
        return len(self.reported_at)

    @classmethod
    def none(cls) -> "Incidents":
        """Nothing has happened yet."""
        return cls(*(np.empty(0, dtype=np.int64) for _ in fields(cls)))  # type: ignore[arg-type]

    def columns(self) -> tuple[NDArray[np.generic], ...]:
        """Its columns in their order."""
        return tuple(getattr(self, field.name) for field in fields(self))

    def rows(self, which: NDArray[np.generic]) -> "Incidents":
        """Some of the incidents, by mask or row numbers."""
        return Incidents(*(getattr(self, field.name)[which] for field in fields(self)))


@dataclass(frozen=True)
class Scenes:
    """The texts that the `address` of incidents points to, and the planted clusters: told before the incidents themselves."""

    addresses: list[str]
    clusters: pd.DataFrame


@dataclass(frozen=True)
class District:
    """A whole made-up district; every geometry in degrees of EPSG:4490, borders on the lattice.

    areas: level, code, parent_code, name, name_en. grids: code, community (row of areas), community_code, name, name_en,
    kind, households. buildings: grid, community (row of areas), serial, code, name, use, levels, height_m, built_year,
    households, address, address_en. households: building, unit, tenure, hukou, floating, members, has_*. residents:
    household, head, name, sex, birth_year, phone, number. care: resident, kind, since. officers: community (row of
    areas), name, phone, staff_number, on_duty, ended_on and a last place. assignments: officer, grid, duty, since,
    until, why. facilities: grid, kind, code, name, name_en, status. base: layer, class, name, name_en, min_zoom.
    clusters: kind, category, grids (row numbers), grid_codes, start, end (microseconds), relative_risk, building.
    """

    size: Size
    seed: int
    now: datetime
    areas: gpd.GeoDataFrame
    grids: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame
    households: pd.DataFrame
    residents: pd.DataFrame
    care: pd.DataFrame
    officers: gpd.GeoDataFrame
    assignments: pd.DataFrame
    facilities: gpd.GeoDataFrame
    base: gpd.GeoDataFrame
    catalogues: tuple[tuple[str, str, str, str], ...]
    categories: pd.DataFrame
    rules: pd.DataFrame
    years: tuple[int, ...]
    calendar: pd.DataFrame
    titles: tuple[str, ...]
    addresses: list[str]
    incidents: Incidents
    clusters: pd.DataFrame
    seconds: dict[str, float]

    def among(self, scenes: Scenes) -> "District":
        """The same district, known where things happen."""
        return replace(self, addresses=scenes.addresses, clusters=scenes.clusters)

    def after(self, parts: Sequence[Incidents]) -> "District":
        """The same district with all of its past."""
        return replace(
            self, incidents=Incidents(*(np.concatenate(columns) for columns in zip(*map(Incidents.columns, parts), strict=True)))
        )
