"""HTTP of areas."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from api.areas import schemas, service
from api.deps import CurrentActor, Session
from api.times import AsOf

router = APIRouter(prefix="/api/v1/areas", tags=["areas"])
Code = Annotated[str, Path(max_length=40, examples=["990101001001"])]


@router.get("", response_model=schemas.AreasOut)
def areas(
    session: Session,
    actor: CurrentActor,
    as_of: AsOf,
    parent: Annotated[
        str | None, Query(max_length=40, description="Only what lies directly in this area.", examples=["990101001000"])
    ] = None,
    level: Annotated[schemas.Level | None, Query(description="Only areas of this level.")] = None,
) -> Any:
    """Areas in the caller's scope and those it lies in, with the households and grids the caller may see."""
    return {"items": service.page(session, actor, parent=parent, level=level, as_of=as_of)}


@router.get("/{code}", response_model=schemas.AreaWithAncestors)
def area(code: Code, session: Session, actor: CurrentActor, as_of: AsOf) -> Any:
    """One area by its code."""
    return service.one(session, actor, code, as_of=as_of)
