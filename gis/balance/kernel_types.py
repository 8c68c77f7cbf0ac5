# mypy: disable-error-code="untyped-decorator"
"""What the compiled loops of gis.balance share: the net they walk, the rules they obey, their source of chance."""

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Chance = NDArray[np.uint64]

THINNEST = 1e-12
"""No part has less area than this, in squares of the side of a mean part."""
FULL_CIRCLE = 4.0 * np.pi


class Net(NamedTuple):
    """A graph in units of its mean part: weights in target weights, lengths in sides of a square of a mean part's area.

    The neighbours of atom i are `other[first[i]:first[i + 1]]`, over the edges `edge[...]`, the border being `border[...]`
    long and costing `cost[...]` to cut. `one`, `two`: the ends of each edge, `edge_cost` its cost. An atom whose `frozen`
    is set never moves; `home` is the part each atom belongs to today, -1 for none.
    """

    first: Ints
    other: Ints
    edge: Ints
    border: Floats
    cost: Floats
    one: Ints
    two: Ints
    edge_cost: Floats
    weight: Floats
    area: Floats
    rim: Floats
    block: Ints
    frozen: Flags
    home: Ints


class Rules(NamedTuple):
    """What a plan is judged by, beside the cost of its borders.

    A part's weight should lie from `low` to `high` target weights; `outside` is the price of each beyond that, `even`
    that of its squared distance from 1, `compact` that of its outline squared by 4 pi times its area, `stay` that of
    moving one target weight away from home.
    """

    low: float
    high: float
    outside: float
    even: float
    compact: float
    stay: float


class Parts(NamedTuple):
    """The parts of a plan: how many atoms each has, its weight, area and the length of its outline."""

    atoms: Ints
    weight: Floats
    area: Floats
    outline: Floats


@numba.njit(cache=True, nogil=True)
def chance_below(state: Chance, limit: int) -> int:
    """A random whole number from 0 below `limit`."""
    return int(unit_chance(state) * limit)


@numba.njit(cache=True, nogil=True)
def unit_chance(state: Chance) -> float:
    """A random number from 0 below 1: splitmix64, the same on every machine."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    bits = state[0]
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    bits ^= bits >> np.uint64(31)
    return float(bits >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@numba.njit(cache=True, nogil=True)
def price(weight: float, area: float, outline: float, rules: Rules) -> float:
    """What one part costs by its weight and its shape."""
    beyond = max(0.0, rules.low - weight, weight - rules.high)
    shape = outline * outline / (FULL_CIRCLE * max(area, THINNEST))
    return rules.outside * beyond + rules.even * (weight - 1.0) * (weight - 1.0) + rules.compact * shape


@numba.njit(cache=True, nogil=True)
def parts_of(net: Net, labels: Ints, count: int) -> Parts:
    """Count and measure the parts 0 to count - 1."""
    parts = Parts(np.zeros(count, np.int64), np.zeros(count), np.zeros(count), np.zeros(count))
    for atom in range(len(labels)):
        part = labels[atom]
        parts.atoms[part] += 1
        parts.weight[part] += net.weight[atom]
        parts.area[part] += net.area[atom]
        parts.outline[part] += net.rim[atom]
        for link in range(net.first[atom], net.first[atom + 1]):
            if labels[net.other[link]] != part:
                parts.outline[part] += net.border[link]
    return parts


@numba.njit(cache=True, nogil=True)
def energy(net: Net, rules: Rules, labels: Ints, count: int) -> float:
    """What a plan costs in all; less is better."""
    parts = parts_of(net, labels, count)
    total = 0.0
    for part in range(count):
        total += price(parts.weight[part], parts.area[part], parts.outline[part], rules)
    for atom in range(len(labels)):
        if net.home[atom] >= 0 and net.home[atom] != labels[atom]:
            total += rules.stay * net.weight[atom]
        for link in range(net.first[atom], net.first[atom + 1]):
            if net.other[link] > atom and labels[net.other[link]] != labels[atom]:
                total += net.cost[link]
    return total
