"""Random replicas of a scan: cases dealt out as the null hypothesis says, and the largest ratio each of them shows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis.errors import BadValue
from gis.hotspots import draw_kernels, scan_kernels
from gis.hotspots.circles import Circles
from gis.hotspots.scan_kernels import LANES, MOST_BINS

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], NDArray[np.int32]]
"""A generator and how many replicas → counts, (places, steps, LANES)."""
# Throwing cases one by one costs a few nanoseconds each, a binomial per cell about ten times that.
THROWN_PER_CELL = 8
LEAST_BINS, CIRCLES_A_BIN = 64, 16
MOST_TRIALS = 999_999_999


@dataclass(frozen=True)
class Window:
    """Which times a cylinder may take: its last step one of `ends`, its length `shortest` to `longest` steps."""

    ends: NDArray[np.int64]
    longest: int
    shortest: int = 1


@dataclass(frozen=True)
class Null:
    """What every replica has in common: `total` cases, of so many `trials` (Bernoulli), `least` in a cluster."""

    total: int
    least: int
    model: int
    trials: float = 0.0


def largest_ratios(
    circles: Circles, expected: Floats, window: Window, draw: Draw, null: Null, *, seed: int, replicas: int
) -> Iterator[Floats]:
    """The largest log likelihood ratio of each replica, in blocks of at most LANES.

    `expected`: (places, steps), adding up to the null's cases over the whole study. The same seed gives the same blocks.
    """
    # A finer table rejects more, which few circles never earn back.
    bins = int(np.clip(len(circles.order) // CIRCLES_A_BIN, LEAST_BINS, MOST_BINS))
    width = np.sqrt(max(_largest_expectation(circles, expected.sum(axis=1)), 1e-12)) * (1 + 1e-9) / bins
    table = scan_kernels.thresholds(bins, width, null.total, null.trials, null.model, null.least)
    space = expected[:, 0].copy()
    column = _columns(circles, space, width, bins) if expected.shape[1] == 1 else np.empty(0, dtype=np.int16)
    for begin in range(0, replicas, LANES):
        count = min(LANES, replicas - begin)
        drawn = draw(np.random.default_rng([seed, begin // LANES]), count)
        # Half as wide is twice as fast.
        counts = drawn.astype(np.int16) if null.total < 32_767 else drawn
        if expected.shape[1] == 1:
            best = scan_kernels.largest_in_space(
                circles.first, circles.order, column, space, counts[:, 0], table, float(null.total), null.trials, null.model,
            )  # fmt: skip
        else:
            best = scan_kernels.largest_in_space_time(
                circles.first, circles.order, circles.whole, expected, counts, table, width, window.ends, window.longest,
                window.shortest, float(null.total), null.trials, null.model,
            )  # fmt: skip
        yield best[:count]


def poisson_draw(expected: Floats, total: int) -> Draw:
    """`total` cases fall on cells (places, steps) in proportion to what is expected there."""
    shares = expected.ravel() / expected.sum()
    if total <= THROWN_PER_CELL * len(shares):
        chance, other = draw_kernels.alias_table(shares)

        def thrown(random: np.random.Generator, count: int) -> NDArray[np.int32]:
            counts = np.zeros((len(shares), LANES), dtype=np.int32)
            draw_kernels.throw_cases(_state(random), total, chance, other, counts, count)
            return counts.reshape(*expected.shape, LANES)

        return thrown

    def dealt(random: np.random.Generator, count: int) -> NDArray[np.int32]:
        return _lanes(random.multinomial(total, shares, size=count), expected.shape)

    return dealt


def bernoulli_draw(trials: Floats, total: int) -> Draw:
    """`total` of all trials (cases and controls, whole numbers per place) are the cases."""
    people = np.round(trials).astype(np.int64)
    if people.sum() > MOST_TRIALS:
        raise BadValue("So many trials need the Poisson model, which is then the same.", trials=int(people.sum()), most=MOST_TRIALS)

    def dealt(random: np.random.Generator, count: int) -> NDArray[np.int32]:
        return _lanes(random.multivariate_hypergeometric(people, total, size=count, method="marginals"), (len(people), 1))

    return dealt


def permutation_draw(cases: NDArray[np.int64], used: slice) -> Draw:
    """The cases keep their places and swap their times; only the steps `used` are looked at. `cases`: (places, steps)."""
    home = np.repeat(np.arange(len(cases)), cases.sum(axis=1)).astype(np.int32)
    per_step = cases[:, used].sum(axis=0)
    slots = np.repeat(np.arange(len(per_step)), per_step).astype(np.int32)

    def dealt(random: np.random.Generator, count: int) -> NDArray[np.int32]:
        counts = np.zeros((len(cases), len(per_step), LANES), dtype=np.int32)
        draw_kernels.shuffle_times(_state(random), home, slots, np.arange(len(home), dtype=np.int32), counts, count)
        return counts

    return dealt


def _state(random: np.random.Generator) -> NDArray[np.uint64]:
    return random.integers(0, 2**64, size=1, dtype=np.uint64)


def _lanes(drawn: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.int32]:
    counts = np.zeros((drawn.shape[1], LANES), dtype=np.int32)
    counts[:, : len(drawn)] = drawn.T
    return counts.reshape(*shape, LANES)


def _largest_expectation(circles: Circles, expected: Floats) -> float:
    sums = np.concatenate([[0.0], np.cumsum(expected[circles.order])])
    held = sums[circles.first[1:]] - sums[circles.first[:-1]]
    return float(held.max())


def _columns(circles: Circles, expected: Floats, width: float, bins: int) -> NDArray[np.int16]:
    """The column of thresholds of each circle, by the square root of what it expects; -1 where no circle ends."""
    sums = np.cumsum(expected[circles.order])
    before = np.concatenate([[0.0], sums])[circles.first[:-1]]
    held = np.maximum(0.0, sums - np.repeat(before, np.diff(circles.first)))
    column = np.minimum(bins - 1, (np.sqrt(held) * (1 - 1e-9) / width)).astype(np.int16)
    return np.where(circles.whole, column, np.int16(-1)).astype(np.int16)
