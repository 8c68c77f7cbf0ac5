"""Publishing in SQL: what a draft and today's ground are, and every row that moves when the draft becomes the ground.

All of it is for the system's own transaction: scope limits what people may see and change, not what a published plan moves.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import orjson
import shapely
from shapely.geometry import MultiPolygon, Polygon
from sqlalchemy import Row, TextClause, text
from sqlalchemy.orm import Session

from data.scope import Scope
from data.statements import statements
from gis.errors import NotFound

Ground = Polygon | MultiPolygon
Rows = Sequence[Row[Any]]
Columns = Mapping[str, Sequence[object]]
Facts = Mapping[str, object]
ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(8420, 12)")
CODES = text("SELECT code FROM grid WHERE scheme_id = :scheme")
AREA_CODES = text("SELECT code FROM area")
OTHER_SCHEMES = text("SELECT id FROM scheme WHERE id <> :scheme ORDER BY id")
CODES_OF_BUILDINGS = text("SELECT community_id, code FROM building WHERE community_id = ANY (:communities)")
CODES_OF_FACILITIES = text("SELECT community_id, code FROM facility WHERE community_id = ANY (:communities)")
VERSIONS = text("SELECT id, version, community_id FROM grid WHERE id = ANY (:ids)")
HOUSEHOLDS = text("""
    SELECT community_id, sum(households)::bigint FROM grid
     WHERE scheme_id = :scheme AND community_id = ANY (:communities) AND valid_to IS NULL GROUP BY 1
""")
SET_HOUSEHOLDS = text("""
    UPDATE grid SET households = fresh.households, kind = fresh.kind
      FROM unnest(CAST(:ids AS bigint[]), CAST(:households AS integer[]), CAST(:kinds AS text[])) AS fresh (id, households, kind)
     WHERE grid.id = fresh.id AND (grid.households, grid.kind) IS DISTINCT FROM (fresh.households, fresh.kind)
