"""Use cases of proposals: ask for balanced grids, follow the work, look at alternatives, take one."""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import shapely
from shapely.geometry import Point
from sqlalchemy.orm import Session

from api.actor import Actor
from api.plans import balancing, service
from api.plans.changes import NOWHERE, Naming, box_of, holders
from api.plans.ground import plan_of
from api.plans.wire import encoded, origin_of
from data import after_commit
from data.queries import atoms, audit, plan_ground, plan_proposals, plans, statistics
from data.queries.plan_ground import GridState, Shape
from data.queries.plans import Plan
from data.scope import Scope
from gis.balance.proposal import Proposal
from gis.balance.propose import COMPACT, propose, same
from gis.borders.model import Change
from gis.codes import NameRule, in_reading_order
from gis.errors import BadValue, Conflict, NotFound, Refusal
from gis.faces import polygonal
from gis.lattice import STEP

Answer = dict[str, Any]
JOB = "plans:propose"
TELL_EVERY_S = 0.5


class Cancelled(Exception):
    """Somebody does not want the answer any more."""


def ask(session: Session, actor: Actor, id: int, asked: Mapping[str, Any]) -> Answer:
    """Store the question and defer the work; the answer is read later under its number."""
    plan = service.drafted(session, actor, id)
    known = {row.code or f"#{row.id}": row.id for row in plan_ground.communities(session, actor.scope, plan) if not row.ended}
    missing = [code for code in asked["communities"] or () if code not in known]
    if missing:
        raise NotFound("There is no such community in this plan.", communities=missing[:20])
    low = plan.household_min if asked["min"] is None and asked["parts"] is None else asked["min"]
    high = plan.household_max if asked["max"] is None and asked["parts"] is None else asked["max"]
    if low is not None and high is not None and low > high:
        raise BadValue("The smallest is above the largest.", at="min", min=low, max=high)
    chosen = sorted(known.values()) if asked["communities"] is None else sorted({known[code] for code in asked["communities"]})
    question = {**asked, "communities": chosen, "min": low, "max": high}
    number = plan_proposals.ask(session, actor.scope, id, person=actor.person_id, question=question, revision=plan.revision)
    after_commit.defer(session, JOB, proposal_id=number)
    audit.record(session, actor, "create", "plan_proposal", number, facts={"plan": id, "communities": len(chosen)})
    return one(session, actor, id, number)


def page(session: Session, actor: Actor, id: int) -> list[Answer]:
    """The questions asked of a plan, the newest first, without the borders."""
    plan = plan_of(session, actor, id)
    return [_told(row, whole=False) for row in plan_proposals.page(session, actor.scope, plan.id)]


def one(session: Session, actor: Actor, id: int, number: int) -> Answer:
    """One question with its alternatives once they are there."""
    plan = plan_of(session, actor, id)
    row = plan_proposals.one(session, actor.scope, plan.id, number)
    if row is None:
        raise NotFound("There is no such proposal.", proposal=number)
    return _told(row, whole=True)


def cancel(session: Session, actor: Actor, id: int, number: int) -> Answer:
    """Stop the work; what is done stays done."""
    actor.must("plans.write")
    one(session, actor, id, number)
    if plan_proposals.cancel(session, actor.scope, number):
        audit.record(session, actor, "cancel", "plan_proposal", number, facts={"plan": id})
    return one(session, actor, id, number)


