"""Request → Actor: the token a request carries, resolved by the database in one question."""

import re
from collections.abc import Mapping

from fastapi import Request
from starlette.requests import HTTPConnection
from starlette.responses import Response

from api.actor import Actor
from data.database import Database
from data.queries import people
from data.scope import Scope
from gis.errors import NotPermitted, SignInNeeded

COOKIE = "wangge"
SECURE_COOKIE = "__Host-wangge"  # browsers take this name only over HTTPS, for one host, for the path /
TOKEN = re.compile(r"[A-Za-z0-9_-]{20,200}")
BACKGROUND = "x-wangge-background"
"""A header of requests that a page makes by itself: an open page alone does not keep a session alive."""
READING = frozenset({"GET", "HEAD"})
SEEN_AFTER_S = 30.0
"""A session is marked as used when its last mark is older than this, seconds."""


def actor_of(request: Request) -> Actor:
    """Who asks; SignInNeeded when the request carries no living session or token, NotPermitted when a wall does more than read."""
    actor = resolve(request.app.state.database, token_of(request), used=BACKGROUND not in request.headers)
    if actor is None:
        raise SignInNeeded("Sign in first.")
    if actor.is_wall and request.method not in READING:
        raise NotPermitted("A wall only shows; it changes nothing.", permission="wall")
    request.state.actor = actor
    return actor


def possible_actor_of(request: Request) -> Actor | None:
    """Who asks, or None for a visitor: for the few pages that open before anybody is signed in."""
    return resolve(request.app.state.database, token_of(request))


def resolve(database: Database, token: str, *, used: bool = True) -> Actor | None:
    """The living person behind a token, None for a token that is made up, expired, idle too long or revoked.

    `used` says that a person asks, which keeps the session from going idle; a page that asks by itself does not.
    """
    if not token:
        return None
    with database.unit_of_work(Scope(token=token)) as session:
        caller = people.who(session, token)
        if caller is not None and used and caller.idle_s > SEEN_AFTER_S:
            people.seen(session)
    return None if caller is None else actor_from(caller)


def token_of(connection: HTTPConnection) -> str:
    """The bearer token of a request, else its session cookie, else an empty string."""
    return bearer_of(connection.headers) or cookie_of(connection.cookies, secure=connection.app.state.settings.secure_cookies)


def bearer_of(headers: Mapping[str, str]) -> str:
    """The token of an `Authorization: Bearer …` header."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return _plausible(token.strip()) if scheme.lower() == "bearer" else ""


def cookie_of(cookies: Mapping[str, str], *, secure: bool) -> str:
    """The token of the session cookie. Over HTTPS only the protected name counts: a neighbour host could plant the other."""
    return _plausible(cookies.get(SECURE_COOKIE if secure else COOKIE, ""))


def actor_from(caller: people.Caller) -> Actor:
    """The actor a token's person is."""
    return Actor(
        person_id=caller.person_id,
        sign_in_name=caller.sign_in_name,
        name=caller.display_name,
        roles=frozenset(caller.roles),
        permissions=frozenset(caller.permissions),
        scope=caller.scope,
        area_ids=caller.area_ids,
        language=caller.language,
        kind=caller.kind,
    )


def _plausible(token: str) -> str:
    return token if TOKEN.fullmatch(token) else ""


def set_cookie(response: Response, token: str, *, secure: bool, lifetime_s: int) -> None:
    """Hand a session to the browser; scripts cannot read it, other sites cannot send changes with it."""
    name = SECURE_COOKIE if secure else COOKIE
    response.set_cookie(name, token, max_age=lifetime_s, path="/", secure=secure, httponly=True, samesite="lax")


def clear_cookie(response: Response, *, secure: bool) -> None:
    """Take the session cookie away."""
    response.delete_cookie(SECURE_COOKIE if secure else COOKIE, path="/", secure=secure, httponly=True, samesite="lax")
