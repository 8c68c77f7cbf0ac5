"""A question: what came in, made complete and checked, in one form that is stored and hashed."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from api.analyses import catalogue
from api.period import Period
from data.queries import analyses, analysis_rows, categories, statistics
from data.queries.analyses import WHOLE_GROUND, canonical
from data.queries.analysis_rows import Selection
from data.queries.reach import reach
from data.queries.statistics import Moment
from data.scope import Scope
from gis.errors import BadValue
from gis.hotspots import weights

SEED = 20_261
SMALL_CELL = 5
PLAIN_MAP = {"method": "gi", "category_ids": [], "sources": [], "unit": "grid", "denominator": "households"}
"""What the one screen shows as its map of hot spots, of whatever area and period."""
SOURCES = (Path(__file__).parent, Path(weights.__file__).parent)
Choice = Literal["keep", "drop"]
Check = Literal["no-place", "outside", "no-time", "future", "same-id", "same-event", "pile", "midnight", "day-pile", "level"]


class QuestionIn(BaseModel):
    """A question as it comes in; only the method must be named."""

    model_config = ConfigDict(
        extra="forbid",
        populate_by_name=True,
        json_schema_extra={
            "examples": [
                {"method": "gi", "area": "990101", "from": "2026-08-01", "to": "2026-10-31", "denominator": "households", "seed": 20261}
            ]
        },
    )

    method: str = Field(max_length=20)
    area: str | None = Field(default=None, max_length=40)
    scheme: str | None = Field(default=None, max_length=40)
    unit: Literal["grid", "community"] = "grid"
    first: date | None = Field(default=None, alias="from")
    last: date | None = Field(default=None, alias="to")
    category_ids: list[int] = Field(default=[], max_length=500)
    sources: list[str] = Field(default=[], max_length=100)
    denominator: str | None = Field(default=None, max_length=20)
    doubts: dict[Check, Choice] = {}
    small_cell: int = Field(default=SMALL_CELL, ge=1, le=100)
    seed: int = Field(default=SEED, ge=0, lt=2**31)
    parameters: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Asked:
    """A stored question, and the ground, the moments and the scheme it was resolved to."""

    question: dict[str, Any]
    ground: str
    starts: datetime
    ends: datetime
    scheme_id: int

    @property
    def selection(self) -> Selection:
        """The incidents it is about."""
        return Selection(self.ground, self.starts, self.ends, self.question["category_ids"], self.question["sources"])


@dataclass(frozen=True, slots=True)
class Complete:
    """A question that can be stored: its canonical form, its ground, its moments, and the hash of all of them."""

    told: dict[str, Any]
    scheme_id: int
    ground: str
    starts: datetime
    ends: datetime
    is_map: bool

    @property
    def asked(self) -> Asked:
        """What it reads."""
        return Asked(self.told, self.ground, self.starts, self.ends, self.scheme_id)

    @property
    def text(self) -> str:
        """The canonical form."""
        return canonical(self.told).decode()

    @property
    def hash(self) -> bytes:
        """Of the canonical form and of the ground, which the asker's scope has a part in."""
        return hashlib.sha256(self.text.encode() + b"\n" + self.ground.encode()).digest()


def complete(session: Session, scope: Scope, asked: QuestionIn, *, ground: str | None = None) -> Complete:
    """Fill in every default and check every name. Raises BadValue or NotFound: which field, and what it may be.

    `ground` is given for questions that are asked again for somebody, such as schedules; else it is the caller's part.
    """
    if asked.method not in catalogue.METHODS:
        raise BadValue("There is no such method.", field="method", methods=sorted(catalogue.METHODS))
    method = catalogue.METHODS[asked.method]
    denominator = asked.denominator or method.denominators[0]
    if denominator not in method.denominators:
        raise BadValue("The method has no such denominator.", field="denominator", denominators=list(method.denominators))
    parameters = catalogue.completed(asked.method, asked.parameters)
    chosen = analyses.scheme(session, scope, asked.scheme)
    at = statistics.moment(session)
    first, after = _days(asked, method.days, at)
    told = {
        "method": asked.method, "area": asked.area, "scheme": chosen.code, "unit": asked.unit, "from": first.isoformat(),
        "to": (after - timedelta(days=1)).isoformat(), "category_ids": _categories(session, scope, asked.category_ids),
        "sources": _sources(session, scope, asked.sources), "denominator": denominator, "doubts": dict(asked.doubts),
        "small_cell": asked.small_cell, "seed": asked.seed, "parameters": parameters,
    }  # fmt: skip
    is_map = asked.scheme is None and all(told[name] == value for name, value in PLAIN_MAP.items())
    return Complete(told, chosen.id, ground or _ground(session, scope, asked.area), at.starts(first), at.starts(after), is_map)


@cache
def code_version() -> str:
    """Which code finds answers: this program's version, a hash of the files that compute, and the versions of the libraries."""
    told = hashlib.sha256()
    for path in sorted(each for folder in SOURCES for each in folder.glob("*.py")):
        told.update(path.read_bytes())
    libraries = ("numpy", "scipy", "numba", "scikit-learn", "statsmodels")
    return "; ".join([f"wangge {_version('wangge')}+{told.hexdigest()[:12]}", *(f"{each} {_version(each)}" for each in libraries)])


def _days(asked: QuestionIn, usual: int, at: Moment) -> tuple[date, date]:
    last = min(asked.last or at.today, at.today)
    first = asked.first or last - timedelta(days=usual - 1)
    return Period(first, asked.last).days(at)


def _ground(session: Session, scope: Scope, area: str | None) -> str:
    asked = reach(session, scope, area)
    if asked.whole:
        return WHOLE_GROUND
    return analyses.multirange([each for each in asked.communities if each])


def _categories(session: Session, scope: Scope, asked: list[int]) -> list[int]:
    """The categories and all below them, each once."""
    wanted = {each for each in asked if 0 < each < 2**31}
    rows = categories.every(session, scope)
    unknown = set(asked) - {row.id for row in rows}
    if unknown:
        raise BadValue("There is no such category.", field="category_ids", categories=sorted(unknown)[:20])
    while below := {row.id for row in rows if row.parent_id in wanted} - wanted:
        wanted |= below
    return sorted(wanted)


def _sources(session: Session, scope: Scope, asked: list[str]) -> list[str]:
    known = analysis_rows.sources(session, scope) if asked else []
    unknown = sorted(set(asked) - set(known))
    if unknown:
        raise BadValue("Nothing was ever reported by such a source.", field="sources", sources=unknown[:20], known=known[:100])
    return sorted(set(asked))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "0.1.0"
