"""Tiles and TileJSON over HTTP: raw endpoints, as the map asks for dozens at a time."""

import re

import orjson
from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.routing import Route

from api.actor import Actor
from api.auth import actor_from, token_of
from api.hot import hot_caller_of, reads_of
from api.period import hours_between
from api.tiles.door import KEEP, Addresses, answer_of
from api.times import Period, period_between
from data.hot.cache import FinishedTile
from data.hot.tiles import LAYERS, MAX_ZOOM, Filter, TileLayer, Tiles, address
from data.queries import extent
from gis.errors import BadValue, NotFound

NUMBER = re.compile(r"0|[1-9][0-9]{0,7}")
CATEGORIES_AT_MOST = 100
ALWAYS = Period(None, None)


def install(app: FastAPI) -> None:
    """Add the tile routes to an application."""
    app.state.tiles = Tiles(app.state.hot, app.state.settings.tile_cache_bytes)
    app.state.tile_addresses = Addresses()
    app.router.routes.append(Route("/tiles/{layer}.json", tile_json, methods=["GET"], name="tile_json"))
    app.router.routes.append(Route("/tiles/{layer}/{z}/{x}/{y}", tile, methods=["GET"], name="tile"))


async def tile(request: Request) -> Response:
    """One tile: 200 with its bytes, 204 where there is nothing, 304 if the caller has it already."""
    layer = _layer(request.path_params["layer"])
    at = address(layer, *_numbers(request), await _filter(request, layer))
    caller = await hot_caller_of(request)
    request.state.actor = _permitted(actor_from(caller), layer)
    tiles: Tiles = request.app.state.tiles
    finished = await tiles.tile(caller, at)
    # The next one who asks in the same words is answered at the door.
    request.app.state.tile_addresses.learn(request.scope, at)
    return _answer(request, finished)


async def tile_json(request: Request) -> Response:
    """TileJSON 3.0.0 of a layer, with the deployment's bounds."""
    layer = _layer(request.path_params["layer"])
    caller = await hot_caller_of(request)
    request.state.actor = _permitted(actor_from(caller), layer)
    bounds = await extent.bounds_of(reads_of(request), caller.scope.token)
    query = f"?{request.url.query}" if request.url.query else ""
    body: dict[str, object] = {
        "tilejson": "3.0.0",
        "name": layer.name,
        "scheme": "xyz",
        "tiles": [f"{request.base_url}tiles/{layer.name}/{{z}}/{{x}}/{{y}}.mvt{query}"],
        "minzoom": min(part.from_zoom for part in layer.parts),
        "maxzoom": MAX_ZOOM,
        "vector_layers": [
            {"id": part.name, "fields": dict(part.fields), "minzoom": part.from_zoom, "maxzoom": MAX_ZOOM} for part in layer.parts
        ],
    }
    if bounds is not None:
        body["bounds"] = bounds
        body["center"] = [(bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2, 13]
    return Response(orjson.dumps(body), media_type="application/json", headers={"Cache-Control": KEEP})


def _answer(request: Request, finished: FinishedTile) -> Response:
    prepared = answer_of(finished, request.headers.get("if-none-match", ""), request.headers.get("accept-encoding", ""))
    return Response(prepared.body, prepared.status, headers=dict(prepared.headers))


def _permitted(actor: Actor, layer: TileLayer) -> Actor:
    for permission in layer.permissions:
        actor.must(permission)
    return actor


def _layer(name: str) -> TileLayer:
    if name not in LAYERS:
        raise NotFound("There is no such layer.", layers=sorted(LAYERS))
    return LAYERS[name]


def _numbers(request: Request) -> tuple[int, int, int]:
    last = request.path_params["y"].removesuffix(".mvt").removesuffix(".pbf")
    parts = (request.path_params["z"], request.path_params["x"], last)
    if not all(NUMBER.fullmatch(part) for part in parts):
        raise BadValue("A tile is addressed by three whole numbers: zoom, column, row.", form="/tiles/{layer}/{z}/{x}/{y}.mvt")
    z, x, y = (int(part) for part in parts)
    if z > MAX_ZOOM or x >= 2**z or y >= 2**z:
        raise NotFound("There is no such tile.", max_zoom=MAX_ZOOM)
    return z, x, y


async def _filter(request: Request, layer: TileLayer) -> Filter:
    """Only incidents can be filtered; a wrong value is refused, a name nobody knows too."""
    query = request.query_params
    allowed = {"from", "to", "category", "hours"} if layer.name == "incidents" else set()
    unknown = set(query.keys()) - allowed
    if unknown:
        raise BadValue("This layer has no such filter.", unknown=sorted(unknown)[:5], known=sorted(allowed))
    since, until = query.get("from"), query.get("to")
    period = ALWAYS
    if since or until:
        period = period_between(since, until, await reads_of(request).zone(token_of(request) or ""))
    return Filter(period.since, period.until, _categories(query.getlist("category")), hours_between(query.get("hours")) or None)


def _categories(values: list[str]) -> tuple[int, ...] | None:
    if len(values) > CATEGORIES_AT_MOST or not all(NUMBER.fullmatch(each) for each in values):
        raise BadValue("A category is a whole number, and there are at most a hundred.", at="category")
    return tuple(sorted({int(each) for each in values})) or None
