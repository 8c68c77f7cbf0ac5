"""Grids: schemes, the grids of each, their past borders and what became of them."""

from datetime import datetime

from shapely.geometry import MultiPolygon, Point
from sqlalchemy import BigInteger, Boolean, Computed, DateTime, Double, ForeignKey, Index, Integer, Sequence, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from data.shape import WEB_SRID, Shape
from data.tables.base import Table


class Scheme(Table):
    """A way to divide communities into grids, with its pattern of codes and its band of households."""

    __tablename__ = "scheme"
    __table_args__ = (Index("scheme_one_primary", "is_primary", unique=True, postgresql_where=text("is_primary")),)
    id: Mapped[int] = mapped_column(Integer, Sequence("scheme_id_seq"), primary_key=True)
    code: Mapped[str] = mapped_column(Text(collation="C"), unique=True)
    name: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text, server_default="")
    code_pattern: Mapped[str] = mapped_column(Text)
    household_min: Mapped[int] = mapped_column(Integer, server_default="300")
    household_max: Mapped[int] = mapped_column(Integer, server_default="500")
    is_primary: Mapped[bool] = mapped_column(Boolean, server_default="false")


class Grid(Table):
    """The smallest patch one officer answers for; a row with `valid_to` has ended and keeps its code for ever."""

    __tablename__ = "grid"
    __table_args__ = (
        UniqueConstraint("scheme_id", "code", name="grid_code_never_reused"),
        Index("grid_geom", "geom", postgresql_using="gist"),
        Index("grid_geom3857", "geom3857", postgresql_using="gist"),
        Index("grid_community", "community_id", "scheme_id"),
    )
    id: Mapped[int] = mapped_column(BigInteger, Sequence("grid_id_seq"), primary_key=True)
    scheme_id: Mapped[int] = mapped_column(ForeignKey("scheme.id"))
    community_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    code: Mapped[str] = mapped_column(Text(collation="C"))
    name: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text, server_default="")
    kind: Mapped[str] = mapped_column(Text, server_default="basic")
    households: Mapped[int] = mapped_column(Integer, server_default="0")
    geom: Mapped[MultiPolygon] = mapped_column(Shape("MULTIPOLYGON"))
    geom3857: Mapped[MultiPolygon | None] = mapped_column(
        Shape("MULTIPOLYGON", WEB_SRID), Computed("ST_Transform(geom, 3857)", persisted=True)
    )
    area_m2: Mapped[float | None] = mapped_column(Double, Computed("ST_Area(geom::geography)", persisted=True))
    perimeter_m: Mapped[float | None] = mapped_column(Double, Computed("ST_Perimeter(geom::geography)", persisted=True))
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    valid_from: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))
    valid_to: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    source: Mapped[str | None] = mapped_column(Text)
    source_id: Mapped[str | None] = mapped_column(Text)
    label3857: Mapped[Point | None] = mapped_column(
        Shape("POINT", WEB_SRID), Computed("ST_PointOnSurface(ST_Transform(geom, 3857))", persisted=True)
    )


class GridPast(Table):
    """A border or name that was; written by the database when a grid changes."""

    __tablename__ = "grid_past"
    __table_args__ = (Index("grid_past_geom", "geom", postgresql_using="gist"),)
    grid_id: Mapped[int] = mapped_column(ForeignKey("grid.id"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    scheme_id: Mapped[int] = mapped_column(ForeignKey("scheme.id"))
    community_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    name: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text)
    households: Mapped[int] = mapped_column(Integer)
    geom: Mapped[MultiPolygon] = mapped_column(Shape("MULTIPOLYGON"))
    valid_from: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    valid_to: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class GridLineage(Table):
    """Which grid became which, and how much of it went there."""

    __tablename__ = "grid_lineage"
    __table_args__ = (Index("grid_lineage_to", "to_id"),)
    from_id: Mapped[int] = mapped_column(ForeignKey("grid.id"), primary_key=True)
    to_id: Mapped[int] = mapped_column(ForeignKey("grid.id"), primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    area_share: Mapped[float] = mapped_column(Double)
    household_share: Mapped[float | None] = mapped_column(Double)
