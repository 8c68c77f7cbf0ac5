"""The methods of `analyse` that ask about areas at one time: gi, moran, eb, lq."""

from typing import Annotated

import numpy as np
import pandas as pd
import typer
from scipy.stats import false_discovery_control

from api.commands import analyse_options as options
from api.commands.analyse_study import one_place
from api.commands.analyse_units import draws_note, neighbours_of, one_name, units_of
from data.files.answer import Answer
from gis.errors import BadValue
from gis.hotspots.gi import bins, classes, local_g
from gis.hotspots.moran import global_moran, local_moran
from gis.hotspots.permutation import PERMUTATIONS
from gis.hotspots.rates import (
    LEAST_EXPECTED,
    PER,
    dispersion,
    dispersion_p,
    empirical_bayes_rates,
    expected_cases,
    funnel_limits,
    location_quotients,
    poisson_interval,
    spatial_empirical_bayes_rates,
    standardised_ratios,
)

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
                  context_settings={"help_option_names": ["-h", "--help"]})  # fmt: skip
LEVEL = 0.05
FUNNEL = 0.998


@app.callback()
def areas() -> None:
    """Methods that ask about areas."""


@app.command()
def gi(  # noqa: PLR0913, PLR0917  each is an option of the command
    file: options.File, value: options.Value = None, cases: options.Cases = None, population: options.Population = None,
    weights: options.Weights = None, permutations: options.Permutations = PERMUTATIONS, seed: options.Seed = options.SEED,
    star: Annotated[bool, typer.Option("--star/--no-star", help="Gi* counts an area as its own neighbour, Gi does not.")] = True,
    id_column: options.Id = None, layer: options.Layer = None, lon: options.Lon = None, lat: options.Lat = None, crs: options.Crs = None,
    skip: options.Skip = False, out: options.Out = None, as_json: options.AsJson = False,
) -> None:  # fmt: skip
    """Hot and cold spots of areas: Getis-Ord Gi* of a value, of cases, or of cases by population (EB-standardised rates)."""
    read = options.opened(file, out, options.Reading(layer, id_column, lon, lat, crs, skip), value, cases, population)
    units = units_of(read, value, cases, population)
    neighbours, notes = neighbours_of(units.source, weights)
    with options.progress("drawing", quiet=as_json) as say:
        found = local_g(units.values, neighbours, star=star, permutations=permutations, seed=seed, progress=say)
    named = np.where(neighbours.number == 0, "excluded", classes(found.z, found.q))
    answer = units.answer(
        "gi", neighbours,
        {"value": value, "cases": cases, "population": population, "weights": neighbours.kind, "star": star,
         "permutations": permutations, "seed": seed, "false_discovery": "benjamini-hochberg"},
        {"G": found.g, "z": found.z, "p": found.p, "p_normal": found.p_normal, "q": found.q, "bin": bins(found.z, found.q), "class": named},
        np.where(found.q <= LEVEL, np.sign(np.nan_to_num(found.z)), 0).astype(np.int64), found.z,
        {"classes": {str(name): int(count) for name, count in pd.Series(named).value_counts().items()}},
        [*notes, *draws_note(neighbours, permutations)],
    )  # fmt: skip
    options.finish(answer, out, as_json=as_json, shown=["id", *units.columns, "z", "p", "q", "class"], ranked_by="z")


@app.command()
def moran(  # noqa: PLR0913, PLR0917  each is an option of the command
    file: options.File, value: options.Value = None, cases: options.Cases = None, population: options.Population = None,
    weights: options.Weights = None, permutations: options.Permutations = PERMUTATIONS, seed: options.Seed = options.SEED,
    id_column: options.Id = None, layer: options.Layer = None, lon: options.Lon = None, lat: options.Lat = None, crs: options.Crs = None,
    skip: options.Skip = False, out: options.Out = None, as_json: options.AsJson = False,
) -> None:  # fmt: skip
    """Clusters (HH, LL) and outliers (HL, LH) of areas: local Moran of a value, of cases, or of EB-standardised rates."""
    read = options.opened(file, out, options.Reading(layer, id_column, lon, lat, crs, skip), value, cases, population)
    units = units_of(read, value, cases, population)
    neighbours, notes = neighbours_of(units.source, weights)
    with options.progress("drawing", quiet=as_json) as say:
        found = local_moran(units.values, neighbours, permutations=permutations, seed=seed, progress=say)
    whole = global_moran(units.values, neighbours, seed=seed)
    significant = np.where(found.q <= LEVEL, found.quadrant, "")
    answer = units.answer(
        "moran", neighbours,
        {"value": value, "cases": cases, "population": population, "weights": neighbours.kind,
         "permutations": permutations, "seed": seed, "false_discovery": "benjamini-hochberg"},
        {"I": found.i, "z": found.z, "p": found.p, "q": found.q, "quadrant": found.quadrant, "cluster": significant},
        np.where(significant == "HH", 1, np.where(significant == "LL", -1, 0)), found.z,
        {"significant": {kind: int((significant == kind).sum()) for kind in ("HH", "LL", "HL", "LH")},
         "global": {"I": whole.i, "expected": whole.expected, "z": whole.z, "p_normal": whole.p_normal, "p": whole.p}},
        [*notes, *draws_note(neighbours, permutations)],
    )  # fmt: skip
    options.finish(answer, out, as_json=as_json, shown=["id", *units.columns, "I", "z", "p", "q", "quadrant"], ranked_by="z")


