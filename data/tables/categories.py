"""Catalogues of categories, and the rules that give deadlines."""

from datetime import date
from decimal import Decimal

from sqlalchemy import Date, ForeignKey, Integer, Numeric, Sequence, SmallInteger, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from data.tables.base import Table


class CategoryCatalogue(Table):
    """One version of one catalogue; several live side by side."""

    __tablename__ = "category_catalogue"
    __table_args__ = (UniqueConstraint("code", "version"),)
    id: Mapped[int] = mapped_column(Integer, Sequence("category_catalogue_id_seq"), primary_key=True)
    code: Mapped[str] = mapped_column(Text(collation="C"))
    version: Mapped[str] = mapped_column(Text(collation="C"))
    name: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text, server_default="")
    valid_from: Mapped[date | None] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)


class Category(Table):
    """A kind of incident."""

    __tablename__ = "category"
    __table_args__ = (UniqueConstraint("catalogue_id", "code"),)
    id: Mapped[int] = mapped_column(Integer, Sequence("category_id_seq"), primary_key=True)
    catalogue_id: Mapped[int] = mapped_column(ForeignKey("category_catalogue.id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("category.id"))
    code: Mapped[str] = mapped_column(Text(collation="C"))
    name: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text, server_default="")
    symbol: Mapped[str] = mapped_column(Text, server_default="circle")


class CategoryRule(Table):
    """When to file and close, within which limit, and who handles it."""

    __tablename__ = "category_rule"
    __table_args__ = (UniqueConstraint("category_id", "serial"),)
    id: Mapped[int] = mapped_column(Integer, Sequence("category_rule_id_seq"), primary_key=True)
    category_id: Mapped[int] = mapped_column(ForeignKey("category.id"))
    serial: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    file_when: Mapped[str] = mapped_column(Text, server_default="")
    close_when: Mapped[str] = mapped_column(Text, server_default="")
    limit_amount: Mapped[Decimal] = mapped_column(Numeric(8, 2))
    limit_unit: Mapped[str] = mapped_column(Text)
    handling_unit: Mapped[str] = mapped_column(Text, server_default="")
    department: Mapped[str] = mapped_column(Text, server_default="")


class CategoryMapping(Table):
    """A category of one catalogue and its like in another."""

    __tablename__ = "category_mapping"
    from_id: Mapped[int] = mapped_column(ForeignKey("category.id"), primary_key=True)
    to_id: Mapped[int] = mapped_column(ForeignKey("category.id"), primary_key=True)
