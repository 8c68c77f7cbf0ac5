"""`analysis`: ask, list, show, cancel and remove the analyses of a deployment, as a person."""

import json
import sys
import time
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from api import tokens
from api.analyses import catalogue, service
from api.analyses.question import QuestionIn
from api.commands.plan_review import AsJson, Data, Name, acting
from data.queries.analyses import canonical
from gis.errors import BadFile, BadValue

FIRST = tokens.FIRST_PERSON
Method = StrEnum("Method", {name: name for name in catalogue.METHODS})  # type: ignore[misc]
AnalysisId = Annotated[int, typer.Argument(min=1, help="Number of the analysis.")]
LOOK_EVERY_S = 0.5
app = typer.Typer(
    add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip


@app.callback()
def analysis() -> None:
    """Ask questions of the incidents that are stored; `analyse` works on plain files instead."""


@app.command()
def ask(  # noqa: PLR0913, PLR0917  each is an option of the command
    method: Annotated[Method, typer.Argument(help="What to look for.")],
    area: Annotated[str | None, typer.Option(help="Code of a district, street or community. Default: all in scope.")] = None,
    first: Annotated[str | None, typer.Option("--from", help="First day, as 2026-01-01. Default: what the method needs.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last day. Default: today.")] = None,
    category: Annotated[list[int] | None, typer.Option(help="Number of a category; may be given several times. Default: all.")] = None,
    source: Annotated[list[str] | None, typer.Option(help="Name of a source; may be given several times. Default: all.")] = None,
    denominator: Annotated[str | None, typer.Option(help="households, residents, incidents or none.")] = None,
    unit: Annotated[str, typer.Option(help="grid or community.")] = "grid",
    drop: Annotated[list[str] | None, typer.Option(help="Leave out rows of this doubt: pile, midnight, day-pile, level …")] = None,
    parameters: Annotated[str, typer.Option("--parameters", help='JSON object, such as {"reach_m": 50}.')] = "{}",
    question: Annotated[Path | None, typer.Option(help="A file with the whole question as JSON instead.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another number draws other chance.")] = 20_261,
    wait: Annotated[bool, typer.Option("--wait", help="Return when it is answered, and print the answer.")] = False,
    name: Name = FIRST, data: Data = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Ask a question; the worker of the running deployment answers it."""
    told = {
        "method": method.value, "area": area, "from": _day(first), "to": _day(last), "category_ids": category or [],
        "sources": source or [], "denominator": denominator, "unit": unit, "doubts": dict.fromkeys(drop or [], "drop"), "seed": seed,
        "parameters": _object(parameters, "--parameters"),
    }  # fmt: skip
    if question is not None:
        told = _object(_text(question), str(question)) | {"method": method.value}
    try:
        asked = QuestionIn.model_validate(told)
    except ValidationError as wrong:
        first_wrong = wrong.errors()[0]
        raise BadValue(
            f"{'.'.join(str(part) for part in first_wrong['loc'])}: {first_wrong['msg']}", field=str(first_wrong["loc"][0])
        ) from None
    with acting(data, name) as (session, actor, _):
        answer = service.ask(session, actor, asked)
    if wait:
        _wait(data, name, answer["id"])
        show(answer["id"], name=name, data=data, as_json=as_json)
        return
    print(json.dumps(answer) if as_json else f"{answer['id']}  {answer['state']}{'  (answered before)' if answer['stored'] else ''}")


@app.command("list")
def page(
    method: Annotated[Method | None, typer.Option(help="Of one method.")] = None,
    state: Annotated[str | None, typer.Option(help="asked, running, done, refused, cancelled or failed.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 30,
    name: Name = FIRST, data: Data = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """List analyses, the newest first."""
    asked = dict.fromkeys(("origin", "area", "starts", "ends", "before")) | {"method": method.value if method else None, "state": state}
    with acting(data, name) as (session, actor, _):
        found = service.page(session, actor, asked, limit)
    if as_json:
        print(json.dumps(found, default=str))
        return
    for each in found["items"]:
        own = each["question"]
        period = f"{own['from']} … {own['to']}"
        print(f"{each['id']:>6}  {each['state']:<9} {own['method']:<9} {period}  {own['area'] or 'all'}  {each['incidents'] or ''}")


@app.command()
def show(
    id: AnalysisId, out: Annotated[Path | None, typer.Option("-o", "--out", help="Write the result as JSON.")] = None,
    name: Name = FIRST, data: Data = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Show one analysis with what it found."""
    with acting(data, name) as (session, actor, _):
        found = service.one(session, actor, id)
    if out is not None:
        if found["result"] is None:
            raise BadValue(f"Analysis {id} has no result: it is {found['analysis']['state']}.", field="id")
        out.write_bytes(canonical(found["result"]))
    if as_json:
        print(json.dumps(found, default=str))
        return
    _show(found)


@app.command()
def cancel(id: AnalysisId, name: Name = FIRST, data: Data = None) -> None:
    """Stop the work on an analysis."""
    with acting(data, name) as (session, actor, _):
        print(service.cancel(session, actor, id)["state"])


@app.command()
def remove(
    id: AnalysisId, confirm: Annotated[str | None, typer.Option(help="The word that the first try tells.")] = None,
    name: Name = FIRST, data: Data = None,
) -> None:  # fmt: skip
    """Remove an analysis with its result, for good."""
    with acting(data, name) as (session, actor, _):
        service.remove(session, actor, id, confirm)
    print("removed")


def _wait(data: Path | None, name: str, id: int) -> None:
    while True:
        with acting(data, name) as (session, actor, _):
            told = service.one(session, actor, id)["analysis"]
        if told["state"] not in ("asked", "running"):
            return
        if sys.stderr.isatty():
            print(f"\r{told['stage']:<12} {told['progress']:4.0%}", end="", file=sys.stderr, flush=True)
        time.sleep(LOOK_EVERY_S)


def _show(found: dict[str, Any]) -> None:
    told, result = found["analysis"], found["result"]
    print(f"{told['id']}  {told['state']}  {told['question']['method']}  {told['question']['from']} … {told['question']['to']}")
    if told["refusal"]:
        print(told["refusal"]["message"])
    if result is None:
        return
    summary = result["summary"]
    beyond = summary.get("significant", 0)
    print(f"{summary['incidents']:,} incidents, {summary['areas']} areas, {summary['clusters']} clusters, {beyond} beyond chance")
    for each in result["clusters"][:20]:
        sure = each["q"] if each["q"] is not None else each["p"]
        expected = "" if each["expected"] is None else f" of {each['expected']:.1f} expected"
        print(f"  {each['rank']:>3}  {each['kind']:<12} {each['observed'] if each['observed'] is not None else '–':>6}{expected}"
              f"  {each['period']['from']} … {each['period']['to']}{'' if sure is None else f'  p {sure:.4g}'}")  # fmt: skip
    print("to know: " + ", ".join(each["code"] for each in result["caveats"]))


def _day(given: str | None) -> date | None:
    try:
        return None if given is None else date.fromisoformat(given)
    except ValueError:
        raise BadValue(f"{given} is no day; write it as 2026-01-31.", field="from") from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise BadFile(f"{path} cannot be read as a text file.", file=str(path)) from None


def _object(text: str, what: str) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except ValueError:
        raise BadValue(f"{what} is no JSON.", field="parameters") from None
    if not isinstance(told, dict):
        raise BadValue(f"{what} is no JSON object.", field="parameters")
    return told
