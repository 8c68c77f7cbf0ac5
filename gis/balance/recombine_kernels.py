# mypy: disable-error-code="untyped-decorator"
"""The compiled search in wide steps: two neighbouring parts become one and are cut apart anew along a random tree."""

import math
from typing import NamedTuple

import numba
import numpy as np

from gis.balance.kernel_types import Chance, Floats, Ints, Net, Parts, Rules, chance_below, parts_of, price, unit_chance

UNSEEN = -1


class Pair(NamedTuple):
    """Two parts as one: their `atoms` and `edges` (so many as `size` says), the tree through them, and scratch.

    `order`, `parent`, `below`: the tree from its root down, and the weight that hangs from each atom. `leader`, `kept`
    serve to grow it. `side` is 1 for the atoms below the cut.
    """

    size: Ints
    atoms: Ints
    edges: Ints
    order: Ints
    parent: Ints
    below: Floats
    leader: Ints
    kept: Ints
    side: Ints


@numba.njit(cache=True, nogil=True)
def recombine(net: Net, rules: Rules, labels: Ints, count: int, chance: Chance, tries: int, heat: float) -> int:
    """Try so many recombinations at one temperature; changes `labels` in place, returns how many were made.

    Of the cuts through each tree, the one whose weights are best is judged, price of its border and shapes included.
    Parts stay connected, none is emptied, frozen atoms stay.
    """
    parts = parts_of(net, labels, count)
    atoms, edges = len(labels), len(net.one)
    if edges == 0 or count < 2:
        return 0
    pair = Pair(np.zeros(2, np.int64), np.empty(atoms, np.int64), np.empty(edges, np.int64), np.empty(atoms, np.int64),
                np.full(atoms, UNSEEN, np.int64), np.zeros(atoms), np.arange(atoms), np.zeros(edges, np.int64),
                np.zeros(atoms, np.int64))  # fmt: skip
    made = 0
    for _ in range(tries):
        edge = chance_below(chance, edges)
        one, other = labels[net.one[edge]], labels[net.two[edge]]
        if one == other:
            continue
        _gather(net, labels, one, other, edge, pair)
        _grow(net, pair, chance)
        top = _best_cut(net, rules, pair, chance)
        if top < 0 or not _sides(net, labels, one, other, top, pair):
            continue
        if _swap_if_good(net, rules, labels, parts, (one, other), pair, heat, chance):
            made += 1
    return made


@numba.njit(cache=True, nogil=True)
def _gather(net: Net, labels: Ints, one: int, other: int, edge: int, pair: Pair) -> None:
    """The atoms of both parts, found from an edge between them, and the edges among them."""
    pair.size[0], pair.size[1] = 2, 0
    pair.atoms[0], pair.atoms[1] = net.one[edge], net.two[edge]
    pair.side[pair.atoms[0]] = pair.side[pair.atoms[1]] = 2
    done = 0
    while done < pair.size[0]:
        here = pair.atoms[done]
        done += 1
        pair.leader[here] = here
        for link in range(net.first[here], net.first[here + 1]):
            there = net.other[link]
            if labels[there] != one and labels[there] != other:
                continue
            if here < there:
                pair.edges[pair.size[1]] = net.edge[link]
                pair.size[1] += 1
                pair.kept[net.edge[link]] = 0
            if pair.side[there] != 2:
                pair.side[there] = 2
                pair.atoms[pair.size[0]] = there
                pair.size[0] += 1


@numba.njit(cache=True, nogil=True)
def _grow(net: Net, pair: Pair, chance: Chance) -> None:
    """A random tree through the pair, blocks first, and the weight below each atom."""
    size, edges = pair.size[0], pair.size[1]
    for place in range(edges - 1, 0, -1):
        swap = chance_below(chance, place + 1)
        pair.edges[place], pair.edges[swap] = pair.edges[swap], pair.edges[place]
    for across in (False, True):
        for place in range(edges):
            edge = pair.edges[place]
            if (net.block[net.one[edge]] != net.block[net.two[edge]]) == across:
                one, two = _leader(pair.leader, net.one[edge]), _leader(pair.leader, net.two[edge])
                if one != two:
                    pair.leader[one] = two
                    pair.kept[edge] = 1
    for place in range(size):
        pair.parent[pair.atoms[place]] = UNSEEN
        pair.below[pair.atoms[place]] = net.weight[pair.atoms[place]]
    root = pair.atoms[chance_below(chance, size)]
    pair.order[0] = root
    pair.parent[root] = root
    found, done = 1, 0
    while done < found:
        here = pair.order[done]
        done += 1
        for link in range(net.first[here], net.first[here + 1]):
            there = net.other[link]
            if pair.side[there] == 2 and pair.kept[net.edge[link]] == 1 and pair.parent[there] == UNSEEN:
                pair.parent[there] = here
                pair.order[found] = there
                found += 1
    for place in range(found - 1, 0, -1):
        pair.below[pair.parent[pair.order[place]]] += pair.below[pair.order[place]]


