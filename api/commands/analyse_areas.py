"""The methods of `analyse` that ask about areas: gi, moran, eb, emerging."""

import typer

from api.commands import analyse_options as options
from data.files.answer import Answer
from gis.hotspots.rates import PER_HOUSEHOLDS, empirical_bayes_rates, raw_rates

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
                  context_settings={"help_option_names": ["-h", "--help"]})  # fmt: skip


@app.callback()
def areas() -> None:
    """Methods that ask about areas."""


@app.command()
def eb(
    file: options.File, cases: options.Cases = None, population: options.Population = None, id_column: options.Id = None,
    layer: options.Layer = None, skip: options.Skip = False, out: options.Out = None, as_json: options.AsJson = False,
) -> None:  # fmt: skip
    """Rates per 1,000 that small numbers do not mislead: Marshall's empirical Bayes."""
    cases, population = options.needed(cases, "--cases"), options.needed(population, "--population")
    read = options.opened(file, out, options.Reading(layer, id_column, skip=skip), cases, population)
    count, base = read.numbers(cases), read.numbers(population)
    units = read.rows.iloc[:, :0].assign(
        id=read.ids, cases=count, population=base, rate=raw_rates(count, base) * PER_HOUSEHOLDS,
        eb=empirical_bayes_rates(count, base) * PER_HOUSEHOLDS,
    )  # fmt: skip
    answer = Answer("eb", {"cases": cases, "population": population, "per": PER_HOUSEHOLDS}, units, notes=read.notes,
                    facts={"n": len(units)}, shapes=read.shapes, crs=read.crs)  # fmt: skip
    options.finish(answer, out, as_json=as_json, shown=["id", "cases", "population", "rate", "eb"], ranked_by="eb")
