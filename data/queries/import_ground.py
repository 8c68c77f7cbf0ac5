"""Stores areas and grids that an import has made to fit each other; the database proves the coverage when the transaction commits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import shapely
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry
from sqlalchemy import RowMapping, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from data.scope import Scope
from gis.errors import Conflict, CoverageBroken

STORED_AREAS = text("""
    SELECT area.code, area.id, area.name, area.name_en, coalesce(parent.code, '') AS parent, ST_AsBinary(area.geom) AS wkb,
           coalesce(area.source, '') AS source, coalesce(area.source_id, '') AS source_id, area.valid_to IS NOT NULL AS ended
      FROM area LEFT JOIN area AS parent ON parent.id = area.parent_id WHERE area.level = :level
""")
STORED_GRIDS = text("""
    SELECT grid.code, grid.id, grid.name, grid.name_en, area.code AS parent, ST_AsBinary(grid.geom) AS wkb,
           coalesce(grid.source, '') AS source, coalesce(grid.source_id, '') AS source_id, grid.valid_to IS NOT NULL AS ended
      FROM grid JOIN area ON area.id = community_id WHERE scheme_id = :scheme_id
""")
NEW_AREAS = text("""
    INSERT INTO area (level, parent_id, code, name, name_en, geom, source, source_id, valid_from)
    SELECT :level, parent.id, fresh.code, name, name_en, ST_Multi(ST_GeomFromWKB(wkb, 4490)), source, source_id,
           coalesce(CAST(:valid_from AS timestamptz), now())
      FROM unnest(CAST(:code AS text[]), CAST(:parent AS text[]), CAST(:name AS text[]), CAST(:name_en AS text[]),
                  CAST(:wkb AS bytea[]), CAST(:source AS text[]), CAST(:source_id AS text[]))
           AS fresh (code, parent_code, name, name_en, wkb, source, source_id)
      LEFT JOIN (SELECT id, code FROM area) AS parent ON parent.code = parent_code
""")
CHANGED_AREAS = text("""
    UPDATE area SET parent_id = (SELECT id FROM area AS parent WHERE parent.code = parent_code), name = fresh.name,
           name_en = fresh.name_en, geom = ST_Multi(ST_GeomFromWKB(wkb, 4490)), source = fresh.source, source_id = fresh.source_id
      FROM unnest(CAST(:code AS text[]), CAST(:parent AS text[]), CAST(:name AS text[]), CAST(:name_en AS text[]),
                  CAST(:wkb AS bytea[]), CAST(:source AS text[]), CAST(:source_id AS text[]))
           AS fresh (code, parent_code, name, name_en, wkb, source, source_id)
     WHERE area.code = fresh.code
""")
NEW_GRIDS = text("""
    INSERT INTO grid (scheme_id, community_id, code, name, name_en, kind, households, geom, source, source_id, valid_from)
    SELECT :scheme_id, area.id, fresh.code, fresh.name, fresh.name_en, kind, households, ST_Multi(ST_GeomFromWKB(wkb, 4490)),
           fresh.source, fresh.source_id, coalesce(CAST(:valid_from AS timestamptz), now())
      FROM unnest(CAST(:code AS text[]), CAST(:parent AS text[]), CAST(:name AS text[]), CAST(:name_en AS text[]), CAST(:kind AS text[]),
                  CAST(:households AS integer[]), CAST(:wkb AS bytea[]), CAST(:source AS text[]), CAST(:source_id AS text[]))
           AS fresh (code, parent_code, name, name_en, kind, households, wkb, source, source_id)
      JOIN area ON area.code = parent_code
""")
CHANGED_GRIDS = text("""
    UPDATE grid SET community_id = (SELECT id FROM area WHERE area.code = parent_code), name = fresh.name, name_en = fresh.name_en,
           geom = ST_Multi(ST_GeomFromWKB(wkb, 4490)), source = fresh.source, source_id = fresh.source_id
      FROM unnest(CAST(:code AS text[]), CAST(:parent AS text[]), CAST(:name AS text[]), CAST(:name_en AS text[]),
                  CAST(:wkb AS bytea[]), CAST(:source AS text[]), CAST(:source_id AS text[]))
           AS fresh (code, parent_code, name, name_en, wkb, source, source_id)
     WHERE grid.scheme_id = :scheme_id AND grid.code = fresh.code
""")
SCHEME = text("""
    INSERT INTO scheme (code, name, name_en, code_pattern, household_min, household_max, is_primary)
    VALUES (:code, :name, :name_en, :code_pattern, :household_min, :household_max, NOT EXISTS (SELECT FROM scheme WHERE is_primary))
    ON CONFLICT (code) DO UPDATE SET name = EXCLUDED.name, name_en = EXCLUDED.name_en, household_min = EXCLUDED.household_min,
                                     household_max = EXCLUDED.household_max
    RETURNING id
