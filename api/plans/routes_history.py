"""HTTP of a grid through the years; it stands with plans, which make its history."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from api.deps import CurrentActor, Session
from api.plans import checks
from api.plans.wire import answer

router = APIRouter(prefix="/api/v1/grids", tags=["grids"])


@router.get("/{grid_id}/history")
def history(grid_id: Annotated[int, Path(ge=1, le=2**53)], session: Session, actor: CurrentActor) -> Response:
    """When a grid had which name and ground, and what it came from and became."""
    return answer(checks.history(session, actor, grid_id))
