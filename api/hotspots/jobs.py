"""Jobs of hot spots: thin entries into the use cases, safe to repeat."""

from procrastinate import Blueprint, JobContext

from api.hotspots import service
from data.queries import hotspots

jobs = Blueprint()


@jobs.task(name="work_out", pass_context=True, lock="hotspots")
def work_out(context: JobContext, run_id: int) -> str:
    """Work out a run that was asked for; a run that breaks is marked as failed, so that nobody waits for it."""
    work = context.additional_context["work"]
    try:
        with work.unit() as (session, scope):
            return service.work_out(session, scope, run_id)
    except Exception:
        with work.unit() as (session, scope):
            hotspots.finish(session, scope, run_id, "failed")
        raise


@jobs.periodic(cron="30 19 * * *")  # UTC, the small hours in Asia/Shanghai
@jobs.task(name="nightly", pass_context=True, queueing_lock="hotspots:nightly", lock="hotspots")
def nightly(context: JobContext, timestamp: int) -> int:
    """The default run of the night: all categories of the last 90 days."""
    with context.additional_context["work"].unit() as (session, scope):
        return service.run_now(session, scope)
