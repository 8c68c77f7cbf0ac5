"""`plan submit`, `approve`, `return`, `publish`, `reverse`, `impact`, `pdf`: the second half of a plan's life, in the name of a person."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api import auth, tokens
from api.actor import Actor
from api.deployment import Deployment
from api.plans import impact as impacts
from api.plans import paper as papers
from api.plans import publish as publishing
from api.plans import review
from api.work import Work
from data.database import open_database
from gis.errors import BadValue
from web.words import language_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

PlanId = Annotated[int, typer.Argument(min=1, help="Number of the plan.")]
Name = Annotated[str, typer.Option("--as", help="Sign-in name of the person who does this; what they may is what they may on the page.")]
Data = Annotated[Path | None, typer.Option(help="Folder of the deployment. Default: the running one.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")]


def submit(plan: PlanId, name: Name = tokens.FIRST_PERSON, data: Data = None, as_json: AsJson = False) -> None:
    """Hand a draft in for review."""
    with acting(data, name) as (session, actor, _):
        told = review.submit(session, actor, plan)
    _tell(told, as_json)


def approve(
    plan: PlanId, name: Name, note: Annotated[str, typer.Option(help="What you add.")] = "", data: Data = None, as_json: AsJson = False
) -> None:  # fmt: skip
    """Agree to a plan that somebody else submitted."""
    with acting(data, name) as (session, actor, _):
        told = review.approve(session, actor, plan, note)
    _tell(told, as_json)


def give_back(
    plan: PlanId, name: Name, reason: Annotated[str, typer.Option(help="Why it goes back.")], data: Data = None, as_json: AsJson = False
) -> None:  # fmt: skip
    """Return a plan to its authors with the reason."""
    with acting(data, name) as (session, actor, _):
        told = review.give_back(session, actor, plan, reason)
    _tell(told, as_json)


def publish(
    plan: PlanId,
    name: Name = tokens.FIRST_PERSON,
    at: Annotated[str | None, typer.Option(help="When the new borders begin, such as 2026-12-01T00:00+08:00. Default: now.")] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Publish an approved plan, here and now; with a later date the worker does it when the date comes.

    Exit status 1 when the plan is refused; the reason is kept with the plan, and nothing has changed.
    """
    with acting(data, name) as (session, actor, _):
        told = review.publish(session, actor, plan, _moment(at))
    work = Work(Deployment(data).wake().schema)
    try:
        publishing.publish(work, plan)
    finally:
        work.close()
    with acting(data, name) as (session, actor, _):
        told = review.shown(session, actor, plan)
    _tell(told, as_json)
    if told["failure"]:
        sys.exit(1)


def reverse(
    plan: PlanId,
    called: Annotated[str | None, typer.Option(help="The name of the new draft. Default: 撤销： and the plan's.")] = None,
    name: Name = tokens.FIRST_PERSON,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Make a new draft that restores the ground before a published plan."""
    with acting(data, name) as (session, actor, _):
        told = review.reverse(session, actor, plan, called)
    _tell(told, as_json)


def impact(
    plan: PlanId,
    against: Annotated[str, typer.Option(help="today, or the number of another plan.")] = impacts.TODAY,
    moved: Annotated[Path | None, typer.Option(help="Write the households that move to this CSV file.")] = None,
    name: Name = tokens.FIRST_PERSON,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Tell what a plan would do, before anybody decides."""
    with acting(data, name) as (session, actor, _):
        told = impacts.of(session, actor, plan, against)
        table = impacts.moved_csv(session, actor, plan, against) if moved else ""
    if moved:
        moved.write_text(table, encoding="utf-8", newline="")
    if as_json:
        print(json.dumps(told, ensure_ascii=False, default=str))
        return
    for grid in told["grids"]:
        before, after = grid["before"], grid["after"]
        print(f"{grid['code'] or 'new':<20} {_figures(before)} -> {_figures(after)}  {grid['name']}")
    print(", ".join(f"{noun.replace('_', ' ')} {number:,}" for noun, number in told["moved"].items()) + " get another grid")


def pdf(
    plan: PlanId,
    out: Annotated[Path, typer.Option("-o", "--out", help="The file to write.")],
    language: Annotated[str | None, typer.Option(help="zh or en. Default: the person's own.")] = None,
    name: Name = tokens.FIRST_PERSON,
    data: Data = None,
) -> None:
    """Write a plan as a document for signature."""
    with acting(data, name) as (session, actor, _):
        body = papers.paper(session, actor, plan, language_of(language or actor.language))
    out.write_bytes(body)
    print(f"{out}: {len(body):,} bytes")


@contextmanager
def acting(data: Path | None, name: str) -> Iterator[tuple["Session", Actor, Deployment]]:
    """One unit of work as a person, by a session of their own that ends with it: their permissions and scope hold."""
    deployment = Deployment(data)
    urls = deployment.wake()
    with tokens.person_session(urls.schema, name) as token:
        database = open_database(urls.app, pool_size=1)
        try:
            actor = auth.resolve(database, token)
            if actor is None:
                raise BadValue(f"{name} cannot sign in: the account is disabled.", name=name)
            with database.unit_of_work(actor.scope) as session:
                yield session, actor, deployment
        finally:
            database.close()


def _moment(told: str | None) -> datetime | None:
    try:
        return None if told is None else datetime.fromisoformat(told)
    except ValueError:
        raise BadValue(f"{told} is no date and time such as 2026-12-01T00:00+08:00.", at=told) from None


def _figures(figures: dict[str, Any] | None) -> str:
    if figures is None:
        return f"{'–':>28}"
    officer = figures["officer"]["name"] if figures["officer"] else "nobody"
    return f"{figures['households']:>6,} households {officer:>10}"


def _tell(told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(told, ensure_ascii=False, default=str))
        return
    print(f"Plan {told['id']} {told['name']}: {told['state']}{', from ' + str(told['effective_at']) if told['effective_at'] else ''}")
    if told["failure"]:
        print(f"Not published: {told['failure']['message']}", file=sys.stderr)
