"""How well a hot-spot map would have done: what happened in its hot areas in the period after it.

hit rate = later events in hot areas / all later events; PAI = hit rate / (hot ground / all ground) (Chainey, Tompson and Uhlig,
Security Journal 21, 2008); PEI = PAI / the best PAI that any choice of as much ground could have had (Hunt, thesis 2016). The
best choice takes the densest areas first and a part of the last, so no map exceeds 1. Beside it stands the naive map: the areas
that were densest before, up to as much ground. A map that does not beat it is not worth acting on.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gis.errors import BadValue, NothingToAnalyse

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Accuracy:
    """Shares from 0 to 1, indices from 0 on; `naive_*` of the areas that were densest before, if those counts were given."""

    hot_areas: int
    hits: float
    events: float
    hit_rate: float
    share_of_ground: float
    pai: float
    best_pai: float
    pei: float
    naive_hit_rate: float
    naive_pai: float
    naive_pei: float


def accuracy(hot: ArrayLike, area_m2: ArrayLike, later: ArrayLike, *, before: ArrayLike | None = None) -> Accuracy:
    """Score the areas called `hot`, (n,) true or false, on the counts `later`; `before`: the counts the map was made from.

    `area_m2` is what ground each area has (or any other effort, such as households). Raises BadValue for lists that do not fit
    or ground of 0 or less, NothingToAnalyse if no area is hot or nothing happened later.
    """
    called = np.asarray(hot, dtype=np.bool_)
    ground, counts = np.asarray(area_m2, dtype=np.float64), np.asarray(later, dtype=np.float64)
    past = None if before is None else np.asarray(before, dtype=np.float64)
    _checked(called, ground, [counts] if past is None else [counts, past])
    if not called.any():
        raise NothingToAnalyse("No area was called hot; there is nothing to score.", areas=len(called))
    if counts.sum() <= 0:
        raise NothingToAnalyse("Nothing happened in the later period; no map can be scored on it.", areas=len(called))
    share = float(ground[called].sum() / ground.sum())
    best = _best_rate(counts, ground, float(ground[called].sum())) / share
    rate = float(counts[called].sum() / counts.sum())
    naive = math.nan if past is None else _best_rate(past, ground, float(ground[called].sum()), scored_on=counts)
    return Accuracy(
        int(called.sum()), float(counts[called].sum()), float(counts.sum()), rate, share, rate / share, best, rate / share / best,
        naive, naive / share, naive / share / best,
    )  # fmt: skip


def _best_rate(counts: Floats, ground: Floats, most: float, *, scored_on: Floats | None = None) -> float:
    """The hit rate of the areas densest in `counts` on `most` ground, the last of them in part."""
    order = np.argsort(-counts / ground, kind="stable")
    filled = np.cumsum(ground[order])
    taken = np.clip((most - (filled - ground[order])) / ground[order], 0.0, 1.0)
    score = counts if scored_on is None else scored_on
    return float((score[order] * taken).sum() / score.sum())


def _checked(called: Flags, ground: Floats, tables: list[Floats]) -> None:
    for values in tables:
        if called.ndim != 1 or not called.shape == ground.shape == values.shape:
            raise BadValue("There is one flag, one ground and one count for each area.", areas=len(called), counts=values.shape)
        wrong = ~(np.isfinite(values) & (values >= 0))
        if wrong.any():
            raise BadValue("A count is negative or missing.", row=int(np.argmax(wrong)))
    empty = ~(np.isfinite(ground) & (ground > 0))
    if empty.any():
        raise BadValue("An area has no ground.", row=int(np.argmax(empty)))
