"""The database: one engine, and one unit of work in which a caller's token goes with every statement."""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import TypeVar, cast

import psycopg
from psycopg.errors import SerializationFailure
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from data.scope import Scope

Answer = TypeVar("Answer")
ONE_MOMENT = "one moment"
GONE = frozenset({None, "57P01", "57P02", "57P03"})
"""States in which a statement finds a server that stops, starts or is not there; None: it never answered."""
DISK_FULL = "53100"
POOL_SIZE = 40  # at least the threads that serve routes, so that none waits for a connection


class Database:
    """Opens units of work on an engine, or on one connection whose outer transaction a test rolls back."""

    def __init__(self, bind: Engine | Connection) -> None:
        self.bind = bind
        mode = "create_savepoint" if isinstance(bind, Connection) else "conditional_savepoint"
        self._sessions = sessionmaker(bind, expire_on_commit=False, join_transaction_mode=mode)

    @contextmanager
    def unit_of_work(self, scope: Scope | None = None) -> Iterator[Session]:
        """One transaction as one caller: committed if the block ends well, rolled back if it raises."""
        with self._sessions() as session:
            name_caller(session, scope.token if scope else "")
            yield session
            session.commit()

    def at_one_moment(self, scope: Scope, read: Callable[[Session], Answer]) -> Answer:
        """What `read` finds in one transaction whose questions all see the database as it was at the first of them.

        `read` may keep something it worked out; where another transaction kept it meanwhile it is asked once more.
        """
        for tries_left in (2, 1, 0):
            try:
                with self._sessions() as session:
                    if isinstance(self.bind, Engine):
                        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
                    session.info[ONE_MOMENT] = {}
                    name_caller(session, scope.token)
                    found = read(session)
                    session.commit()
                    return found
            except OperationalError as failed:
                if tries_left == 0 or not isinstance(failed.orig, SerializationFailure):
                    raise
        raise AssertionError("the last try returns or raises")

    @property
    def address(self) -> str | None:
        """Where it is, in libpq's form, for connections of one's own; None over a connection whose transaction somebody else ends."""
        if not isinstance(self.bind, Engine):
            return None
        return self.bind.url.set(drivername="postgresql").render_as_string(hide_password=False)

    def ask_for_a_sign_of_life(self) -> None:
        """Return when the database answers; raises what the driver says when it does not."""
        with self._sessions() as session:
            session.execute(text("SELECT 1"))

    def close(self) -> None:
        """Give all connections back."""
        if isinstance(self.bind, Engine):
            self.bind.dispose()


def once(session: Session, question: Hashable, ask: Callable[[], Answer]) -> Answer:
    """What `ask` finds; where all questions see one moment, the same `question` is asked once."""
    if (told := session.info.get(ONE_MOMENT)) is None:
        return ask()
    if question not in told:
        told[question] = ask()
    return cast(Answer, told[question])


def gone(failed: Exception) -> bool:
    """Whether an error says that the server went away or does not let us in, rather than that it refused a statement."""
    cause = getattr(failed, "orig", None) or failed
    return isinstance(cause, psycopg.OperationalError) and cause.sqlstate in GONE


def outage(failed: Exception) -> str | None:
    """What stops the whole database, in a sentence for people; None for an error of any other kind."""
    if gone(failed):
        return f"The database does not answer: {reason(failed)}"
    cause = getattr(failed, "orig", None) or failed
    if isinstance(cause, psycopg.Error) and cause.sqlstate == DISK_FULL:
        return "The disk of the database is full. Nothing was half written. Free some space, then do it again."
    return None


def reason(failed: Exception) -> str:
    """What the driver says of a connection that failed, in one line and without its advice."""
    cause = getattr(failed, "orig", None) or failed
    lines = [line.strip() for line in str(cause).splitlines() if line.strip() and not line.startswith("\t")]
    return " ".join(lines)[:300]


def name_caller(session: Session, token: str) -> None:
    """Tell the database who asks until this transaction ends; the database looks the token up itself."""
    session.execute(text("SELECT set_config('wangge.token', :token, true)"), {"token": token})


def open_database(url: str, *, pool_size: int = POOL_SIZE) -> Database:
    """Connect as the application's role; a connection that died is noticed before it is used."""
    # What a statement was given may be personal: an error must not carry it into a log.
    engine = create_engine(url, pool_size=pool_size, max_overflow=4, pool_pre_ping=True, pool_recycle=1800, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def quiet_plans(connection, _record) -> None:  # type: ignore[no-untyped-def]
        with connection.cursor() as cursor:
            cursor.execute("SET jit = off; SET plan_cache_mode = force_custom_plan; SET TIME ZONE 'UTC'")
        connection.commit()

    return Database(engine)
