"""`serve`: the server process alone."""

import os
from pathlib import Path

import uvicorn

from api.deployment import Deployment


def run(data: Path | None) -> None:
    """Serve until a signal; settings that are not in the environment come from the deployment."""
    if "WANGGE_DATABASE_URL" not in os.environ:
        deployment = Deployment(data)
        deployment.wake()
        os.environ.update({**deployment.settings(), **{name: value for name, value in os.environ.items() if name.startswith("WANGGE_")}})
    uvicorn.run(
        "api.main:create_app_from_settings",
        factory=True,
        host=os.environ.get("WANGGE_HOST", "127.0.0.1"),
        port=int(os.environ.get("WANGGE_PORT", "8420")),
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
    )
