"""The door before everything else: a tile that is in memory, true and permitted is answered without routing, parsing or asking.

Whatever is not certain goes on into the application, which answers the same words in the same way.
"""

from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from api import auth, security
from data.hot.cache import FinishedTile
from data.hot.reads import HotReads, name_of
from data.hot.tiles import Address, Tiles

TILE = "application/vnd.mapbox-vector-tile"
KEEP = "private, max-age=0, must-revalidate"
VARY = "Accept-Encoding, Cookie, Authorization"
ADDRESSES_KEPT = 50_000
TOKENS_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Prepared:
    """One way to answer with a tile."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def answer_of(tile: FinishedTile, known: str, accepted: str, kind: str = TILE) -> Prepared:
    """200 with the bytes, 204 where there is nothing, 304 for who has them; `known` and `accepted` as the request's headers say."""
    always: tuple[tuple[str, str], ...] = (("ETag", tile.etag), ("Cache-Control", KEEP), ("Vary", VARY))
    if tile.etag in known:
        return Prepared(304, always, b"")
    if not tile.body:
        return Prepared(204, always, b"")
    always += (("Content-Type", kind),)
    if "gzip" in accepted and tile.zipped is not tile.body:
        return Prepared(200, (*always, ("Content-Encoding", "gzip")), tile.zipped)
    return Prepared(200, always, tile.body)


class Addresses:
    """What the words of a request stand for, once a request has been answered; the same for everybody and for ever."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, bytes], Address] = {}

    def learn(self, scope: Any, at: Address) -> None:
        """Remember the tile that a request's path and query name."""
        if len(self._known) >= ADDRESSES_KEPT:
            self._known.clear()
        self._known[scope["path"], scope["query_string"]] = at

    def find(self, scope: Any) -> Address | None:
        """The tile that a request names, if somebody has asked in the same words before."""
        return self._known.get((scope["path"], scope["query_string"]))


class TileDoor:
    """Answers warm tiles; lets all else through."""

    def __init__(self, app: ASGIApp, *, state: Any) -> None:
        self.app = app
        self._addresses: Addresses = state.tile_addresses
        self._tiles: Tiles = state.tiles
        self._reads: HotReads = state.hot
        self._added = security.added_headers(state.settings)
        self._names: dict[bytes, bytes] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        start = self._known(scope) if scope["type"] == "http" and scope["method"] == "GET" else None
        if start is None:
            await self.app(scope, receive, send)
            return
        await send(start[0])
        await send(start[1])

    def _known(self, scope: Scope) -> tuple[dict[str, Any], dict[str, Any]] | None:
        at = self._addresses.find(scope)
        if at is None:
            return None
        said = dict(scope["headers"])
        if len(said) < len(scope["headers"]):
            return None  # a header that comes twice is nothing to decide in a hurry
        caller = self._reads.remembered(self._name(scope, said))
        if caller is None or not all(each in caller.permissions for each in at.layer.permissions):
            return None
        tile = self._tiles.ready(caller, at)
        return None if tile is None else self._told(tile, said)

    def _name(self, scope: Scope, said: dict[bytes, bytes]) -> bytes:
        """The name of the token that these headers carry; what was carried is itself kept under a name only."""
        carried = name_of(said.get(b"authorization", b"") + b"\n" + said.get(b"cookie", b""))
        name = self._names.get(carried)
        if name is None:
            if len(self._names) >= TOKENS_KEPT:
                self._names.clear()
            name = self._names[carried] = name_of(auth.token_of(HTTPConnection(scope)).encode())
        return name

    def _told(self, tile: FinishedTile, said: dict[bytes, bytes]) -> tuple[dict[str, Any], dict[str, Any]]:
        known = said.get(b"if-none-match", b"").decode("latin-1")
        accepted = said.get(b"accept-encoding", b"").decode("latin-1")
        way = "known" if tile.etag in known else "gzip" if "gzip" in accepted else "plain"
        told: tuple[dict[str, Any], dict[str, Any]] | None = tile.answers.get(way)
        if told is None:
            told = tile.answers[way] = self._prepared(answer_of(tile, known, accepted))
        return told

    def _prepared(self, answer: Prepared) -> tuple[dict[str, Any], dict[str, Any]]:
        headers = Headers({**dict(self._added), **dict(answer.headers)}).raw
        if answer.status == 200:
            headers.append((b"content-length", str(len(answer.body)).encode()))
        start = {"type": "http.response.start", "status": answer.status, "headers": headers}
        return start, {"type": "http.response.body", "body": answer.body}


def install(app: FastAPI) -> None:
    """Put the door outside everything else."""
    app.add_middleware(TileDoor, state=app.state)
