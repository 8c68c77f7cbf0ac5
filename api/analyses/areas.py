"""Methods on areas as questions ask for them: Gi*, local Moran, rates."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from api.analyses.findings import Findings, Found
from api.analyses.study import Study
from gis.errors import NothingToAnalyse
from gis.hotspots.gi import FEW_NEIGHBOURS, bins, local_g, patches, too_few_draws
from gis.hotspots.gi_star import enough_to_analyse
from gis.hotspots.moran import local_moran
from gis.hotspots.permutation import Progress
from gis.hotspots.rates import (
    LEAST_EXPECTED,
    LEAST_HOUSEHOLDS,
    eb_standardised,
    empirical_bayes_rates,
    expected_cases,
    funnel_limits,
    spatial_empirical_bayes_rates,
)
from gis.hotspots.weights import Neighbours

Floats = NDArray[np.float64]
CONFIDENCES = np.array([0, 90, 95, 99])
MOST_CLUSTERS = 200
FUNNELS = ((0.95, "95"), (0.998, "998"))


def gi(study: Study, neighbours: Neighbours, tell: Progress) -> Findings:
    """Gi or Gi* of EB-standardised rates, or of counts where nothing is known that they would be per."""
    found, used, among, values = _analysed(study, neighbours)
    asked = study.parameters
    local = local_g(values, among, star=asked["star"], permutations=asked["permutations"], seed=study.seed, progress=tell)
    confidence = np.zeros(len(study.units), dtype=np.int64)
    confidence[used] = _confidence(bins(local.z, local.q))
    found.units |= {name: _spread(getattr(local, name), used, study) for name in ("z", "p", "q")} | {"class": confidence.tolist()}
    found.hot = confidence >= CONFIDENCES[1]
    found.clusters = _patches(study, found, among, used, np.sign(confidence), lambda sign: "hot" if sign > 0 else "cold")
    _note_draws(found, len(used), asked["permutations"])
    return found


def moran(study: Study, neighbours: Neighbours, tell: Progress) -> Findings:
    """Local Moran of the same values; clusters are patches of one quadrant, as far as they are no chance."""
    found, used, among, values = _analysed(study, neighbours)
    asked = study.parameters
    local = local_moran(values, among, permutations=asked["permutations"], seed=study.seed, progress=tell)
    steps = _confidence(bins(np.abs(local.z), local.q))
    confidence = np.zeros(len(study.units), dtype=np.int64)
    confidence[used] = steps
    quadrant = np.full(len(study.units), "", dtype=object)
    quadrant[used] = local.quadrant
    found.units |= {name: _spread(getattr(local, name), used, study) for name in ("i", "z", "p", "q")}
    found.units |= {"class": confidence.tolist(), "quadrant": quadrant.tolist()}
    found.hot = (confidence >= CONFIDENCES[1]) & (quadrant == "HH")
    kinds = {"HH": "hot", "LL": "cold", "HL": "high_low", "LH": "low_high"}
    for name, kind in kinds.items():
        sign = ((confidence > 0) & (quadrant == name)).astype(np.int64)
        found.clusters += _patches(study, found, among, used, sign, lambda _, kind=kind: kind)  # type: ignore[misc]
    _note_draws(found, len(used), asked["permutations"])
    return found


def rates(study: Study, neighbours: Neighbours | None, tell: Progress) -> Findings:
    """Rates with their intervals, smoothed, and where they lie in the funnel; an area above its limits is a cluster of one."""
    cases, base = study.counts.astype(np.float64), study.people
    if not cases.sum():
        raise NothingToAnalyse("There is no incident in this period.", incidents=0)
    found = _findings(study, cases)
    known = base >= LEAST_HOUSEHOLDS
    if not known.any():
        raise NothingToAnalyse("Nobody lives here whom rates could be per; ask with another denominator.", population=float(base.sum()))
    smoothed = spatial_empirical_bayes_rates if neighbours is not None and study.parameters["smoothing"] == "neighbours" else None
    found.smoothed = np.full(len(base), np.nan)
    at_home = np.where(known, base, 0.0)
    counted = np.where(known, cases, 0.0)
    found.smoothed = smoothed(counted, at_home, neighbours) if smoothed and neighbours else empirical_bayes_rates(counted, at_home)
    due = np.where(known, expected_cases(counted, at_home), np.nan)
    found.expected = due
    ratio = np.divide(cases, due, out=np.full(len(due), np.nan), where=due > 0)
    place = np.full(len(base), "within", dtype=object)
    for confidence, name in FUNNELS:
        low, high = funnel_limits(np.where(known, due, 1.0), confidence)
        place[ratio > high] = f"above_{name}"
        place[ratio < low] = f"below_{name}"
    place[~(due >= LEAST_EXPECTED)] = None
    found.units["funnel"] = place.tolist()
    found.hot = np.isin(place.astype(str), ["above_95", "above_998"])
    order = np.argsort(np.where(place == "above_998", -ratio, 0.0), kind="stable")
    found.clusters = [
        Found("hot", np.array([unit]), expected=float(due[unit]), at_risk=float(base[unit]), confidence=99)
        for unit in order[:MOST_CLUSTERS] if place[unit] == "above_998"
    ]  # fmt: skip
    tell(1, 1)
    return found


def _analysed(study: Study, neighbours: Neighbours) -> tuple[Findings, NDArray[np.int64], Neighbours, Floats]:
    """What stays out and why, which units are analysed, their neighbours among themselves, and their values."""
    cases = study.counts.astype(np.float64)
    found = _findings(study, cases)
    kept = ~np.isin(np.arange(len(cases)), list(found.flags))
    lived = np.flatnonzero(kept)
    among = neighbours.only(kept)
    joined = among.number > 0
    found.flags |= dict.fromkeys(lived[~joined].tolist(), "island")
    used = lived[joined]
    enough_to_analyse(cases[used])
    among = among.only(joined)
    found.flags |= {int(each): "few-neighbours" for each in used[among.number < FEW_NEIGHBOURS]}
    if not study.rated:
        return found, used, among, cases[used]
    base = study.people[used]
    found.smoothed = np.full(len(cases), np.nan)
    found.smoothed[used] = empirical_bayes_rates(cases[used], base)
    found.expected = np.full(len(cases), np.nan)
    found.expected[used] = base * (cases[used].sum() / base.sum())
    values = eb_standardised(cases[used], base)
    if np.ptp(values) <= 1e-12 * max(1.0, float(np.abs(values).max())):
        raise NothingToAnalyse("The rates of the areas do not differ by more than chance.", areas=len(used))
    return found, used, among, values


def _findings(study: Study, cases: Floats) -> Findings:
    found = Findings(flags=study.unpeopled())
    if not study.rated:
        found.expected = np.full(len(cases), cases.mean() if len(cases) else np.nan)
    return found


def _confidence(steps: NDArray[np.int64]) -> NDArray[np.int64]:
    """-3 … 3 → -99 … 99."""
    return np.asarray(np.sign(steps) * CONFIDENCES[np.abs(steps)], dtype=np.int64)


def _spread(values: Floats, used: NDArray[np.int64], study: Study) -> list[float]:
    whole = np.full(len(study.units), np.nan)
    whole[used] = values
    return [float(each) for each in whole]


def _patches(
    study: Study, found: Findings, among: Neighbours, used: NDArray[np.int64], sign: NDArray[np.int64], kind: Callable[[int], str],
) -> list[Found]:  # fmt: skip
    """Units of one sign that hang together; the one that is furthest from what was expected first."""
    p, q = (np.array(found.units[name]) for name in ("p", "q"))
    confidence = np.abs(np.array(found.units["class"]))
    clusters = []
    for patch in patches(sign[used], among):
        members = used[patch]
        due = None if found.expected is None else float(np.nansum(found.expected[members]))
        clusters.append(
            Found(kind(int(sign[members[0]])), members, expected=due, at_risk=float(study.people[members].sum()),
                  p=float(np.min(p[members])), p_kind="permutation", q=float(np.min(q[members])), confidence=int(confidence[members].max()))
        )  # fmt: skip
    over = [float(study.counts[each.members].sum()) - (each.expected or 0.0) for each in clusters]
    order = sorted(range(len(clusters)), key=lambda at: (clusters[at].kind != "hot", -abs(over[at]), int(clusters[at].members[0])))
    return [clusters[at] for at in order[:MOST_CLUSTERS]]


def _note_draws(found: Findings, areas: int, permutations: int) -> None:
    needed = too_few_draws(areas, permutations)
    if needed > 1:
        found.caveats.append(("few_draws", {"permutations": permutations, "areas_needed": needed}))
