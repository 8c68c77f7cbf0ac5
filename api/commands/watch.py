"""`watch run`: the live watch on demand, for today's alerts or as of a day in the past."""

import json
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from api.analyses import watch as watching
from api.deployment import Deployment
from api.settings import Settings
from api.work import Work
from gis.errors import BadValue

DEFAULT_RECURRENCE = float(Settings.model_fields["watch_recurrence_days"].default)
app = typer.Typer(
    add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip


@app.callback()
def watch() -> None:
    """The live watch: whether something clusters now, by category."""


@app.command()
def run(
    as_of: Annotated[str | None, typer.Option(help="The last day looked at, such as 2026-03-19. Default: yesterday.")] = None,
    recurrence: Annotated[float, typer.Option(min=1.5, help="Alert when chance shows such a cluster less often than once in so many days.")]
    = DEFAULT_RECURRENCE,
    data: Annotated[Path | None, typer.Option(help="Folder of the deployment.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")] = False,
) -> None:  # fmt: skip
    """Look at every category of every district; new clusters become alerts, known ones go on. Safe to repeat."""
    try:
        day = None if as_of is None else date.fromisoformat(as_of)
    except ValueError:
        raise BadValue(f"{as_of} is no day; write it as 2026-01-31.", field="as-of") from None
    work = Work(Deployment(data).wake().schema)
    try:
        done = watching.run(work, as_of=day, recurrence_days=recurrence)
        scored = watching.score_due(work)
    finally:
        work.close()
    told = {
        "day": done.day.isoformat(), "categories": done.looked, "computed": done.computed, "raised": done.raised, "went_on": done.went_on,
        "refused": done.refused, "scored": scored,
    }  # fmt: skip
    print(json.dumps(told) if as_json else "  ".join(f"{name}: {value}" for name, value in told.items()))
