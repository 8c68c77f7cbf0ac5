"""Spatial questions: what lies where, how far away, in whose ground. Distances are metres on the ellipsoid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

import shapely
from shapely.geometry import Point
from shapely.geometry.base import BaseGeometry
from sqlalchemy import text
from sqlalchemy.orm import Session

from data.queries.bound import scope_binds
from data.scope import Scope
from data.shape import STORAGE_SRID
from data.sql_files import statements

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Kind:
    """A kind of thing that lies somewhere: where it is kept and what is told of it."""

    source: str
    geom: str
    columns: str
    extra: str = ""
    has_past: bool = False


CENTER = "ARRAY[ST_X(ST_PointOnSurface({0})), ST_Y(ST_PointOnSurface({0}))] AS center"
PLACE = "ARRAY[ST_X({0}), ST_Y({0})] AS place"
KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "buildings": Kind(
            "building AS thing",
            "thing.geom",
            "thing.code, thing.name, thing.address, thing.use, thing.levels, thing.households, thing.grid_id, "
            + CENTER.format("thing.geom"),
        ),
        "households": Kind(
            "building AS home JOIN household AS thing ON thing.cell = home.cell AND thing.building_id = home.id",
            "home.geom",
            "thing.building_id, thing.unit, thing.tenure, thing.floating, thing.members",
        ),
        "facilities": Kind(
            "facility AS thing",
            "thing.geom",
            "thing.kind, thing.code, thing.name, thing.name_en, thing.status, thing.grid_id, " + PLACE.format("thing.geom"),
            " AND thing.status <> 'removed' AND (CAST(:kind AS text) IS NULL OR thing.kind = :kind)",
        ),
        "incidents": Kind(
            "incident AS thing",
            "thing.place",
            "thing.reported_at, thing.category_id, thing.severity, thing.urgent, thing.state, thing.is_open AS open,"
            " CASE WHEN (SELECT gate.may('particulars')) THEN thing.title ELSE '' END AS title, thing.grid_id, "
            + PLACE.format("thing.place"),
            " AND thing.reported_at >= coalesce(CAST(:since AS timestamptz), '-infinity')"
            " AND thing.reported_at < coalesce(CAST(:until AS timestamptz), 'infinity')"
            " AND (CAST(:categories AS integer[]) IS NULL OR thing.category_id = ANY (ARRAY("
            "SELECT id FROM category WHERE id = ANY (:categories) OR parent_id = ANY (:categories))))",
        ),
        "officers": Kind(
            "officer AS thing",
            "thing.last_place",
            "thing.name, thing.on_duty, thing.last_seen_at, " + PLACE.format("thing.last_place"),
            " AND (thing.ended_on IS NULL OR thing.ended_on > CAST(:day AS date))",
        ),
        "grids": Kind(
            "grid_ever AS thing",
            "thing.geom",
            "thing.code, thing.name, thing.name_en, thing.kind, thing.households, thing.area_m2, " + CENTER.format("thing.geom"),
            " AND thing.scheme_id = (SELECT id FROM scheme WHERE is_primary)"
            " AND CASE WHEN CAST(:as_of AS timestamptz) IS NULL THEN thing.valid_to IS NULL"
            " ELSE thing.valid_from <= :as_of AND (thing.valid_to IS NULL OR thing.valid_to > :as_of) END",
            has_past=True,
        ),
    }
)
SCOPED = " AND (:everything OR thing.community_id = ANY (:communities))"


@dataclass(frozen=True)
class Wanted:
    """What of a kind is asked for; what a kind does not know is not asked of it."""

    day: date
    as_of: datetime | None = None
    since: datetime | None = None
    until: datetime | None = None
    categories: Sequence[int] | None = None
    kind: str | None = None

    def binds(self) -> dict[str, object]:
        """As binds of a statement."""
        categories = None if self.categories is None else list(self.categories)
        return {"day": self.day, "as_of": self.as_of, "since": self.since, "until": self.until, "categories": categories, "kind": self.kind}


@dataclass(frozen=True)
class Where:
    """A region as binds: its box for the index, and the exact condition on a geometry."""

    box: BaseGeometry
    shape: BaseGeometry | None = None
    centre: Point | None = None
    radius_m: float | None = None

    def condition(self, geom: str) -> str:
        """The exact condition, to stand behind `geom && box`."""
        if self.shape is not None:
            return f"ST_Intersects({geom}, CAST(:shape AS geometry))"
        return f"ST_DWithin({geom}::geography, CAST(:centre AS geometry)::geography, :radius_m)"

    def binds(self) -> dict[str, object]:
        """As binds of a statement."""
        if self.shape is not None:
            return {"box": _ewkb(self.box), "shape": _ewkb(self.shape)}
        assert self.centre is not None
        return {"box": _ewkb(self.box), "centre": _ewkb(self.centre), "radius_m": self.radius_m}


def located(session: Session, scope: Scope, place: Point, *, as_of: datetime, day: date) -> Row | None:
    """The grid a place (degrees) lay in at a moment, its officer on that day, and metres to its border."""
    asked = {**scope_binds(scope), "lon": place.x, "lat": place.y, "as_of": as_of, "day": day}
    row = session.execute(text(statements("places")["located"]), asked).mappings().one_or_none()
    return None if row is None else dict(row)


def areas_at(session: Session, scope: Scope, place: Point, *, as_of: datetime | None) -> list[Row]:
    """The areas a place (degrees) lies or lay in, the district first."""
    asked = {"lon": place.x, "lat": place.y, "as_of": as_of}
    return [dict(row) for row in session.execute(text(statements("places")["areas_at"]), asked).mappings()]


def answering(session: Session, scope: Scope, grid_id: int, *, day: date) -> list[Row]:
    """Who answers for a grid on a day; the main officer first, then those who assist."""
    found = session.execute(text(statements("places")["answering"]), {**scope_binds(scope), "id": grid_id, "day": day})
    return [dict(row) for row in found.mappings()]


def within(session: Session, scope: Scope, layer: str, where: Where, wanted: Wanted, *, after: int, limit: int) -> list[Row]:
    """Things of a layer that touch a region, by id, from the first id above `after`."""
    kind = KINDS[layer]
    statement = (
        f"SELECT thing.id, {kind.columns}{_distance(kind, where)} FROM {kind.source}"
        f" WHERE {_lies(kind, where)}{kind.extra}{SCOPED} AND thing.id > :after ORDER BY thing.id LIMIT :limit"
    )
    return _rows(session, statement, scope, where, wanted, after=after, limit=limit)


def near(session: Session, scope: Scope, layer: str, where: Where, wanted: Wanted, *, limit: int) -> list[Row]:
    """Things of a layer within the region's radius, nearest first."""
    kind = KINDS[layer]
    statement = (
        f"SELECT thing.id, {kind.columns}{_distance(kind, where)} FROM {kind.source}"
        f" WHERE {_lies(kind, where)}{kind.extra}{SCOPED} ORDER BY distance_m, thing.id LIMIT :limit"
    )
    return _rows(session, statement, scope, where, wanted, limit=limit)


