"""Incidents over the wire."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\x00-\x1f]*$")]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000, pattern=r"^[^\x00]*$")]
Number = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100, pattern=r"^[^\x00-\x1f]*$")]
Id = Annotated[int, Field(gt=0, lt=2**63)]
Degrees = Annotated[float, Field(allow_inf_nan=False, strict=True)]
Flag = Annotated[bool, Field(strict=True)]


def _in_words(value: object) -> object:
    """A time is told as a text: a bare number could count seconds or milliseconds."""
    if isinstance(value, int | float):
        raise ValueError("a time is a text such as 2026-01-31T08:00:00+08:00")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_in_words)]


class ReportIn(BaseModel):
    """A report. With `source` and `source_id` it is taken in once, however often it is sent."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"category_id": 9, "lon": 113.0005, "lat": 28.2005, "title": "夜间施工噪声", "source": "12345", "source_id": "2026-000127"},
            ]
        },
    )

    category_id: Annotated[int, Field(gt=0, lt=2**31)]
    lon: Degrees | None = Field(default=None, description="Longitude, degrees of EPSG:4490.")
    lat: Degrees | None = Field(default=None, description="Latitude, degrees of EPSG:4490.")
    area: Annotated[str, StringConstraints(max_length=40)] | None = Field(default=None, description="Community code, without a place.")
    title: Line = ""
    address: Line = ""
    severity: Annotated[int, Field(ge=1, le=3)] = 1
    urgent: Flag = False
    reported_at: Moment | None = Field(default=None, description="With its zone; now when not named.")
    source: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._:-]{0,39}$")] = "web"
    source_id: Number = ""

    @model_validator(mode="after")
    def whole_place(self) -> "ReportIn":
        """Longitude and latitude come together."""
        if (self.lon is None) != (self.lat is None):
            raise ValueError("lon and lat come together")
        return self


class DeadlineOut(BaseModel):
    """When the limit runs out; `note` says why there is none: no-rule, beyond-calendar."""

    due_at: datetime | None = None
    limit: float | None = None
    unit: str | None = None
    note: str | None = None


class TwinOut(BaseModel):
    """An incident that the new one may repeat."""

    id: int
    reported_at: datetime
    title: str
    state: str
    distance_m: float


class ReportOut(BaseModel):
    """What became of a report. `placement_note`: no-place, outside-every-grid."""

    id: int
    created: bool
    state: str
    version: int
    source: str
    source_id: str
    reported_at: datetime
    grid_id: int | None
    community: str | None
    placed_by: str
    border_distance_m: float | None
    ambiguous: bool
    placement_note: str | None
    deadline: DeadlineOut | None
    may_repeat: list[TwinOut]


class ActionIn(BaseModel):
    """One action on an incident, with the version that was seen.

    verify, file, decline, close_on_spot, reopen, dispatch (officer_id, or queue; what is
    not filed yet is filed by it), escalate, accept, return, suspend (until), resume, feed_back,
    check, close, reject; beside the loop supervise, extend, place (lon and lat, or grid_id), merge (duplicate_of).
    Reasons go into `note`; `confirmed` says that the close condition holds.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"action": "dispatch", "version": 3, "officer_id": 12},
                {"action": "suspend", "version": 4, "until": "2026-12-01T09:00:00+08:00", "note": "等待产权单位"},
            ]
        },
    )

    action: Literal[
        "verify", "file", "decline", "close_on_spot", "reopen", "dispatch", "escalate", "accept", "return", "suspend", "resume",
        "feed_back", "check", "close", "reject", "supervise", "extend", "place", "merge",
    ]  # fmt: skip
    version: Annotated[int, Field(ge=1, lt=2**31)]
    note: Note = ""
    confirmed: Flag = False
    officer_id: Id | None = None
    queue: Flag = Field(default=False, description="dispatch: to the community's queue instead of an officer.")
    until: Moment | None = None
    lon: Degrees | None = None
    lat: Degrees | None = None
    grid_id: Id | None = None
    duplicate_of: Id | None = None


class ActionOut(BaseModel):
    """What the action changed; `seconds_used` is time of the incident's own clock."""

    id: int
    version: int
    state: str
    due_at: datetime | None
    seconds_used: int | None
    undo_s: int | None = Field(default=None, description="So many seconds whoever did it may take it back: POST …/undo.")


