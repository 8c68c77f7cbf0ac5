"""A new draft that takes a publication back: the ground as it was before, under fresh numbers where codes have died."""

from typing import Any
from uuid import uuid4

from sqlalchemy.orm import Session

from api.actor import Actor
from data.queries import plan_ground, plan_ops, plan_review
from data.queries.plan_ground import GridState
from data.queries.plan_ops import AreaState, AreaStep, Entry, Step
from data.queries.plan_publish import shape
from gis.errors import PlanRefused


def draft_of(session: Session, actor: Actor, plan: Any, name: str | None) -> int:
    """Make the draft that restores what a published plan changed, called so; returns its number.

    Grids and communities that the plan ended are new ones with the old borders and names: a dead code never comes back.
    Ground that others have changed since is told when the draft is published.
    """
    areas = plan_review.areas_before(session, actor.scope, plan.id)
    homes = {row.id: plan_ground.new_area_id(session, actor.scope) for row in areas if row.ended and row.base_version is not None}
    made = plan_review.draft_like(session, actor.scope, plan.id, actor.person_id, name)
    rows = [row for row in plan_review.grids_before(session, actor.scope, plan.id) if not (row.ended and row.base_version is None)]
    if not rows and not areas:
        raise PlanRefused("The plan changed nothing that could be taken back.", reason="nothing_changes", plan=plan.id)
    fresh = iter(plan_ground.new_ids(session, actor.scope, sum(row.ended for row in rows)))
    steps = [_step(row, homes, next(fresh) if row.ended else row.id) for row in rows]
    entry = Entry(
        uuid4(), actor.person_id, "reverse", {"kind": "reverse", "plan": plan.id}, {}, steps, [_area_step(row, homes) for row in areas]
    )
    plan_ops.append(session, actor.scope, made, 1, entry)
    return made


def _step(row: Any, homes: dict[int, int], id: int) -> Step:
    """Back to the border before: a grid the plan made ends, one it ended is made anew, one it changed is changed back."""
    base = None if row.ended else row.left_version
    back = row.base_version is not None
    state = GridState(
        id=id,
        community_id=homes.get(row.community_id, row.community_id),
        version=(base or 0) + (0 if row.noded_only else 1),
        base_version=base,
        noded_only=row.noded_only,
        overlaid=True,
        name=row.name,
        name_en=row.name_en,
        kind=row.kind,
        households=row.households if back else 0,
        shape=shape(row.was) if back else None,
    )
    return Step(id, None, None if row.ended else shape(row.now), state)


def _area_step(row: Any, homes: dict[int, int]) -> AreaStep:
    if row.ended and row.base_version is not None:
        id = homes[row.id]
        return AreaStep(id, None, AreaState(id, None, row.parent_id, row.name, row.name_en, row.class_code))
    ends = row.base_version is None
    return AreaStep(row.id, None, AreaState(row.id, row.now_version, row.parent_id, row.name, row.name_en, row.class_code, ended=ends))
