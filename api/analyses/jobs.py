"""Jobs of analyses: thin entries into the use cases, safe to repeat. One at a time, so that memory is bounded by the largest question."""

from procrastinate import Blueprint, JobContext

from api.analyses import maps, scheduling, scoring, service, watch, working
from data import after_commit
from data.queries import analyses

jobs = Blueprint()


@jobs.task(name="work_out", pass_context=True, lock="analyses")
def work_out(context: JobContext, analysis_id: int) -> str:
    """Work out what was asked for."""
    return working.work_out(context.additional_context["work"], analysis_id)


@jobs.periodic(cron="* * * * *")
@jobs.task(name="due", pass_context=True, queueing_lock="analyses:due")
def due(context: JobContext, timestamp: int = 0) -> list[int]:
    """Ask for a worker again where one was lost."""
    with context.additional_context["work"].unit() as (session, scope):
        waiting = analyses.waiting(session, scope)
        for id in waiting:
            after_commit.defer(session, service.JOB, once=f"analyses:{id}", analysis_id=id)
    return waiting


@jobs.periodic(cron="30 19 * * *")  # UTC, the small hours in Asia/Shanghai
@jobs.task(name="nightly", pass_context=True, queueing_lock="analyses:nightly", lock="analyses")
def nightly(context: JobContext, timestamp: int = 0) -> int:
    """The map of the night; what the days since tell of older ones; old watches go."""
    work = context.additional_context["work"]
    scoring.score_due(work)
    with work.unit() as (session, scope):
        analyses.tidy(session, scope)
    return maps.make(work)


@jobs.periodic(cron="45 19 * * *")
@jobs.task(name="watch", pass_context=True, queueing_lock="analyses:watch", lock="analyses")
def watch_all(context: JobContext, timestamp: int = 0) -> list[int]:
    """The live watch of the night, and what became of older alerts; returns the alerts raised."""
    work = context.additional_context["work"]
    raised = watch.run(work, recurrence_days=work.watch_recurrence_days).raised
    watch.score_due(work)
    return raised


@jobs.periodic(cron="*/5 * * * *")
@jobs.task(name="schedules", pass_context=True, queueing_lock="analyses:schedules")
def schedules(context: JobContext, timestamp: int = 0) -> tuple[list[int], list[int]]:
    """Ask what schedules are due; write what is done. Returns the runs of both."""
    work = context.additional_context["work"]
    return scheduling.run_due(work), scheduling.write_done(work)
