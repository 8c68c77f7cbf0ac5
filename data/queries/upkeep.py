"""What keeps the database tidy, as its owner: ended sessions, old marks, next year's partition, statistics that are due."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from data.queries.statistics import fold_statistics, rebuild_statistics
from data.scope import Scope

ENDED_SESSIONS = text("DELETE FROM session WHERE expires_at < now() OR (idle_limit IS NOT NULL AND last_seen_at + idle_limit < now())")
USED_LINKS = text("DELETE FROM sign_in_link WHERE expires_at < now() - interval '7 days'")
OLD_HITS = text("DELETE FROM limit_hit WHERE at < now() - interval '2 days'")
OLD_KEYS = text("DELETE FROM idempotency WHERE at < now() - interval '7 days'")
# The newest stays: it says where the stream ends. What nobody has been told of stays too.
OLD_CHANGES = text("DELETE FROM outbox WHERE at < now() - interval '7 days' AND number < (SELECT max(number) FROM outbox)")
OLD_BREAKS = text("DELETE FROM fill_breaks WHERE made_on < current_date - 2")
PARTITIONS = text("SELECT incident_partition(extract(year FROM now())::integer + ahead) FROM generate_series(0, 1) AS ahead")
STATISTICS_DUE = text("DELETE FROM deployment WHERE key = 'statistics_due'")
FOLD_BINS = text("SELECT fold_incident_bins()")
REBUILD_BINS = text("SELECT rebuild_incident_bins()")
TIDIED = {
    "sessions": ENDED_SESSIONS, "links": USED_LINKS, "limit_hits": OLD_HITS, "idempotency": OLD_KEYS, "outbox": OLD_CHANGES,
    "fill_breaks": OLD_BREAKS,
}  # fmt: skip


def tidy(session: Session, scope: Scope) -> dict[str, int]:
    """Remove what has had its time; returns the rows removed by kind."""
    return {kind: session.execute(statement).rowcount for kind, statement in TIDIED.items()}  # type: ignore[attr-defined]


def make_partitions(session: Session, scope: Scope) -> None:
    """Have the partitions of this year and the next before their first incident arrives."""
    session.execute(PARTITIONS)


def fold(session: Session, scope: Scope) -> int:
    """Fold the deltas of statistics and of map cells; returns the deltas of statistics."""
    session.execute(FOLD_BINS)
    return fold_statistics(session)


def mend_if_due(session: Session, scope: Scope) -> int | None:
    """Recount after a bulk load that nobody finished; None when nothing is due."""
    if not session.execute(STATISTICS_DUE).rowcount:  # type: ignore[attr-defined]
        return None
    session.execute(REBUILD_BINS)
    return rebuild_statistics(session)
