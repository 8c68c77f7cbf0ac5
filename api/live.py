"""GET /api/v1/events: what changes in the caller's scope, as server-sent events, for open pages and for other systems."""

import random
import time
from collections.abc import AsyncIterator
from typing import Annotated

import orjson
from fastapi import APIRouter, Header, Query, Request
from starlette.responses import StreamingResponse

from api.actor import Actor
from api.auth import actor_from
from api.hot import HotActor, Reads
from data.hot.changes import AT_ONCE, Batch, ChangeFeed, Told, told
from data.hot.reads import HotReads, Question
from gis.errors import BadValue, Unavailable

router = APIRouter(prefix="/api/v1", tags=["live"])
LONGEST_S = 600
BEAT_S = 15.0
"""How often an open stream says that it is alive and where it stands."""
CHECK_S = 20.0
"""How often a stream looks whether its session still lives and what it may hear."""
STREAMS_AT_MOST = 2_000
NEEDS = {
    "incident": "incidents",
    "plan": "plans",
    "hotspot": "statistics",
    "analysis": "statistics",
    "alert": "statistics",
    "schedule": "statistics",
    "officer": "officers",
    "facility": "facilities",
    "household": "households",
} | dict.fromkeys(("area", "grid", "building"), "map")
"""The permission by which one hears of a layer; of a layer that is not named here nobody does."""
POSITION = Question("SELECT newest, forgotten FROM gate.stream_ends()")
MISSED = Question("SELECT number, at, layer, op, noun_id, cell, community_id, reach FROM gate.changes_after(%(after)s, %(at_most)s)")
View = tuple[object, frozenset[str]]


