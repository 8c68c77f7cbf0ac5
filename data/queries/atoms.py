"""Questions about atoms, which are made once and kept until buildings, roads, water or the outline change, and about lines to snap to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from shapely.geometry import LineString
from sqlalchemy import text
from sqlalchemy.orm import Session

from data.queries.bound import scope_binds
from data.scope import Scope
from data.sql_files import statements
from gis.atoms import tessellate
from gis.crs import local_metres
from gis.errors import NotFound
from gis.faces import NOBODY, Ints, Shapes

FORGET = text("DELETE FROM atom WHERE community_id = :id")


@dataclass(frozen=True)
class GroundAtoms:
    """Atoms in the order of their ids: shapes (degrees, on the lattice), block, building id or NOBODY, households.

    Ids below zero: made for this one answer, because the caller may not store them.
    """

    ids: Ints
    shapes: Shapes
    block: Ints
    building_ids: Ints
    households: Ints

    def __len__(self) -> int:
        return len(self.ids)


def atoms_of(session: Session, scope: Scope, community_id: int) -> GroundAtoms:
    """The atoms of a community of today, made anew when what they are made from has changed.

    Raises NotFound outside the scope, CoverageBroken if the ground cannot be divided.
    """
    asked = {**scope_binds(scope), "id": community_id}
    found = _ask(session, "fingerprint", asked).one_or_none()
    if found is None:
        raise NotFound("There is no such community.", id=community_id)
    if found["before"] is not None and bytes(found["before"]) == bytes(found["now"]):
        return _read(_ask(session, "stored", asked).all())
    fresh = _made(_ask(session, "ingredients", asked).all())
    if not found["may_store"]:
        return fresh
    if _ask(session, "claim", {"id": community_id, "fingerprint": bytes(found["now"])}).one_or_none() is not None:
        session.execute(FORGET, {"id": community_id})
        session.execute(text(statements("atoms")["store"]), {
            "id": community_id, "block": fresh.block.tolist(), "households": fresh.households.tolist(),
            "building_id": [None if each == NOBODY else each for each in fresh.building_ids.tolist()],
            "wkb": shapely.to_wkb(fresh.shapes, include_srid=False).tolist(),
        })  # fmt: skip
    return _read(_ask(session, "stored", asked).all())


def atoms_named(session: Session, scope: Scope, ids: Sequence[int]) -> GroundAtoms:
    """Stored atoms by their ids; NotFound if one is not there, because the ground under it has changed or it is out of scope."""
    found = _read(_ask(session, "named", {**scope_binds(scope), "ids": list(ids)}).all())
    missing = sorted(set(ids) - set(found.ids.tolist()))
    if missing:
        raise NotFound("There is no such atom; the ground has changed, load it again.", ids=missing[:20])
    return found


def lines_of(session: Session, scope: Scope, box: tuple[float, float, float, float]) -> list[tuple[str, LineString]]:
    """Roads and the banks of water that meet a box (west, south, east, north in degrees): ("road" or "water", line in degrees)."""
    west, south, east, north = box
    asked = {"west": west, "south": south, "east": east, "north": north}
    rows = _ask(session, "lines", asked).all()
    shapes = shapely.from_wkb(np.array([bytes(row["wkb"]) for row in rows], dtype=object)).reshape(len(rows))
    areal = shapely.get_dimensions(shapes) == 2
    shapes[areal] = shapely.boundary(shapes[areal])
    parts, owner = shapely.get_parts(shapes, return_index=True)
    meets = shapely.intersects(parts, shapely.box(*box))
    return [(str(rows[row]["layer"]), part) for part, row in zip(parts[meets], owner[meets].tolist(), strict=True)]


def _ask(session: Session, name: str, asked: dict[str, Any]) -> Any:
    return session.execute(text(statements("atoms")[name]), asked).mappings()


def _made(rows: Sequence[Any]) -> GroundAtoms:
    """Atoms from the rows of the statement `ingredients`, with ids of this one answer."""
    kinds = np.array([row["kind"] for row in rows])
    shapes = np.asarray(shapely.from_wkb(np.array([bytes(row["wkb"]) for row in rows], dtype=object)), dtype=object)
    outline = shapes[kinds == "outline"][0]
    houses = np.flatnonzero(kinds == "building")
    middle = shapely.centroid(outline)
    lines = shapes[(kinds == "road") | (kinds == "water")]
    atoms = tessellate(outline, shapes[houses], lines, local_metres(middle.x, middle.y))
    ids = np.array([rows[at]["id"] for at in houses.tolist()], dtype=np.int64)
    households = np.array([rows[at]["households"] for at in houses.tolist()], dtype=np.int64)
    held = atoms.building >= 0
    building_ids = np.full(len(atoms.shapes), NOBODY)
    building_ids[held] = ids[atoms.building[held]]
    count = np.bincount(atoms.atom_of, households, minlength=len(atoms.shapes)).astype(np.int64)
    return GroundAtoms(-1 - np.arange(len(atoms.shapes)), atoms.shapes, atoms.block, building_ids, count)


def _read(rows: Sequence[Any]) -> GroundAtoms:
    shapes = np.asarray(shapely.from_wkb(np.array([bytes(row["wkb"]) for row in rows], dtype=object)), dtype=object).reshape(len(rows))
    parts, owner = shapely.get_parts(shapes, return_index=True)
    assert len(parts) == len(owner) == len(rows)
    return GroundAtoms(
        np.array([row["id"] for row in rows], dtype=np.int64), np.asarray(parts, dtype=object),
        np.array([row["block"] for row in rows], dtype=np.int64),
        np.array([NOBODY if row["building_id"] is None else row["building_id"] for row in rows], dtype=np.int64),
        np.array([row["households"] for row in rows], dtype=np.int64),
    )  # fmt: skip
