"""HTTP of plans: drafts, their ground, operations and log."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Response

from api.deps import CurrentActor, Session
from api.geojson import _numbers as numbers_of
from api.plans import checks, drafts, ground, schemas, service, talk
from api.plans.wire import answer
from gis.errors import BadValue

router = APIRouter(prefix="/api/v1/plans", tags=["plans"])
PlanId = Annotated[int, Path(ge=1, le=2**53)]
GridId = Annotated[int, Path(ge=1, le=2**53)]
Community = Annotated[str | None, Query(max_length=40, description="Code of a community of the plan.")]
States = Annotated[str | None, Query(pattern="^(draft|submitted|approved|publishing|published|withdrawn)$")]


@router.get("")
def plans(
    session: Session,
    actor: CurrentActor,
    area: Annotated[str | None, Query(max_length=40, description="Code of an area; plans of all below it count too.")] = None,
    state: States = None,
) -> Response:
    """Plans in the caller's scope, the newest first."""
    return answer({"items": service.page(session, actor, area=area, state=state)})


@router.post("", status_code=201)
def create(asked: schemas.PlanIn, session: Session, actor: CurrentActor) -> Response:
    """Begin a plan over a community, a street or the district."""
    return answer(service.create(session, actor, asked.model_dump()), status=201)


@router.get("/{plan_id}")
def plan(plan_id: PlanId, session: Session, actor: CurrentActor) -> Response:
    """One plan: what it changes, and what the caller may do with it."""
    return answer(service.one(session, actor, plan_id))


@router.patch("/{plan_id}")
def rename(plan_id: PlanId, asked: schemas.PlanPatch, session: Session, actor: CurrentActor) -> Response:
    """Another name or note."""
    return answer(service.rename(session, actor, plan_id, name=asked.name, note=asked.note))


@router.post("/{plan_id}/copy", status_code=201)
def copy(plan_id: PlanId, asked: schemas.CopyIn, session: Session, actor: CurrentActor) -> Response:
    """A new draft that begins with this plan's ground."""
    return answer(service.copy(session, actor, plan_id, name=asked.name), status=201)


@router.post("/{plan_id}/withdraw")
def withdraw(plan_id: PlanId, session: Session, actor: CurrentActor) -> Response:
    """Put a plan away."""
    return answer(service.withdraw(session, actor, plan_id))


