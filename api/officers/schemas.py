"""Officers on the wire."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class OfficerOut(BaseModel):
    """An officer, the grids they answer for (`grids`) and those they assist in."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": 860001, "name": "王芳", "staff_number": "S860001", "on_duty": True, "last_place": [113.002, 28.002],
                    "last_seen_at": "2026-03-01T02:10:00Z", "community_code": "990101001001", "grids": [810001], "assists": [],
                }
            ]
        }
    )  # fmt: skip

    id: int
    name: str
    staff_number: str
    on_duty: bool
    last_place: tuple[float, float] | None
    last_seen_at: datetime | None
    community_code: str
    grids: list[int]
    assists: list[int]


class OfficersOut(BaseModel):
    """Officers by id."""

    items: list[OfficerOut]


class OfficerCard(OfficerOut):
    """One officer; the phone is masked."""

    phone_masked: str | None
