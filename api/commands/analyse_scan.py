"""`analyse scan`: Kulldorff's scan of a file, in space, or in space and time, and what it says about each cluster."""

import math
from enum import StrEnum
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray

from api.commands import analyse_options as options
from api.commands.analyse_study import Study, degrees_of, one_place, places_of, study_of
from api.commands.analyse_units import one_name
from data.files.answer import Answer
from data.files.source import Source
from gis.errors import BadValue
from gis.hotspots.scan import LEAST_CASES, MAX_SHARE, PERMUTATIONS, Cluster, Scan, Sought, scan
from gis.hotspots.scan_time import Cylinders, SpaceTimeScan, permutation_scan, space_time_scan

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
                  context_settings={"help_option_names": ["-h", "--help"]})  # fmt: skip
LEVELS = (0.05, 0.01, 0.001)
RELIABLE = 5.0
PRINTED = ["rank", "places", "observed", "expected", "relative_risk", "LLR", "p"]


class Law(StrEnum):
    """What the cases are compared with."""

    POISSON = "poisson"
    BERNOULLI = "bernoulli"
    PERMUTATION = "permutation"


Model = Annotated[
    Law,
    typer.Option(help="poisson: cases among a population; bernoulli: cases among trials; permutation: events in time, no population."),
]
MaxShare = Annotated[
    float, typer.Option(help="Largest circle: this share of what is at risk (Poisson: of expected cases). 0.5 at most half.")
]
MaxRadius = Annotated[float | None, typer.Option(help="Largest circle: radius in metres.")]
MinCases = Annotated[int, typer.Option(min=1, help="A cluster has at least so many cases.")]
Sequential = Annotated[int | None, typer.Option(min=1, help="Stop once so many replicas exceed the first cluster: it is chance.")]
Prospective = Annotated[bool, typer.Option("--prospective", help="Only clusters that last to the end: the daily watch.")]
Start = Annotated[str | None, typer.Option(help="First day of the study. Default: of the file.")]
End = Annotated[str | None, typer.Option(help="Last day of the study. Default: of the file.")]
StepDays = Annotated[
    int | None, typer.Option(min=1, help="Days a time step holds, counted back from the end. Default: 1, or what lies between all times.")
]
MaxDays = Annotated[int | None, typer.Option(min=1, help="Longest cluster in days. Default: half the study.")]
MinDays = Annotated[int, typer.Option(min=1, help="Shortest cluster in days.")]


@app.callback()
def scans() -> None:
    """The scan statistic."""


