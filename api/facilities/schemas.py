"""Facilities on the wire."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class NamedCommunity(BaseModel):
    """A community by name."""

    code: str
    name: str
    name_en: str


class FacilityBase(BaseModel):
    """What every answer tells of a facility; the place is in degrees."""

    id: int
    kind: str
    code: str
    name: str
    name_en: str
    status: Literal["working", "faulty", "removed"]
    grid_id: int | None
    place: tuple[float, float]


class FacilityOut(FacilityBase):
    """One facility."""

    version: int
    community: NamedCommunity


class NearFacility(FacilityBase):
    """A facility and how far it is, metres on the ellipsoid."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": 850001, "kind": "lamp", "code": "lamp-0", "name": "枫一社区路灯", "name_en": "Lamp", "status": "working",
                    "grid_id": 810001, "place": [113.002, 28.002], "distance_m": 41.7,
                }
            ]
        }
    )  # fmt: skip

    distance_m: float


class NearestOut(BaseModel):
    """Facilities, the nearest first."""

    items: list[NearFacility]


class KindCount(BaseModel):
    """A kind of facility and how many there are."""

    kind: str
    n: int


class KindsOut(BaseModel):
    """Kinds of facilities in scope."""

    items: list[KindCount]
