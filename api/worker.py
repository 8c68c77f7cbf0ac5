"""The worker: takes jobs from the queue in the same database, one unit of work each, and keeps the house tidy by the clock."""

import asyncio
import logging
from functools import cache
from pathlib import Path

from procrastinate import App, PsycopgConnector, SyncPsycopgConnector

from api.analyses.jobs import jobs as analysis_jobs
from api.plans.jobs import jobs as plan_jobs
from api.settings import Settings
from api.upkeep.jobs import jobs as upkeep_jobs
from api.work import Work
from gis.errors import Unavailable

LOG = logging.getLogger("wangge.worker")
BLUEPRINTS = {"analyses": analysis_jobs, "plans": plan_jobs, "upkeep": upkeep_jobs}
CONCURRENCY = 2


@cache
def queue() -> App:
    """Every noun's jobs by name `noun:job`; it has no database before `work` lends it one."""
    app = App(connector=SyncPsycopgConnector())
    for namespace, blueprint in BLUEPRINTS.items():
        app.add_tasks_from(blueprint, namespace=namespace)
    return app


async def work(schema_url: str, *, outbox: Path, wait: bool = True, watch_recurrence_days: float = 365.0) -> None:
    """Do jobs until a signal, or with `wait` off until none is left; as the owner of the schema."""
    shared = Work(schema_url, outbox=outbox, watch_recurrence_days=watch_recurrence_days)
    connector = PsycopgConnector(conninfo=schema_url.replace("postgresql+psycopg://", "postgresql://", 1), min_size=1, max_size=3)
    try:
        with queue().replace_connector(connector) as app:
            async with app.open_async():
                await app.run_worker_async(
                    name="wangge",
                    concurrency=CONCURRENCY,
                    wait=wait,
                    listen_notify=wait,
                    delete_jobs="successful",
                    install_signal_handlers=wait,
                    additional_context={"work": shared},
                )
    finally:
        shared.close()


def main() -> None:
    """Run the worker process from the settings of the environment."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    for chatter in ("procrastinate.blueprints", "procrastinate.periodic"):
        logging.getLogger(chatter).setLevel(logging.WARNING)
    settings = Settings()
    if not settings.schema_url:
        raise Unavailable("The worker needs WANGGE_SCHEMA_URL, the database as the owner of its schema.")
    asyncio.run(work(settings.schema_url, outbox=settings.data_dir / "outbox", watch_recurrence_days=settings.watch_recurrence_days))
