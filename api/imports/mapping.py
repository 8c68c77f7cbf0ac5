"""A mapping file: how a source's files and columns become our nouns. It names columns; it holds no data."""

import difflib
import hashlib
import re
import tomllib
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from api.imports import mapping_errors
from data.files.layer import Question
from gis.errors import BadMapping

Noun = Literal["district", "street", "community", "grid", "building", "household", "households", "facility", "category", "incident"]
GROUND: tuple[Noun, ...] = ("grid", "community", "street", "district")
Step = Literal["snap", "slivers", "fit", "outline", "valid"]
NEVER_LOADED = frozenset(
    {"age", "gender", "sex", "race", "ethnicity", "victim", "suspect", "rep_name", "rep_phone", "rep_email", "rep_office", "chair",
     "last_name", "first_name", "middle_name", "email", "phone", "inspectorname", "身份证", "身份证号", "姓名", "电话", "手机", "联系电话"}
)  # fmt: skip
"""Columns with persons are taken out as soon as a file is read, whatever a mapping says."""
FIELDS: dict[str, frozenset[str]] = {
    "district": frozenset({"code", "name", "name_en", "source_id"}),
    "street": frozenset({"code", "name", "name_en", "source_id", "parent"}),
    "community": frozenset({"code", "name", "name_en", "source_id", "parent"}),
    "grid": frozenset({"code", "name", "name_en", "source_id", "parent", "kind", "households"}),
    "building": frozenset({"code", "name", "address", "use", "levels", "height_m", "built_year", "households", "source_id"}),
    "household": frozenset({"source_id", "building", "community", "unit", "tenure", "floating", "members", "has_address", "has_family",
                            "has_work", "has_changes", "has_key_persons"}),
    "households": frozenset({"count", "source_id"}),
    "facility": frozenset({"source_id", "kind", "code", "name", "name_en", "status"}),
    "category": frozenset({"code", "name", "name_en", "parent", "symbol"}),
    "incident": frozenset({"source_id", "category", "category_name", "category_parent", "reported_at", "title", "address",
                           "state", "severity", "urgent", "on_spot", "supervised", "filed_at", "dispatched_at", "handled_at",
                           "closed_at", "due_at"}),
}  # fmt: skip
NEEDED: dict[str, frozenset[str]] = {
    "district": frozenset({"code", "name"}), "street": frozenset({"code", "name"}), "community": frozenset({"code", "name"}),
    "grid": frozenset({"code"}), "building": frozenset({"source_id"}), "household": frozenset({"source_id"}),
    "households": frozenset({"count"}), "facility": frozenset({"source_id", "kind"}),
    "category": frozenset({"code", "name"}), "incident": frozenset({"source_id", "category", "reported_at"}),
}  # fmt: skip


RESIDENT = frozenset({"name", "phone", "number", "sex", "birth_year", "care", "care_since"})
"""Fields of the head of a household; read only where a mapping has [layer.resident]."""


def nearest(wrong: Iterable[str], right: Iterable[str]) -> str:
    """A hint for misspelt names: the one that exists and looks most alike; nothing when none does."""
    known = sorted(right)
    plain = {name.casefold(): name for name in known}
    hints = [plain[found] for name in sorted(wrong) for found in difflib.get_close_matches(name.casefold(), plain, n=1, cutoff=0.5)]
    return f" (did you mean {', '.join(dict.fromkeys(hints))}?)" if hints else ""


class Strict(BaseModel):
    """A table of the mapping file in which a misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Spec(Strict):
    """One field: where its value comes from, and what is done to it, in this order.

    `column`, `columns` (joined with `join`), `template` ("{hood_no:03}") or `constant`; then `split` (the first part),
    `match` (the group of a regular expression), `lookup`, `parse`, `default`.
    """

    column: str | None = None
    columns: tuple[str, ...] = ()
    join: str = " "
    template: str | None = None
    constant: str | int | float | bool | None = None
    split: str | None = None
    match: str | None = None
    case: Literal["upper", "lower", "title"] | None = None
    pad: int | None = Field(default=None, ge=1, le=30)
    lookup: dict[str, str] = Field(default_factory=dict)
    unknown: Literal["keep", "refuse", "default"] = "keep"
    parse: Literal["text", "number", "integer", "yes_no", "time"] | None = None
    format: tuple[str, ...] = ("iso",)
    default: str | int | float | bool | None = None

    @field_validator("format", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("match")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        if value is not None:
            re.compile(value)
        return value

    @model_validator(mode="after")
    def _one_source(self) -> "Spec":
        given = [self.column is not None, bool(self.columns), self.template is not None, self.constant is not None]
        if sum(given) != 1:
            raise ValueError("a field takes exactly one of column, columns, template, constant")
        return self

    @property
    def wanted(self) -> tuple[str, ...]:
        """The columns this field reads."""
        in_template = tuple(name for name, _ in PLACEHOLDER.findall(self.template or ""))
        return tuple(name for name in (*((self.column,) if self.column else ()), *self.columns, *in_template) if name != ROW)


ROW = "#row"
"""Stands for the number of a row in its file, from 1, for sources that number nothing; only as a whole column."""
PLACEHOLDER = re.compile(r"\{([^{}:]+)(?::(0?\d+))?\}")


def _spec(value: Any) -> Any:
    return {"column": value} if isinstance(value, str) else value


class Exclusion(Strict):
    """Rows that are refused on purpose, with the reason that goes into the errors file."""

    column: str
    equals: tuple[str, ...]
    why: str

    @field_validator("equals", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value


class ShapeColumns(Strict):
    """Columns of a table that hold the place."""

    x: str | None = None
    y: str | None = None
    wkt: str | None = None


class AreaCheck(Strict):
    """A column in which the source itself names the area of each row: compared and reported, never corrected."""

    column: str
    level: Literal["street", "community", "grid"]
    against: Literal["code", "name", "name_en", "source_id"] = "name_en"


class Catalogue(Strict):
    """The catalogue a feed's categories belong to; `create` lets an unknown category be made from its column."""

    code: str
    version: str = "1"
    name: str
    name_en: str = ""
    create: bool = False


