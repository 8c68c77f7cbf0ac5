"""A stream of what happens to one plan: operations of others, its state, comments and locks."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header, Path, Query
from starlette.responses import StreamingResponse

from api.hot import HotActor, Reads
from data.hot.commits import commits
from data.hot.plans import Seen, happened
from data.hot.reads import HotReads
from gis.errors import NotFound

router = APIRouter(prefix="/api/v1/plans", tags=["plans"])
LOOK_EVERY_S = 0.1
"""How soon a change of this process is told."""
ASK_EVERY_S = 1.0
"""How soon a change of another process is told."""
LONGEST_S = 600


@router.get("/{plan_id}/events", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}})
async def events(
    plan_id: Annotated[int, Path(ge=1, le=2**53)],
    actor: HotActor,
    reads: Reads,
    last_event_id: Annotated[str | None, Header(max_length=20, pattern=r"^\d*$")] = None,
    seconds: Annotated[int, Query(ge=0, le=LONGEST_S, description="The stream ends after this long.")] = LONGEST_S,
) -> StreamingResponse:
    """Server-sent events `operation`, `plan`, `comment` and `locks`; `Last-Event-ID` goes on after that operation."""
    actor.must("plans")
    now = await happened(reads, actor.scope.token, plan_id, None)
    if now is None:
        raise NotFound("There is no such plan.", plan=plan_id)
    after = int(last_event_id) if last_event_id else now.revision
    stream = _stream(reads, actor.scope.token, plan_id, now, after, time.monotonic() + seconds)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})


async def _stream(reads: HotReads, token: str, plan_id: int, known: Seen, after: int, until: float) -> AsyncIterator[bytes]:
    """Events until the time is over or the caller may not see the plan any more."""
    yield b"retry: 2000\n\n"
    seen, asked_at = -1, float("-inf")
    while True:
        if commits() != seen or time.monotonic() - asked_at > ASK_EVERY_S:
            seen, asked_at = commits(), time.monotonic()
            now = await happened(reads, token, plan_id, after)
            if now is None:
                return
            for operation in now.operations:
                after = operation["seq"]
                yield _event("operation", operation, after)
            if now.state != known.state:
                yield _event("plan", {"state": now.state, "revision": now.revision})
            if now.comments != known.comments:
                yield _event("comment", {"comments": now.comments[0], "open": now.comments[1]})
            if now.locks != known.locks:
                yield _event("locks", {"grids": now.locks})
            known = now
        if time.monotonic() >= until:
            return
        await asyncio.sleep(LOOK_EVERY_S)


def _event(name: str, content: Any, number: int | None = None) -> bytes:
    head = b"" if number is None else b"id: %d\n" % number
    return head + b"event: " + name.encode() + b"\ndata: " + orjson.dumps(content) + b"\n\n"
