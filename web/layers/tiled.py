"""TiledLayer is what all our layers have in common: a module that shows it, a tile address, a stable name."""

from folium.map import Layer
from folium.template import Template

from web import bundled
from web.map import SCREEN


class TiledLayer(Layer):
    """A layer drawn on canvas by `module` from vector tiles at `tiles`."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        {{ this.opening }}
        {{ this.get_name() }}({{ this._parent.get_name() }}, {{ this.config|tojson }});
        {% endmacro %}
        """
    )
    module: str
    stable_name: str
    tiles: str | None = None

    def __init__(self, *, bundle: str = SCREEN, **config: object) -> None:
        super().__init__(name=self.stable_name, overlay=True, control=False, show=False)
        self.opening = bundled.importing(bundle, self.module, "show", self.get_name())
        self.config = {"tiles": self.tiles, **config} if self.tiles else config

    def get_name(self) -> str:
        """A name that stays."""
        return f"show_{self.stable_name}"
