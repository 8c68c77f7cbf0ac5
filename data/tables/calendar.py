"""The working calendar: years that are known, and their holidays and make-up days."""

from datetime import date

from sqlalchemy import Date, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from data.tables.base import Table


class CalendarYear(Table):
    """A year whose holidays are known."""

    __tablename__ = "calendar_year"
    year: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)


class CalendarDay(Table):
    """A weekday that is not worked, or a weekend day that is."""

    __tablename__ = "calendar_day"
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text, server_default="")
