"""Unpacks what arrives packed, so that no archive can write outside its folder, fill the disk or hide another archive."""

import gzip
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from gis.errors import BadFile

MAX_UNPACKED_BYTES = 2_000_000_000
MAX_RATIO = 200
"""Bytes out per byte in; published text data packs up to about 60 to one."""
RATIO_FROM_BYTES = 50_000_000
"""Small archives may pack better than MAX_RATIO without harm."""
MAX_MEMBERS = 5_000
MAX_NAME_BYTES = 240
CHUNK = 1 << 20
ARCHIVES = (".zip", ".gz", ".xz", ".7z", ".rar", ".tar", ".tgz", ".bz2")
UTF8_FLAG = 0x800
ENCRYPTED_FLAG = 0x1
SHADOWS, SHADOW = "__MACOSX", "._"
"""Where a Mac's zip keeps icons and the like of each file, under the file's own name with a sign before it."""


def unpacked(path: Path, folder: Path) -> list[Path]:
    """The files inside `path`, written below `folder`; `path` itself when it is not packed.

    Raises BadFile for an archive that is broken, encrypted, nested, a bomb, or names files outside its folder.
    """
    with path.open("rb") as head:
        magic = head.read(6)
    if magic[:2] == b"\x1f\x8b":
        return [_expanded(gzip.open(path), path, folder)]
    if magic == b"\xfd7zXZ\x00":
        return [_expanded(lzma.open(path), path, folder)]
    if magic[:4] in (b"PK\x03\x04", b"PK\x05\x06") and not _is_sheet(path):
        return list(_members(path, folder))
    return [path]


def _is_sheet(path: Path) -> bool:
    """Whether a zip is an Excel workbook, which calamine reads as it is; its sizes are checked all the same."""
    try:
        with zipfile.ZipFile(path) as packed:
            names = set(packed.namelist())
            if "[Content_Types].xml" not in names:
                return False
            _refuse_bomb(path, sum(each.file_size for each in packed.infolist()))
            return any(name.startswith("xl/") for name in names)
    except (zipfile.BadZipFile, OSError) as broken:
        raise BadFile(f"The archive is broken: {broken}. Download or pack it again.") from broken


def _expanded(source: IO[bytes] | gzip.GzipFile, path: Path, folder: Path) -> Path:
    """One gzip or xz stream, written under its own name without the last suffix."""
    target = folder / safe_name(path.name.removesuffix(path.suffix) or "file")
    written = 0
    try:
        with source, target.open("wb") as out:
            while chunk := source.read(CHUNK):
                written += len(chunk)
                _refuse_bomb(path, written)
                out.write(chunk)
    except (EOFError, OSError, lzma.LZMAError, zlib.error) as broken:
        raise BadFile(f"The compressed file is broken or cut short after {written} bytes: {broken}. Download it again.") from broken
    with target.open("rb") as head:
        if head.read(4).startswith((b"\x1f\x8b", b"PK\x03\x04")):  # a table may well begin with a column named PK
            raise BadFile("The file is packed twice. Unpack it once and import what is inside.")
    return target


def _members(path: Path, folder: Path) -> Iterator[Path]:
    try:
        with zipfile.ZipFile(path) as packed:
            entries = [each for each in packed.infolist() if not each.is_dir() and not _is_shadow(each)]
            _refuse_entries(path, entries)
            for entry in entries:
                yield _extract(packed, entry, path, folder)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, UnicodeDecodeError, ValueError) as broken:
        raise BadFile(f"The zip archive is broken: {broken}. Download or pack it again.") from broken


def _is_shadow(entry: zipfile.ZipInfo) -> bool:
    inside = PurePosixPath(entry.filename)
    return SHADOWS in inside.parts or inside.name.startswith(SHADOW)


def _refuse_entries(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    if not entries:
        raise BadFile("The zip archive is empty.")
    if len(entries) > MAX_MEMBERS:
        raise BadFile(f"The zip archive holds {len(entries)} files; at most {MAX_MEMBERS} are read.")
    if any(each.flag_bits & ENCRYPTED_FLAG for each in entries):
        raise BadFile("The zip archive is protected by a password. Unpack it first.")
    _refuse_bomb(path, sum(each.file_size for each in entries))


def _extract(packed: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path, folder: Path) -> Path:
    name = member_name(entry)
    inside = PurePosixPath(name.replace("\\", "/"))
    if inside.is_absolute() or ".." in inside.parts or re.match(r"^[A-Za-z]:", name):
        raise BadFile(f"The zip archive names a file outside its own folder: {name[:80]!r}. It was not unpacked.")
    if (entry.external_attr >> 16) & 0o170000 == 0o120000:
        raise BadFile(f"The zip archive holds a symbolic link: {name[:80]!r}. It was not unpacked.")
    if inside.suffix.lower() in ARCHIVES:
        raise BadFile(f"The zip archive holds another archive: {name[:80]!r}. Unpack it once and import what is inside.")
    target = folder.joinpath(*(safe_name(part) for part in inside.parts))
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with packed.open(entry) as source, target.open("wb") as out:
        while chunk := source.read(CHUNK):
            written += len(chunk)
            if written > entry.file_size:
                raise BadFile(f"The zip archive lies about the size of {name[:80]!r}. It was not unpacked.")
            out.write(chunk)
    _refuse_bomb(path, written)
    return target


def member_name(entry: zipfile.ZipInfo) -> str:
    """A member's name as it was meant: UTF-8 if it says or looks so, else GBK, else the code page of DOS."""
    if entry.flag_bits & UTF8_FLAG:
        return entry.filename
    raw = entry.filename.encode("cp437", "replace")
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return entry.filename


def safe_name(part: str) -> str:
    """One part of a path, free of control and direction characters, short enough for any file system."""
    clean = "".join(each for each in part if each.isprintable() and each not in '/\\\0:*?"<>|!')
    while len(clean.encode()) > MAX_NAME_BYTES:
        clean = clean[1:]  # keep the suffix
    return clean if clean.strip(". ") else "file"


def _refuse_bomb(path: Path, unpacked_bytes: int) -> None:
    packed_bytes = max(path.stat().st_size, 1)
    if unpacked_bytes > MAX_UNPACKED_BYTES:
        raise BadFile(f"Unpacked it would be larger than {MAX_UNPACKED_BYTES // 1_000_000} MB. Split it into several files.")
    if unpacked_bytes > RATIO_FROM_BYTES and unpacked_bytes / packed_bytes > MAX_RATIO:
        raise BadFile(
            f"It unpacks to more than {MAX_RATIO} times its size, as an archive made to fill a disk does. Unpack it yourself first."
        )
