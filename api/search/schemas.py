"""What was found, on the wire."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Hit(BaseModel):
    """Something with a name: a label in two languages, what it belongs to, and where the map should go (degrees)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "kind": "grid", "id": 810001, "code": "990101001001001", "label": "枫一社区甲", "label_en": "One 1", "sub": "枫一社区",
                    "sub_en": "Maple One", "center": [113.002, 28.002], "bbox": [113.0, 28.0, 113.0039, 28.0039],
                }
            ]
        }
    )  # fmt: skip

    kind: Literal["area", "grid", "building", "incident", "officer", "facility"]
    id: int
    code: str
    label: str
    label_en: str
    sub: str
    sub_en: str
    center: tuple[float, float] | None
    bbox: tuple[float, float, float, float] | None


class HitsOut(BaseModel):
    """Hits, the closest match first. `near`: nothing has the house number that was asked for; these have the closest of its street."""

    items: list[Hit]
    near: bool
