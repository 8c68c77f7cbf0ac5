"""Idempotency-Key: a request that is sent twice happens once and is answered twice."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from fastapi import Depends, Header, Request
from pydantic import BaseModel
from starlette.responses import Response

from api.actor import Actor
from data.queries import idempotency
from gis.errors import IdempotencyMismatch

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

REPLAYED = {"Idempotent-Replayed": "true"}


@dataclass(frozen=True, slots=True)
class OnceOnly:
    """One request as its key, route and body tell it from others."""

    key: str | None
    route: str
    body_hash: bytes

    def run(self, session: "Session", actor: Actor, status: int, act: Callable[[], Any]) -> Response:
        """Do it and keep the answer in the same transaction, or give the answer that is kept already.

        `act` returns a pydantic model or JSON-ready values. Raises IdempotencyMismatch when the key came with another request.
        """
        if self.key is None:
            return _answer(status, _plain(act()))
        kept = idempotency.claim(session, actor.scope, actor.person_id, self.key)
        if kept is None:
            content = orjson.loads(orjson.dumps(_plain(act()), default=str))
            idempotency.keep(session, actor.scope, actor.person_id, self.key, idempotency.Kept(self.route, self.body_hash, status, content))
            return _answer(status, content)
        if (kept.route, kept.body_hash) != (self.route, self.body_hash):
            raise IdempotencyMismatch("This Idempotency-Key came with another request before. Use a new key.")
        return _answer(kept.status, kept.answer, REPLAYED)


async def once_of(
    request: Request,
    key: Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")] = None,
) -> OnceOnly:
    """The request as idempotency sees it."""
    return OnceOnly(key, f"{request.method} {request.url.path}", hashlib.sha256(await request.body()).digest())


Once = Annotated[OnceOnly, Depends(once_of)]


def _plain(answer: Any) -> Any:
    return answer.model_dump(mode="json") if isinstance(answer, BaseModel) else answer


def _answer(status: int, content: Any, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(content, default=str), status, headers, media_type="application/json")
