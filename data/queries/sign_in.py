"""What signing in asks of the database: credentials, links, sessions and counters, each through one function of the gate."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Credential:
    """What is known of somebody who tries to sign in; a missing hash means that no password is set."""

    person_id: int
    roles: tuple[str, ...]
    password_hash: str | None
    changed_at: datetime | None
    totp_sealed: bytes | None
    disabled: bool


@dataclass(frozen=True, slots=True)
class OwnCredential:
    """The caller's own credential."""

    password_hash: str | None
    past_hashes: Sequence[str]
    changed_at: datetime | None
    totp_sealed: bytes | None


def fingerprint(token: str) -> bytes:
    """What is stored of a token instead of it."""
    return hashlib.sha256(token.encode()).digest()


def credential(session: Session, sign_in_name: str) -> Credential | None:
    """The credential behind a sign-in name; None for a name nobody has."""
    row = session.execute(text("SELECT * FROM gate.credential_of(:name)"), {"name": sign_in_name}).mappings().one_or_none()
    return None if row is None else Credential(**{**row, "roles": tuple(row["roles"])})


def own_credential(session: Session) -> OwnCredential:
    """The caller's own credential; empty when none was ever set."""
    row = session.execute(text("SELECT * FROM gate.own_credential()")).mappings().one_or_none()
    return OwnCredential(None, (), None, None) if row is None else OwnCredential(**row)


COUNTED = text("SELECT count(*) FROM limit_hit WHERE bucket = :bucket AND at > clock_timestamp() - :within")


def admit(session: Session, bucket: str, *, allowed: int, within: timedelta) -> bool:
    """Count one try in a bucket, unless as many as are `allowed` were counted within the period; exact beside others."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:bucket, 8420))"), {"bucket": bucket})
    counted = session.execute(COUNTED, {"bucket": bucket, "within": within}).scalar_one()
    if counted >= allowed:
        return False
    session.execute(text("INSERT INTO limit_hit (bucket, at) VALUES (:bucket, clock_timestamp())"), {"bucket": bucket})
    return True


def forget(session: Session, bucket: str) -> None:
    """Empty a bucket."""
    session.execute(text("DELETE FROM limit_hit WHERE bucket = :bucket"), {"bucket": bucket})


def open_session(
    session: Session,
    person_id: int,
    token: str,
    *,
    kind: str,
    lifetime: timedelta,
    idle: timedelta | None,
    label: str = "",
    address: str | None = None,
) -> None:
    """Open a session with exactly what the person's roles and grants give."""
    session.execute(
        text("SELECT gate.open_session(:person_id, :hash, :kind, :lifetime, :idle, :label, :address)"),
        {
            "person_id": person_id,
            "hash": fingerprint(token),
            "kind": kind,
            "lifetime": lifetime,
            "idle": idle,
            "label": label,
            "address": address,
        },
    )


def close_session(session: Session) -> None:
    """End the session of the token this transaction was opened with."""
    session.execute(text("SELECT gate.close_session()"))


def end_others(session: Session) -> int:
    """End the caller's other browser sessions; returns how many there were."""
    return int(session.execute(text("SELECT gate.end_others()")).scalar_one())


def end_sessions(session: Session, person_id: int) -> int:
    """End all sessions and tokens of a person; returns how many there were."""
    return int(session.execute(text("SELECT gate.close_sessions_of(:id)"), {"id": person_id}).scalar_one())


def end_session(session: Session, person_id: int, named: str) -> bool:
    """End one session of a person by the name it is listed under."""
    return bool(session.execute(text("SELECT gate.end_session(:id, :named)"), {"id": person_id, "named": named}).scalar_one())


def sessions_of(session: Session, person_id: int) -> list[Row]:
    """The living sessions and tokens of a person."""
    return [dict(row) for row in session.execute(text("SELECT * FROM gate.sessions_of(:id)"), {"id": person_id}).mappings()]


def set_password(session: Session, password_hash: str, *, remember: int) -> None:
    """Give the caller a new password and remember the last ones."""
    session.execute(text("SELECT gate.set_password(:hash, :remember)"), {"hash": password_hash, "remember": remember})


def set_second_factor(session: Session, sealed: bytes, step: int) -> None:
    """Give the caller a second factor whose code for `step` is used."""
    session.execute(text("SELECT gate.set_second_factor(:sealed, :step)"), {"sealed": sealed, "step": step})


def use_code(session: Session, person_id: int, step: int) -> bool:
    """Use up the code of a time step; False when it or a later one was used before."""
    return bool(session.execute(text("SELECT gate.use_code(:id, :step)"), {"id": person_id, "step": step}).scalar_one())


def reset(session: Session, person_id: int) -> bool:
    """Take away password, second factor, links and sessions; False when the caller may not."""
    return bool(session.execute(text("SELECT gate.reset(:id)"), {"id": person_id}).scalar_one())


def add_link(session: Session, person_id: int, token: str, lifetime: timedelta) -> bool:
    """A new sign-in link in place of any unused one; False when the caller may not or the person cannot sign in."""
    return bool(
        session.execute(
            text("SELECT gate.add_link(:id, :hash, :lifetime)"), {"id": person_id, "hash": fingerprint(token), "lifetime": lifetime}
        ).scalar_one()
    )


def link(session: Session, token: str) -> Row | None:
    """Whom an unused link would sign in."""
    row = session.execute(text("SELECT * FROM gate.link(:hash)"), {"hash": fingerprint(token)}).mappings().one_or_none()
    return None if row is None else dict(row)


@dataclass(frozen=True, slots=True)
class Admitted:
    """Whom a link signed in, and whether that is a wall."""

    person_id: int
    wall: bool


def use_link(session: Session, token: str) -> Admitted | None:
    """Use up a link; whom it signs in, or None when it is unknown, used or too old."""
    used = session.execute(text("SELECT * FROM gate.use_link(:hash)"), {"hash": fingerprint(token)}).one_or_none()
    return None if used is None else Admitted(used.person_id, used.wall)


def set_language(session: Session, language: str) -> None:
    """Remember the caller's language."""
    session.execute(text("SELECT gate.set_language(:language)"), {"language": language})


def sweep(session: Session) -> None:
    """Remove what has expired."""
    session.execute(text("SELECT gate.sweep()"))


def open_system_session(schema_url: str, token: str, *, label: str, lifetime: timedelta) -> None:
    """Open a session of the system itself over the connection of the schema's owner; the application's role is refused that."""
    engine = create_engine(schema_url, poolclass=NullPool)
    with engine.begin() as connection, Session(connection) as session:
        person_id = session.execute(text("SELECT id FROM person WHERE 'system' = ANY (roles)")).scalar_one()
        open_session(session, person_id, token, kind="system", lifetime=lifetime, idle=None, label=label)
        session.flush()
