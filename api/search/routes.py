"""HTTP of search."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.deps import CurrentActor, Session
from api.search import schemas, service

router = APIRouter(prefix="/api/v1/search", tags=["search"])


@router.get("", response_model=schemas.HitsOut)
def search(
    session: Session,
    actor: CurrentActor,
    q: Annotated[
        str, Query(min_length=1, max_length=80, pattern=r"\S", description="A name, a code, an address, a number.", examples=["枫一"])
    ],
) -> Any:
    """Areas, grids, buildings, officers, facilities and incidents by name, code, address or number."""
    return service.everything(session, actor, q)
