"""The ground of a draft: its own grids where it has any, today's everywhere else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon
from sqlalchemy import Row, TextClause, text
from sqlalchemy.orm import Session

from data.queries.plans import Plan, hexed
from data.scope import Scope
from data.statements import statements

Shape = Polygon | MultiPolygon
Box = tuple[float, float, float, float]
"""West, south, east, north, degrees."""
NO_WHERE: Box = (0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class GridState:
    """One grid as a draft has it. `shape` (degrees, lattice) None: ended. `base_version` None: new in the draft.

    `overlaid`: the draft has a row of its own for it; `noded_only`: same ground as today, with more vertices.
    """

    id: int
    community_id: int
    version: int
    base_version: int | None
    noded_only: bool
    overlaid: bool
    name: str
    name_en: str
    kind: str
    households: int
    shape: Shape | None
    area_m2: float | None = None
    perimeter_m: float | None = None

    def columns(self) -> dict[str, object]:
        """What the log keeps of it beside the geometry."""
        return {name: getattr(self, name) for name in LOGGED}

    @classmethod
    def of_columns(cls, id: int, columns: Mapping[str, Any], shape: Shape | None) -> "GridState":
        """A state as the log kept it."""
        return cls(id=id, overlaid=True, shape=shape, **{name: columns[name] for name in LOGGED})


LOGGED = (
    "community_id", "version", "base_version", "noded_only", "name", "name_en", "kind", "households",
)  # fmt: skip


def around(session: Session, scope: Scope, plan_id: int, box: Box) -> dict[int, GridState]:
    """Every grid of a draft that meets a box, and those of neighbours outside the plan (borders only), by id."""
    rows = session.execute(_named("around"), {"plan": plan_id, "box": hexed(shapely.box(*box))}).all()
    return _states(rows)


def named(session: Session, scope: Scope, plan_id: int, ids: Sequence[int]) -> dict[int, GridState]:
    """Grids of a draft by number; ended ones have no shape, unknown ones are left out."""
    return _states(session.execute(_named("named"), {"plan": plan_id, "ids": list(ids)}).all())


def whole(session: Session, scope: Scope, plan: Plan, within: Sequence[int] | None = None) -> list[Row[Any]]:
    """All grids of a draft, or of some of its communities, as a page shows them; `wkb` holds the border."""
    asked = {
        "plan": plan.id, "scheme": plan.scheme_id, "communities": _text(plan.communities),
        "within": None if within is None else list(within),
    }  # fmt: skip
    return list(session.execute(_named("whole"), asked).all())


def overlay(session: Session, scope: Scope, plan_id: int) -> dict[int, GridState]:
    """The rows of its own that a draft has, ended grids too, by id."""
    return _states(session.execute(_named("overlay"), {"plan": plan_id}).all())


def overlay_of(session: Session, scope: Scope, plan_id: int, ids: Sequence[int]) -> dict[int, GridState]:
    """The rows of its own that a draft has for some grids, of neighbours outside it too."""
    return _states(session.execute(_named("overlay_of"), {"plan": plan_id, "ids": list(ids)}).all())


def today(session: Session, scope: Scope, plan: Plan, ids: Sequence[int], box: Box) -> dict[int, GridState]:
    """Today's grids within a box whatever the draft does with them, of neighbours outside the plan too (borders only)."""
    return _states(session.execute(_named("today"), {"plan": plan.id, "ids": list(ids), "box": hexed(shapely.box(*box))}).all())


def described(session: Session, scope: Scope, plan_id: int, ids: Sequence[int]) -> dict[int, Row[Any]]:
    """Code, officer, lock and today's incidents of some grids."""
    return {row.id: row for row in session.execute(_named("described"), {"plan": plan_id, "ids": list(ids)}).all()}


def communities(session: Session, scope: Scope, plan: Plan) -> list[Row[Any]]:
    """The communities of a draft by id, ended ones too."""
    return list(session.execute(_named("communities"), {"plan": plan.id, "communities": _text(plan.communities)}).all())


@dataclass(frozen=True, slots=True)
class Homes:
    """Buildings with a point inside each (degrees) and their households."""

    ids: NDArray[np.int64]
    households: NDArray[np.int64]
    inside: NDArray[np.object_]


def homes(session: Session, scope: Scope, plan: Plan, box: Box) -> Homes:
    """Buildings with households in the plan's communities whose outline meets a box."""
    row = session.execute(_named("homes"), {"box": hexed(shapely.box(*box)), "communities": _text(plan.communities)}).one()
    if row.ids is None:
        empty = np.empty(0, dtype=np.int64)
        return Homes(empty, empty, np.empty(0, dtype=object))
    return Homes(np.array(row.ids), np.array(row.households), shapely.points(row.x, row.y))


@dataclass(frozen=True, slots=True)
class Reported:
    """Places (degrees) of incidents that are open or recent."""

    places: NDArray[np.object_]
    open: NDArray[np.bool_]
    recent: NDArray[np.bool_]


