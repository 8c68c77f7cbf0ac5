"""Use case: a plan as a document for signature."""

from collections import defaultdict
from typing import Any

import numpy as np
import shapely
from sqlalchemy.orm import Session

from api.actor import Actor
from api.plans import impact, service
from data.queries import atoms, audit, plan_ground, plan_impact, plans, statistics
from data.queries.first_view import first_view
from web.paper.plan import Building, Lineage, PlanFacts, plan_document
from web.paper.typeset import pdf
from web.words import Language

ROADS_WITHIN = 0.12
"""Degrees: on a map wider than that, roads are too many to read."""


def paper(session: Session, actor: Actor, plan_id: int, language: Language) -> bytes:
    """The plan as a PDF; addresses only for those who may see households. Told to the audit trail."""
    facts = _facts(session, actor, plan_id, language)
    listed = None if facts.moving is None else sum(each.households for each in facts.moving)
    audit.record(session, actor, "export", "plan", plan_id, facts={"format": "pdf", "households": listed})
    return pdf(plan_document(facts, language))


def _facts(session: Session, actor: Actor, plan_id: int, language: Language) -> PlanFacts:
    told = service.one(session, actor, plan_id)
    plan = plans.seen(session, actor.scope, plan_id)
    found = impact.compared(session, actor, plan_id, impact.TODAY)
    figures = impact.nothing(plan_id) if found is None else impact.figures(session, actor, found)
    rows = plan_ground.whole(session, actor.scope, plan)
    touched = {grid["id"] for grid in figures["grids"]}
    view, at = first_view(session, actor.scope, actor.area_ids), statistics.moment(session)
    english = language == "en"
    before = {} if found is None else dict(found.before.borders)
    after = {} if found is None else dict(found.after.borders)
    lines = _lines(session, actor, [*before.values(), *after.values()])
    return PlanFacts(
        plan=told,
        impact=_in_english(figures, rows) if english else figures,
        district=(english and view.name_en) or view.name,
        time_zone=view.time_zone,
        review_number=view.review_number,
        as_of=at.starts(at.today),
        before=before,
        after=after,
        communities={
            row.id: (english and row.name_en) or row.name for row in plan_ground.communities(session, actor.scope, plan)
        },
        home=({} if found is None else found.before.communities) | {row.id: row.community_id for row in rows},
        around=list(shapely.from_wkb(np.array([bytes(row.wkb) for row in rows if row.id not in touched], dtype=object))),
        roads=lines["road"],
        water=lines["water"],
        lineage=[] if found is None else _lineage(found),
        moving=_moving(session, actor, found),
    )  # fmt: skip


def _in_english(figures: dict[str, Any], rows: list[Any]) -> dict[str, Any]:
    names = {row.id: row.name_en for row in rows if row.name_en}
    return figures | {"grids": [grid | {"name": names.get(grid["id"], grid["name"])} for grid in figures["grids"]]}


def _lines(session: Session, actor: Actor, shapes: list[Any]) -> dict[str, list[Any]]:
    """Roads and banks of water to find one's way by, where the map is near enough."""
    found: dict[str, list[Any]] = defaultdict(list)
    if shapes:
        west, south, east, north = shapely.total_bounds(np.array(shapes, dtype=object)).tolist()
        if max(east - west, north - south) <= ROADS_WITHIN:
            for kind, line in atoms.lines_of(session, actor.scope, (west, south, east, north)):
                found[kind].append(line)
    return found


def _lineage(found: impact.Comparison) -> list[Lineage]:
    """Where ground went: of each grid that gave or took any."""
    moved = {id for piece in found.pieces if piece.from_id != piece.to_id for id in (piece.from_id, piece.to_id)}
    pieces = [piece for piece in found.pieces if piece.from_id in moved]
    return [Lineage(piece.from_id, piece.to_id, piece.kind, piece.area_share, piece.household_share) for piece in pieces]


def _moving(session: Session, actor: Actor, found: impact.Comparison | None) -> list[Building] | None:
    """Buildings whose households get another grid, by address; None for those who may not see households."""
    if not actor.may("households"):
        return None
    if found is None:
        return []
    goes = {row.id: (row, start, end) for row, start, end in impact.crossing(found)}
    units: dict[int, list[str]] = defaultdict(list)
    for home in plan_impact.moving(session, actor.scope, [row for row, _, _ in goes.values()]):
        units[home.building_id].append(home.unit)
    buildings = [
        Building(row.address or "", row.code or "", tuple(units[id]), len(units[id]), start, end)
        for id, (row, start, end) in goes.items()
        if units[id]
    ]
    return sorted(buildings, key=lambda each: (each.address, each.code))
