"""One-time sign-in links, made by whoever owns the machine."""

from pathlib import Path

from api import tokens
from api.deployment import Deployment


def sign_in_link(deployment: Deployment, address: str, name: str = tokens.FIRST_PERSON) -> str:
    """A link that signs one person in once, within a day; `address` is where the server answers."""
    return f"{address.rstrip('/')}/sign-in/link/{tokens.sign_in_link(deployment.urls.schema, name)}"


def run(data: Path | None, *, name: str, address: str) -> None:
    """Print a new link for somebody; an unused older one is void then."""
    deployment = Deployment(data)
    deployment.wake()
    print(sign_in_link(deployment, address, name))
