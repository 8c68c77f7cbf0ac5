"""`token`: print a new bearer token for the API and nothing else on standard output."""

import sys
from pathlib import Path

from api import tokens
from api.deployment import Deployment


def run(data: Path | None, *, role: str, area: str | None) -> None:
    """Make a token that may what the role may, in one area or everywhere."""
    print(tokens.bearer_token(Deployment(data).wake().schema, role, area))
    print(f"Valid for {tokens.TOKEN_LIFETIME.days} days. Use it as: Authorization: Bearer TOKEN", file=sys.stderr)