@router.get("/events", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}})
async def events(
    request: Request,
    actor: HotActor,
    reads: Reads,
    after: Annotated[int | None, Query(ge=0, lt=2**63, description="Go on after this number, as Last-Event-ID does.")] = None,
    last_event_id: Annotated[str | None, Header(max_length=20, pattern=r"^\d*$")] = None,
    seconds: Annotated[int, Query(ge=0, le=LONGEST_S, description="The stream ends after this long.")] = LONGEST_S,
) -> StreamingResponse:
    """Server-sent events: `changes` (a list: ids and areas, never content), `reset` (ask for everything anew), `beat`, `end`.

    Each has an `id`; a stream asked for with that id as `Last-Event-ID` (or `after`) goes on behind it without a gap, or says `reset`.
    """
    actor.must("map")
    feed: ChangeFeed = request.app.state.changes
    if feed.streams >= STREAMS_AT_MOST:
        raise Unavailable("Too many open streams.", hint="Close some pages, or try again in a minute.")
    if last_event_id:
        after = int(last_event_id)
        if after >= 2**63:
            raise BadValue("There is no such event.", field="Last-Event-ID")
    stream = Stream(feed, reads, actor, after)
    return StreamingResponse(
        stream.events(time.monotonic() + seconds),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


class Stream:
    """One listener: where they are in the stream, and what they may hear."""

    def __init__(self, feed: ChangeFeed, reads: HotReads, actor: Actor, after: int | None) -> None:
        self.feed, self.reads, self.actor, self.seen = feed, reads, actor, after
        self.view = view_of(actor)

    async def events(self, until: float) -> AsyncIterator[bytes]:
        """Bytes until the time is over, the session ends or the server does; a slow reader holds up nobody else."""
        self.feed.streams += 1
        try:
            # Not all in the same second, or all would come back in the same second.
            until -= random.uniform(0, 0.1) * max(until - time.monotonic(), 0)  # noqa: S311
            yield b"retry: 1000\n\n" + await self._begun()
            checked = beaten = time.monotonic()
            while not self.feed.ending and (now := time.monotonic()) < until:
                if now - checked > CHECK_S:
                    checked = now
                    if reason := await self._over():
                        yield _event("end", {"reason": reason})
                        return
                if spoken := await self._spoken():
                    yield spoken
                elif now - beaten > BEAT_S:
                    beaten = now
                    if self.feed.alive:
                        yield self._beat()
                await self.feed.news(max(min(beaten + BEAT_S, checked + CHECK_S, until) - time.monotonic(), 0.05))
        finally:
            self.feed.streams -= 1

    async def _begun(self) -> bytes:
        """Where the listener stands: at the end of the stream, or behind what they heard last; else they begin anew."""
        newest, forgotten = (await self.reads.ask(self.actor.scope.token, POSITION, {}))[0]
        if self.seen is None:
            self.seen = newest
            return self._beat()
        if not forgotten <= self.seen <= newest:
            return self._reset(newest)
        # What was told since then may not be in memory.
        return await self._missed() or self._beat()

    async def _spoken(self) -> bytes:
        batches = self.feed.since(self.seen or 0)
        if batches is None:
            return await self._missed()
        if not batches:
            return b""
        first, seen, self.seen = batches[0], self.seen or 0, batches[-1].last
        if first.after < seen:
            batches[0] = Batch(seen, first.last, tuple(each for each in first.changes if each.number > seen))
        return b"".join(spoken(batch, self.actor, self.view) for batch in batches)

    async def _missed(self) -> bytes:
        """Read from the database what is not in memory; of very much, only that it was much."""
        found = told(await self.reads.ask(self.actor.scope.token, MISSED, {"after": self.seen, "at_most": AT_ONCE}))
        if len(found) == AT_ONCE:
            return self._reset(max(self.feed.newest, found[-1].number))
        batch = Batch(self.seen or 0, found[-1].number if found else self.seen or 0, tuple(found))
        self.seen = batch.last
        return spoken(batch, self.actor, self.view)

    async def _over(self) -> str:
        """Why the listener hears no more, if so; what they may hear is that of now."""
        caller = await self.reads.who(self.actor.scope.token)
        if caller is None:
            return "signed-out"
        if "map" not in caller.permissions:
            return "not-permitted"
        self.actor = actor_from(caller)
        self.view = view_of(self.actor)
        return ""

    def _reset(self, newest: int) -> bytes:
        self.seen = newest
        return _event("reset", {"number": newest}, newest)

    def _beat(self) -> bytes:
        return _event("beat", {"number": self.seen}, self.seen)


def view_of(actor: Actor) -> View:
    """What decides what one hears: two listeners with the same view hear the same bytes."""
    scope = actor.scope
    return "everything" if scope.everything else scope.ranges, actor.permissions & set(NEEDS.values())


def spoken(batch: Batch, actor: Actor, view: View) -> bytes:
    """A batch as this view hears it, made once for all who share the view; nothing where they hear nothing."""
    found = batch.spoken.get(view)
    if found is None:
        heard = [_plain(each, actor) for each in batch.changes if hears(actor, each)]
        found = batch.spoken[view] = _event("changes", heard, batch.last) if heard else b""
    return found


def hears(actor: Actor, change: Told) -> bool:
    """Whether a change lies in what somebody may see."""
    if change.layer not in NEEDS or not actor.may(NEEDS[change.layer]):
        return False
    if change.reach is None or actor.scope.everything:
        return True
    return all(any(low <= first and after <= high for low, high in actor.scope.ranges) for first, after in change.reach)


def _plain(change: Told, actor: Actor) -> dict[str, object]:
    # What lies in no community may be about anybody's: those who see a part of the ground hear that something changed, not what.
    where = change.noun_id if change.reach is not None or actor.scope.everything else None
    return {
        "number": change.number, "at": change.at, "layer": change.layer, "op": change.op, "id": where, "cell": change.cell,
        "community_id": change.community_id or None,
    }  # fmt: skip


def _event(name: str, content: object, number: int | None = None) -> bytes:
    head = b"" if number is None else b"id: %d\n" % number
    return head + b"event: " + name.encode() + b"\ndata: " + orjson.dumps(content) + b"\n\n"
