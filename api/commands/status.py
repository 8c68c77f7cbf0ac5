"""`status`: what runs, where, for people and for programs."""

import json
import os
import sys
from pathlib import Path

from api import supervisor
from api.commands.up import answers
from api.deployment import DATABASE_URL, Deployment
from api.managed import shown, sqlalchemy_url


def run(data: Path | None, *, as_json: bool) -> None:
    """Print the state; exit with 1 unless the page answers."""
    deployment = Deployment(data)
    facts = standing(deployment)
    if as_json:
        print(json.dumps(facts, ensure_ascii=False))
    else:
        for name, value in facts.items():
            print(f"{name:<12} {'-' if value is None else value}")
    sys.exit(0 if facts["application"] == "ready" else 1)


def standing(deployment: Deployment) -> dict[str, str | int | None]:
    """What is known of a deployment without changing it."""
    found = supervisor.running(deployment.data)
    application = "stopped" if found is None else "ready" if answers(found) else "starting"
    facts: dict[str, str | int | None] = {
        "application": application,
        "address": found.address if found else None,
        "pid": found.pid if found else None,
        "program": None if found is None else "another" if found.outdated else "this",
        "data": str(deployment.data),
        "logs": str(deployment.data / "logs"),
    }
    return facts | _database(deployment)


def _database(deployment: Deployment) -> dict[str, str | int | None]:
    if deployment.managed:
        return {"database": "managed", "server": shown(sqlalchemy_url(os.environ[DATABASE_URL])), "socket": None}
    status = deployment.cluster.status()
    return {
        "database": status.state,
        "server": f"PostgreSQL {status.version}" if status.version else None,
        "socket": str(status.socket) if status.socket else None,
    }