@numba.njit(cache=True, nogil=True)
def _leader(leader: Ints, atom: int) -> int:
    while leader[atom] != atom:
        leader[atom] = leader[leader[atom]]
        atom = leader[atom]
    return atom


@numba.njit(cache=True, nogil=True)
def _best_cut(net: Net, rules: Rules, pair: Pair, chance: Chance) -> int:
    """The atom below which to cut: one of those that divide the weight best, by chance."""
    whole = pair.below[pair.order[0]]
    best, ties, top = np.inf, 0, -1
    for place in range(1, pair.size[0]):
        atom = pair.order[place]
        weight = pair.below[atom]
        cost = price(weight, 1.0, 0.0, rules) + price(whole - weight, 1.0, 0.0, rules)
        if cost < best:
            best, ties, top = cost, 1, atom
        elif cost == best:
            ties += 1
            if chance_below(chance, ties) == 0:
                top = atom
    return top


@numba.njit(cache=True, nogil=True)
def _sides(net: Net, labels: Ints, one: int, other: int, top: int, pair: Pair) -> bool:
    """Mark the atoms below the cut 1, the others 0, turned so that least goes over; False if a frozen one would have to."""
    for place in range(pair.size[0]):
        atom = pair.order[place]
        pair.side[atom] = 1 if atom == top or (place > 0 and pair.side[pair.parent[atom]] == 1) else 0
    stays = moves = 0.0
    held_stays = held_moves = False
    for place in range(pair.size[0]):
        atom = pair.order[place]
        as_is = (labels[atom] == other) == (pair.side[atom] == 1)
        now_home = net.weight[atom] + 1e-9
        if as_is:
            stays += now_home
        else:
            moves += now_home
        if net.frozen[atom]:
            held_stays, held_moves = held_stays or as_is, held_moves or not as_is
    if held_stays and held_moves:
        return False
    if held_moves or (moves > stays and not held_stays):
        for place in range(pair.size[0]):
            pair.side[pair.order[place]] = 1 - pair.side[pair.order[place]]
    return True


@numba.njit(cache=True, nogil=True)
def _swap_if_good(
    net: Net, rules: Rules, labels: Ints, parts: Parts, sides: tuple[int, int], pair: Pair, heat: float, chance: Chance
) -> bool:
    """Measure both ways of cutting, and take the new one by the rule of cooling."""
    atoms = np.zeros(2, np.int64)
    new = np.zeros((2, 3))
    old = np.zeros(2)
    gain = 0.0
    for place in range(pair.size[0]):
        atom = pair.order[place]
        side = pair.side[atom]
        atoms[side] += 1
        new[side, 0] += net.weight[atom]
        new[side, 1] += net.area[atom]
        new[side, 2] += net.rim[atom]
        if net.home[atom] >= 0:
            gain += rules.stay * net.weight[atom] * ((net.home[atom] != sides[side]) - (net.home[atom] != labels[atom]) * 1.0)
        for link in range(net.first[atom], net.first[atom + 1]):
            there = net.other[link]
            inside = labels[there] == sides[0] or labels[there] == sides[1]
            if not inside or pair.side[there] != side:
                new[side, 2] += net.border[link]
            if inside and there > atom:
                gain += net.cost[link] * ((pair.side[there] != side) * 1.0 - (labels[there] != labels[atom]) * 1.0)
    for side in range(2):
        part = sides[side]
        old[side] = price(parts.weight[part], parts.area[part], parts.outline[part], rules)
        gain += price(new[side, 0], new[side, 1], new[side, 2], rules) - old[side]
    if gain > 0.0 and (heat <= 0.0 or unit_chance(chance) >= math.exp(-gain / heat)):
        return False
    for side in range(2):
        part = sides[side]
        parts.atoms[part], parts.weight[part], parts.area[part], parts.outline[part] = atoms[side], new[side, 0], new[side, 1], new[side, 2]
    for place in range(pair.size[0]):
        labels[pair.order[place]] = sides[pair.side[pair.order[place]]]
    return True
