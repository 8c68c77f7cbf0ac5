"""Areas on the wire."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

Level = Literal["district", "street", "community"]


class NamedArea(BaseModel):
    """An area by name."""

    code: str
    level: Level
    name: str
    name_en: str


class AreaOut(NamedArea):
    """An area with its size and what it holds; coordinates are degrees, longitude first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": 12, "code": "990101001001", "level": "community", "parent_code": "990101001000", "name": "枫一社区",
                    "name_en": "Maple One", "area_m2": 332000.5, "households": 2500, "grids": 12, "center": [113.004, 28.002],
                    "bbox": [113.0, 28.0, 113.0078125, 28.00390625], "valid_from": "2024-01-01T00:00:00Z", "valid_to": None,
                }
            ]
        }
    )  # fmt: skip

    id: int
    parent_code: str | None
    area_m2: float
    households: int
    grids: int
    center: tuple[float, float]
    bbox: tuple[float, float, float, float]
    valid_from: datetime
    valid_to: datetime | None


class AreasOut(BaseModel):
    """Areas by code."""

    items: list[AreaOut]


class AreaWithAncestors(AreaOut):
    """An area and what it lies in, the district first."""

    ancestors: list[NamedArea]
