"""Hot spots over the wire."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


class AskIn(BaseModel):
    """Which incidents to analyse: from the first to the last day, of some categories (none: all), in an area (none: all in scope)."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    first: date | None = Field(default=None, alias="from")
    last: date | None = Field(default=None, alias="to")
    category_ids: Annotated[list[Annotated[int, Field(gt=0, lt=2**31)]], Field(max_length=100)] = []
    area: Annotated[str, Field(max_length=40)] | None = None


class AskedOut(BaseModel):
    """A run that waits for the worker."""

    id: int
    state: str


class RunOut(BaseModel):
    """One run: its question, its method, and how it ended. `refusal` says why nothing could be said."""

    id: int
    state: str
    method: str
    period_from: datetime
    period_to: datetime
    category_ids: list[int]
    asked_at: datetime
    done_at: datetime | None
    incidents: int | None
    grids: int | None
    draws: int | None
    seed: int | None
    fdr: str | None
    code_version: str
    caveats: list[str]
    refusal: dict[str, Any] | None


class HotspotOut(BaseModel):
    """One grid: `class` is ±90, ±95 or ±99 (confidence after false-discovery control; below 0 is cold), 0 for none."""

    model_config = ConfigDict(populate_by_name=True)

    grid_id: int
    confidence: int = Field(alias="class")
    z: float | None
    p: float | None
    q: float | None
    incidents: int
    households: int
    rate: float | None = Field(description="Per 1,000 households.")
    rate_smoothed: float | None = Field(description="Empirical Bayes, per 1,000 households.")
    flag: str


class HotspotsOut(BaseModel):
    """A run and what it found in the caller's scope."""

    run: RunOut | None
    items: list[HotspotOut]
