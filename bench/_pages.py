"""Our application with the benches' own pages beside it: from one server, since pages that a driver hands in cost the browser more."""

import os

from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from api.main import create_app_from_settings

ROOM = "/bench"


class Beside:
    """Answers /bench/ from folders, the first that has the file, and leaves all else to the application."""

    def __init__(self, application: ASGIApp, folders: list[str]) -> None:
        self._application = application
        self._files = StaticFiles(directory=folders[0])
        self._files.all_directories = list(folders)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the application's life."""
        path = str(scope.get("path", ""))
        if scope["type"] == "http" and path.startswith(f"{ROOM}/"):
            await self._files({**scope, "path": path.removeprefix(ROOM), "root_path": ""}, receive, send)
        else:
            await self._application(scope, receive, send)


def create() -> ASGIApp:
    """What uvicorn serves; BENCH_PAGES names the folders."""
    application = create_app_from_settings()
    folders = [each for each in os.environ.get("BENCH_PAGES", "").split(os.pathsep) if each]
    return Beside(application, folders) if folders else application