@app.command()
def lq(  # noqa: PLR0913, PLR0917  each is an option of the command
    file: options.File, cases: options.Cases = None, population: options.Population = None, id_column: options.Id = None,
    layer: options.Layer = None, lon: options.Lon = None, lat: options.Lat = None, crs: options.Crs = None, skip: options.Skip = False,
    out: options.Out = None, as_json: options.AsJson = False,
) -> None:  # fmt: skip
    """Location quotients: the share of a category (--cases) among all incidents (--population) of an area against that of all areas."""
    cases, population = options.needed(cases, "--cases"), options.needed(population, "--population")
    source = options.opened(file, out, options.Reading(layer, id_column, lon, lat, crs, skip), cases, population)
    count, every = source.numbers(cases), source.numbers(population)
    found = one_place(source, lambda: location_quotients(count, every))
    told = np.isfinite(found.p)
    q = np.full(len(count), np.nan)
    q[told] = false_discovery_control(found.p[told])
    table = pd.DataFrame({"id": source.ids, "cases": count, "all": every, "LQ": found.quotient, "low": found.low, "high": found.high,
                          "p": found.p, "q": q})  # fmt: skip
    facts = {"n": len(table), "cases": float(count.sum()), "all": float(every.sum()), "share": float(count.sum() / every.sum())}
    silent = options.some(int((~told).sum()), "area has", "areas have")
    notes = [*source.notes, *one_name(source), *([f"{silent} no incident at all."] if not told.all() else [])]
    answer = Answer("lq", {"cases": cases, "population": population}, table, facts=facts, notes=notes, shapes=source.ground, crs=source.crs)
    options.finish(answer, out, as_json=as_json, shown=["id", "cases", "all", "LQ", "low", "high", "p", "q"], ranked_by="LQ")


@app.command()
def eb(  # noqa: PLR0913, PLR0917  each is an option of the command
    file: options.File, cases: options.Cases = None, population: options.Population = None, weights: options.Weights = None,
    id_column: options.Id = None, layer: options.Layer = None, lon: options.Lon = None, lat: options.Lat = None, crs: options.Crs = None,
    skip: options.Skip = False, out: options.Out = None, as_json: options.AsJson = False,
) -> None:  # fmt: skip
    """Rates per 1,000 with exact intervals, empirical Bayes (with --weights also spatial), ratios to the expected, funnel limits."""
    cases, population = options.needed(cases, "--cases"), options.needed(population, "--population")
    source = options.opened(file, out, options.Reading(layer, id_column, lon, lat, crs, skip), cases, population)
    count, base = source.numbers(cases), source.numbers(population)
    lived = base > 0
    smoothed, expected = one_place(
        source, lambda: (empirical_bayes_rates(count, base) * PER, expected_cases(np.where(lived, count, np.minimum(count, 0)), base))
    )
    ratios, funnel = standardised_ratios(count, expected), funnel_limits(expected, FUNNEL)
    known = np.where(lived, base, np.nan)
    low, high = (each / known * PER for each in poisson_interval(count))
    table = pd.DataFrame({
        "id": source.ids, "cases": count, "population": base, "rate": count / known * PER, "low": low, "high": high, "eb": smoothed,
        "expected": expected, "ratio": ratios.ratio, "ratio_low": ratios.low, "ratio_high": ratios.high, "p": ratios.p,
        "funnel_low": funnel[0], "funnel_high": funnel[1], "suppressed": ratios.small,
    })  # fmt: skip
    notes = [*source.notes, *one_name(source)]
    if weights is not None:
        neighbours, more = neighbours_of(source, weights)
        table.insert(7, "eb_spatial", spatial_empirical_bayes_rates(count, base, neighbours) * PER)
        notes += more
    if not lived.any():
        raise BadValue(f"Column {population!r} is zero everywhere: nobody is at risk.", column=population)
    if not lived.all():
        empty = options.some(int((~lived).sum()), "area has", "areas have")
        notes.append(
            f"Of {len(base)}, {empty} no population and so no rate; {count[~lived].sum():g} cases there count for no other's either."
        )
    if not count.any():
        notes.append("There is no case at all: every rate is 0.")
    if ratios.small.any():
        few = options.some(int(ratios.small.sum()), "area expects", "areas expect")
        notes.append(f"{few} fewer than {LEAST_EXPECTED:g} cases: such ratios are to be suppressed.")
    facts = {"n": len(table), "cases": float(count.sum()), "population": float(base.sum()), "dispersion": dispersion(count, expected),
             "dispersion_p": dispersion_p(count, expected)}  # fmt: skip
    if facts["dispersion_p"] <= LEVEL and facts["dispersion"] > 1:
        notes.append(f"Counts vary {facts['dispersion']:,.1f} times as much as chance at equal risk would make them: risk differs, or one"
                     " happening counts several times. Intervals are too narrow if the latter.")  # fmt: skip
    parameters = {"cases": cases, "population": population, "per": PER, "weights": weights, "funnel": FUNNEL}
    answer = Answer("eb", parameters, table, facts=facts, notes=notes, shapes=source.ground, crs=source.crs)
    options.finish(answer, out, as_json=as_json, shown=["id", "cases", "population", "rate", "eb", "ratio"], ranked_by="eb")
