"""Use cases: a draft goes out as a file, is edited in a GIS program, and comes back as one operation."""

import hashlib
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import geopandas as gpd
import numpy as np
import shapely
from sqlalchemy.orm import Session

from api.actor import Actor
from api.plans import balancing, changes, drafts
from api.plans.changes import Naming, box_of
from api.plans.operations import metres_near
from data.files.plan_exchange import ATOMS, CONTEXT, GRIDS, read_back, write_package, write_shapefiles
from data.queries import atoms, audit, plan_ground, plan_ops, plans
from data.queries.plan_ground import Shape
from data.queries.plans import Plan
from gis.borders.refusals import refused
from gis.crs import STORAGE_EPSG
from gis.errors import IdempotencyMismatch, TransitionRefused
from gis.returned import Returned, returned

Answer = dict[str, Any]
Format = Literal["gpkg", "shp"]
Came = list[tuple[int | None, str | None, str | None, shapely.Geometry]]
AROUND = 2.0**-10
"""Degrees, about 100 m: how far beside the plan neighbours go with it."""
TOLD = 200


def exported(session: Session, actor: Actor, plan_id: int, form: Format, *, with_atoms: bool = False) -> bytes:
    """A plan's grids with their neighbours, as GeoPackage or zipped Shapefile."""
    actor.must("plans")
    plan = plans.seen(session, actor.scope, plan_id)
    rows = plan_ground.whole(session, actor.scope, plan)
    communities = {each.id: each for each in plan_ground.communities(session, actor.scope, plan)}
    shapes = shapely.from_wkb(np.array([bytes(row.wkb) for row in rows], dtype=object)) if rows else np.empty(0, dtype=object)
    columns = {name: [getattr(row, name) for row in rows] for name in ("id", "code", "name", "name_en", "households", "version", "locked")}
    columns["community_code"] = [communities[row.community_id].code if row.community_id in communities else None for row in rows]
    layers = {
        GRIDS: _frame(columns, shapes),
        CONTEXT: _context(session, actor, plan, shapes, {row.id for row in rows}),
    }
    if with_atoms:
        layers[ATOMS] = _atoms(session, actor, [each.id for each in communities.values() if not each.ended and each.code is not None])
    audit.record(session, actor, "export", "plan", plan_id, facts={"format": form, "grids": len(rows)})
    with tempfile.TemporaryDirectory(prefix="wangge-plan-") as folder:
        path = Path(folder) / ("plan.gpkg" if form == "gpkg" else "plan.zip")
        (write_package if form == "gpkg" else write_shapefiles)(path, layers)
        return path.read_bytes()


def imported(session: Session, actor: Actor, plan_id: int, client_id: UUID, body: bytes, *, dry_run: bool) -> Answer:
    """Take an edited file as one operation: rows are matched by id, then by code; rows that are gone end their grids.

    What the file has wrong by less than two metres is mended and told; EditRefused names the place of anything wider.
    """
    actor.must("plans.write")
    plan = plans.seen(session, actor.scope, plan_id) if dry_run else plans.held(session, actor.scope, plan_id)
    told = {"kind": "import", "sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body)}
    known = None if dry_run else plan_ops.known(session, actor.scope, plan_id, client_id)
    if known is not None:
        if known.operation.get("sha256") != told["sha256"]:
            raise IdempotencyMismatch("This client_id came with another operation before. Use a new one.", seq=known.seq)
        return drafts.answer_again(session, actor, plan, known)
    if plan.state != "draft":
        raise TransitionRefused("Only a draft may be changed.", state=plan.state)
    now = _now(session, actor, plan)
    came, homes, names = _matched(session, actor, now, _read(body), dry=dry_run)
    meant = _meant(now, came, homes)
    states = plan_ground.around(session, actor.scope, plan.id, balancing.wide(box_of(list(came.values()))))
    redivision = balancing.Redivision(states)
    for community, each in meant.items():
        if each.changed:
            redivision.put(community, each.after)
    naming = Naming(names, {id: home for id, home in homes.items() if id not in now})
    change = redivision.change()
    drafts.refuse_outside(session, actor, plan, states, change)
    deed = changes.deed_of(session, actor, plan, states, change, naming)
    described = drafts.described_for(session, actor, plan, deed)
    drafts.refuse_locked(deed, described)
    mended = _mended(meant)
    if dry_run:
        sizes, households = drafts.sizes_of(session, actor, deed), drafts.households_of(plan, deed)
        seen = drafts.answer(session, actor, plan, plan.revision + 1, deed, described, sizes, households)
        return {"revision": plan.revision, **seen, **mended}
    entry = plan_ops.Entry(
        client_id, actor.person_id, "import", {**told, "mended_m2": mended["mended_m2"]}, {}, deed.steps, deed.area_steps
    )
    return {**drafts.write(session, actor, plan, entry, deed, described), **mended}


def _frame(columns: dict[str, list[Any]], shapes: Any) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=STORAGE_EPSG)


