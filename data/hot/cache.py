"""Finished tiles in memory, the least used forgotten first."""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from isal import igzip

from data.hot.freshness import Generation

COMPRESS_FROM = 200  # bytes; below, gzip only adds
ENTRY_COST = 400  # bytes of Python around each tile


@dataclass(slots=True)
class FinishedTile:
    """The bytes of a tile, their tag, and the state of the ground they were made from."""

    generation: Generation
    body: bytes
    etag: str
    _zipped: bytes | None = field(default=None)
    answers: dict[str, Any] = field(default_factory=dict)
    """What whoever serves the tile has prepared from it, forgotten together with it."""

    @property
    def zipped(self) -> bytes:
        """The same bytes as gzip, made once."""
        if self._zipped is None:
            self._zipped = igzip.compress(self.body, 1) if len(self.body) >= COMPRESS_FROM else self.body
        return self._zipped

    @property
    def size(self) -> int:
        """Memory it takes, bytes; zipped bytes are at most as many."""
        return ENTRY_COST + 2 * len(self.body)


def finished(generation: Generation, body: bytes) -> FinishedTile:
    """A tile with its tag: the same content has the same tag, whichever process made it."""
    return FinishedTile(generation, body, f'W/"{hashlib.blake2b(body, digest_size=8).hexdigest()}"')


class TileCache:
    """A bounded store; an entry of another generation than asked for counts as missing."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._held = 0
        self._tiles: OrderedDict[object, FinishedTile] = OrderedDict()

    def find(self, key: object, generation: Generation) -> FinishedTile | None:
        """The tile of a key if it was made from the generation the ground is in now."""
        tile = self._tiles.get(key)
        if tile is None or tile.generation != generation:
            return None
        self._tiles.move_to_end(key)
        return tile

    def keep(self, key: object, tile: FinishedTile) -> None:
        """Store a tile and forget the least used ones beyond the limit."""
        before = self._tiles.pop(key, None)
        self._held += tile.size - (before.size if before else 0)
        self._tiles[key] = tile
        while self._held > self._most:
            self._held -= self._tiles.popitem(last=False)[1].size
