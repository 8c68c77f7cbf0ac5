"""Cut a grid along a line into two or more."""

from collections.abc import Sequence

import numpy as np

from gis.borders.model import Change, Ground, Ints
from gis.borders.refining import Refined, certified, position, refine
from gis.borders.refusals import refused
from gis.borders.relabelling import committed, settled
from gis.borders.sketches import Line, cut_to, drawn_line
from gis.errors import BadValue


def split(ground: Ground, grid: int, line: Line, new_ids: Sequence[int]) -> Change:
    """Cut a grid along a line; it ends, and pieces with the ids `new_ids` take its place, the largest first.

    The line counts on the grid's own ground only. If it makes more pieces than there are ids, the smaller ones stay
    with the neighbouring piece of the longest border; pieces thinner than 0.3 m always do. If it makes fewer, the
    last ids stay unused. Raises EditRefused: does_not_cross, too_thin, unknown_grid, not_certified; BadValue for ids
    that are fewer than two, double or taken.
    """
    at = position(ground, grid)
    if len(set(new_ids) - set(ground.index)) < max(2, len(new_ids)):
        raise BadValue("A split needs two or more ids that no grid has.", new_ids=list(new_ids))
    drawn = cut_to(drawn_line(line), ground.shapes[[at]])
    if drawn.is_empty:
        raise refused("does_not_cross", line, grid=grid)

    def attempt(members: Ints) -> Change:
        refined = refine(ground, members, drawn)
        labels = _pieces(refined, grid, list(new_ids), drawn)
        home = {**refined.community, **dict.fromkeys(new_ids, int(ground.communities[at]))}
        mains = {each: np.flatnonzero(labels == each) for each in new_ids}
        labels, notices = settled(refined, labels, cross=False, home=home, mains=mains)
        return committed(refined, labels, ended={grid}, notices=notices)

    return certified(ground, drawn, np.array([at]), attempt)


def _pieces(refined: Refined, grid: int, new_ids: list[int], line: Line) -> Ints:
    """Seeds are the largest faces of the grid; the others join the piece beyond their longest border."""
    own = refined.origin == grid
    mine = np.flatnonzero(own)
    faces_of = np.bincount(refined.part[mine])
    if faces_of.max() < 2:
        raise refused("does_not_cross", line, grid=grid)
    seeds = mine[refined.thick[mine] & (faces_of[refined.part[mine]] > 1)]
    seeds = seeds[np.argsort(-refined.faces.area_m2[seeds], kind="stable")][: len(new_ids)]
    if len(seeds) < 2:
        smallest = mine[np.argmin(refined.faces.area_m2[mine])]
        raise refused("too_thin", refined.faces.shapes[smallest], grid=grid)
    labels = refined.origin.copy()
    labels[seeds] = new_ids[: len(seeds)]
    waiting = set(mine.tolist()) - set(seeds.tolist())
    one, other, length = refined.neighbours
    inner = own[one] & own[other]
    borders = sorted(zip((-length[inner]).tolist(), one[inner].tolist(), other[inner].tolist(), strict=True))
    while waiting:
        joined = next(((face, beyond) for _, face, beyond in borders if face in waiting and beyond not in waiting), None)
        if joined is None:
            labels[list(waiting)] = new_ids[0]
            break
        labels[joined[0]] = labels[joined[1]]
        waiting.remove(joined[0])
    return labels
