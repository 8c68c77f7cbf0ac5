"""What becomes of areas over time, as questions ask for it: emerging hot spots and trends."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from api.analyses.findings import Findings, Found, Steps
from api.analyses.steps import cube, whole_steps
from api.analyses.study import Study
from gis.hotspots.emerging import NONE, emerging, enough_in_bins
from gis.hotspots.gi import FEW_NEIGHBOURS, patches
from gis.hotspots.permutation import Progress
from gis.hotspots.rates import eb_standardised
from gis.hotspots.trend import Trends, trends
from gis.hotspots.weights import Neighbours

Floats = NDArray[np.float64]
SEASONS = {"month": 12, "week": 52}
LEVEL = 0.05
MOST_CLUSTERS = 200


def emerged(study: Study, neighbours: Neighbours, tell: Progress) -> Findings:
    """The 17 categories over the whole months or weeks of the period; clusters are patches of one category."""
    asked = study.parameters
    steps = whole_steps(study, asked["step"])
    counts = cube(study, steps)
    enough_in_bins(counts)
    findings = Findings(flags=study.unpeopled())
    kept = ~np.isin(np.arange(len(counts)), list(findings.flags))
    among, lived = neighbours.only(kept), np.flatnonzero(kept)
    values = _rates(counts[kept], study.people[kept]) if study.rated else counts
    found = emerging(values, among, lag=asked["lag"], permutations=asked["permutations"], seed=study.seed, level=LEVEL, progress=tell)
    findings.flags |= {int(lived[each]): "island" for each in among.islands}
    findings.flags |= {int(lived[each]): "few-neighbours" for each in np.flatnonzero((among.number > 0) & (among.number < FEW_NEIGHBOURS))}
    named = np.full(len(counts), "none", dtype=object)
    named[lived] = [_code(each) for each in found.category]
    signs = np.zeros(counts.shape, dtype=np.int64)
    signs[lived] = found.signs
    findings.units = {"category": named.tolist(), "steps": signs.tolist(), "counts": counts.tolist()}
    for name, column in (("tau", found.tau), ("trend_p", found.trend_p), ("z", found.z[:, -1])):
        whole = np.full(len(counts), np.nan)
        whole[lived] = column
        findings.units[name] = whole.tolist()
    base = study.people if study.rated else np.ones(len(counts))
    # Of the whole period, as the numbers observed are: categories leave out days that make no whole step, numbers do not.
    findings.expected = np.where(kept, base * (study.counts[kept].sum() / base[kept].sum()), np.nan)
    findings.hot = signs[:, -1] > 0
    findings.series = _series(steps, counts, asked["step"])
    findings.summary = {
        "steps": len(steps.starts),
        "categories_of_units": {each: int((named == each).sum()) for each in sorted(set(named))},
    }
    for name in sorted(set(named) - {"none"}):
        patched = patches((named == name).astype(np.int64), neighbours)
        findings.clusters += [Found(name, members, expected=float(np.nansum(findings.expected[members]))) for members in patched]
    findings.clusters.sort(key=lambda each: (not each.kind.endswith("_hot"), -len(each.members), int(each.members[0])))
    del findings.clusters[MOST_CLUSTERS:]
    _note_left_over(findings, steps)
    return findings


def trended(study: Study, tell: Progress) -> Findings:
    """同比, 环比, season, lasting trend and changes of level of each area, and of all together (the table)."""
    asked = study.parameters
    steps = whole_steps(study, asked["step"])
    counts = cube(study, steps)
    found = trends(np.vstack([counts, counts.sum(axis=0)]), season=SEASONS[asked["step"]], days=steps.lengths)
    rows = [_trend(found, row, steps) for row in range(len(counts) + 1)]
    findings = Findings(table=[rows[-1]])
    findings.units = {name: [row[name] for row in rows[:-1]] for name in rows[0]} | {"counts": counts.tolist()}
    findings.series = _series(steps, counts, asked["step"]) | {"expected": found.level[-1] + found.seasonal[-1]}
    findings.summary = {"steps": len(steps.starts)}
    _note_left_over(findings, steps)
    tell(1, 1)
    return findings


def _rates(counts: NDArray[np.int64], people: Floats) -> Floats:
    """EB-standardised rates of each step, so that a step without any incident is 0 everywhere."""
    columns = [eb_standardised(column, people) if column.any() else np.zeros(len(column)) for column in counts.T]
    return np.column_stack(columns)


def _code(category: str) -> str:
    if category == NONE:
        return "none"
    kind, warmth, _ = category.split(" ")
    return f"{kind}_{warmth}"


def _series(steps: Steps, counts: NDArray[np.int64], step: str) -> dict[str, Any]:
    observed = counts.sum(axis=0).tolist()
    before = [None] * min(len(observed), SEASONS[step]) + observed[: -SEASONS[step]]
    starts = [each.isoformat() for each in steps.starts]
    return {"step": step, "starts": starts, "observed": observed, "expected": None, "year_before": before, "partial": [False, False]}


def _trend(found: Trends, row: int, steps: Steps) -> dict[str, Any]:
    line = found.table.iloc[row]
    own = found.changes[found.changes["area"] == row] if len(found.changes) else found.changes
    changes = [
        {"from": steps.starts[int(each["step"])].isoformat(), **{name: each[name] for name in ("before", "after", "ratio", "low", "high")}}
        for each in own.to_dict("records")
    ]
    lasting = {name: float(line[name]) for name in ("tau", "trend_p", "slope", "seasonal_strength")}
    return {"pop": _compared(line, "step", "before"), "yoy": _compared(line, "season", "season_ago"), **lasting, "changes": changes}


def _compared(line: "pd.Series[float]", kind: str, before: str) -> dict[str, Any] | None:
    """The last step beside an earlier one; None where the period does not reach that far back."""
    if np.isnan(line[before]):
        return None
    told = {each: float(line[f"{kind}_{each}"]) for each in ("ratio", "low", "high", "p")}
    return {"observed": int(line["last"]), "before": int(line[before]), **told}


def _note_left_over(findings: Findings, steps: Steps) -> None:
    if any(steps.left_over):
        findings.caveats.append(("partial_period", {"days_before": steps.left_over[0], "days_after": steps.left_over[1]}))