def _context(session: Session, actor: Actor, plan: Plan, shapes: Any, own: set[int]) -> gpd.GeoDataFrame:
    """Borders of neighbours outside the plan; only who may change plans sees them, and nothing else of them."""
    near: list[Shape] = []
    if len(shapes) and actor.may("plans.write"):
        west, south, east, north = shapely.total_bounds(shapes).tolist()
        found = plan_ground.around(session, actor.scope, plan.id, (west - AROUND, south - AROUND, east + AROUND, north + AROUND))
        near = [state.shape for id, state in found.items() if id not in own and state.shape is not None]
    return _frame({"note": ["outside the plan"] * len(near)}, near)


def _atoms(session: Session, actor: Actor, communities: list[int]) -> gpd.GeoDataFrame:
    found = [atoms.atoms_of(session, actor.scope, community) for community in communities]
    columns = {
        "block": [int(each) for one in found for each in one.block],
        "households": [int(each) for one in found for each in one.households],
    }
    return _frame(columns, [shape for one in found for shape in one.shapes])


def _now(session: Session, actor: Actor, plan: Plan) -> dict[int, Any]:
    return {row.id: row for row in plan_ground.whole(session, actor.scope, plan)}


def _read(body: bytes) -> Came:
    with tempfile.TemporaryDirectory(prefix="wangge-plan-") as folder:
        kind = ".gpkg" if body.startswith(b"SQLite") else ".zip" if body.startswith(b"PK") else ".geojson"
        path = Path(folder) / f"edited{kind}"
        path.write_bytes(body)
        return read_back(path)


def _matched(
    session: Session, actor: Actor, now: dict[int, Any], came: Came, *, dry: bool
) -> tuple[dict[int, Shape], dict[int, int], dict[int, tuple[str, str]]]:
    """Borders by grid id, the community of each, names of new ones. Where one id comes twice, the larger share keeps it."""
    by_code = {row.code: id for id, row in now.items() if row.code is not None}
    shapes = {id: shapely.from_wkb(bytes(row.wkb)) for id, row in now.items()}
    claims: dict[int, list[int]] = defaultdict(list)
    fresh: list[int] = []
    for at, (id, code, _, _) in enumerate(came):
        known = id if id in now else by_code.get(code)
        fresh.append(at) if known is None else claims[known].append(at)
    result: dict[int, Any] = {}
    for id, rows in claims.items():
        share = shapely.area(shapely.intersection(_valid([came[at][3] for at in rows]), shapes[id]))
        keeper = rows[int(np.argmax(share))]
        result[id] = came[keeper][3]
        fresh += [at for at in rows if at != keeper]
    homes = {id: int(row.community_id) for id, row in now.items()}
    count = len(fresh)
    ids = [drafts.DRY_IDS + at for at in range(count)] if dry else plan_ground.new_ids(session, actor.scope, count) if count else []
    names: dict[int, tuple[str, str]] = {}
    tree, order = shapely.STRtree(np.array(list(shapes.values()), dtype=object)), list(shapes)
    for id, at in zip(ids, sorted(fresh), strict=True):
        shape = _valid([came[at][3]])[0]
        below = tree.query(shape, predicate="intersects")
        if not len(below):
            raise refused("outside_plan", shape, row=at + 1)
        host = order[int(below[np.argmax(shapely.area(shapely.intersection(shape, tree.geometries[below])))])]
        result[id], homes[id] = came[at][3], homes[host]
        name = came[at][2] or now[host].name
        names[id] = (f"{name}-{at + 1}" if name == now[host].name else name, "")
    return result, homes, names


def _meant(now: dict[int, Any], came: dict[int, Shape], homes: dict[int, int]) -> dict[int, Returned]:
    """What the file means for each community of the plan."""
    before: dict[int, dict[int, Shape]] = defaultdict(dict)
    after: dict[int, dict[int, Shape]] = defaultdict(dict)
    for id, row in now.items():
        before[row.community_id][id] = _shape(row)
    for id, shape in came.items():
        after[homes[id]][id] = shape
    return {
        community: returned(grids, after[community], metres_near(shapely.total_bounds(list(grids.values())).tolist()))
        for community, grids in sorted(before.items())
    }


def _shape(row: Any) -> Shape:
    shape: Any = shapely.from_wkb(bytes(row.wkb))
    return shape  # type: ignore[no-any-return]


def _valid(shapes: list[shapely.Geometry]) -> Any:
    return shapely.make_valid(np.array(shapes, dtype=object))


def _mended(meant: dict[int, Returned]) -> Answer:
    """What was wrong with the file, and how much ground mending gave to whom."""
    found = [each.found for each in meant.values()]
    moved = [row for each in meant.values() for row in each.moved.to_dict("records")]
    return {
        "defects": [
            {"kind": row["kind"], "grids": [int(each) for each in row["codes"]], "area_m2": round(float(row["area_m2"]), 4),
             "width_m": round(float(row["width_m"]), 4), "place": _place(row["geometry"]), "suggestion": row["suggestion"]}
            for table in found for row in table.to_dict("records")
        ][:TOLD],
        "mended": [{"from": row["from_code"], "to": row["to_code"], "area_m2": round(float(row["area_m2"]), 4)} for row in moved][:TOLD],
        "mended_m2": round(sum(float(row["area_m2"]) for row in moved), 4),
    }  # fmt: skip


def _place(shape: shapely.Geometry) -> list[float] | None:
    if shapely.is_empty(shape):
        return None
    inside = shapely.point_on_surface(shape)
    return [float(inside.x), float(inside.y)]
