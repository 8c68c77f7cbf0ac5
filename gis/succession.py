"""What becomes of each grid when borders move: which ground and how many households go where, and who answers there."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import shapely
from scipy.optimize import linear_sum_assignment
from shapely.geometry import MultiPolygon, Polygon

from gis.crs import LocalMetres
from gis.faces import CRACK_WIDTH_M, mean_width_m

Ground = Polygon | MultiPolygon


class Piece(NamedTuple):
    """Ground that goes from one grid to another, or stays: its shares are of the grid it comes from.

    `household_share` is None where no household lived. `kind`: split, merge, transfer or renumber.
    """

    from_id: int
    to_id: int
    area_m2: float
    area_share: float
    households: int
    household_share: float | None
    kind: str


class Homes(NamedTuple):
    """Households of one building, which goes from a grid to a grid with it."""

    from_id: int
    to_id: int
    households: int


@dataclass(frozen=True)
class Heir:
    """Who answers for a grid afterwards: the officer of the grid `main`; those of `others` assist."""

    main: int
    others: tuple[int, ...] = ()


def succession(
    before: Mapping[int, Ground], after: Mapping[int, Ground], households: Mapping[int, int], homes: Iterable[Homes], metres: LocalMetres
) -> list[Piece]:
    """Every piece of ground that stays or changes hands between two divisions (degrees) of the same ground.

    `households` is the number of each grid before. They go with their buildings, and where none is known with the ground;
    the numbers of a grid's pieces always sum to its own. Strips thinner than the noise of the lattice are left out.
    """
    pieces = _overlays(before, after, metres)
    lived: dict[tuple[int, int], int] = defaultdict(int)
    for home in homes:
        lived[home.from_id, home.to_id] += home.households
        pieces.setdefault((home.from_id, home.to_id), 0.0)
    found = []
    for source in before:
        parts = sorted((to, area) for (origin, to), area in pieces.items() if origin == source)
        ground = sum(area for _, area in parts)
        weights = [lived[source, to] for to, _ in parts]
        numbers = apportion(households[source], weights if sum(weights) else [area for _, area in parts])
        for (to, area), number in zip(parts, numbers, strict=True):
            share = number / households[source] if households[source] else None
            kind = _kind(source, to, [each for each, _ in parts], before, after, pieces)
            found.append(Piece(source, to, area, min(area / ground, 1.0) if ground else 0.0, number, share, kind))
    return found


def same_grids(made: Mapping[int, Ground], others: Mapping[int, Ground], metres: LocalMetres) -> dict[int, int]:
    """For grids that two plans made on their own, which of `others` is which of `made`: one for one, the most common ground in all.

    A pair shares more than half of the smaller one's ground (borders in degrees); what has no such partner is not named.
    """
    shared = _overlays(others, made, metres)
    if not shared:
        return {}
    theirs, ours = list(others), list(made)
    row, column = {id: at for at, id in enumerate(theirs)}, {id: at for at, id in enumerate(ours)}
    sizes = [shapely.area(metres.to_metres(np.array([*each.values()], dtype=object))) for each in (others, made)]
    common = np.zeros((len(theirs), len(ours)))
    for (other, own), area in shared.items():
        at = row[other], column[own]
        common[at] = area if area > min(sizes[0][at[0]], sizes[1][at[1]]) / 2 else 0.0
    rows, columns = linear_sum_assignment(common, maximize=True)
    return {theirs[one]: ours[two] for one, two in zip(rows, columns, strict=True) if common[one, two] > 0}


def apportion(total: int, weights: Sequence[float]) -> list[int]:
    """A whole number spread in proportion to weights, the largest remainders first; nothing where all weights are zero."""
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    exact = [total * weight / whole for weight in weights]
    numbers = [int(each) for each in exact]
    by_remainder = sorted(range(len(weights)), key=lambda index: (numbers[index] - exact[index], index))
    for index in by_remainder[: total - sum(numbers)]:
        numbers[index] += 1
    return numbers


def heirs(before: Iterable[int], after: Iterable[int], pieces: Sequence[Piece]) -> dict[int, Heir]:
    """Who answers for each grid that is new or takes in ended ones; a grid that lives on alone is not named.

    A new grid takes the officer of the grid most of its households came from. Of grids that merge, the one with the
    most households there gives the main officer, the others assist. Ties go to more ground, then to the lower id.
    """
    lived, lives = set(before), set(after)
    into: dict[int, list[Piece]] = defaultdict(list)
    for piece in pieces:
        into[piece.to_id].append(piece)
    ended = {each: _largest([piece for piece in pieces if piece.from_id == each]).to_id for each in lived - lives}
    found = {}
    for grid in lives:
        merged = {source for source, home in ended.items() if home == grid}
        if grid in lived and not merged:
            continue
        candidates = [each for each in into[grid] if grid not in lived or each.from_id in merged | {grid}]
        if candidates:
            main = _largest(candidates).from_id
            others = merged | ({grid} if grid in lived else set())
            found[grid] = Heir(main, tuple(sorted(others - {main})))
    return found


def _largest(pieces: Sequence[Piece]) -> Piece:
    return max(pieces, key=lambda each: (each.households, each.area_m2, -each.from_id))


def _overlays(before: Mapping[int, Ground], after: Mapping[int, Ground], metres: LocalMetres) -> dict[tuple[int, int], float]:
    """Area (m²) that each pair of grids shares."""
    old, new = np.array(list(before.values()), dtype=object), np.array(list(after.values()), dtype=object)
    if not len(old) or not len(new):
        return {}
    at, within = shapely.STRtree(new).query(old, predicate="intersects")
    same = shapely.equals_exact(old[at], new[within])
    # Adjoining grids share whole edges; only their common ground counts, not the lines.
    common = np.where(same, old[at], shapely.intersection(old[at], new[within]))
    flat = metres.to_metres(common)
    area = shapely.area(flat)
    real = area > 0
    real[real] &= mean_width_m(flat[real]) > CRACK_WIDTH_M
    old_ids, new_ids = list(before), list(after)
    return {(old_ids[at[row]], new_ids[within[row]]): float(area[row]) for row in np.flatnonzero(real)}


def _kind(
    source: int, to: int, parts: Sequence[int], before: Mapping[int, Ground], after: Mapping[int, Ground],
    pieces: Mapping[tuple[int, int], float],
) -> str:  # fmt: skip
    """Split: some of the ground is in a new grid. Merge: all of it went into one. Renumber: the same ground, another grid."""
    if source not in after and parts == [to]:
        alone = all(origin == source for origin, end in pieces if end == to)
        return "renumber" if alone else "merge"
    return "split" if any(part not in before for part in parts) or source not in after else "transfer"
