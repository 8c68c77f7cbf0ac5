"""Buildings: each lies in the grid of a point inside it; outside the district it is refused."""

import numpy as np
import pandas as pd
import shapely
from sqlalchemy.orm import Session

from api.imports.prepared import Prepared
from data.queries import import_buildings, imports
from data.scope import Scope
from gis import crs
from gis.assignment import NOBODY, GridLocator
from gis.errors import BadMapping

MOST_LEVELS = 200


def store(session: Session, scope: Scope, prepared: Prepared) -> None:
    """Refuse what cannot be a building here, store the rest, and account for every row."""
    prepared.need("source_id")
    mended = prepared.only_polygons(repair="valid" in prepared.mapping.mend)
    _refuse_doubles(prepared)
    _refuse_odd_numbers(prepared)
    grids = imports.ground(session, scope, "grid")
    if not len(grids.ids):
        raise BadMapping("There are no grids yet: import the ground before the buildings.")
    rows = prepared.kept
    points = shapely.point_on_surface(prepared.shapes[rows])
    lon, lat = shapely.get_x(points), shapely.get_y(points)
    place = GridLocator(list(grids.borders), np.arange(len(grids.ids))).ids_at(lon, lat)
    for row in rows[place == NOBODY]:
        prepared.refuse(row, "The building lies outside the district.")
    inside = place != NOBODY
    rows, place, lon, lat = rows[inside], place[inside], lon[inside], lat[inside]
    frame = _frame(prepared, rows)
    frame["grid_id"], frame["community_id"] = grids.ids[place], grids.parent_ids[place]
    frame["cell"] = crs.cell_of(lon, lat)
    _number(session, scope, prepared, frame)
    same, changed, fresh = import_buildings.store(session, scope, prepared.mapping.source, frame)
    prepared.report.unchanged = len(same)
    prepared.report.loaded = changed + fresh
    prepared.report.mended = mended
    if changed + fresh:
        imports.tell_bulk(session, scope, ["building"])


def _refuse_doubles(prepared: Prepared) -> None:
    first: dict[str, int] = {}
    for row in prepared.kept:
        number = prepared.text("source_id", row)
        if number in first:
            prepared.refuse(row, f"source_id: {number!r} is the number of row {first[number] + 1} already")
        first.setdefault(number, int(row))


def _refuse_odd_numbers(prepared: Prepared) -> None:
    for name, least, most in (("levels", 0, MOST_LEVELS), ("built_year", 1000, 2100), ("height_m", 0, 1000), ("households", 0, 100_000)):
        for row in prepared.kept if name in prepared.values else ():
            value = prepared.value(name, row)
            if value is not None and not least <= float(str(value)) <= most:
                prepared.refuse(row, f"{name}: {value!r} is not between {least} and {most}")


def _frame(prepared: Prepared, rows: np.ndarray) -> pd.DataFrame:
    frame = pd.DataFrame(
        {name: [prepared.text(name, row) for row in rows] for name in ("source_id", "code", "name", "address")}, dtype=object
    )
    frame["use"] = [prepared.text("use", row, "unknown") for row in rows]
    for name in ("levels", "height_m", "built_year"):
        frame[name] = pd.Series([prepared.value(name, row) for row in rows], dtype=object)
    frame["households"] = [prepared.value("households", row, 0) for row in rows]
    frame["wkb"] = list(shapely.to_wkb(prepared.shapes[rows], include_srid=False))
    return frame


def _number(session: Session, scope: Scope, prepared: Prepared, frame: pd.DataFrame) -> None:
    """Give buildings without a code the next five-digit numbers of their community; a code in use twice gets one too."""
    known = import_buildings.known_ids(session, scope, prepared.mapping.source)
    used = import_buildings.codes_in_use(session, scope)
    following: dict[int, int] = {}
    codes = []
    for number, code, community in zip(frame["source_id"], frame["code"], frame["community_id"], strict=True):
        if number in known:
            codes.append(known[number])
            continue
        fresh = code
        while not fresh or (community, fresh) in used:
            following[community] = following.get(community, 0) + 1
            fresh = f"{following[community]:05d}"
        used.add((community, fresh))
        codes.append(fresh)
    frame["code"] = codes
