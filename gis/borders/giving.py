"""Give ground to a grid: a lasso, or the outline of painted buildings."""

from collections.abc import Collection

import numpy as np

from gis.borders.model import Change, Ground, Ints, Shape
from gis.borders.refining import certified, position, refine
from gis.borders.refusals import refused
from gis.borders.relabelling import committed, settled
from gis.borders.sketches import cut_to, drawn_area, outline_lines


def give(ground: Ground, area: Shape, to: int, take_from: Collection[int] | None = None, cross_communities: bool = False) -> Change:
    """Let a grid have the ground within an area that others of its community hold (or only those in `take_from`).

    Faces thinner than 0.3 m stay, unless that would tear them off. Raises EditRefused: nothing_moved, community_border,
    not_contiguous (the area does not touch the grid, or a loser would be torn), would_be_empty, not_certified.
    """
    drawn = drawn_area(area)
    at = position(ground, to)
    near = ground.near(drawn, 0.0)
    losers = near[near != at]
    if take_from is not None:
        losers = np.intersect1d(losers, [position(ground, each) for each in take_from])
    allowed = losers if cross_communities else losers[ground.communities[losers] == ground.communities[at]]
    if not len(allowed):
        raise refused("community_border" if len(losers) else "nothing_moved", drawn, grid=to)
    line = cut_to(outline_lines(drawn), ground.shapes[allowed])
    giving = ground.ids[allowed]

    def attempt(members: Ints) -> Change:
        refined = refine(ground, members, line)
        moving = refined.within(drawn) & np.isin(refined.origin, giving) & refined.thick
        if not moving.any():
            raise refused("community_border" if len(losers) > len(allowed) else "nothing_moved", drawn, grid=to)
        labels = np.where(moving, to, refined.origin)
        _something_left(refined.origin[moving], labels, ground)
        labels, notices = settled(refined, labels, cross=cross_communities, home=refined.community)
        return committed(refined, labels, notices=notices)

    return certified(ground, line, np.append(allowed, at), attempt)


def _something_left(losing: Ints, labels: Ints, ground: Ground) -> None:
    for each in np.unique(losing).tolist():
        if not (labels == each).any():
            raise refused("would_be_empty", ground.shapes[ground.index[each]], grid=each)
