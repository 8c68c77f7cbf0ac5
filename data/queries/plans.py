"""Plans: who sees which, their state, copies, comments, snapshots and locks."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import shapely
from shapely.geometry import Point
from sqlalchemy import Row, TextClause, text
from sqlalchemy.orm import Session

from data.scope import Scope
from data.statements import statements
from gis.errors import NotFound

Facts = Mapping[str, Any]
Plan = Row[Any]
"""id, name, state, revision, area_id, scheme_id, communities (ranges), household_min, household_max, made_by, made (new communities)."""


def page(
    session: Session, scope: Scope, *, person: int, areas: Sequence[int] | None = None, state: str | None = None, id: int | None = None
) -> list[Row[Any]]:
    """Plans whose every community is in scope, the newest first; `person` says whose undo and redo are told."""
    asked = {"person": person, "areas": None if areas is None else list(areas), "state": state, "id": id}
    return list(session.execute(_named("page"), asked).all())


def create(session: Session, scope: Scope, facts: Facts) -> int | None:
    """Store a new draft and return its number; None when there is no such scheme.

    `facts`: name, note, area_id, scheme (a code or None), communities (ids), household_min, household_max, person, reverses.
    """
    communities = multirange(facts["communities"])
    number: int | None = session.execute(_named("create"), {**facts, "communities": communities}).scalar_one_or_none()
    return number


def held(session: Session, scope: Scope, id: int) -> Plan:
    """A plan under its lock until this transaction ends; NotFound when the caller may not write it or there is none."""
    return _found(session.execute(_named("held"), {"id": id}).one_or_none(), id)


def seen(session: Session, scope: Scope, id: int) -> Plan:
    """A plan as it is; NotFound when there is none in scope."""
    return _found(session.execute(_named("seen"), {"id": id}).one_or_none(), id)


def change(session: Session, scope: Scope, id: int, **columns: object) -> None:
    """Set columns of a plan; the names are this program's own."""
    known = {"name", "note", "state", "failure"}
    assert set(columns) <= known, f"only {known}"
    told = {key: orjson.dumps(value).decode() if key == "failure" and value is not None else value for key, value in columns.items()}
    names = ", ".join(f"{name} = :{name}" for name in columns)
    session.execute(text(f"UPDATE plan SET {names} WHERE id = :id"), {**told, "id": id})


def areas_below(session: Session, scope: Scope, area_id: int) -> list[int]:
    """An area and all below it, for lists of plans."""
    below = text("""
        WITH RECURSIVE inside AS (
            SELECT id FROM area WHERE id = :id UNION ALL SELECT area.id FROM area JOIN inside ON area.parent_id = inside.id)
        SELECT id FROM inside""")
    return list(session.execute(below, {"id": area_id}).scalars())


def copy_ground(session: Session, scope: Scope, *, from_plan: int, to_plan: int) -> int:
    """Give a plan the ground of another; what the first one made gets numbers of its own. Returns how many grids came along."""
    fresh = session.execute(
        text("SELECT grid_id, nextval('grid_id_seq') AS to_id FROM plan_grid WHERE plan_id = :plan AND base_version IS NULL"),
        {"plan": from_plan},
    ).all()
    made = session.execute(
        text("SELECT area_id, nextval('area_id_seq') AS to_id FROM plan_area WHERE plan_id = :plan AND base_version IS NULL"),
        {"plan": from_plan},
    ).all()
    binds = {
        "from_plan": from_plan, "to_plan": to_plan,
        "grids_from": [row.grid_id for row in fresh], "grids_to": [row.to_id for row in fresh],
        "areas_from": [row.area_id for row in made], "areas_to": [row.to_id for row in made],
    }  # fmt: skip
    session.execute(_named("copy_areas"), {key: binds[key] for key in ("from_plan", "to_plan", "areas_from", "areas_to")})
    copied = session.execute(_named("copy_grids"), binds)
    return int(copied.rowcount)  # type: ignore[attr-defined]


def comments(session: Session, scope: Scope, id: int) -> list[Row[Any]]:
    """What people say of a plan, the oldest first."""
    return list(session.execute(_named("comments"), {"plan": id}).all())


