"""The one-time link by which the first person signs in: there is no default password."""

from api.deployment import Deployment
from api.people import service
from data.database import open_database


def sign_in_link(deployment: Deployment, address: str) -> str:
    """Make a fresh link for the first administrator; links made before stop working."""
    database = open_database(deployment.urls.schema, pool_size=1)
    try:
        with database.unit_of_work() as session:
            token = service.first_sign_in_link(session)
    finally:
        database.close()
    return f"{address}/sign-in/link/{token}"
