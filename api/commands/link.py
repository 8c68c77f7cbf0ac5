"""`link`: a one-time sign-in link for somebody or for a wall of screens, made by whoever owns the machine."""

from pathlib import Path

from api import supervisor, tokens
from api.commands import invitation
from api.commands.up import FIRST_PORT
from api.deployment import Deployment
from gis.errors import BadValue


def run(data: Path | None, name: str | None, *, wall: bool, area: str | None) -> None:
    """Print a new link, for the address where the page answers now or would answer; an unused older one is void then."""
    if wall and name is not None:
        raise BadValue("A wall signs in as itself: leave out the name.", name=name)
    if area is not None and not wall:
        raise BadValue("Only the link of a wall takes an area: add --wall.", area=area)
    deployment = Deployment(data)
    found = supervisor.running(deployment.data)
    deployment.wake()
    address = found.address if found else f"http://127.0.0.1:{FIRST_PORT}"
    if wall:
        print(invitation.wall_link(deployment, address, area))
    else:
        print(invitation.sign_in_link(deployment, address, name or tokens.FIRST_PERSON))
