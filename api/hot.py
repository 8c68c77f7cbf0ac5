"""Who asks on the hot path: the same token and the same actor as everywhere, remembered for some seconds."""

from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Depends, Request

from api.actor import Actor
from api.auth import actor_from, token_of
from api.settings import Settings
from data.hot.reads import HotReads
from data.queries.people import Caller
from gis.errors import SignInNeeded


async def hot_caller_of(request: Request) -> Caller:
    """Who asks; raises SignInNeeded when the request carries no living session or token."""
    token = token_of(request)
    caller = await reads_of(request).who(token) if token else None
    if caller is None:
        raise SignInNeeded("Sign in first.")
    return caller


async def hot_actor_of(request: Request) -> Actor:
    """The same as an actor."""
    actor = actor_from(await hot_caller_of(request))
    request.state.actor = actor
    return actor


def reads_of(request: Request) -> HotReads:
    """The hot reads the application was made with."""
    reads: HotReads = request.app.state.hot
    return reads


async def _reads(request: Request) -> HotReads:
    # A plain function would be sent through a thread, which costs more than the lookup.
    return reads_of(request)


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def _zone(request: Request, reads: Annotated[HotReads, Depends(_reads)]) -> ZoneInfo:
    return await reads.zone(token_of(request) or "")


HotActor = Annotated[Actor, Depends(hot_actor_of)]
Reads = Annotated[HotReads, Depends(_reads)]
HotSettings = Annotated[Settings, Depends(_settings)]
Zone = Annotated[ZoneInfo, Depends(_zone)]
"""The time zone in which the deployment's days are cut, as the database keeps it."""
