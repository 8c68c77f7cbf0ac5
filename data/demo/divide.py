"""Streets, communities and grids as contiguous, balanced unions of ground that follow roads and the river.

Streets are made of large faces between arterials, communities of collector blocks, grids of pieces. Each level is
first cut by spanning trees (whatever a tree cut leaves is contiguous), then its borders are eased by annealing.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from data.demo.fabric import WET, Fabric
from data.demo.sizes import Size

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Numbers = NDArray[np.int64] | NDArray[np.float64]

TREES = 14  # spanning trees tried for a cut
BAND = 0.25  # share around the target that costs nothing much
JOIN = np.array([6.0, 1.0, 0.55, 0.3, 0.2])  # cost of a metre of border by rank of the road it follows
MIDSTREAM = 0.02  # cost of a metre of border along the middle of the river
HECTARE = 7.0  # what a hectare weighs among households, for streets and communities
DEDICATED = ("campus", "industrial", "market", "hospital")
DEDICATED_SHARE = 0.042


@dataclass(frozen=True)
class Division:
    """Numbers from 0 for each piece: its district, street, community and grid; and which grids are dedicated."""

    district: Integers
    street: Integers
    community: Integers
    grid: Integers
    dedicated: NDArray[np.bool_]


def divide(fabric: Fabric, households: Integers, size: Size, rng: np.random.Generator) -> Division:
    """Exactly as many districts, streets, communities and grids as the size names; `households` by piece."""
    weight = households + HECTARE * shapely.area(fabric.metres) / 1e4
    cost = _costs(fabric)
    everything = np.zeros(len(weight), dtype=np.int64)
    district = _level(fabric, fabric.superblock, everything, weight, cost, size.districts, rng)
    street = _level(fabric, fabric.superblock, district, weight, cost, size.streets, rng)
    community = _level(fabric, fabric.collector, street, weight, cost, size.communities, rng)
    apart = _dedicated(fabric, households, community, round(size.grids * DEDICATED_SHARE), rng)
    alone = int(apart.max(initial=-1)) + 1
    pieces = np.arange(len(weight))
    inside = np.where(apart >= 0, community.max() + 1 + apart, community)
    counts = _apportion(_sums(community, np.where(apart < 0, households, 0)), size.grids - alone, _sums(community, apart < 0))
    light = households + 0.4 * shapely.area(fabric.metres) / 1e4
    grid = _cut_all(fabric, pieces, inside, light, cost, np.r_[counts, np.ones(alone, dtype=np.int64)], rng)
    _, first = np.unique(grid, return_index=True)
    return Division(district, street, community, grid, apart[first] >= 0)


def _costs(fabric: Fabric) -> Floats:
    """What a border along each edge costs."""
    one, other = fabric.sides.T
    cost = fabric.lengths * JOIN[fabric.ranks]
    river = fabric.uses == "river"
    numbers = fabric.superblock[one] != fabric.superblock[other]
    cost[river[one] & river[other] & numbers] *= MIDSTREAM / JOIN[0]
    wet = np.isin(fabric.uses, WET)
    cost[(wet[one] != wet[other]) & numbers] *= 0.1
    return np.asarray(cost)


def _level(
    fabric: Fabric, units: Integers, parents: Integers, weight: Floats, cost: Floats, count: int, rng: np.random.Generator
) -> Integers:  # fmt: skip
    """Cut every parent into parts made of whole units; `count` parts in all, shared out by weight."""
    unit = _components(fabric, units, parents)
    _, first = np.unique(unit, return_index=True)
    heavy = _sums(unit, weight)
    parent = parents[first]
    counts = _apportion(_sums(parent, heavy), count, _sums(parent, np.ones(len(parent))))
    return _cut_all(fabric, unit, parent, heavy, cost, counts, rng)[unit]


def _components(fabric: Fabric, units: Integers, parents: Integers) -> Integers:
    """Units that are contiguous and lie in one parent."""
    one, other = fabric.sides[fabric.sides[:, 1] >= 0].T
    same = (units[one] == units[other]) & (parents[one] == parents[other])
    links = coo_array((np.ones(same.sum()), (one[same], other[same])), shape=(len(units), len(units)))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.int64)


def _apportion(weights: Numbers, total: int, most: Numbers) -> Integers:
    """Whole shares of a total by weight, at least one and at most `most` each."""
    shares = np.ones(len(weights), dtype=np.int64)
    weights = np.maximum(weights, 1e-6)
    for _ in range(total - len(weights)):
        need = np.where(shares < most, weights / (shares + 0.5), -1.0)
        shares[np.argmax(need)] += 1
    return shares


def _sums(labels: Integers, amounts: NDArray[np.generic], count: int = 0) -> Floats:
    return np.asarray(np.bincount(labels, np.asarray(amounts, dtype=np.float64), minlength=count), dtype=np.float64)


def _cut_all(
    fabric: Fabric, unit: Integers, parent: Integers, weight: Floats, cost: Floats, counts: Integers, rng: np.random.Generator
) -> Integers:  # fmt: skip
    """A part for each unit: parent number p is cut into counts[p] contiguous parts of like weight."""
    keep = fabric.sides[:, 1] >= 0
    ends = unit[fabric.sides[keep]]
    within = (ends[:, 0] != ends[:, 1]) & (parent[ends[:, 0]] == parent[ends[:, 1]])
    edges, price = _bundled(ends[within], cost[keep][within])
    part = np.full(len(parent), -1, dtype=np.int64)
    order = np.argsort(parent, kind="stable")
    bounds = np.searchsorted(parent[order], np.arange(len(counts) + 1))
    by_parent = np.argsort(parent[edges[:, 0]], kind="stable") if len(edges) else np.empty(0, dtype=np.int64)
    edge_bounds = np.searchsorted(parent[edges[by_parent, 0]], np.arange(len(counts) + 1))
    made = 0
    for number, count in enumerate(counts):
        nodes = order[bounds[number] : bounds[number + 1]]
        own = by_parent[edge_bounds[number] : edge_bounds[number + 1]]
        local = np.searchsorted(nodes, edges[own])
        labels = _parts(len(nodes), local, price[own], weight[nodes], int(count), rng)
        part[nodes] = made + labels
        made += int(count)
    return part


def _bundled(ends: Integers, cost: Floats) -> tuple[Integers, Floats]:
    """One edge for all that join the same two units."""
    pairs, which = np.unique(np.sort(ends, axis=1), axis=0, return_inverse=True)
    return pairs.astype(np.int64), _sums(which.ravel(), cost, len(pairs))


def _parts(count: int, edges: Integers, cost: Floats, weight: Floats, parts: int, rng: np.random.Generator) -> Integers:
    labels = np.zeros(count, dtype=np.int64)
    if parts == 1:
        return labels
    target = weight.sum() / parts
    todo = [(np.arange(count), parts)]
    made = 0
    while todo:
        nodes, share = todo.pop()
        if share == 1:
            labels[nodes] = made
            made += 1
            continue
        inside = np.isin(edges, nodes).all(axis=1)
        local = np.searchsorted(nodes, edges[inside])
        keys = rng.random((TREES, len(local))) / np.maximum(cost[inside], 0.5) ** 0.8
        taken, first_share = _best_cut(len(nodes), local, cost[inside], weight[nodes], share, np.argsort(keys, axis=1))
        todo += [(nodes[taken], int(first_share)), (nodes[~taken], share - int(first_share))]
    _ease(labels, edges, cost / cost.mean(), weight / target, parts, rng.random((900 * count, 2)))
    return labels


@njit(cache=True)  # type: ignore[misc, untyped-decorator, unused-ignore]
def _best_cut(n, edges, cost, weight, parts, orders):  # type: ignore[no-untyped-def]
    """The tree edge whose removal leaves the best balanced and cheapest two sides: a mask and its number of parts."""
    total = weight.sum()
    target = total / parts
    best_score, best_share = np.inf, 1
    best = np.zeros(n, dtype=np.bool_)
    for trial in range(orders.shape[0]):
        parent, order = _tree(n, edges, orders[trial])
        below = weight.copy()
        size = np.ones(n, dtype=np.int64)
        for at in range(n - 1, 0, -1):
            node = order[at]
            below[parent[node]] += below[node]
            size[parent[node]] += size[node]
        cut, cut_share, cut_gap = -1, 1, np.inf
        for at in range(1, n):
            node = order[at]
            for share in range(1, parts):
                if size[node] < share or n - size[node] < parts - share:
                    continue
                gap = max(abs(below[node] / share - target), abs((total - below[node]) / (parts - share) - target)) / target
                gap += 0.05 * abs(2 * share - parts) / parts
                if gap < cut_gap:
                    cut, cut_share, cut_gap = node, share, gap
        if cut < 0:
            continue
        taken = np.zeros(n, dtype=np.bool_)
        taken[cut] = True
        for at in range(1, n):
            if taken[parent[order[at]]]:
                taken[order[at]] = True
        score = 4.0 * max(cut_gap, 0.08) + _price(taken, edges, cost) / cost.sum() * np.sqrt(len(edges)) * 0.4
        if score < best_score:
            best_score, best_share = score, cut_share
            best[:] = taken
    return best, best_share


@njit(cache=True)  # type: ignore[misc, untyped-decorator, unused-ignore]
def _price(taken, edges, cost):  # type: ignore[no-untyped-def]
    """What the border between the taken nodes and the others costs."""
    price = 0.0
    for at in range(len(edges)):
        if taken[edges[at, 0]] != taken[edges[at, 1]]:
            price += cost[at]
    return price


@njit(cache=True)  # type: ignore[misc, untyped-decorator, unused-ignore]
def _tree(n, edges, order):  # type: ignore[no-untyped-def]
    """Parents and breadth-first order of the spanning tree that takes edges in the given order; node 0 is the root."""
    root = np.arange(n)
    head = np.full(n, -1, dtype=np.int64)
    following = np.full(2 * n, -1, dtype=np.int64)
    towards = np.zeros(2 * n, dtype=np.int64)
    arcs = 0
    for edge in order:
        u, v = edges[edge, 0], edges[edge, 1]
        a, b = u, v
        while root[a] != a:
            root[a] = root[root[a]]
            a = root[a]
        while root[b] != b:
            root[b] = root[root[b]]
            b = root[b]
        if a == b:
            continue
        root[a] = b
        for x, y in ((u, v), (v, u)):
            towards[arcs] = y
            following[arcs] = head[x]
            head[x] = arcs
            arcs += 1
    parent = np.full(n, -1, dtype=np.int64)
    queue = np.zeros(n, dtype=np.int64)
    begin, end = 0, 1
    while begin < end:
        node = queue[begin]
        begin += 1
        arc = head[node]
        while arc >= 0:
            if towards[arc] != parent[node]:
                parent[towards[arc]] = node
                queue[end] = towards[arc]
                end += 1
            arc = following[arc]
    return parent, queue


@njit(cache=True)  # type: ignore[misc, untyped-decorator, unused-ignore]
def _off(weight):  # type: ignore[no-untyped-def]
    """What a part of a weight (1 is the target) costs."""
    gap = abs(weight - 1.0)
    return 6.0 * gap * gap + (40.0 * (gap - 0.22) if gap > 0.22 else 0.0)


@njit(cache=True)  # type: ignore[misc, untyped-decorator, unused-ignore]
def _hangs_together(unit, labels, start, near, size, seen, mark, stack):  # type: ignore[no-untyped-def]
    """Whether the part of a unit is still one piece without it: walk the part from one of the unit's neighbours."""
    part, begin = labels[unit], -1
    for arc in range(start[unit], start[unit + 1]):
        if labels[near[arc]] == part:
            begin = near[arc]
    if begin < 0:
        return False
    seen[begin] = mark
    seen[unit] = mark
    stack[0], top, reached = begin, 1, 1
    while top > 0:
        top -= 1
        node = stack[top]
        for arc in range(start[node], start[node + 1]):
            if labels[near[arc]] == part and seen[near[arc]] != mark:
                seen[near[arc]] = mark
                stack[top] = near[arc]
                top += 1
                reached += 1
    return reached == size - 1


