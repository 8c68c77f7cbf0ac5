"""What a reader of this very result has to know: codes with facts; the words are the page's."""

from collections import Counter
from typing import Any

import numpy as np

from api.analyses.findings import Findings
from api.analyses.study import Study
from data.queries.analysis_rows import AMBIGUOUS
from gis.hotspots.rates import dispersion

OVERDISPERSED = 1.5
FEW_INCIDENTS = 200
ONE_SOURCE_SHARE = 0.8
AMBIGUOUS_SHARE = 0.02
ON_AREAS = frozenset({"gi", "moran", "emerging"})
LEFT_OUT = {"island": "islands_left_out", "no-population": "no_population_left_out", "few-population": "few_population_left_out"}
Facts = dict[str, Any]
Caveats = list[tuple[str, Facts]]


def caveats_of(study: Study, findings: Findings, doubts: list[Facts]) -> Caveats:
    """All that apply, the general ones first."""
    always: Caveats = [("reported_not_happened", {}), ("place_of_report", {}), ("beyond_the_district", {})]
    return [*always, *_of_numbers(study, findings), *_of_records(study, doubts), *_of_question(study, findings), *findings.caveats]


def dispersion_of(study: Study, findings: Findings) -> float | None:
    """How much more the counts of the units vary than chance explains; None where they are per nothing."""
    if findings.expected is None or study.question["denominator"] == "none":
        return None
    return dispersion(study.counts, np.where(np.isfinite(findings.expected), findings.expected, 0.0))


def _of_numbers(study: Study, findings: Findings) -> Caveats:
    found: Caveats = []
    if len(study.rows) < FEW_INCIDENTS:
        found.append(("small_numbers", {"incidents": len(study.rows)}))
    spread = dispersion_of(study, findings)
    if spread is not None and spread > OVERDISPERSED:
        found.append(("overdispersed", {"dispersion": spread}))
    number = Counter(findings.flags.values())
    return found + [(code, {"areas": number[flag]}) for flag, code in LEFT_OUT.items() if number[flag]]


def _of_records(study: Study, doubts: list[Facts]) -> Caveats:
    found: Caveats = []
    by_code = {each["code"]: each for each in doubts}
    defaults = [each for each in by_code["pile"]["facts"]["piles"] if each["likely_default"]]
    if defaults:
        told = {"piles": len(defaults), "incidents": sum(each["incidents"] for each in defaults), "done": by_code["pile"]["done"]}
        found.append(("default_pile", told))
    count = len(study.rows)
    ambiguous = float(((study.rows.marks & AMBIGUOUS) > 0).mean()) if count else 0.0
    if ambiguous > AMBIGUOUS_SHARE:
        found.append(("geocoding", {"share": ambiguous}))
    if levels := by_code["level"]["facts"]["levels"]:
        found.append(("source_changed", {"sources": sorted({each["source"] for each in levels})}))
    number = np.bincount(study.rows.source, minlength=len(study.sources) + 1)
    if count and number.max() / count >= ONE_SOURCE_SHARE and not study.question["sources"]:
        found.append(("one_source", {"source": ["", *study.sources][int(number.argmax())], "share": float(number.max() / count)}))
    return found


def _of_question(study: Study, findings: Findings) -> Caveats:
    method, denominator = study.question["method"], study.question["denominator"]
    found: Caveats = []
    if denominator == "incidents":
        found.append(("denominator_is_incidents", {}))
    if denominator == "none" and method in ON_AREAS:
        found.append(("no_denominator", {}))
    if method in ON_AREAS:
        again = findings.alternate or {"hot": None, "agree": None}
        found.append(("maup", {"hot": again["hot"], "agree": again["agree"]}))
    return found
