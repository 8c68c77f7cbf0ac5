"""DistrictMap composes the map of a page: size, limits and layers; the data come from the API, never through here."""

import folium
from branca.element import MacroElement
from folium.template import Template

Bounds = tuple[float, float, float, float]
"""West, south, east, north in degrees."""


class DistrictMap(folium.Map):
    """A Leaflet map from our own files, opened by `static/js/map.js` on the element of the same name."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        import { open } from "/static/js/map.js";
        const {{ this.get_name() }} = open({{ this.get_name()|tojson }}, {{ this.config|tojson }});
        {% endmacro %}
        """
    )
    default_js: list[tuple[str, str]] = [("leaflet", "/static/vendor/leaflet.js")]  # noqa: RUF012
    default_css: list[tuple[str, str]] = [("leaflet_css", "/static/vendor/leaflet.css")]  # noqa: RUF012

    def __init__(self, name: str, *, bounds: Bounds, min_zoom: int = 9, max_zoom: int = 19) -> None:
        west, south, east, north = bounds
        self.stable_name = name
        super().__init__(location=((south + north) / 2, (west + east) / 2), tiles=None)
        self.config = {"bounds": list(bounds), "minZoom": min_zoom, "maxZoom": max_zoom}

    def get_name(self) -> str:
        """A name that stays: random ones would break caches and tests."""
        return self.stable_name


class Behaviour(MacroElement):
    """Starts what a page does besides drawing: one module, one function, one small configuration."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        import { start } from {{ this.module|tojson }};
        start({{ this._parent.get_name() }}, {{ this.config|tojson }});
        {% endmacro %}
        """
    )

    def __init__(self, module: str, **config: object) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.module = module
        self.config = config

    def get_name(self) -> str:
        """A name that stays."""
        return "behaviour"
