"""HTTP of people: the caller's own account, sessions, and the administration of others."""

import base64
import binascii
import time
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.responses import RedirectResponse

from api import auth
from api.actor import WALL_PAGE
from api.deps import AppDatabase, AppSettings, CurrentActor, Session
from api.people import schemas, service
from api.people.sign_in import Attempt, Door, SignedIn
from api.settings import Settings
from data import sealing
from data.queries import deployment, people
from gis.errors import BadValue

router = APIRouter(tags=["people"])

PersonId = Annotated[int, Path(ge=1, le=2**53)]
SessionName = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")]
LinkToken = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{20,200}$")]


@router.post("/api/v1/session", response_model=schemas.SessionOut)
def sign_in(body: schemas.SignInIn, request: Request, response: Response, database: AppDatabase, settings: AppSettings) -> Any:
    """Sign in by name and password; the answer sets the session cookie."""
    attempt = Attempt(body.name, body.password, body.code, body.new_password, _address(request), request.headers.get("user-agent", ""))
    door = _door(database, settings)
    return _let_in(request, response, door, settings, door.by_password(attempt))


@router.post("/api/v1/session/link", response_model=schemas.SessionOut)
def sign_in_by_link(body: schemas.LinkIn, request: Request, response: Response, database: AppDatabase, settings: AppSettings) -> Any:
    """Sign in by a one-time link; the answer sets the session cookie."""
    door = _door(database, settings)
    return _let_in(request, response, door, settings, door.by_link(body.link, _address(request), request.headers.get("user-agent", "")))


@router.post("/sign-in/link/{link}", include_in_schema=False)
def follow_link(link: LinkToken, request: Request, database: AppDatabase, settings: AppSettings) -> Response:
    """What the confirmation page of a one-time link posts; leads to the map, a wall to the wall."""
    door = _door(database, settings)
    signed_in = door.by_link(link, _address(request), request.headers.get("user-agent", ""))
    response = RedirectResponse(WALL_PAGE if signed_in.wall else "/", 303)
    _let_in(request, response, door, settings, signed_in)
    return response


@router.delete("/api/v1/session", status_code=204)
def sign_out(request: Request, actor: CurrentActor, database: AppDatabase, settings: AppSettings) -> Response:
    """End the session this request came with."""
    _door(database, settings).out(auth.token_of(request))
    response = Response(status_code=204)
    auth.clear_cookie(response, secure=settings.secure_cookies)
    return response


@router.get("/api/v1/me", response_model=schemas.MeOut)
def me(session: Session, actor: CurrentActor) -> Any:
    """The caller: roles, permissions, scope, and the deployment they look at."""
    return {
        "person_id": actor.person_id,
        "sign_in_name": actor.sign_in_name,
        "name": actor.name,
        "roles": sorted(actor.roles),
        "permissions": sorted(actor.permissions),
        "language": actor.language,
        "kind": actor.kind,
        "scope": people.areas_of(session, actor.scope, actor.person_id),
        "deployment": _deployment(deployment.itself(session, actor.scope)),
    }


@router.post("/api/v1/me/language", status_code=204)
def choose_language(body: schemas.LanguageIn, session: Session, actor: CurrentActor) -> None:
    """Remember the language the caller reads."""
    service.choose_language(session, actor, body.language)


@router.post("/api/v1/me/password", status_code=204)
def change_password(body: schemas.PasswordIn, session: Session, actor: CurrentActor) -> None:
    """Set the caller's password; the caller's other browser sessions end."""
    service.change_password(session, actor, old=body.old_password, new=body.new_password)


@router.post("/api/v1/me/second-factor", response_model=schemas.SecondFactorOut)
def begin_second_factor(actor: CurrentActor, settings: AppSettings) -> Any:
    """A new secret for an authenticator app; it counts once confirmed."""
    begun = service.begin_second_factor(actor, sealing.keyring(settings.data_dir))
    return {"secret": begun.secret, "address": begun.address, "pending": base64.urlsafe_b64encode(begun.pending).decode()}


@router.post("/api/v1/me/second-factor/confirm", status_code=204)
def confirm_second_factor(body: schemas.SecondFactorIn, session: Session, actor: CurrentActor, settings: AppSettings) -> None:
    """Make the secret the caller's second factor, proved by its first code."""
    try:
        pending = base64.urlsafe_b64decode(body.pending)
    except binascii.Error:
        raise BadValue("This is not what was given out.", field="pending") from None
    keys = sealing.keyring(settings.data_dir)
    service.confirm_second_factor(session, actor, keys, pending=pending, code=body.code, current_code=body.current_code, now_s=time.time())


@router.get("/api/v1/me/sessions", response_model=schemas.SessionsOut)
def own_sessions(session: Session, actor: CurrentActor) -> Any:
    """The caller's open sessions."""
    return {"items": service.sessions(session, actor, actor.person_id)}


