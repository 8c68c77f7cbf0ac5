"""The outer wall: what every request must be before a route sees it, and what every answer tells the browser."""

import json
import secrets
from urllib.parse import quote, urlsplit

import orjson
from fastapi import FastAPI, Request
from sqlalchemy.exc import DataError
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import auth, problems
from api.settings import Settings
from gis.errors import BadValue, NotPermitted, Refusal, SignInNeeded, TooLarge

DRAINED_BYTES = 64_000_000
"""How much of a body that is too large is taken before its answer."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
ASKED_BY_US = "x-wangge"
"""A header that our own pages send with each change; a foreign page cannot without asking, and nobody answers that question."""
PROGRAM_PATHS = ("/api/", "/tiles/", "/static/", "/healthz", "/readyz")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(self), microphone=(), payment=(), usb=()",
}
HSTS = "max-age=31536000"
UNCHANGED = 304
NO_PAGE = "default-src 'none'; frame-ancestors 'none'"
WORKER = "default-src 'none'; script-src 'self'; connect-src 'self'; frame-ancestors 'none'"
"""A script that runs as a worker lives under the policy it came with, not under its page's."""
PAGE = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; worker-src 'self' blob:; manifest-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'self'"
)


def install(app: FastAPI) -> None:
    """Put the wall around the application."""
    app.add_middleware(Wall, settings=app.state.settings)
    app.add_exception_handler(SignInNeeded, _sign_in_needed)
    app.add_exception_handler(DataError, _out_of_range)
    app.add_exception_handler(Oversize, _oversize)


def added_headers(settings: Settings) -> dict[str, str]:
    """What the wall adds to each answer that is no page and not of the API."""
    policy = "Content-Security-Policy-Report-Only" if settings.csp_report_only else "Content-Security-Policy"
    return HEADERS | {policy: NO_PAGE} | ({"Strict-Transport-Security": HSTS} if settings.secure_cookies else {})


class Oversize(HTTPException):
    """A body passed its limit while a route was reading it."""

    def __init__(self, limit: int) -> None:
        super().__init__(413)
        self.refusal = _too_large(limit)


