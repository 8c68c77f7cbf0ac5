"""Divides a graph of atoms into contiguous parts whose weights lie in a range, compact and along roads."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from gis.balance.goal import Count, Goal, count_of, goal_of, shared_out
from gis.balance.graph import Flags, Graph, Ints
from gis.balance.naming import NOBODY, as_home
from gis.balance.proposal import Proposal, contiguous, measured
from gis.balance.solve import Solved, Task, solve
from gis.errors import BadValue

MOVES_PER_ATOM = 300
FEWEST_MOVES = 10_000
ROAD = 0.15
COMPACT = 1.2
WORD = 0xFFFFFFFFFFFFFFFF


@dataclass(frozen=True)
class Held:
    """What must stay: `closed` atoms of parts that are locked as a whole, `frozen` other locked atoms and seeds."""

    closed: Flags
    frozen: Flags
    seeds: Ints


def propose(  # noqa: PLR0913  each is a choice of the planner
    graph: Graph,
    *,
    low: float | None = None,
    high: float | None = None,
    parts: int | None = None,
    seed: int = 0,
    home: ArrayLike | None = None,
    mu: float = 0.0,
    locked: ArrayLike | None = None,
    seeds: ArrayLike | None = None,
    moves: int | None = None,
    road: float = ROAD,
    compact: float = COMPACT,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Proposal:
    """Contiguous parts of `low` to `high` weight, or `parts` parts as even as can be, or both.

    `home` (n,): today's part of each atom, -1 for none; labels that come out are its numbers. `mu`: the price of moving
    a part's mean weight away from home, in sides of a mean part (0 starts over; 2, 10 and 40 move less and less).
    `locked` (n,): atoms that keep their home; a part that is locked as a whole is closed to others, too, and may lie in
    pieces. `seeds`: atoms that must lie in different parts. `moves`: how many changes are tried. `road`: what a metre of
    border along a road costs against one elsewhere. `compact`: the price of ragged outlines. `progress` hears a share from
    0 to 1; once `cancelled` says so, the best plan so far comes back with `complete` False.

    No plan in range is no error: the nearest comes back with `in_range` False and `impossible` telling why. Raises
    BadValue if what is asked for contradicts itself.
    """
    _refuse_nonsense(graph, mu=mu, road=road, compact=compact, moves=moves)
    today = _home(graph, home)
    held = _held(graph, today, locked, seeds)
    goal = goal_of(float(graph.weights.sum()), len(graph), low, high, parts)
    chance = np.array([seed & WORD], dtype=np.uint64)
    total_moves = moves if moves is not None else max(FEWEST_MOVES, MOVES_PER_ATOM * len(graph))
    labels = np.full(len(graph), NOBODY, dtype=np.int64)
    found: list[Solved] = []
    following = 0
    for atoms, count in _grounds(graph, goal, held, today):
        share = len(atoms) / len(graph)
        done = sum(len(each.labels) for each in found) / len(graph)
        task = Task(
            graph=graph.within(atoms), count=count, even=goal.even, home=today[atoms], mu=mu, frozen=held.frozen[atoms],
            low=count.mean if goal.even else goal.low, high=count.mean if goal.even else goal.high,
            seeds=np.flatnonzero(np.isin(atoms, held.seeds)), moves=max(1, round(total_moves * share)), road=road,
            compact=compact, progress=_part_of(progress, done, share), cancelled=cancelled or _never,
        )  # fmt: skip
        solved = solve(task, chance)
        labels[atoms] = solved.labels + following
        following += int(solved.labels.max()) + 1
        found.append(solved)
    return _answer(graph, goal, held, today, labels, found, seed)


def alternatives(
    graph: Graph, count: int, *, seed: int = 0, progress: Callable[[float], None] | None = None, **wishes: object
) -> list[Proposal]:
    """Different proposals by the seeds from `seed` on, the best first: in range, then the least price of their borders."""
    found: list[Proposal] = []
    for number in range(count):
        heard = _part_of(progress, number / count, 1 / count)
        proposal = propose(graph, seed=seed + number, progress=heard, **wishes)  # type: ignore[arg-type]
        if not any(same(proposal.labels, other.labels) for other in found):
            found.append(proposal)
        if not proposal.complete:
            break
    road = float(str(wishes.get("road", ROAD)))
    cost = {id(each): each.border_m * (1.0 - (1.0 - road) * (each.on_roads or 0.0)) for each in found}
    return sorted(found, key=lambda each: (not each.in_range, cost[id(each)]))


def _refuse_nonsense(graph: Graph, *, mu: float, road: float, compact: float, moves: int | None) -> None:
    if not len(graph):
        raise BadValue("There are no polygons.", field="weights")
    for field, value in (("mu", mu), ("road", road), ("compact", compact), ("moves", 0 if moves is None else moves)):
        if not (np.isfinite(value) and value >= 0):
            raise BadValue(f"{field} is a number from 0.", field=field, value=value)


def _home(graph: Graph, home: ArrayLike | None) -> Ints:
    if home is None:
        return np.full(len(graph), NOBODY, dtype=np.int64)
    today = np.asarray(home, dtype=np.int64)
    if today.shape != (len(graph),) or (today < NOBODY).any():
        raise BadValue("The home of each atom is the number of a part, or -1 for none.", field="home")
    return today


def _held(graph: Graph, today: Ints, locked: ArrayLike | None, seeds: ArrayLike | None) -> Held:
    """Sort out what is locked; BadValue where that cannot be kept."""
    fixed = np.zeros(len(graph), dtype=np.bool_) if locked is None else np.asarray(locked, dtype=np.bool_)
    grown = np.unique(np.asarray([] if seeds is None else seeds, dtype=np.int64))
    if fixed.shape != (len(graph),):
        raise BadValue("Say for each atom whether it is locked.", field="locked")
    if (fixed & (today == NOBODY)).any():
        raise BadValue("Only what has a home can be locked.", field="locked")
    if len(grown) and not (grown[0] >= 0 and grown[-1] < len(graph)):
        raise BadValue("A seed is the number of an atom.", field="seeds")
    open_parts = np.unique(today[~fixed])
    closed = fixed & ~np.isin(today, open_parts)
    frozen = fixed & ~closed
    if len(grown) and frozen.any():
        raise BadValue("Seeds start over, single locked atoms do not: lock whole parts or name no seeds.", field="seeds")
    if closed[grown].any():
        raise BadValue("A seed lies in a locked part.", field="seeds")
    _refuse_torn(graph, today, frozen)
    frozen[grown] = True
    return Held(closed, frozen, grown)


def _refuse_torn(graph: Graph, today: Ints, frozen: Flags) -> None:
    """Locked atoms of a part that others may enter must lie in one piece of it."""
    for part in np.unique(today[frozen]):
        atoms = np.flatnonzero(today == part)
        pieces = graph.within(atoms).pieces()
        if len(np.unique(pieces[frozen[atoms]])) > 1:
            raise BadValue(f"Part {part} is locked but not contiguous.", field="locked", part=int(part))


def _grounds(graph: Graph, goal: Goal, held: Held, today: Ints) -> Iterator[tuple[Ints, Count]]:
    """Each connected piece of ground that is not closed, with the number of parts it may have."""
    free = np.flatnonzero(~held.closed)
    closed_parts = len(np.unique(today[held.closed]))
    parts = None if goal.parts is None else goal.parts - closed_parts
    if parts is not None and (parts < 0 or (parts == 0) != (len(free) == 0)):
        raise BadValue(f"{closed_parts} parts are locked; {goal.parts} in all cannot be.", field="parts", locked=closed_parts)
    if not len(free):
        return
    piece = graph.within(free).pieces()
    grounds = [free[piece == each] for each in range(int(piece.max()) + 1)]
    totals = np.array([graph.weights[atoms].sum() for atoms in grounds])
    counts = None if parts is None else shared_out(totals, np.array([len(atoms) for atoms in grounds]), parts)
    for number, atoms in enumerate(grounds):
        anchors = atoms[held.frozen[atoms]]
        seeds = len(held.seeds[np.isin(held.seeds, atoms)]) or len(np.unique(today[anchors]))
        fixed = None if counts is None else counts[number]
        if fixed is not None and seeds > fixed:
            raise BadValue(f"{seeds} seeds or locked parts cannot lie in {fixed} different parts.", field="seeds", seeds=seeds, parts=fixed)
        yield atoms, count_of(graph.weights[atoms], goal, fixed=fixed, seeds=seeds, cut_off=len(grounds) > 1)


def _answer(graph: Graph, goal: Goal, held: Held, today: Ints, labels: Ints, found: list[Solved], seed: int) -> Proposal:
    """Names and figures; a drawn part in pieces would be a fault of ours and never leaves."""
    free = ~held.closed
    if free.any() and (today != NOBODY).any():
        known = np.where(free, today, NOBODY)
        # What is locked must keep its name, however little it weighs.
        named = as_home(labels[free], known[free], (graph.weights + held.frozen * (1.0 + graph.weights.sum()))[free])
        beyond = named > known.max(initial=-1)
        named[beyond] += max(int(today.max()) - int(known.max(initial=-1)), 0)
        labels[free] = named
    labels[held.closed] = today[held.closed]
    impossible = [each.impossible for each in found if each.impossible is not None]
    low, high = (0.0, float("inf")) if goal.even else (goal.low, goal.high)
    proposal = measured(
        graph, labels, low=low, high=high, home=today if (today != NOBODY).any() else None, impossible=impossible,
        optimal=bool(found) and all(each.optimal for each in found), complete=all(each.complete for each in found), seed=seed,
    )  # fmt: skip
    if not contiguous(graph.within(np.flatnonzero(free)), labels[free]):
        raise RuntimeError("A proposal with a part in pieces was made; it is kept back.")
    return replace(proposal, contiguous=True)


def same(one: Ints, other: Ints) -> bool:
    """Whether two plans have the same parts, whatever they are called."""
    pairs = np.unique(np.column_stack([one, other]), axis=0)
    return len(pairs) == len(np.unique(one)) == len(np.unique(other))


def _part_of(progress: Callable[[float], None] | None, done: float, share: float) -> Callable[[float], None]:
    if progress is None:
        return lambda _: None
    return lambda inner: progress(min(done + share * inner, 1.0))


def _never() -> bool:
    return False
