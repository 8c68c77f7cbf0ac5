"""Where officers were last seen, and who is on duty."""

from web.layers.tiled import TiledLayer


class OfficerLayer(TiledLayer):
    """Behaviour is in `static/js/layers/officers.js`."""

    stable_name = "officers"
    module = "/static/js/layers/officers.js"
