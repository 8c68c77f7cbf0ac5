"""Incidents, their intake, their append-only log and where they were placed before."""

from datetime import datetime
from typing import Any

from shapely import Point
from sqlalchemy import BigInteger, Boolean, Computed, DateTime, ForeignKey, Index, Integer, LargeBinary, Sequence, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import JSONB, REAL
from sqlalchemy.orm import Mapped, mapped_column

from data.shape import Shape
from data.tables.base import Table

MOMENT = DateTime(timezone=True)


class Incident(Table):
    """One case. `cell` (Morton number of the zoom-14 tile it first lay in, 0 without a place) never changes."""

    __tablename__ = "incident"
    cell: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(BigInteger, Sequence("incident_id_seq"), primary_key=True)
    reported_at: Mapped[datetime] = mapped_column(MOMENT, primary_key=True)
    source: Mapped[str] = mapped_column(Text(collation="C"))
    source_id: Mapped[str] = mapped_column(Text(collation="C"))
    category_id: Mapped[int] = mapped_column(ForeignKey("category.id"))
    rule_id: Mapped[int | None] = mapped_column(ForeignKey("category_rule.id"))
    title: Mapped[str] = mapped_column(Text, server_default="")
    address: Mapped[str] = mapped_column(Text, server_default="")
    place: Mapped[Point | None] = mapped_column(Shape("POINT"))
    qk: Mapped[int | None] = mapped_column(BigInteger)
    community_id: Mapped[int] = mapped_column(Integer, server_default="0")
    grid_id: Mapped[int | None] = mapped_column(ForeignKey("grid.id"))
    grid_version: Mapped[int | None] = mapped_column(Integer)
    building_id: Mapped[int | None] = mapped_column(BigInteger)
    placed_by: Mapped[str] = mapped_column(Text, server_default="none")
    border_distance_m: Mapped[float | None] = mapped_column(REAL)
    ambiguous: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    state: Mapped[str] = mapped_column(Text(collation="C"), server_default="reported")
    is_open: Mapped[bool] = mapped_column(Boolean, Computed("state NOT IN ('closed', 'not_filed')", persisted=True), nullable=True)
    level: Mapped[str] = mapped_column(Text(collation="C"), server_default="grid")
    severity: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    urgent: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    supervised: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    on_spot: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    officer_id: Mapped[int | None] = mapped_column(ForeignKey("officer.id"))
    filed_at: Mapped[datetime | None] = mapped_column(MOMENT)
    dispatched_at: Mapped[datetime | None] = mapped_column(MOMENT)
    handled_at: Mapped[datetime | None] = mapped_column(MOMENT)
    closed_at: Mapped[datetime | None] = mapped_column(MOMENT)
    due_at: Mapped[datetime | None] = mapped_column(MOMENT)
    duplicate_of: Mapped[int | None] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    suspended_at: Mapped[datetime | None] = mapped_column(MOMENT)
    suspended_until: Mapped[datetime | None] = mapped_column(MOMENT)
    suspended_due_at: Mapped[datetime | None] = mapped_column(MOMENT)
    suspended_s: Mapped[int] = mapped_column(BigInteger, server_default="0")
    extensions: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    __table_args__ = ({"postgresql_partition_by": "RANGE (reported_at)"},)


class Intake(Table):
    """One row for each case of a source: what makes intake idempotent whatever the time or the cell."""

    __tablename__ = "intake"
    source: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    source_id: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    cell: Mapped[int] = mapped_column(Integer)
    incident_id: Mapped[int] = mapped_column(BigInteger)
    reported_at: Mapped[datetime] = mapped_column(MOMENT)
    community_id: Mapped[int] = mapped_column(Integer, server_default="0")
    content_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    __table_args__ = (Index("intake_incident", "incident_id"),)


class IncidentLog(Table):
    """One change of an incident: who, from where to where, when, time used, whether late."""

    __tablename__ = "incident_log"
    cell: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    incident_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    serial: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(MOMENT)
    community_id: Mapped[int] = mapped_column(Integer, server_default="0")
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    action: Mapped[str] = mapped_column(Text)
    from_state: Mapped[str | None] = mapped_column(Text)
    to_state: Mapped[str | None] = mapped_column(Text)
    seconds_used: Mapped[int | None] = mapped_column(BigInteger)
    overdue: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    note: Mapped[str] = mapped_column(Text, server_default="")
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    undo_until: Mapped[datetime | None] = mapped_column(MOMENT)
    __table_args__ = (Index("incident_log_incident", "incident_id"),)


class IncidentPlacement(Table):
    """Where an incident was placed before, and why it moved."""

    __tablename__ = "incident_placement"
    cell: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    incident_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(MOMENT, primary_key=True, server_default=text("now()"))
    community_id: Mapped[int] = mapped_column(Integer, server_default="0")
    grid_id: Mapped[int | None] = mapped_column(ForeignKey("grid.id"))
    grid_version: Mapped[int | None] = mapped_column(Integer)
    placed_by: Mapped[str] = mapped_column(Text)
    why: Mapped[str] = mapped_column(Text)
    __table_args__ = (Index("incident_placement_incident", "incident_id"),)
