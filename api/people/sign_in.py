"""Signing in, out and staying signed in; each refused try is on record before the answer leaves."""

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from api.actor import WALL
from api.people import one_time_code, passwords
from api.settings import Settings
from data.database import Database, name_caller
from data.queries import audit, people, sign_in
from data.sealing import Keyring
from gis.errors import SignInRefused, TooManyAttempts

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

ADMIN_ROLES = frozenset({"system_admin", "security_admin", "audit_admin"})
TRIES_PER_ADDRESS = 20
ADDRESS_PERIOD = timedelta(minutes=1)
SECOND_FACTOR = "credential.totp_sealed"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody gave to be let in. `new_password` replaces one that has expired."""

    name: str
    password: str
    code: str | None = None
    new_password: str | None = None
    address: str | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An open session: the token, shown this once, and when it ends at the latest."""

    token: str
    person_id: int
    lifetime: timedelta
    expires_at: datetime
    wall: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """The person a failed or good try was for, as the trail names them."""

    person_id: int


class Door:
    """Lets people in by the rules of one deployment. `clock` gives Unix seconds."""

    def __init__(self, database: Database, settings: Settings, keys: Callable[[], Keyring], clock: Callable[[], float] = time.time) -> None:
        self.database = database
        self.settings = settings
        self.keys = keys
        self.clock = clock

    def by_password(self, attempt: Attempt) -> SignedIn:
        """Sign in by name and password, and a code where there is a second factor; one answer for all that is wrong."""
        self._admit(attempt)
        with self.database.unit_of_work() as session:
            known = sign_in.credential(session, attempt.name)
        right = passwords.matches(attempt.password, None if known is None else known.password_hash)
        if known is None or not right or known.disabled or WALL in known.roles:
            raise self._refused(attempt, known, "wrong")
        self._check_second_factor(attempt, known)
        changing = self._must_change(attempt, known)
        with self.database.unit_of_work() as session:
            signed_in = self._open(session, known.person_id, attempt.address, attempt.label, "password")
            if changing is not None:
                name_caller(session, signed_in.token)
                sign_in.set_password(session, changing, remember=passwords.REMEMBERED)
                audit.record(session, Held(known.person_id), "change_password", "person", known.person_id)
            sign_in.forget(session, _name_bucket(attempt.name))
        return signed_in

    def by_link(self, link: str, address: str | None, label: str = "") -> SignedIn:
        """Sign in by a one-time link, which is then used up."""
        if not self._within_address_limit(address):
            raise TooManyAttempts("Too many tries from this address. Wait a minute.", retry_after_s=60)
        with self.database.unit_of_work() as session:
            admitted = sign_in.use_link(session, link)
            if admitted is not None:
                return self._open(session, admitted.person_id, address, label, "link", wall=admitted.wall)
        with self.database.unit_of_work() as session:
            audit.record(session, None, "sign_in", "session", outcome="refused", facts={"by": "link"}, address=address)
        raise SignInRefused("This link was used, is too old, or never was.", reason="link")

    def out(self, token: str) -> None:
        """End the session of a token; nothing happens when there is none."""
        with self.database.unit_of_work() as session:
            name_caller(session, token)
            caller = people.who(session, token)
            if caller is not None:
                audit.record(session, caller, "sign_out", "session")
                sign_in.close_session(session)

    def _admit(self, attempt: Attempt) -> None:
        lock = timedelta(minutes=self.settings.lock_minutes)
        with self.database.unit_of_work() as session:
            address_free = self._count_address(session, attempt.address)
            name_free = address_free and sign_in.admit(
                session, _name_bucket(attempt.name), allowed=self.settings.sign_in_failures, within=lock
            )
        if not address_free:
            raise TooManyAttempts("Too many tries from this address. Wait a minute.", retry_after_s=60)
        if not name_free:
            self._note(attempt, None, "locked")
            raise TooManyAttempts("Too many failed tries. Wait, or ask for a new link.", retry_after_s=int(lock.total_seconds()))

    def _within_address_limit(self, address: str | None) -> bool:
        with self.database.unit_of_work() as session:
            return self._count_address(session, address)

    def _count_address(self, session: "Session", address: str | None) -> bool:
        return sign_in.admit(session, f"address:{address}", allowed=TRIES_PER_ADDRESS, within=ADDRESS_PERIOD)

    def _check_second_factor(self, attempt: Attempt, known: sign_in.Credential) -> None:
        if known.totp_sealed is None:
            if ADMIN_ROLES & set(known.roles):
                raise self._refused(
                    attempt, known, "second-factor-missing", "Administrators need a second factor. Ask for a new link and set it up."
                )
            return
        if not attempt.code:
            # The try stays counted: whoever knows the password must not win endless tries at the code.
            raise SignInRefused("Give the code of your second factor as well.", reason="code-needed")
        secret = self.keys().open(SECOND_FACTOR, known.person_id, known.totp_sealed)
        step = one_time_code.step_of(secret, attempt.code, self.clock())
        fresh = False
        if step is not None:
            with self.database.unit_of_work() as session:
                fresh = sign_in.use_code(session, known.person_id, step)
        if not fresh:
            raise self._refused(attempt, known, "wrong")

    def _must_change(self, attempt: Attempt, known: sign_in.Credential) -> str | None:
        """The hash of the new password when the old one has expired; None while it has not."""
        age = datetime.fromtimestamp(self.clock(), UTC) - (known.changed_at or datetime.fromtimestamp(0, UTC))
        if self.settings.password_days == 0 or age < timedelta(days=self.settings.password_days):
            return None
        if not attempt.new_password:
            raise SignInRefused("Your password has expired. Give a new one with it.", reason="password-expired")
        passwords.refuse_weak(attempt.new_password, sign_in_name=attempt.name)
        passwords.refuse_repeated(attempt.new_password, [known.password_hash or ""])
        return passwords.hashed(attempt.new_password)

    def _open(self, session: "Session", person_id: int, address: str | None, label: str, by: str, *, wall: bool = False) -> SignedIn:
        settings = self.settings
        lifetime = timedelta(days=settings.wall_days) if wall else timedelta(hours=settings.session_hours)
        kind = WALL if wall else "browser"
        token = secrets.token_urlsafe(32)
        sign_in.sweep(session)
        sign_in.open_session(
            session,
            person_id,
            token,
            kind=kind,
            lifetime=lifetime,
            idle=None if wall else timedelta(minutes=settings.session_idle_minutes),
            label=label[:200],
            address=address,
        )
        audit.record(session, Held(person_id), "sign_in", "session", facts={"by": by, "kind": kind}, address=address)
        return SignedIn(token, person_id, lifetime, datetime.fromtimestamp(self.clock(), UTC) + lifetime, wall)

    def _refused(
        self, attempt: Attempt, known: sign_in.Credential | None, reason: str, message: str = "The name, the password or the code is wrong."
    ) -> SignInRefused:
        self._note(attempt, known, reason)
        return SignInRefused(message, reason=reason)

    def _note(self, attempt: Attempt, known: sign_in.Credential | None, reason: str) -> None:
        # A name nobody has may be a password typed into the wrong field: it is not written down.
        with self.database.unit_of_work() as session:
            audit.record(
                session,
                None if known is None else Held(known.person_id),
                "sign_in",
                "session",
                outcome="refused",
                facts={"by": "password", "reason": reason},
                address=attempt.address,
            )


def _name_bucket(name: str) -> str:
    return f"name:{hashlib.sha256(name.encode()).hexdigest()[:32]}"
