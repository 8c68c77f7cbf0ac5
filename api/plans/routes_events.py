"""A stream of what happens to one plan: operations of others, its state and name, comments, locks, and who else looks at it."""

import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header, Path, Query, Request
from starlette.responses import StreamingResponse

from api.actor import Actor
from api.hot import HotActor, Reads
from data.hot.changes import ChangeFeed
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
Person = tuple[int, str]
_looking: defaultdict[int, Counter[Person]] = defaultdict(Counter)
"""Open streams of this server by plan and person."""


@router.get("/{plan_id}/events", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}})
async def events(
    request: Request,
    plan_id: Annotated[int, Path(ge=1, le=2**53)],
    actor: HotActor,
    reads: Reads,
    last_event_id: Annotated[str | None, Header(max_length=20, pattern=r"^\d*$")] = None,
    seconds: Annotated[int, Query(ge=0, le=LONGEST_S, description="The stream ends after this long.")] = LONGEST_S,
) -> StreamingResponse:
    """Server-sent events `operation`, `plan`, `comment`, `locks` and `people`; `Last-Event-ID` goes on after that operation."""
    actor.must("plans")
    now = await happened(reads, actor.scope.token, plan_id, None)
    if now is None:
        raise NotFound("There is no such plan.", plan=plan_id)
    after = int(last_event_id) if last_event_id else now.revision
    feed: ChangeFeed = request.app.state.changes
    stream = _stream(feed, reads, actor, plan_id, now, after, time.monotonic() + seconds)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})


@contextmanager
def _looks(plan_id: int, person: Person) -> Iterator[Counter[Person]]:
    """Somebody looks at a plan for as long as their stream is open; yields everybody who does."""
    here = _looking[plan_id]
    here[person] += 1
    try:
        yield here
    finally:
        here -= Counter([person])
        if not here:
            _looking.pop(plan_id, None)


async def _stream(
    feed: ChangeFeed, reads: HotReads, actor: Actor, plan_id: int, known: Seen, after: int, until: float
) -> AsyncIterator[bytes]:
    """Events until the time is over, the server stops or the caller may not see the plan any more."""
    yield b"retry: 2000\n\n"
    seen, asked_at, told = -1, float("-inf"), frozenset[Person]()
    with _looks(plan_id, (actor.person_id, actor.name)) as looking:
        while not feed.ending:
            if commits() != seen or time.monotonic() - asked_at > ASK_EVERY_S:
                seen, asked_at = commits(), time.monotonic()
                now = await happened(reads, actor.scope.token, plan_id, after)
                if now is None:
                    return
                for operation in now.operations:
                    after = operation["seq"]
                    yield _event("operation", operation, after)
                for name, content in _differences(known, now):
                    yield _event(name, content)
                known = now
            others = frozenset(person for person in looking if person[0] != actor.person_id)
            if others != told:
                told = others
                yield _event("people", {"people": [{"id": id, "name": name} for id, name in sorted(others)]})
            if time.monotonic() >= until:
                return
            await feed.news(LOOK_EVERY_S)


def _differences(known: Seen, now: Seen) -> Iterator[tuple[str, Any]]:
    if (now.state, now.called) != (known.state, known.called):
        yield "plan", {"state": now.state, "revision": now.revision}
    if now.comments != known.comments:
        yield "comment", {"comments": now.comments[0], "open": now.comments[1]}
    if now.locks != known.locks:
        yield "locks", {"grids": now.locks}


def _event(name: str, content: Any, number: int | None = None) -> bytes:
    head = b"" if number is None else b"id: %d\n" % number
    return head + b"event: " + name.encode() + b"\ndata: " + orjson.dumps(content) + b"\n\n"
