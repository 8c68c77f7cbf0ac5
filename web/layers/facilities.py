"""Service points, cameras, hydrants and the like, by kind."""

from web.layers.tiled import TiledLayer


class FacilityLayer(TiledLayer):
    """Behaviour is in `static/js/layers/facilities.js`."""

    stable_name = "facilities"
    module = "/static/js/layers/facilities.js"
    tiles = "/tiles/facilities/{z}/{x}/{y}"
