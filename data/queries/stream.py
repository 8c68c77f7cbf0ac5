"""Where the stream of changes stands for somebody who reads at this moment."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from data.scope import Scope

NEWEST = text("SELECT newest FROM gate.stream_ends()")


def newest(session: Session, scope: Scope) -> int:
    """The last change that this transaction sees with all before it; the number says nothing of whose they are."""
    return int(session.execute(NEWEST).scalar_one())
