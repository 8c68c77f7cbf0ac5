"""Homes: buildings, households, residents and the care they need."""

from datetime import date

from shapely.geometry import MultiPolygon
from sqlalchemy import (
    REAL,
    BigInteger,
    Boolean,
    Computed,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    Sequence,
    SmallInteger,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from data.shape import WEB_SRID, Shape
from data.tables.base import Table


class Building(Table):
    """A building; `cell` is the immutable spatial cell of its place."""

    __tablename__ = "building"
    __table_args__ = (UniqueConstraint("community_id", "code"),)
    cell: Mapped[int] = mapped_column(Integer, primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Sequence("building_id_seq"), primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    grid_id: Mapped[int | None] = mapped_column(ForeignKey("grid.id"))
    code: Mapped[str] = mapped_column(Text(collation="C"))
    name: Mapped[str] = mapped_column(Text, server_default="")
    address: Mapped[str] = mapped_column(Text, server_default="")
    use: Mapped[str] = mapped_column(Text, server_default="unknown")
    levels: Mapped[int | None] = mapped_column(SmallInteger)
    height_m: Mapped[float | None] = mapped_column(REAL)
    built_year: Mapped[int | None] = mapped_column(SmallInteger)
    households: Mapped[int] = mapped_column(Integer, server_default="0")
    geom: Mapped[MultiPolygon] = mapped_column(Shape("MULTIPOLYGON"))
    geom3857: Mapped[MultiPolygon | None] = mapped_column(
        Shape("MULTIPOLYGON", WEB_SRID), Computed("ST_Transform(geom, 3857)", persisted=True)
    )
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    source: Mapped[str | None] = mapped_column(Text)
    source_id: Mapped[str | None] = mapped_column(Text)


class Household(Table):
    """A household, and which of the five kinds of knowledge about it are on record."""

    __tablename__ = "household"
    __table_args__ = (ForeignKeyConstraint(["cell", "building_id"], ["building.cell", "building.id"]),)
    cell: Mapped[int] = mapped_column(Integer, primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Sequence("household_id_seq"), primary_key=True)
    building_id: Mapped[int] = mapped_column(BigInteger)
    community_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    unit: Mapped[str] = mapped_column(Text, server_default="")
    tenure: Mapped[str] = mapped_column(Text, server_default="unknown")
    floating: Mapped[bool] = mapped_column(Boolean, server_default="false")
    members: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    has_address: Mapped[bool] = mapped_column(Boolean, server_default="false")
    has_family: Mapped[bool] = mapped_column(Boolean, server_default="false")
    has_work: Mapped[bool] = mapped_column(Boolean, server_default="false")
    has_changes: Mapped[bool] = mapped_column(Boolean, server_default="false")
    has_key_persons: Mapped[bool] = mapped_column(Boolean, server_default="false")
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    source: Mapped[str | None] = mapped_column(Text)
    source_id: Mapped[str | None] = mapped_column(Text)


class Resident(Table):
    """A resident; name, phone and number are sealed as one field, with blind indexes of two."""

    __tablename__ = "resident"
    __table_args__ = (ForeignKeyConstraint(["cell", "household_id"], ["household.cell", "household.id"]),)
    cell: Mapped[int] = mapped_column(Integer, primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Sequence("resident_id_seq"), primary_key=True)
    household_id: Mapped[int] = mapped_column(BigInteger)
    community_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    head: Mapped[bool] = mapped_column(Boolean, server_default="false")
    sex: Mapped[str] = mapped_column(Text, server_default="unknown")
    birth_year: Mapped[int | None] = mapped_column(SmallInteger)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    number_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    version: Mapped[int] = mapped_column(Integer, server_default="1")


class Care(Table):
    """A class of care a resident is in, from a day on and until before another."""

    __tablename__ = "care"
    __table_args__ = (ForeignKeyConstraint(["cell", "resident_id"], ["resident.cell", "resident.id"]),)
    cell: Mapped[int] = mapped_column(Integer, primary_key=True)
    resident_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    class_: Mapped[str] = mapped_column("class", Text, primary_key=True)
    sensitive: Mapped[bool | None] = mapped_column(
        Boolean, Computed("class IN ('correction', 'drug_recovery', 'mental_health')", persisted=True)
    )
    community_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    since: Mapped[date] = mapped_column(Date)
    until: Mapped[date | None] = mapped_column(Date)