""")


@dataclass(frozen=True)
class Unit:
    """One area or grid to be stored: border in degrees on the lattice, `parent` the code of the level above."""

    code: str
    parent: str | None
    name: str
    name_en: str
    border: BaseGeometry
    source: str
    source_id: str
    kind: str = "basic"
    households: int = 0


@dataclass(frozen=True)
class Stored:
    """How many units were new, changed or the same as before, by code."""

    fresh: frozenset[str]
    changed: frozenset[str]
    same: frozenset[str]
    others: frozenset[str]
    """Current codes of this level that the import does not name; they stay."""


def scheme(session: Session, scope: Scope, row: Mapping[str, Any]) -> int:
    """The id of a scheme, made or renamed; the first one of a deployment is the primary one."""
    return int(session.execute(SCHEME, dict(row)).scalar_one())


def store_areas(session: Session, scope: Scope, level: str, units: Sequence[Unit], *, valid_from: datetime | None = None) -> Stored:
    """Insert what is new, update what has changed, leave the rest alone. New borders hold from `valid_from`, by default from now."""
    stored = _compared(session.execute(STORED_AREAS, {"level": level}).mappings().all(), units)
    _write(session, NEW_AREAS, [each for each in units if each.code in stored.fresh], level=level, valid_from=valid_from)
    _write(session, CHANGED_AREAS, [each for each in units if each.code in stored.changed])
    return stored


def store_grids(session: Session, scope: Scope, scheme_id: int, units: Sequence[Unit], *, valid_from: datetime | None = None) -> Stored:
    """The same for the grids of a scheme; counts of households that are stored already stay."""
    stored = _compared(session.execute(STORED_GRIDS, {"scheme_id": scheme_id}).mappings().all(), units)
    fresh = [each for each in units if each.code in stored.fresh]
    _write(
        session, NEW_GRIDS, fresh, scheme_id=scheme_id, valid_from=valid_from,
        kind=[each.kind for each in fresh], households=[each.households for each in fresh],
    )  # fmt: skip
    _write(session, CHANGED_GRIDS, [each for each in units if each.code in stored.changed], scheme_id=scheme_id)
    return stored


def prove_coverage(session: Session, scope: Scope) -> None:
    """Let the database prove now what it would prove at commit; CoverageBroken names the area and the loose edges."""
    try:
        session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    except IntegrityError as broken:
        diagnosis = getattr(broken.orig, "diag", None)
        if getattr(diagnosis, "constraint_name", "") != "coverage_must_hold":
            raise Conflict(f"The ground collides with what is stored: {getattr(diagnosis, 'message_primary', '')}") from broken
        raise CoverageBroken(
            str(getattr(diagnosis, "message_primary", "")), detail=str(getattr(diagnosis, "message_detail", ""))
        ) from broken


def _write(session: Session, statement: Any, units: Sequence[Unit], **more: object) -> None:
    if not units:
        return
    columns = {name: [getattr(each, name) for each in units] for name in ("code", "parent", "name", "name_en", "source", "source_id")}
    wkb = [shapely.to_wkb(each.border, include_srid=False) for each in units]
    try:
        session.execute(statement, {**columns, **more, "wkb": wkb})
    except IntegrityError as broken:
        name = getattr(getattr(broken.orig, "diag", None), "constraint_name", "")
        raise Conflict(f"The ground collides with what is stored ({name}): a code may be in use elsewhere.", constraint=name) from broken


def _compared(rows: Sequence[RowMapping], units: Sequence[Unit]) -> Stored:
    known = {row["code"]: row for row in rows}
    dead = [each.code for each in units if each.code in known and known[each.code]["ended"]]
    if dead:
        raise Conflict(f"{len(dead)} codes have ended and are never used again: {', '.join(dead[:10])}.", codes=dead[:50])
    fresh = frozenset(each.code for each in units if each.code not in known)
    same = frozenset(each.code for each in units if each.code in known and _same(known[each.code], each))
    changed = frozenset(each.code for each in units) - fresh - same
    others = frozenset(code for code, row in known.items() if not row["ended"]) - fresh - same - changed
    return Stored(fresh, changed, same, others)


def _same(row: RowMapping, unit: Unit) -> bool:
    words = (row["name"], row["name_en"], row["parent"], row["source"], row["source_id"])
    if words != (unit.name, unit.name_en, unit.parent or "", unit.source, unit.source_id):
        return False
    return _canonical(shapely.from_wkb(bytes(row["wkb"]))) == _canonical(unit.border)


def _canonical(border: shapely.Geometry) -> bytes:
    """The bytes of a border, whichever vertex or part it begins with."""
    whole = MultiPolygon([border]) if isinstance(border, Polygon) else border
    return bytes(shapely.to_wkb(shapely.normalize(whole)))
