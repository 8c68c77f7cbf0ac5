# mypy: disable-error-code="untyped-decorator"
"""The compiled search that improves a plan: border atoms, or whole pieces of blocks, change sides while it cools down."""

import math
from typing import NamedTuple

import numba
import numpy as np

from gis.balance.kernel_types import Chance, Floats, Ints, Net, Parts, Rules, chance_below, parts_of, price, unit_chance

BLOCK_SHARE = 0.25
"""How often the whole piece of an atom's block is moved with it."""


class Cut(NamedTuple):
    """The edges between parts, `size[0]` of them, in `edges`; `place` of each edge there, -1 for an inner one."""

    edges: Ints
    place: Ints
    size: Ints


class Scratch(NamedTuple):
    """Space for one move: the moving atoms, a queue, and marks that hold the number of the move which set them."""

    moving: Ints
    queue: Ints
    in_move: Ints
    wanted: Ints
    seen: Ints


@numba.njit(cache=True, nogil=True)
def cool(net: Net, rules: Rules, labels: Ints, count: int, chance: Chance, schedule: Floats) -> int:
    """Try `schedule[0]` moves while the temperature falls from `schedule[1]` to `schedule[2]`; returns how many were made.

    Changes `labels` (0 to count - 1) in place. Every part stays connected if it was, none is emptied, frozen atoms stay.
    """
    parts = parts_of(net, labels, count)
    cut = _cut(net, labels)
    atoms = len(labels)
    scratch = Scratch(np.empty(atoms, np.int64), np.empty(atoms, np.int64), np.zeros(atoms, np.int64), np.zeros(atoms, np.int64),
                      np.zeros(atoms, np.int64))  # fmt: skip
    tries, hot, cold = int(schedule[0]), schedule[1], schedule[2]
    fall = math.exp(math.log(cold / hot) / max(tries, 1)) if hot > 0.0 and cold > 0.0 else 1.0
    heat = hot
    made = 0
    for move in range(1, tries + 1):
        heat *= fall
        if cut.size[0] == 0:
            break
        edge = cut.edges[chance_below(chance, cut.size[0])]
        forward = unit_chance(chance) < 0.5
        atom, beside = (net.one[edge], net.two[edge]) if forward else (net.two[edge], net.one[edge])
        giver, taker = labels[atom], labels[beside]
        moving = _piece(net, labels, atom, move, scratch) if unit_chance(chance) < BLOCK_SHARE else _alone(net, atom, move, scratch)
        if moving == 0 or moving >= parts.atoms[giver]:
            continue
        gain = _try(net, rules, labels, parts, (giver, taker), move, moving, scratch)
        if gain[0] > 0.0 and (heat <= 0.0 or unit_chance(chance) >= math.exp(-gain[0] / heat)):
            continue
        if not _stays_whole(net, labels, giver, move, moving, scratch):
            continue
        _make(net, labels, parts, cut, (giver, taker), moving, scratch, gain)
        made += 1
    return made


@numba.njit(cache=True, nogil=True)
def _cut(net: Net, labels: Ints) -> Cut:
    cut = Cut(np.empty(len(net.one), np.int64), np.full(len(net.one), -1, np.int64), np.zeros(1, np.int64))
    for edge in range(len(net.one)):
        if labels[net.one[edge]] != labels[net.two[edge]]:
            cut.place[edge] = cut.size[0]
            cut.edges[cut.size[0]] = edge
            cut.size[0] += 1
    return cut


@numba.njit(cache=True, nogil=True)
def _alone(net: Net, atom: int, move: int, scratch: Scratch) -> int:
    if net.frozen[atom]:
        return 0
    scratch.moving[0] = atom
    scratch.in_move[atom] = move
    return 1


@numba.njit(cache=True, nogil=True)
def _piece(net: Net, labels: Ints, atom: int, move: int, scratch: Scratch) -> int:
    """The atoms of the same part and block that are connected with this one; 0 if one of them is frozen."""
    scratch.moving[0] = atom
    scratch.in_move[atom] = move
    size, done = 1, 0
    while done < size:
        here = scratch.moving[done]
        done += 1
        if net.frozen[here]:
            return 0
        for link in range(net.first[here], net.first[here + 1]):
            there = net.other[link]
            if scratch.in_move[there] != move and labels[there] == labels[atom] and net.block[there] == net.block[atom]:
                scratch.in_move[there] = move
                scratch.moving[size] = there
                size += 1
    return size


