"""Streets, communities, grids and buildings from one multi-layer tile, filled by the chosen measure."""

from web.layers.tiled import TiledLayer


class GroundLayer(TiledLayer):
    """Behaviour is in `static/js/layers/ground.js`."""

    stable_name = "ground"
    module = "/static/js/layers/ground.js"
    tiles = "/tiles/map/{z}/{x}/{y}"
