"""The log of a plan: what each operation did, geometries included, and how the overlay takes it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
import shapely
from sqlalchemy import Row, TextClause, text
from sqlalchemy.orm import Session

from data.queries.plan_ground import GridState, Shape
from data.scope import Scope
from data.statements import statements

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AreaState:
    """One community as a draft has it; `base_version` None: made by the draft."""

    id: int
    base_version: int | None
    parent_id: int
    name: str
    name_en: str
    class_code: str | None
    ended: bool = False

    def columns(self) -> dict[str, object]:
        """What the overlay and the log keep."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Step:
    """How one grid goes from a state to another. None: the draft has no row of its own for it, before or after.

    `was` is how it was in any case, today's grid where the draft had no row; None only for a grid that was not there,
    and for a step read from the log, which keeps `was_shape` alone.
    """

    id: int
    before: GridState | None
    was_shape: Shape | None
    after: GridState | None
    was: GridState | None = None

    @classmethod
    def between(cls, id: int, was: GridState | None, after: GridState | None) -> "Step":
        """From how a grid is now to how it shall be."""
        return cls(id, was if was is not None and was.overlaid else None, None if was is None else was.shape, after, was)


@dataclass(frozen=True, slots=True)
class AreaStep:
    """How one community goes from a state to another; None: no row of its own."""

    id: int
    before: AreaState | None
    after: AreaState | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the log to be written."""

    client_id: UUID
    person: int
    kind: str
    operation: Facts
    facts: Facts
    steps: Sequence[Step]
    area_steps: Sequence[AreaStep] = ()
    undoes: int | None = None
    redoes: int | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """What a row of the log did."""

    steps: list[Step] = field(default_factory=list)
    areas: list[AreaStep] = field(default_factory=list)


def known(session: Session, scope: Scope, plan_id: int, client_id: UUID) -> Row[Any] | None:
    """The operation that came under a client's number before, None when it is new."""
    return session.execute(_named("known"), {"plan": plan_id, "client_id": client_id}).one_or_none()


def append(session: Session, scope: Scope, plan_id: int, seq: int, entry: Entry) -> dict[int, tuple[float, float]]:
    """Write a row of the log with all it did, and let the overlay and the plan's revision follow.

    Returns area (m²) and perimeter (m) of the grids that the overlay has now.
    """
    rows = session.execute(
        _named("write"),
        {
            "plan": plan_id, "seq": seq, "client_id": entry.client_id, "person": entry.person, "kind": entry.kind,
            "operation": _json(entry.operation), "undoes": entry.undoes, "redoes": entry.redoes, "facts": _json(entry.facts),
            **_grid_rows(entry.steps),
        },
    ).all()  # fmt: skip
    if entry.area_steps:
        session.execute(_named("append_areas"), {"plan": plan_id, "seq": seq, **_area_rows(entry.area_steps)})
        _draw_areas(session, plan_id, entry.area_steps)
    return {row.grid_id: (row.area_m2 or 0.0, row.perimeter_m or 0.0) for row in rows}


def undoable(session: Session, scope: Scope, plan_id: int, person: int) -> Row[Any] | None:
    """The person's last operation that is not taken back."""
    return session.execute(_named("undoable"), {"plan": plan_id, "person": person}).one_or_none()


def redoable(session: Session, scope: Scope, plan_id: int, person: int) -> Row[Any] | None:
    """What the person took back last and has not built over since."""
    return session.execute(_named("redoable"), {"plan": plan_id, "person": person}).one_or_none()


def effect(session: Session, scope: Scope, plan_id: int, seq: int) -> Effect:
    """What one row of the log did."""
    rows = session.execute(_named("effect"), {"plan": plan_id, "seq": seq}).all()
    before = _shapes(row.before_wkb for row in rows)
    after = _shapes(row.after_wkb for row in rows)
    steps = [
        Step(row.id, _state(row.id, row.before, was), was, _state(row.id, row.after, now))
        for row, was, now in zip(rows, before, after, strict=True)
    ]
    return Effect(steps, _area_steps(session.execute(_named("area_effect"), {"plan": plan_id, "seq": seq}).all()))


