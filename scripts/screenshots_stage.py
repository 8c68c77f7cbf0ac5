"""What the pictures need before they are taken: the running product, people signed in at it, and what a fresh demo does not hold yet."""

import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any

import httpx2

from api import supervisor, tokens
from api.commands.up import CHANGE_OVER
from api.deployment import Deployment

PROJECT = Path(__file__).resolve().parents[1]
PATIENCE_S = 600.0
LOOK_EVERY_S = 1.0
RECURRENCES_DAYS = (365.0, 20.0, 2.0)
"""How rare a cluster must be for an alert: the usual, then less and less, until there is one to be shown."""
PLAN_NAME = "网格调整（示例）"
STUDY_DAYS = 180
STEP_DEG = 2.0**-27
OPERATOR = "operator"
Item = dict[str, Any]


@dataclass(frozen=True)
class Ground:
    """What the pictures show: codes, numbers, parts of an address."""

    street: str
    community: str
    grid: str
    building: str
    household: str
    incident: str
    plan: str
    report: str
    refused: str
    compared: str


@dataclass(frozen=True)
class Stage:
    """Where the product answers, a session of each person the pictures are taken as, and what there is to see."""

    address: str
    people: dict[str, str]
    ground: Ground


@contextmanager
def raised(folder: Path | None, say: Callable[[str], None]) -> Iterator[Stage]:
    """The product of a data folder with all that the pictures need; what was not running before is stopped afterwards."""
    deployment = Deployment(folder)
    found = supervisor.running(deployment.data)
    if found is not None and found.outdated:
        raise SystemExit(f"What runs was started from another state of the program than this one. {CHANGE_OVER}")
    if found is None:
        _wangge("up", deployment, "--detach")
    try:
        yield _stage(deployment, say)
    finally:
        if found is None:
            _wangge("down", deployment)


def _wangge(command: str, deployment: Deployment, *words: str) -> None:
    subprocess.run([str(PROJECT / "wangge"), command, "--data", str(deployment.data), *words], check=True)


def _stage(deployment: Deployment, say: Callable[[str], None]) -> Stage:
    found, schema = supervisor.running(deployment.data), deployment.wake().schema
    if found is None:
        raise SystemExit(f"Nothing runs on {deployment.data} any more.")
    links = {OPERATOR: tokens.sign_in_link(schema), "wall": tokens.wall_link(schema, None)}
    roles = {role: tokens.bearer_token(schema, role, None) for role in ("clerk", "audit_admin")}
    people = roles | {name: _session(found.address, link) for name, link in links.items()}
    with (
        httpx2.Client(base_url=f"{found.address}/api/v1", headers=_bearer(people["clerk"]), timeout=60) as clerk,
        httpx2.Client(base_url=f"{found.address}/api/v1", headers=_bearer(people[OPERATOR]), timeout=60) as operator,
    ):
        _alert(operator, schema, say)
        return Stage(found.address, people, _ground(Asked(operator, say), Asked(clerk, say)))


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _session(address: str, link: str) -> str:
    """Sign in by a one-time link, as a browser does."""
    answer = httpx2.post(f"{address}/api/v1/session/link", json={"link": link}).raise_for_status()
    return next(iter(answer.cookies.values()))


@dataclass(frozen=True)
class Asked:
    """The API as one person asks it."""

    client: httpx2.Client
    say: Callable[[str], None]

    def told(self, path: str, **query: Any) -> Any:
        """The answer to a question."""
        return self.client.get(path, params=query).raise_for_status().json()

    def items(self, path: str, **query: Any) -> list[Item]:
        """The items of a list."""
        return list(self.told(path, **query)["items"])

    def send(self, path: str, body: Item) -> Any:
        """The answer to a change."""
        return self.client.post(path, json=body).raise_for_status().json()

    def until(self, path: str, *, part: str | None = None) -> Item:
        """Wait for what the worker works out."""
        deadline = time.monotonic() + PATIENCE_S
        while (found := self.told(path) if part is None else self.told(path)[part])["state"] in {"asked", "running"}:
            if time.monotonic() > deadline:
                raise SystemExit(f"{path} is {found['state']} after {PATIENCE_S:.0f} s. Does the worker run?  ./wangge status")
            time.sleep(LOOK_EVERY_S)
        return dict(found)


