"""Every route × every role × one's own, somebody else's and nobody's ids: what lies outside the scope is not there.

A new route is visited by itself. If a parameter or a body is unknown here, its test fails and says what to add.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import orjson
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import text
from starlette.responses import Response
from starlette.routing import Mount, Route

from api.main import create_app
from api.settings import Settings
from data.database import Database, open_database
from data.scope import Scope
from gis import crs
from tests import factories
from tests.factories import AREAS, District, Ids

pytestmark = pytest.mark.usefixtures("patient")

HOME = "a1"
ABSENT = 999_999_001
# The security administrator comes last: what they end or reset is what the others came with.
ROLES = [role for role in factories.ROLES if role != "security_admin"] + ["security_admin"]

PUBLIC = {
    "GET /healthz": "a supervisor asks whether the process lives; it tells nothing else",
    "GET /readyz": "a balancer asks whether the database answers; it tells nothing else",
    "GET /api/openapi.json": "the form of the API is no secret; it holds no data",
    "GET /sign-in": "the form by which one signs in",
    "GET /sign-in/link/{token}": "asks before a one-time link is used up",
    "GET /sign-in/link/{link}": "asks before a one-time link is used up",
    "POST /sign-in/link/{link}": "signs in",
    "POST /api/v1/session": "signs in",
    "POST /api/v1/session/link": "signs in",
    "GET /words/{language}.json": "the texts of the sign-in page",
    "GET /problems/{code}": "explains an error, also the one of not being signed in",
    "MOUNT /static": "scripts and styles of the sign-in page",
}
NEVER_WELL = {
    "POST /api/v1/me/second-factor/confirm": "needs a secret that was just given out; tests/api/test_auth_session.py does it",
    "POST /api/v1/plans/{plan_id}/undo": "needs something to take back; tests/api/test_plans.py does it",
    "POST /api/v1/plans/{plan_id}/redo": "needs something taken back; tests/api/test_plans.py does it",
    "POST /api/v1/plans/{plan_id}/submit": "needs a change; tests/api/test_plan_publish.py does it",
    "POST /api/v1/plans/{plan_id}/approve": "needs a plan handed in; tests/api/test_plan_publish.py does it",
    "POST /api/v1/plans/{plan_id}/return": "needs a plan handed in; tests/api/test_plan_publish.py does it",
    "POST /api/v1/plans/{plan_id}/publish": "needs a plan agreed to; tests/api/test_plan_publish.py does it",
    "POST /api/v1/plans/{plan_id}/reverse": "needs a published plan; tests/api/test_plan_publish.py does it",
    "POST /api/v1/plans/{plan_id}/import": "needs a file; tests/api/test_plan_interchange.py does it",
    "GET /api/v1/reports/compared/report.pdf": "needs a finished analysis; tests/api/test_reports.py does it",
    "GET /api/v1/reports/{analysis_id}/map": "needs a finished analysis; tests/api/test_reports.py does it",
    "GET /api/v1/reports/{analysis_id}/files/{report_file}": "needs a finished analysis; tests/api/test_reports.py does it",
    "GET /reports/compared": "needs a finished analysis; tests/api/test_reports.py does it",
    "DELETE /api/v1/analyses/{analysis_id}": "needs a word; tests/api/test_analyses.py does it",
    "GET /api/v1/schedules/runs/{run_id}/files/{file_name}": "needs a file; tests/api/test_schedules.py does it",
    "DELETE /api/v1/me/sessions/{session_name}": "needs a session's name; tests/api/test_auth_people.py does it",
    "DELETE /api/v1/people/{person_id}/sessions/{session_name}": "needs a session's name; tests/api/test_auth_people.py does it",
    "POST /api/v1/incidents/{incident_id}/undo": "needs a step of one's own; tests/api/test_dispatch.py does it",
    "POST /api/v1/people/{person_id}/tokens": "needs an integration; tests/api/test_auth_people.py does it",
}


UNWRITTEN = {
    "POST /api/v1/{layer}/within": "asks a question; a POST because a polygon does not fit into an address",
    "POST /api/v1/me/second-factor": "stores nothing: the secret counts once it is confirmed",
}
"""Doors that look like changes and leave no row in the trail."""


@dataclass(frozen=True)
class Visit:
    """One way through one door."""

    method: str
    path: str
    parameters: tuple[tuple[str, str, bool], ...] = ()
    """(name, where, required) of path and query parameters."""
    has_body: bool = False

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


Known = Callable[[Ids | None, District], object]
"""A value of a parameter for what lies in a community, or, for None, for what does not exist."""


def one_of(kind: str) -> Known:
    return lambda ids, district: ABSENT if ids is None else getattr(ids, kind)[0]


def code_of(ids: Ids | None, district: District) -> str:
    return "990101009009" if ids is None else AREAS[ids.community].code


def person_of(ids: Ids | None, district: District) -> int:
    return ABSENT if ids is None else district.people["planner", ids.community]


IDS: dict[str, Known] = {
    "code": code_of,
    "area": code_of,
    "parent": code_of,
    "grid": one_of("grids"),
    "grid_id": one_of("grids"),
    "building_id": one_of("buildings"),
    "household_id": one_of("households"),
    "resident_id": one_of("residents"),
    "facility_id": one_of("facilities"),
    "officer_id": one_of("officers"),
    "officer": one_of("officers"),
    "incident_id": one_of("incidents"),
    "person_id": person_of,
    "community": code_of,
    "plan_id": one_of("plans"),
    "proposal_id": one_of("proposals"),
    "comment_id": one_of("comments"),
    "analysis_id": one_of("analyses"),
    "first": one_of("analyses"),
    "second": one_of("analyses"),
    "alert_id": one_of("alerts"),
    "schedule_id": one_of("schedules"),
    "run_id": one_of("runs"),
}
"""Parameters that name a thing: foreign and absent must be answered alike."""


def place_of(ids: Ids | None) -> tuple[float, float]:
    centre = factories.outline(AREAS[ids.community if ids else HOME]).centroid
    return centre.x, centre.y


def report_at(ids: Ids | None) -> dict[str, object]:
    lon, lat = place_of(ids)
    return {"category_id": 410, "title": "路灯不亮", "lon": lon, "lat": lat}


def tile_of(ids: Ids | None, z: int = 15) -> tuple[int, int]:
    lon, lat = place_of(ids)
    key = int(crs.morton_key([lon], [lat])[0]) >> (2 * (24 - z))
    return sum((key >> (2 * bit) & 1) << bit for bit in range(z)), sum((key >> (2 * bit + 1) & 1) << bit for bit in range(z))


PLACES: dict[str, Known] = {
    "lon": lambda ids, _: place_of(ids)[0],
    "lat": lambda ids, _: place_of(ids)[1],
    "z": lambda ids, _: 15,
    "x": lambda ids, _: tile_of(ids)[0],
    "y": lambda ids, _: tile_of(ids)[1],
    "radius_m": lambda ids, _: 5000,
    "bbox": lambda ids, _: "112.99,27.99,113.02,28.01",
    "q": lambda ids, _: AREAS[ids.community if ids else HOME].name[:2],
}
"""Parameters that name ground: the answer may differ from none, but must hold nothing foreign."""
PLAIN: dict[str, list[object]] = {
    "session_name": ["0123456789abcdef"],
    "link": ["no-link-0123456789-0123456789"],
    "token": ["no-link-0123456789-0123456789"],
    "language": ["zh"],
    "by": ["grid", "community", "street"],
    "metric": ["rate", "open", "overdue_share", "households", "officer_load", "assignment"],
    "file_name": ["result.json"],
    "report_file": ["report.xlsx"],
}
QUERIES: dict[str, dict[str, Known]] = {"/tiles/{layer}/{z}": {"at": lambda ids, _: ".".join(map(str, tile_of(ids)))}}
"""What routes without a description are asked for."""
ALWAYS: dict[str, object] = {"seconds": 0}
"""Optional parameters that are given in any case: a stream has to end."""
LAYERS = {
    "/api/v1/near": ["incidents", "officers", "facilities", "buildings", "households", "residents"],
    "/api/v1/nearest": ["incidents", "officers", "facilities"],
    "/api/v1/{layer}/within": ["incidents", "facilities", "buildings", "households", "residents", "officers"],
    "/tiles/{layer}.json": ["ground", "incidents", "facilities"],
    "/tiles/{layer}/{z}": ["ground", "grids", "buildings", "incidents", "facilities", "base"],
    "/tiles/{layer}/{z}/{x}/{y}": ["ground", "grids", "buildings", "incidents", "facilities", "base"],
}
WHOLE = {"type": "Polygon", "coordinates": [[[112.99, 27.99], [113.03, 27.99], [113.03, 28.02], [112.99, 28.02], [112.99, 27.99]]]}
BODIES: dict[str, Known] = {
    "POST /api/v1/session": lambda ids, _: {"name": "nobody", "password": "nothing"},
    "POST /api/v1/session/link": lambda ids, _: {"link": "no-link-0123456789-0123456789"},
    "POST /api/v1/me/language": lambda ids, _: {"language": "en"},
    "POST /api/v1/me/password": lambda ids, _: {"new_password": "Maple-tree-47"},
    "POST /api/v1/me/second-factor/confirm": lambda ids, _: {"pending": "x" * 60, "code": "000000"},
    "POST /api/v1/people": lambda ids, district: {
        "sign_in_name": f"new-{ids.community if ids else 'absent'}",
        "name": "新人",
        "roles": ["planner"],
        "areas": [code_of(ids, district)],
    },
    "PATCH /api/v1/people/{person_id}": lambda ids, _: {"name": "改名"},
    "POST /api/v1/people/{person_id}/tokens": lambda ids, _: {"label": "feed"},
    "POST /api/v1/{layer}/within": lambda ids, _: WHOLE,
    "POST /api/v1/incidents": lambda ids, _: report_at(ids),
    "POST /api/v1/incidents/bulk": lambda ids, _: orjson.dumps(report_at(ids)) + b"\n",
    "POST /api/v1/incidents/{incident_id}/actions": lambda ids, _: {"action": "feed_back", "note": "处理完毕", "version": 1},
    "POST /api/v1/incidents/{incident_id}/undo": lambda ids, _: {"version": 1},
    "POST /api/v1/residents/{resident_id}/reveal": lambda ids, _: {"field": "phone", "why": "核对联系方式"},
    "POST /api/v1/plans": lambda ids, district: {"name": "新方案", "area": code_of(ids, district)},
    "PATCH /api/v1/plans/{plan_id}": lambda ids, _: {"note": "已核对"},
    "POST /api/v1/plans/{plan_id}/copy": lambda ids, _: {"name": "副本"},
    "POST /api/v1/plans/{plan_id}/operations": lambda ids, district: {
        "client_id": str(uuid4()),
        "base": {str(one_of("grids")(ids, district)): 1},
        "operation": {"kind": "rename", "grid": one_of("grids")(ids, district), "name": "改名"},
    },
    "POST /api/v1/plans/{plan_id}/undo": lambda ids, _: {"client_id": str(uuid4())},
    "POST /api/v1/plans/{plan_id}/redo": lambda ids, _: {"client_id": str(uuid4())},
    "POST /api/v1/plans/{plan_id}/snapshots": lambda ids, _: {"name": "初稿"},
    "POST /api/v1/plans/{plan_id}/comments": lambda ids, district: {"body": "请看这里", "grid": one_of("grids")(ids, district)},
    "POST /api/v1/plans/{plan_id}/proposals": lambda ids, _: {"alternatives": 1},
    "POST /api/v1/plans/{plan_id}/approve": lambda ids, _: {"note": ""},
    "POST /api/v1/plans/{plan_id}/return": lambda ids, _: {"reason": "再看一遍"},
    "POST /api/v1/plans/{plan_id}/publish": lambda ids, _: {},
    "POST /api/v1/plans/{plan_id}/reverse": lambda ids, _: {"name": "回到从前"},
    "POST /api/v1/analyses": lambda ids, district: {"method": "gi", "area": code_of(ids, district), "category_ids": [410]},
    "POST /api/v1/alerts/{alert_id}/acknowledge": lambda ids, _: {"note": "已派人查看"},
    "POST /api/v1/schedules": lambda ids, district: {
        "name": "周报",
        "every": "week",
        "question": {"method": "gi", "area": code_of(ids, district)},
    },
    "PATCH /api/v1/schedules/{schedule_id}": lambda ids, _: {"paused": True},
}


def visits() -> list[Visit]:
    """Every route of the application, with its parameters as its own description names them."""
    url = "postgresql+psycopg://nobody@/nothing"
    app = create_app(Settings(database_url=url), open_database(url))
    described = app.openapi()["paths"]
    found = []
    for path, methods in paths_of(app):
        for method in sorted(methods - {"HEAD", "OPTIONS"}):
            operation = described.get(path, {}).get(method.lower(), {})
            named = [(each["name"], each["in"], bool(each.get("required"))) for each in operation.get("parameters", [])]
            missing = [(name, "path", True) for name in re.findall(r"{(\w+)", path) if name not in {each[0] for each in named}]
            found.append(Visit(method, path, (*named, *missing), "requestBody" in operation))
    return found


def paths_of(app: FastAPI) -> Iterator[tuple[str, set[str]]]:
    for route in app.routes:
        if isinstance(route, Route | APIRoute):
            yield route.path, set(route.methods or ())
        elif isinstance(route, Mount):
            yield route.path, {"MOUNT"}
        else:
            for inner in route.effective_route_contexts():  # type: ignore[attr-defined]  # FastAPI's included router
                yield inner.path, set(inner.methods or ())


VISITS = visits()
PRIVATE = [each for each in VISITS if each.name not in PUBLIC]


def ways(visit: Visit, ids: Ids | None, district: District) -> Iterator[tuple[str, dict[str, object], tuple[object, ...]]]:
    """Every filling of a route's parameters for what lies in one community: path, query, and the ids that were named."""
    fixed: dict[str, object] = {}
    choices: list[dict[str, object]] = [{}]
    for name, _, required in visit.parameters:
        if name in ALWAYS:
            fixed[name] = ALWAYS[name]
        elif name in IDS or name in PLACES:
            if required:
                fixed[name] = (IDS | PLACES)[name](ids, district)
        elif name == "layer" and (required or visit.path in LAYERS):
            choices = [{**each, name: value} for each in choices for value in LAYERS[visit.path]]
        elif required:
            assert name in PLAIN, f"say in {__name__} how to fill the parameter {name!r} of {visit.name}"
            choices = [{**each, name: value} for each in choices for value in PLAIN[name]]
    optional = [name for name, _, required in visit.parameters if not required and (name in IDS or name in PLACES)]
    where = {name: place for name, place, _ in visit.parameters}
    for choice in choices:
        for extra in [{}, *({name: (IDS | PLACES)[name](ids, district)} for name in optional)]:
            filled = {**fixed, **choice, **extra}
            path = visit.path
            for name, value in filled.items():
                path = re.sub(rf"{{{name}(:\w+)?}}", str(value), path)
            query = {name: value for name, value in filled.items() if where[name] == "query"}
            query |= {name: fill(ids, district) for name, fill in QUERIES.get(visit.path, {}).items()}
            yield path, query, tuple(value for name, value in filled.items() if name in IDS)


