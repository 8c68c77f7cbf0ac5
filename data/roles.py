"""Gives a database its three roles, its extensions and its rights, and does nothing where they are there already."""

import hashlib
from dataclasses import dataclass
from typing import LiteralString

import psycopg
from psycopg import errors, sql

from data.database import reason
from gis.errors import Conflict, Unavailable

ADMIN = "wangge_admin"
"""The bootstrap superuser: creates databases and backups, never serves a request."""
SCHEMA = "wangge_schema"
"""Owns the tables; migrations and bulk loads."""
APP = "wangge_app"
"""What the API is: no ownership, so that row-level security always holds."""

MARK = "wangge password "
EXTENSIONS: tuple[LiteralString, ...] = ("postgis", "btree_gist", "pg_trgm")
APP_LIMITS: dict[LiteralString, LiteralString] = {
    "lock_timeout": "5s",
    "statement_timeout": "15s",
    "idle_in_transaction_session_timeout": "60s",
}
# They compare boxes and raise nothing on stored values, so the planner may use them below a row-level policy.
BOX_FUNCTIONS: tuple[LiteralString, ...] = (
    "geometry_overlaps(geometry, geometry)",
    "geometry_within(geometry, geometry)",
    "geometry_contains(geometry, geometry)",
    "geography_overlaps(geography, geography)",
)


@dataclass(frozen=True)
class Standing:
    """What a server offers: versions, and whether the role behind the URL may create roles."""

    version_num: int
    postgis: str | None
    """The installed or, failing that, the installable version; None when the server has no PostGIS."""
    superuser: bool
    may_create_roles: bool


def standing(url: str) -> Standing:
    """Ask a server what it is. `url` is a SQLAlchemy or libpq URL."""
    with _connect(url) as connection:
        row = connection.execute(
            "SELECT current_setting('server_version_num')::int, coalesce(installed_version, default_version), rolsuper,"
            " rolsuper OR rolcreaterole FROM pg_roles"
            " LEFT JOIN pg_available_extensions ON name = 'postgis' WHERE rolname = current_user"
        ).fetchone()
    assert row is not None, "a connected role has a row in pg_roles"
    return Standing(*row)


def prepare(admin_url: str, owned_url: str, database: str) -> None:
    """Make roles and `database` through `admin_url` (a superuser elsewhere), then its extensions through `owned_url`.

    `owned_url` is the same superuser in `database` itself. Safe to repeat; safe beside another one that does the same.
    """
    with _connect(admin_url) as connection:
        connection.execute("SELECT pg_advisory_lock(8420, 1)")
        for role in (SCHEMA, APP):
            _create_role(connection, role)
        if not _exists(connection, "SELECT FROM pg_database WHERE datname = %s", database):
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0").format(sql.Identifier(database), sql.Identifier(SCHEMA))
            )
    with _connect(owned_url) as connection:
        connection.execute("SELECT pg_advisory_lock(8420, 1)")
        for extension in EXTENSIONS:
            if not _exists(connection, "SELECT FROM pg_extension WHERE extname = %s", extension):
                connection.execute(sql.SQL("CREATE EXTENSION {}").format(sql.Identifier(extension)))
        _mark_leakproof(connection)
        _grant(connection, database)


def adopt(owner_url: str, app_password: str | None) -> None:
    """Prepare a managed database through its owner: extensions, the application's role, its rights.

    With `app_password` the role is made, or given this password; without, an administrator has made it.
    Box functions stay as the server has them: marking them takes a superuser.
    """
    with _connect(owner_url) as connection:
        connection.execute("SELECT pg_advisory_lock(8420, 1)")
        database = connection.info.dbname
        for extension in EXTENSIONS:
            if not _exists(connection, "SELECT FROM pg_extension WHERE extname = %s", extension):
                _extend(connection, extension)
        if app_password is not None:
            _create_role(connection, APP)
            connection.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(APP), sql.Literal(_scram(connection, app_password)))
            )
            connection.execute(sql.SQL("COMMENT ON ROLE {} IS {}").format(sql.Identifier(APP), sql.Literal(_mark(app_password))))
        if connection.execute("SELECT FROM pg_roles WHERE rolname = current_user AND rolsuper").fetchone() is not None:
            _mark_leakproof(connection)
        for statement in (
            "GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {app}",
            "GRANT USAGE ON SCHEMA public TO {app}",
        ):
            connection.execute(sql.SQL(statement).format(database=sql.Identifier(database), app=sql.Identifier(APP)))


def password_is_of_another(owner_url: str, app_password: str | None) -> bool:
    """Whether some deployment on this server gave the application's role a password, and it is not this one.

    A role and its password belong to the server, not to one of its databases; what tells is a mark made of the password.
    """
    with _connect(owner_url) as connection:
        row = connection.execute("SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = %s", [APP]).fetchone()
    marked = row[0] if row else None
    return bool(marked and marked.startswith(MARK) and (app_password is None or marked != _mark(app_password)))


