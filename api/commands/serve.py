"""`serve`: the server process alone."""

import importlib
import os
import sys
import threading
from pathlib import Path

from api.deployment import Deployment
from api.server import Server, settle

NOT_STARTED = 3
"""Exit status of a server that could not open its port or its database."""


def run(data: Path | None) -> None:
    """Serve until a signal; settings that are not in the environment come from the deployment."""
    if "WANGGE_DATABASE_URL" not in os.environ:
        deployment = Deployment(data)
        deployment.wake()
        os.environ.update({**deployment.settings(), **{name: value for name, value in os.environ.items() if name.startswith("WANGGE_")}})
    app = importlib.import_module("api.main").create_app_from_settings()
    server = Server(app, host=os.environ.get("WANGGE_HOST", "127.0.0.1"), port=int(os.environ.get("WANGGE_PORT", "8420")))
    threading.Thread(target=_warm, name="warm", daemon=True).start()
    server.run()
    if not server.started:
        sys.exit(NOT_STARTED)


def _warm() -> None:
    """Load compiled kernels, which takes half a second of CPU, and several to compile them: not from the first planner who balances."""
    importlib.import_module("gis.balance.warm").warm()
    settle()
