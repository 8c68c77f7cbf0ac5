"""Make one grid of several that hang together."""

from collections.abc import Sequence

import numpy as np
import shapely

from gis.borders.model import Change, Ground
from gis.borders.refining import position
from gis.borders.refusals import refused
from gis.borders.relabelling import as_kind, kind_of, prove
from gis.faces import polygonal


def merge(ground: Ground, grids: Sequence[int], keep: int) -> Change:
    """Unite grids of one community; the result has the id `keep`, one of theirs or a new one, and the others end.

    Raises EditRefused: same_grid, unknown_grid, community_border, not_contiguous.
    """
    at = np.array([position(ground, each) for each in grids])
    if len(set(grids)) < max(2, len(grids)):
        raise refused("same_grid", ground.shapes[at[0]] if len(at) else None, grids=list(grids))
    shapes = ground.shapes[at]
    if len(set(ground.communities[at].tolist())) > 1:
        raise refused("community_border", shapes[0], grids=list(grids))
    united = polygonal(shapely.coverage_union_all(shapes))
    parts = shapely.get_parts(united)
    if len(parts) > 1 + sum(shapely.get_num_geometries(shapes) - 1):
        raise refused("not_contiguous", parts[np.argmin(shapely.area(parts))], grids=list(grids))
    before = dict(zip(grids, shapes, strict=True))
    after = {keep: as_kind(united, kind_of(list(shapes)))}
    prove(before, after)
    changing = np.array([each != keep for each in grids])
    return Change(before, after, moved_m2=float(shapely.area(ground.metres.to_metres(shapes[changing])).sum()))
