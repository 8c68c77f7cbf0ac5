"""The offline base map: roads, water, green and names of places, below everything else."""

from shapely.geometry.base import BaseGeometry
from sqlalchemy import BigInteger, Computed, Sequence, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from data.shape import WEB_SRID, Shape
from data.tables.base import Table


class BaseFeature(Table):
    """A feature of the base map, shown from `min_zoom` on."""

    __tablename__ = "base_feature"
    id: Mapped[int] = mapped_column(BigInteger, Sequence("base_feature_id_seq"), primary_key=True)
    layer: Mapped[str] = mapped_column(Text)
    class_: Mapped[str] = mapped_column("class", Text, server_default="")
    name: Mapped[str] = mapped_column(Text, server_default="")
    name_en: Mapped[str] = mapped_column(Text, server_default="")
    min_zoom: Mapped[int] = mapped_column(SmallInteger, server_default="10")
    geom: Mapped[BaseGeometry] = mapped_column(Shape("GEOMETRY"))
    geom3857: Mapped[BaseGeometry | None] = mapped_column(Shape("GEOMETRY", WEB_SRID), Computed("ST_Transform(geom, 3857)", persisted=True))