@numba.njit(cache=True, nogil=True)
def _try(
    net: Net, rules: Rules, labels: Ints, parts: Parts, sides: tuple[int, int], move: int, moving: int, scratch: Scratch
) -> tuple[float, float, float, float, float]:
    """What the move changes: the energy; then weight and area that go over; then the outlines of giver and taker."""
    giver, taker = sides
    cost = weight = area = rim = to_giver = to_taker = to_rest = 0.0
    for place in range(moving):
        atom = scratch.moving[place]
        weight += net.weight[atom]
        area += net.area[atom]
        rim += net.rim[atom]
        if net.home[atom] == giver:
            cost += rules.stay * net.weight[atom]
        elif net.home[atom] == taker:
            cost -= rules.stay * net.weight[atom]
        for link in range(net.first[atom], net.first[atom + 1]):
            there = net.other[link]
            if scratch.in_move[there] == move:
                continue
            if labels[there] == giver:
                cost += net.cost[link]
                to_giver += net.border[link]
            elif labels[there] == taker:
                cost -= net.cost[link]
                to_taker += net.border[link]
            else:
                to_rest += net.border[link]
    of_giver = to_giver - to_taker - to_rest - rim
    of_taker = to_giver - to_taker + to_rest + rim
    before = price(parts.weight[giver], parts.area[giver], parts.outline[giver], rules)
    before += price(parts.weight[taker], parts.area[taker], parts.outline[taker], rules)
    after = price(parts.weight[giver] - weight, parts.area[giver] - area, parts.outline[giver] + of_giver, rules)
    after += price(parts.weight[taker] + weight, parts.area[taker] + area, parts.outline[taker] + of_taker, rules)
    return cost + after - before, weight, area, of_giver, of_taker


@numba.njit(cache=True, nogil=True)
def _stays_whole(net: Net, labels: Ints, giver: int, move: int, moving: int, scratch: Scratch) -> bool:
    """Whether the giver is connected without the moving atoms: all its atoms beside them reach each other."""
    wanted = 0
    start = -1
    for place in range(moving):
        atom = scratch.moving[place]
        for link in range(net.first[atom], net.first[atom + 1]):
            there = net.other[link]
            if labels[there] == giver and scratch.in_move[there] != move and scratch.wanted[there] != move:
                scratch.wanted[there] = move
                wanted += 1
                start = there
    if wanted <= 1:
        return True
    scratch.queue[0] = start
    scratch.seen[start] = move
    size, done, reached = 1, 0, 1
    while done < size:
        here = scratch.queue[done]
        done += 1
        for link in range(net.first[here], net.first[here + 1]):
            there = net.other[link]
            if labels[there] == giver and scratch.in_move[there] != move and scratch.seen[there] != move:
                scratch.seen[there] = move
                scratch.queue[size] = there
                size += 1
                if scratch.wanted[there] == move:
                    reached += 1
                    if reached == wanted:
                        return True
    return False


@numba.njit(cache=True, nogil=True)
def _make(
    net: Net, labels: Ints, parts: Parts, cut: Cut, sides: tuple[int, int], moving: int, scratch: Scratch,
    gain: tuple[float, float, float, float, float],
) -> None:  # fmt: skip
    giver, taker = sides
    _, weight, area, of_giver, of_taker = gain
    parts.atoms[giver] -= moving
    parts.atoms[taker] += moving
    parts.weight[giver] -= weight
    parts.weight[taker] += weight
    parts.area[giver] -= area
    parts.area[taker] += area
    parts.outline[giver] += of_giver
    parts.outline[taker] += of_taker
    for place in range(moving):
        labels[scratch.moving[place]] = taker
    for place in range(moving):
        atom = scratch.moving[place]
        for link in range(net.first[atom], net.first[atom + 1]):
            _sort_edge(cut, net.edge[link], labels[net.other[link]] != taker)


@numba.njit(cache=True, nogil=True)
def _sort_edge(cut: Cut, edge: int, between: bool) -> None:
    """Put an edge on the list of cut edges, or take it off."""
    place = cut.place[edge]
    if between and place < 0:
        cut.place[edge] = cut.size[0]
        cut.edges[cut.size[0]] = edge
        cut.size[0] += 1
    elif not between and place >= 0:
        cut.size[0] -= 1
        last = cut.edges[cut.size[0]]
        cut.edges[place] = last
        cut.place[last] = place
        cut.place[edge] = -1
