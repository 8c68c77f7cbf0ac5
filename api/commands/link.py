"""`link`: a one-time sign-in link for somebody, made by whoever owns the machine."""

from pathlib import Path

from api import supervisor
from api.commands import invitation
from api.commands.up import FIRST_PORT
from api.deployment import Deployment


def run(data: Path | None, name: str) -> None:
    """Print a new link, for the address where the page answers now or would answer."""
    deployment = Deployment(data)
    found = supervisor.running(deployment.data)
    invitation.run(deployment.data, name=name, address=found.address if found else f"http://127.0.0.1:{FIRST_PORT}")
