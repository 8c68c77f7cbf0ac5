"""The command line: what can be asked for and with which words; each command's work is loaded only when it is asked for."""

import importlib
import os
import sys
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from gis.errors import Refusal

app = typer.Typer(
    name="wangge",
    help="Wangge 网格: a district's grids on one screen. Begin with: ./wangge up",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
PASS_ON = {"ignore_unknown_options": True, "allow_extra_args": True}

Data = Annotated[
    Path | None, typer.Option(help="Folder of the database, keys and files. Default: the running one, else .wangge in the project.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")]


class Demo(StrEnum):
    """Which demo district a first start loads."""

    small = "small"
    district = "district"
    city = "city"
    none = "none"


@app.command()
def up(
    data: Data = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port of the page. Default: 8420, or the next free one.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    demo: Annotated[Demo, typer.Option(help="What to load while nothing is stored yet.")] = Demo.district,
    detach: Annotated[bool, typer.Option("--detach", help="Return as soon as the page answers.")] = False,
) -> None:
    """Set up what is missing, start everything, print a one-time sign-in link. Safe to repeat."""
    _load("up").run(data, host=host, port=port, demo=demo.value, detach=detach)


@app.command()
def down(data: Data = None) -> None:
    """Stop the application, then its database."""
    _load("down").run(data)


@app.command()
def status(data: Data = None, as_json: AsJson = False) -> None:
    """Tell what runs and where. Exit status 0 when the page answers, 1 when not."""
    _load("status").run(data, as_json=as_json)


@app.command()
def doctor(data: Data = None) -> None:
    """Check the machine and the deployment; says what to do about each fault."""
    _load("doctor").run(data)


@app.command(context_settings=PASS_ON)
def psql(context: typer.Context, data: Data = None) -> None:
    """Open psql on the database as the schema's owner; further words go to psql."""
    _load("psql").run(data, context.args)


@app.command()
def migrate(data: Data = None) -> None:
    """Bring the database to the schema this program needs."""
    _load("migrate").run(data)


@app.command()
def token(
    role: Annotated[str, typer.Option(help="What the bearer may do, such as operator, planner, analyst or integration.")],
    area: Annotated[str | None, typer.Option(help="Code of the only area the bearer may see. Default: the whole district.")] = None,
    data: Data = None,
) -> None:
    """Print a new bearer token for the API; it is shown this once."""
    _load("token").run(data, role=role, area=area)


@app.command()
def link(
    name: Annotated[
        str | None,
        typer.Argument(help="Sign-in name; always there: operator (the default), system-admin, security-admin, audit-admin."),
    ] = None,
    wall: Annotated[bool, typer.Option("--wall", help="For a wall of screens: shows and changes nothing, for weeks.")] = False,
    area: Annotated[str | None, typer.Option(help="With --wall: code of the only area it shows. Default: the whole district.")] = None,
    data: Data = None,
) -> None:
    """Print a one-time sign-in link for somebody, or a wall; their unused older link is void then."""
    _load("link").run(data, name, wall=wall, area=area)


@app.command("import", add_help_option=False, context_settings=PASS_ON)
def import_(context: typer.Context) -> None:
    """Import areas, grids, buildings, households or incidents from files."""
    _hand_over("import_", "import", context.args)


@app.command(add_help_option=False, context_settings=PASS_ON)
def analyse(context: typer.Context) -> None:
    """Find hot spots and clusters in a file, without a server: analyse METHOD FILE."""
    _hand_over("analyse", "analyse", context.args)


@app.command(add_help_option=False, context_settings=PASS_ON)
def analysis(context: typer.Context) -> None:
    """Ask questions of the incidents that are stored: analysis ask METHOD, list, show, cancel."""
    _hand_over("analysis", "analysis", context.args)


@app.command(add_help_option=False, context_settings=PASS_ON)
def watch(context: typer.Context) -> None:
    """The live watch on demand: watch run."""
    _hand_over("watch", "watch", context.args)


@app.command(add_help_option=False, context_settings=PASS_ON)
def coverage(context: typer.Context) -> None:
    """Check or mend a file of polygons that should tile their ground: coverage check FILE, coverage mend FILE -o OUT."""
    _hand_over("coverage", "coverage", context.args)


@app.command(add_help_option=False, context_settings=PASS_ON)
def plan(context: typer.Context) -> None:
    """Propose balanced parts for any file of polygons; work with plans."""
    _hand_over("plan", "plan", context.args)


@app.command(add_help_option=False, context_settings=PASS_ON)
def statistics(context: typer.Context) -> None:
    """Count the kept figures and map cells anew: statistics rebuild."""
    _hand_over("statistics", "statistics", context.args)


@app.command()
def bench(
    name: Annotated[str | None, typer.Argument(help="Which one; without a name, all of them.")] = None,
    listing: Annotated[bool, typer.Option("--list", help="Name the benches and what they compare.")] = False,
    data: Annotated[Path | None, typer.Option(help="Measure on this deployment's data; default: a throw-away database.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure against other programs in one interleaved run and print the ratios; less than 1 is better."""
    _load("bench").run(name, listing=listing, data=data, as_json=as_json)


@app.command(context_settings=PASS_ON)
def test(context: typer.Context) -> None:
    """Run every check and test; further words go to pytest."""
    _load("test").run(context.args)


@app.command()
def serve(data: Data = None) -> None:
    """Run the server alone, in the foreground; `up` does this for you."""
    _load("serve").run(data)


@app.command()
def worker(data: Data = None) -> None:
    """Run the worker alone, in the foreground; `up` does this for you."""
    _load("worker").run(data)


def main() -> None:
    """Run the command line; people get a sentence, never a traceback (unless WANGGE_DEBUG is set)."""
    try:
        app(prog_name="./wangge")
    except Refusal as refused:
        _end(refused.message)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as failed:
        _end(f"{failed.strerror or failed}{f': {failed.filename}' if failed.filename else ''}.")
    except Exception as failed:  # noqa: BLE001  the last door: what gets here is a fault of the program
        outage = _outage(failed)
        if outage is not None:
            _end(outage)
        first = str(failed).strip().splitlines()[:1]
        _end(
            f"This is a fault of the program, not of yours: {type(failed).__name__}{': ' if first else ''}{''.join(first)[:300]}."
            " With WANGGE_DEBUG=1 the same command shows where; please report it."
        )


def _outage(failed: Exception) -> str | None:
    """What stops the database, if that is what failed."""
    from data import database  # noqa: PLC0415  not for `--help`

    return database.outage(failed)


def _end(message: str) -> None:
    if os.environ.get("WANGGE_DEBUG"):
        raise  # noqa: PLE0704  called while an exception is being handled
    print(f"wangge: {message}", file=sys.stderr)
    sys.exit(1)


def _load(command: str) -> ModuleType:
    return importlib.import_module(f"api.commands.{command}")


def _hand_over(module: str, name: str, words: list[str]) -> None:
    """Let a module's own typer app, `app`, go on with the rest of the words."""
    command = typer.main.get_command(_load(module).app)
    status_code = command.main(args=words, prog_name=f"./wangge {name}", standalone_mode=False)
    if isinstance(status_code, int) and status_code:
        sys.exit(status_code)