def comment(session: Session, scope: Scope, id: int, *, person: int, body: str, place: Point | None, grid: int | None) -> int:
    """Store a remark; returns its number."""
    statement = text(
        "INSERT INTO plan_comment (plan_id, place, grid_id, body, person_id)"
        " VALUES (:plan, CAST(:place AS geometry), :grid, :body, :person) RETURNING id"
    )
    asked = {"plan": id, "place": None if place is None else hexed(place), "grid": grid, "body": body, "person": person}
    return int(session.execute(statement, asked).scalar_one())


def resolve_comment(session: Session, scope: Scope, id: int, comment_id: int, person: int) -> bool:
    """Mark a remark as dealt with; False when there is none, or it was before."""
    statement = text(
        "UPDATE plan_comment SET resolved_by = :person, resolved_at = now()"
        " WHERE plan_id = :plan AND id = :id AND resolved_at IS NULL RETURNING id"
    )
    return session.execute(statement, {"plan": id, "id": comment_id, "person": person}).one_or_none() is not None


def remove_comment(session: Session, scope: Scope, id: int, comment_id: int) -> None:
    """Take a remark away for good."""
    session.execute(text("DELETE FROM plan_comment WHERE plan_id = :plan AND id = :id"), {"plan": id, "id": comment_id})


def snapshots(session: Session, scope: Scope, id: int) -> list[Row[Any]]:
    """Named moments of a plan, the newest first."""
    return list(session.execute(_named("snapshots"), {"plan": id}).all())


def take_snapshot(session: Session, scope: Scope, id: int, *, name: str, seq: int, person: int) -> bool:
    """Name the moment after operation `seq`; False when the name is taken."""
    statement = text(
        "INSERT INTO plan_snapshot (plan_id, name, seq, person_id) VALUES (:plan, :name, :seq, :person)"
        " ON CONFLICT DO NOTHING RETURNING name"
    )
    return session.execute(statement, {"plan": id, "name": name, "seq": seq, "person": person}).one_or_none() is not None


def lock(session: Session, scope: Scope, id: int, grid: int, person: int) -> None:
    """Keep a grid's ground as it is; a lock that is there stays."""
    statement = text("INSERT INTO plan_lock (plan_id, grid_id, person_id) VALUES (:plan, :grid, :person) ON CONFLICT DO NOTHING")
    session.execute(statement, {"plan": id, "grid": grid, "person": person})


def unlock(session: Session, scope: Scope, id: int, grid: int) -> None:
    """Let a grid's ground change again."""
    session.execute(text("DELETE FROM plan_lock WHERE plan_id = :plan AND grid_id = :grid"), {"plan": id, "grid": grid})


def locked_among(session: Session, scope: Scope, id: int, grids: Sequence[int]) -> list[int]:
    """Those of some grids that are locked."""
    statement = text("SELECT grid_id FROM plan_lock WHERE plan_id = :plan AND grid_id = ANY (:grids) ORDER BY grid_id")
    return list(session.execute(statement, {"plan": id, "grids": list(grids)}).scalars())


def holds(plan: Plan, community_id: int) -> bool:
    """Whether a community is one of a plan: of today within its area, or made by it."""
    of_today = any((each.lower or 0) <= community_id and (each.upper is None or community_id < each.upper) for each in plan.communities)
    return of_today or community_id in plan.made


def multirange(ids: Sequence[int]) -> str:
    """Numbers as PostgreSQL's int4multirange."""
    return "{" + ",".join(f"[{each},{each + 1})" for each in sorted(set(ids))) + "}"


def hexed(shape: shapely.Geometry) -> str:
    """A shape (degrees) as text that PostGIS casts to geometry."""
    return str(shapely.to_wkb(shapely.set_srid(shape, 4490), hex=True, include_srid=True))


def _found(row: Plan | None, id: int) -> Plan:
    if row is None:
        raise NotFound("There is no such plan.", plan=id)
    return row


def _named(name: str) -> TextClause:
    return statements("plans")[name]
