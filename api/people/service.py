"""What people administer: others, by those who may, and themselves."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from api.actor import WALL, Actor
from api.people import one_time_code, passwords
from api.people.sign_in import ADMIN_ROLES, SECOND_FACTOR
from data.queries import audit, people, sign_in
from data.sealing import Keyring, SealBroken
from gis.errors import BadValue, Conflict, NotFound, SignInRefused

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

ROLES = ("operator", "planner", "analyst", "clerk", "officer", "system_admin", "security_admin", "audit_admin", "integration", WALL)
ALONE = ADMIN_ROLES | {"integration", WALL}
LINK_LIFETIME = timedelta(hours=24)
PENDING = "second_factor.pending"


@dataclass(frozen=True, slots=True)
class NewPerson:
    """A person to be: areas are codes."""

    sign_in_name: str
    name: str
    roles: Sequence[str]
    areas: Sequence[str]
    language: str = "zh"


@dataclass(frozen=True, slots=True)
class Change:
    """What to change of a person; None leaves it."""

    name: str | None = None
    roles: Sequence[str] | None = None
    areas: Sequence[str] | None = None
    disabled: bool | None = None


@dataclass(frozen=True, slots=True)
class Issued:
    """A link or token, shown this once."""

    secret: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """A second factor to be confirmed: the secret for people, for apps, and sealed for the way back."""

    secret: str
    address: str
    pending: bytes


def people_of(session: "Session", actor: Actor, *, role: str | None, words: str, after: int, limit: int) -> list[Mapping[str, Any]]:
    """People whose whole scope lies in the actor's."""
    actor.must("people")
    return people.page(session, actor.scope, role=role, words=words, after=after, limit=limit)


def person(session: "Session", actor: Actor, person_id: int) -> Mapping[str, Any]:
    """One person the actor administers; NotFound for others."""
    actor.must("people")
    found = people.visible(session, actor.scope, person_id)
    if found is None:
        raise NotFound("There is no such person in your scope.")
    return found


def add(session: "Session", actor: Actor, new: NewPerson) -> int:
    """A new person with roles and areas, who cannot sign in before they get a link."""
    actor.must("people.write")
    refuse_roles(new.roles)
    person_id = people.add(session, actor.scope, sign_in_name=new.sign_in_name, name=new.name, roles=new.roles, language=new.language)
    if person_id is None:
        raise Conflict("Somebody has this sign-in name already.", field="sign_in_name")
    _grant(session, actor, person_id, new.areas)
    audit.record(session, actor, "create", "person", person_id, facts={"roles": sorted(new.roles), "areas": sorted(new.areas)})
    return person_id


def change(session: "Session", actor: Actor, person_id: int, wanted: Change) -> None:
    """Change name, roles, areas or standing of somebody else; open sessions follow at once."""
    actor.must("people.write")
    before = person(session, actor, person_id)
    if person_id == actor.person_id and (wanted.roles, wanted.areas, wanted.disabled) != (None, None, None):
        raise BadValue("Nobody changes their own roles, areas or standing.", field="person_id")
    if wanted.roles is not None:
        refuse_roles(wanted.roles)
    people.change(session, actor.scope, person_id, name=wanted.name, roles=wanted.roles, disabled=wanted.disabled)
    if wanted.areas is not None:
        _grant(session, actor, person_id, wanted.areas)
    facts = {
        "roles_before": sorted(before["roles"]),
        "areas_before": [each["code"] for each in before["areas"]],
        "roles": None if wanted.roles is None else sorted(wanted.roles),
        "areas": None if wanted.areas is None else sorted(wanted.areas),
        "disabled": wanted.disabled,
    }
    audit.record(session, actor, "update", "person", person_id, facts=facts)


def reset(session: "Session", actor: Actor, person_id: int) -> Issued:
    """Take away password, second factor and sessions of somebody else, and give a one-time link instead."""
    actor.must("people.write")
    person(session, actor, person_id)
    if person_id == actor.person_id:
        raise BadValue("Nobody resets themselves; change your password instead.", field="person_id")
    sign_in.reset(session, person_id)
    link = secrets.token_urlsafe(32)
    if not sign_in.add_link(session, person_id, link, LINK_LIFETIME):
        raise Conflict("This person cannot sign in now.", reason="disabled")
    audit.record(session, actor, "reset", "person", person_id)
    return Issued(link, datetime.now(UTC) + LINK_LIFETIME)


def sessions(session: "Session", actor: Actor, person_id: int) -> list[Mapping[str, Any]]:
    """The open sessions and tokens of a person."""
    if person_id != actor.person_id:
        person(session, actor, person_id)
    return sign_in.sessions_of(session, person_id)


