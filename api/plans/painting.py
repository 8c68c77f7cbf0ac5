"""What painting needs: the ground of atoms, buildings or a lasso, lines to follow, and whole new divisions of communities."""

from typing import Any

import numpy as np
import shapely
from shapely.geometry import MultiPolygon, Polygon
from sqlalchemy.orm import Session

from api.actor import Actor
from api.plans import schemas
from data.queries import atoms, plan_ground
from data.queries.plan_ground import Box, Shape
from data.queries.plans import Plan
from gis.errors import BadValue, NotFound
from gis.faces import polygonal


def area_of(session: Session, actor: Actor, plan: Plan, operation: schemas.Give) -> Shape:
    """The ground that is to be given: of atoms, of buildings with what belongs to them, or within a lasso."""
    ways = [name for name in ("atoms", "buildings", "lasso") if getattr(operation, name) is not None]
    if len(ways) != 1:
        raise BadValue("Say once what is given: atoms, buildings or a lasso.", at="operation", found=ways)
    if operation.lasso is not None:
        return Polygon(operation.lasso)
    if operation.atoms is not None:
        shapes = atoms.atoms_named(session, actor.scope, list(dict.fromkeys(operation.atoms))).shapes
    else:
        shapes = _of_buildings(session, actor, list(dict.fromkeys(operation.buildings or ())))
    united: Polygon | MultiPolygon = polygonal(shapely.union_all(shapes))
    return united


def lines_within(session: Session, actor: Actor, box: Box) -> list[shapely.Geometry]:
    """Roads and banks of water that meet a box."""
    return [line for _, line in atoms.lines_of(session, actor.scope, box)]


def _of_buildings(session: Session, actor: Actor, ids: list[int]) -> Any:
    communities = plan_ground.communities_of_buildings(session, actor.scope, ids)
    missing = [id for id in ids if id not in communities]
    if missing:
        raise NotFound("There is no such building.", buildings=missing[:20])
    shapes: list[Any] = []
    for community in sorted(set(communities.values())):
        found = atoms.atoms_of(session, actor.scope, community)
        shapes += found.shapes[np.isin(found.building_ids, ids)].tolist()
    return np.array(shapes, dtype=object)