def taken(
    session: Session, actor: Actor, plan: Plan, proposal: int, alternative: int, *, dry_ids: int | None
) -> tuple[dict[int, GridState], Change, Naming]:
    """An alternative in place of what its communities are now; Conflict when their ground changed since it was worked out."""
    row = plan_proposals.one(session, actor.scope, plan.id, proposal)
    if row is None or row.state != "done":
        raise NotFound("There is no such proposal that is worked out.", proposal=proposal)
    choices = row.result["alternatives"]
    if alternative >= len(choices):
        raise NotFound("The proposal has no such alternative.", alternative=alternative, alternatives=len(choices))
    touched = plan_proposals.changed_since(session, actor.scope, plan.id, row.revision, row.question["communities"])
    if touched:
        raise Conflict("The ground has changed since this was worked out; ask again.", reason="proposal_outdated", seq=touched)
    chosen = choices[alternative]
    changing = {each["community_id"] for each in chosen["grids"] if not each["as_now"]}
    grids = [each for each in chosen["grids"] if each["community_id"] in changing]
    communities = sorted(changing)
    shapes = {id(each): balancing.polygon_of(each["polygons"], chosen["origin"]) for each in grids}
    states = plan_ground.around(session, actor.scope, plan.id, balancing.wide(box_of(list(shapes.values())))) if grids else {}
    fresh = [each for each in grids if each["grid_id"] is None]
    ids = plan_ground.new_ids(session, actor.scope, len(fresh)) if dry_ids is None else [dry_ids + at for at in range(len(fresh))]
    number = {id(each): new for each, new in zip(fresh, ids, strict=True)}
    known = {each.id: each for each in plan_ground.communities(session, actor.scope, plan)}
    redivision = balancing.Redivision(states)
    for community in communities:
        mine = [each for each in grids if each["community_id"] == community]
        redivision.put(community, {each["grid_id"] or number[id(each)]: shapes[id(each)] for each in mine})
    homes = {number[id(each)]: each["community_id"] for each in fresh}
    names: dict[int, tuple[str, str]] = {}
    for community in sorted(set(homes.values())):
        made = {number[id(each)]: shapes[id(each)] for each in fresh if each["community_id"] == community}
        names |= _names(known[community], [each for each in states.values() if each.community_id == community], made)
    return states, redivision.change(), Naming(names, homes)


def _names(area: Any, standing: Sequence[GridState], made: Mapping[int, Shape]) -> dict[int, tuple[str, str]]:
    """New grids of a community named as its other grids are, by numbers that go on after theirs in the order of reading."""
    zh, en = [each.name for each in standing], [each.name_en for each in standing if each.name_en]
    rule, rule_en = NameRule.of(zh) or NameRule(area.name), NameRule.of(en) or NameRule(f"{area.name_en} ")
    serials = [*map(rule.serial_of, zh), *map(rule_en.serial_of, en)]
    start = max((each for each in serials if each is not None), default=len(standing)) + 1
    ids = list(made)
    order = in_reading_order([(each.x, each.y) for each in shapely.point_on_surface(list(made.values()))])
    english = bool(area.name_en or en)
    return {ids[at]: (rule.name(serial), rule_en.name(serial) if english else "") for serial, at in enumerate(order, start=start)}


def work_out(work: Any, proposal_id: int) -> str:
    """Work a question out, in its own short transactions, so that progress is seen and a cancel is heard."""
    with work.unit() as (session, scope):
        row = plan_proposals.begin(session, scope, proposal_id)
        if row is None:
            return "nothing to do"
        plan = plans.seen(session, scope, row.plan_id)
    try:
        result = _alternatives(work, plan, row)
    except Cancelled:
        return "cancelled"
    except Refusal as refusal:
        told = {"code": refusal.code, "message": refusal.message, "facts": refusal.facts}
        with work.unit() as (session, scope):
            plan_proposals.finish(session, scope, proposal_id, "failed", failure=told)
        return "failed"
    with work.unit() as (session, scope):
        plan_proposals.finish(session, scope, proposal_id, "done", result=result)
    return "done"


