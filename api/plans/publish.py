"""Publishing a plan: one transaction of the system in which the draft becomes the ground, and everything on it follows or nothing does."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from api.plans import moving, new_ground
from api.plans.moving import Columns, Moment, Moves
from api.plans.new_ground import Area, Grid, NewGround, many
from data import after_commit
from data.after_commit import Change
from data.queries import audit, people, plan_publish, statistics
from data.queries.import_ground import prove_coverage
from data.scope import Scope
from gis.errors import Refusal

if TYPE_CHECKING:
    from api.work import Work

LOG = logging.getLogger("wangge.worker")
TRIES = 3
"""A deadlock with somebody who changes the same incidents is broken by the database; the next try waits its turn."""


def publish(work: "Work", plan_id: int) -> str:
    """Publish a plan that waits for it; tells the state it is left in.

    A plan that cannot be published goes back among the approved ones and keeps the reason. Safe to repeat, and after a crash
    nothing of it is there. Not yet due or not waiting: nothing happens.
    """
    for attempt in range(TRIES):
        try:
            with work.unit() as (session, scope):
                return run(session, scope, plan_id)
        except Refusal as refused:
            LOG.warning("plan %s is not published: %s", plan_id, refused.code)
            return _put_back(work, plan_id, refused.code, refused.message, refused.facts)
        except OperationalError as failed:
            if getattr(failed.orig, "sqlstate", None) not in ("40P01", "40001") or attempt == TRIES - 1:
                raise
        except Exception:  # a fault of ours: left waiting, the plan would be tried each minute, and nobody would hear of it
            LOG.exception("plan %s is not published", plan_id)
            return _put_back(work, plan_id, "bug", "Something went wrong on our side. It has been logged.", {})
    raise AssertionError("every try returns or raises")


def publish_due(work: "Work") -> list[int]:
    """Publish what has come due; returns the plans that were tried."""
    with work.unit() as (session, scope):
        waiting = plan_publish.due(session, scope)
    for plan_id in waiting:
        publish(work, plan_id)
    return waiting


def settle(work: "Work") -> int:
    """Place open incidents anew that came in by the old borders while new ones were being published; returns how many moved."""
    with work.unit() as (session, scope):
        return moving.settle(session, scope)


def run(session: Session, scope: Scope, plan_id: int) -> str:
    """The transaction itself, as the system; raises what refuses it."""
    plan_publish.one_at_a_time(session, scope)
    plan = plan_publish.locked(session, scope, plan_id)
    if plan.state != "publishing" or (plan.effective_at is not None and plan.effective_at > datetime.now(UTC)):
        return str(plan.state)
    ground = new_ground.lay(session, scope, plan)
    moves = moving.plan_moves(session, scope, plan, ground)
    when = _moment(session, plan, ground)
    _write_ground(session, scope, plan, ground, when.at)
    _write_lineage(session, scope, ground, moves, when.at)
    # Proved here, so that a plan which breaks the coverage is refused with the place and not by a failing commit.
    prove_coverage(session, scope)
    moved = _move(session, scope, plan, ground, moves, when)
    plan_publish.finish(session, scope, plan_id, when.at)
    _keep_rebased(session, scope, plan, ground)
    _tell(session, scope, plan, ground, moved, when)
    return "published"


def _put_back(work: "Work", plan_id: int, code: str, message: str, facts: Mapping[str, object]) -> str:
    failure = {"code": code, "message": message, "facts": facts, "at": datetime.now(UTC)}
    with work.unit() as (session, scope):
        plan_publish.fail(session, scope, plan_id, failure)
        caller = people.who(session, scope.token)
        audit.record(session, caller, "publish", "plan", plan_id, outcome="refused", why=message, facts={"code": code})
        after_commit.publish(session, Change("plan", "update", plan_id))
    return "approved"


def _moment(session: Session, plan: Any, ground: NewGround) -> Moment:
    """The new ground begins at the date asked for, or now; never before what it takes the place of."""
    at = statistics.moment(session)
    begins = plan.effective_at or datetime.now(UTC)
    if ground.latest is not None and begins <= ground.latest:
        begins = ground.latest + timedelta(microseconds=1)
    day = min(begins.astimezone(at.zone).date(), at.today)
    return Moment(begins, day, at.now, f"plan {plan.id}: {plan.name}", plan.decided_by)


def _write_ground(session: Session, scope: Scope, plan: Any, ground: NewGround, at: datetime) -> None:
    for area in ground.areas.values():
        if area.is_new:
            _write_area(session, scope, "new_area", area, at, parent_id=area.parent_id, code=area.code, class_code=area.class_code)
    _write_grids(session, scope, list(ground.grids.values()), plan.scheme_id, at)
    for scheme, grids in ground.others.items():
        _write_grids(session, scope, list(grids.values()), scheme, at)
    plan_publish.write(session, scope, "end_grids", {"ids": list(ground.ended)}, at=at)
    plan_publish.write(session, scope, "end_areas", {"ids": ground.ended_areas}, at=at)
    for area in ground.areas.values():
        if area.changed and not area.is_new and not area.ended:
            _write_area(session, scope, "change_area", area, at)


def _write_area(session: Session, scope: Scope, statement: str, area: Area, at: datetime, **more: object) -> None:
    assert area.border is not None, "an area that lives has a border"
    plan_publish.write_area(session, scope, statement, many(area.border), id=area.id, name=area.name, name_en=area.name_en, at=at, **more)


def _write_grids(session: Session, scope: Scope, grids: list[Grid], scheme: int, at: datetime) -> None:
    changed = [grid for grid in grids if grid.changed and not grid.is_new]
    plan_publish.write(session, scope, "change_grids", _columns(changed), at=at)
    fresh = [grid for grid in grids if grid.is_new]
    plan_publish.write(session, scope, "new_grids", _columns(fresh) | {"codes": [grid.code for grid in fresh]}, at=at, scheme=scheme)
    same = [grid for grid in grids if not grid.changed]
    if same:
        told = _columns(same)
        plan_publish.set_households(session, scope, {name: told[name] for name in ("ids", "households", "kinds")})


def _columns(grids: list[Grid]) -> dict[str, list[Any]]:
    return {
        "ids": [grid.id for grid in grids],
        "communities": [grid.community_id for grid in grids],
        "names": [grid.name for grid in grids],
        "names_en": [grid.name_en for grid in grids],
        "kinds": [grid.kind for grid in grids],
        "households": [grid.households for grid in grids],
        "borders": plan_publish.wkb([many(grid.border) for grid in grids]),
    }


def _write_lineage(session: Session, scope: Scope, ground: NewGround, moves: Moves, at: datetime) -> None:
    """What became of each grid that changed its ground, and of each community that gained, lost or ended."""
    moved = {piece.from_id for piece in moves.pieces if piece.from_id != piece.to_id}
    moved |= {piece.to_id for piece in moves.pieces if piece.from_id != piece.to_id}
    pieces = [piece for piece in moves.pieces if piece.from_id in moved]
    columns: Columns = {
        "from_ids": [piece.from_id for piece in pieces],
        "to_ids": [piece.to_id for piece in pieces],
        "kinds": [piece.kind for piece in pieces],
        "area_shares": [piece.area_share for piece in pieces],
        "household_shares": [piece.household_share for piece in pieces],
    }
    plan_publish.write(session, scope, "grid_lineage", columns, at=at)
    rows = moving.community_lineage(ground, moves.pieces)
    names = ("from_ids", "to_ids", "kinds", "area_shares", "household_shares")
    plan_publish.write(session, scope, "area_lineage", {name: [row[index] for row in rows] for index, name in enumerate(names)}, at=at)


def _move(session: Session, scope: Scope, plan: Any, ground: NewGround, moves: Moves, when: Moment) -> dict[str, int]:
    moved: dict[str, int] = {}
    if plan.is_primary:
        moved |= moving.move_homes(session, scope, ground, moves)
        moved["facilities"] = moving.move_facilities(session, scope, ground, moves)
        moved["open_incidents"] = moving.move_incidents(session, scope, ground, moves, when)
    moved |= {f"duties_{name}": number for name, number in moving.move_duties(session, scope, ground, moves, when).items()}
    pairs = moving.scope_heirs(ground)
    if pairs:
        columns = {"from_ids": [start for start, _ in pairs], "to_ids": [end for _, end in pairs]}
        moved["scopes_widened"] = plan_publish.write(session, scope, "widen_scopes", columns)
    return moved


def _keep_rebased(session: Session, scope: Scope, plan: Any, ground: NewGround) -> None:
    """The draft's rows as they were published, so that a reversal finds the state before in the past of each grid."""
    known = [grid for grid in ground.grids.values() if grid.id in ground.versions or grid.is_new]
    columns: Columns = {
        "ids": [grid.id for grid in known],
        "versions": [ground.versions.get(grid.id) for grid in known],
        "borders": plan_publish.wkb([many(grid.border) for grid in known]),
    }
    plan_publish.write(session, scope, "keep_rebased", columns, id=plan.id)
    plan_publish.write(
        session, scope, "keep_ended", {"ids": list(ground.ended), "versions": [ground.versions[id] for id in ground.ended]}, id=plan.id
    )


def _tell(session: Session, scope: Scope, plan: Any, ground: NewGround, moved: dict[str, int], when: Moment) -> None:
    communities = {grid.community_id for grid in ground.grids.values()} | {row.community_id for row in ground.ended.values()}
    changes = [Change(layer, "bulk", community_id=each) for each in sorted(communities) for layer in ("grid", "building", "incident")]
    areas = [Change("area", "update", area.id) for area in ground.areas.values() if area.changed or area.ended]
    after_commit.publish(session, Change("plan", "update", plan.id), *areas, *changes)
    grids = list(ground.grids.values())
    facts = {
        "from": when.at,
        "new": [grid.code for grid in grids if grid.is_new][:100], "ended": [row.code for row in ground.ended.values()][:100],
        "changed": sum(grid.changed and not grid.is_new and not grid.noded_only for grid in grids),
        "communities": {kind: [area.code for area in ground.areas.values() if getattr(area, kind)] for kind in ("is_new", "ended")},
        "moved": moved,
    }  # fmt: skip
    audit.record(session, people.who(session, scope.token), "publish", "plan", plan.id, why=when.why, facts=facts)
