"""Grids of other schemes when communities change: each goes to the community that holds most of it and fits its outline."""

from collections.abc import Mapping

import numpy as np
import shapely
from shapely.geometry import MultiPolygon, Polygon

from gis.borders.follow import follow, outline_of
from gis.crs import LocalMetres

Ground = Polygon | MultiPolygon


def rehomed(grids: Mapping[int, Ground], outlines: Mapping[int, Ground], metres: LocalMetres) -> dict[int, tuple[int, Ground]]:
    """The community and border of each grid (degrees) under new outlines of communities that together hold the same ground.

    What a grid had in another community goes to the neighbour there with the longest common border; a community that holds
    most of no grid stays undivided. Raises EditRefused where the grids cannot be made to fit.
    """
    communities = list(outlines)
    home = {id: communities[each] for id, each in zip(grids, _largest(list(grids.values()), list(outlines.values())), strict=True)}
    found: dict[int, tuple[int, Ground]] = {}
    for community, outline in outlines.items():
        own = {id: border for id, border in grids.items() if home[id] == community}
        if own:
            fitted = follow(own, outline_of(np.array(list(own.values()), dtype=object)), outline, metres)
            found |= {id: (community, fitted.after.get(id, border)) for id, border in own.items() if id not in fitted.ended}
    return found


def _largest(grids: list[Ground], outlines: list[Ground]) -> list[int]:
    """The number of the outline that holds most of each grid."""
    at, outline = shapely.STRtree(np.array(outlines, dtype=object)).query(np.array(grids, dtype=object), predicate="intersects")
    areas = np.zeros((len(grids), len(outlines)))
    areas[at, outline] = shapely.area(shapely.intersection(np.array(grids, dtype=object)[at], np.array(outlines, dtype=object)[outline]))
    return [int(each) for each in areas.argmax(axis=1)]
