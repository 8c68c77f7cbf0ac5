"""HTML routes: ask for what a page opens on, hand it to web.pages; and the same refusals as pages for those who read."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi import Path as PathParameter
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import PathLike, StaticFiles
from starlette.types import Receive, Scope, Send

import web
from api.actor import Actor
from api.auth import possible_actor_of
from api.deps import CurrentActor, Session
from api.reports import service as report_service
from api.security import PROGRAM_PATHS
from data.queries.first_view import first_view
from gis.errors import NotFound
from web import pages
from web.page import THEMES, Theme, View
from web.words import LANGUAGES, language_of, table

STATIC = Path(web.__file__).parent / "static"
OPENAPI = "/api/openapi.json"
WALLS = frozenset({"1", "stay"})
"""How a page becomes a wall: going round the areas, or staying."""

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
PlanId = Annotated[int, PathParameter(ge=1, le=2**63 - 1)]
AnalysisId = Annotated[int, PathParameter(gt=0, lt=2**63)]
AnalysisQuery = Annotated[int, Query(gt=0, lt=2**63)]
LinkToken = Annotated[str, PathParameter(min_length=20, max_length=200, pattern=r"^[A-Za-z0-9_-]+$")]
Visitor = Annotated[Actor | None, Depends(possible_actor_of)]


def install(app: FastAPI) -> None:
    """Add the pages, the static files, and problem pages for those who asked for a page."""
    app.include_router(router)
    app.add_middleware(Compressed, minimum_size=1_000, compresslevel=5)
    app.mount("/static", Static(directory=STATIC, check_dir=False), name="static")
    for kind, answer in list(app.exception_handlers.items()):
        app.add_exception_handler(kind, _as_page(answer))


class Compressed(GZipMiddleware):
    """Compresses what a browser reads as text; tiles are made once, small, and served as they are."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, compressed unless it asks for a tile."""
        if scope["type"] == "http" and scope["path"].startswith("/tiles/"):
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


class Static(StaticFiles):
    """Files that a browser keeps: for good where the address names their version, else asked about each time."""

    def file_response(self, full_path: PathLike, stat_result: os.stat_result, scope: Scope, status_code: int = 200) -> Response:
        """The file, with how long it may be kept."""
        answer = super().file_response(full_path, stat_result, scope, status_code)
        hashed = Path(full_path).parent.name == "built" and Path(full_path).suffix in {".js", ".css"}
        lasting = hashed or scope.get("query_string", b"").startswith(b"v=")
        answer.headers["Cache-Control"] = "public, max-age=31536000, immutable" if lasting else "no-cache"
        return answer


@router.get("/")
def one_screen(request: Request, session: Session, actor: CurrentActor) -> Response:
    """The one screen, on the caller's own ground; a wall sees it as a wall."""
    if actor.is_wall and request.query_params.get("wall") not in WALLS:
        return RedirectResponse(f"/?{request.url.include_query_params(wall=1).query}", 303)
    actor.must("map")
    return HTMLResponse(pages.one_screen(*_on_own_ground(request, session, actor, theme="dark")))


@router.get("/plans")
def plans(request: Request, session: Session, actor: CurrentActor) -> str:
    """The plans of the caller's ground."""
    actor.must("plans")
    return pages.plans(*_on_own_ground(request, session, actor, theme="light"))


@router.get("/plans/{plan_id}")
def editor(request: Request, session: Session, actor: CurrentActor, plan_id: PlanId) -> str:
    """The boundary editor; the plan itself is the page's first question, so that it opens at once."""
    actor.must("plans")
    return pages.editor(*_on_own_ground(request, session, actor, theme="light"), plan_id)


@router.get("/design")
def design(request: Request, session: Session, actor: CurrentActor) -> str:
    """Every component of the pages in every state."""
    return pages.design(*_on_own_ground(request, session, actor, theme="light"))


