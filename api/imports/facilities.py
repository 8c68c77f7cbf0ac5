"""Facilities: each lies in the grid of its place; outside the district it is refused."""

import numpy as np
import pandas as pd
import shapely
from sqlalchemy.orm import Session

from api.imports.mapping import nearest
from api.imports.prepared import Prepared
from data.queries import import_facilities, imports
from data.scope import Scope
from gis import crs
from gis.assignment import NOBODY, GridLocator
from gis.errors import BadMapping

KINDS = ("light", "hydrant", "camera", "manhole", "bin", "transformer", "bus_stop", "service_point", "clinic", "toilet", "police_post")
STATUSES = ("working", "faulty", "removed")


def store(session: Session, scope: Scope, prepared: Prepared) -> None:
    """Refuse what cannot be a facility here, store the rest, and account for every row."""
    prepared.need("source_id", "kind")
    _refuse_doubles(prepared)
    _refuse_odd_values(prepared)
    grids = imports.ground(session, scope, "grid")
    if not len(grids.ids):
        raise BadMapping("There are no grids yet: import the ground before the facilities.")
    rows = prepared.kept
    lon, lat = shapely.get_x(prepared.shapes[rows]), shapely.get_y(prepared.shapes[rows])
    place = GridLocator(list(grids.borders), np.arange(len(grids.ids))).ids_at(lon, lat)
    for row in rows[place == NOBODY]:
        prepared.refuse(row, "The facility lies outside the district.")
    inside = place != NOBODY
    rows, place, lon, lat = rows[inside], place[inside], lon[inside], lat[inside]
    frame = pd.DataFrame({name: prepared.column(name, "")[rows] for name in ("source_id", "kind", "code", "name", "name_en")}, dtype=object)
    frame["status"] = prepared.column("status", "working")[rows]
    frame["community_id"], frame["grid_id"] = grids.parent_ids[place], grids.ids[place]
    frame["lon"], frame["lat"] = lon, lat
    keys = crs.morton_key(lon, lat)
    frame["qk"], frame["cell"] = keys, keys >> crs.CELL_SHIFT
    _number(session, scope, prepared, frame, rows)
    frame = frame[~np.isin(rows, list(prepared.refused))]
    same, changed, fresh = import_facilities.store(session, scope, prepared.mapping.source, frame)
    prepared.report.unchanged, prepared.report.loaded = same, changed + fresh
    if changed + fresh:
        imports.tell_bulk(session, scope, ["facility"])


def _refuse_doubles(prepared: Prepared) -> None:
    first: dict[str, int] = {}
    for row in prepared.kept:
        number = prepared.text("source_id", row)
        if number in first:
            prepared.refuse(row, f"source_id: {number!r} is the number of row {first[number]} already")
        first.setdefault(number, prepared.number(row))


def _refuse_odd_values(prepared: Prepared) -> None:
    for row in prepared.kept:
        kind, status = prepared.text("kind", row), prepared.text("status", row, "working")
        shape = prepared.shapes[row]
        if kind not in KINDS:
            hint = nearest([kind], KINDS)
            prepared.refuse(row, f"kind: {kind[:60]!r}{hint} is not one of {', '.join(KINDS)}; give it a lookup in the mapping")
        elif status not in STATUSES:
            prepared.refuse(row, f"status: {status[:60]!r} is not one of {', '.join(STATUSES)}; give it a lookup in the mapping")
        elif shape is None or shape.is_empty:
            prepared.refuse(row, "There is no place.")
        elif shape.geom_type == "MultiPoint" and len(shape.geoms) == 1:
            prepared.shapes[row] = shape.geoms[0]
        elif shape.geom_type != "Point":
            prepared.refuse(row, f"The shape is a {shape.geom_type}, not a place.")


def _number(session: Session, scope: Scope, prepared: Prepared, frame: pd.DataFrame, rows: np.ndarray) -> None:
    """A facility without a code keeps the one it has here, or takes its source's number; a code that another one has is refused."""
    known, holders = import_facilities.known(session, scope, prepared.mapping.source)
    codes = []
    for row, number, code, community in zip(rows, frame["source_id"], frame["code"], frame["community_id"], strict=True):
        wanted = code or known.get(number) or str(number)
        holder = holders.setdefault((community, wanted), number)
        if holder != number:
            prepared.refuse(row, f"code: {wanted!r} is the code of another facility in this community")
        codes.append(wanted)
    frame["code"] = codes
