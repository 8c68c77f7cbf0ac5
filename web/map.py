"""DistrictMap composes the map of a page: size, limits and layers; the data come from the API, never through here."""

import folium
from branca.element import MacroElement
from folium.template import Template

from web import bundled

Bounds = tuple[float, float, float, float]
"""West, south, east, north in degrees."""
MAP_MODULE = "/static/js/map.js"
SCREEN, EDITOR, REPORT = "screen", "editor", "report"
"""The bundles of the pages that show a map."""


class DistrictMap(folium.Map):
    """A Leaflet map from our own files, opened by `static/js/map.js` on the element of the same name."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        {{ this.opening }}
        const {{ this.get_name() }} = open_map({{ this.get_name()|tojson }}, {{ this.config|tojson }});
        {% endmacro %}
        """
    )
    default_css: list[tuple[str, str]] = []  # noqa: RUF012  the page's own styles begin with Leaflet's
    bundle = SCREEN

    def __init__(self, name: str, *, bounds: Bounds, min_zoom: int = 9, max_zoom: int = 19) -> None:
        west, south, east, north = bounds
        self.stable_name = name
        self.default_js = [("leaflet", bundled.versioned("/static/vendor/leaflet.js"))]
        self.opening = bundled.importing(self.bundle, MAP_MODULE, "open", "open_map")
        super().__init__(location=((south + north) / 2, (west + east) / 2), tiles=None)
        self.config = {"bounds": list(bounds), "minZoom": min_zoom, "maxZoom": max_zoom}

    def get_name(self) -> str:
        """A name that stays: random ones would break caches and tests."""
        return self.stable_name


class PlanMap(DistrictMap):
    """The map on which borders are drawn: nearer, because a border is read to the metre."""

    bundle = EDITOR

    def __init__(self, name: str, *, bounds: Bounds) -> None:
        super().__init__(name, bounds=bounds, min_zoom=9, max_zoom=21)


class ReportMap(DistrictMap):
    """The map of a report, beside its table."""

    bundle = REPORT


class Behaviour(MacroElement):
    """Starts what a page does besides drawing: one module, one function, one small configuration."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        {{ this.opening }}
        start({{ this._parent.get_name() }}, {{ this.config|tojson }});
        {% endmacro %}
        """
    )

    def __init__(self, module: str, *, bundle: str = SCREEN, **config: object) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.opening = bundled.importing(bundle, module, "start", "start")
        self.config = config

    def get_name(self) -> str:
        """A name that stays."""
        return "behaviour"