def facts_of(session: Session, scope: Scope, plan_id: int, seq: int) -> Facts:
    """What a row of the log says beside its effect."""
    statement = text("SELECT facts FROM plan_op WHERE plan_id = :plan AND seq = :seq")
    return dict(session.execute(statement, {"plan": plan_id, "seq": seq}).scalar_one())


def states_at(session: Session, scope: Scope, plan_id: int, seq: int) -> tuple[dict[int, GridState | None], dict[int, AreaState | None]]:
    """How grids and communities that changed after row `seq` were then; None: the draft had no row of its own."""
    rows = session.execute(_named("since"), {"plan": plan_id, "seq": seq}).all()
    shapes = _shapes(row.before_wkb for row in rows)
    grids = {row.id: _state(row.id, row.before, shape) for row, shape in zip(rows, shapes, strict=True)}
    areas = session.execute(_named("areas_since"), {"plan": plan_id, "seq": seq}).all()
    return grids, {row.id: None if row.before is None else AreaState(**row.before) for row in areas}


def areas_of(session: Session, scope: Scope, plan_id: int) -> list[AreaState]:
    """The communities that a draft makes, renames or ends."""
    statement = text(
        "SELECT area_id AS id, base_version, parent_id, name, name_en, class_code, ended FROM plan_area"
        " WHERE plan_id = :plan ORDER BY area_id"
    )
    return [AreaState(**row) for row in session.execute(statement, {"plan": plan_id}).mappings()]


def last_touching(session: Session, scope: Scope, plan_id: int, ids: Sequence[int]) -> Row[Any] | None:
    """The newest row of the log that changed any of some grids."""
    return session.execute(_named("last_touching"), {"plan": plan_id, "ids": list(ids)}).one_or_none()


def log(session: Session, scope: Scope, plan_id: int, *, after: int, limit: int) -> list[Row[Any]]:
    """The log after a row, the oldest first."""
    return list(session.execute(_named("log"), {"plan": plan_id, "after": after, "limit": limit}).all())


def _draw_areas(session: Session, plan_id: int, steps: Sequence[AreaStep]) -> None:
    gone = [step.id for step in steps if step.after is None]
    if gone:
        session.execute(text("DELETE FROM plan_area WHERE plan_id = :plan AND area_id = ANY (:ids)"), {"plan": plan_id, "ids": gone})
    drawn = [step.after.columns() for step in steps if step.after is not None]
    if drawn:
        session.execute(_named("draw_areas"), {"plan": plan_id, "states": _json(drawn)})


def _grid_rows(steps: Sequence[Step]) -> Facts:
    return {
        "ids": [step.id for step in steps],
        "before": [None if step.before is None else _json(step.before.columns()) for step in steps],
        "before_wkb": [None if step.was_shape is None else shapely.to_wkb(step.was_shape) for step in steps],
        "after": [None if step.after is None else _json(step.after.columns()) for step in steps],
        "after_wkb": [None if step.after is None or step.after.shape is None else shapely.to_wkb(step.after.shape) for step in steps],
    }


def _area_rows(steps: Sequence[AreaStep]) -> Facts:
    return {
        "ids": [step.id for step in steps],
        "before": [None if step.before is None else _json(step.before.columns()) for step in steps],
        "after": [None if step.after is None else _json(step.after.columns()) for step in steps],
    }


def _area_steps(rows: Sequence[Row[Any]]) -> list[AreaStep]:
    return [
        AreaStep(row.id, None if row.before is None else AreaState(**row.before), None if row.after is None else AreaState(**row.after))
        for row in rows
    ]


def _state(id: int, columns: Facts | None, shape: Shape | None) -> GridState | None:
    return None if columns is None else GridState.of_columns(id, columns, shape)


def _shapes(found: Iterable[Any]) -> list[Shape | None]:
    return list(shapely.from_wkb([None if each is None else bytes(each) for each in found]))


def _json(value: Any) -> str:
    return orjson.dumps(value, default=str, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS).decode()


def _named(name: str) -> TextClause:
    return statements("plan_ops")[name]