@router.delete("/api/v1/me/sessions/{session_name}", response_model=schemas.EndedOut)
def end_own_session(session_name: SessionName, session: Session, actor: CurrentActor) -> Any:
    """End one of the caller's sessions."""
    return {"ended": service.end_session(session, actor, actor.person_id, session_name)}


@router.get("/api/v1/people", response_model=schemas.PeopleOut)
def people_page(
    session: Session,
    actor: CurrentActor,
    role: schemas.Role | None = None,
    q: Annotated[str, Query(max_length=100)] = "",
    after: Annotated[int, Query(ge=0, le=2**53)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Any:
    """People whose whole scope lies in the caller's."""
    found = service.people_of(session, actor, role=role, words=q, after=after, limit=limit)
    return {"items": [_person(each) for each in found], "next": found[-1]["id"] if len(found) == limit else None}


@router.post("/api/v1/people", status_code=201, response_model=schemas.PersonOut)
def add_person(body: schemas.PersonIn, session: Session, actor: CurrentActor) -> Any:
    """A new person, who can sign in once a link is made for them (reset)."""
    new = service.NewPerson(body.sign_in_name, body.name, body.roles, body.areas, body.language)
    return _person(service.person(session, actor, service.add(session, actor, new)))


@router.get("/api/v1/people/{person_id}", response_model=schemas.PersonOut)
def one_person(person_id: PersonId, session: Session, actor: CurrentActor) -> Any:
    """One person."""
    return _person(service.person(session, actor, person_id))


@router.patch("/api/v1/people/{person_id}", response_model=schemas.PersonOut)
def change_person(person_id: PersonId, body: schemas.PersonChange, session: Session, actor: CurrentActor) -> Any:
    """Change name, roles, areas or standing; open sessions follow at once."""
    service.change(session, actor, person_id, service.Change(body.name, body.roles, body.areas, body.disabled))
    return _person(service.person(session, actor, person_id))


@router.post("/api/v1/people/{person_id}/reset", response_model=schemas.LinkOut)
def reset_person(person_id: PersonId, session: Session, actor: CurrentActor) -> Any:
    """Take away password, second factor and sessions, and give a one-time link."""
    issued = service.reset(session, actor, person_id)
    return {"path": f"/sign-in/link/{issued.secret}", "expires_at": issued.expires_at}


@router.post("/api/v1/people/{person_id}/tokens", status_code=201, response_model=schemas.TokenOut)
def issue_token(person_id: PersonId, body: schemas.TokenIn, session: Session, actor: CurrentActor) -> Any:
    """A bearer token for an integration."""
    issued = service.issue_token(session, actor, person_id, label=body.label, days=body.days)
    return {"token": issued.secret, "expires_at": issued.expires_at}


@router.get("/api/v1/people/{person_id}/sessions", response_model=schemas.SessionsOut)
def sessions_of_person(person_id: PersonId, session: Session, actor: CurrentActor) -> Any:
    """Open sessions and tokens of a person."""
    return {"items": service.sessions(session, actor, person_id)}


@router.delete("/api/v1/people/{person_id}/sessions", response_model=schemas.EndedOut)
def end_sessions_of_person(person_id: PersonId, session: Session, actor: CurrentActor) -> Any:
    """End all sessions and tokens of a person."""
    return {"ended": service.end_session(session, actor, person_id, None)}


@router.delete("/api/v1/people/{person_id}/sessions/{session_name}", response_model=schemas.EndedOut)
def end_session_of_person(person_id: PersonId, session_name: SessionName, session: Session, actor: CurrentActor) -> Any:
    """End one session, or revoke one token, of a person."""
    return {"ended": service.end_session(session, actor, person_id, session_name)}


def _door(database: AppDatabase, settings: Settings) -> Door:
    return Door(database, settings, lambda: sealing.keyring(settings.data_dir))


def _let_in(request: Request, response: Response, door: Door, settings: Settings, signed_in: SignedIn) -> Mapping[str, Any]:
    # A session from before is not carried over: who planted its cookie would share the new one.
    old = auth.cookie_of(request.cookies, secure=settings.secure_cookies)
    if old:
        door.out(old)
    auth.set_cookie(response, signed_in.token, secure=settings.secure_cookies, lifetime_s=int(signed_in.lifetime.total_seconds()))
    return {"person_id": signed_in.person_id, "expires_at": signed_in.expires_at}


def _address(request: Request) -> str | None:
    return request.client.host if request.client else None


def _person(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**row, "name": row["display_name"]}


def _deployment(row: Mapping[str, Any]) -> Mapping[str, Any]:
    kept, bounds = row["kept"], row["bounds"]
    known = None not in bounds
    return {
        "name": kept.get("name") or row["name"] or "",
        "name_en": kept.get("name_en") or row["name_en"] or "",
        "district_code": row["code"],
        "bounds": bounds if known else None,
        "center": ((bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2) if known else None,
        "timezone": row["zone"],
        "review_number": kept.get("review_number") or "",
        "scheme": row["scheme"],
        "now": row["now"],
        "archive": "now" in kept,
    }