@router.get("/reports")
def reports(request: Request, session: Session, actor: CurrentActor) -> str:
    """Analyses of the caller's ground and their reports."""
    actor.must("statistics")
    return pages.reports(*_on_own_ground(request, session, actor, theme="light"))


@router.get("/reports/compared")
def reports_compared(request: Request, session: Session, actor: CurrentActor, first: AnalysisQuery, second: AnalysisQuery) -> str:
    """Two analyses of one method side by side."""
    view, ground = _on_own_ground(request, session, actor, theme="light")
    document = report_service.compared(session, actor, (first, second), view.language)
    return pages.reports_compared(view, ground, document, (first, second))


@router.get("/reports/{analysis_id}")
def report(request: Request, session: Session, actor: CurrentActor, analysis_id: AnalysisId) -> str:
    """The report of an analysis, or how far it is."""
    view, ground = _on_own_ground(request, session, actor, theme="light")
    found = report_service.document(session, actor, analysis_id, view.language)
    if isinstance(found, report_service.Waiting):
        return pages.report_waiting(view, ground, found.analysis)
    return pages.report(view, ground, found, analysis_id)


@router.get("/sign-in")
def sign_in(request: Request, actor: Visitor, next: str = "/") -> Response:  # noqa: A002
    """The form; who is signed in already goes on, unless it is a wall: somebody wants its place."""
    if actor is not None and not actor.is_wall:
        return RedirectResponse(inside(next), 303)
    return HTMLResponse(pages.sign_in(view_of(request), next_url=inside(next)))


@router.get("/sign-in/link/{link}")
def sign_in_link(request: Request, link: LinkToken) -> str:
    """Asks first: opening a one-time link must not use it up. The form on it posts to the same address."""
    return pages.sign_in_link(view_of(request), token=link)


@router.get("/docs")
def api_reference(request: Request, actor: CurrentActor) -> str:
    """The reference of the API, from our own files."""
    return pages.api_reference(view_of(request, actor), openapi_url=OPENAPI)


@router.get("/words/{language}.json")
def words(request: Request, language: str) -> Response:
    """Every text of a language for the page's scripts."""
    if language not in LANGUAGES:
        raise NotFound("There is no such language.", language=language)
    body = orjson.dumps(dict(table(language)))
    tag = f'"{hashlib.blake2b(body, digest_size=8).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def view_of(request: Request, actor: Actor | None = None, *, theme: Theme = "dark") -> View:
    """How to show a page: the address decides, then what the browser remembers, then who asks; `theme` where nobody said."""
    asked = request.query_params.get("lang") or request.cookies.get("wangge_lang")
    language = language_of(asked or (actor.language if actor else request.headers.get("accept-language")))
    chosen = request.query_params.get("theme") or request.cookies.get("wangge_theme")
    return View(language, next((each for each in THEMES if each == chosen), theme), getattr(request.state, "nonce", ""))


def _on_own_ground(request: Request, session: Session, actor: Actor, *, theme: Theme) -> tuple[View, pages.Ground]:
    view = view_of(request, actor, theme=theme)
    seen = first_view(session, actor.scope, actor.area_ids)
    name = seen.name_en if view.language == "en" and seen.name_en else seen.name
    return view, pages.Ground(name or view.word("product"), seen.bounds, seen.time_zone, seen.review_number)


def inside(address: str) -> str:
    """An address of our own, whatever a link asked for."""
    own = address.startswith("/") and not address.startswith(("//", "/\\")) and not any(ord(sign) < 33 for sign in address)
    return address if own else "/"


def _as_page(answer: Callable[..., Any]) -> Callable[[Request, Exception], Response]:
    def shown(request: Request, refused: Exception) -> Response:
        plain: Response = answer(request, refused)
        reads = "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(PROGRAM_PATHS)
        if not reads or plain.status_code < 400:
            return plain
        return HTMLResponse(pages.problem(view_of(request), plain.status_code), plain.status_code)

    return shown