def districts(schema_url: str) -> int:
    """How many districts are stored: none means that nothing was loaded yet."""
    with _connect(schema_url) as connection:
        row = connection.execute("SELECT count(*) FROM area WHERE level = 'district'").fetchone()
    return int(row[0]) if row else 0


def checkpoint(admin_url: str) -> None:
    """Bring everything that was written to its place on disk, so that a crash has nothing to replay."""
    with _connect(admin_url) as connection:
        connection.execute("CHECKPOINT")


def create_database(admin_url: str, database: str, *, template: str, owner: str = SCHEMA) -> None:
    """Clone `template` into a new `database` of `owner`; Conflict while anybody is connected to the template."""
    copy = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY file_copy")
    with _connect(admin_url) as connection:
        try:
            connection.execute(copy.format(*(sql.Identifier(name) for name in (database, owner, template))))
        except errors.ObjectInUse:
            raise Conflict(f"The database {template!r} is being used and cannot be copied; stop what uses it first.") from None


def drop_database(admin_url: str, database: str) -> None:
    """Drop a database and end the sessions in it; nothing happens if there is none."""
    with _connect(admin_url) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))


def box_functions_leakproof(url: str) -> bool:
    """Whether spatial indexes are usable under row-level security."""
    with _connect(url) as connection:
        return not _exists(
            connection,
            "SELECT FROM pg_proc WHERE proname = %s AND NOT proleakproof AND pronargs = 2",
            "geometry_overlaps",
        )


def faults(schema_url: str) -> dict[str, list[str]]:
    """What is wrong with the application's role: it must exist, be nobody special and own nothing."""
    with _connect(schema_url) as connection:
        row = connection.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, NOT rolcanlogin,"
            " EXISTS (SELECT FROM pg_class WHERE relowner = pg_roles.oid) FROM pg_roles WHERE rolname = %s",
            [APP],
        ).fetchone()
    if row is None:
        return {APP: ["does not exist"]}
    words = ("is a superuser", "bypasses row-level security", "may create roles", "may not log in", "owns tables")
    return {APP: [word for word, wrong in zip(words, row, strict=True) if wrong]}


def _connect(url: str) -> psycopg.Connection:
    address = url.replace("postgresql+psycopg://", "postgresql://", 1)
    try:
        return psycopg.connect(address, autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as failed:
        raise Unavailable(f"The database does not let us in: {reason(failed)}") from None


def _scram(connection: psycopg.Connection, password: str) -> str:
    """The form in which a server may see, and log, a new password."""
    return connection.pgconn.encrypt_password(password.encode(), APP.encode(), b"scram-sha-256").decode()


def _mark(app_password: str) -> str:
    return MARK + hashlib.sha256(f"wangge_app:{app_password}".encode()).hexdigest()[:32]


def _extend(connection: psycopg.Connection, extension: str) -> None:
    try:
        connection.execute(sql.SQL("CREATE EXTENSION {}").format(sql.Identifier(extension)))
    except psycopg.errors.InsufficientPrivilege:
        raise Unavailable(
            f"The database has no extension {extension} yet, and its owner may not make it."
            f" Let an administrator run in {connection.info.dbname}: " + " ".join(f"CREATE EXTENSION {each};" for each in EXTENSIONS)
        ) from None


def _exists(connection: psycopg.Connection, query: LiteralString, value: str) -> bool:
    return connection.execute(query, [value]).fetchone() is not None


def _create_role(connection: psycopg.Connection, role: str) -> None:
    if not _exists(connection, "SELECT FROM pg_roles WHERE rolname = %s", role):
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB").format(sql.Identifier(role)))
    if role == APP:
        limit(connection)


def limit(connection: psycopg.Connection) -> None:
    """Give the API's role the time limits that keep one bad request from holding up the others."""
    for name, value in APP_LIMITS.items():
        connection.execute(sql.SQL("ALTER ROLE {} SET {} = {}").format(sql.Identifier(APP), sql.SQL(name), sql.Literal(value)))


def _mark_leakproof(connection: psycopg.Connection) -> None:
    for function in BOX_FUNCTIONS:
        if _exists(connection, "SELECT FROM pg_proc WHERE oid = %s::regprocedure AND NOT proleakproof", function):
            connection.execute(sql.SQL("ALTER FUNCTION {} LEAKPROOF").format(sql.SQL(function)))


def _grant(connection: psycopg.Connection, database: str) -> None:
    names = {"database": sql.Identifier(database), "owner": sql.Identifier(SCHEMA), "app": sql.Identifier(APP)}
    statements: tuple[LiteralString, ...] = (
        "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
        "GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {app}",
        "ALTER SCHEMA public OWNER TO {owner}",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
        "GRANT USAGE ON SCHEMA public TO {app}",
    )
    for statement in statements:
        connection.execute(sql.SQL(statement).format(**names))