@router.get("/{plan_id}/ground", responses={304: {"description": "Nothing has changed since that ETag."}})
def plan_ground(
    plan_id: PlanId,
    session: Session,
    actor: CurrentActor,
    community: Community = None,
    grids: Annotated[str | None, Query(max_length=8_000, description="Only these grids, by number: 1,2,3.")] = None,
    if_none_match: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """Grids as borders in lattice steps (degrees = (origin + steps) · 2⁻²⁷), neighbours and communities. The ETag is the revision."""
    seen = ground.plan_of(session, actor, plan_id)
    tag = f'W/"{seen.id}-{seen.revision}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    # Officers, incidents and locks are not of the revision: they are asked for again with a new one.
    if if_none_match is not None and tag in if_none_match:
        return Response(status_code=304, headers=headers)
    wanted = None if grids is None else _numbered(grids)
    return answer(ground.ground(session, actor, seen, community, wanted), headers=headers)


@router.get("/{plan_id}/atoms")
def atoms(plan_id: PlanId, session: Session, actor: CurrentActor, community: Annotated[str, Query(max_length=40)]) -> Response:
    """The smallest pieces of ground of a community, for painting."""
    return answer(ground.atoms_told(session, actor, ground.plan_of(session, actor, plan_id), community))


@router.get("/{plan_id}/lines")
def lines(
    plan_id: PlanId,
    session: Session,
    actor: CurrentActor,
    community: Community = None,
    bbox: Annotated[str | None, Query(max_length=200, description="West,south,east,north, degrees.")] = None,
) -> Response:
    """Roads and banks of water to snap to."""
    return answer(ground.lines_told(session, actor, ground.plan_of(session, actor, plan_id), community, _box(bbox)))


@router.post("/{plan_id}/operations")
def operate(plan_id: PlanId, asked: schemas.OperationIn, session: Session, actor: CurrentActor, dry_run: bool = False) -> Response:
    """Do one operation, or with `dry_run` tell what it would do. The same `client_id` again is answered as it was."""
    return answer(drafts.apply(session, actor, plan_id, drafts.Asked(asked.client_id, asked.base, asked.operation, dry_run)))


@router.get("/{plan_id}/operations")
def log(plan_id: PlanId, session: Session, actor: CurrentActor, after: Annotated[int, Query(ge=0, le=2**53)] = 0) -> Response:
    """The log after a row, the oldest first."""
    return answer(talk.log(session, actor, plan_id, after=after))


@router.post("/{plan_id}/undo")
def undo(plan_id: PlanId, asked: schemas.StepIn, session: Session, actor: CurrentActor) -> Response:
    """Take back the caller's last operation."""
    return answer(drafts.undo(session, actor, plan_id, asked.client_id))


@router.post("/{plan_id}/redo")
def redo(plan_id: PlanId, asked: schemas.StepIn, session: Session, actor: CurrentActor) -> Response:
    """Do again what the caller took back last."""
    return answer(drafts.redo(session, actor, plan_id, asked.client_id))


@router.get("/{plan_id}/checks")
def check(plan_id: PlanId, session: Session, actor: CurrentActor) -> Response:
    """What there is to look at in a draft, each with its place."""
    return answer(checks.check(session, actor, plan_id))


@router.put("/{plan_id}/locks/{grid_id}")
def lock(plan_id: PlanId, grid_id: GridId, session: Session, actor: CurrentActor) -> Response:
    """Keep a grid as it is."""
    return answer(talk.lock(session, actor, plan_id, grid_id))


@router.delete("/{plan_id}/locks/{grid_id}")
def unlock(plan_id: PlanId, grid_id: GridId, session: Session, actor: CurrentActor) -> Response:
    """Let a grid change again."""
    return answer(talk.unlock(session, actor, plan_id, grid_id))


@router.get("/{plan_id}/snapshots")
def snapshots(plan_id: PlanId, session: Session, actor: CurrentActor) -> Response:
    """Named moments of a plan."""
    return answer({"items": talk.snapshots(session, actor, plan_id)})


@router.post("/{plan_id}/snapshots", status_code=201)
def take_snapshot(plan_id: PlanId, asked: schemas.SnapshotIn, session: Session, actor: CurrentActor) -> Response:
    """Name how the plan is now."""
    return answer({"items": talk.take_snapshot(session, actor, plan_id, asked.name)}, status=201)


@router.get("/{plan_id}/comments")
def comments(plan_id: PlanId, session: Session, actor: CurrentActor) -> Response:
    """What people say of a plan."""
    return answer({"items": talk.comments(session, actor, plan_id)})


@router.post("/{plan_id}/comments", status_code=201)
def comment(plan_id: PlanId, asked: schemas.CommentIn, session: Session, actor: CurrentActor) -> Response:
    """Say something about a plan."""
    told = talk.comment(session, actor, plan_id, body=asked.body, place=asked.place, grid=asked.grid)
    return answer({"items": told}, status=201)


@router.post("/{plan_id}/comments/{comment_id}/resolve")
def resolve(
    plan_id: PlanId, comment_id: Annotated[int, Path(ge=1, le=2**53)], session: Session, actor: CurrentActor
) -> Response:  # fmt: skip
    """Mark a remark as dealt with."""
    return answer({"items": talk.resolve(session, actor, plan_id, comment_id)})


@router.delete("/{plan_id}/comments/{comment_id}")
def remove_comment(
    plan_id: PlanId, comment_id: Annotated[int, Path(ge=1, le=2**53)], session: Session, actor: CurrentActor
) -> Response:  # fmt: skip
    """Take back a remark of one's own; those that are left come back."""
    return answer({"items": talk.remove(session, actor, plan_id, comment_id)})


def _numbered(grids: str) -> list[int]:
    numbers = grids.split(",")
    if not all(each.isascii() and each.isdigit() and len(each) <= 16 for each in numbers):
        raise BadValue("Grids are given as numbers with commas between.", at="grids")
    return [int(each) for each in numbers]


def _box(bbox: str | None) -> Any:
    if bbox is None:
        return None
    try:
        corners = [float(each) for each in bbox.split(",")]
    except ValueError:
        raise BadValue("A bbox is west,south,east,north in degrees.", at="bbox") from None
    west, south, east, north = numbers_of(corners, "bbox", 4)
    if not (
        -180 <= west < east <= 180
        and -90 <= south < north <= 90
        and east - west <= ground.BOX_AT_MOST
        and north - south <= ground.BOX_AT_MOST
    ):
        raise BadValue("A bbox is west,south,east,north in degrees, at most half a degree wide and high.", at="bbox")
    return west, south, east, north