""")
FAILED = text("UPDATE plan SET state = 'approved', failure = CAST(:failure AS jsonb) WHERE id = :id AND state = 'publishing'")
ASTRAY_WITHIN = timedelta(hours=1)


def one_at_a_time(session: Session, scope: Scope) -> None:
    """Let no other publication run until this transaction ends."""
    session.execute(ONE_AT_A_TIME)


def locked(session: Session, scope: Scope, plan_id: int) -> Row[Any]:
    """A plan that the caller may see, held against other writers; NotFound otherwise."""
    row = session.execute(_named("locked"), {"id": plan_id}).one_or_none()
    if row is None:
        raise NotFound("There is no such plan in your scope.", plan=plan_id)
    return row


def overlay(session: Session, scope: Scope, plan_id: int) -> Rows:
    """The rows of a draft beside what they were copied from and what is there now; the current grids are held."""
    session.execute(_named("hold_grids"), {"id": plan_id})
    return session.execute(_named("overlay"), {"id": plan_id}).all()


def area_rows(session: Session, scope: Scope, plan_id: int) -> Rows:
    """The communities that a draft makes, renames or ends, with the name each had when it was copied."""
    return session.execute(_named("drawn_areas"), {"id": plan_id}).all()


def around(session: Session, scope: Scope, scheme: int, borders: Sequence[Ground], without: Collection[int]) -> Rows:
    """Living grids of a scheme whose boxes meet some borders, except those named."""
    return session.execute(_named("around"), {"scheme": scheme, "borders": wkb(borders), "without": list(without)}).all()


def areas(session: Session, scope: Scope, ids: Collection[int]) -> Rows:
    """Areas and all they lie in, held, children first."""
    return session.execute(_named("areas"), {"ids": sorted(ids)}).all()


def grids_of(session: Session, scope: Scope, scheme: int, communities: Collection[int]) -> Rows:
    """The living grids of a scheme in communities, by code."""
    return session.execute(_named("grids_of"), {"scheme": scheme, "communities": list(communities)}).all()


def children_of(session: Session, scope: Scope, parents: Collection[int]) -> Rows:
    """The living areas directly inside areas."""
    return session.execute(_named("children_of"), {"parents": list(parents)}).all()


def other_schemes(session: Session, scope: Scope, scheme: int) -> list[int]:
    """Every scheme but one."""
    return list(session.scalars(OTHER_SCHEMES, {"scheme": scheme}))


def grid_codes(session: Session, scope: Scope, scheme: int) -> set[str]:
    """All codes of a scheme, living and dead."""
    return set(session.scalars(CODES, {"scheme": scheme}))


def area_codes(session: Session, scope: Scope) -> set[str]:
    """All codes of areas, living and dead."""
    return set(session.scalars(AREA_CODES))


def codes_in(session: Session, scope: Scope, noun: str, communities: Collection[int]) -> dict[int, set[str]]:
    """The codes of the buildings or facilities of communities."""
    found: dict[int, set[str]] = {each: set() for each in communities}
    statement = CODES_OF_BUILDINGS if noun == "building" else CODES_OF_FACILITIES
    for community, code in session.execute(statement, {"communities": list(communities)}):
        found[community].add(code)
    return found


def buildings(session: Session, scope: Scope, grids: Collection[int], ended: Collection[int]) -> Rows:
    """The buildings of grids and of communities that end."""
    return session.execute(_named("buildings"), {"grids": list(grids), "ended": list(ended)}).all()


def buildings_within(session: Session, scope: Scope, borders: Sequence[Ground]) -> Rows:
    """The buildings whose boxes meet borders."""
    return session.execute(_named("buildings_within"), {"borders": wkb(borders)}).all()


def facilities(session: Session, scope: Scope, grids: Collection[int], ended: Collection[int]) -> Rows:
    """The facilities of grids and of communities that end."""
    return session.execute(_named("facilities"), {"grids": list(grids), "ended": list(ended)}).all()


def open_incidents(session: Session, scope: Scope, communities: Collection[int], grids: Collection[int], ended: Collection[int]) -> Rows:
    """The open incidents of grids in communities and of communities that end, held."""
    binds = {"communities": list(communities), "grids": list(grids), "ended": list(ended)}
    return session.execute(_named("open_incidents"), binds).all()


def assignments(session: Session, scope: Scope, grids: Collection[int], day: date) -> Rows:
    """Who answers for grids on a day or later, held."""
    return session.execute(_named("assignments"), {"grids": list(grids), "day": day}).all()


def versions(session: Session, scope: Scope, grids: Collection[int]) -> dict[int, Row[Any]]:
    """Version and community of grids, as they are now, by id."""
    return {row.id: row for row in session.execute(VERSIONS, {"ids": list(grids)})}


def write(session: Session, scope: Scope, name: str, columns: Columns, **more: object) -> int:
    """Run a statement of plan_publish.sql over columns of equal length; nothing for no rows. Returns the rows it touched."""
    if columns and not len(next(iter(columns.values()))):
        return 0
    told = {key: list(values) for key, values in columns.items()}
    return int(session.execute(_named(name), {**told, **more}).rowcount)  # type: ignore[attr-defined]


def move_incidents(
    session: Session, scope: Scope, rows: Sequence[Mapping[str, object]], *, now: datetime, why: str, by: int | None
) -> None:
    """Give incidents their grids of now; those that moved get a record of where they were and a line in their log, by `by`."""
    if rows:
        told = orjson.dumps(list(rows)).decode()
        session.execute(_named("move_incidents"), {"rows": told, "now": now, "why": why, "actor_id": by})


def write_area(session: Session, scope: Scope, statement: str, border: Ground, **values: object) -> None:
    """Make (`new_area`) or change (`change_area`) one area."""
    session.execute(_named(statement), {"border": wkb([border])[0], **values})


def set_households(session: Session, scope: Scope, columns: Columns) -> None:
    """Counts and kinds of grids whose borders and names stay: no new version, no past."""
    session.execute(SET_HOUSEHOLDS, {key: list(values) for key, values in columns.items()})


def finish(session: Session, scope: Scope, plan_id: int, at: datetime) -> None:
    """Mark a plan as published from a moment on."""
    session.execute(_named("finish"), {"id": plan_id, "at": at})


def fail(session: Session, scope: Scope, plan_id: int, failure: Mapping[str, object]) -> None:
    """Put a plan whose publication was refused back among the approved ones, with the reason."""
    session.execute(FAILED, {"id": plan_id, "failure": orjson.dumps(dict(failure), default=str).decode()})


def due(session: Session, scope: Scope) -> list[int]:
    """Plans to be published whose moment has come."""
    return list(session.scalars(_named("due")))


def astray(session: Session, scope: Scope) -> Rows:
    """Open incidents that were added by the old borders of grids redrawn lately, held, each with what became of its grid."""
    return session.execute(_named("astray"), {"lately": ASTRAY_WITHIN}).all()


def households_of(session: Session, scope: Scope, scheme: int, communities: Collection[int]) -> dict[int, int]:
    """Households of communities by the grids of a scheme."""
    return {row[0]: row[1] for row in session.execute(HOUSEHOLDS, {"scheme": scheme, "communities": list(communities)})}


def wkb(borders: Sequence[Ground]) -> list[bytes]:
    """Borders as the statements here take them: bytes without a CRS, EPSG:4490 by agreement."""
    return [shapely.to_wkb(each, include_srid=False) for each in borders]


def shape(stored: bytes | memoryview | None) -> Ground | None:
    """A border as it comes from these statements."""
    return None if stored is None else shapely.from_wkb(bytes(stored))  # type: ignore[return-value]


def _named(name: str) -> TextClause:
    return statements("plan_publish")[name]
