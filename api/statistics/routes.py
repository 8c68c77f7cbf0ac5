"""HTTP shape of the panels' statistics."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.deps import CurrentActor, Session
from api.period import AskedArea, AskedCategories, AskedPeriod
from api.statistics import fills, service
from api.statistics.schemas import FillOut, IndicatorsOut, OverviewOut

router = APIRouter(prefix="/api/v1", tags=["statistics"])


@router.get("/overview")
def overview(
    session: Session, actor: CurrentActor, period: AskedPeriod, categories: AskedCategories, area: AskedArea = None
) -> OverviewOut:
    """Key figures, trend, categories, hours and ranking of an area (default: all in scope) in a period (default: 30 days)."""
    return OverviewOut.model_validate(service.overview(session, actor, area, period, categories))


@router.get("/fills", response_model_exclude_none=False)
def fill(
    session: Session,
    actor: CurrentActor,
    period: AskedPeriod,
    categories: AskedCategories,
    metric: Annotated[str, Query(description="rate, open, overdue_share, households, officer_load or assignment", max_length=40)],
    area: AskedArea = None,
) -> FillOut:
    """One number for each current grid in reach, with class breaks that stay put for a day."""
    return FillOut.model_validate(fills.fill(session, actor, metric, area, period, categories))


@router.get("/statistics/indicators")
def indicators(
    session: Session, actor: CurrentActor, period: AskedPeriod, categories: AskedCategories, area: AskedArea = None
) -> IndicatorsOut:
    """Every indicator of the dictionary, with numerator and denominator."""
    return IndicatorsOut.model_validate(service.indicators(session, actor, area, period, categories))
