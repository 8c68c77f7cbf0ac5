"""`token`: a bearer token for programs that use the API."""

from pathlib import Path

from api.deployment import Deployment
from api.people import service
from data.database import open_database


def run(data: Path | None, *, role: str, area: str | None) -> None:
    """Print a new token, alone on its line, so that a script can keep it."""
    database = open_database(Deployment(data).wake().schema, pool_size=1)
    try:
        with database.unit_of_work() as session:
            bearer = service.bearer_token(session, role=role, area=area)
    finally:
        database.close()
    print(bearer)
