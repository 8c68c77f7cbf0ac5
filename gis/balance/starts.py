"""Plans to begin from: today's, or grown from seeds; and how parts are split or joined until their number is right."""

from collections import deque

import numpy as np

from gis.balance.graph import Floats, Ints
from gis.balance.kernel_types import Chance, Net, chance_below

FREE = -1


def from_home(net: Net) -> Ints:
    """Today's parts, numbered from 0 as `net.home` has them; scattered pieces and new atoms go to their neighbours.

    Of a part in several pieces the one with frozen atoms stays, else the heaviest.
    """
    labels = np.full(len(net.weight), FREE, dtype=np.int64)
    for part in np.unique(net.home[net.home >= 0]):
        pieces = pieces_of(net, np.flatnonzero(net.home == part))
        stays = max(pieces, key=lambda piece: (bool(net.frozen[piece].any()), float(net.weight[piece].sum()), len(piece)))
        labels[stays] = part
    return _compact(spread(net, labels))


def from_seeds(net: Net, seeds: Ints, count: int, chance: Chance) -> Ints:
    """Parts 0 to count - 1 grown from seeds, the lightest growing next; further seeds are set far from the others."""
    chosen = list(dict.fromkeys(int(each) for each in seeds))
    if not chosen:
        chosen = [int(chance_below(chance, len(net.weight)))]
    while len(chosen) < count:
        steps = _steps_from(net, chosen)
        chosen.append(int(np.argmax(steps + np.array([int(chance_below(chance, 3)) for _ in steps]) * (steps > 0))))
    labels = np.full(len(net.weight), FREE, dtype=np.int64)
    labels[chosen] = np.arange(count)
    return spread(net, labels)


def spread(net: Net, labels: Ints) -> Ints:
    """Give every free atom of a connected net to a part beside it, the lightest part that can grow going first."""
    labels = labels.copy()
    if (labels == FREE).all():
        return np.zeros_like(labels)
    taken = labels != FREE
    weight = np.bincount(labels[taken], weights=net.weight[taken], minlength=int(labels.max()) + 1)
    waiting = [deque[int]() for _ in weight]
    for start in np.flatnonzero(taken):
        waiting[labels[start]].extend(int(each) for each in _beside(net, int(start)) if labels[each] == FREE)
    growing = {part for part, queue in enumerate(waiting) if queue}
    while growing:
        part = min(growing, key=lambda each: (weight[each], each))
        atom = waiting[part].popleft()
        if labels[atom] == FREE:
            labels[atom] = part
            weight[part] += net.weight[atom]
            waiting[part].extend(int(each) for each in _beside(net, atom) if labels[each] == FREE)
        if not waiting[part]:
            growing.discard(part)
    return labels


def fitted(net: Net, labels: Ints, fewest: int, most: int) -> Ints:
    """Join the lightest parts or split the heaviest until there are `fewest` to `most`; parts with frozen atoms are not joined."""
    labels = _compact(labels)
    while labels.max() + 1 > most:
        pair = _to_join(net, labels)
        if pair is None:
            break
        labels[labels == pair[1]] = pair[0]
        labels = _compact(labels)
    while labels.max() + 1 < fewest:
        weight = part_weights(net, labels)
        large = np.flatnonzero(np.bincount(labels) > 1)
        labels = halved(net, labels, int(large[np.argmax(weight[large])]))
    return labels


def halved(net: Net, labels: Ints, part: int) -> Ints:
    """Cut one part of at least two atoms in two connected ones, as even as its widest tree allows; frozen atoms stay together."""
    inside = np.flatnonzero(labels == part)
    order, parent = _tree(net, labels, int(inside[np.argmax(net.frozen[inside])]))
    below = {atom: float(net.weight[atom]) for atom in order}
    held = {atom: bool(net.frozen[atom]) for atom in order}
    for atom in reversed(order[1:]):
        below[parent[atom]] += below[atom]
        held[parent[atom]] |= held[atom]
    half = below[order[0]] / 2
    loose = [atom for atom in order[1:] if not held[atom]]
    if not loose:
        return labels
    top = min(loose, key=lambda atom: abs(below[atom] - half))
    moved = {top}
    for atom in order[1:]:
        if parent[atom] in moved:
            moved.add(atom)
    labels = labels.copy()
    labels[list(moved)] = labels.max() + 1
    return labels


def part_weights(net: Net, labels: Ints) -> Floats:
    """The weight of each part."""
    return np.bincount(labels, weights=net.weight, minlength=int(labels.max()) + 1).astype(np.float64)


def neighbours(net: Net, labels: Ints, part: int) -> Ints:
    """The parts that share a border with one."""
    one, two = labels[net.one], labels[net.two]
    return np.unique(np.concatenate([two[(one == part) & (two != part)], one[(two == part) & (one != part)]]))


def pieces_of(net: Net, atoms: Ints) -> list[Ints]:
    """The connected pieces of some atoms."""
    left = {int(each) for each in atoms}
    pieces = []
    while left:
        start = min(left)
        left.discard(start)
        found, waiting = [start], deque([start])
        while waiting:
            for there in _beside(net, waiting.popleft()):
                if int(there) in left:
                    left.discard(int(there))
                    found.append(int(there))
                    waiting.append(int(there))
        pieces.append(np.array(sorted(found), dtype=np.int64))
    return pieces


def _to_join(net: Net, labels: Ints) -> tuple[int, int] | None:
    """The lightest part that may be joined, and the lightest beside it."""
    weight = part_weights(net, labels)
    held = np.zeros(len(weight), dtype=np.bool_)
    held[labels[net.frozen]] = True
    for part in np.argsort(weight, kind="stable"):
        beside = [each for each in neighbours(net, labels, int(part)) if not (held[part] and held[each])]
        if beside:
            return int(part), int(min(beside, key=lambda each: weight[each]))
    return None


def _tree(net: Net, labels: Ints, root: int) -> tuple[list[int], dict[int, int]]:
    """A breadth-first tree of the part a root lies in."""
    order, parent = [root], {root: -1}
    for atom in order:
        for there in _beside(net, atom):
            if labels[there] == labels[root] and int(there) not in parent:
                parent[int(there)] = atom
                order.append(int(there))
    return order, parent


def _steps_from(net: Net, starts: list[int]) -> Ints:
    steps = np.full(len(net.weight), -1, dtype=np.int64)
    steps[starts] = 0
    waiting = deque(starts)
    while waiting:
        atom = waiting.popleft()
        for there in _beside(net, atom):
            if steps[there] < 0:
                steps[there] = steps[atom] + 1
                waiting.append(int(there))
    return steps


def _beside(net: Net, atom: int) -> Ints:
    return net.other[net.first[atom] : net.first[atom + 1]]


def _compact(labels: Ints) -> Ints:
    """The same parts numbered from 0 without a gap."""
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)
