"""Areas: districts, streets and communities, their past borders and what became of them."""

from datetime import datetime

from shapely.geometry import MultiPolygon, Point
from sqlalchemy import Computed, DateTime, Double, ForeignKey, Index, Integer, Sequence, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from data.shape import WEB_SRID, Shape
from data.tables.base import Table


class Area(Table):
    """A district, a street or a community; a row with `valid_to` has ended and keeps its code for ever."""

    __tablename__ = "area"
    __table_args__ = (
        Index("area_geom", "geom", postgresql_using="gist"),
        Index("area_geom3857", "geom3857", postgresql_using="gist"),
        Index("area_parent", "parent_id"),
    )
    id: Mapped[int] = mapped_column(Integer, Sequence("area_id_seq"), primary_key=True)
    level: Mapped[str] = mapped_column(Text)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"))
    code: Mapped[str] = mapped_column(Text(collation="C"), unique=True)
    name: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text, server_default="")
    class_code: Mapped[str | None] = mapped_column(Text)
    geom: Mapped[MultiPolygon] = mapped_column(Shape("MULTIPOLYGON"))
    geom3857: Mapped[MultiPolygon | None] = mapped_column(
        Shape("MULTIPOLYGON", WEB_SRID), Computed("ST_Transform(geom, 3857)", persisted=True)
    )
    area_m2: Mapped[float | None] = mapped_column(Double, Computed("ST_Area(geom::geography)", persisted=True))
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    valid_from: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))
    valid_to: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    source: Mapped[str | None] = mapped_column(Text)
    source_id: Mapped[str | None] = mapped_column(Text)
    label3857: Mapped[Point | None] = mapped_column(
        Shape("POINT", WEB_SRID), Computed("ST_PointOnSurface(ST_Transform(geom, 3857))", persisted=True)
    )


class AreaPast(Table):
    """A border or name that was; written by the database when an area changes."""

    __tablename__ = "area_past"
    __table_args__ = (Index("area_past_geom", "geom", postgresql_using="gist"),)
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"))
    name: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text)
    geom: Mapped[MultiPolygon] = mapped_column(Shape("MULTIPOLYGON"))
    valid_from: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    valid_to: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class AreaLineage(Table):
    """Which area became which, and how much of it went there."""

    __tablename__ = "area_lineage"
    __table_args__ = (Index("area_lineage_to", "to_id"),)
    from_id: Mapped[int] = mapped_column(ForeignKey("area.id"), primary_key=True)
    to_id: Mapped[int] = mapped_column(ForeignKey("area.id"), primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    area_share: Mapped[float] = mapped_column(Double)
    household_share: Mapped[float | None] = mapped_column(Double)
