"""`plan list`, `new`, `show`, `apply`, `undo`, `redo`, `log`, `check`, `history`: the first half of a plan's life, as a person."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID, uuid4

import typer
from pydantic import ValidationError

from api import tokens
from api.commands.plan_review import AsJson, Data, Name, PlanId, acting
from api.plans import checks, drafts, schemas, service, talk, wire
from gis.errors import BadValue

FIRST = tokens.FIRST_PERSON
GridId = Annotated[int, typer.Argument(min=1, help="Number of the grid.")]
Key = Annotated[UUID | None, typer.Option("--client-id", help="Makes it safe to send again. Default: a new one.")]


def page(
    area: Annotated[str | None, typer.Option(help="Code of an area; plans of all below it count too.")] = None,
    state: Annotated[str | None, typer.Option(help="draft, submitted, approved, publishing, published or withdrawn.")] = None,
    name: Name = FIRST, data: Data = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """List plans, the newest first."""
    with acting(data, name) as (session, actor, _):
        items = service.page(session, actor, area=area, state=state)
    _tell({"items": items}, as_json, [f"{each['id']:>6}  {each['state']:<10} {each['area']['name']}  {each['name']}" for each in items])


def new(
    title: Annotated[str, typer.Argument(help="What the plan is called.")],
    area: Annotated[str, typer.Option(help="Code of a community, a street or the district.")],
    low: Annotated[int | None, typer.Option("--min", min=0, help="Fewest households of a grid. Default: the scheme's.")] = None,
    high: Annotated[int | None, typer.Option("--max", min=0, help="Most households of a grid. Default: the scheme's.")] = None,
    name: Name = FIRST, data: Data = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Begin a plan over an area."""
    asked = {"name": title, "area": area, "note": "", "scheme": None, "household_min": low, "household_max": high}
    with acting(data, name) as (session, actor, _):
        told = service.create(session, actor, asked)
    _tell(told, as_json, [f"Plan {told['id']}: {told['counts']['grids']} grids in {told['counts']['communities']} communities."])


def show(plan: PlanId, name: Name = FIRST, data: Data = None, as_json: AsJson = False) -> None:
    """What a plan changes, and what may be done with it."""
    with acting(data, name) as (session, actor, _):
        told = service.one(session, actor, plan)
    counts = ", ".join(f"{number} {what}" for what, number in told["counts"].items())
    _tell(
        told,
        as_json,
        [f"Plan {plan} {told['name']}: {told['state']}, revision {told['revision']}", counts, f"may: {', '.join(told['may'])}"],
    )


def apply(
    plan: PlanId,
    file: Annotated[Path | None, typer.Argument(help='A JSON file {"base": {…}, "operation": {…}}. Default: standard input.')] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what it would do, change nothing.")] = False,
    key: Key = None, name: Name = FIRST, data: Data = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Do one operation, the same as over HTTP (docs/planning.md lists them)."""
    written = sys.stdin.read() if file is None or str(file) == "-" else file.read_text(encoding="utf-8")
    asked = _operation(written, key)
    with acting(data, name) as (session, actor, _):
        told = drafts.apply(session, actor, plan, drafts.Asked(asked.client_id, asked.base, asked.operation, dry_run))
    _changed(told, as_json)


def undo(plan: PlanId, key: Key = None, name: Name = FIRST, data: Data = None, as_json: AsJson = False) -> None:
    """Take back one's own last operation."""
    with acting(data, name) as (session, actor, _):
        told = drafts.undo(session, actor, plan, key or uuid4())
    _changed(told, as_json)


def redo(plan: PlanId, key: Key = None, name: Name = FIRST, data: Data = None, as_json: AsJson = False) -> None:
    """Do again what one took back last."""
    with acting(data, name) as (session, actor, _):
        told = drafts.redo(session, actor, plan, key or uuid4())
    _changed(told, as_json)


def log(
    plan: PlanId, after: Annotated[int, typer.Option(min=0, help="Only what came after this row.")] = 0,
    name: Name = FIRST, data: Data = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """The log of a plan, the oldest first."""
    with acting(data, name) as (session, actor, _):
        told = talk.log(session, actor, plan, after=after)
    lines = [
        f"{each['seq']:>6}  {each['kind']:<16} {each['person']['name']}{'  (undone)' if each['undone'] else ''}" for each in told["items"]
    ]
    _tell(told, as_json, lines)


def check(plan: PlanId, name: Name = FIRST, data: Data = None, as_json: AsJson = False) -> None:
    """What there is to look at in a draft, each with its place. Exit status 1 when the coverage has a defect."""
    with acting(data, name) as (session, actor, _):
        told = checks.check(session, actor, plan)
    _tell(told, as_json, [f"{each['kind']:<14} grids {each['grids']} at {each['place']}: {each['suggestion']}" for each in told["items"]])
    if any(each["kind"] in checks.DEFECTS for each in told["items"]):
        raise typer.Exit(1)


def history(grid: GridId, name: Name = FIRST, data: Data = None, as_json: AsJson = False) -> None:
    """A grid through the years: its states, and which grids it came from and became."""
    with acting(data, name) as (session, actor, _):
        told = checks.history(session, actor, grid)
    lines = [
        f"version {each['version']}: {each['name']} from {each['valid_from']} to {each['valid_to'] or 'now'}" for each in told["states"]
    ]
    lines += [f"{each['kind']}: {each['from']['code']} → {each['to']['code']} at {each['at']}" for each in told["lineage"]]
    _tell(told, as_json, lines)


def _operation(written: str, key: UUID | None) -> schemas.OperationIn:
    try:
        content = json.loads(written)
        if not isinstance(content, dict):
            raise BadValue("An operation is a JSON object with `operation` and `base`.")
        return schemas.OperationIn.model_validate({"client_id": str(key or uuid4()), **content})
    except json.JSONDecodeError as broken:
        raise BadValue(f"This is no JSON: {broken.msg} on line {broken.lineno}.", line=broken.lineno) from None
    except ValidationError as invalid:
        first = invalid.errors(include_input=False, include_url=False)[0]
        at = ".".join(str(part) for part in first["loc"])
        raise BadValue(f"This is no operation: {at}: {first['msg']}.", at=at) from None


def _changed(told: dict[str, Any], as_json: bool) -> None:
    lines = [f"Revision {told['revision']}: changed {[each['id'] for each in told['changed']]}, ended {told['ended']}."]
    lines += [f"  {each['id']}: {each['households']} households, {each['area_m2']:,.0f} m²" for each in told["figures"]["after"]]
    lines += [f"  warning: {each['code']} {each['facts']}" for each in told["warnings"]]
    _tell(told, as_json, lines)


def _tell(told: dict[str, Any], as_json: bool, lines: list[str]) -> None:
    if as_json:
        print(bytes(wire.answer(told).body).decode())
    else:
        print("\n".join(lines))