def count_within(session: Session, scope: Scope, layer: str, where: Where, wanted: Wanted) -> int:
    """How many things of a layer touch a region, exactly."""
    kind = KINDS[layer]
    statement = f"SELECT count(*) AS n FROM {kind.source} WHERE {_lies(kind, where)}{kind.extra}{SCOPED}"
    return int(_rows(session, statement, scope, where, wanted)[0]["n"])


def nearest(session: Session, scope: Scope, layer: str, place: Point, wanted: Wanted, *, k: int) -> list[Row]:
    """The k things of a layer nearest to a place, metres on the ellipsoid.

    The index orders by degrees, which are shorter to the east than to the north: its first k give a distance that
    the true k cannot exceed, and all within that distance are then measured.
    """
    kind = KINDS[layer]
    statement = (
        "WITH asked AS (SELECT CAST(:centre AS geometry) AS place), reach AS ("
        " SELECT max(ST_Distance(first.geom::geography, CAST(:centre AS geometry)::geography)) * 1.001 + 1 AS m FROM ("
        f" SELECT {kind.geom} AS geom FROM {kind.source} WHERE {kind.geom} IS NOT NULL{kind.extra}{SCOPED}"
        f" ORDER BY {kind.geom} <-> CAST(:centre AS geometry) LIMIT :k) AS first),"
        " region AS (SELECT ST_Expand(place, m / (110574 * greatest(cos(radians(ST_Y(place))), 0.01)), m / 110574) AS box"
        " FROM asked, reach)"
        f" SELECT thing.id, {kind.columns}, ST_Distance({kind.geom}::geography, CAST(:centre AS geometry)::geography) AS distance_m"
        f" FROM {kind.source} WHERE {kind.geom} && (SELECT box FROM region){kind.extra}{SCOPED} ORDER BY distance_m, thing.id LIMIT :k"
    )
    asked = {**scope_binds(scope), **wanted.binds(), "centre": _ewkb(place), "k": k}
    return [dict(row) for row in session.execute(text(statement), _named(statement, asked)).mappings()]