def ask(client: Any, visit: Visit, path: str, query: dict[str, object], body: object) -> Response:
    if isinstance(body, bytes):
        return client.request(visit.method, path, params=query, content=body, headers={"Content-Type": "application/x-ndjson"})
    if visit.has_body or visit.name in BODIES:
        return client.request(visit.method, path, params=query, json=body)
    return client.request(visit.method, path, params=query)


def body_of(visit: Visit, ids: Ids | None, district: District) -> object:
    if not visit.has_body:
        return None
    assert visit.name in BODIES, f"say in {__name__} what body {visit.name} takes"
    return BODIES[visit.name](ids, district)


def refuse_leaks(answer: Any, district: District, named: tuple[object, ...]) -> None:
    """Fail if an answer holds an id, code or name from outside community a1, unless the question named it."""
    numbers, words = {AREAS["b"].id}, {AREAS["b"].code, AREAS["b"].name, AREAS["b"].name_en}
    for key, ids in district.communities.items():
        if key != HOME:
            numbers |= ids.numbers
            words |= ids.words
    said = {str(each) for each in named}
    written = answer.content.decode("utf-8", "replace")
    shown = {word for word in words if word in written and word not in said}
    assert not shown, f"{answer.request.url} tells {shown}"
    if answer.content and "json" in answer.headers.get("content-type", ""):
        told = {
            each for each in leaves(orjson.loads(answer.content)) if isinstance(each, int) and each in numbers and str(each) not in said
        }
        assert not told, f"{answer.request.url} tells the ids {told}"


def leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield int(key) if str(key).isdigit() else key
            yield from leaves(each)
    elif isinstance(value, list):
        for each in value:
            yield from leaves(each)
    elif isinstance(value, str) and value.isdigit() and len(value) < 10:
        yield int(value)
    else:
        yield value


def alike(answer: Any, named: tuple[object, ...]) -> tuple[int, str]:
    """An answer without what the question said."""
    written = answer.content.decode("utf-8", "replace")
    for each in sorted(map(str, named), key=len, reverse=True):
        written = written.replace(each, "…")
    written = re.sub(r'nonce="[^"]*"', "nonce", written)
    return answer.status_code, re.sub(r'"(now|at|expires_at)":"[^"]*"', '"when"', written)


@pytest.mark.parametrize("visit", VISITS, ids=lambda each: each.name)
def test_nobody_passes_without_signing_in(visit: Visit, client: Any, district: District) -> None:
    if visit.name in PUBLIC:
        return
    for headers in (
        {},
        {"Authorization": "Bearer made-up-token-0123456789-0123456789"},
        {"Cookie": "wangge=made-up-token-0123456789-0123"},
    ):
        visitor = client(None, raises=False)
        visitor.headers.update({**headers, "X-Wangge": "1"})
        for path, query, _ in ways(visit, district.own, district):
            answer = ask(visitor, visit, path, query, body_of(visit, district.own, district))
            assert answer.status_code == 401, f"{visit.name}: {answer.status_code} {answer.text[:200]}"
            assert answer.json()["type"] == "/problems/sign-in-needed"


