"""Kulldorff's spatial scan statistic: the circles that hold more cases than chance explains, and how unlikely they are.

For every circle with c cases where E are expected, of C in all, the log likelihood ratio against equal risk everywhere is

    Poisson    LLR = c ln(c / E) + (C - c) ln((C - c) / (C - E)),   E = C · population inside / population
    Bernoulli  LLR = c ln(c / n) + (n - c) ln((n - c) / n) + (C - c) ln((C - c) / (N - n))
                     + (N - n - C + c) ln((N - n - C + c) / (N - n)) - C ln(C / N) - (N - C) ln((N - C) / N)

if c > E, else 0 (n of N trials inside, E = C n / N). p = (1 + replicas whose largest LLR is as large) / (1 + replicas), the
replicas drawn under equal risk with C fixed: so p holds for the search over all circles. Sources: Kulldorff, A spatial scan
statistic, Commun. Statist. Theory Meth. 26 (1997); Kulldorff and Nagarwalla, Stat. Med. 14 (1995); sequential stop: Besag and
Clifford, Biometrika 78 (1991); Gumbel tail: Abrams, Kulldorff and Kleinman, Int. J. Health Geogr. 9 (2010).
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gis.errors import BadValue, NothingToAnalyse
from gis.hotspots import scan_kernels
from gis.hotspots.circles import Circles, circles
from gis.hotspots.permutation import Progress
from gis.hotspots.scan_replicas import Draw, Null, Window, bernoulli_draw, largest_ratios, poisson_draw

Floats = NDArray[np.float64]
Model = Literal["poisson", "bernoulli"]

MAX_SHARE = 0.1
"""Half a city is no place to act on: a tenth of what is expected is the largest circle unless another is asked for."""
PERMUTATIONS = 999
LEAST_CASES = 2
MINIMUM_CASES = 5
# Equal ratios summed in another order differ by rounding.
TIE = 1e-9
EULER = 0.5772156649015329


@dataclass(frozen=True)
class Cluster:
    """One circle (a cylinder, when times are scanned). `members`: rows of the places, nearest to the centre first.

    `relative_risk`: (observed / expected) inside over the same outside; infinite if all cases are inside. `p` counts
    replicas; `gumbel_p` is read off a Gumbel curve fitted to them and reaches below 1 / replicas, at that curve's word.
    """

    centre: int
    members: NDArray[np.int64]
    radius_m: float
    observed: float
    expected: float
    relative_risk: float
    log_ratio: float
    p: float
    gumbel_p: float
    at_risk: float
    first_step: int = 0
    last_step: int = 0


@dataclass(frozen=True)
class Scan:
    """Clusters without a place in common, most likely first, and how they were found.

    `largest`: of each replica the largest LLR, rising; `stopped`: replicas ended early, since the first cluster is chance.
    """

    clusters: list[Cluster]
    cases: float
    at_risk: float
    circles: int
    largest: Floats
    stopped: bool
    max_share: float
    max_radius_m: float | None
    seed: int

    def critical(self, level: float) -> float:
        """The LLR that a first cluster needs for p ≤ `level`; infinite if the replicas are too few to tell."""
        rank = math.floor(level * (len(self.largest) + 1) + 1e-9)
        return float(self.largest[-rank]) if rank >= 1 else math.inf


@dataclass(frozen=True)
class Sought:
    """How to search: see `scan`."""

    max_share: float = MAX_SHARE
    max_radius_m: float | None = None
    permutations: int = PERMUTATIONS
    seed: int = 0
    least_cases: int = LEAST_CASES
    stop_after: int | None = None


def scan(
    places: ArrayLike, cases: ArrayLike, at_risk: ArrayLike, *, model: Model = "poisson", sought: Sought | None = None,
    progress: Progress | None = None,
) -> Scan:  # fmt: skip
    """Circles of `places` with more `cases` than the people (Poisson: or the expected numbers) or trials `at_risk` explain.

    `places`: (n, 2) plane metres, or (n, 3) of circles.on_sphere; `cases`, `at_risk`: (n,). Under Bernoulli `at_risk` counts
    cases and controls. Circles hold at most `sought.max_share` of at_risk and `sought.least_cases` cases or more. Fractional
    cases are allowed; replicas then draw the nearest whole total. With `stop_after`, replicas end once so many exceed the
    first cluster: its p is then sound, if coarse. Assumes independent cases: repeats by one household make p too small.
    Raises BadValue for bad numbers or cases where nobody is at risk, NothingToAnalyse below MINIMUM_CASES, with one place,
    or if nobody but cases is at risk.
    """
    how = sought or Sought()
    observed, base = checked(places, cases, at_risk, how)
    total, everyone = float(observed.sum()), float(base.sum())
    drawn = round(total)
    draw: Draw
    if model == "bernoulli":
        wrong = observed > base * (1 + TIE)
        if wrong.any():
            raise BadValue("A place has more cases than trials (cases and controls).", row=int(np.argmax(wrong)))
        if drawn >= round(everyone):
            raise NothingToAnalyse("All trials are cases; there is nothing to compare them with.", cases=total)
        draw, kind = bernoulli_draw(base, drawn), scan_kernels.BERNOULLI
    elif model == "poisson":
        draw, kind = poisson_draw(base[:, None], drawn), scan_kernels.POISSON
    else:
        raise BadValue("The model is poisson or bernoulli.", model=model)
    around = circles(places, base, max_share=how.max_share, max_radius_m=how.max_radius_m)
    expected = (base * (total / everyone))[:, None]
    window = Window(np.zeros(1, dtype=np.int64), 1)
    found = likeliest(around, observed[:, None], expected, window, total=total, trials=everyone, model=kind, least=how.least_cases)
    found = [replace(each, at_risk=float(base[each.members].sum())) for each in found]
    null = Null(drawn, how.least_cases, kind, everyone)
    blocks = largest_ratios(around, expected * (drawn / total), window, draw, null, seed=how.seed, replicas=how.permutations)
    largest, stopped = replicated(blocks, found, how, progress)
    return Scan(judged(found, largest, how, stopped), total, everyone, int(around.whole.sum()), np.sort(largest), stopped,
                how.max_share, how.max_radius_m, how.seed)  # fmt: skip


def checked(places: ArrayLike, cases: ArrayLike, at_risk: ArrayLike, how: Sought) -> tuple[Floats, Floats]:
    """Cases and those at risk as floats; refused unless they fit each other and are enough."""
    where, observed, base = (np.asarray(each, dtype=np.float64) for each in (places, cases, at_risk))
    if observed.ndim != 1 or observed.shape != base.shape or len(where) != len(observed):
        raise BadValue("Places, cases and those at risk must be lists of one length.", places=len(where), cases=len(observed))
    for name, values in (("cases", observed), ("at_risk", base)):
        wrong = ~(np.isfinite(values) & (values >= 0))
        if wrong.any():
            raise BadValue("A number is negative or missing.", column=name, row=int(np.argmax(wrong)))
    alone = (observed > 0) & (base <= 0)
    if alone.any():
        raise BadValue("There are cases where nobody is at risk.", row=int(np.argmax(alone)), places=int(alone.sum()))
    check_counts(float(observed.sum()), how)
    return observed, base


def check_counts(total: float, how: Sought) -> None:
    """Refused: too few cases, too few replicas."""
    if how.permutations < 99:
        raise BadValue("Fewer than 99 permutations say nothing.", permutations=how.permutations)
    if total < MINIMUM_CASES:
        raise NothingToAnalyse("Too few cases for a scan.", cases=total, minimum=MINIMUM_CASES)


def likeliest(
    around: Circles, cases: Floats, expected: Floats, window: Window, *, total: float, trials: float, model: int, least: int,
) -> list[Cluster]:  # fmt: skip
    """Each centre's best cluster, then of those the best that share no place with a better one; p still unknown."""
    ratio, entry, start, stop = scan_kernels.best_of_centres(
        around.first, around.order, around.whole, cases, expected, window.ends, window.longest, window.shortest, total, trials,
        model, float(least),
    )  # fmt: skip
    taken = np.zeros(len(cases), dtype=np.bool_)
    found = []
    for centre in _ranked(around, ratio, entry):
        members = around.order[around.first[centre] : entry[centre] + 1]
        if taken[members].any():
            continue
        taken[members] = True
        times = slice(start[centre], stop[centre] + 1)
        found.append(_cluster(around, centre, int(entry[centre]), cases[:, times], expected[:, times], total,
                              float(ratio[centre]), (int(start[centre]), int(stop[centre]))))  # fmt: skip
    return found


