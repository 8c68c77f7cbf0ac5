"""`psql`: the database's own shell, as the schema's owner."""

import os
import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from api import postgis
from api.deployment import Deployment
from gis.errors import Unavailable


def run(data: Path | None, words: list[str]) -> None:
    """Become psql; what a person types there is theirs to answer for."""
    deployment = Deployment(data)
    address, password = _apart(deployment.wake().schema.replace("postgresql+psycopg://", "postgresql://", 1))
    program, environment = _client(deployment)
    if password is not None:
        environment = {**environment, "PGPASSWORD": password}
    os.environ.update(environment)
    # It looks for itself by the first word, so that has to be the whole path.
    os.execv(program, [program, address, *words])  # noqa: S606  no shell is meant


def _client(deployment: Deployment) -> tuple[str, dict[str, str]]:
    """The psql beside the server's programs, else the one on the path, and the environment it needs."""
    programs = postgis.find(deployment.data / "postgis")
    if programs is not None:
        return programs.path("psql"), programs.environment
    alone = shutil.which("psql")
    if alone is None:
        raise Unavailable("There is no psql here. Install a PostgreSQL client, on Debian: sudo apt-get install postgresql-client")
    return alone, {}


def _apart(url: str) -> tuple[str, str | None]:
    """An address without its password, which everybody could read in the list of processes, and the password."""
    parts = urlsplit(url)
    if parts.password is None:
        return url, None
    person, _, place = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{person.split(':')[0]}@{place}")), unquote(parts.password)