def incidents(session: Session, scope: Scope, box: Box, since: datetime) -> Reported:
    """Incidents in scope within a box that are open or, recent, were reported since a moment."""
    row = session.execute(_named("incidents"), {"box": hexed(shapely.box(*box)), "since": since}).one()
    if row.x is None:
        none = np.empty(0, dtype=np.bool_)
        return Reported(np.empty(0, dtype=object), none, none)
    return Reported(shapely.points(row.x, row.y), np.array(row.open), np.array(row.recent))


def communities_of_buildings(session: Session, scope: Scope, ids: Sequence[int]) -> dict[int, int]:
    """The community of each of some buildings in scope, by id."""
    rows = session.execute(text("SELECT id, community_id FROM building WHERE id = ANY (:ids)"), {"ids": list(ids)}).all()
    return {row.id: row.community_id for row in rows if scope.covers(row.community_id)}


def communities_under(session: Session, scope: Scope, plan: Plan, box: Box) -> list[int]:
    """Today's communities of a plan that meet a box."""
    statement = text("""
        SELECT id FROM area WHERE level = 'community' AND valid_to IS NULL AND id <@ CAST(:communities AS int4multirange)
           AND geom && CAST(:box AS geometry) ORDER BY id""")
    asked = {"communities": _text(plan.communities), "box": hexed(shapely.box(*box))}
    return list(session.execute(statement, asked).scalars())


def measures(session: Session, scope: Scope, shapes: Sequence[Shape]) -> list[tuple[float, float]]:
    """Area (m²) and perimeter (m) on the ellipsoid, the same figures as stored grids have."""
    statement = text(
        "SELECT ST_Area(ST_GeomFromWKB(wkb, 4490)::geography), ST_Perimeter(ST_GeomFromWKB(wkb, 4490)::geography)"
        " FROM unnest(CAST(:wkb AS bytea[])) WITH ORDINALITY AS given (wkb, at) ORDER BY at"
    )
    rows = session.execute(statement, {"wkb": [shapely.to_wkb(each) for each in shapes]}).all() if shapes else []
    return [(row[0], row[1]) for row in rows]


def new_ids(session: Session, scope: Scope, count: int) -> list[int]:
    """Numbers for grids that a draft makes; they stay when it is published."""
    return list(session.execute(text("SELECT nextval('grid_id_seq') FROM generate_series(1, :count)"), {"count": count}).scalars())


def new_area_id(session: Session, scope: Scope) -> int:
    """A number for a community that a draft makes."""
    return int(session.execute(text("SELECT nextval('area_id_seq')")).scalar_one())


def history(session: Session, scope: Scope, id: int) -> tuple[list[Row[Any]], list[Row[Any]]]:
    """The states a grid has had, newest first, and its lineage; both empty when it is not in scope."""
    return list(session.execute(_named("history"), {"id": id}).all()), list(session.execute(_named("lineage"), {"id": id}).all())


def outline(session: Session, scope: Scope, plan: Plan) -> Shape:
    """The outline of a plan's area as it is today."""
    row = session.execute(text("SELECT ST_AsBinary(geom) FROM area WHERE id = :id"), {"id": plan.area_id}).scalar_one()
    shape = shapely.from_wkb(bytes(row))
    assert isinstance(shape, MultiPolygon), "the column holds nothing else"
    return shape


def buildings(session: Session, scope: Scope, plan: Plan, box: Box) -> list[Row[Any]]:
    """Buildings of a plan's communities that meet a box: id, address, households, and the outline as WKB."""
    asked = {"box": hexed(shapely.box(*box)), "communities": _text(plan.communities)}
    return list(session.execute(_named("buildings"), asked).all())


def ended(state: GridState, version: int) -> GridState:
    """A grid as it is once a draft ends it."""
    return replace(state, shape=None, version=version, noded_only=False, overlaid=True, households=0)


def _states(rows: Sequence[Row[Any]]) -> dict[int, GridState]:
    shapes = shapely.from_wkb([None if row.wkb is None else bytes(row.wkb) for row in rows])
    return {
        row.id: GridState(
            id=row.id, community_id=row.community_id, version=row.version, base_version=row.base_version, noded_only=row.noded_only,
            overlaid=row.overlaid, name=row.name or "", name_en=row.name_en or "", kind=row.kind or "basic", households=row.households or 0,
            shape=shape, area_m2=row.area_m2,
            perimeter_m=row.perimeter_m,
        )
        for row, shape in zip(rows, shapes, strict=True)
    }  # fmt: skip


def _text(communities: Any) -> str:
    """A multirange that the database gave, as text to give back."""
    ranges = (f"[{'' if each.lower is None else each.lower},{'' if each.upper is None else each.upper})" for each in communities)
    return "{" + ",".join(ranges) + "}"


def _named(name: str) -> TextClause:
    return statements("plan_ground")[name]
