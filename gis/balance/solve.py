"""One connected piece of ground: a first plan, improved while it cools, mended where parts stay out of range, proved if small."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from gis.balance.exact_kernels import MAX_ATOMS, SLACK, Small, search
from gis.balance.flip_kernels import cool
from gis.balance.goal import Count
from gis.balance.graph import Flags, Graph, Ints
from gis.balance.kernel_types import Chance, Net, Rules, energy
from gis.balance.naming import as_labels
from gis.balance.net import net_of
from gis.balance.proposal import Impossible
from gis.balance.recombine_kernels import recombine
from gis.balance.starts import fitted, from_home, from_seeds, halved, neighbours, part_weights
from gis.balance.tree_kernels import draft

TREES = 3
CHUNKS = 8
"""How often progress is told and a cancel is heard."""
HOT = 0.4
COLD = 0.04
"""Temperatures, in sides of a mean part, where cooling begins and ends."""
OUTSIDE = 100.0
OUTSIDE_STAY = 10.0
"""Being in range comes before staying at home, even where ground has to pass through several parts."""
EVEN = 1.0
EVEN_ONLY = (50.0, 400.0)
"""The prices of unevenness where that comes first, to begin with."""
PRESSURE = (1.0, 1e4)
PRESSES = 40
"""How many times those prices they rise to, and in how many steps."""
PRESS_HEAT, PRESS_POWER = 0.5, 0.3
"""The temperature under pressure: a share of what the median atom's weight costs, and how it follows the pressure."""
PRESS_WIDE, PRESS_MOVES = 2_500, 2_500
"""How many recombinations and how many flips at least each step tries."""
EVEN_ENOUGH = 0.001
"""Weights this near to the mean, as a share of it, are even; then shape decides."""
ATTEMPTS = 8
"""How many plans are drafted and cooled, each with its share of the moves: many short searches find more than a long one."""
EVEN_ATTEMPTS, ATTEMPT_ATOMS = 4, 2_000
"""The same where only evenness counts, and for how many atoms together at most."""
HARDER = 4.0
ROUNDS = 3
STEPS = 3_000_000


@dataclass(frozen=True)
class Task:
    """Connected ground and all that is wished of it; arrays are over its atoms, `low` and `high` in units of weight."""

    graph: Graph
    count: Count
    low: float
    high: float
    even: bool
    home: Ints
    mu: float
    frozen: Flags
    seeds: Ints
    moves: int
    road: float
    compact: float
    progress: Callable[[float], None]
    cancelled: Callable[[], bool]


@dataclass(frozen=True)
class Solved:
    """Labels from 0; whether no plan is more even (proved), why none is in range, and whether it was cancelled."""

    labels: Ints
    optimal: bool
    impossible: Impossible | None
    complete: bool


class Cancelled(Exception):
    """The caller wants no more; `labels` is the best so far."""

    def __init__(self, labels: Ints) -> None:
        super().__init__("cancelled")
        self.labels = labels


def solve(task: Task, chance: Chance) -> Solved:
    """The best plan found for one piece of ground."""
    rules = _rules(task)
    net = net_of(task.graph, mean=task.count.mean, parts=task.count.aim, road=task.road, frozen=task.frozen, home=task.home)
    # Seeds that lie in one part today could never leave each other from there.
    repairs = not len(task.seeds) and bool((task.home >= 0).any()) and (task.mu > 0 or bool((task.frozen & (task.home >= 0)).any()))
    try:
        if task.even and _searchable(task):
            quiet = replace(task, progress=lambda _: None)
            proved = _proved(net, task, _cooled(net, rules, quiet, _begun(net, rules, task, chance, repairs=repairs), chance, 0.0, 1.0))
            if proved.optimal:
                task.progress(1.0)
                return proved
        labels = _improved(net, rules, task, chance, repairs=repairs)
    except Cancelled as stopped:
        return Solved(stopped.labels, optimal=False, impossible=task.count.impossible, complete=False)
    task.progress(1.0)
    return _proved(net, task, labels)


