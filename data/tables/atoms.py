"""Atoms: the smallest pieces of ground a border may be painted along, kept with what they were made from."""

from datetime import datetime

from shapely.geometry import MultiPolygon
from sqlalchemy import BigInteger, DateTime, ForeignKey, Index, Integer, LargeBinary, Sequence, text
from sqlalchemy.orm import Mapped, mapped_column

from data.shape import Shape
from data.tables.base import Table


class AtomGround(Table):
    """A community whose atoms are stored, and the fingerprint of the buildings, roads, water and outline they were made from."""

    __tablename__ = "atom_ground"
    community_id: Mapped[int] = mapped_column(ForeignKey("area.id"), primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))


class Atom(Table):
    """A piece of ground within one block between roads and water; `building_id` is empty on ground without a building."""

    __tablename__ = "atom"
    __table_args__ = (Index("atom_community", "community_id"), Index("atom_geom", "geom", postgresql_using="gist"))
    id: Mapped[int] = mapped_column(BigInteger, Sequence("atom_id_seq"), primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    block: Mapped[int] = mapped_column(Integer)
    building_id: Mapped[int | None] = mapped_column(BigInteger)
    households: Mapped[int] = mapped_column(Integer, server_default="0")
    geom: Mapped[MultiPolygon] = mapped_column(Shape("MULTIPOLYGON"))
