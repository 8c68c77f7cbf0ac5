"""One click: a part that is out of range and the parts round it give and take until all are in range, the rest untouched."""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from gis.balance.goal import ROUNDING, count_of, goal_of
from gis.balance.graph import Graph, Ints
from gis.balance.naming import as_home
from gis.balance.proposal import Impossible, Proposal, contiguous, measured
from gis.balance.propose import COMPACT, ROAD, WORD
from gis.balance.solve import Task, solve
from gis.errors import BadValue

STAY = 2.0
MOVES_PER_ATOM = 60
FEWEST_MOVES = 4_000
RINGS = 2


def balance(  # noqa: PLR0913  each is a choice of the planner
    graph: Graph,
    labels: ArrayLike,
    part: int,
    *,
    low: float,
    high: float,
    locked: ArrayLike | None = None,
    seed: int = 0,
    mu: float = STAY,
    road: float = ROAD,
    compact: float = COMPACT,
) -> Proposal:
    """Bring one part of a plan into range with the help of its neighbours, or else of their neighbours, too.

    `labels` (n,): the plan, -1 for atoms of no part, which stay so. Parts with a locked atom (`locked`, (n,)) neither
    give nor take, nor do parts in pieces that the others do not join. The number of parts stays as it is. `in_range` is
    said of the part and of all that were changed; the other figures are those of the whole plan. If no way is found, the
    nearest comes back with `in_range` False, and with `impossible` if the weights alone forbid one: then split the part or
    merge it with another.
    """
    today = np.asarray(labels, dtype=np.int64)
    if today.shape != (len(graph),) or not (today == part).any():
        raise BadValue(f"The plan has no part {part}.", field="part", part=part)
    goal = goal_of(float(graph.weights.sum()), len(graph), low, high, None)
    fixed = np.zeros(len(graph), dtype=np.bool_) if locked is None else np.asarray(locked, dtype=np.bool_)
    if (fixed & (today == part)).any():
        raise BadValue(f"Part {part} is locked.", field="part", part=part)
    willing = np.setdiff1d(np.unique(today[today >= 0]), today[fixed])
    near, best = np.array([part], dtype=np.int64), today
    impossible: Impossible | None = None
    for _ in range(RINGS):
        near = _with_neighbours(graph, today, near, willing)
        joined = _joined(graph, today, near, part)
        if not len(joined):
            continue
        atoms = np.flatnonzero(np.isin(today, joined))
        count = count_of(graph.weights[atoms], goal, fixed=len(joined))
        task = Task(
            graph=graph.within(atoms), count=count, low=low, high=high, even=False, home=today[atoms], mu=mu,
            frozen=np.zeros(len(atoms), dtype=np.bool_), seeds=np.empty(0, dtype=np.int64), road=road, compact=compact,
            moves=max(FEWEST_MOVES, MOVES_PER_ATOM * len(atoms)), progress=_silent, cancelled=_never,
        )  # fmt: skip
        solved = solve(task, np.array([seed & WORD], dtype=np.uint64))
        best = today.copy()
        best[atoms] = as_home(solved.labels, today[atoms], graph.weights[atoms])
        impossible = solved.impossible
        if _in_range(graph, best, _touched(today, best, part), low, high):
            break
    return _told(graph, today, best, part, low, high, impossible, seed)


def _with_neighbours(graph: Graph, labels: Ints, near: Ints, willing: Ints) -> Ints:
    ends = labels[graph.edges]
    one, two = np.isin(ends[:, 0], near), np.isin(ends[:, 1], near)
    beside = np.union1d(ends[one, 1], ends[two, 0])
    return np.union1d(near, np.intersect1d(beside, willing))


def _joined(graph: Graph, labels: Ints, near: Ints, part: int) -> Ints:
    """Those of some parts that hang together with one of them, all their pieces; none if that one lies in pieces even so."""
    while True:
        atoms = np.flatnonzero(np.isin(labels, near))
        piece, held = graph.within(atoms).pieces(), labels[atoms]
        mine = np.unique(piece[held == part])
        if len(mine) > 1:
            return near[:0]
        apart = np.unique(held[piece != mine[0]])
        if not len(apart):
            return near
        near = np.setdiff1d(near, apart)


def _touched(today: Ints, labels: Ints, part: int) -> Ints:
    changed = labels != today
    return np.unique(np.concatenate([labels[changed], today[changed], [part]]))


def _in_range(graph: Graph, labels: Ints, parts: Ints, low: float, high: float) -> bool:
    weights = np.array([graph.weights[labels == part].sum() for part in parts])
    slack = ROUNDING * high
    return bool(((weights >= low - slack) & (weights <= high + slack)).all())


def _told(
    graph: Graph, today: Ints, labels: Ints, part: int, low: float, high: float, impossible: Impossible | None, seed: int
) -> Proposal:
    """The figures of the whole plan, the verdict on what was touched; torn parts that were so before are not our fault."""
    touched = _touched(today, labels, part)
    proposal = measured(graph, labels, low=low, high=high, home=today, seed=seed)
    mine = np.isin(labels, touched)
    if (labels != today).any() and not contiguous(graph.within(np.flatnonzero(mine)), labels[mine]):
        raise RuntimeError("A part in pieces was made; it is kept back.")
    good = _in_range(graph, labels, touched, low, high)
    return replace(proposal, in_range=good, impossible=() if good or impossible is None else (impossible,))


def _silent(share: float) -> None:
    del share


def _never() -> bool:
    return False
