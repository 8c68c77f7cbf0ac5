"""Outlines and hatches the grids whose rate is significantly high or low."""

from web.layers.tiled import TiledLayer


class HotSpotLayer(TiledLayer):
    """Behaviour is in `static/js/layers/hotspots.js`."""

    stable_name = "hotspots"
    module = "/static/js/layers/hotspots.js"
