"""Unpacks the fonts that npm has for browsers (WOFF) into the form that typesetting reads (OpenType)."""

import struct
import zlib

from gis.errors import Unavailable

SIGNATURE = b"wOFF"
HEADER, ENTRY = struct.Struct(">4s4sIHHIHHIIIII"), struct.Struct(">4sIIII")
FIRST, TABLE = struct.Struct(">4sHHHH"), struct.Struct(">4sIII")


def unpacked(woff: bytes) -> bytes:
    """The OpenType font in a WOFF file (version 1). Raises Unavailable if it is none or broken."""
    if woff[:4] != SIGNATURE:
        raise Unavailable("A font from npm is no WOFF file; remove node_modules and run ./wangge up again.")
    _, flavor, _, count, *_ = HEADER.unpack_from(woff)
    tables = [ENTRY.unpack_from(woff, HEADER.size + at * ENTRY.size) for at in range(count)]
    power = 1 << (count.bit_length() - 1)
    head = [FIRST.pack(flavor, count, power * 16, power.bit_length() - 1, count * 16 - power * 16)]
    body, place = [], FIRST.size + count * TABLE.size
    for tag, start, packed, length, checksum in tables:
        data = woff[start : start + packed]
        if packed < length:
            data = zlib.decompress(data)
        if len(data) != length:
            raise Unavailable("A font from npm is cut short; remove node_modules and run ./wangge up again.")
        head.append(TABLE.pack(tag, checksum, place, length))
        padded = data + b"\0" * (-length % 4)
        body.append(padded)
        place += len(padded)
    return b"".join([*head, *body])
