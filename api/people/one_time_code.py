"""Six-digit codes that change every half minute (RFC 6238), as the common authenticator apps show them."""

import base64
import hmac
import secrets
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

STEP_S = 30
DIGITS = 6
SECRET_BYTES = 20
DRIFT = 1
"""Steps a clock may be early or late."""


def fresh_secret() -> bytes:
    """A new random secret of 160 bits."""
    return secrets.token_bytes(SECRET_BYTES)


def code_at(secret: bytes, step: int) -> str:
    """The code of a time step, which is Unix seconds // 30."""
    return HOTP(secret, DIGITS, SHA1()).generate(step).decode()  # noqa: S303  the algorithm that authenticator apps know


def step_of(secret: bytes, code: str, now_s: float) -> int | None:
    """The time step a code belongs to, or None when it is not valid within one step of now (Unix seconds)."""
    current = int(now_s) // STEP_S
    candidates = [step for step in range(current - DRIFT, current + DRIFT + 1) if hmac.compare_digest(code_at(secret, step), code)]
    return candidates[0] if candidates else None


def shown(secret: bytes) -> str:
    """The secret as people type it into an app."""
    return base64.b32encode(secret).decode().rstrip("=")


def address(secret: bytes, sign_in_name: str) -> str:
    """The otpauth address that apps read from a picture."""
    label = quote(f"Wangge:{sign_in_name}")
    return f"otpauth://totp/{label}?{urlencode({'secret': shown(secret), 'issuer': 'Wangge', 'digits': DIGITS, 'period': STEP_S})}"