class _Teller:
    """Tells progress now and then and hears whether the question was cancelled."""

    def __init__(self, work: Any, proposal_id: int) -> None:
        self.work, self.id = work, proposal_id
        self.told_at = time.monotonic()
        self.stopped = False

    def tell(self, share: float) -> None:
        if time.monotonic() - self.told_at < TELL_EVERY_S:
            return
        self.told_at = time.monotonic()
        with self.work.unit() as (session, scope):
            self.stopped = not plan_proposals.tell(session, scope, self.id, min(max(share, 0.0), 1.0))

    def tell_part(self, done: float, part: float, share: float) -> None:
        """A share of one part of the work, which begins where `done` of it is over."""
        self.tell(done + part * share)

    def check(self) -> None:
        if self.stopped:
            raise Cancelled


def _alternatives(work: Any, plan: Plan, row: Any) -> Answer:
    question, teller = row.question, _Teller(work, row.id)
    count = question["alternatives"]
    found: list[list[tuple[int, balancing.Divided, Proposal]]] = [[] for _ in range(count)]
    impossible: list[Answer] = []
    steps = len(question["communities"]) * count
    lost = set(range(len(question.get("seeds", []))))
    for at, community in enumerate(question["communities"]):
        with work.unit() as (session, scope):
            ground = balancing.divided(
                session, scope, plan, community, spare_dedicated=question["spare_dedicated"], kept=question["locked_grids"]
            )
            roads = [line for _, line in atoms.lines_of(session, scope, box_of(ground.shapes.tolist()))]
            weights = _weights(session, scope, plan, ground, question["weight"])
        graph = balancing.graph_over(ground, weights, roads)
        seeds = _atoms_at(ground, question.get("seeds", []))
        lost -= seeds.keys()
        for number in range(count):
            done = (at * count + number) / steps
            solved = propose(
                graph, low=question["min"], high=question["max"], parts=question["parts"], seed=question["seed"] + number,
                home=ground.holder, mu=question["mu"], locked=np.isin(ground.holder, list(ground.kept)),
                seeds=sorted(seeds.values()),
                road=question["road"], compact=COMPACT if question["compact"] is None else question["compact"],
                progress=partial(teller.tell_part, done, 1 / steps), cancelled=lambda: teller.stopped,
            )  # fmt: skip
            teller.tell(done)
            teller.check()
            found[number].append((community, ground, solved))
        if found[0][-1][2].impossible:
            impossible.append(_impossible(community, ground, found[0][-1][2]))
    if lost:
        raise BadValue("A seed lies on no ground of these communities.", at="seeds", numbers=sorted(lost)[:20])
    return {"alternatives": [_alternative(each, question) for each in _different(found)], "impossible": impossible}


def _different(found: list[list[tuple[int, balancing.Divided, Proposal]]]) -> list[list[tuple[int, balancing.Divided, Proposal]]]:
    """Each alternative once: where the best is plain, several seeds find the same."""
    kept: list[list[tuple[int, balancing.Divided, Proposal]]] = []
    for each in found:
        if not any(all(same(mine[2].labels, other[2].labels) for mine, other in zip(each, known, strict=True)) for known in kept):
            kept.append(each)
    return kept


def _atoms_at(ground: balancing.Divided, places: Sequence[Sequence[float]]) -> dict[int, int]:
    """The atom that holds each of some places (degrees), by the number of the place; BadValue if two lie in one."""
    points = np.array([Point(each) for each in places], dtype=object)
    held = holders(points, dict(enumerate(ground.shapes)))
    found = {number: atom for number, atom in enumerate(held.tolist()) if atom != NOWHERE}
    if len(set(found.values())) < len(found):
        raise BadValue("Two seeds lie on the ground of one building; no border goes through it.", at="seeds", numbers=sorted(found)[:20])
    return found


