"""Fonts come out of their packing byte for byte, and a broken one is refused."""

import struct
import zlib

import pytest

from api.fonts import ENTRY, HEADER, SIGNATURE, TABLE, unpacked
from gis.errors import Unavailable

TABLES = {b"cmap": b"small", b"glyf": b"a longer table " * 40}


def packed(tables: dict[bytes, bytes]) -> bytes:
    place, entries, body = HEADER.size + len(tables) * ENTRY.size, [], []
    for tag, data in tables.items():
        short = zlib.compress(data)
        stored = short if len(short) < len(data) else data
        entries.append(ENTRY.pack(tag, place, len(stored), len(data), 7))
        body.append(stored)
        place += len(stored)
    return HEADER.pack(SIGNATURE, b"\0\1\0\0", place, len(tables), 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"".join([*entries, *body])


def test_every_table_of_a_font_is_unpacked_where_its_entry_says() -> None:
    font = unpacked(packed(TABLES))
    assert struct.unpack(">4sHHHH", font[:12]) == (b"\0\1\0\0", 2, 32, 1, 0)
    for at, (tag, data) in enumerate(TABLES.items()):
        name, checksum, place, length = TABLE.unpack_from(font, 12 + at * TABLE.size)
        assert (name, checksum, place % 4) == (tag, 7, 0)
        assert font[place : place + length] == data


def test_what_is_no_font_or_cut_short_is_refused() -> None:
    for broken in (b"rubbish", packed({b"cmap": b"small"})[:-2]):
        with pytest.raises(Unavailable):
            unpacked(broken)
