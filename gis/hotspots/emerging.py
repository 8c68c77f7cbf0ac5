"""Emerging hot spots: how Gi* of each area went over the steps of a space-time cube, named by one of 17 categories.

1 · Gi* of every bin (an area in a step). Its neighbourhood are the area and its neighbours in the same step and in the
    `lag` steps before; it is compared with all bins of the cube, or with those of its own step (gis.hotspots.gi).
2 · Benjamini-Hochberg over all bins: a bin is hot or cold where q stays within `level`.
3 · Mann-Kendall test of each area's z over time: S of all pairs, normal with correction for continuity and ties.
4 · The category, by the published definitions (Esri, Emerging Hot Spot Analysis). With T steps of which n are hot:
    new            hot in the final step only
    consecutive    one unbroken run of at least two hot steps up to the final one, no other; n < 90 % of T
    intensifying   n at least 90 % of T, the final step among them, and z rises significantly
    persistent     the same without a trend
    diminishing    the same and z falls significantly
    sporadic       the final step hot, on and off before; n < 90 %; never cold
    oscillating    the final step hot, some step before cold; n < 90 %
    historical     n at least 90 %, but not the final step
   and the same eight for cold spots, whose intensity rises when z falls; else none.
   The definitions overlap: an area whose past is cold and that is now hot for one step, or for one run, fits "oscillating"
   as well as "new" or "consecutive", and one hot for 90 % of the steps and cold in the last fits two. Here "oscillating" wins
   everywhere: that the sign has turned is the news.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr
from scipy.stats import false_discovery_control

from gis.errors import BadValue, NothingToAnalyse
from gis.hotspots.emerging_kernels import kendall_scores
from gis.hotspots.gi import MINIMUM_AREAS, analytic, enough_draws
from gis.hotspots.permutation import PERMUTATIONS, TIE, Progress, tails_of
from gis.hotspots.weights import Neighbours

MINIMUM_STEPS = 10
LEAST_MEAN_COUNT = 1.0
NONE = "no pattern detected"
KINDS = ("new", "consecutive", "intensifying", "persistent", "diminishing", "sporadic", "oscillating", "historical")
CATEGORIES = (*(f"{kind} hot spot" for kind in KINDS), *(f"{kind} cold spot" for kind in KINDS), NONE)
Floats = NDArray[np.float64]
Signs = NDArray[np.int8]


@dataclass(frozen=True)
class Emerging:
    """What became of each area; NaN and "no pattern detected" for islands.

    `z`, `p`, `q` and `signs` (1 hot, -1 cold, 0 neither) have the shape (areas, steps). Of each area: its `category`,
    `tau` and `trend_p` of the Mann-Kendall test of its z, and `trend` (1 rising, -1 falling, 0 neither at the level).
    """

    z: Floats
    p: Floats
    q: Floats
    signs: Signs
    category: NDArray[np.object_]
    tau: Floats
    trend_p: Floats
    trend: NDArray[np.int64]


def emerging(  # noqa: PLR0913  each is a choice of the analyst
    cube: ArrayLike, neighbours: Neighbours, *, lag: int = 1, compare: Literal["cube", "step"] = "cube",
    chance: Literal["permutation", "normal"] = "permutation", level: float = 0.05, permutations: int = PERMUTATIONS,
    seed: int = 0, progress: Progress | None = None,
) -> Emerging:  # fmt: skip
    """Emerging hot spots of a cube (areas, steps) of values of any unit, steps of one length, the earliest first.

    `chance`: conditional permutation of the bins compared, or the normal law (for comparison with programs that know no
    other; far too small p for counts). Assumes that without pattern any order of the compared bins is as likely as any
    other. Raises NothingToAnalyse below 30 areas with neighbours or 10 steps or where nothing differs; BadValue for values
    that are not finite.
    """
    if compare == "step" and lag and chance == "permutation":
        raise BadValue("Steps before have no part in the draws of a step compared with itself alone; take lag 0.", lag=lag)
    values, kept, among = _analysable(cube, neighbours, lag, permutations)
    summed = values + among.csr() @ values
    seen = summed.copy()
    for back in range(1, lag + 1):
        seen[:, back:] += summed[:, :-back]
    seen -= values
    steps = values.shape[1]
    reach = np.minimum(np.arange(steps), lag) + 1
    number = (among.number[:, None] + 1) * reach - 1
    z, p = np.empty_like(values), np.empty_like(values)
    for part, columns in enumerate([slice(None)] if compare == "cube" else [slice(at, at + 1) for at in range(steps)]):
        if compare == "step" and np.ptp(values[:, columns]) <= TIE * np.abs(values).max():
            z[:, columns], p[:, columns] = 0.0, 1.0  # a step in which nothing differs has no hot spot
            continue
        flat = [np.ascontiguousarray(each[:, columns]).ravel() for each in (values, seen, number)]
        found = _bins(flat[0], flat[1], flat[2].astype(np.int64), chance, permutations, seed + part, progress)
        z[:, columns], p[:, columns] = (each.reshape(len(values), -1) for each in found)
    q = false_discovery_control(p, axis=None, method="bh").reshape(p.shape)
    signs = np.where(q <= level, np.sign(z), 0).astype(np.int8)
    tau, trend_p = mann_kendall(z)
    trend = np.where(trend_p <= level, np.sign(tau), 0).astype(np.int64)
    named = categories(signs, trend)
    whole = [_whole(each, kept, np.nan) for each in (z, p, q, tau, trend_p)]
    return Emerging(
        whole[0], whole[1], whole[2], _whole(signs, kept, 0), _whole(named, kept, NONE), whole[3], whole[4], _whole(trend, kept, 0)
    )


def mann_kendall(series: ArrayLike) -> tuple[Floats, Floats]:
    """Kendall's tau of each row with time, and its two-sided p: normal, corrected for continuity and ties (Mann 1945, Kendall 1975).

    tau = S / (T (T - 1) / 2). A row without any difference has tau 0 and p 1.
    """
    rows = np.ascontiguousarray(np.atleast_2d(np.asarray(series, dtype=np.float64)))
    score, variance = kendall_scores(rows)
    z = np.divide(score - np.sign(score), np.sqrt(variance), out=np.zeros(len(rows)), where=variance > 0)
    pairs = rows.shape[1] * (rows.shape[1] - 1) / 2
    return score / pairs, np.asarray(2 * ndtr(-np.abs(z)))


def categories(signs: NDArray[np.integer], trend: NDArray[np.integer]) -> NDArray[np.object_]:
    """The category of each area from its steps (areas, steps), 1 hot, -1 cold, 0 neither, and its significant trend, 1, -1 or 0."""
    named = np.full(len(signs), NONE, dtype=object)
    steps = signs.shape[1]
    for sign, kind in ((1, "hot spot"), (-1, "cold spot")):
        on = signs == sign
        count = on.sum(axis=1)
        often = 10 * count >= 9 * steps
        final = on[:, -1]
        turned = final & ~often & (signs == -sign).any(axis=1)
        # The final run ends where, looked at from the end, the first step is off.
        run = np.where(on.all(axis=1), steps, np.argmax(~on[:, ::-1], axis=1))
        only = final & ~often & ~turned & (count == run)
        rising = trend * sign
        for name, chosen in (
            ("new", only & (run == 1)), ("consecutive", only & (run > 1)), ("sporadic", final & ~often & ~turned & (count > run)),
            ("oscillating", turned), ("historical", often & ~final & (signs[:, -1] != -sign)),
            ("intensifying", often & final & (rising > 0)), ("persistent", often & final & (rising == 0)),
            ("diminishing", often & final & (rising < 0)),
        ):  # fmt: skip
            named[chosen] = f"{name} {kind}"
    return named


def enough_in_bins(counts: ArrayLike) -> None:
    """NothingToAnalyse where a bin of a cube of counts holds less than one on average: Gi* of so few is a matter of luck."""
    mean = float(np.mean(np.asarray(counts, dtype=np.float64)))
    if mean < LEAST_MEAN_COUNT:
        raise NothingToAnalyse(
            f"A bin holds {mean:.2g} cases on average; below {LEAST_MEAN_COUNT:g} that says nothing. Take longer steps or larger areas.",
            mean=mean, minimum=LEAST_MEAN_COUNT,
        )  # fmt: skip


def _bins(
    values: Floats, seen: Floats, number: NDArray[np.int64], chance: str, permutations: int, seed: int, progress: Progress | None
) -> tuple[Floats, Floats]:
    """z and p of each bin among those compared."""
    _, z = analytic(values, seen, number, star=True)
    if chance == "normal":
        return z, 2 * ndtr(-np.abs(z))
    above, below = tails_of(values, seen, number, permutations=permutations, seed=seed, progress=progress)
    return z, np.minimum(1.0, 2 * (np.where(z > 0, above, below) + 1) / (permutations + 1))


def _analysable(cube: ArrayLike, neighbours: Neighbours, lag: int, permutations: int) -> tuple[Floats, NDArray[np.bool_], Neighbours]:
    values = np.asarray(cube, dtype=np.float64)
    if values.ndim != 2 or len(values) != len(neighbours):
        raise BadValue("A cube has one row of steps for each area.", areas=len(neighbours), shape=values.shape)
    if not np.isfinite(values).all():
        raise BadValue("A value is not a finite number.", row=int(np.argmin(np.isfinite(values).all(axis=1))))
    enough_draws(permutations)
    kept = neighbours.number > 0
    areas, steps = int(kept.sum()), values.shape[1]
    if areas < MINIMUM_AREAS or steps < MINIMUM_STEPS:
        raise NothingToAnalyse(
            f"{areas} areas with neighbours and {steps} steps; at least {MINIMUM_AREAS} and {MINIMUM_STEPS} are needed.",
            areas=areas, steps=steps, minimum_areas=MINIMUM_AREAS, minimum_steps=MINIMUM_STEPS,
        )  # fmt: skip
    if not 0 <= lag < steps:
        raise BadValue("The lag must be from 0 to one less than the steps.", lag=lag, steps=steps)
    values, among = values[kept], neighbours.only(kept)
    if np.ptp(values) <= TIE * np.abs(values).max():
        raise NothingToAnalyse("All bins have the same value; there is nothing to find.", areas=areas)
    if int(among.number.max()) >= areas - 1:
        raise BadValue("An area has all others as neighbours; choose fewer or nearer ones.", areas=areas)
    return values, kept, among


def _whole(found: NDArray, kept: NDArray[np.bool_], missing: object) -> NDArray:  # type: ignore[type-arg]
    """Rows of the areas that were analysed among those of all."""
    whole = np.full((len(kept), *found.shape[1:]), missing, dtype=found.dtype)
    whole[kept] = found
    return whole