def _alternative(found: list[tuple[int, balancing.Divided, Proposal]], question: Mapping[str, Any]) -> Answer:
    rows: list[Answer] = []
    shapes: list[Any] = []
    for community, ground, solved in found:
        # Borders drawn by hand need not follow atoms: what is kept stays to the step, and a community that is as now does.
        as_now = set(solved.parts.tolist()) == set(ground.grids) and bool((solved.labels == ground.holder).all())
        for at, label in enumerate(solved.parts.tolist()):
            mine = solved.labels == label
            state = ground.grids.get(label)
            rows.append(
                {
                    "community_id": community, "grid_id": label if state is not None else None, "as_now": as_now,
                    "households": int(ground.households[mine].sum()), "weight": round(float(solved.weights[at]), 3),
                    "polsby_popper": round(float(solved.polsby_popper[at]), 4),
                }
            )  # fmt: skip
            stays = as_now or label in ground.kept
            shapes.append(state.shape if state is not None and stays else _united(ground, ground.shapes[mine]))
    origin = origin_of(shapes)
    for each, polygons in zip(rows, encoded(shapes, origin), strict=True):
        each["polygons"] = [[ring.tolist() for ring in polygon] for polygon in polygons]
    return {"figures": _figures([each for _, _, each in found], question), "origin": list(origin), "grids": rows}


def _united(ground: balancing.Divided, shapes: balancing.Shapes) -> Shape:
    """One border around atoms; those that were cut do not share all their vertices."""
    united = shapely.union_all(shapes, grid_size=STEP) if ground.kept else shapely.coverage_union_all(shapes)
    return polygonal(united)


def _figures(found: list[Proposal], question: Mapping[str, Any]) -> Answer:
    weights = np.concatenate([each.weights for each in found])
    border = sum(each.border_m for each in found)
    roads = sum((each.on_roads or 0.0) * each.border_m for each in found)
    low = -np.inf if question["min"] is None else question["min"]
    high = np.inf if question["max"] is None else question["max"]
    return {
        "grids": len(weights), "in_range": round(float(((weights >= low) & (weights <= high)).mean()), 4),
        "contiguous": all(each.contiguous for each in found), "smallest": round(float(weights.min()), 3),
        "largest": round(float(weights.max()), 3),
        "polsby_popper": round(float(np.concatenate([each.polsby_popper for each in found]).mean()), 4),
        "on_roads": round(roads / border, 4) if border > 0 else None, "border_m": round(border, 1),
        "moved": round(sum(each.moved_weight for each in found), 3), "seed": question["seed"],
    }  # fmt: skip


def _impossible(community: int, ground: balancing.Divided, solved: Proposal) -> Answer:
    return {
        "community_id": community, "households": int(ground.households.sum()),
        "nearest": [{"reason": each.reason, "parts": each.parts, "weights": list(each.weights)} for each in solved.impossible],
    }  # fmt: skip


def _weights(session: Session, scope: Scope, plan: Plan, ground: balancing.Divided, weight: str) -> Any:
    if weight == "households":
        return ground.households
    box = box_of(ground.shapes.tolist())
    if weight == "residents":
        members = plan_proposals.members_of(session, scope, ground.building_ids[ground.building_ids >= 0].tolist())
        return np.array([members.get(each, 0) for each in ground.building_ids.tolist()], dtype=np.float64)
    at_present = statistics.moment(session)
    reported = plan_ground.incidents(session, scope, box, at_present.starts(at_present.year[0]))
    at = holders(reported.places[reported.recent], dict(enumerate(ground.shapes)))
    return np.bincount(at[at >= 0], minlength=len(ground.shapes)).astype(np.float64)


def _told(row: Any, *, whole: bool) -> Answer:
    result = row.result or {}
    told = {
        "id": row.id, "state": row.state, "progress": round(row.progress, 3), "question": row.question, "asked_at": row.asked_at,
        "asked_by": {"id": row.asked_by, "name": row.asked_by_name}, "done_at": row.done_at, "failure": row.failure,
        "revision": row.revision, "impossible": result.get("impossible", []),
    }  # fmt: skip
    choices = result.get("alternatives", [])
    return {**told, "alternatives": choices if whole else [{"figures": each["figures"]} for each in choices]}
