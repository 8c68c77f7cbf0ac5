"""What makes a password good enough, and whether one is right; as slow for a name nobody has as for a real one."""

import re
import threading
from collections.abc import Iterable
from functools import cache

from pwdlib import PasswordHash

from gis.errors import BadValue

LENGTH_MIN, LENGTH_MAX = 10, 200
CLASSES_MIN = 3
REMEMBERED = 5
"""So many past passwords are refused."""
FEW_LETTERS = 4
"""A common word with at most so many letters or digits beside it is still easy to guess."""
AT_ONCE = 2
"""Verifications at one time: each takes 64 MB, and a flood of tries must not take all memory."""

CLASSES = (re.compile(r"[a-z]"), re.compile(r"[A-Z]"), re.compile(r"[0-9]"), re.compile(r"[^A-Za-z0-9]"))
COMMON = (
    "password", "passwort", "passw", "qwerty", "qwertyuiop", "qazwsx", "asdfgh", "zxcvbn", "1qaz2wsx", "abc123", "abcdef", "123456",
    "111111", "letmein", "welcome", "iloveyou", "admin", "administrator", "root", "test", "guest", "default", "changeme", "secret",
    "master", "dragon", "monkey", "football", "baseball", "superman", "sunshine", "princess", "woaini", "mima", "zhongguo", "china",
    "beijing", "shanghai", "wangge", "grid", "gridops", "shequ", "jiedao", "system", "manager", "operator", "planner", "analyst",
    "huawei", "lenovo",
)  # fmt: skip
LOOKALIKES = str.maketrans({"@": "a", "4": "a", "0": "o", "1": "i", "!": "i", "3": "e", "$": "s", "5": "s", "7": "t"})
_turn = threading.BoundedSemaphore(AT_ONCE)


def refuse_weak(password: str, *, sign_in_name: str) -> None:
    """Raise BadValue unless a password is long, mixed, uncommon and not built on the person's own name."""
    if not LENGTH_MIN <= len(password) <= LENGTH_MAX:
        raise BadValue(f"A password has {LENGTH_MIN} to {LENGTH_MAX} characters.", field="password", reason="length")
    if sum(bool(each.search(password)) for each in CLASSES) < CLASSES_MIN:
        raise BadValue(
            "A password mixes at least three of: small letters, capitals, digits, other signs.", field="password", reason="classes"
        )
    if _is_common(password) or sign_in_name in password.lower():
        raise BadValue("This password is easy to guess.", field="password", reason="common")


def refuse_repeated(password: str, past_hashes: Iterable[str]) -> None:
    """Raise BadValue if it is one of the last passwords."""
    if any(matches(password, each) for each in past_hashes):
        raise BadValue(f"None of the last {REMEMBERED} passwords may come back.", field="password", reason="repeated")


def hashed(password: str) -> str:
    """An Argon2id hash with its own salt."""
    with _turn:
        return _argon2().hash(password)


def matches(password: str, password_hash: str | None) -> bool:
    """Whether a password fits a hash; with no hash the same work is done and the answer is no."""
    with _turn:
        right = _argon2().verify(password, password_hash or _nobody())
    return right and password_hash is not None


def _is_common(password: str) -> bool:
    """Whether little is left of it beside a common word, whichever signs stand for letters and whatever digits follow."""
    letters = re.sub(r"[^a-z]", "", password.lower().translate(LOOKALIKES))
    bare = re.sub(r"[^a-z0-9]", "", password.lower())
    plain = re.sub(r"[^a-z]", "", bare)
    return plain in COMMON or any(len(form) - len(word) <= FEW_LETTERS and word in form for form in (letters, bare) for word in COMMON)


@cache
def _argon2() -> PasswordHash:
    return PasswordHash.recommended()


@cache
def _nobody() -> str:
    return _argon2().hash("nobody has this password")
