"""Statistics over the wire."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field


class PeriodOut(BaseModel):
    """First and last day, both counted whole, in the deployment's time zone."""

    first: date = Field(serialization_alias="from", validation_alias="from")
    last: date = Field(serialization_alias="to", validation_alias="to")


class KeyFigure(BaseModel):
    """One figure; `reference` is the same hour or period a week ago, `series` one value for each of the last 14 days."""

    id: Literal["today", "open", "overdue", "closing_rate", "mean_handling", "on_duty"]
    value: float | None
    unit: Literal["count", "ratio", "hours", "officers"]
    reference: float | None
    numerator: float | None
    denominator: float | None
    series: list[float | None]


class TrendDay(BaseModel):
    """One day: reported, closed, and how many missed their deadline."""

    day: date
    reported: int
    closed: int
    overdue: int


class CategoryCount(BaseModel):
    """Reported incidents of one category."""

    id: int
    code: str
    name: str
    name_en: str
    symbol: str
    count: int


class Ranked(BaseModel):
    """One child of the area; `rate_per_1000` households is null where fewer than twenty live."""

    code: str
    grid_id: int | None = None
    level: Literal["street", "community", "grid"]
    name: str
    name_en: str
    households: int
    count: int
    rate_per_1000: float | None
    open: int
    overdue: int


class OverviewOut(BaseModel):
    """All figures of the panels for one area and period."""

    area: str | None
    period: PeriodOut
    now: datetime
    kpi: list[KeyFigure]
    trend: list[TrendDay]
    categories: list[CategoryCount]
    hours: list[int] = Field(description="Reported by hour of the deployment's day, 24 counts.")
    ranking: list[Ranked]


class RankingOut(BaseModel):
    """Grids by one figure, the highest first."""

    period: PeriodOut
    now: datetime
    items: list[Ranked]


class FillOut(BaseModel):
    """One number for each grid; a value equal to a break belongs to the class below it."""

    metric: str
    unit: str
    period: PeriodOut
    breaks: list[float] = Field(description="Inner class breaks, rising; at most four.")
    n: int
    values: dict[str, float | None]
    small: list[int] = Field(description="Grids whose value rests on few incidents.")
    officers: dict[str, str] | None = None


class IndicatorOut(BaseModel):
    """One indicator with the counts behind it; `value` is null where the denominator is 0."""

    id: str
    value: float | None
    unit: str
    numerator: float
    denominator: float | None
    version: int
    reference: float | None


class IndicatorsOut(BaseModel):
    """The dictionary of indicators for one area and period."""

    area: str | None
    period: PeriodOut
    now: datetime
    items: list[IndicatorOut]
