"""Cells of open incidents from afar, single incidents by shape and severity from near."""

from web.layers.tiled import TiledLayer


class IncidentLayer(TiledLayer):
    """Behaviour is in `static/js/layers/incidents.js`."""

    stable_name = "incidents"
    module = "/static/js/layers/incidents.js"
    tiles = "/tiles/incidents/{z}/{x}/{y}"
