"""What people and sessions look like on the wire."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.people import passwords

SignInName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._:-]{1,62}$")]
TypedName = Annotated[str, StringConstraints(min_length=1, max_length=63, strip_whitespace=True, to_lower=True)]
Password = Annotated[str, StringConstraints(min_length=1, max_length=passwords.LENGTH_MAX)]
Code = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
AreaCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,40}$")]
DisplayName = Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True)]
Language = Literal["zh", "en"]
Role = Literal[
    "operator", "planner", "analyst", "clerk", "officer", "system_admin", "security_admin", "audit_admin", "integration", "wall"
]  # fmt: skip


class Strict(BaseModel):
    """Takes what it names and nothing else."""

    model_config = ConfigDict(extra="forbid")


class SignInIn(Strict):
    """Name and password; `code` where there is a second factor, `new_password` where the old one has expired."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "wang.fang", "password": "a sentence of one's own, 7 words"}]})

    name: TypedName
    password: Password
    code: Code | None = None
    new_password: Password | None = None


class LinkIn(Strict):
    """A one-time link's token."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"link": "the-43-letters-at-the-end-of-the-link-printed"}]})

    link: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{20,200}$")]


class SessionOut(BaseModel):
    """A session that was opened; the cookie carries its token."""

    person_id: int
    expires_at: datetime


class LanguageIn(Strict):
    """The language to read."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"language": "en"}]})

    language: Language


class PasswordIn(Strict):
    """A new password, with the old one once there is one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"old_password": "the sentence until today, 7 words", "new_password": "Another sentence of 7 words"}]
        }
    )

    old_password: Password | None = None
    new_password: Password


class SecondFactorOut(BaseModel):
    """A secret for an authenticator app, and the sealed copy to send back with its first code."""

    secret: str
    address: str
    pending: str


class SecondFactorIn(Strict):
    """The proof that an app has the secret; `current_code` when an older one is replaced."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"pending": "the-sealed-copy-that-came-with-the-secret", "code": "123456"}]})

    pending: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_=-]{40,400}$")]
    code: Code
    current_code: Code | None = None


class AreaName(BaseModel):
    """An area as it is named."""

    code: str
    level: Literal["district", "street", "community"]
    name: str
    name_en: str


class SchemeOut(BaseModel):
    """The scheme whose grids the deployment works with."""

    id: int
    code: str
    name: str
    name_en: str
    household_min: int
    household_max: int


class DeploymentOut(BaseModel):
    """The deployment: `bounds` is west, south, east, north and `center` lon, lat in degrees; null before ground was imported.

    `district_code` is null too where there are several districts.
    """

    name: str
    name_en: str
    district_code: str | None
    bounds: tuple[float, float, float, float] | None
    center: tuple[float, float] | None
    timezone: str
    review_number: str
    scheme: SchemeOut | None
    now: datetime
    archive: Annotated[bool, Field(description="Its clock stands still: `now` is a moment of its own, not the present one.")]


class MeOut(BaseModel):
    """The caller."""

    person_id: int
    sign_in_name: str
    name: str
    roles: list[str]
    permissions: list[str]
    language: Language
    kind: str
    scope: list[AreaName]
    deployment: DeploymentOut


class PersonIn(Strict):
    """A new person; areas by code."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"sign_in_name": "wang.fang", "name": "王芳", "roles": ["operator"], "areas": ["990101001"]}]}
    )

    sign_in_name: SignInName
    name: DisplayName
    roles: Annotated[list[Role], Field(min_length=1, max_length=10)]
    areas: Annotated[list[AreaCode], Field(max_length=200)] = []
    language: Language = "zh"


class PersonChange(Strict):
    """What to change; what is missing stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"areas": ["990101001", "990101002"]}]})

    name: DisplayName | None = None
    roles: Annotated[list[Role], Field(min_length=1, max_length=10)] | None = None
    areas: Annotated[list[AreaCode], Field(max_length=200)] | None = None
    disabled: bool | None = None


class PersonOut(BaseModel):
    """A person as those see them who administer people."""

    id: int
    sign_in_name: str
    name: str
    roles: list[str]
    language: str
    areas: list[AreaName]
    created_at: datetime
    disabled_at: datetime | None


class PeopleOut(BaseModel):
    """A page of people; `next` is the `after` of the next page."""

    items: list[PersonOut]
    next: int | None


class LinkOut(BaseModel):
    """A one-time link below this server's own address; shown this once."""

    path: str
    expires_at: datetime


class TokenIn(Strict):
    """What a token is for and how long it holds, days."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"label": "12345 hotline", "days": 365}]})

    label: DisplayName
    days: Annotated[int, Field(ge=1, le=730)] = 365


class TokenOut(BaseModel):
    """A bearer token; shown this once."""

    token: str
    expires_at: datetime


class OpenSession(BaseModel):
    """A session or token in use."""

    id: str
    kind: str
    label: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    address: str | None
    current: bool


class SessionsOut(BaseModel):
    """The open sessions of one person."""

    items: list[OpenSession]


class EndedOut(BaseModel):
    """How many sessions ended."""

    ended: int
