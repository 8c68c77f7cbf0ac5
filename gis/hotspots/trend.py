"""Trends of areas: what is season and what lasts, whether the last step differs from others, and when a level changed for good.

环比 compares the last step with the one before it, 同比 with the one a season ago (of months the same month of last year). Of
counts a, b in t_a, t_b days, given a + b, a is binomial with chance π = λ_a t_a / (λ_a t_a + λ_b t_b), so the exact limits of π
(Clopper, Pearson, Biometrika 26, 1934) are those of the ratio λ_a / λ_b = π / (1 - π) · t_b / t_a, and p is twice its smaller
tail, at most 1 (Przyborowski, Wilenski, Biometrika 31, 1940). Season and level: STL (Cleveland et al., J. Off. Stat. 6, 1990, of
statsmodels), robust. Strength of a season: 1 - var(rest) / var(season + rest), at least 0 (Wang, Smith, Hyndman, Data Min.
Knowl. Discov. 13, 2006). Lasting trend: Mann-Kendall by season (Hirsch, Slack, Smith, Water Resour. Res. 18, 1982), Sen's slope.
Change points: the splits that make Σ (y - level)² + penalty · s² · ln T · splits least (ruptures), y = 2 √(n + 3/8), whose
variance is 1 for Poisson counts (Anscombe, Biometrika 35, 1948), the season taken off, s² of neighbouring differences, at least
1. Assumed: independent counts; where one household complains again, intervals are too narrow and splits too many.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr
from scipy.stats import beta, binom

from gis.errors import BadValue, NothingToAnalyse
from gis.hotspots.emerging_kernels import kendall_scores

SEASONS = 2
"""A season is told from chance by at least so many of them."""
LEAST_STEPS = 8
LEAST_SPAN = 3
"""Steps between one change and the next."""
PENALTY = 3.0
"""Of a split, times ln T: Zhang and Siegmund (2007). Of 1,000 Poisson series without a change 23 split at 36 steps, 4 at 104."""
LEAST_MEAN = 1.0
"""Events a step, below which season, trend and splits say nothing: `small`."""
ROUNDS = 3
FLAT = 1e-18
"""A variance below this share of the squared mean is rounding."""
MAD = 0.6744897501960817
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Trends:
    """`table`, a row an area: total, mean (a step), last, before, season_ago (counts), step_ratio, step_low, step_high, step_p
    (环比), season_ratio, season_low, season_high, season_p (同比), tau, trend_p, slope (events a step more, each season),
    seasonal_strength, changes (how many), last_change (step, -1 for none), small. NaN where the series is too short or `small`.

    `level`, `seasonal`: (areas, steps), events a step of mean length, NaN as above. `changes`, a row a split: area, step (the
    first of the new level), before, after (events a step of mean length), ratio, low, high. Their limits know nothing of the
    search for the split: they are somewhat too narrow.
    """

    table: pd.DataFrame
    level: Floats
    seasonal: Floats
    changes: pd.DataFrame
    season: int
    steps: int
    penalty: float
    confidence: float


def trends(
    series: ArrayLike, *, season: int, days: ArrayLike | None = None, confidence: float = 0.95, penalty: float = PENALTY,
) -> Trends:  # fmt: skip
    """Trends of counts `series`, (areas, steps), the earliest step first; `season` steps make one (12 months, 52 weeks, 7 days).

    `days`: how long each step is, (steps,), so that February is no drop; default: all equal. Below SEASONS seasons 同比, season, trend
    and strength are NaN and splits are looked for without taking a season off. Raises NothingToAnalyse below LEAST_STEPS steps or without
    any event, BadValue for what are no counts, a season under 2, a confidence outside (0, 1) or days of 0.
    """
    counts, lengths = _checked(series, season, days, confidence, penalty)
    areas, steps = counts.shape
    even = counts * (lengths.mean() / lengths)
    table = pd.DataFrame({"total": counts.sum(axis=1), "mean": counts.mean(axis=1), "last": counts[:, -1], "before": counts[:, -2]})
    table["season_ago"] = counts[:, -1 - season] if steps > season else np.nan
    for name, back in (("step", 1), ("season", season)):
        there = steps > back
        found = compared(counts[:, -1], counts[:, -1 - back] if there else np.zeros(areas), later_days=float(lengths[-1]),
                         earlier_days=float(lengths[-1 - back]) if there else 1.0, confidence=confidence)  # fmt: skip
        for column in ("ratio", "low", "high", "p"):
            table[f"{name}_{column}"] = found[column] if there else np.nan
    table["small"] = table["mean"] < LEAST_MEAN
    told = np.flatnonzero(~table["small"])
    seasonal, level = np.full(counts.shape, np.nan), np.full(counts.shape, np.nan)
    for column in ("tau", "trend_p", "slope", "seasonal_strength"):
        table[column] = np.nan
    if steps >= SEASONS * season and len(told):
        table.loc[told, "tau"], table.loc[told, "trend_p"], table.loc[told, "slope"] = seasonal_mann_kendall(even[told], season)
        for area in told:
            level[area], seasonal[area], strength = decomposed(even[area], season)
            table.loc[area, "seasonal_strength"] = strength
    splits = [_split(even[area], season, penalty) for area in told]
    changes = _changes(counts, lengths, told, splits, confidence)
    table["changes"], table["last_change"] = 0, -1
    table.loc[told, "changes"] = [len(each) for each in splits]
    table.loc[told, "last_change"] = [each[-1] if each else -1 for each in splits]
    return Trends(table, level, seasonal, changes, season, steps, penalty, confidence)


def compared(
    later: ArrayLike, earlier: ArrayLike, *, later_days: ArrayLike = 1.0, earlier_days: ArrayLike = 1.0, confidence: float = 0.95,
) -> pd.DataFrame:  # fmt: skip
    """Two periods of each area, counts (n,): ratio of the daily numbers, low and high (exact limits), p (two sides, exact).

    A ratio is infinite where nothing happened earlier, all are NaN where nothing happened at all.
    """
    a, b = (np.asarray(each, dtype=np.float64) for each in (later, earlier))
    wrong = ~(np.isfinite(a) & np.isfinite(b) & (a >= 0) & (b >= 0) & (a == np.floor(a)) & (b == np.floor(b)))
    if wrong.any():
        raise BadValue("Counts are whole numbers of 0 or more.", row=int(np.argmax(wrong)))
    ta, tb = (np.broadcast_to(np.asarray(each, dtype=np.float64), a.shape) for each in (later_days, earlier_days))
    if not ((ta > 0) & (tb > 0)).all():
        raise BadValue("A period lasts more than 0 days.")
    both, tail = a + b, (1 - confidence) / 2
    none = both == 0
    scale = tb / ta
    with np.errstate(divide="ignore", invalid="ignore"):
        low = np.where(a > 0, beta.ppf(tail, np.maximum(a, 1), b + 1), 0.0)
        high = np.where(b > 0, beta.ppf(1 - tail, a + 1, np.maximum(b, 1)), 1.0)
        limits = [np.where(none, np.nan, share / (1 - share) * scale) for share in (low, high)]
        ratio = np.where(none, np.nan, a / b * scale)
    chance = ta / (ta + tb)
    p = np.minimum(1.0, 2 * np.minimum(binom.cdf(a, both, chance), binom.sf(a - 1, both, chance)))
    return pd.DataFrame({"ratio": ratio, "low": limits[0], "high": limits[1], "p": np.where(none, np.nan, p)})


def decomposed(series: Floats, season: int) -> tuple[Floats, Floats, float]:
    """Level, season and the season's strength (0 to 1) of one series of at least SEASONS seasons, by robust STL."""
    from statsmodels.tsa.seasonal import STL  # noqa: PLC0415  seconds to load, for this method only

    found = STL(series, period=season, robust=True).fit()
    rest = float(np.var(found.resid))
    whole = float(np.var(found.seasonal + found.resid))
    flat = whole <= FLAT * max(1.0, float(series.mean()) ** 2)
    return np.asarray(found.trend), np.asarray(found.seasonal), 0.0 if flat else max(0.0, 1 - rest / whole)


