"""Categories over the wire."""

from pydantic import BaseModel


class CategoryOut(BaseModel):
    """One category; `symbol` is the shape that stands for it on maps and lists."""

    id: int
    code: str
    name: str
    name_en: str
    symbol: str
    parent_id: int | None
    catalogue: str
    catalogue_version: str


class CategoriesOut(BaseModel):
    """All categories, by code."""

    items: list[CategoryOut]
