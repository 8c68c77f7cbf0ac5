"""What lives and lies on ground that a draft changes: buildings, people in numbers, incidents, officers."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from data.queries.bound import scope_binds
from data.scope import Scope
from data.shape import STORAGE_SRID
from data.statements import statements

Ground = Polygon | MultiPolygon
Floats = NDArray[np.float64]
PLAN = text("SELECT id, name, scheme_id, state, household_min, household_max, effective_at FROM plan WHERE id = :id")


@dataclass(frozen=True)
class Buildings:
    """Buildings in the order of their keys, each with a point inside (degrees)."""

    rows: Sequence[Row[Any]]
    lon: Floats
    lat: Floats


@dataclass(frozen=True)
class Reported:
    """Incidents with a place (degrees): open ones, and those of the last year."""

    lon: Floats
    lat: Floats
    open: NDArray[np.bool_]
    recent: NDArray[np.bool_]


def plan(session: Session, scope: Scope, plan_id: int) -> Row[Any] | None:
    """A plan in scope, or None."""
    return session.execute(PLAN, {"id": plan_id}).one_or_none()


def overlay(session: Session, scope: Scope, plan_id: int) -> Sequence[Row[Any]]:
    """The rows of a draft beside what they were copied from and what is there now, as far as the caller sees."""
    return session.execute(statements("plan_publish")["overlay"], {"id": plan_id}).all()


def today(session: Session, scope: Scope, ids: Collection[int]) -> Sequence[Row[Any]]:
    """Living grids by number."""
    return session.execute(_named("today"), {"ids": list(ids), **scope_binds(scope)}).all()


def buildings(session: Session, scope: Scope, borders: Sequence[Ground]) -> Buildings:
    """Buildings whose outline meets the box around some borders."""
    rows = session.execute(_named("buildings"), {"box": _box(borders), **scope_binds(scope)}).all()
    return Buildings(rows, np.array([row.lon for row in rows], dtype=float), np.array([row.lat for row in rows], dtype=float))


def incidents(session: Session, scope: Scope, borders: Sequence[Ground], since: datetime) -> Reported:
    """Incidents within the box around some borders that are open or were reported `since`."""
    row = session.execute(_named("incidents"), {"box": _box(borders), "since": since, **scope_binds(scope)}).one()
    flags = np.array(row.open or [], dtype=np.bool_), np.array(row.recent or [], dtype=np.bool_)
    return Reported(np.array(row.lon or [], dtype=float), np.array(row.lat or [], dtype=float), *flags)


def people(session: Session, scope: Scope, plan_id: int, rows: Sequence[Row[Any]], parts: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Residents and households in care of each part of the buildings."""
    asked = {"plan": plan_id, "cells": [row.cell for row in rows], "buildings": [row.id for row in rows], "parts": list(parts)}
    return {row.part: (row.residents, row.care_households) for row in session.execute(_named("people"), asked)}


def officers(session: Session, scope: Scope, grids: Collection[int], day: date) -> dict[int, Row[Any]]:
    """The main officer (id, name) of each grid that has one on a day."""
    found = session.execute(_named("officers"), {"grids": list(grids), "day": day})
    return {row.grid_id: row for row in found}


def measures(session: Session, scope: Scope, borders: Sequence[Ground]) -> list[tuple[float, float]]:
    """Area (m²) and perimeter (m) of each border."""
    rows = session.execute(_named("measures"), {"borders": [shapely.to_wkb(each, include_srid=False) for each in borders]})
    return [(row.area_m2, row.perimeter_m) for row in rows]


def moving(session: Session, scope: Scope, rows: Sequence[Row[Any]]) -> Sequence[Row[Any]]:
    """Every household of some buildings, by address."""
    asked = {"cells": [row.cell for row in rows], "buildings": [row.id for row in rows], **scope_binds(scope)}
    return session.execute(_named("moving"), asked).all()


def _box(borders: Sequence[Ground]) -> str:
    box = shapely.box(*shapely.total_bounds(np.array(list(borders), dtype=object)))
    return str(shapely.to_wkb(shapely.set_srid(box, STORAGE_SRID), hex=True, include_srid=True))


def _named(name: str) -> Any:
    return statements("plan_impact")[name]
