"""Analyses, alerts and schedules over the wire."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class AskedOut(BaseModel):
    """A question that waits for the worker, or one that is answered already."""

    id: int
    state: str
    stored: bool


class AnalysisOut(BaseModel):
    """One analysis: its question, how far it is, and how it ended; `refusal` says why nothing could be said."""

    id: int
    state: str
    progress: float
    stage: str
    question: dict[str, Any]
    question_hash: str
    data_version: str | None
    code_version: str
    result_hash: str | None
    asked_at: datetime
    begun_at: datetime | None
    done_at: datetime | None
    asked_by: int | None
    origin: str
    incidents: int | None
    cut: bool = Field(description="The caller sees a part of its communities only.")
    refusal: dict[str, Any] | None


class PageOut(BaseModel):
    """Analyses, newest first."""

    items: list[AnalysisOut]
    next: int | None


class ResultOut(BaseModel):
    """An analysis with its result (docs/analyses.md gives its shape) and how it did on the period after it."""

    analysis: AnalysisOut
    result: dict[str, Any] | None
    accuracy: dict[str, Any] | None


class MethodsOut(BaseModel):
    """What can be asked for."""

    items: list[dict[str, Any]]


class RunOut(BaseModel):
    """The map of hot spots of the one screen: its question, its method, and what a reader has to know."""

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
    incidents: int | None = Field(description="null: too few to be told.")
    households: int | None
    rate: float | None = Field(description="Per 1,000 households.")
    rate_smoothed: float | None = Field(description="Empirical Bayes, per 1,000 households.")
    flag: str


class UnmadeOut(BaseModel):
    """A map of hot spots that is not there: still worked out, refused, failed or called off."""

    id: int
    state: str


class HotspotsOut(BaseModel):
    """A map of hot spots as the caller sees it; `unmade` is the newest that was asked for where none is finished."""

    run: RunOut | None
    unmade: UnmadeOut | None = None
    items: list[HotspotOut]


class AlertOut(BaseModel):
    """A cluster that goes on now, or did; `cluster` as docs/analyses.md gives it, cut to the caller's communities."""

    id: int
    state: Literal["open", "acknowledged"]
    raised_at: datetime
    raised_for: date
    last_seen_for: date
    times_seen: int
    category_id: int
    analysis_id: int
    cluster: dict[str, Any] | None
    community_ids: list[int]
    grid_ids: list[int]
    recurrence_days: float = Field(description="Chance alone shows such a cluster of this category once in so many days.")
    looks: int = Field(description="How many categories and districts were watched that day.")
    recurrence_days_of_all: float = Field(description="The same for any of the looks of a day.")
    acknowledged_at: datetime | None
    acknowledged_by: int | None
    note: str
    score: dict[str, Any]


class AlertsOut(BaseModel):
    """Alerts, newest first."""

    items: list[AlertOut]
    next: int | None


class AcknowledgeIn(BaseModel):
    """What was done about an alert."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, json_schema_extra={"examples": [{"note": "已派巡查，当晚复核。"}]})

    note: Annotated[str, Field(min_length=1, max_length=2_000)]


class ScheduleIn(BaseModel):
    """A question to be asked by the clock; without a period."""

    model_config = ConfigDict(
        extra="forbid",
        str_strip_whitespace=True,
        json_schema_extra={
            "examples": [
                {"name": "每周热点", "question": {"method": "gi", "area": "990101"}, "every": "week", "languages": ["zh", "en"]},
            ]
        },
    )

    name: Annotated[str, Field(min_length=1, max_length=200)]
    question: dict[str, Any]
    every: Literal["week", "month"]
    languages: Annotated[list[Literal["zh", "en"]], Field(min_length=1)] = ["zh"]


class ScheduleChange(BaseModel):
    """What is changed of a schedule."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, json_schema_extra={"examples": [{"paused": True}]})

    name: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    paused: bool | None = None


class RunFile(BaseModel):
    """A file that a run wrote."""

    name: str
    bytes: int
    sha256: str


class ScheduleRunOut(BaseModel):
    """One period of a schedule: its analysis and its files."""

    model_config = ConfigDict(populate_by_name=True)

    id: int
    schedule_id: int
    analysis_id: int
    state: Literal["asked", "written", "refused", "failed"]
    first: date = Field(alias="from")
    last: date = Field(alias="to")
    asked_at: datetime
    written_at: datetime | None
    files: list[RunFile]
    refusal: dict[str, Any] | None


class ScheduleOut(BaseModel):
    """A question that is asked by the clock, and its last run."""

    id: int
    name: str
    question: dict[str, Any]
    area: str | None
    every: Literal["week", "month"]
    languages: list[str]
    next_at: datetime
    paused: bool
    made_by: int | None
    made_at: datetime
    last_run: ScheduleRunOut | None


class SchedulesOut(BaseModel):
    """Schedules in scope."""

    items: list[ScheduleOut]


class ScheduleRunsOut(BaseModel):
    """Runs, newest first."""

    items: list[ScheduleRunOut]
    next: int | None
