"""Homes on the wire."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints


class NamedGrid(BaseModel):
    """A grid by name."""

    id: int
    code: str
    name: str
    name_en: str


class NamedCommunity(BaseModel):
    """A community by name."""

    code: str
    name: str
    name_en: str


class BuildingOut(BaseModel):
    """A building and whose ground it stands on."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": 820001, "code": "00001", "name": "枫一社区1号楼", "address": "枫一社区路1号", "use": "residential", "levels": 6,
                    "built_year": 1998, "height_m": 18.0, "households": 36, "version": 1, "center": [113.002, 28.002],
                    "grid": {"id": 810001, "code": "990101001001001", "name": "枫一社区甲", "name_en": "Maple One 1"},
                    "community": {"code": "990101001001", "name": "枫一社区", "name_en": "Maple One"},
                }
            ]
        }
    )  # fmt: skip

    id: int
    code: str
    name: str
    address: str
    use: str
    levels: int | None
    built_year: int | None
    height_m: float | None
    households: int
    version: int
    center: tuple[float, float]
    grid: NamedGrid | None
    community: NamedCommunity


class HouseholdOut(BaseModel):
    """A household; `checks` says which of the five kinds of knowledge are on record."""

    id: int
    unit: str
    tenure: Literal["own", "rent", "public", "empty", "unknown"]
    floating: bool
    members: int
    checks: dict[str, bool]


class HouseholdsOut(BaseModel):
    """The households of a building."""

    items: list[HouseholdOut]


class ResidentOut(BaseModel):
    """A resident; what could tell who it is, is masked."""

    id: int
    head: bool
    sex: Literal["female", "male", "unknown"]
    birth_year: int | None
    name_masked: str | None
    phone_masked: str | None
    number_masked: str | None
    care: list[str] | None


class ResidentsOut(BaseModel):
    """The residents of a household."""

    items: list[ResidentOut]


class RevealIn(BaseModel):
    """Which field, and the purpose that is written into the audit trail."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"field": "phone", "why": "Arrange the weekly visit to a resident who lives alone."}]},
    )

    field: Literal["name", "phone", "number"]
    why: Annotated[str, StringConstraints(min_length=5, max_length=500, strip_whitespace=True)]


class RevealedOut(BaseModel):
    """One field in the clear."""

    field: Literal["name", "phone", "number"]
    value: str | None