def seasonal_mann_kendall(rows: Floats, season: int) -> tuple[Floats, Floats, Floats]:
    """Kendall's tau with time within seasons, its two-sided p (normal, corrected for continuity and ties), Sen's slope each season."""
    score, variance, pairs = np.zeros(len(rows)), np.zeros(len(rows)), 0
    slopes: list[Floats] = []
    for phase in range(season):
        part = np.ascontiguousarray(rows[:, phase::season])
        s, v = kendall_scores(part)
        score, variance = score + s, variance + v
        one, two = np.triu_indices(part.shape[1], 1)
        pairs += len(one)
        slopes.append((part[:, two] - part[:, one]) / (two - one))
    z = np.divide(score - np.sign(score), np.sqrt(variance), out=np.zeros(len(rows)), where=variance > 0)
    return score / pairs, np.asarray(2 * ndtr(-np.abs(z))), np.asarray(np.median(np.concatenate(slopes, axis=1), axis=1))


def change_points(series: ArrayLike, *, penalty: float = PENALTY) -> list[int]:
    """The steps at which a series of unit variance (see `steadied`) goes over to a new level, by the penalty above."""
    import ruptures  # noqa: PLC0415  for this method only

    y = np.asarray(series, dtype=np.float64)
    if len(y) < 2 * LEAST_SPAN:
        return []
    cost = penalty * max(1.0, _spread(y)) ** 2 * np.log(len(y))
    found = ruptures.KernelCPD(kernel="linear", min_size=LEAST_SPAN).fit(y.reshape(-1, 1)).predict(pen=cost)
    return [int(each) for each in found[:-1]]


