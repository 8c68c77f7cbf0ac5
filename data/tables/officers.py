"""Officers, and who answers for which grid from which day to which."""

from datetime import date, datetime

from shapely.geometry import Point
from sqlalchemy import BigInteger, Boolean, Date, DateTime, ForeignKey, LargeBinary, Sequence, Text
from sqlalchemy.dialects.postgresql import DATERANGE, Range
from sqlalchemy.orm import Mapped, mapped_column

from data.shape import Shape
from data.tables.base import Table


class Officer(Table):
    """A grid officer; the phone is sealed."""

    __tablename__ = "officer"
    id: Mapped[int] = mapped_column(BigInteger, Sequence("officer_id_seq"), primary_key=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), unique=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    name: Mapped[str] = mapped_column(Text)
    staff_number: Mapped[str] = mapped_column(Text(collation="C"), unique=True)
    phone_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    on_duty: Mapped[bool] = mapped_column(Boolean, server_default="false")
    last_place: Mapped[Point | None] = mapped_column(Shape("POINT"))
    last_seen_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_on: Mapped[date | None] = mapped_column(Date)


class Assignment(Table):
    """Days on which an officer answers for a grid; two main officers never answer on the same day."""

    __tablename__ = "assignment"
    id: Mapped[int] = mapped_column(BigInteger, Sequence("assignment_id_seq"), primary_key=True)
    officer_id: Mapped[int] = mapped_column(ForeignKey("officer.id"))
    grid_id: Mapped[int] = mapped_column(ForeignKey("grid.id"))
    community_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    duty: Mapped[str] = mapped_column(Text, server_default="main")
    valid: Mapped[Range[date]] = mapped_column(DATERANGE)
    why: Mapped[str] = mapped_column(Text, server_default="")