def _improved(net: Net, rules: Rules, task: Task, chance: Chance, *, repairs: bool) -> Ints:
    """The best of the plans that were drafted and improved."""
    if repairs:
        return _cooled_and_finished(net, rules, task, chance, (0.0, 1.0), repairs=True)
    attempts = max(1, min(EVEN_ATTEMPTS, ATTEMPT_ATOMS // len(net.weight))) if task.even else ATTEMPTS
    part = task if task.even else replace(task, moves=max(1, task.moves // attempts))
    found = [
        _cooled_and_finished(net, rules, part, chance, (attempt / attempts, 1 / attempts), repairs=False) for attempt in range(attempts)
    ]
    if task.even:
        return min(found, key=lambda each: _rank(net, rules, each))
    return _mended(net, rules, task, min(found, key=lambda each: _dearness(net, rules, each)), chance)


def _cooled_and_finished(net: Net, rules: Rules, task: Task, chance: Chance, span: tuple[float, float], *, repairs: bool) -> Ints:
    """One plan, drafted and improved; `span`: where its progress begins, and its share."""
    labels = _cooled(net, rules, task, _begun(net, rules, task, chance, repairs=repairs), chance, *span)
    return (_evened if task.even else _mended)(net, rules, task, labels, chance)


def _rules(task: Task) -> Rules:
    mean = task.count.mean or 1.0
    if task.even:
        return Rules(1.0, 1.0, *EVEN_ONLY, task.compact, task.mu)
    return Rules(task.low / mean, task.high / mean, OUTSIDE + OUTSIDE_STAY * task.mu, EVEN, task.compact, task.mu)


def _begun(net: Net, rules: Rules, task: Task, chance: Chance, *, repairs: bool) -> Ints:
    """A plan to begin with, of a number of parts that is allowed."""
    if repairs:
        labels = from_home(net)
    elif len(task.seeds):
        labels = from_seeds(net, task.seeds, task.count.aim, chance)
    else:
        labels = draft(net, rules, TREES, chance)
    return fitted(net, labels, task.count.fewest, task.count.most)


def _cooled(net: Net, rules: Rules, task: Task, labels: Ints, chance: Chance, done: float, share: float) -> Ints:
    """The plan after cooling; the best of what was seen at the end of each chunk."""
    labels = labels.copy()
    count = int(labels.max()) + 1
    if task.home.max(initial=-1) >= 0:
        net = net._replace(home=as_labels(labels, task.home, task.graph.weights))
    best, best_energy = labels.copy(), energy(net, rules, labels, count)
    stages = np.geomspace(HOT, COLD, CHUNKS)
    for stage in range(CHUNKS):
        if task.cancelled():
            raise Cancelled(best)
        last = stage == CHUNKS - 1
        schedule = np.array([task.moves / CHUNKS, 0.0 if last else stages[stage], 0.0 if last else stages[stage + 1]])
        cool(net, rules, labels, count, chance, schedule)
        found = energy(net, rules, labels, count)
        if found < best_energy:
            best, best_energy = labels.copy(), found
        task.progress(done + share * (stage + 1) / CHUNKS)
    return best


def _mended(net: Net, rules: Rules, task: Task, labels: Ints, chance: Chance) -> Ints:
    """While parts are out of range and the numbers would allow a plan: split or join the worst, cool again, keep what is better."""
    quiet = replace(task, progress=lambda _: None)
    for _ in range(ROUNDS):
        weight = part_weights(net, labels)
        miss = np.maximum(np.maximum(rules.low - weight, weight - rules.high), 0.0)
        if task.count.impossible is not None or miss.max() <= SLACK:
            break
        tried = _recut(net, rules, task.count, labels, int(np.argmax(miss)))
        rules = rules._replace(outside=rules.outside * HARDER)
        tried = _cooled(net, rules, quiet, tried, chance, 0.0, 0.0)
        if _missed(net, rules, tried) < _missed(net, rules, labels) - SLACK:
            labels = tried
    return labels


def _evened(net: Net, rules: Rules, task: Task, labels: Ints, chance: Chance) -> Ints:
    """The plan under rising pressure to be even, by wide steps and small ones; the best that was seen."""
    labels = labels.copy()
    count = int(labels.max()) + 1
    best, best_rank = labels.copy(), _rank(net, rules, labels)
    grain = float(np.median(net.weight[net.weight > 0])) if (net.weight > 0).any() else 1.0
    for pressure in np.geomspace(*PRESSURE, PRESSES):
        if task.cancelled():
            raise Cancelled(best)
        pressed = rules._replace(outside=rules.outside * pressure, even=rules.even * pressure)
        heat = max(COLD, PRESS_HEAT * rules.outside * grain * pressure**PRESS_POWER)
        recombine(net, pressed, labels, count, chance, PRESS_WIDE, heat)
        for step_heat in (heat, 0.0):
            cool(net, pressed, labels, count, chance, np.array([max(task.moves / (2 * PRESSES), PRESS_MOVES), step_heat, step_heat]))
            if (rank := _rank(net, rules, labels)) < best_rank:
                best, best_rank = labels.copy(), rank
    return best


def _rank(net: Net, rules: Rules, labels: Ints) -> tuple[float, float]:
    """How even a plan is, then what it costs; what is even enough counts alike."""
    count = int(labels.max()) + 1
    off = float(np.where(_helpless(net, labels), 0.0, np.abs(part_weights(net, labels) - 1.0)).max())
    return max(off, EVEN_ENOUGH), energy(net, rules._replace(outside=0.0, even=0.0), labels, count)


def _dearness(net: Net, rules: Rules, labels: Ints) -> tuple[float, float]:
    """How much weight is out of range, then what a plan costs."""
    missed = _missed(net, rules, labels)
    return (missed if missed > SLACK else 0.0), energy(net, rules, labels, int(labels.max()) + 1)


def _missed(net: Net, rules: Rules, labels: Ints) -> float:
    weight = part_weights(net, labels)
    return float(np.maximum(np.maximum(rules.low - weight, weight - rules.high), 0.0).sum())


def _recut(net: Net, rules: Rules, count: Count, labels: Ints, worst: int) -> Ints:
    """Split a part that is too heavy, join one that is too light, where the number of parts leaves room; else as it was."""
    weight = part_weights(net, labels)
    parts = len(weight)
    if weight[worst] > rules.high and parts < count.most and (labels == worst).sum() > 1:
        return halved(net, labels, worst)
    if weight[worst] < rules.low and parts > count.fewest:
        beside = neighbours(net, labels, worst)
        held = np.isin(np.arange(parts), labels[net.frozen])
        open_beside = [each for each in beside if not (held[each] and held[worst])]
        if open_beside:
            into = min(open_beside, key=lambda each: weight[each])
            joined = np.where(labels == worst, into, labels)
            return np.unique(joined, return_inverse=True)[1].astype(np.int64)
    return labels


def _proved(net: Net, task: Task, labels: Ints) -> Solved:
    """For few atoms: look at all plans, for the most even one, or where none is in range, for the nearest."""
    low, high = task.low / (task.count.mean or 1.0), task.high / (task.count.mean or 1.0)
    weight = part_weights(net, labels)
    miss = float(np.where(_helpless(net, labels, high), 0.0, np.maximum(np.maximum(low - weight, weight - high), 0.0)).max())
    if not _searchable(task) or (miss <= SLACK and not task.even):
        return Solved(labels, optimal=False, impossible=task.count.impossible, complete=True)
    labels = labels.copy()
    cut = labels[net.one] != labels[net.two]
    best = np.array([miss, float(net.edge_cost[cut].sum())])
    fewest, most = (task.count.fewest, task.count.most)
    complete = search(_small(net), low, high, fewest, most, best, labels, STEPS)
    impossible = task.count.impossible
    if complete and not task.even and best[0] > SLACK and impossible is None:
        found = part_weights(net, labels) * (task.count.mean or 1.0)
        impossible = Impossible("granularity", float(task.graph.weights.sum()), len(found), tuple(float(each) for each in found))
    return Solved(labels, optimal=complete, impossible=impossible, complete=True)


def _helpless(net: Net, labels: Ints, high: float = 1.0) -> Flags:
    """Parts of one atom that is heavier than a part may be: no plan does better there, so others are judged without them."""
    return np.asarray((np.bincount(labels) == 1) & (part_weights(net, labels) > high))


def _searchable(task: Task) -> bool:
    """Whether all plans can be looked at: few atoms, and none of them has to stay anywhere."""
    return len(task.frozen) <= MAX_ATOMS and not task.frozen.any() and task.mu == 0


def _small(net: Net) -> Small:
    beside = np.zeros(len(net.weight), dtype=np.uint64)
    for one, two in zip(net.one, net.two, strict=True):
        beside[one] |= np.uint64(1) << np.uint64(two)
        beside[two] |= np.uint64(1) << np.uint64(one)
    return Small(beside, net.weight, net.one, net.two, net.edge_cost)
