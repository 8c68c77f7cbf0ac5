"""Column type for geometry: shapely in Python, PostGIS below; WKB stays in this file."""

from typing import Any

import shapely
from geoalchemy2 import Geometry, WKBElement
from geoalchemy2.shape import from_shape, to_shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy.types import TypeDecorator

STORAGE_SRID = 4490
WEB_SRID = 3857


class Shape(TypeDecorator[BaseGeometry]):
    """A PostGIS column in EPSG:4490 (or `srid`) that takes and gives shapely geometries."""

    impl = Geometry
    cache_ok = True
    # PostGIS functions must see a geometry column, not bytes.
    comparator_factory = Geometry.comparator_factory

    def __init__(self, kind: str, srid: int = STORAGE_SRID) -> None:
        super().__init__(kind, srid=srid, spatial_index=False)
        self.srid = srid

    def process_bind_param(self, value: BaseGeometry | None, dialect: Any) -> WKBElement | None:
        return None if value is None else from_shape(value, srid=self.srid, extended=True)

    def process_result_value(self, value: Any, dialect: Any) -> BaseGeometry | None:
        if value is None:
            return None
        return to_shape(value) if isinstance(value, WKBElement) else shapely.from_wkb(bytes(value))


def as_postgis(shape: BaseGeometry) -> WKBElement:
    """A shapely geometry (EPSG:4490) as a bind value for PostGIS functions."""
    return from_shape(shape, srid=STORAGE_SRID, extended=True)
