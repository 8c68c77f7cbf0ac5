"""HTTP shape of categories."""

from fastapi import APIRouter

from api.categories import service
from api.categories.schemas import CategoriesOut
from api.deps import CurrentActor, Session

router = APIRouter(prefix="/api/v1/categories", tags=["categories"])


@router.get("")
def list_categories(session: Session, actor: CurrentActor) -> CategoriesOut:
    """All categories of all catalogues, by code."""
    return CategoriesOut.model_validate({"items": service.every(session, actor)})
