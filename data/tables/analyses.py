"""Analyses with their results in pieces, alerts of the live watch, schedules and what they wrote."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Date, DateTime, Double, ForeignKey, Integer, LargeBinary, Sequence, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, INT4MULTIRANGE, JSONB, REAL
from sqlalchemy.orm import Mapped, mapped_column

from data.tables.base import Table

MOMENT = DateTime(timezone=True)


class Analysis(Table):
    """One question, how far it is, and how it ended."""

    __tablename__ = "analysis"
    id: Mapped[int] = mapped_column(BigInteger, Sequence("analysis_id_seq"), primary_key=True)
    asked_at: Mapped[datetime] = mapped_column(MOMENT, server_default=text("now()"))
    asked_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"), type_=BigInteger)
    origin: Mapped[str] = mapped_column(Text)
    scheme_id: Mapped[int] = mapped_column(ForeignKey("scheme.id"), type_=Integer)
    communities: Mapped[Any] = mapped_column(INT4MULTIRANGE)
    method: Mapped[str] = mapped_column(Text)
    period_from: Mapped[datetime] = mapped_column(MOMENT)
    period_to: Mapped[datetime] = mapped_column(MOMENT)
    is_map: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    question: Mapped[str] = mapped_column(Text)
    question_hash: Mapped[bytes] = mapped_column(LargeBinary)
    code_version: Mapped[str] = mapped_column(Text)
    data_version: Mapped[bytes | None] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(Text, server_default="asked")
    stage: Mapped[str] = mapped_column(Text, server_default="waiting")
    progress: Mapped[float] = mapped_column(REAL, server_default=text("0"))
    begun_at: Mapped[datetime | None] = mapped_column(MOMENT)
    told_at: Mapped[datetime | None] = mapped_column(MOMENT)
    done_at: Mapped[datetime | None] = mapped_column(MOMENT)
    incidents: Mapped[int | None] = mapped_column(BigInteger)
    refusal: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    result_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    accuracy_due: Mapped[datetime | None] = mapped_column(MOMENT)
    accuracy: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class AnalysisPiece(Table):
    """A part of a result and the communities it tells of; `body` is canonical JSON."""

    __tablename__ = "analysis_piece"
    analysis_id: Mapped[int] = mapped_column(ForeignKey("analysis.id", ondelete="CASCADE"), type_=BigInteger, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    part: Mapped[int] = mapped_column(Integer, primary_key=True, server_default=text("0"))
    communities: Mapped[Any] = mapped_column(INT4MULTIRANGE)
    body: Mapped[str] = mapped_column(Text)


class NeighbourTable(Table):
    """Who is whose neighbour along the roads, by one version of borders and roads."""

    __tablename__ = "neighbour_table"
    borders: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    made_at: Mapped[datetime] = mapped_column(MOMENT, server_default=text("now()"))
    first: Mapped[bytes] = mapped_column(LargeBinary)
    index: Mapped[bytes] = mapped_column(LargeBinary)


class Alert(Table):
    """A cluster that the live watch saw: since when, how often, what was said of it, and whether it went on."""

    __tablename__ = "alert"
    id: Mapped[int] = mapped_column(BigInteger, Sequence("alert_id_seq"), primary_key=True)
    state: Mapped[str] = mapped_column(Text, server_default="open")
    category_id: Mapped[int] = mapped_column(ForeignKey("category.id"), type_=Integer)
    analysis_id: Mapped[int] = mapped_column(ForeignKey("analysis.id"), type_=BigInteger)
    first_analysis_id: Mapped[int] = mapped_column(ForeignKey("analysis.id"), type_=BigInteger)
    rank: Mapped[int] = mapped_column(Integer)
    communities: Mapped[Any] = mapped_column(INT4MULTIRANGE)
    raised_at: Mapped[datetime] = mapped_column(MOMENT, server_default=text("now()"))
    raised_for: Mapped[date] = mapped_column(Date)
    begins: Mapped[date] = mapped_column(Date)
    last_seen_for: Mapped[date] = mapped_column(Date)
    times_seen: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    recurrence_days: Mapped[float] = mapped_column(Double)
    looks: Mapped[int] = mapped_column(Integer)
    acknowledged_at: Mapped[datetime | None] = mapped_column(MOMENT)
    acknowledged_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"), type_=BigInteger)
    note: Mapped[str] = mapped_column(Text, server_default="")
    score: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")


class AlertGrid(Table):
    """A grid an alert was raised for (`first`) or has been seen in since."""

    __tablename__ = "alert_grid"
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id", ondelete="CASCADE"), type_=BigInteger, primary_key=True)
    grid_id: Mapped[int] = mapped_column(ForeignKey("grid.id"), type_=BigInteger, primary_key=True)
    community_id: Mapped[int] = mapped_column(Integer)
    first: Mapped[bool] = mapped_column(Boolean)


class Schedule(Table):
    """A question that is asked again by the clock."""

    __tablename__ = "schedule"
    id: Mapped[int] = mapped_column(BigInteger, Sequence("schedule_id_seq"), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    question: Mapped[dict[str, Any]] = mapped_column(JSONB)
    communities: Mapped[Any] = mapped_column(INT4MULTIRANGE)
    every: Mapped[str] = mapped_column(Text)
    languages: Mapped[list[str]] = mapped_column(ARRAY(Text))
    next_at: Mapped[datetime] = mapped_column(MOMENT)
    paused: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    made_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"), type_=BigInteger)
    made_at: Mapped[datetime] = mapped_column(MOMENT, server_default=text("now()"))


class ScheduleRun(Table):
    """One period of a schedule, its analysis and the files that were written."""

    __tablename__ = "schedule_run"
    id: Mapped[int] = mapped_column(BigInteger, Sequence("schedule_run_id_seq"), primary_key=True)
    schedule_id: Mapped[int] = mapped_column(ForeignKey("schedule.id", ondelete="CASCADE"), type_=BigInteger)
    analysis_id: Mapped[int] = mapped_column(ForeignKey("analysis.id", ondelete="CASCADE"), type_=BigInteger)
    communities: Mapped[Any] = mapped_column(INT4MULTIRANGE)
    first: Mapped[date] = mapped_column(Date)
    last: Mapped[date] = mapped_column(Date)
    state: Mapped[str] = mapped_column(Text, server_default="asked")
    asked_at: Mapped[datetime] = mapped_column(MOMENT, server_default=text("now()"))
    written_at: Mapped[datetime | None] = mapped_column(MOMENT)
    folder: Mapped[str] = mapped_column(Text, server_default="")
    files: Mapped[list[Any]] = mapped_column(JSONB, server_default="[]")
