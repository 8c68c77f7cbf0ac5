"""Grids on the wire."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class NamedArea(BaseModel):
    """An area by name."""

    code: str
    level: Literal["district", "street", "community"]
    name: str
    name_en: str


class NamedOfficer(BaseModel):
    """An officer by name."""

    id: int
    name: str


class GridOut(BaseModel):
    """A grid; coordinates are degrees, longitude first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": 810001, "code": "990101001001001", "name": "枫一社区第1网格", "name_en": "Maple One 1", "kind": "basic",
                    "community_code": "990101001001", "street_code": "990101001000", "households": 208, "area_m2": 44000.0,
                    "perimeter_m": 910.0, "center": [113.002, 28.002], "bbox": [113.0, 28.0, 113.00390625, 28.00390625], "version": 1,
                    "valid_from": "2024-01-01T00:00:00Z", "valid_to": None, "officer": {"id": 7, "name": "王芳"},
                }
            ]
        }
    )  # fmt: skip

    id: int
    code: str
    name: str
    name_en: str
    kind: Literal["basic", "dedicated", "unit"]
    community_code: str
    street_code: str | None
    households: int
    area_m2: float
    perimeter_m: float
    center: tuple[float, float]
    bbox: tuple[float, float, float, float]
    version: int
    valid_from: datetime
    valid_to: datetime | None
    officer: NamedOfficer | None


class GridsOut(BaseModel):
    """Grids by code."""

    items: list[GridOut]


class AnsweringOfficer(NamedOfficer):
    """The officer who answers for a grid; the phone is masked."""

    phone_masked: str | None
    on_duty: bool


class NearOfficer(NamedOfficer):
    """An officer and how far the last known place is, metres."""

    distance_m: float
    on_duty: bool


class HotSpot(BaseModel):
    """What the latest analysis says of a grid; a class of 99 is a hot spot at 99 % confidence, -99 a cold one."""

    class_: int = Field(alias="class")
    z: float | None
    p: float | None
    q: float | None
    run_id: int


class CardOut(GridOut):
    """What one looks at when one clicks on a grid; what the caller may not know is null."""

    ancestors: list[NamedArea]
    officer: AnsweringOfficer | None
    nearest_officers: list[NearOfficer]
    today: int | None
    open: int | None
    overdue: int | None
    hotspot: HotSpot | None
    buildings: int
    residents_by_care: dict[str, int] | None
