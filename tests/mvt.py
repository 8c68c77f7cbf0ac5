"""Reads vector tiles, so that tests see what a map would draw."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Feature:
    """One feature: its id, its attributes and its vertices in tile units."""

    id: int | None
    properties: dict[str, Any]
    vertices: tuple[tuple[int, int], ...]


def read(tile: bytes) -> dict[str, list[Feature]]:
    """The features of each layer of a tile."""
    return dict(_layer(body) for field, body in _fields(tile) if field == 3)


def _layer(data: bytes) -> tuple[str, list[Feature]]:
    name, keys, values, features = "", [], [], []
    for field, value in _fields(data):
        if field == 1:
            name = value.decode()
        elif field == 2:
            features.append(value)
        elif field == 3:
            keys.append(value.decode())
        elif field == 4:
            values.append(_value(value))
    return name, [_feature(each, keys, values) for each in features]


def _feature(data: bytes, keys: list[str], values: list[Any]) -> Feature:
    number, tags, vertices = None, [], ()
    for field, value in _fields(data):
        if field == 1:
            number = value
        elif field == 2:
            tags = list(_varints(value))
        elif field == 4:
            vertices = tuple(_vertices(list(_varints(value))))
    return Feature(number, {keys[k]: values[v] for k, v in zip(tags[::2], tags[1::2], strict=True)}, vertices)


def _vertices(commands: list[int]) -> Iterator[tuple[int, int]]:
    at, x, y = 0, 0, 0
    while at < len(commands):
        kind, count = commands[at] & 7, commands[at] >> 3
        at += 1
        for _ in range(count if kind != 7 else 0):
            x, y = x + _signed(commands[at]), y + _signed(commands[at + 1])
            at += 2
            yield x, y


def _value(data: bytes) -> Any:
    field, value = next(_fields(data))
    if field == 1:
        return value.decode()
    if field == 6:
        return _signed(value)
    return bool(value) if field == 7 else value


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(data, at)
        elif kind == 2:
            length, at = _varint(data, at)
            value, at = data[at : at + length], at + length
        else:
            size, form = (8, "<d") if kind == 1 else (4, "<f")
            value, at = struct.unpack(form, data[at : at + size])[0], at + size
        yield key >> 3, value


def _varints(data: bytes) -> Iterator[int]:
    at = 0
    while at < len(data):
        value, at = _varint(data, at)
        yield value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def _signed(value: int) -> int:
    return (value >> 1) ^ -(value & 1)
