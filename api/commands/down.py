"""`down`: stop the application, then the database."""

from pathlib import Path

from api import supervisor
from api.deployment import Deployment


def run(data: Path | None) -> None:
    """Stop what runs on a data folder; nothing running is fine too."""
    deployment = Deployment(data)
    stopped = ["the application"] if supervisor.stop(deployment.data) else []
    if not deployment.managed and deployment.data.exists() and deployment.cluster.stop():
        stopped.append("the database")
    deployment.forget()
    print(f"Stopped {' and '.join(stopped)} ({deployment.data})." if stopped else f"Nothing was running ({deployment.data}).")
