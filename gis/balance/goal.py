"""What a plan is asked for: bounds, a number of parts, and what no plan can reach because of the numbers alone."""

from dataclasses import dataclass
from math import ceil, floor, isfinite

import numpy as np

from gis.balance.graph import Floats
from gis.balance.proposal import Impossible, Reason
from gis.errors import BadValue

ROUNDING = 1e-9


@dataclass(frozen=True)
class Goal:
    """Every part from `low` to `high`; or as even as can be if `even`, both then being the mean. `parts`: how many, if fixed."""

    low: float
    high: float
    parts: int | None
    even: bool


@dataclass(frozen=True)
class Count:
    """How many parts some ground may be divided into, how many are aimed at, and what each should weigh."""

    fewest: int
    most: int
    aim: int
    mean: float
    impossible: Impossible | None


def goal_of(total: float, atoms: int, low: float | None, high: float | None, parts: int | None) -> Goal:
    """The goal in words of a caller; BadValue if it makes no sense."""
    if parts is not None and not 1 <= parts <= atoms:
        raise BadValue(f"{atoms} polygons cannot make {parts} parts.", field="parts", parts=parts, atoms=atoms)
    if low is None and high is None:
        if parts is None:
            raise BadValue("Say the least and the greatest weight of a part, or how many parts.", field="parts")
        return Goal(total / parts, total / parts, parts, even=True)
    if low is None or high is None or not (isfinite(low) and isfinite(high) and 0 <= low <= high and high > 0):
        raise BadValue("The bounds are two numbers from 0, the lower first.", field="min", min=low, max=high)
    return Goal(float(low), float(high), parts, even=False)


def count_of(weights: Floats, goal: Goal, *, fixed: int | None = None, seeds: int = 0, cut_off: bool = False) -> Count:
    """How many parts connected ground with these weights may have.

    `fixed`: it must be so many. `seeds`: it holds so many seeds, each in a part of its own. `cut_off`: it is one of
    several pieces of ground. An atom heavier than the upper bound is counted as a part of its own.
    """
    total = float(weights.sum())
    if goal.even:
        assert fixed is not None
        return Count(fixed, fixed, fixed, total / fixed, None)
    heavy = np.flatnonzero(weights > goal.high * (1 + ROUNDING))
    light = total - float(weights[heavy].sum())
    few, many = _feasible(light, len(weights) - len(heavy), goal)
    fewest, most = max(few, seeds - len(heavy)), many
    if fixed is not None:
        fewest, most = (fixed - len(heavy),) * 2
    if fewest > most or not few <= fewest <= most <= many:
        aim = max(fixed - len(heavy), 0) if fixed is not None else max(_nearest(light, goal, spare=len(heavy) > 0), seeds - len(heavy))
        fewest = most = aim
        reason: Reason = "atom" if len(heavy) else "piece" if cut_off else "total"
    else:
        aim = min(max(round(2 * light / (goal.low + goal.high)), fewest), most)
        reason = "atom"
    fits = few <= aim <= many and not len(heavy)
    shares = (light / aim,) * aim if aim else ()
    nearest = (*shares, *(float(each) for each in weights[heavy]))
    impossible = None if fits else Impossible(reason, total, len(nearest), nearest, tuple(int(each) for each in heavy))
    mean = light / aim if aim else goal.high
    return Count(max(fewest + len(heavy), 1), most + len(heavy), max(aim + len(heavy), 1), mean, impossible)


def shared_out(totals: Floats, atoms: Floats, parts: int) -> list[int]:
    """How many of `parts` each connected piece of ground gets: at least one, as even as their weights allow."""
    counts = np.ones(len(totals), dtype=np.int64)
    if parts < len(totals):
        raise BadValue(
            f"The polygons lie in {len(totals)} pieces that do not touch; {parts} contiguous parts cannot cover them.",
            field="parts", parts=parts, pieces=len(totals),
        )  # fmt: skip
    for _ in range(parts - len(totals)):
        load = np.where(counts < atoms, totals / counts, -1.0)
        counts[int(np.argmax(load))] += 1
    return [int(each) for each in counts]


def _feasible(weight: float, atoms: int, goal: Goal) -> tuple[int, int]:
    """Fewest and most parts into which a weight can be divided within the bounds, were it sand; crossed if none."""
    if atoms == 0:
        return 0, 0
    few = max(ceil(weight / goal.high * (1 - ROUNDING)), 1)
    return few, min(floor(weight / goal.low * (1 + ROUNDING)), atoms) if goal.low > 0 else atoms


def _nearest(weight: float, goal: Goal, *, spare: bool) -> int:
    """The number of parts that misses the bounds by least in all; `spare`: none at all is possible, too."""
    most = floor(weight / goal.low * (1 + ROUNDING)) if goal.low > 0 else 1
    choices = [count for count in (most, most + 1) if count > 0 or spare]
    misses = {count: weight if count == 0 else max(weight - count * goal.high, count * goal.low - weight) for count in choices}
    return min(choices, key=lambda count: (misses[count], count))
