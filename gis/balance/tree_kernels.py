# mypy: disable-error-code="untyped-decorator"
"""The compiled first draft of a plan: a random spanning tree that keeps blocks together, cut where that costs least."""

from typing import NamedTuple

import numba
import numpy as np

from gis.balance.kernel_types import Chance, Floats, Ints, Net, Rules, energy, price, unit_chance

STATES = 64
"""How finely the weight of a part that is still growing is told apart."""
BEYOND = 1.25
"""A growing part may reach this many times the upper bound, unless one atom alone is heavier."""
OFF_BLOCK = 2.0
"""Added to the random key of an edge between two blocks, so that the tree joins each block first."""
ONE_PART = 0.25
"""Price of each part, in sides of a mean part, that keeps weightless crumbs from being cut off."""


class Tree(NamedTuple):
    """A rooted spanning tree: atoms in an order in which parents come first, the parent of each (-1: root), its depth."""

    order: Ints
    parent: Ints
    depth: Ints


class Table(NamedTuple):
    """Cheapest cuts below each atom by the weight of its growing part: price, that weight, and how each was reached.

    `before[child, state]` is the parent's state before the child was added, `under[child, state]` the child's own
    state, or -1 where the child's part was closed. `closing` is the state in which a child's part is best closed.
    """

    price: Floats
    weight: Floats
    before: Ints
    under: Ints
    closing: Ints


@numba.njit(cache=True, nogil=True)
def draft(net: Net, rules: Rules, trees: int, chance: Chance) -> Ints:
    """The best of several plans cut from random trees of a connected net; labels from 0, parts connected."""
    best = np.zeros(len(net.weight), np.int64)
    best_energy = np.inf
    for _ in range(trees):
        tree = _grown(net, chance)
        labels = _cut_apart(net, rules, tree)
        found = energy(net, rules, labels, labels.max() + 1)
        if found < best_energy:
            best, best_energy = labels, found
    return best


@numba.njit(cache=True, nogil=True)
def _grown(net: Net, chance: Chance) -> Tree:
    """Kruskal's tree over random keys, edges within a block first, hung up at a random atom."""
    atoms = len(net.weight)
    key = np.empty(len(net.one))
    for edge in range(len(net.one)):
        key[edge] = unit_chance(chance) + (0.0 if net.block[net.one[edge]] == net.block[net.two[edge]] else OFF_BLOCK)
    leader = np.arange(atoms)
    kept = np.zeros(len(net.one), np.bool_)
    for edge in np.argsort(key):
        one, two = _leader(leader, net.one[edge]), _leader(leader, net.two[edge])
        if one != two:
            leader[one] = two
            kept[edge] = True
    tree = Tree(np.empty(atoms, np.int64), np.full(atoms, -1, np.int64), np.full(atoms, -1, np.int64))
    tree.order[0] = int(unit_chance(chance) * atoms)
    tree.depth[tree.order[0]] = 0
    size, done = 1, 0
    while done < size:
        here = tree.order[done]
        done += 1
        for link in range(net.first[here], net.first[here + 1]):
            there = net.other[link]
            if kept[net.edge[link]] and tree.depth[there] < 0:
                tree.parent[there], tree.depth[there] = here, tree.depth[here] + 1
                tree.order[size] = there
                size += 1
    return tree


@numba.njit(cache=True, nogil=True)
def _leader(leader: Ints, atom: int) -> int:
    while leader[atom] != atom:
        leader[atom] = leader[leader[atom]]
        atom = leader[atom]
    return atom


@numba.njit(cache=True, nogil=True)
def _cutting(net: Net, tree: Tree) -> Floats:
    """For each atom what it costs to cut all that hangs from it off the rest."""
    cutting = np.zeros(len(net.weight))
    for edge in range(len(net.one)):
        one, two = net.one[edge], net.two[edge]
        cost = net.edge_cost[edge]
        cutting[one] += cost
        cutting[two] += cost
        while one != two:
            if tree.depth[one] < tree.depth[two]:
                one, two = two, one
            one = tree.parent[one]
        cutting[one] -= 2.0 * cost
    for place in range(len(tree.order) - 1, 0, -1):
        atom = tree.order[place]
        cutting[tree.parent[atom]] += cutting[atom]
    return cutting


@numba.njit(cache=True, nogil=True)
def _cut_apart(net: Net, rules: Rules, tree: Tree) -> Ints:
    """The parts of the cheapest set of cuts through a tree."""
    atoms = len(net.weight)
    table = Table(np.full((atoms, STATES), np.inf), np.zeros((atoms, STATES)), np.full((atoms, STATES), -1, np.int64),
                  np.full((atoms, STATES), -1, np.int64), np.zeros(atoms, np.int64))  # fmt: skip
    step = max(rules.high, 1.0) * BEYOND / STATES
    for atom in range(atoms):
        state = _state(net.weight[atom], step)
        table.price[atom, state] = 0.0
        table.weight[atom, state] = net.weight[atom]
    cutting = _cutting(net, tree)
    for place in range(atoms - 1, -1, -1):
        atom = tree.order[place]
        closed = np.inf
        for state in range(STATES):
            if table.price[atom, state] < np.inf:
                cost = table.price[atom, state] + price(table.weight[atom, state], 1.0, 0.0, rules) + ONE_PART
                if cost < closed:
                    closed = cost
                    table.closing[atom] = state
        if tree.parent[atom] >= 0:
            _add_child(table, tree.parent[atom], atom, closed + cutting[atom], step)
    return _labels(tree, table)


@numba.njit(cache=True, nogil=True)
def _state(weight: float, step: float) -> int:
    return min(STATES - 1, int(weight / step))


@numba.njit(cache=True, nogil=True)
def _add_child(table: Table, parent: int, child: int, closed: float, step: float) -> None:
    """Either the child's part is closed, or it is the parent's own."""
    old_price, old_weight = table.price[parent].copy(), table.weight[parent].copy()
    new_price, new_weight = table.price[parent], table.weight[parent]
    before, under = table.before[child], table.under[child]
    for state in range(STATES):
        if old_price[state] < np.inf:
            new_price[state] = old_price[state] + closed
            before[state] = state
            under[state] = -1
    for below in range(STATES):
        if table.price[child, below] == np.inf:
            continue
        for state in range(STATES):
            if old_price[state] == np.inf:
                continue
            weight = old_weight[state] + table.weight[child, below]
            if weight >= step * STATES and old_weight[state] > 0.0 and table.weight[child, below] > 0.0:
                break
            joined = _state(weight, step)
            cost = old_price[state] + table.price[child, below]
            if cost < new_price[joined]:
                new_price[joined], new_weight[joined] = cost, weight
                before[joined], under[joined] = state, below


@numba.njit(cache=True, nogil=True)
def _labels(tree: Tree, table: Table) -> Ints:
    """Walk back from the root: which children were closed, and in which state."""
    atoms = len(tree.order)
    labels = np.zeros(atoms, np.int64)
    state = np.zeros(atoms, np.int64)
    root = tree.order[0]
    state[root] = table.closing[root]
    count = 1
    for place in range(1, atoms):
        child = tree.order[place]
        parent = tree.parent[child]
        now = state[parent]
        state[parent] = table.before[child, now]
        if table.under[child, now] < 0:
            state[child] = table.closing[child]
            labels[child] = count
            count += 1
        else:
            state[child] = table.under[child, now]
            labels[child] = labels[parent]
    return labels