class Spread(Strict):
    """How counts of areas come down to grids: over buildings by footprint, or by share of area."""

    by: Literal["buildings", "area"]
    uses: dict[str, float] = Field(default_factory=dict)
    """Weight of a building's footprint by its use; a use that is not named weighs 1 (nothing named) or 0."""
    edge: Literal["share", "most"] = "share"
    """An area partly outside counts by its share inside; or, where water is what lies outside, wholly if most of it is inside."""


class BuildingLink(Strict):
    """How a household finds its building."""

    by: Literal["source_id", "code", "address", "place"]
    source: str | None = None
    """The source of the buildings, where `by` is source_id."""
    community: Literal["code", "name", "name_en", "source_id"] = "code"
    """What the field community holds, where `by` is code."""
    within_m: float = Field(default=0.0, ge=0, le=500)
    """Where `by` is place and no building covers it: the nearest one this near, in metres; 0 for none."""


class LayerMapping(Strict):
    """One layer: which files, how to read them, what becomes what."""

    noun: Noun
    source: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")
    files: tuple[str, ...] = ()
    layer: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    header_row: int | None = None
    fill_down: tuple[str, ...] = ()
    shape: ShapeColumns | None = None
    crs: str | None = None
    datum: Literal["wgs84", "gcj02", "bd09"] | None = None
    time_zone: str | None = None
    fields: dict[str, Annotated[Spec, BeforeValidator(_spec)]]
    building: BuildingLink | None = None
    resident: dict[str, Annotated[Spec, BeforeValidator(_spec)]] = Field(default_factory=dict)
    drop: tuple[str, ...] = ()
    refuse: tuple[Exclusion, ...] = ()
    dissolve: bool = False
    mend: tuple[Step, ...] = ()
    without_place: Literal["unplaced", "refuse"] = "unplaced"
    outside: Literal["refuse", "keep"] = "refuse"
    check_area: tuple[AreaCheck, ...] = ()
    catalogue: Catalogue | None = None
    spread: Spread | None = None

    @field_validator("files", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _fields_fit(self) -> "LayerMapping":
        if self.noun == "district":
            raise ValueError("the district is the union of its communities; name it in [district] instead")
        unknown = set(self.fields) - FIELDS[self.noun]
        if unknown:
            raise ValueError(
                f"{self.noun} has no field {', '.join(sorted(unknown))}{nearest(unknown, FIELDS[self.noun])};"
                f" it has {', '.join(sorted(FIELDS[self.noun]))}"
            )
        missing = NEEDED[self.noun] - set(self.fields)
        if missing:
            raise ValueError(f"{self.noun} needs the field {', '.join(sorted(missing))}")
        if self.noun in ("incident", "category") and self.catalogue is None:
            raise ValueError(f"{self.noun} needs a catalogue")
        if self.noun == "households" and self.spread is None:
            raise ValueError("households need to know how to spread")
        self._household_fits()
        if self.time_zone:
            known_zone(self.time_zone)
        return self

    def _household_fits(self) -> None:
        if self.noun != "household":
            if self.building is not None or self.resident:
                raise ValueError("only a household has building = … and [layer.resident]")
            return
        if self.building is None:
            raise ValueError('a household needs building = { by = "source_id", "code", "address" or "place" }')
        needed = {"source_id": {"building"}, "code": {"building", "community"}, "address": {"building"}, "place": set[str]()}
        missing = needed[self.building.by] - set(self.fields)
        if missing:
            raise ValueError(f"a household that finds its building by {self.building.by} needs the field {', '.join(sorted(missing))}")
        unknown = set(self.resident) - RESIDENT
        if unknown:
            raise ValueError(
                f"resident has no field {', '.join(sorted(unknown))}{nearest(unknown, RESIDENT)}; it has {', '.join(sorted(RESIDENT))}"
            )
        shared = self.persons & {name for spec in self.fields.values() for name in spec.wanted}
        if shared:
            raise ValueError(f"the column {', '.join(sorted(shared))} is read for a person, so no other field may show it")

    @property
    def persons(self) -> frozenset[str]:
        """Columns that are read for a resident and masked everywhere else."""
        return frozenset(name for spec in self.resident.values() for name in spec.wanted)

    def question(self, limit: int | None = None) -> Question:
        """What the reader is told."""
        shape = self.shape or ShapeColumns()
        return Question(layer=self.layer, encoding=self.encoding, delimiter=self.delimiter, header_row=self.header_row,
                        fill_down=self.fill_down, x=shape.x, y=shape.y, wkt=shape.wkt, limit=limit)  # fmt: skip

    def personal(self, columns: list[str]) -> list[str]:
        """Columns of a file that are taken out unread: those the mapping names and those that are never loaded."""
        return [name for name in columns if (name in self.drop or name.strip().lower() in NEVER_LOADED) and name not in self.persons]


class SchemeMapping(Strict):
    """The scheme that imported grids belong to."""

    code: str
    name: str
    name_en: str = ""
    code_pattern: str = "{community}{serial:03d}"
    household_min: int = 300
    household_max: int = 500


def known_zone(name: str) -> str:
    """The name of a time zone; ValueError where there is none of it."""
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise ValueError(f"there is no time zone {name[:60]!r}; a name is such as Asia/Shanghai") from None
    return name


class DistrictMapping(Strict):
    """The deployment that a first import founds."""

    code: str
    name: str
    name_en: str = ""
    time_zone: str | None = None
    review_number: str = ""
    valid_from: date | None = None
    """The day from which the borders hold, in the district's time zone; none: from the import on."""
    now: datetime | None = None
    """For an archive: the moment from which pages and periods look at it; none: the real time."""
    scheme: SchemeMapping

    @field_validator("time_zone")
    @classmethod
    def _known(cls, value: str) -> str:
        return known_zone(value)


class GroundRules(Strict):
    """How levels that do not tile each other are made to, and only by the steps named."""

    truth: Literal["grid", "community", "street"] = "community"
    mend: tuple[Step, ...] = ()
    gap_width_m: float = Field(default=20.0, ge=0, le=500)
    split_from: float = Field(default=1.0, gt=0, le=1)
    """A grid with at least this share of its ground in a second community becomes one grid in each; 1 splits none."""
    split_communities_from: float = Field(default=1.0, gt=0, le=1)
    """The same for a community that lies in two streets: it becomes one community in each."""
    inside_from: float = Field(default=0.05, ge=0, le=1)
    """A grid with less of its ground in the district than this share belongs elsewhere and is refused."""
    every_parent: bool = False
    """A street that would be left without a community gets the one that costs the least ground."""


class Mapping(Strict):
    """A whole mapping file."""

    include: tuple[str, ...] = ()
    district: DistrictMapping | None = None
    ground: GroundRules = GroundRules()
    layer: tuple[LayerMapping, ...] = ()


def load(path: Path) -> tuple[Mapping, bytes]:
    """A mapping file with what it includes, and the SHA-256 of all of it; BadMapping says which key is wrong."""
    digest = hashlib.sha256()
    mapping = _load(path, digest, seen=())
    if not mapping.layer:
        raise BadMapping(f"{path.name} names no [[layer]].")
    return mapping, digest.digest()


def _load(path: Path, digest: Any, seen: tuple[Path, ...]) -> Mapping:
    if path in seen:
        raise BadMapping(f"{path.name} includes itself.")
    try:
        body = path.read_bytes()
        mapping = Mapping.model_validate(tomllib.loads(body.decode()))
    except FileNotFoundError as missing:
        raise BadMapping(f"There is no mapping file {path}.") from missing
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, re.error) as broken:
        raise BadMapping(f"{path.name} is not TOML: {broken}") from broken
    except ValidationError as wrong:
        raise mapping_errors.refusal(path.name, wrong, Mapping) from wrong
    digest.update(body)
    for name in mapping.include:
        other = _load(path.parent / name, digest, (*seen, path))
        mapping = mapping.model_copy(update={
            "district": mapping.district or other.district, "layer": (*mapping.layer, *other.layer),
            "ground": mapping.ground if "ground" in mapping.model_fields_set else other.ground,
        })  # fmt: skip
    return mapping