def care_within(session: Session, scope: Scope, where: Where, *, day: date) -> tuple[dict[str, int], int]:
    """Residents by class of care in a region on a day, and residents in all."""
    asked = {**scope_binds(scope), **where.binds(), "day": day}
    region = where.condition("building.geom")
    by_class = statements("places")["care_within"].format(region=region)
    total = statements("places")["residents_within"].format(region=region)
    classes = {row[0]: row[1] for row in session.execute(text(by_class), _named(by_class, asked))}
    return classes, int(session.execute(text(total), _named(total, asked)).scalar_one())


UNITS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "grid": {
            "unit": "grid.id",
            "happened": "grid.id",
            "table": "grid",
            "named": "part.id AS grid_id, part.code, part.name, part.name_en",
        },
        "community": {
            "unit": "community.id",
            "happened": "grid.community_id",
            "table": "area",
            "named": "part.code, part.name, part.name_en",
        },
        "street": {
            "unit": "community.parent_id",
            "happened": "community.parent_id",
            "table": "area",
            "named": "part.code, part.name, part.name_en",
        },
    }
)


def counts(session: Session, scope: Scope, by: str, wanted: Wanted, *, within: Sequence[int] | None) -> list[Row]:
    """Incidents and households of each grid, community or street in scope, by code; `within` holds communities."""
    statement = statements("places")["counts"].format(**UNITS[by])
    asked = {**scope_binds(scope), **wanted.binds(), "within": None if within is None else list(within)}
    return [dict(row) for row in session.execute(text(statement), _named(statement, asked)).mappings()]


def _lies(kind: Kind, where: Where) -> str:
    return f"{kind.geom} && CAST(:box AS geometry) AND {where.condition(kind.geom)}"


def _distance(kind: Kind, where: Where) -> str:
    if where.centre is None:
        return ""
    return f", ST_Distance({kind.geom}::geography, CAST(:centre AS geometry)::geography) AS distance_m"


def _rows(session: Session, statement: str, scope: Scope, where: Where, wanted: Wanted, **more: object) -> list[Row]:
    asked = {**scope_binds(scope), **where.binds(), **wanted.binds(), **more}
    return [dict(row) for row in session.execute(text(statement), _named(statement, asked)).mappings()]


def _named(statement: str, values: Mapping[str, object]) -> dict[str, object]:
    """Only the binds a statement names."""
    return {name: value for name, value in values.items() if f":{name}" in statement}


def _ewkb(shape: BaseGeometry) -> str:
    """A shape (degrees) as PostGIS reads it in CAST(… AS geometry)."""
    return str(shapely.to_wkb(shapely.set_srid(shape, STORAGE_SRID), hex=True, include_srid=True))
