"""HTTP shape of the panels' statistics."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.deps import CurrentActor, Session
from api.period import AskedChoice
from api.statistics import fills, service
from api.statistics.schemas import FillOut, IndicatorsOut, OverviewOut, RankingOut

router = APIRouter(prefix="/api/v1", tags=["statistics"])


@router.get("/overview")
def overview(session: Session, actor: CurrentActor, choice: AskedChoice) -> OverviewOut:
    """Key figures, trend, categories, hours and ranking of an area or a grid (default: all in scope) in a period (default: 30 days)."""
    return OverviewOut.model_validate(service.overview(session, actor, choice))


@router.get("/fills", response_model_exclude_none=False)
def fill(
    session: Session,
    actor: CurrentActor,
    choice: AskedChoice,
    metric: Annotated[
        str, Query(description="rate, open, overdue_share, households, officer_load, assignment, care or service", max_length=40)
    ],
) -> FillOut:
    """One number for each current grid in reach, with class breaks that stay put for a day."""
    return FillOut.model_validate(fills.fill(session, actor, metric, choice))


@router.get("/ranking")
def ranking(
    session: Session,
    actor: CurrentActor,
    choice: AskedChoice,
    order: Annotated[service.RankedBy, Query(description="Which figure ranks them.")] = "rate_per_1000",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> RankingOut:
    """The grids of an area with the highest figure of one kind, whatever community they lie in."""
    return RankingOut.model_validate(service.ranked_grids(session, actor, choice, order, limit))


@router.get("/statistics/indicators")
def indicators(session: Session, actor: CurrentActor, choice: AskedChoice) -> IndicatorsOut:
    """Every indicator of the dictionary, with numerator and denominator."""
    return IndicatorsOut.model_validate(service.indicators(session, actor, choice))
