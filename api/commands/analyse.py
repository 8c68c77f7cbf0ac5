"""`analyse`: one method on one file, without a server; a group of methods is loaded only when one of them is asked for."""

import importlib
import sys
from collections.abc import Callable

import typer

GROUPS = {
    "api.commands.analyse_areas": {
        "gi": "Hot and cold spots of areas: Getis-Ord Gi*, permutation p, false-discovery control.",
        "moran": "Clusters and outliers of areas: local Moran with its quadrants.",
        "lq": "Which category is over-represented where: location quotients with exact limits.",
        "eb": "Rates that small numbers do not mislead: empirical Bayes, exact intervals, funnel limits.",
    },
    "api.commands.analyse_emerging": {
        "emerging": "Emerging hot spots: Gi* on a space-time cube, Mann-Kendall, 17 categories.",
    },
    "api.commands.analyse_trend": {
        "trend": "How numbers went: 环比 and 同比 with exact limits, season, trend, changes for good.",
    },
    "api.commands.analyse_doubts": {
        "doubts": "Look at the records first: piles, repeats, missing places and times, sources that changed.",
    },
    "api.commands.analyse_scan": {
        "scan": "Circles with more cases than chance explains: Kulldorff's scan, also in time, also as a daily watch.",
    },
    "api.commands.analyse_accuracy": {
        "accuracy": "Score a map of hot spots on the period after it: hit rate, PAI, PEI, the naive map.",
    },
    "api.commands.analyse_points": {
        "dbscan": "Density clusters of points.",
        "stdbscan": "Density clusters of points in space and time.",
        "hdbscan": "Density clusters of points at every density.",
        "repeats": "Places that come again and again.",
        "knox": "Near repeats: whether incidents follow one another near by.",
        "kde": "Kernel density: incidents per square kilometre as a raster.",
    },
}
"""Module → its methods and their line of help. Each module holds a typer app named `app` with a command for each of its methods."""

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True,
                  help="Run a METHOD on a file (GeoPackage, GeoParquet, GeoJSON, CSV …) and write what it finds.",
                  context_settings={"help_option_names": ["-h", "--help"]})  # fmt: skip


def _handing_over(module: str, method: str) -> Callable[[typer.Context], None]:
    """A command that lets the method's own module read the rest of the words."""

    def command(context: typer.Context) -> None:
        own = typer.main.get_command(importlib.import_module(module).app)
        status = own.main(args=[method, *context.args], prog_name="./wangge analyse", standalone_mode=False)
        if isinstance(status, int) and status:
            sys.exit(status)

    return command


PASS_ON = {"ignore_unknown_options": True, "allow_extra_args": True}
for _module, _methods in GROUPS.items():
    for _method, _about in _methods.items():
        app.command(_method, help=_about, add_help_option=False, context_settings=PASS_ON)(_handing_over(_module, _method))
