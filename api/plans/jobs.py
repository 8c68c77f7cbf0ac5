"""Jobs of plans: thin entries into the use cases, safe to repeat."""

from procrastinate import Blueprint, JobContext

from api.plans import proposals
from api.plans import publish as publishing
from data.queries import plan_proposals

jobs = Blueprint()


@jobs.task(name="publish", pass_context=True, lock="plans:publish")
def publish(context: JobContext, plan_id: int) -> str:
    """Publish a plan that waits for it and whose date has come; tells the state it is left in."""
    return publishing.publish(context.additional_context["work"], plan_id)


@jobs.periodic(cron="* * * * *")
@jobs.task(name="due", pass_context=True, queueing_lock="plans:due", lock="plans:publish")
def due(context: JobContext, timestamp: int = 0) -> list[int]:
    """Publish the plans whose date has come, those too whose job was lost, and place what came in by old borders meanwhile."""
    work = context.additional_context["work"]
    tried = publishing.publish_due(work)
    publishing.settle(work)
    return tried


@jobs.task(name="propose", pass_context=True)
def propose(context: JobContext, proposal_id: int) -> str:
    """Work out a question for balanced grids; one that breaks is marked as failed, so that nobody waits for it."""
    work = context.additional_context["work"]
    try:
        return proposals.work_out(work, proposal_id)
    except Exception:
        with work.unit() as (session, scope):
            plan_proposals.finish(session, scope, proposal_id, "failed", failure={"code": "bug"})
        raise
