"""The outbox: what open pages must hear of, written in the transaction of the change."""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, Index, Integer, Sequence, Text, text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

from data.tables.base import Table


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """The type's name in SQL."""
        return "xid8"


class Outbox(Table):
    """One change: ids and an area, never content. `number` is its place in the stream, given by the relay once it is visible."""

    __tablename__ = "outbox"
    id: Mapped[int] = mapped_column(BigInteger, Sequence("outbox_id_seq"), primary_key=True)
    xid: Mapped[int] = mapped_column(Xid8, server_default=text("pg_current_xact_id()"))
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))
    layer: Mapped[str] = mapped_column(Text)
    op: Mapped[str] = mapped_column(Text)
    noun_id: Mapped[int | None] = mapped_column(BigInteger)
    cell: Mapped[int | None] = mapped_column(Integer)
    community_id: Mapped[int] = mapped_column(Integer, server_default="0")
    number: Mapped[int | None] = mapped_column(BigInteger)
    __table_args__ = (
        Index("outbox_number", "number", unique=True, postgresql_where=text("number IS NOT NULL")),
        Index("outbox_untold", "id", postgresql_where=text("number IS NULL")),
    )
