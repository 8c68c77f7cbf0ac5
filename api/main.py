"""create_app(settings, database): the wiring diagram of the application, nothing else."""

import importlib
import pkgutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
from fastapi import APIRouter, FastAPI
from starlette.responses import Response

import api
from api import live, picture, problems
from api.settings import Settings
from data.database import Database, open_database
from data.hot.changes import ChangeFeed
from data.hot.reads import HotReads
from gis.errors import Unavailable

API = "/api/v1"


def create_app(settings: Settings, database: Database) -> FastAPI:
    """The whole application on one database; opens nothing by itself before it starts to serve."""
    app = FastAPI(
        title="Wangge 网格", version="0.1.0", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json", lifespan=_lifespan,
        responses=dict(problems.DOCUMENTED),
    )  # fmt: skip
    app.state.settings = settings
    app.state.database = database
    app.state.hot = HotReads(database, connections=settings.hot_connections)
    app.state.changes = ChangeFeed(database.address)
    problems.install(app)
    # Routes are tried in order, and a map asks for tiles more often than for all the rest.
    importlib.import_module("api.tiles.routes").install(app)
    for router in (*routers(), live.router, picture.router):
        app.include_router(router)
    app.add_api_route("/healthz", healthz, include_in_schema=False)
    app.add_api_route("/readyz", readyz(database), include_in_schema=False)
    for module in ("api.security", "api.pages", "api.tiles.door"):
        importlib.import_module(module).install(app)
    return app


def create_app_from_settings() -> FastAPI:
    """For the server process: everything from the environment."""
    settings = Settings()
    return create_app(settings, open_database(settings.database_url))


def routers() -> list[APIRouter]:
    """Every noun's `router`, by folder, of `routes` and `routes_*`: a noun is wired by being there."""
    nouns = sorted(each.name for each in pkgutil.iter_modules(api.__path__) if each.ispkg)
    names = (f"api.{noun}.{each.name}" for noun in nouns for each in pkgutil.iter_modules(_folder(noun)) if each.name.startswith("routes"))
    modules = (importlib.import_module(name) for name in names)
    return [module.router for module in modules if hasattr(module, "router")]


def _folder(noun: str) -> list[str]:
    return list(importlib.import_module(f"api.{noun}").__path__)


def healthz() -> Response:
    """The process answers."""
    return Response(orjson.dumps({"state": "alive"}), media_type="application/json")


def readyz(database: Database):  # type: ignore[no-untyped-def]
    """The process answers and reaches its database."""

    def ready() -> Response:
        try:
            database.ask_for_a_sign_of_life()
        except Exception as failed:
            raise Unavailable("The database does not answer.") from failed
        return Response(orjson.dumps({"state": "ready"}), media_type="application/json")

    return ready


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with app.state.hot, app.state.changes:
        yield
    app.state.database.close()
