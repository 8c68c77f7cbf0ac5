"""Jobs by the clock: fold the deltas, recount what a load left, remove what has had its time. All are safe to repeat."""

import logging

from procrastinate import Blueprint, JobContext

from data.queries import upkeep

LOG = logging.getLogger("wangge.worker")
jobs = Blueprint()


@jobs.periodic(cron="* * * * * */20")
@jobs.task(name="fold", pass_context=True, queueing_lock="upkeep:fold")
def fold(context: JobContext, timestamp: int = 0) -> int:
    """Fold the deltas of statistics and map cells."""
    with context.additional_context["work"].unit() as (session, scope):
        return upkeep.fold(session, scope)


@jobs.periodic(cron="*/5 * * * *")
@jobs.task(name="mend", pass_context=True, queueing_lock="upkeep:mend")
def mend(context: JobContext, timestamp: int = 0) -> int | None:
    """Recount after a bulk load that was not finished."""
    with context.additional_context["work"].unit() as (session, scope):
        mended = upkeep.mend_if_due(session, scope)
    if mended is not None:
        LOG.info("statistics recounted after a load: %d cells differed", mended)
    return mended


@jobs.periodic(cron="7 * * * *")
@jobs.task(name="tidy", pass_context=True, queueing_lock="upkeep:tidy")
def tidy(context: JobContext, timestamp: int = 0) -> dict[str, int]:
    """Remove ended sessions, old marks and old changes; have next year's partition."""
    with context.additional_context["work"].unit() as (session, scope):
        upkeep.make_partitions(session, scope)
        removed = upkeep.tidy(session, scope)
    LOG.info("tidied: %s", removed)
    return removed