def end_session(session: "Session", actor: Actor, person_id: int, named: str | None) -> int:
    """End one session of a person, or all; returns how many ended."""
    if person_id != actor.person_id:
        actor.must("people.write")
        person(session, actor, person_id)
    # The trail needs the caller's own session, which may be among those that end.
    audit.record(session, actor, "end_session", "person", person_id, facts={"session": named or "all"})
    if named is None:
        return sign_in.end_sessions(session, person_id)
    if not sign_in.end_session(session, person_id, named):
        raise NotFound("There is no such session.")
    return 1


def issue_token(session: "Session", actor: Actor, person_id: int, *, label: str, days: int) -> Issued:
    """A bearer token for an integration; it may what its roles and areas give, and is shown this once."""
    actor.must("tokens.write")
    found = person(session, actor, person_id)
    if list(found["roles"]) != ["integration"]:
        raise BadValue("Tokens are for people with the role integration only.", field="person_id")
    if found["disabled_at"] is not None:
        raise Conflict("This person cannot sign in now.", reason="disabled")
    token, lifetime = secrets.token_urlsafe(32), timedelta(days=days)
    sign_in.open_session(session, person_id, token, kind="token", lifetime=lifetime, idle=None, label=label)
    audit.record(session, actor, "issue_token", "person", person_id, facts={"label": label, "days": days})
    return Issued(token, datetime.now(UTC) + lifetime)


def refuse_roles(roles: Sequence[str]) -> None:
    """Raise BadValue for unknown roles, and for an administrator, integration or wall that would be anything else as well."""
    unknown = sorted(set(roles) - set(ROLES))
    if unknown:
        raise BadValue(f"There is no such role. There are: {', '.join(ROLES)}.", field="roles", known=list(ROLES))
    if not roles:
        raise BadValue("A person has at least one role.", field="roles", known=list(ROLES))
    if len(set(roles)) > 1 and ALONE & set(roles):
        raise BadValue("An administrator, integration or wall has no other role.", field="roles", apart=sorted(ALONE & set(roles)))


def choose_language(session: "Session", actor: Actor, language: str) -> None:
    """Remember the language the actor reads."""
    sign_in.set_language(session, language)
    audit.record(session, actor, "choose_language", "person", actor.person_id, facts={"language": language})


def change_password(session: "Session", actor: Actor, *, old: str | None, new: str) -> None:
    """Set the actor's password; the old one is asked for once there is one. Other browser sessions end."""
    own = sign_in.own_credential(session)
    if own.password_hash is not None and not passwords.matches(old or "", own.password_hash):
        raise SignInRefused("The old password is wrong.", reason="wrong")
    passwords.refuse_weak(new, sign_in_name=actor.sign_in_name)
    passwords.refuse_repeated(new, [each for each in (own.password_hash, *own.past_hashes) if each][: passwords.REMEMBERED])
    sign_in.set_password(session, passwords.hashed(new), remember=passwords.REMEMBERED)
    sign_in.end_others(session)
    audit.record(session, actor, "change_password", "person", actor.person_id)


def begin_second_factor(actor: Actor, keys: Keyring) -> SecondFactor:
    """A new secret for an authenticator app; nothing is stored before a code proves that it arrived there."""
    secret = one_time_code.fresh_secret()
    return SecondFactor(
        one_time_code.shown(secret), one_time_code.address(secret, actor.sign_in_name), keys.seal(PENDING, actor.person_id, secret)
    )


def confirm_second_factor(
    session: "Session", actor: Actor, keys: Keyring, *, pending: bytes, code: str, current_code: str | None, now_s: float
) -> None:
    """Store the second factor that `pending` holds; changing an existing one needs its code as well."""
    try:
        secret = keys.open(PENDING, actor.person_id, pending)
    except SealBroken:
        raise BadValue("Begin again: this secret is not yours or not whole.", field="pending") from None
    step = one_time_code.step_of(secret, code, now_s)
    if step is None:
        raise SignInRefused("The code does not fit. Check the clock of your phone.", reason="wrong")
    own = sign_in.own_credential(session)
    if own.totp_sealed is not None:
        old = keys.open(SECOND_FACTOR, actor.person_id, own.totp_sealed)
        current = one_time_code.step_of(old, current_code or "", now_s)
        if current is None or not sign_in.use_code(session, actor.person_id, current):
            raise SignInRefused("Give the code of your present second factor as well.", reason="current-code")
    sign_in.set_second_factor(session, keys.seal(SECOND_FACTOR, actor.person_id, secret), step)
    audit.record(session, actor, "set_second_factor", "person", actor.person_id)


def _grant(session: "Session", actor: Actor, person_id: int, codes: Sequence[str]) -> None:
    if not codes:
        people.grant(session, actor.scope, person_id, [], actor.person_id)
        return
    actor.must("scopes.write")
    missing = people.grant(session, actor.scope, person_id, codes, actor.person_id)
    # An ancestor of one's own area is visible, but it is more than one has to give.
    if missing or not people.within(session, actor.scope, person_id):
        raise NotFound("There is no such area in your scope.", field="areas", codes=missing)
