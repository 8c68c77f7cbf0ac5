"""Names of areas, grids, water and roads that never cover one another."""

from web.layers.tiled import TiledLayer


class LabelLayer(TiledLayer):
    """Behaviour is in `static/js/layers/labels.js`."""

    stable_name = "labels"
    module = "/static/js/layers/labels.js"
