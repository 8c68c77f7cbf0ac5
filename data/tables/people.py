"""People, as far as other tables point at them; what they may is the gate's matter and is asked in SQL."""

from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, Boolean, DateTime, ForeignKey, Integer, Sequence, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from data.tables.base import Table


class Person(Table):
    """Somebody who may sign in, or an integration."""

    __tablename__ = "person"
    id: Mapped[int] = mapped_column(BigInteger, Sequence("person_id_seq"), primary_key=True)
    sign_in_name: Mapped[str] = mapped_column(Text(collation="C"), unique=True)
    display_name: Mapped[str] = mapped_column(Text)
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    language: Mapped[str] = mapped_column(Text, server_default="zh")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))
    disabled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    every_district: Mapped[bool] = mapped_column(Boolean, server_default="false")


class PersonScope(Table):
    """An area in which a person may see."""

    __tablename__ = "person_scope"
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True)
    area_id: Mapped[int] = mapped_column(Integer, ForeignKey("area.id"), primary_key=True)
    granted_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    granted_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("now()"))
