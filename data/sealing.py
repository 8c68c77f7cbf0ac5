"""Seals personal fields so that a stolen disk, dump or swapped row tells nothing; the keys never reach the database."""

import base64
import contextlib
import hmac
import json
import os
import secrets
import tempfile
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gis.errors import Unavailable

VERSION = 1
NONCE_BYTES, TAG_BYTES, KEY_BYTES, INDEX_BYTES = 12, 16, 32, 16
HEADER_BYTES = 1 + 4
"""One byte of format version and four of key id, then the nonce, then the text and its tag."""


class SealBroken(Exception):
    """A sealed field is not what was sealed for this row and column; a bug or an attack, never an expected no."""


@dataclass(frozen=True)
class Keyring:
    """The keys of one deployment: AES-256 keys by number, of which `current` seals, and one key for blind indexes."""

    current: int
    keys: Mapping[int, bytes]
    index_key: bytes

    @classmethod
    def fresh(cls) -> Self:
        """A new keyring with one random key."""
        return cls(1, {1: secrets.token_bytes(KEY_BYTES)}, secrets.token_bytes(KEY_BYTES))

    @property
    def fingerprint(self) -> str:
        """What tells this keyring from every other and gives nothing of it away; the same before and after a rotation."""
        return hmac.digest(self.index_key, b"keyring", "sha256")[:INDEX_BYTES].hex()

    def rotated(self) -> Self:
        """The same keyring with a new current key; what older keys sealed stays readable."""
        number = max(self.keys) + 1
        return type(self)(number, {**self.keys, number: secrets.token_bytes(KEY_BYTES)}, self.index_key)

    def seal(self, column: str, row_id: int, plain: bytes) -> bytes:
        """Seal one field; `column` is "table.column". Only the same row and column open it again."""
        return self.seal_many(column, [row_id], [plain])[0]

    def seal_many(self, column: str, row_ids: Sequence[int], plains: Sequence[bytes]) -> list[bytes]:
        """Seal one column of many rows, about 200,000 a second."""
        encrypt = AESGCM(self.keys[self.current]).encrypt
        header = bytes([VERSION]) + self.current.to_bytes(4, "big")
        nonces = os.urandom(NONCE_BYTES * len(plains))
        prefix = f"{column}:".encode()
        sealed = []
        for number, (row_id, plain) in enumerate(zip(row_ids, plains, strict=True)):
            nonce = nonces[number * NONCE_BYTES : (number + 1) * NONCE_BYTES]
            sealed.append(header + nonce + encrypt(nonce, plain, prefix + b"%d" % row_id))
        return sealed

    def open(self, column: str, row_id: int, sealed: bytes) -> bytes:
        """What was sealed for this row and column; raises SealBroken for anything else."""
        sealed = bytes(sealed)
        key = self.keys.get(int.from_bytes(sealed[1:HEADER_BYTES], "big")) if sealed[:1] == bytes([VERSION]) else None
        if key is None or len(sealed) < HEADER_BYTES + NONCE_BYTES + TAG_BYTES:
            raise SealBroken(f"{column} of row {row_id} was sealed with a key or in a form that is unknown here")
        nonce = sealed[HEADER_BYTES : HEADER_BYTES + NONCE_BYTES]
        try:
            return AESGCM(key).decrypt(nonce, sealed[HEADER_BYTES + NONCE_BYTES :], f"{column}:{row_id}".encode())
        except InvalidTag:
            raise SealBroken(f"{column} of row {row_id} is not what was sealed there") from None

    def seal_fields(self, column: str, row_id: int, fields: Mapping[str, str]) -> bytes:
        """Seal several named texts as one field."""
        return self.seal(column, row_id, packed(fields))

    def open_fields(self, column: str, row_id: int, sealed: bytes) -> dict[str, str]:
        """The named texts that were sealed together."""
        fields: dict[str, str] = json.loads(self.open(column, row_id, sealed))
        return fields

    def blind_index(self, column: str, value: str) -> bytes:
        """Sixteen bytes that are equal for equal values of one column, to find a row by a value nobody stored in the clear."""
        return hmac.digest(self.index_key, f"{column}:{normal(value)}".encode(), "sha256")[:INDEX_BYTES]

    def blind_indexes(self, column: str, values: Sequence[str]) -> list[bytes]:
        """The blind index of many values of one column."""
        prefix, key, digest = f"{column}:", self.index_key, hmac.digest
        return [digest(key, (prefix + normal(value)).encode(), "sha256")[:INDEX_BYTES] for value in values]


_PACKER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def packed(fields: Mapping[str, str]) -> bytes:
    """Named texts as the bytes that are sealed."""
    return _PACKER.encode(dict(fields)).encode()


def normal(value: str) -> str:
    """The form in which values are compared: full-width digits are digits, case and separators do not count."""
    if value.isascii() and value.isalnum():
        return value.lower()
    folded = unicodedata.normalize("NFKC", value).casefold()
    return "".join(letter for letter in folded if letter.isalnum() or letter == "+")


def keyring(data_dir: Path) -> Keyring:
    """The keyring of a data folder, made at first need; readable by its owner only."""
    path = key_file(data_dir)
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(path, Keyring.fresh(), replace=False)
    return _read(path)


def kept(data_dir: Path) -> Keyring | None:
    """The keyring of a data folder, None where none was made yet."""
    path = key_file(data_dir)
    return _read(path) if path.exists() else None


def key_file(data_dir: Path) -> Path:
    """Where a data folder keeps its keyring."""
    return data_dir / "keys" / "personal.json"


def rotate(data_dir: Path) -> Keyring:
    """Add a new current key; what is sealed stays readable and is sealed anew when it is next written."""
    rotated = keyring(data_dir).rotated()
    _write(key_file(data_dir), rotated, replace=True)
    return rotated


def _read(path: Path) -> Keyring:
    try:
        kept = json.loads(path.read_text())
        keys = {int(number): base64.b64decode(key, validate=True) for number, key in kept["keys"].items()}
        ring = Keyring(int(kept["current"]), keys, base64.b64decode(kept["index"], validate=True))
    except (OSError, ValueError, KeyError, TypeError) as broken:
        raise Unavailable(f"The keys of personal data cannot be read from {path}. Restore this file from its backup.") from broken
    if ring.current not in keys or {len(ring.index_key), *map(len, keys.values())} != {KEY_BYTES}:
        raise Unavailable(f"The keys of personal data in {path} are damaged. Restore this file from its backup.")
    return ring


def _write(path: Path, ring: Keyring, *, replace: bool) -> None:
    """On the disk as a whole or not at all; of two that make the first file at once, one wins and both use it."""
    encoded = {str(number): base64.b64encode(key).decode() for number, key in ring.keys.items()}
    content = {"current": ring.current, "keys": encoded, "index": base64.b64encode(ring.index_key).decode()}
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    Path(name).chmod(0o400)
    if replace:
        Path(name).replace(path)
        return
    with contextlib.suppress(FileExistsError):
        os.link(name, path)
    Path(name).unlink()
