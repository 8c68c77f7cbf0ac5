"""How well the places of a feed agree with the area names it publishes: told, never corrected."""

import numpy as np
from numpy.typing import NDArray

from api.imports.report import Agreement


def agreement(published: list[str | None], found: list[str | None], *, column: str, level: str) -> Agreement:
    """Compare names row by row, where the source names an area and the place lies in one."""
    both = [(_plain(one), _plain(other)) for one, other in zip(published, found, strict=True) if one and other]
    return Agreement(column, level, agree=sum(one == other for one, other in both), named=len(both))


def named(ids: NDArray[np.int64], names: dict[int, str]) -> list[str | None]:
    """The name of each area id; None for no area."""
    return [names.get(int(each)) for each in ids]


def _plain(name: str) -> str:
    return " ".join(str(name).casefold().split())