@njit(cache=True)  # type: ignore[misc, untyped-decorator, unused-ignore]
def _arcs(n, edges, cost):  # type: ignore[no-untyped-def]
    """Neighbours of each node and what the border to each costs, one after the other."""
    m = len(edges)
    start = np.zeros(n + 1, dtype=np.int64)
    for at in range(m):
        start[edges[at, 0] + 1] += 1
        start[edges[at, 1] + 1] += 1
    start = np.cumsum(start)
    fill = start.copy()
    near = np.zeros(2 * m, dtype=np.int64)
    price = np.zeros(2 * m)
    for at in range(m):
        for u, v in ((edges[at, 0], edges[at, 1]), (edges[at, 1], edges[at, 0])):
            near[fill[u]] = v
            price[fill[u]] = cost[at]
            fill[u] += 1
    return start, near, price


@njit(cache=True)  # type: ignore[misc, untyped-decorator, unused-ignore]
def _ease(labels, edges, cost, weight, parts, draws):  # type: ignore[no-untyped-def]
    """Move units across borders where that makes parts more even or borders cheaper; parts stay contiguous."""
    n, m = len(labels), len(edges)
    start, near, price = _arcs(n, edges, cost)
    load = np.zeros(parts)
    members = np.zeros(parts, dtype=np.int64)
    for node in range(n):
        load[labels[node]] += weight[node]
        members[labels[node]] += 1
    seen = np.zeros(n, dtype=np.int64)
    stack = np.zeros(n, dtype=np.int64)
    for step in range(len(draws)):
        pick = int(draws[step, 0] * 2 * m)
        u, v = edges[pick // 2, pick % 2], edges[pick // 2, 1 - pick % 2]
        a, b = labels[u], labels[v]
        if a == b or members[a] == 1:
            continue
        gain = _off(load[a]) + _off(load[b]) - _off(load[a] - weight[u]) - _off(load[b] + weight[u])
        for arc in range(start[u], start[u + 1]):
            other = labels[near[arc]]
            gain += (price[arc] if other == b else -price[arc] if other == a else 0.0) * 0.35
        heat = 0.25 * (1.0 - step / len(draws)) + 1e-3
        if gain < 0.0 and draws[step, 1] >= np.exp(gain / heat):
            continue
        if _hangs_together(u, labels, start, near, members[a], seen, step + 1, stack):
            labels[u] = b
            load[a] -= weight[u]
            load[b] += weight[u]
            members[a] -= 1
            members[b] += 1


def _dedicated(fabric: Fabric, households: Integers, community: Integers, most: int, rng: np.random.Generator) -> Integers:
    """Whole blocks of a market, a campus, a works or a hospital that become grids of their own; -1 elsewhere."""
    apart = np.full(len(community), -1, dtype=np.int64)
    made = 0
    wanted = np.isin(fabric.uses, DEDICATED)
    blocks = np.unique(fabric.block[wanted])
    one, other = fabric.sides[fabric.sides[:, 1] >= 0].T
    per_community: dict[int, int] = {}
    order = np.argsort(fabric.block, kind="stable")
    bounds = np.searchsorted(fabric.block[order], np.r_[blocks, blocks + 1].reshape(2, -1))
    for at in rng.permutation(len(blocks)):
        pieces = order[bounds[0, at] : bounds[1, at]]
        own = int(community[pieces[0]])
        if made == most or per_community.get(own, 0) >= 2 or (community[pieces] != own).any():
            continue
        if households[pieces].sum() > 40 or not wanted[pieces].all():
            continue
        rest = (community == own) & (apart < 0)
        rest[pieces] = False
        mine = np.zeros(len(community), dtype=np.bool_)
        mine[pieces] = True
        if all(_connected(mask, one, other) for mask in (rest, mine)):
            apart[pieces] = made
            made += 1
            per_community[own] = per_community.get(own, 0) + 1
    return apart


def _connected(mask: NDArray[np.bool_], one: Integers, other: Integers) -> bool:
    nodes = np.flatnonzero(mask)
    if len(nodes) < 2:
        return len(nodes) == 1
    number = np.cumsum(mask) - 1
    inside = mask[one] & mask[other]
    links = coo_array((np.ones(inside.sum()), (number[one[inside]], number[other[inside]])), shape=(len(nodes), len(nodes)))
    return int(connected_components(links, directed=False)[0]) == 1
