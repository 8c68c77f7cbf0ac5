"""Questions about people and what they may; what the application may not read itself, the gate answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from data.scope import Scope, from_multirange

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Caller:
    """The person behind a token, with what the token allows."""

    person_id: int
    sign_in_name: str
    display_name: str
    roles: tuple[str, ...]
    language: str
    permissions: tuple[str, ...]
    scope: Scope
    area_ids: tuple[int, ...]
    kind: str
    expires_at: datetime
    idle_s: float


WHO = text("SELECT *, extract(epoch FROM now() - last_seen_at)::float AS idle_s FROM gate.who()")


def who(session: Session, token: str) -> Caller | None:
    """Who asks in this transaction, which `token` was named for; None when it is unknown, expired or idle too long."""
    row = session.execute(WHO).mappings().one_or_none()
    return None if row is None else _caller(row, token)


def seen(session: Session) -> None:
    """Keep the caller's session from going idle; writes at most twice a minute."""
    session.execute(text("SELECT gate.seen()"))


PEOPLE = """
    SELECT person.id, sign_in_name, display_name, roles, language, created_at, disabled_at,
           ARRAY(SELECT jsonb_build_object('code', area.code, 'level', level, 'name', name, 'name_en', name_en)
                   FROM person_scope JOIN area ON area.id = area_id
                  WHERE person_scope.person_id = person.id ORDER BY area.code) AS areas
      FROM person
     WHERE NOT 'system' = ANY (roles) AND gate.scope_of(person.id) <@ gate.scope()
"""


def page(session: Session, scope: Scope, *, role: str | None, words: str, after: int, limit: int) -> list[Row]:
    """People whose whole scope lies in the caller's, by id; `words` is looked for in both names."""
    found = session.execute(
        text(
            PEOPLE + " AND person.id > :after AND (CAST(:role AS text) IS NULL OR :role = ANY (roles))"
            " AND (:words = '' OR strpos(lower(sign_in_name || ' ' || display_name), lower(:words)) > 0) ORDER BY person.id LIMIT :limit"
        ),
        {"role": role, "words": words, "after": after, "limit": limit},
    )
    return [dict(row) for row in found.mappings()]


def visible(session: Session, scope: Scope, person_id: int) -> Row | None:
    """One person, if their whole scope lies in the caller's."""
    row = session.execute(text(PEOPLE + " AND person.id = :id"), {"id": person_id}).mappings().one_or_none()
    return None if row is None else dict(row)


def within(session: Session, scope: Scope, person_id: int) -> bool:
    """Whether what a person may see lies in what the caller may see."""
    return bool(session.execute(text("SELECT gate.scope_of(:id) <@ gate.scope()"), {"id": person_id}).scalar_one())


def add(session: Session, scope: Scope, *, sign_in_name: str, name: str, roles: Sequence[str], language: str) -> int | None:
    """A new person without any scope; None when the name is taken."""
    added = session.execute(
        text(
            "INSERT INTO person (sign_in_name, display_name, roles, language) VALUES (:sign_in_name, :name, :roles, :language)"
            " ON CONFLICT (sign_in_name) DO NOTHING RETURNING id"
        ),
        {"sign_in_name": sign_in_name, "name": name, "roles": list(roles), "language": language},
    ).scalar_one_or_none()
    return None if added is None else int(added)


def change(session: Session, scope: Scope, person_id: int, *, name: str | None, roles: Sequence[str] | None, disabled: bool | None) -> None:
    """Change what is given and leave what is None; a disabled person's sessions end at once."""
    session.execute(
        text(
            "UPDATE person SET display_name = coalesce(:name, display_name), roles = coalesce(CAST(:roles AS text[]), roles),"
            " disabled_at = CASE WHEN CAST(:disabled AS boolean) IS NULL THEN disabled_at"
            "                    WHEN :disabled THEN coalesce(disabled_at, now()) END"
            " WHERE id = :id"
        ),
        {"id": person_id, "name": name, "roles": None if roles is None else list(roles), "disabled": disabled},
    )


def grant(session: Session, scope: Scope, person_id: int, codes: Sequence[str], granted_by: int | None) -> list[str]:
    """Make the living areas with these codes the person's whole scope; returns the codes the caller cannot see."""
    found = session.execute(text("SELECT id, code FROM area WHERE code = ANY (:codes) AND valid_to IS NULL"), {"codes": list(codes)}).all()
    areas = [row.id for row in found]
    session.execute(
        text("DELETE FROM person_scope WHERE person_id = :id AND area_id <> ALL (:areas)"),
        {"id": person_id, "areas": areas},
    )
    session.execute(
        text(
            "INSERT INTO person_scope (person_id, area_id, granted_by)"
            " SELECT :id, new.id, :by FROM unnest(CAST(:areas AS integer[])) AS new (id)"
            " ON CONFLICT DO NOTHING"
        ),
        {"id": person_id, "by": granted_by, "areas": areas},
    )
    return sorted(set(codes) - {row.code for row in found})


def areas_of(session: Session, scope: Scope, person_id: int) -> list[Row]:
    """The areas a person was given, as the caller may see them."""
    found = session.execute(
        text("SELECT code, level, name, name_en FROM person_scope JOIN area ON area.id = area_id WHERE person_id = :id ORDER BY code"),
        {"id": person_id},
    )
    return [dict(row) for row in found.mappings()]


def first_person(session: Session, scope: Scope, *, sign_in_name: str, name: str, roles: Sequence[str]) -> int:
    """The person who covers every district there is or will be; made once, over the owner's connection."""
    session.execute(
        text(
            "INSERT INTO person (sign_in_name, display_name, roles, every_district) VALUES (:sign_in_name, :name, :roles, true)"
            " ON CONFLICT (sign_in_name) DO NOTHING"
        ),
        {"sign_in_name": sign_in_name, "name": name, "roles": list(roles)},
    )
    person_id = int(session.execute(text("SELECT id FROM person WHERE sign_in_name = :name"), {"name": sign_in_name}).scalar_one())
    session.execute(
        text(
            "INSERT INTO person_scope (person_id, area_id) SELECT person.id, area.id FROM person, area"
            " WHERE person.id = :id AND every_district AND level = 'district' ON CONFLICT DO NOTHING"
        ),
        {"id": person_id},
    )
    return person_id


def district_codes(session: Session, scope: Scope) -> list[str]:
    """Codes of the living districts in scope."""
    return list(session.scalars(text("SELECT code FROM area WHERE level = 'district' AND valid_to IS NULL ORDER BY code")))


def _caller(row: Mapping[Any, Any], token: str) -> Caller:
    return Caller(
        person_id=row["person_id"],
        sign_in_name=row["sign_in_name"],
        display_name=row["display_name"],
        roles=tuple(row["roles"]),
        language=row["language"],
        permissions=tuple(row["permissions"]),
        scope=from_multirange(token, row["scope"]),
        area_ids=tuple(row["area_ids"]),
        kind=row["kind"],
        expires_at=row["expires_at"],
        idle_s=row["idle_s"],
    )
