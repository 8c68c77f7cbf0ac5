"""`statistics rebuild`: count the figures of the panels and the cells of the map anew from the incidents, and tell what differed."""

import json
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from api import supervisor
from api.commands.steps import Steps
from api.deployment import Deployment
from data.queries import rebuilding
from gis.errors import Conflict

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True,
                  context_settings={"help_option_names": ["-h", "--help"]})  # fmt: skip


@app.callback()
def statistics() -> None:
    """Figures that are kept beside the incidents: counts by day and month, and the cells of the map."""


@app.command()
def rebuild(
    data: Annotated[Path | None, typer.Option(help="Folder of the deployment. Default: the running one.")] = None,
    time_zone: Annotated[str | None, typer.Option(help="Cut days by this time zone from now on; while the application is down.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")] = False,
) -> None:
    """Make them equal a recount. Safe at any time and beside a running server; reports wait while the cells are counted."""
    deployment, recounts = Deployment(data), dict(rebuilding.RECOUNTS)
    if time_zone is not None:
        if supervisor.running(deployment.data) is not None:
            raise Conflict("What runs would go on with the days it knows. First: ./wangge down, then this again, then ./wangge up")
        recounts["statistics"] = partial(rebuilding.statistics, zone=time_zone)
    urls, steps, differed = deployment.wake(), Steps(quiet=as_json), {}
    for name, recount in recounts.items():
        with steps.step(name) as step:
            step.say("counting")
            told = recount(urls.schema)
            differed[name] = told.differed
            step.done(f"{told.kept:,} kept, {told.differed:,} differed")
    if as_json:
        print(json.dumps({"differed": differed}))
