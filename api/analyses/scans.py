"""The scan as questions ask for it: circles on areas, cylinders in time, and the daily watch."""

import math

import numpy as np
from numpy.typing import NDArray
from shapely import Point

from api.analyses.findings import Findings, Found
from api.analyses.study import Study
from gis.hotspots.permutation import Progress
from gis.hotspots.rates import LEAST_HOUSEHOLDS
from gis.hotspots.scan import Cluster, Scan, Sought, scan
from gis.hotspots.scan_time import Cylinders, SpaceTimeScan, permutation_scan

SIGNIFICANT = 0.05
LONGEST_BY_DAY = 31
STOP_AFTER = 100
"""A watch ends its replicas once so many exceed its first cluster: that one is chance."""
MOST_OTHERS = 10
"""So many clusters are told that may well be chance."""


def scanned(study: Study, tell: Progress) -> Findings:
    """Circles with more incidents than the population, the other incidents (Bernoulli), or place and time apart (permutation) explain."""
    asked = study.parameters
    sought = Sought(max_share=asked["max_share"], max_radius_m=asked["max_radius_m"], permutations=asked["permutations"], seed=study.seed,
                    least_cases=asked["least_cases"])  # fmt: skip
    if asked["model"] == "permutation":
        width = asked["step_days"] or (1 if study.days <= LONGEST_BY_DAY else 7)
        steps = -(-study.days // width)
        # Counted back from the end, so that the last step is whole.
        step = steps - 1 - (study.days - 1 - study.day) // width
        longest = min(asked["max_steps"], steps) if asked["max_steps"] else None
        found = permutation_scan(study.centres, _counts(study, step, steps), cylinders=Cylinders(longest), sought=sought, step_days=width,
                                 progress=tell)  # fmt: skip
        return _told(study, found.scan, found, width)
    cases, people = study.counts.astype(np.float64), study.people
    flags = study.unpeopled(1 if study.question["denominator"] == "incidents" else LEAST_HOUSEHOLDS)
    used = np.flatnonzero(~np.isin(np.arange(len(cases)), list(flags)))
    at_risk = people[used]
    found_circles = scan(study.centres[used], cases[used], at_risk, model=asked["model"], sought=sought, progress=tell)
    told = _told(study, found_circles, None, 1, used)
    told.flags = flags
    told.expected = np.full(len(cases), np.nan)
    told.expected[used] = at_risk * (cases[used].sum() / at_risk.sum())
    return told


def watched(study: Study, tell: Progress) -> Findings:
    """The daily watch: clusters that last to the final day, each with how rarely chance alone would show one like it."""
    asked = study.parameters
    sought = Sought(max_share=asked["max_share"], max_radius_m=asked["max_radius_m"], permutations=asked["permutations"], seed=study.seed,
                    least_cases=asked["least_cases"], stop_after=STOP_AFTER)  # fmt: skip
    cylinders = Cylinders(min(asked["max_days"], study.days), prospective=True)
    found = permutation_scan(study.centres, _counts(study, study.day, study.days), cylinders=cylinders, sought=sought, progress=tell)
    return _told(study, found.scan, found, 1)


def _counts(study: Study, step: NDArray[np.int64], steps: int) -> NDArray[np.int64]:
    kept = study.placed
    return np.bincount(study.unit[kept] * steps + step[kept], minlength=len(study.units) * steps).reshape(len(study.units), steps)


def _told(study: Study, found: Scan, timed: SpaceTimeScan | None, width: int, used: NDArray[np.int64] | None = None) -> Findings:
    likely = [at for at, each in enumerate(found.clusters) if each.p <= SIGNIFICANT]
    shown = found.clusters[: max(len(likely), MOST_OTHERS)]
    again = timed.recurrence_days if timed is not None else None
    clusters = [_cluster(study, each, timed, width, used, None if again is None else again[at]) for at, each in enumerate(shown)]
    hot = np.zeros(len(study.units), dtype=np.bool_)
    for each, cluster in zip(clusters, shown, strict=True):
        if cluster.p <= SIGNIFICANT:
            hot[each.members] = True
    summary = {"circles": found.circles, "largest_share": found.max_share, "largest_radius_m": found.max_radius_m,
               "critical_llr": found.critical(SIGNIFICANT), "replicas": len(found.largest)}  # fmt: skip
    caveats = [("circle_shape", {"largest_share": found.max_share, "largest_radius_m": found.max_radius_m})]
    return Findings(clusters=clusters, summary=summary, caveats=caveats, hot=hot)


def _cluster(
    study: Study, each: Cluster, timed: SpaceTimeScan | None, width: int, used: NDArray[np.int64] | None, again: float | None
) -> Found:  # fmt: skip
    members = each.members if used is None else used[each.members]
    centre = each.centre if used is None else int(used[each.centre])
    days = None
    if timed is not None:
        behind = study.days - 1
        # Steps are counted back from the last day.
        days = (max(0, behind - (timed.steps - each.first_step) * width + 1), behind - (timed.steps - 1 - each.last_step) * width)
    place = study.metres.to_degrees(Point(study.centres[centre]))
    return Found(
        "circle" if timed is None else "cylinder", members, days=days, expected=each.expected, at_risk=each.at_risk,
        relative_risk=each.relative_risk if math.isfinite(each.relative_risk) else None, llr=each.log_ratio, p=each.p, p_kind="monte_carlo",
        gumbel_p=each.gumbel_p, recurrence_days=again, place={"lon": place.x, "lat": place.y, "radius_m": each.radius_m},
    )  # fmt: skip
