"""Tiles and TileJSON over HTTP: raw endpoints, as the map asks for dozens at a time."""

import re
import struct
from collections.abc import Iterable

import orjson
from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.routing import Route

from api.actor import Actor
from api.auth import actor_from, token_of
from api.hot import hot_caller_of, reads_of
from api.period import hours_between
from api.tiles.door import KEEP, TILE, Addresses, answer_of
from api.times import Period, period_between
from data.hot.cache import FinishedTile, finished
from data.hot.tiles import LAYERS, MAX_ZOOM, Filter, TileLayer, Tiles, address
from data.queries import extent
from gis.errors import BadValue, NotFound

NUMBER = re.compile(r"0|[1-9][0-9]{0,7}")
CATEGORIES_AT_MOST = 100
TILES_AT_MOST = 64
PATIENCE_S = 0.06
"""What takes longer is asked for by itself, so that one slow tile does not keep the rest of the view waiting."""
SEVERAL = "application/vnd.wangge.tiles"
LATER = 0xFFFFFFFF
"""In place of a length: ask for this tile by itself."""
ALWAYS = Period(None, None)


def install(app: FastAPI) -> None:
    """Add the tile routes to an application."""
    app.state.tiles = Tiles(app.state.hot, app.state.settings.tile_cache_bytes)
    app.state.tile_addresses = Addresses()
    app.router.routes.append(Route("/tiles/{layer}.json", tile_json, methods=["GET"], name="tile_json"))
    app.router.routes.append(Route("/tiles/{layer}/{z}", several, methods=["GET"], name="tiles"))
    app.router.routes.append(Route("/tiles/{layer}/{z}/{x}/{y}", tile, methods=["GET"], name="tile"))


async def tile(request: Request) -> Response:
    """One tile: 200 with its bytes, 204 where there is nothing, 304 if the caller has it already."""
    layer = _layer(request.path_params["layer"])
    z, x, y = (str(request.path_params[each]) for each in "zxy")
    at = address(layer, *_numbers(z, x, y.removesuffix(".mvt").removesuffix(".pbf")), await _filter(request, layer))
    caller = await hot_caller_of(request)
    request.state.actor = _permitted(actor_from(caller), layer)
    tiles: Tiles = request.app.state.tiles
    found = await tiles.tile(caller, at)
    # The next one who asks in the same words is answered at the door.
    request.app.state.tile_addresses.learn(request.scope, at)
    return _answer(request, found)


async def several(request: Request) -> Response:
    """The tiles of one zoom that `at` names ("x.y,x.y"), in its order: before each the number of its bytes, little-endian, 32 bits."""
    layer = _layer(request.path_params["layer"])
    places = request.query_params.get("at", "").split(",")
    if len(places) > TILES_AT_MOST:
        raise BadValue("So many tiles are not given at once.", most=TILES_AT_MOST, at="at")
    numbers = [_numbers(request.path_params["z"], *_pair(each)) for each in places]
    shown = await _filter(request, layer, besides="at")
    caller = await hot_caller_of(request)
    request.state.actor = _permitted(actor_from(caller), layer)
    asked = [address(layer, *each, shown) for each in numbers]
    tiles: Tiles = request.app.state.tiles
    found = await tiles.several(caller, asked, patience_s=PATIENCE_S)
    return _answer(request, finished((), b"".join(_framed(found))), SEVERAL)


def _pair(place: str) -> tuple[str, str]:
    x, _, y = place.partition(".")
    return x, y


def _framed(tiles: Iterable[FinishedTile | None]) -> Iterable[bytes]:
    for each in tiles:
        yield struct.pack("<I", LATER if each is None else len(each.body))
        yield b"" if each is None else each.body


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


def _answer(request: Request, tile: FinishedTile, kind: str = TILE) -> Response:
    prepared = answer_of(tile, request.headers.get("if-none-match", ""), request.headers.get("accept-encoding", ""), kind)
    return Response(prepared.body, prepared.status, headers=dict(prepared.headers))


def _permitted(actor: Actor, layer: TileLayer) -> Actor:
    for permission in layer.permissions:
        actor.must(permission)
    return actor


def _layer(name: str) -> TileLayer:
    if name not in LAYERS:
        raise NotFound("There is no such layer.", layers=sorted(LAYERS))
    return LAYERS[name]


def _numbers(*words: str) -> tuple[int, int, int]:
    if not all(NUMBER.fullmatch(each) for each in words):
        raise BadValue("A tile is addressed by three whole numbers: zoom, column, row.", form="/tiles/{layer}/{z}/{x}/{y}.mvt")
    z, x, y = (int(each) for each in words)
    if z > MAX_ZOOM or x >= 2**z or y >= 2**z:
        raise NotFound("There is no such tile.", max_zoom=MAX_ZOOM)
    return z, x, y


async def _filter(request: Request, layer: TileLayer, besides: str = "") -> Filter:
    """Only incidents can be filtered; a wrong value is refused, a name nobody knows too."""
    query = request.query_params
    allowed = {"from", "to", "category", "hours"} if layer.name == "incidents" else set()
    unknown = set(query.keys()) - allowed - {besides}
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
