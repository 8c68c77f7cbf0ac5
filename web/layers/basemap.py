"""Water, green, roads and places: the ground people recognise, under everything else."""

from typing import Any

from web.layers.tiled import TiledLayer


class BaseMapLayer(TiledLayer):
    """Behaviour is in `static/js/layers/basemap.js`; its tiles are those of the ground over it, fetched once for both."""

    stable_name = "basemap"
    module = "/static/js/layers/basemap.js"
    tiles = "/tiles/map/{z}/{x}/{y}"


class PlainBaseMapLayer(BaseMapLayer):
    """The same for a page that shows no ground of ours over it."""

    tiles = "/tiles/base/{z}/{x}/{y}"

    def __init__(self, **config: Any) -> None:
        super().__init__(alone=True, **config)
