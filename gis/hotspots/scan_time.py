"""The space-time scan: cylinders (a circle through some days) that hold more cases than chance explains; the daily watch.

Permutation model (no population needed): a circle with c_z cases in all and days with c_t cases in all expect c_z · c_t / C
together; replicas keep every place and every day as busy as it was and deal the days anew, so neither a busy place nor a busy
season is a cluster, only both at once. Poisson model: given expectations per place and step. Either way
LLR = c ln(c / E) + (C - c) ln((C - c) / (C - E)) if c > E. Prospective: only cylinders that last to the final day, so the
answer is whether something goes on now; asked every day, a p as small comes by chance once in `recurrence_days` = step / p.
Sources: Kulldorff, Prospective time periodic geographical disease surveillance, J. R. Statist. Soc. A 164 (2001); Kulldorff,
Heffernan, Hartman, Assuncao and Mostashari, A space-time permutation scan statistic, PLoS Medicine 2 (2005).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gis.errors import BadValue, NothingToAnalyse
from gis.hotspots.circles import circles
from gis.hotspots.permutation import Progress
from gis.hotspots.scan import Scan, Sought, check_counts, judged, likeliest, replicated
from gis.hotspots.scan_kernels import POISSON
from gis.hotspots.scan_replicas import Draw, Null, Window, largest_ratios, permutation_draw, poisson_draw

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
MAX_SHARE_OF_TIME = 0.5


@dataclass(frozen=True)
class Cylinders:
    """How long and when: `max_steps` (default: half the period) and `min_steps`; `prospective`: lasting to the end only."""

    max_steps: int | None = None
    min_steps: int = 1
    prospective: bool = False


@dataclass(frozen=True)
class SpaceTimeScan:
    """`scan.clusters` with first_step and last_step, counted from 0. `recurrence_days`: one a cluster, prospective only."""

    scan: Scan
    steps: int
    step_days: float
    recurrence_days: list[float] | None


def recurrence(p: float, *, step_days: float = 1.0, watches: int = 1) -> float:
    """How often, in days, chance alone brings a p as small to one of `watches` scans that are asked every `step_days`.

    step_days / (1 - (1 - p)^watches), the watches (categories, districts) held to be independent; one watch: step_days / p.
    """
    if not 0 < p <= 1 or watches < 1 or not step_days > 0:
        raise BadValue("A p lies above 0 and at most 1, there is a watch or more, and a step has a length.", p=p, watches=watches)
    return step_days / -math.expm1(watches * math.log1p(-p)) if p < 1 else step_days


def p_of_recurrence(days: float, *, step_days: float = 1.0, watches: int = 1) -> float:
    """The p that one of `watches` scans must stay within so that chance alone alarms once in `days`; the inverse of `recurrence`."""
    if not days >= step_days > 0 or watches < 1:
        raise BadValue("An alarm comes back after a step or more, and there is a watch or more.", days=days, watches=watches)
    return -math.expm1(math.log1p(-step_days / days) / watches) if days > step_days else 1.0


def steps_of(days: ArrayLike, *, start: float, end: float, step_days: int = 1) -> tuple[Longs, int]:
    """Day numbers → time steps of `step_days` whole days, and how many; the last step ends with the day `end`.

    Both ends are within the study; counted back from the end, the first step may be shorter. BadValue for a day outside.
    """
    at = np.floor(np.asarray(days, dtype=np.float64))
    first, last = math.floor(start), math.floor(end)
    if step_days < 1 or last < first:
        raise BadValue("A study ends after its start, in steps of a day or more.", start=start, end=end, step_days=step_days)
    outside = ~((at >= first) & (at <= last))
    if outside.any():
        row = int(np.argmax(outside))
        raise BadValue("A case lies outside the study period.", row=row, day=float(at[row]), cases=int(outside.sum()))
    count = -(-(last - first + 1) // step_days)
    return count - 1 - ((last - at) // step_days).astype(np.int64), int(count)


def counts_of(place: ArrayLike, step: ArrayLike, *, places: int, steps: int, cases: ArrayLike | None = None) -> Longs:
    """Events (row of their place, time step, how many) → counts, (places, steps)."""
    cell = np.asarray(place, dtype=np.int64) * steps + np.asarray(step, dtype=np.int64)
    weights = None if cases is None else np.asarray(cases, dtype=np.float64)
    return np.bincount(cell, weights=weights, minlength=places * steps).reshape(places, steps).astype(np.int64)


def permutation_scan(
    places: ArrayLike, counts: ArrayLike, *, cylinders: Cylinders | None = None, sought: Sought | None = None, step_days: float = 1.0,
    progress: Progress | None = None,
) -> SpaceTimeScan:  # fmt: skip
    """Cylinders of `counts`, (places, steps) whole numbers, beyond what their places' and days' own totals explain.

    `places` as of scan.scan; circles hold at most `sought.max_share` of all cases. Raises BadValue for counts that are not
    whole, NothingToAnalyse for fewer than two days or places with cases: there would be nothing to permute.
    """
    how = sought or Sought()
    cases = _whole(counts, places)
    total = int(cases.sum())
    check_counts(float(total), how)
    busy_places, busy_steps = int((cases.sum(axis=1) > 0).sum()), int((cases.sum(axis=0) > 0).sum())
    if busy_places < 2 or busy_steps < 2:
        raise NothingToAnalyse("All cases share one place or one time step; nothing can be permuted.", places=busy_places, steps=busy_steps)
    expected = np.outer(cases.sum(axis=1), cases.sum(axis=0)) / total
    return _scanned(
        places, cases.astype(np.float64), expected, lambda used: permutation_draw(cases, used), cylinders, how, step_days, progress
    )


def space_time_scan(
    places: ArrayLike, counts: ArrayLike, at_risk: ArrayLike, *, cylinders: Cylinders | None = None, sought: Sought | None = None,
    step_days: float = 1.0, progress: Progress | None = None,
) -> SpaceTimeScan:  # fmt: skip
    """Cylinders of `counts`, (places, steps), beyond what the people `at_risk`, (places,) or (places, steps), explain.

    People given once are there for the whole period. Raises BadValue for cases where nobody is at risk.
    """
    how = sought or Sought()
    cases = _whole(counts, places)
    base = np.asarray(at_risk, dtype=np.float64)
    base = np.repeat(base[:, None], cases.shape[1], axis=1) if base.ndim == 1 else base
    if base.shape != cases.shape or not (np.isfinite(base) & (base >= 0)).all():
        raise BadValue("Those at risk are one number of 0 or more a place, or a place and step.", at_risk=base.shape, counts=cases.shape)
    alone = (cases > 0) & (base <= 0)
    if alone.any():
        raise BadValue("There are cases where nobody is at risk.", row=int(np.argmax(alone.any(axis=1))), cells=int(alone.sum()))
    total = int(cases.sum())
    check_counts(float(total), how)
    expected = base * (total / base.sum())

    def draw(used: slice) -> Draw:
        whole = poisson_draw(expected, total)
        return lambda random, count: np.ascontiguousarray(whole(random, count)[:, used])

    return _scanned(places, cases.astype(np.float64), expected, draw, cylinders, how, step_days, progress)


def _scanned(
    places: ArrayLike, cases: Floats, expected: Floats, draw: Callable[[slice], Draw], cylinders: Cylinders | None, how: Sought,
    step_days: float, progress: Progress | None,
) -> SpaceTimeScan:  # fmt: skip
    total, steps = float(cases.sum()), cases.shape[1]
    longest = _longest(cylinders or Cylinders(), steps)
    shape = cylinders or Cylinders()
    # A watch looks at the last days only: the others need no replica.
    used = slice(steps - longest, steps) if shape.prospective else slice(0, steps)
    seen, due = np.ascontiguousarray(cases[:, used]), np.ascontiguousarray(expected[:, used])
    ends = np.array([longest - 1], dtype=np.int64) if shape.prospective else np.arange(steps, dtype=np.int64)
    window = Window(ends, longest, shape.min_steps)
    around = circles(places, expected.sum(axis=1), max_share=how.max_share, max_radius_m=how.max_radius_m)
    found = likeliest(around, seen, due, window, total=total, trials=0.0, model=POISSON, least=how.least_cases)
    found = [replace(each, first_step=each.first_step + used.start, last_step=each.last_step + used.start) for each in found]
    null = Null(int(total), how.least_cases, POISSON)
    blocks = largest_ratios(around, due, window, draw(used), null, seed=how.seed, replicas=how.permutations)
    largest, stopped = replicated(blocks, found, how, progress)
    clusters = judged(found, largest, how, stopped)
    again = [recurrence(each.p, step_days=step_days) for each in clusters] if shape.prospective else None
    whole = Scan(clusters, total, total, int(around.whole.sum()), np.sort(largest), stopped, how.max_share, how.max_radius_m, how.seed)
    return SpaceTimeScan(whole, steps, step_days, again)


def _longest(shape: Cylinders, steps: int) -> int:
    if steps < 2:
        raise NothingToAnalyse("The period is a single time step; scan its places alone.", steps=steps)
    longest = shape.max_steps if shape.max_steps is not None else max(1, math.floor(steps * MAX_SHARE_OF_TIME))
    if not 1 <= shape.min_steps <= longest or longest > steps:
        raise BadValue("A cluster lasts between 1 step and the period.", shortest=shape.min_steps, longest=longest, steps=steps)
    return longest


def _whole(counts: ArrayLike, places: ArrayLike) -> Longs:
    given = np.asarray(counts, dtype=np.float64)
    if given.ndim != 2 or len(given) != len(np.asarray(places)):
        raise BadValue("Counts are a table, a row for each place and a column for each step.", shape=given.shape)
    wrong = ~(np.isfinite(given) & (given >= 0) & (given == np.floor(given)))
    if wrong.any():
        raise BadValue("A count is negative, missing or not whole.", row=int(np.argmax(wrong.any(axis=1))))
    return given.astype(np.int64)
