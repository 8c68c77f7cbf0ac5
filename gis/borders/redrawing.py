"""Redraw a border by drawing across it: what the line cuts off goes to the grid on the other side."""

from collections import defaultdict

import numpy as np
import shapely

from gis.borders.model import Change, Ground, Ints
from gis.borders.refining import OUTSIDE, Refined, certified, position, refine
from gis.borders.refusals import refused
from gis.borders.relabelling import committed, settled
from gis.borders.sketches import Line, cut_to, drawn_line


def redraw(ground: Ground, line: Line, between: tuple[int, int] | None = None, cross_communities: bool = False) -> Change:
    """Make a line the new border: pieces it cuts off from one grid that touch the other go to that one, and vice versa.

    `between` names the two grids. Without it each piece goes to the grid it has the longest border with, among those
    of its community that the line touches. The largest piece of a grid always stays; pieces thinner than 0.3 m stay too.
    Raises EditRefused: does_not_cross, nothing_moved, not_contiguous, community_border, would_be_empty, not_certified.
    """
    drawn = drawn_line(line)
    if between is not None:
        return _between(ground, drawn, between, cross_communities)
    near = ground.near(drawn, 0.0)
    if not len(near):
        raise refused("does_not_cross", line)
    drawn = cut_to(drawn, ground.shapes[near])
    change = _redrawn(ground, drawn, None, cross_communities)
    taking_part = [ground.index[each] for each in sorted(change.touched)]
    shorter = cut_to(drawn, ground.shapes[taking_part])
    # Grids that the line only passes through keep their borders as they are.
    return change if shapely.equals_exact(shorter, drawn) else _redrawn(ground, shorter, frozenset(change.touched), cross_communities)


def _between(ground: Ground, drawn: Line, between: tuple[int, int], cross: bool) -> Change:
    one, other = between
    at = [position(ground, one), position(ground, other)]
    if one == other:
        raise refused("same_grid", drawn, grids=[one])
    if ground.communities[at[0]] != ground.communities[at[1]] and not cross:
        raise refused("community_border", drawn, grids=[one, other])
    crossing = cut_to(drawn, ground.shapes[at])
    if crossing.is_empty:
        raise refused("does_not_cross", drawn, grids=[one, other])
    return _redrawn(ground, crossing, frozenset(between), cross)


def _redrawn(ground: Ground, drawn: Line, among: frozenset[int] | None, cross: bool) -> Change:
    def attempt(members: Ints) -> Change:
        refined = refine(ground, members, drawn)
        pieces = refined.cut & (refined.origin != OUTSIDE)
        if among is not None:
            pieces &= np.logical_or.reduce([refined.origin == each for each in among])
        if not pieces.any():
            raise refused("does_not_cross", drawn)
        labels = _given(refined, pieces & refined.thick, among, cross)
        labels, notices = settled(refined, labels, cross=cross, home=refined.community)
        return committed(refined, labels, notices=notices)

    named = np.array([ground.index[each] for each in among or ()], dtype=np.int64)
    return certified(ground, drawn, named, attempt)


def _given(refined: Refined, pieces: np.ndarray, among: frozenset[int] | None, cross: bool) -> Ints:
    """New labels: each piece that is cut off goes beyond the longest of its old borders."""
    one, other, length = refined.neighbours
    origin, home = refined.origin, refined.community
    borders = pieces[one] & (origin[one] != origin[other]) & (origin[other] != OUTSIDE)
    shared: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    strangers = False
    for face, to, metres in zip(one[borders].tolist(), origin[other[borders]].tolist(), length[borders].tolist(), strict=True):
        if among is not None and to not in among:
            continue
        if not cross and home[to] != home[int(origin[face])]:
            strangers = True
            continue
        shared[face][to] += metres
    if not shared:
        face = int(np.flatnonzero(pieces)[0]) if pieces.any() else 0
        raise refused("community_border" if strangers else "nothing_moved", refined.faces.shapes[face])
    labels = origin.copy()
    for face, borders_of in shared.items():
        labels[face] = max(sorted(borders_of), key=lambda to: borders_of[to])
    return labels