@app.command("scan")
def scan_file(  # noqa: PLR0913, PLR0917  each is an option of the command
    file: options.File, model: Model = Law.POISSON, cases: options.Cases = None, population: options.Population = None,
    time: options.Time = None, max_share: MaxShare = MAX_SHARE, max_radius: MaxRadius = None,
    permutations: options.Permutations = PERMUTATIONS, seed: options.Seed = options.SEED, min_cases: MinCases = LEAST_CASES,
    sequential: Sequential = None, prospective: Prospective = False, start: Start = None, end: End = None, step_days: StepDays = None,
    max_days: MaxDays = None, min_days: MinDays = 1, id_column: options.Id = None, layer: options.Layer = None,
    lon: options.Lon = None, lat: options.Lat = None, crs: options.Crs = None, skip: options.Skip = False, out: options.Out = None,
    as_json: options.AsJson = False,
) -> None:  # fmt: skip
    """Circles with more cases than chance explains (Kulldorff's scan), in space, or in space and time with --time."""
    read = options.opened(file, out, options.Reading(layer, id_column, lon, lat, crs, skip), cases, population, time)
    sought = Sought(max_share, max_radius, permutations, seed, min_cases, sequential)
    asked: dict[str, Any] = {
        "model": model.value, "cases": cases, "population": population, "time": time, "max_share": max_share,
        "max_radius_m": max_radius, "permutations": permutations, "seed": seed, "min_cases": min_cases, "sequential": sequential,
    }  # fmt: skip
    if model is Law.PERMUTATION or time is not None:
        if model is Law.BERNOULLI:
            raise BadValue("With --time the model is poisson (with --population) or permutation.", model=model.value)
        days = {"start": start, "end": end, "step_days": step_days, "max_days": max_days, "min_days": min_days}
        study = study_of(read, id_column, options.needed(time, "--time"), cases, (start, end), step_days)
        longest = None if max_days is None else max(1, int(max_days // study.step_days))
        shape = Cylinders(longest, max(1, math.ceil(min_days / study.step_days)), prospective)
        answer = _in_time(study, model, population, shape, sought)
        answer.parameters.update(asked | days | {"step_days": study.step_days, "prospective": prospective})
    else:
        if prospective:
            raise BadValue("A watch needs the times of the cases: --time COLUMN.", option="--time")
        answer = _in_space(read, model, options.needed(cases, "--cases"), options.needed(population, "--population"), sought)
        answer.parameters.update(asked)
    if not as_json:
        _print(answer)
    shown = [each for each in ("id", "cases", "population", "expected", "relative_risk", "cluster") if each in answer.units]
    options.finish(answer, out, as_json=as_json, shown=shown)


def _in_space(read: Source, model: Law, cases: str, population: str, sought: Sought) -> Answer:
    count, base = read.numbers(cases), read.numbers(population)
    found = one_place(
        read, lambda: scan(places_of(read), count, base, model="bernoulli" if model is Law.BERNOULLI else "poisson", sought=sought)
    )
    expected = base * (count.sum() / base.sum())
    clusters = _clusters(found, read.ids, degrees_of(read), at_risk=True)
    units = read.rows.iloc[:, :0].assign(
        id=read.ids, cases=count, population=base, expected=expected, ratio=_ratio(count, expected),
        relative_risk=_ratio(_ratio(count, expected), _ratio(count.sum() - count, count.sum() - expected)),
        cluster=_ranks(found.clusters, len(read)),
    )  # fmt: skip
    notes = [*read.notes, *one_name(read), *_notes(found)]
    return Answer("scan", {}, units, clusters, _facts(found), notes, read.shapes, read.crs)


def _in_time(study: Study, model: Law, population: str | None, shape: Cylinders, sought: Sought) -> Answer:
    read, where = study.places, places_of(study.places)
    if model is Law.PERMUTATION:
        found, people = permutation_scan(where, study.counts, cylinders=shape, sought=sought, step_days=study.step_days), None
    else:
        at_risk = study.at_risk(options.needed(population, "--population"))
        people = float(at_risk.sum() / at_risk.shape[1])
        found = space_time_scan(where, study.counts, at_risk, cylinders=shape, sought=sought, step_days=study.step_days)
    clusters = _clusters(found.scan, read.ids, degrees_of(read), at_risk=False)
    for one, each in zip(clusters, found.scan.clusters, strict=True):
        one["from"], one["to"] = study.first_day(each.first_step), study.last_day(each.last_step)
        one["observed_expected"] = each.observed / each.expected
    for one, again in zip(clusters, found.recurrence_days or [], strict=False):
        one["recurrence_days"] = again
    units = read.rows.iloc[:, :0].assign(id=read.ids, cases=study.counts.sum(axis=1), cluster=_ranks(found.scan.clusters, len(read)))
    facts = _facts(found.scan) | {
        "population": people,
        "steps": found.steps,
        "from": study.first_day(0),
        "to": study.last_day(found.steps - 1),
    }
    return Answer("scan", {}, units, clusters, facts, [*read.notes, *_notes(found.scan), *_watch_notes(found)], read.shapes, read.crs)


def _clusters(found: Scan, ids: list[str], where: NDArray[np.float64] | None, *, at_risk: bool) -> list[dict[str, Any]]:
    listed = []
    for rank, each in enumerate(found.clusters, 1):
        one: dict[str, Any] = {"rank": rank, "members": [ids[row] for row in each.members], "centre": ids[each.centre]}
        if where is not None:
            one["lon"], one["lat"] = where[each.centre]
        one |= {"radius_m": each.radius_m, "observed": each.observed, "expected": each.expected, "relative_risk": each.relative_risk}
        if at_risk:
            one["population"] = each.at_risk
        listed.append(one | {"LLR": each.log_ratio, "p": each.p, "gumbel_p": each.gumbel_p})
    return listed


def _facts(found: Scan) -> dict[str, Any]:
    critical = {str(level): found.critical(level) for level in LEVELS}
    return {
        "circles": found.circles, "cases": found.cases, "population": found.at_risk, "replicas": len(found.largest),
        "stopped_early": found.stopped, "critical_LLR": critical,
        "significant": sum(each.p <= LEVELS[0] for each in found.clusters),
    }  # fmt: skip


def _notes(found: Scan) -> list[str]:
    notes = [
        f"Circles hold at most {found.max_share:.0%} of those at risk. p counts replicas; gumbel_p is read off a curve fitted to them."
    ]
    if not found.clusters:
        notes.append("No circle holds more cases than expected and enough of them.")
    elif found.clusters[0].p > LEVELS[0]:
        notes.append("No cluster is beyond chance at 5 %.")
    small = sum(each.observed < RELIABLE for each in found.clusters)
    if small:
        notes.append(f"{small} {'clusters hold' if small > 1 else 'cluster holds'} fewer than {RELIABLE:.0f} cases: too few to act on.")
    if found.stopped:
        notes.append(f"Stopped after {len(found.largest)} replicas, since the first cluster is within chance; its p is coarse.")
    return notes


def _watch_notes(found: SpaceTimeScan) -> list[str]:
    if found.recurrence_days is None:
        return []
    return ["recurrence_days: asked once a time step, chance alone brings a cluster as unlikely once in so many days."]


def _ranks(clusters: list[Cluster], count: int) -> pd.Series:
    """Of each place the rank of its cluster, missing for most."""
    ranks = pd.array([pd.NA] * count, dtype="Int64")
    for rank, each in enumerate(clusters, 1):
        ranks[each.members] = rank
    return pd.Series(ranks)


def _ratio(count: NDArray[np.float64], expected: NDArray[np.float64]) -> NDArray[np.float64]:
    """One by the other; missing where the other is nothing."""
    return np.asarray(np.divide(count, expected, out=np.full(len(count), np.nan), where=expected > 0), dtype=np.float64)


def _print(answer: Answer) -> None:
    table = pd.DataFrame([one | {"places": len(one["members"])} for one in answer.clusters[: options.SHOWN]])
    if len(table):
        print(table[[each for each in (*PRINTED, "from", "to", "recurrence_days") if each in table]].to_string(index=False))
