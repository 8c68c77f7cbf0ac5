"""What makes tiles stale, and how many incidents lie in each cell; both are written by the database itself."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, Sequence, SmallInteger, Text, text
from sqlalchemy import Table as CoreTable
from sqlalchemy.orm import Mapped, mapped_column

from data.tables.base import Table
from data.tables.outbox import Xid8


class TileChange(Table):
    """Something changed in a layer: in one cell of zoom 14, or anywhere."""

    __tablename__ = "tile_change"
    __table_args__ = (Index("tile_change_xid", "xid"),)
    id: Mapped[int] = mapped_column(BigInteger, Sequence("tile_change_id_seq"), primary_key=True)
    xid: Mapped[int] = mapped_column(Xid8, server_default=text("pg_current_xact_id()"))
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))
    layer: Mapped[str] = mapped_column(Text)
    cell: Mapped[int | None] = mapped_column(Integer)


class IncidentBin(Table):
    """Incidents of a category (0: of all) and a community in a cell of one level of the pyramid."""

    __tablename__ = "incident_bin"
    level: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    category_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    cell: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    community_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    n: Mapped[int] = mapped_column(Integer)
    open_n: Mapped[int] = mapped_column(Integer)


# What writers added and took since the last fold; rows have no key, as nobody asks for one of them.
incident_delta = CoreTable(
    "incident_delta",
    Table.metadata,
    Column("cell", BigInteger, nullable=False),
    Column("community_id", Integer, nullable=False),
    Column("category_id", Integer, nullable=False),
    Column("n", Integer, nullable=False),
    Column("open_n", Integer, nullable=False),
    Index("incident_delta_cell", "cell"),
)
