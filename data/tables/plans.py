"""Plans: drafts as an overlay of changed grids over today's ground, their append-only log, and what people say of them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from shapely.geometry import MultiPolygon, Point
from sqlalchemy import (
    REAL,
    BigInteger,
    Boolean,
    Computed,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Sequence,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)  # fmt: skip
from sqlalchemy.dialects.postgresql import INT4MULTIRANGE, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from data.shape import Shape
from data.tables.base import Table

OF_PLAN = "plan.id"
NOW = text("now()")


class Plan(Table):
    """A draft over an area and one scheme; `revision` is the number of the last row of its log."""

    __tablename__ = "plan"
    __table_args__ = (Index("plan_by_area", "area_id", "state"),)
    id: Mapped[int] = mapped_column(BigInteger, Sequence("plan_id_seq"), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text, server_default="")
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    scheme_id: Mapped[int] = mapped_column(ForeignKey("scheme.id"))
    communities: Mapped[Any] = mapped_column(INT4MULTIRANGE)
    household_min: Mapped[int] = mapped_column(Integer)
    household_max: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(Text, server_default="draft")
    revision: Mapped[int] = mapped_column(BigInteger, server_default="0")
    made_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    made_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    submitted_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    submitted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    decision_note: Mapped[str] = mapped_column(Text, server_default="")
    effective_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    published_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    failure: Mapped[Any | None] = mapped_column(JSONB)
    reverses: Mapped[int | None] = mapped_column(ForeignKey(OF_PLAN))


class PlanGrid(Table):
    """A grid that a draft changed, made or (`geom` None) ended; all other grids are as they are today."""

    __tablename__ = "plan_grid"
    __table_args__ = (Index("plan_grid_geom", "geom", postgresql_using="gist"),)
    plan_id: Mapped[int] = mapped_column(ForeignKey(OF_PLAN, ondelete="CASCADE"), primary_key=True)
    grid_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    base_version: Mapped[int | None] = mapped_column(Integer)
    community_id: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text, server_default="")
    kind: Mapped[str] = mapped_column(Text, server_default="basic")
    households: Mapped[int] = mapped_column(Integer, server_default="0")
    geom: Mapped[MultiPolygon | None] = mapped_column(Shape("MULTIPOLYGON"))
    area_m2: Mapped[float | None] = mapped_column(Double, Computed("ST_Area(geom::geography)", persisted=True))
    perimeter_m: Mapped[float | None] = mapped_column(Double, Computed("ST_Perimeter(geom::geography)", persisted=True))
    version: Mapped[int] = mapped_column(BigInteger, server_default="1")
    noded_only: Mapped[bool] = mapped_column(Boolean, server_default="false")


class PlanArea(Table):
    """A community that a draft makes, renames or ends; its outline is the union of its grids."""

    __tablename__ = "plan_area"
    plan_id: Mapped[int] = mapped_column(ForeignKey(OF_PLAN, ondelete="CASCADE"), primary_key=True)
    area_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    base_version: Mapped[int | None] = mapped_column(Integer)
    parent_id: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text, server_default="")
    class_code: Mapped[str | None] = mapped_column(Text)
    ended: Mapped[bool] = mapped_column(Boolean, server_default="false")


class PlanOp(Table):
    """One row of the log; undo and redo are rows too."""

    __tablename__ = "plan_op"
    __table_args__ = (UniqueConstraint("plan_id", "client_id"),)
    plan_id: Mapped[int] = mapped_column(ForeignKey(OF_PLAN, ondelete="CASCADE"), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    client_id: Mapped[UUID] = mapped_column(Uuid)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    kind: Mapped[str] = mapped_column(Text)
    operation: Mapped[Any] = mapped_column(JSONB)
    undoes: Mapped[int | None] = mapped_column(BigInteger)
    redoes: Mapped[int | None] = mapped_column(BigInteger)
    facts: Mapped[Any] = mapped_column(JSONB, server_default=text("'{}'"))


class PlanOpGrid(Table):
    """What one row of the log did to one grid, geometries included, so that going back computes nothing."""

    __tablename__ = "plan_op_grid"
    __table_args__ = (ForeignKeyConstraint(["plan_id", "seq"], ["plan_op.plan_id", "plan_op.seq"], ondelete="CASCADE"),)
    plan_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    grid_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    before: Mapped[Any | None] = mapped_column(JSONB)
    before_geom: Mapped[MultiPolygon | None] = mapped_column(Shape("MULTIPOLYGON"))
    after: Mapped[Any | None] = mapped_column(JSONB)
    after_geom: Mapped[MultiPolygon | None] = mapped_column(Shape("MULTIPOLYGON"))


class PlanOpArea(Table):
    """What one row of the log did to one community."""

    __tablename__ = "plan_op_area"
    __table_args__ = (ForeignKeyConstraint(["plan_id", "seq"], ["plan_op.plan_id", "plan_op.seq"], ondelete="CASCADE"),)
    plan_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    area_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    before: Mapped[Any | None] = mapped_column(JSONB)
    after: Mapped[Any | None] = mapped_column(JSONB)


class PlanLock(Table):
    """A grid whose ground stays as it is until somebody takes the lock away."""

    __tablename__ = "plan_lock"
    plan_id: Mapped[int] = mapped_column(ForeignKey(OF_PLAN, ondelete="CASCADE"), primary_key=True)
    grid_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)


class PlanSnapshot(Table):
    """A name for a moment of the log."""

    __tablename__ = "plan_snapshot"
    plan_id: Mapped[int] = mapped_column(ForeignKey(OF_PLAN, ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)


class PlanComment(Table):
    """A remark on a plan, at a place or on a grid."""

    __tablename__ = "plan_comment"
    __table_args__ = (Index("plan_comment_plan", "plan_id"),)
    id: Mapped[int] = mapped_column(BigInteger, Sequence("plan_comment_id_seq"), primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey(OF_PLAN, ondelete="CASCADE"))
    place: Mapped[Point | None] = mapped_column(Shape("POINT"))
    grid_id: Mapped[int | None] = mapped_column(BigInteger)
    body: Mapped[str] = mapped_column(Text)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    resolved_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    resolved_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class PlanProposal(Table):
    """A question for balanced grids and, once worked out, its alternatives."""

    __tablename__ = "plan_proposal"
    __table_args__ = (Index("plan_proposal_plan", "plan_id"),)
    id: Mapped[int] = mapped_column(BigInteger, Sequence("plan_proposal_id_seq"), primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey(OF_PLAN, ondelete="CASCADE"))
    asked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    asked_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    question: Mapped[Any] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(Text, server_default="asked")
    progress: Mapped[float] = mapped_column(REAL, server_default="0")
    revision: Mapped[int] = mapped_column(BigInteger)
    result: Mapped[Any | None] = mapped_column(JSONB)
    failure: Mapped[Any | None] = mapped_column(JSONB)
    done_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
