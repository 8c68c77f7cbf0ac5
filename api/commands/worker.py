"""`worker`: the worker process alone."""

import importlib
import os
from pathlib import Path

from api.deployment import Deployment


def run(data: Path | None) -> None:
    """Work until a signal; settings that are not in the environment come from the deployment."""
    if "WANGGE_DATABASE_URL" not in os.environ:
        deployment = Deployment(data)
        deployment.wake()
        os.environ.update(deployment.settings())
    importlib.import_module("api.worker").main()