def replicated(
    blocks: Iterable[Floats], found: list[Cluster], how: Sought, progress: Progress | None = None
) -> tuple[Floats, bool]:  # fmt: skip
    """The replicas' largest ratios, up to the one that settles that the first cluster is chance, if a stop is asked for."""
    kept: list[Floats] = []
    seen = done = 0
    for block in blocks:
        kept.append(block)
        done += len(block)
        if progress is not None:
            progress(done, how.permutations)
        if how.stop_after is None or not found:
            continue
        above = np.flatnonzero(_as_large(block, found[0].log_ratio))
        if seen + len(above) >= how.stop_after:
            last = above[how.stop_after - seen - 1]
            kept[-1] = block[: last + 1]
            largest = np.concatenate(kept)
            return largest, len(largest) < how.permutations
        seen += len(above)
    return np.concatenate(kept), False


def judged(found: list[Cluster], largest: Floats, how: Sought, stopped: bool) -> list[Cluster]:
    """The clusters with their p: by rank among the replicas, and by the Gumbel curve through them."""
    scale = float(largest.std()) * math.sqrt(6) / math.pi
    middle = float(largest.mean()) - EULER * scale
    done = []
    for each in found:
        above = int(_as_large(largest, each.log_ratio).sum())
        # Ended at the stop_after-th larger one, the share itself is the estimate (Besag and Clifford).
        p = above / len(largest) if stopped and above == how.stop_after else (above + 1) / (len(largest) + 1)
        tail = -math.expm1(-math.exp(-(each.log_ratio - middle) / scale)) if scale > 0 else math.nan
        done.append(replace(each, p=p, gumbel_p=tail))
    return done


def _as_large(largest: Floats, ratio: float) -> NDArray[np.bool_]:
    return np.asarray(largest >= ratio - TIE * max(1.0, ratio))


def _ranked(around: Circles, ratio: Floats, entry: NDArray[np.int64]) -> list[int]:
    """Centres with a cluster, the largest ratio first; of equal ones the circle of fewer places, then the earlier centre."""
    size = entry - around.first[:-1]
    order = np.lexsort((np.arange(len(ratio)), size, -np.round(ratio, 9)))
    return [int(each) for each in order if ratio[each] > 0]


def _cluster(
    around: Circles, centre: int, entry: int, cases: Floats, expected: Floats, total: float, ratio: float, steps: tuple[int, int],
) -> Cluster:  # fmt: skip
    members = around.members(centre, entry)
    observed, due = float(cases[members].sum()), float(expected[members].sum())
    outside = (total - observed) / (total - due) if total - due > TIE * total else 0.0
    risk = observed / due / outside if due > 0 and outside > TIE else math.inf
    return Cluster(centre, members, around.radius_m(centre, members), observed, due, risk, ratio, math.nan, math.nan, due, *steps)
