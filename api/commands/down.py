"""`down`: stop the application, then the database."""

from pathlib import Path

from api import supervisor
from api.deployment import Deployment


def run(data: Path | None) -> None:
    """Stop what runs on a data folder; nothing running is fine too."""
    deployment = Deployment(data)
    # Looked at first: the application takes its database down with it.
    database_ran = not deployment.managed and deployment.cluster.runs
    stopped = ["the application"] if supervisor.stop(deployment.data) else []
    if not deployment.managed and (deployment.cluster.stop() or database_ran):
        stopped.append("the database")
    deployment.forget()
    print(f"Stopped {' and '.join(stopped)} ({deployment.data})." if stopped else f"Nothing was running ({deployment.data}).")
