"""What a deployment knows of itself."""

from typing import Any

from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from data.tables.base import Table


class Deployment(Table):
    """One fact about the deployment, such as its name or its time zone."""

    __tablename__ = "deployment"
    key: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    value: Mapped[Any] = mapped_column(JSONB)