@pytest.mark.parametrize("visit", PRIVATE, ids=lambda each: each.name)
def test_what_lies_outside_the_scope_is_not_there(visit: Visit, client: Any, district: District) -> None:
    welcome = []
    for role in ROLES:
        visitor = client(role, HOME, raises=False)
        own = visit_all(visitor, visit, district.own, district)
        welcome += [answer.status_code < 400 for answer, _ in own]
        foreign = visit_all(visitor, visit, district.foreign, district)
        absent = visit_all(visitor, visit, None, district)
        for (theirs, their_ids), (none, no_ids) in zip(foreign, absent, strict=True):
            if their_ids or visit.name == "POST /api/v1/people":
                named = (*their_ids, code_of(district.foreign, district), "b2"), (*no_ids, code_of(None, district), "absent")
                assert alike(theirs, named[0]) == alike(none, named[1]), f"{role}: {theirs.request.url} tells that it exists"
    assert any(welcome) or visit.name in NEVER_WELL, f"no role passes {visit.name}: is its filling right?"


@pytest.mark.parametrize("visit", [each for each in PRIVATE if each.method not in {"GET", "MOUNT"}], ids=lambda each: each.name)
def test_every_change_leaves_a_row_in_the_trail(visit: Visit, client: Any, database: Database, district: District) -> None:
    if visit.name in UNWRITTEN or visit.name in NEVER_WELL:
        return
    changed = 0
    for role in ROLES:
        visitor = client(role, HOME, raises=False)
        for path, query, _ in ways(visit, district.own, district):
            before = rows_in_trail(database)
            answer = ask(visitor, visit, path, query, body_of(visit, district.own, district))
            if answer.status_code < 300:
                assert rows_in_trail(database) > before, f"{visit.name} changed something and wrote nothing down"
                changed += 1
    assert changed, f"no role passes {visit.name}"


