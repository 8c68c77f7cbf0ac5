"""One-time sign-in links, made by whoever owns the machine."""

from api import tokens
from api.deployment import Deployment


def sign_in_link(deployment: Deployment, address: str, name: str = tokens.FIRST_PERSON) -> str:
    """A link that signs one person in once, within a day; `address` is where the server answers."""
    return f"{address.rstrip('/')}/sign-in/link/{tokens.sign_in_link(deployment.urls.schema, name)}"


def wall_link(deployment: Deployment, address: str, area: str | None) -> str:
    """A link that signs a wall of screens in once, within a day, for an area or the whole district."""
    return f"{address.rstrip('/')}/sign-in/link/{tokens.wall_link(deployment.urls.schema, area)}"