class UndoIn(BaseModel):
    """Takes back the last action of the caller; `version` is that of its answer."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"version": 4}]})

    version: Annotated[int, Field(ge=1, lt=2**31)]


class HandOut(BaseModel):
    """An officer who could handle an incident; `distance_m` from where they were last seen, `open` incidents they have already."""

    id: int
    name: str
    on_duty: bool
    last_seen_at: datetime | None
    distance_m: float | None
    open: int


class QueueOut(BaseModel):
    """The queue of the incident's community; `waiting` incidents are in it."""

    community: str
    name: str
    name_en: str
    waiting: int


class HandsOut(BaseModel):
    """To whom an incident can be dispatched: who answers for its grid, the nearest others on duty, the community's queue."""

    grid_officer: HandOut | None
    nearest: list[HandOut]
    queue: QueueOut | None


class StepOut(BaseModel):
    """An action that is open to the caller; `needs`: reason, condition, hands, date."""

    action: str
    needs: list[str]


class BulkRow(BaseModel):
    """What became of one line: created, known, or refused with the code of the problem."""

    line: int
    state: Literal["created", "known", "refused"]
    id: int | None = None
    code: str | None = None
    detail: str | None = None


class BulkOut(BaseModel):
    """What became of all lines."""

    created: int
    known: int
    refused: int
    items: list[BulkRow]


class CategoryRef(BaseModel):
    """A category as lists name it."""

    id: int
    name: str
    name_en: str
    symbol: str


class GridRef(BaseModel):
    """A grid as lists name it."""

    id: int
    code: str
    name: str
    name_en: str


class CommunityRef(BaseModel):
    """A community as lists name it."""

    code: str
    name: str
    name_en: str


class OfficerRef(BaseModel):
    """An officer as lists name them."""

    id: int
    name: str


class FeedItem(BaseModel):
    """An incident in the feed."""

    id: int
    reported_at: datetime
    category: CategoryRef
    severity: int
    urgent: bool
    state: str
    title: str
    grid: GridRef | None
    community: CommunityRef | None
    place: tuple[float, float] | None
    due_at: datetime | None
    overdue: bool


class FeedOut(BaseModel):
    """A page of the feed, newest first; `next` begins the next page."""

    items: list[FeedItem]
    next: str | None


class ListItem(FeedItem):
    """An incident in a list."""

    address: str
    source: str
    source_id: str
    level: str
    officer: OfficerRef | None
    version: int


class ListOut(BaseModel):
    """A page of a list, newest first; `next` begins the next page."""

    items: list[ListItem]
    next: str | None


class LogLine(BaseModel):
    """One change of an incident."""

    serial: int
    at: datetime
    actor_id: int | None
    action: str
    from_state: str | None
    to_state: str | None
    seconds_used: int | None
    overdue: bool
    note: str


class PastPlacement(BaseModel):
    """Where an incident was placed until `at`, and why it moved."""

    at: datetime
    grid_id: int | None
    grid_version: int | None
    placed_by: str
    why: str


class PlacementOut(BaseModel):
    """Where an incident is placed, how, and how sure that is."""

    grid_id: int | None
    grid_version: int | None
    method: str
    border_distance_m: float | None
    ambiguous: bool
    history: list[PastPlacement]


class IncidentOut(ListItem):
    """An incident with its whole history and what may be done next."""

    supervised: bool
    on_spot: bool
    duplicate_of: int | None
    rule_id: int | None
    filed_at: datetime | None
    dispatched_at: datetime | None
    handled_at: datetime | None
    closed_at: datetime | None
    suspended_until: datetime | None
    extensions: int
    permitted: list[str] = Field(description="Actions that are open to the caller now.")
    steps: list[StepOut]
    log: list[LogLine]
    placement: PlacementOut
