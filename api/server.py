"""The HTTP server: uvicorn, that ends open streams before it waits for requests to be answered."""

import gc
import socket

import uvicorn
from fastapi import FastAPI

GRACE_S = 10
"""Longest a stop waits for answers that are under way."""


def settle() -> None:
    """Leave what the process has by now out of later garbage collections: each would take up to 190 ms, in which nothing is answered."""
    gc.collect()
    gc.freeze()


class Server(uvicorn.Server):
    """Serves one application; a stream would otherwise hold up a stop until the grace is over."""

    def __init__(self, app: FastAPI, *, host: str = "127.0.0.1", port: int = 0, log_level: str = "info") -> None:
        config = uvicorn.Config(
            app, host=host, port=port, log_level=log_level, access_log=False, server_header=False, lifespan="on",
            timeout_graceful_shutdown=GRACE_S,
        )  # fmt: skip
        super().__init__(config)
        self.served = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop: streams first, then what is being answered."""
        self.served.state.changes.end()
        await super().shutdown(sockets)
