# mypy: disable-error-code="untyped-decorator"
"""The compiled search through all plans of a small graph; sets of atoms are the bits of one number."""

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from gis.balance.kernel_types import Floats, Ints

MAX_ATOMS = 60
Bits = NDArray[np.uint64]
ONE = np.uint64(1)
NONE = np.uint64(0)
SLACK = 1e-9
"""Misses that differ by less than this share of a part are the same."""


class Small(NamedTuple):
    """A small graph: the neighbours of each atom as bits, weights, and the edges with their cost."""

    beside: Bits
    weight: Floats
    one: Ints
    two: Ints
    cost: Floats


@numba.njit(cache=True, nogil=True)
def search(small: Small, low: float, high: float, fewest: int, most: int, best: Floats, labels: Ints, steps: int) -> bool:
    """Find the plan of `fewest` to `most` parts whose worst part misses the band by least, then the cheapest of those.

    What nobody can help, a part of one atom that alone is heavier than the band, misses nothing: it would hide the others.

    `best`: miss and cost of the plan in `labels`, both overwritten when a better one is found. Returns whether all
    plans were seen, which is so unless `steps` ran out. Each set is grown from its lowest atom, one neighbour either
    taken or barred, so that no set comes twice.
    """
    atoms = len(small.weight)
    whole = (ONE << np.uint64(atoms)) - ONE
    stack = np.empty((4 * atoms * (most + 1) + 16, 4), np.uint64)
    chosen = np.zeros(most + 1, np.uint64)
    stack[0] = np.array([NONE, ONE, NONE, whole], np.uint64)
    size = 1
    while size > 0:
        if steps <= 0:
            return False
        steps -= 1
        size -= 1
        level, part, barred, rest = int(stack[size, 0]), stack[size, 1], stack[size, 2], stack[size, 3]
        weight = _weight(small, part)
        if weight > high + best[0] + SLACK and part & (part - ONE) != NONE:
            continue
        border = _around(small, part) & rest & ~part & ~barred
        if border != NONE:
            low_reach = _weight(small, _reach(small, part, rest & ~barred))
            if low_reach < low - best[0] - SLACK:
                continue
            atom = border & (~border + ONE)
            _push(stack, size, level, part, barred | atom, rest)
            _push(stack, size + 1, level, part | atom, barred, rest)
            size += 2
            continue
        if weight < low - best[0] - SLACK:
            continue
        chosen[level] = part
        left = rest & ~part
        if left == NONE:
            if level + 1 >= fewest:
                _keep_if_better(small, low, high, chosen, level + 1, best, labels)
        elif level + 1 < most and _can_go_on(small, left, (low - best[0] - SLACK, high + best[0] + SLACK), (fewest, most), level + 1):
            _push(stack, size, level + 1, left & (~left + ONE), NONE, left)
            size += 1
    return True


@numba.njit(cache=True, nogil=True)
def _push(stack: Bits, place: int, level: int, part: np.uint64, barred: np.uint64, rest: np.uint64) -> None:
    stack[place, 0] = np.uint64(level)
    stack[place, 1] = part
    stack[place, 2] = barred
    stack[place, 3] = rest


@numba.njit(cache=True, nogil=True)
def _weight(small: Small, atoms: np.uint64) -> float:
    total = 0.0
    for atom in range(len(small.weight)):
        if (atoms >> np.uint64(atom)) & ONE:
            total += small.weight[atom]
    return total


@numba.njit(cache=True, nogil=True)
def _around(small: Small, atoms: np.uint64) -> np.uint64:
    found = NONE
    for atom in range(len(small.weight)):
        if (atoms >> np.uint64(atom)) & ONE:
            found |= small.beside[atom]
    return found


@numba.njit(cache=True, nogil=True)
def _reach(small: Small, start: np.uint64, within: np.uint64) -> np.uint64:
    """All that is connected with `start` through `within`."""
    found = start
    while True:
        wider = found | (_around(small, found) & within)
        if wider == found:
            return found
        found = wider


@numba.njit(cache=True, nogil=True)
def _can_go_on(small: Small, left: np.uint64, band: tuple[float, float], parts: tuple[int, int], made: int) -> bool:
    """Whether each connected piece of what is left can hold a whole number of parts, and all together the right number."""
    low, high = band
    at_least, at_most = made, made
    while left != NONE:
        piece = _reach(small, left & (~left + ONE), left)
        left &= ~piece
        weight, atoms, heavy = 0.0, 0, 0
        for atom in range(len(small.weight)):
            if (piece >> np.uint64(atom)) & ONE:
                if small.weight[atom] > high:
                    heavy += 1
                else:
                    atoms += 1
                    weight += small.weight[atom]
        least = 1 if atoms > 0 else 0
        few = max(least, int(np.ceil(weight / high - SLACK))) if high > 0.0 else least
        many = min(atoms, int(np.floor(weight / low + SLACK))) if low > 0.0 else atoms
        if few > many:
            return False
        at_least += few + heavy
        at_most += many + heavy
    return at_least <= parts[1] and at_most >= parts[0]


@numba.njit(cache=True, nogil=True)
def _keep_if_better(small: Small, low: float, high: float, chosen: Bits, count: int, best: Floats, labels: Ints) -> None:
    miss = 0.0
    label = np.zeros(len(small.weight), np.int64)
    for part in range(count):
        weight = _weight(small, chosen[part])
        if chosen[part] & (chosen[part] - ONE) != NONE or weight < low:
            miss = max(miss, low - weight, weight - high)
        for atom in range(len(small.weight)):
            if (chosen[part] >> np.uint64(atom)) & ONE:
                label[atom] = part
    cost = 0.0
    for edge in range(len(small.one)):
        if label[small.one[edge]] != label[small.two[edge]]:
            cost += small.cost[edge]
    if miss < best[0] - SLACK or (miss <= best[0] + SLACK and cost < best[1] - SLACK):
        best[0], best[1] = miss, cost
        labels[:] = label
