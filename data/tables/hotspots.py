"""Hot-spot runs and what they found for each grid."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Double, ForeignKey, Index, Integer, Sequence, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, INT4MULTIRANGE, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from data.tables.base import Table


class HotspotRun(Table):
    """One analysis: what was asked, with which parameters and which code, and how it ended."""

    __tablename__ = "hotspot_run"
    id: Mapped[int] = mapped_column(BigInteger, Sequence("hotspot_run_id_seq"), primary_key=True)
    asked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))
    asked_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    scheme_id: Mapped[int] = mapped_column(ForeignKey("scheme.id"))
    period_from: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    period_to: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    category_ids: Mapped[list[int]] = mapped_column(ARRAY(Integer), server_default="{}")
    method: Mapped[str] = mapped_column(Text)
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    code_version: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, server_default="asked")
    done_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    incidents: Mapped[int | None] = mapped_column(BigInteger)
    grids: Mapped[int | None] = mapped_column(Integer)
    caveats: Mapped[list[Any]] = mapped_column(JSONB, server_default="[]")
    refusal: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    scope: Mapped[Any] = mapped_column(INT4MULTIRANGE)
    __table_args__ = (Index("hotspot_run_recent", "scheme_id", text("period_to DESC"), postgresql_where=text("state = 'done'")),)


class Hotspot(Table):
    """What one run says of one grid. `class`: -99 … 99, 0 for no hot or cold spot."""

    __tablename__ = "hotspot"
    run_id: Mapped[int] = mapped_column(ForeignKey("hotspot_run.id", ondelete="CASCADE"), primary_key=True)
    grid_id: Mapped[int] = mapped_column(ForeignKey("grid.id"), primary_key=True)
    community_id: Mapped[int] = mapped_column(Integer)
    incidents: Mapped[int] = mapped_column(Integer)
    households: Mapped[int] = mapped_column(Integer)
    rate: Mapped[float | None] = mapped_column(Double)
    rate_smoothed: Mapped[float | None] = mapped_column(Double)
    z: Mapped[float | None] = mapped_column(Double)
    p: Mapped[float | None] = mapped_column(Double)
    q: Mapped[float | None] = mapped_column(Double)
    confidence: Mapped[int] = mapped_column("class", SmallInteger, server_default="0")
    flag: Mapped[str] = mapped_column(Text, server_default="")