@pytest.mark.parametrize("visit", [each for each in PRIVATE if each.method not in {"GET", "MOUNT"}], ids=lambda each: each.name)
def test_a_wall_changes_nothing_by_any_route(visit: Visit, client: Any, database: Database, district: District) -> None:
    wall = client("wall", HOME, raises=False)
    before = rows_in_trail(database)
    for path, query, _ in ways(visit, district.own, district):
        answer = ask(wall, visit, path, query, body_of(visit, district.own, district))
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/not-permitted"), f"{path}: {answer.text[:200]}"
    assert rows_in_trail(database) == before


def rows_in_trail(database: Database) -> int:
    with database.unit_of_work(Scope(token=factories.token("audit_admin"))) as session:
        return int(session.execute(text("SELECT count(*) FROM audit")).scalar_one())


def visit_all(visitor: Any, visit: Visit, ids: Ids | None, district: District) -> list[tuple[Any, tuple[object, ...]]]:
    answers = []
    for path, query, named in ways(visit, ids, district):
        answer = ask(visitor, visit, path, query, body_of(visit, ids, district))
        assert answer.status_code < 500, f"{visit.name} {path} {query}: {answer.text[:300]}"
        refuse_leaks(answer, district, (*named, code_of(ids, district)) if visit.has_body else named)
        answers.append((answer, named))
    return answers


def test_the_list_of_open_doors_names_only_doors_that_exist() -> None:
    names = {each.name for each in VISITS}
    either = {"GET /sign-in/link/{token}", "GET /sign-in/link/{link}"}
    assert set(PUBLIC) - names <= either | {"GET /problems/{code}"}


def test_a_route_with_an_unknown_parameter_fails_the_matrix(district: District) -> None:
    with pytest.raises(AssertionError, match="how to fill"):
        list(ways(Visit("GET", "/api/v1/things/{thing_id}", (("thing_id", "path", True),)), district.own, district))
