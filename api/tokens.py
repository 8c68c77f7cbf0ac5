"""Tokens that the machine's owner makes without signing in: the system's own session, bearer tokens, first links."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from api.actor import WALL
from api.people import service
from data.database import Database, open_database
from data.queries import audit, people, sign_in
from data.scope import Scope
from gis.errors import BadValue, NotFound

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

SYSTEM_LIFETIME = timedelta(days=30)
COMMAND_LIFETIME = timedelta(minutes=10)
IMPORT_LIFETIME = timedelta(days=1)
TOKEN_LIFETIME = timedelta(days=90)
FIRST_PERSON = "operator"
FIRST_ROLES = ("operator", "planner", "analyst")
ADMINISTRATORS = {
    "system-admin": ("system_admin", "系统管理员"),
    "security-admin": ("security_admin", "安全管理员"),
    "audit-admin": ("audit_admin", "审计管理员"),
}


def system_session(schema_url: str, label: str = "worker", lifetime: timedelta = SYSTEM_LIFETIME) -> Scope:
    """Open a session of the system itself, which sees and may everything; only the schema's owner can."""
    token = secrets.token_urlsafe(32)
    sign_in.open_system_session(schema_url, token, label=label, lifetime=lifetime)
    return Scope(token=token, everything=True)


@contextmanager
def import_session(schema_url: str, database: Database) -> Iterator[Scope]:
    """The system's own session for as long as one import command runs."""
    scope = system_session(schema_url, "import command", IMPORT_LIFETIME)
    try:
        yield scope
    finally:
        with database.unit_of_work(scope) as session:
            sign_in.close_session(session)


@contextmanager
def person_session(schema_url: str, name: str) -> Iterator[str]:
    """A session of somebody by their sign-in name, for one command of the machine's owner; NotFound when there is nobody."""
    database = open_database(schema_url, pool_size=1)
    scope = system_session(schema_url, "command in a person's name", COMMAND_LIFETIME)
    token = secrets.token_urlsafe(32)
    try:
        with database.unit_of_work(scope) as session:
            person_id = _known(session, name)
            sign_in.open_session(session, person_id, token, kind="token", lifetime=COMMAND_LIFETIME, idle=None, label="command line")
            audit.record(session, people.who(session, scope.token), "issue_token", "person", person_id, why="command line")
        yield token
        with database.unit_of_work(Scope(token=token)) as session:
            sign_in.close_session(session)
    finally:
        with database.unit_of_work(scope) as session:
            sign_in.close_session(session)
        database.close()


def bearer_token(schema_url: str, role: str, area: str | None) -> str:
    """A bearer token for a role in an area (a code) or in all districts; the person behind it is made at first need."""
    service.refuse_roles([role])
    if role == WALL:
        raise BadValue("A wall signs in by a link of its own: ./wangge link --wall.", role=role)
    database = open_database(schema_url, pool_size=1)
    scope = system_session(schema_url, "token command", COMMAND_LIFETIME)
    try:
        with database.unit_of_work(scope) as session:
            name = f"token.{role.replace('_', '-')}.{(area or 'all').lower()}"
            person_id = _person_for(session, scope, sign_in_name=name, name=name, role=role, area=area)
            token = secrets.token_urlsafe(32)
            sign_in.open_session(session, person_id, token, kind="token", lifetime=TOKEN_LIFETIME, idle=None, label="command line")
            audit.record(session, people.who(session, scope.token), "issue_token", "person", person_id, facts={"role": role, "area": area})
            sign_in.close_session(session)
    finally:
        database.close()
    return token


def sign_in_link(schema_url: str, name: str = FIRST_PERSON) -> str:
    """A one-time link's token for the first person, an administrator (made at first need) or anybody there is."""
    database = open_database(schema_url, pool_size=1)
    scope = system_session(schema_url, "link command", COMMAND_LIFETIME)
    try:
        with database.unit_of_work(scope) as session:
            if name == FIRST_PERSON:
                person_id = people.first_person(session, scope, sign_in_name=name, name="值班员", roles=FIRST_ROLES)
            elif name in ADMINISTRATORS:
                role, title = ADMINISTRATORS[name]
                person_id = people.first_person(session, scope, sign_in_name=name, name=title, roles=[role])
            else:
                person_id = _known(session, name)
            link = _add_link(session, scope, person_id, name)
            sign_in.close_session(session)
    finally:
        database.close()
    return link


def wall_link(schema_url: str, area: str | None) -> str:
    """A one-time link's token for a wall of screens that shows an area (a code) or all districts; the wall is made at first need."""
    database = open_database(schema_url, pool_size=1)
    scope = system_session(schema_url, "link command", COMMAND_LIFETIME)
    try:
        with database.unit_of_work(scope) as session:
            name = f"wall.{(area or 'all').lower()}"
            person_id = _person_for(session, scope, sign_in_name=name, name=f"大屏 {area or ''}".strip(), role=WALL, area=area)
            link = _add_link(session, scope, person_id, name, wall=area or "all")
            sign_in.close_session(session)
    finally:
        database.close()
    return link


def _add_link(session: "Session", scope: Scope, person_id: int, name: str, **facts: str) -> str:
    link = secrets.token_urlsafe(32)
    if not sign_in.add_link(session, person_id, link, service.LINK_LIFETIME):
        raise BadValue(f"{name} cannot sign in: the account is disabled.", name=name)
    audit.record(session, people.who(session, scope.token), "issue_link", "person", person_id, facts=facts)
    return link


def _known(session: "Session", name: str) -> int:
    known = sign_in.credential(session, name)
    if known is None:
        raise NotFound(f"There is nobody called {name}. There are always: {', '.join([FIRST_PERSON, *ADMINISTRATORS])}.", name=name)
    return known.person_id


def _person_for(session: "Session", scope: Scope, *, sign_in_name: str, name: str, role: str, area: str | None) -> int:
    if area is None:
        return people.first_person(session, scope, sign_in_name=sign_in_name, name=name, roles=[role])
    person_id = people.add(session, scope, sign_in_name=sign_in_name, name=name, roles=[role], language="zh")
    if person_id is None:
        known = sign_in.credential(session, sign_in_name)
        assert known is not None, "the name is taken"
        person_id = known.person_id
    if people.grant(session, scope, person_id, [area], None):
        raise NotFound(f"There is no living area with the code {area}; GET /api/v1/areas lists them.", area=area)
    return person_id
