"""The declarative base all tables share, with the names the migrations give."""

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase


class Table(DeclarativeBase):
    """Base of every mapped table."""

    metadata = MetaData()