def _alert(operator: httpx2.Client, schema: str, say: Callable[[str], None]) -> None:
    """Let the watch look until something waits to be taken in hand."""
    asked = Asked(operator, say)
    if asked.items("/alerts", state="open"):
        return
    # What counts is large, and most runs find an alert that waits.
    from api.analyses import watch  # noqa: PLC0415
    from api.work import Work  # noqa: PLC0415

    work = Work(schema)
    try:
        for days in RECURRENCES_DAYS:
            if asked.items("/alerts", state="open"):
                return
            say(f"the watch looks for what comes once in {days:.0f} days")
            watch.run(work, recurrence_days=days)
    finally:
        work.close()


def _ground(operator: Asked, clerk: Asked) -> Ground:
    """A street, a community with grids, the grid of an incident that waits for somebody, a building of it whose people are known,
    a plan that changes something, a report, one that was refused, and two to compare."""
    incident = next(each for each in operator.items("/incidents?state=reported&state=filed&state=returned&state=handling") if each["grid"])
    community, grid = incident["community"]["code"], str(incident["grid"]["id"])
    lon, lat = incident["place"]
    near = operator.items("/near", layer="buildings", lon=lon, lat=lat, radius_m=400)
    building = next(str(each["id"]) for each in near if each.get("households"))
    household = next(str(each["id"]) for each in clerk.items(f"/buildings/{building}/households") if each["members"])
    first, second = _reports(operator)
    if not operator.items("/analyses", method="emerging", state="done"):
        _answered(operator, {"method": "emerging"})
    return Ground(
        street=operator.items("/areas", level="street")[0]["code"],
        community=community,
        grid=grid,
        building=building,
        household=household,
        incident=str(incident["id"]),
        plan=_plan(operator, community),
        report=first,
        refused=_refused(operator),
        compared=f"first={second}&second={first}",
    )


def _reports(operator: Asked) -> tuple[str, str]:
    """The newest report of clusters that somebody asked for, and an older one to compare it with; asked for where there is none."""
    today = date.fromisoformat(operator.told("/me")["deployment"]["now"][:10])
    done = [str(each["id"]) for each in operator.items("/analyses", origin="person", state="done", method="scan")]
    for back in (1, 0)[len(done) :]:
        last = today - timedelta(days=1 + back * STUDY_DAYS)
        first = last - timedelta(days=STUDY_DAYS - 1)
        done.insert(0, _answered(operator, {"method": "scan", "from": first.isoformat(), "to": last.isoformat()}))
    return done[0], done[1]


def _answered(operator: Asked, question: Item) -> str:
    operator.say(f"asking for a report: {question}")
    id = operator.send("/analyses", question)["id"]
    state = operator.until(f"/analyses/{id}", part="analysis")["state"]
    if state != "done":
        raise SystemExit(f"The analysis {id} is {state}: {question}")
    return str(id)


def _refused(operator: Asked) -> str:
    """A question about days on which nothing was written down."""
    known = operator.items("/analyses", origin="person", state="refused")
    if known:
        return str(known[0]["id"])
    id = operator.send("/analyses", {"method": "scan", "from": "2015-03-01", "to": "2015-03-31"})["id"]
    operator.until(f"/analyses/{id}", part="analysis")
    return str(id)


def _plan(operator: Asked, community: str) -> str:
    """The newest draft that changes something; else one in which the grid with the most households was divided."""
    drafts = operator.items("/plans", state="draft")
    known = next((str(each["id"]) for each in drafts if each["counts"]["changed"] or each["counts"]["new"]), None)
    if known:
        return known
    operator.say(f"drafting a plan over {community}")
    plan = operator.send("/plans", {"name": PLAN_NAME, "area": community})["id"]
    ground = operator.told(f"/plans/{plan}/ground")
    grid = max((each for each in ground["grids"] if not each["locked"]), key=lambda each: each["households"] or 0)
    operation = {"kind": "split", "grid": grid["id"], "line": _across(grid, ground["origin"])}
    body = {"client_id": str(uuid.uuid4()), "base": {str(grid["id"]): grid["version"]}, "operation": operation}
    operator.send(f"/plans/{plan}/operations", body)
    operator.send(f"/plans/{plan}/snapshots", {"name": "征求意见稿"})
    operator.send(f"/plans/{plan}/comments", {"body": "这里的边界请再看一看。"})
    return str(plan)


def _across(grid: Item, origin: list[int]) -> list[list[float]]:
    """A line from west to east through the middle of a grid, degrees."""
    ring = grid["polygons"][0][0]
    east, north = ([origin[axis] + each for each in accumulate(ring[axis::2])] for axis in (0, 1))
    middle = (min(north) + max(north)) / 2 * STEP_DEG
    beyond = (max(east) - min(east)) / 10 * STEP_DEG
    return [[min(east) * STEP_DEG - beyond, middle], [max(east) * STEP_DEG + beyond, middle]]
