"""`psql`: the database's own shell, as the schema's owner."""

import os
from pathlib import Path

from api import postgis
from api.deployment import Deployment
from gis.errors import Unavailable


def run(data: Path | None, words: list[str]) -> None:
    """Become psql; what a person types there is theirs to answer for."""
    deployment = Deployment(data)
    url = deployment.wake().schema.replace("postgresql+psycopg://", "postgresql://", 1)
    programs = postgis.find(deployment.data / "postgis")
    if programs is None:
        raise Unavailable("There is no psql on this machine. Install a PostgreSQL client.")
    os.environ.update(programs.environment)
    os.execv(programs.path("psql"), ["psql", url, *words])  # noqa: S606  no shell is meant
