"""Facilities: what stands in the street and needs care."""

from shapely.geometry import Point
from sqlalchemy import BigInteger, ForeignKey, Integer, Sequence, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from data.shape import Shape
from data.tables.base import Table


class Facility(Table):
    """A lamp, a hydrant, a bench; `qk` is the Morton number of its place at zoom 24."""

    __tablename__ = "facility"
    __table_args__ = (UniqueConstraint("community_id", "code"),)
    cell: Mapped[int] = mapped_column(Integer, primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Sequence("facility_id_seq"), primary_key=True)
    qk: Mapped[int] = mapped_column(BigInteger)
    community_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    grid_id: Mapped[int | None] = mapped_column(ForeignKey("grid.id"))
    kind: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(Text(collation="C"))
    name: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text, server_default="")
    status: Mapped[str] = mapped_column(Text, server_default="working")
    geom: Mapped[Point] = mapped_column(Shape("POINT"))
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    source: Mapped[str | None] = mapped_column(Text)
    source_id: Mapped[str | None] = mapped_column(Text)
