"""The binds every statement takes: a caller's scope, and the deployment's own now."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from data.scope import Scope

NOW = text("SELECT coalesce((SELECT (value #>> '{}')::timestamptz FROM deployment WHERE key = 'now'), now())")


def scope_binds(scope: Scope) -> dict[str, object]:
    """`:everything` and `:communities` of a statement."""
    return {"everything": scope.everything, "communities": [] if scope.everything else scope.communities}


def now_of(session: Session) -> datetime:
    """The moment the deployment counts from: a demo's last day, elsewhere the database's clock."""
    now: datetime = session.execute(NOW).scalar_one()
    return now
