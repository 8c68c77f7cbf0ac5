"""Water, green, roads and places: the ground people recognise, under everything else."""

from web.layers.tiled import TiledLayer


class BaseMapLayer(TiledLayer):
    """Behaviour is in `static/js/layers/basemap.js`."""

    stable_name = "basemap"
    module = "/static/js/layers/basemap.js"
    tiles = "/tiles/base/{z}/{x}/{y}"
