"""Places, and what lies there, on the wire."""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Layer = Literal["buildings", "households", "residents", "facilities", "incidents", "grids"]
NearLayer = Literal["buildings", "households", "facilities", "incidents", "officers", "grids"]
NearestLayer = Literal["facilities", "officers", "incidents", "buildings"]


class NamedArea(BaseModel):
    """An area by name."""

    code: str
    level: Literal["district", "street", "community"]
    name: str
    name_en: str


class FoundGrid(BaseModel):
    """The grid a place lies in."""

    id: int
    code: str
    name: str
    name_en: str
    version: int


class FoundOfficer(BaseModel):
    """The officer who answers for the grid."""

    id: int
    name: str
    on_duty: bool


class LocatedOut(BaseModel):
    """Where a place lies; `ambiguous` says that a small error of the place would change its grid."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "areas": [
                        {"code": "990101000000", "level": "district", "name": "测试区", "name_en": "Testing District"},
                        {"code": "990101001000", "level": "street", "name": "枫桥街道", "name_en": "Maple Street"},
                        {"code": "990101001001", "level": "community", "name": "枫一社区", "name_en": "Maple One"},
                    ],
                    "grid": {"id": 810001, "code": "990101001001001", "name": "枫一社区甲", "name_en": "Maple One 1", "version": 1},
                    "border_distance_m": 84.2, "ambiguous": False,
                    "officer": {"id": 860001, "name": "王芳", "on_duty": True},
                }
            ]
        }
    )  # fmt: skip

    areas: list[NamedArea]
    grid: FoundGrid | None
    border_distance_m: float | None
    ambiguous: bool | None
    officer: FoundOfficer | None


class Answering(FoundOfficer):
    """An officer and since when the duty is theirs; `main` is the one who is accountable."""

    duty: Literal["main", "assist"]
    since: date | None


class AnswerableOut(BaseModel):
    """Who answers for a place on a day, and if nobody, why."""

    day: date
    why: Literal["assigned", "nobody_assigned", "no_grid", "outside"]
    district: NamedArea | None
    street: NamedArea | None
    community: NamedArea | None
    grid: FoundGrid | None
    officer: Answering | None
    assisting: list[Answering]


class FoundOut(BaseModel):
    """What lies in a region: a page of things by id, how many in all (first page only), and where the next page begins."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "layer": "facilities", "total": 2, "next": None,
                    "items": [{"id": 850001, "kind": "lamp", "code": "lamp-0", "name": "枫一社区路灯", "place": [113.002, 28.002]}],
                }
            ]
        }
    )  # fmt: skip

    layer: str
    items: list[dict[str, Any]]
    total: int | None = None
    next: int | None = None


class NearOut(BaseModel):
    """Things by distance, metres on the ellipsoid."""

    layer: str
    items: list[dict[str, Any]]


class CountedPart(BaseModel):
    """Incidents of a grid, community or street, and the rate per 1,000 households with its exact 95 % interval."""

    grid_id: int | None = None
    code: str
    name: str
    name_en: str
    n: int
    open: int
    households: int
    rate: float | None
    rate_low: float | None
    rate_high: float | None
    small: bool


class CountsOut(BaseModel):
    """Counts of parts by code; `small` marks parts with too few households for a rate."""

    by: str
    since: datetime | None
    until: datetime | None
    least_households: int
    items: list[CountedPart]


REGION_EXAMPLES = {
    "polygon": {
        "summary": "A GeoJSON polygon",
        "value": {"type": "Polygon", "coordinates": [[[113.0, 28.2], [113.004, 28.2], [113.004, 28.204], [113.0, 28.2]]]},
    },
    "bbox": {"summary": "A box: west, south, east, north", "value": {"bbox": [113.0, 28.2, 113.004, 28.204]}},
    "circle": {"summary": "A distance in metres", "value": {"center": [113.002, 28.202], "radius_m": 250}},
}
