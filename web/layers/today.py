"""What stands today under a plan: buildings to paint by, streets and communities around, borders as they were before."""

from web.layers.tiled import TiledLayer


class TodayLayer(TiledLayer):
    """Behaviour is in `static/js/editor/today.js`."""

    stable_name = "today"
    module = "/static/js/editor/today.js"
    tiles = "/tiles/map/{z}/{x}/{y}"