def steadied(counts: ArrayLike) -> Floats:
    """2 √(n + 3/8): counts as numbers of variance 1, if they are Poisson of a mean of a few or more (Anscombe)."""
    return np.asarray(2 * np.sqrt(np.asarray(counts, dtype=np.float64) + 0.375))


def _split(even: Floats, season: int, penalty: float) -> list[int]:
    """The splits of one area's series. Season and levels each hide the other, so they are estimated in turn."""
    y = steadied(even)
    if len(y) < SEASONS * season:
        return change_points(y, penalty=penalty)
    phase = np.arange(len(y)) % season
    whole = y[len(y) % season :].reshape(-1, season)
    # Against the mean of its own season, a step does not know whether an earlier season had another level.
    effect = np.median(whole - whole.mean(axis=1, keepdims=True), axis=0)[(phase - len(y) % season) % season]
    found: list[int] = []
    for _ in range(ROUNDS):
        found = change_points(y - effect, penalty=penalty)
        edges = [0, *found, len(y)]
        level = np.concatenate([np.full(end - start, (y - effect)[start:end].mean()) for start, end in pairwise(edges)])
        effect = (np.bincount(phase, weights=y - level) / np.bincount(phase))[phase]
        effect = effect - effect.mean()
    return found


def _changes(counts: Floats, lengths: Floats, told: NDArray[np.int64], splits: list[list[int]], confidence: float) -> pd.DataFrame:
    rows = []
    for area, own in zip(told, splits, strict=True):
        edges = [0, *own, counts.shape[1]]
        for number, step in enumerate(own):
            old, new = slice(edges[number], step), slice(step, edges[number + 2])
            rows.append((int(area), step, counts[area, old].sum(), lengths[old].sum(), counts[area, new].sum(), lengths[new].sum()))
    table = pd.DataFrame(rows, columns=["area", "step", "n_before", "days_before", "n_after", "days_after"])
    found = compared(table["n_after"], table["n_before"], later_days=table["days_after"], earlier_days=table["days_before"],
                     confidence=confidence)  # fmt: skip
    step = lengths.mean()
    table["before"], table["after"] = table["n_before"] / table["days_before"] * step, table["n_after"] / table["days_after"] * step
    return pd.concat([table[["area", "step", "before", "after"]], found[["ratio", "low", "high"]]], axis=1)


def _spread(y: Floats) -> float:
    """The standard deviation of independent noise around levels that seldom change, from differences of neighbours."""
    return float(np.median(np.abs(np.diff(y))) / MAD / np.sqrt(2))


def _checked(series: ArrayLike, season: int, days: ArrayLike | None, confidence: float, penalty: float) -> tuple[Floats, Floats]:
    counts = np.asarray(series, dtype=np.float64)
    if counts.ndim != 2 or not len(counts):
        raise BadValue("A series is a row of counts for each area.", shape=counts.shape)
    wrong = ~(np.isfinite(counts) & (counts >= 0) & (counts == np.floor(counts)))
    if wrong.any():
        raise BadValue("Counts are whole numbers of 0 or more.", row=int(np.argmax(wrong.any(axis=1))))
    if season < 2 or not 0 < confidence < 1 or not penalty > 0:
        raise BadValue("A season has 2 steps or more, a confidence lies between 0 and 1, a penalty above 0.", season=season)
    steps = counts.shape[1]
    if steps < LEAST_STEPS:
        words = f"{steps} steps are too few for a trend; at least {LEAST_STEPS} are needed."
        raise NothingToAnalyse(words, steps=steps, minimum=LEAST_STEPS)
    if not counts.any():
        raise NothingToAnalyse("Nothing happened in any step.", areas=len(counts), steps=steps)
    lengths = np.ones(steps) if days is None else np.asarray(days, dtype=np.float64)
    if lengths.shape != (steps,) or not (np.isfinite(lengths) & (lengths > 0)).all():
        raise BadValue("Each step lasts more than 0 days.", steps=steps, days=lengths.shape)
    return counts, lengths