class Sending:
    """A request's body while it comes in."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._receive = receive
        self._seen = 0
        self._more = Headers(scope=scope).get("expect") is None  # who asks first sends nothing that is refused

    async def receive(self) -> Message:
        """The next piece."""
        message = await self._receive()
        self._seen += len(message.get("body", b""))
        self._more = message.get("more_body", False)
        return message

    async def drained(self) -> None:
        """Take the rest of a body that is refused: who still sends when the door shuts gets no answer, only a broken connection."""
        while self._more and self._seen < DRAINED_BYTES:
            await self.receive()


class Wall:
    """Refuses foreign, oversized and unreadable requests; adds the headers that keep an answer harmless."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self.app = app
        self.limit = settings.body_limit_bytes
        self.secure = settings.secure_cookies
        self.policy = "Content-Security-Policy-Report-Only" if settings.csp_report_only else "Content-Security-Policy"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request through the wall."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(16)
        scope.setdefault("state", {})["nonce"] = nonce
        send = self._with_headers(scope, send, nonce)
        sending = Sending(scope, receive)
        try:
            receive = await self._checked(scope, sending.receive)
        except Refusal as refusal:
            if isinstance(refusal, TooLarge):
                await sending.drained()
            await problems.problem(problems.STATUS[type(refusal)], refusal.code, refusal.message, refusal.facts)(scope, receive, send)
            return
        await self._served(scope, receive, send)

    async def _served(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a bug from inside the wall: the framework's own answer would come from outside and lack its headers."""
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            if not begun:
                await scope["app"].exception_handlers[Exception](Request(scope), error)(scope, receive, send)
            raise

    async def _checked(self, scope: Scope, receive: Receive) -> Receive:
        """The same request with its body proved small and readable; raises a Refusal."""
        headers = Headers(scope=scope)
        if "\x00" in scope["path"] or b"%00" in scope["query_string"]:
            raise BadValue("The address holds a NUL character.", fields=[{"at": "url", "why": "NUL character"}])
        if scope["method"] in SAFE_METHODS:
            return receive
        refuse_foreign(headers, scope)
        if _declared(headers) > self.limit:
            raise _too_large(self.limit)
        if _is_json(headers):
            return await self._readable(receive)
        return self._counted(receive)

    async def _readable(self, receive: Receive) -> Receive:
        body, more = bytearray(), True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return _once(message, receive)
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self.limit:
                raise _too_large(self.limit)
        refuse_unreadable(bytes(body))
        return _once({"type": "http.request", "body": bytes(body), "more_body": False}, receive)

    def _counted(self, receive: Receive) -> Receive:
        seen = 0

        async def count() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.limit:
                raise Oversize(self.limit)
            return message

        return count

    def _with_headers(self, scope: Scope, send: Send, nonce: str) -> Send:
        api = scope["path"].startswith("/api/")

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                kind = headers.get("content-type", "")
                page = kind.startswith("text/html")
                # An unchanged file comes without its type; a policy named here would replace the one it was kept with.
                if message["status"] != UNCHANGED:
                    headers[self.policy] = PAGE.format(nonce=nonce) if page else WORKER if kind.startswith("text/javascript") else NO_PAGE
                if api or page:
                    headers.setdefault("Cache-Control", "no-store")
                if self.secure:
                    headers.setdefault("Strict-Transport-Security", HSTS)
            await send(message)

        return add


def refuse_foreign(headers: Headers, scope: Scope) -> None:
    """Refuse a change that another site's page may have asked for with our cookie; bearer tokens cannot be lent like that."""
    if auth.bearer_of(headers):
        return
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None and site not in {"same-origin", "none"}:
        raise NotPermitted("Another site asked for this change.", reason="foreign-site")
    if origin is not None and urlsplit(origin).netloc != headers.get("host"):
        raise NotPermitted("Another site asked for this change.", reason="foreign-origin")
    if "wangge=" in headers.get("cookie", "") and scope["path"].startswith("/api/") and ASKED_BY_US not in headers:
        raise NotPermitted("A change by cookie needs the header X-Wangge: 1.", reason="header-missing")


def refuse_unreadable(body: bytes) -> None:
    """Refuse JSON that Python would take and PostgreSQL or a browser would not: NaN, infinity, lone surrogates, NUL, endless nesting.

    A key that comes twice is refused as well: two readers of the same text would believe different halves of it.
    """
    if not body:
        return
    try:
        value = orjson.loads(body)
        json.loads(body, object_pairs_hook=_each_key_once)
    except orjson.JSONDecodeError as wrong:
        raise BadValue("The body is not valid JSON.", fields=[{"at": f"body, character {wrong.pos}", "why": wrong.msg}]) from None
    except RecursionError:
        raise BadValue("The body is not valid JSON.", fields=[{"at": "body", "why": "nested too deeply"}]) from None
    if b"\\u0000" in body and _holds_nul(value):
        raise BadValue("A text holds a NUL character.", fields=[{"at": "body", "why": "NUL character"}])


def _each_key_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    keys = dict(pairs)
    if len(keys) < len(pairs):
        twice = next(key for at, (key, _) in enumerate(pairs) if any(key == earlier for earlier, _ in pairs[:at]))
        raise BadValue("A key comes twice in one object.", fields=[{"at": "body", "why": f"key {twice[:40]!r} twice"}])
    return keys


def _holds_nul(value: object) -> bool:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str) and "\x00" in each:
            return True
        if isinstance(each, dict):
            waiting += [*each.keys(), *each.values()]
        elif isinstance(each, list):
            waiting += each
    return False


def _is_json(headers: Headers) -> bool:
    """Whether a route will read the body as one JSON text; lines of JSON (x-ndjson) are read one by one by their route."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind.endswith(("/json", "+json"))


def _declared(headers: Headers) -> int:
    length = headers.get("content-length", "0")
    return int(length) if length.isascii() and length.isdigit() else 0


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body is larger than {limit:,} bytes.", limit_bytes=limit)


def _once(message: Message, then: Receive) -> Receive:
    told = False

    async def replay() -> Message:
        nonlocal told
        if told:
            return await then()
        told = True
        return message

    return replay


def _sign_in_needed(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, SignInNeeded)
    path = request.url.path
    if request.method == "GET" and "text/html" in request.headers.get("accept", "") and not path.startswith(PROGRAM_PATHS):
        asked = path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse("/sign-in" if asked == "/" else f"/sign-in?next={quote(asked, safe='')}", 303)
    answer = problems.problem(401, refusal.code, refusal.message, refusal.facts)
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def _out_of_range(request: Request, wrong: Exception) -> Response:
    problems.LOG.warning("value out of the database's range on %s", request.url.path)
    return problems.problem(422, BadValue.code, "A value is larger or of another kind than can be stored.")


def _oversize(request: Request, wrong: Exception) -> Response:
    assert isinstance(wrong, Oversize)
    return problems.problem(413, TooLarge.code, wrong.refusal.message, wrong.refusal.facts)
