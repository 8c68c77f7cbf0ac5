"""How figures are drawn: one name a style. Colours are safe for the colour-blind and legible in print; a page's theme may override them."""

from collections.abc import Mapping

Style = Mapping[str, str]

STYLES: Mapping[str, Style] = {
    # ground
    "land": {"fill": "#f6f8f9", "stroke": "none"},
    "water": {"fill": "#dbe9f2", "stroke": "none"},
    "road": {"fill": "none", "stroke": "#d3dade", "stroke-width": "1.1"},
    "around": {"fill": "none", "stroke": "#b4c0c8", "stroke-width": "0.5"},
    "community": {"fill": "none", "stroke": "#6f7f8a", "stroke-width": "1"},
    "district": {"fill": "none", "stroke": "#24323c", "stroke-width": "1.6"},
    # plans
    "old": {"fill": "none", "stroke": "#1f6fb2", "stroke-width": "1.5", "stroke-dasharray": "6 3.5"},
    "new": {"fill": "none", "stroke": "#14222c", "stroke-width": "1.7"},
    "fresh": {"fill": "#fde7c4", "stroke": "none"},
    "changed": {"fill": "#e6f0f6", "stroke": "none"},
    # hot and cold spots
    "hot-99": {"fill": "#b2182b", "stroke": "#7f0f1d", "stroke-width": "0.4"},
    "hot-95": {"fill": "#ef8a62", "stroke": "#b35a37", "stroke-width": "0.4"},
    "hot-90": {"fill": "#fddbc7", "stroke": "#c9987c", "stroke-width": "0.4"},
    "cold-90": {"fill": "#d1e5f0", "stroke": "#86a9bb", "stroke-width": "0.4"},
    "cold-95": {"fill": "#67a9cf", "stroke": "#3d7ba0", "stroke-width": "0.4"},
    "cold-99": {"fill": "#2166ac", "stroke": "#123f6e", "stroke-width": "0.4"},
    "plain": {"fill": "#f1f3f5", "stroke": "#c3ccd2", "stroke-width": "0.4"},
    "missing": {"fill": "#c4c8cb", "stroke": "#a8a8a8", "stroke-width": "0.4"},
    "cluster": {"fill": "none", "stroke": "#7a0177", "stroke-width": "2.2"},
    "cluster-ground": {"fill": "#7a0177", "fill-opacity": "0.16", "stroke": "none"},
    "point": {"fill": "#14222c", "stroke": "#ffffff", "stroke-width": "0.5"},
    **{
        name: {"fill": fill, "stroke": "#5a4030", "stroke-width": "0.4"}
        for name, fill in {
            "new_hot": "#e31a1c",
            "consecutive_hot": "#b10026",
            "intensifying_hot": "#67000d",
            "persistent_hot": "#a50f15",
            "diminishing_hot": "#fc9272",
            "sporadic_hot": "#fdbf6f",
            "oscillating_hot": "#f4a582",
            "historical_hot": "#e8c9bd",
            "new_cold": "#6baed6",
            "consecutive_cold": "#2171b5",
            "intensifying_cold": "#08306b",
            "persistent_cold": "#08519c",
            "diminishing_cold": "#9ecae1",
            "sporadic_cold": "#c6dbef",
            "oscillating_cold": "#b3cde3",
            "historical_cold": "#d5e1ea",
            "ratio-1": "#f7f5fb",
            "ratio-2": "#d8d0e6",
            "ratio-3": "#fee391",
            "ratio-4": "#fe9929",
            "ratio-5": "#cc4c02",
        }.items()
    },
    # densities, from nothing to the most
    **{
        f"density-{at}": {"fill": fill, "stroke": "#5a4030", "stroke-width": "0.4"}
        for at, fill in enumerate(("#ffffff", "#fee0b6", "#fdb863", "#e08214", "#b35806", "#7f3b08"))
    },
    # texts
    "label": {"fill": "#14222c", "font-size": "9", "font-weight": "700"},
    "number": {"fill": "#ffffff", "font-size": "9", "font-weight": "700"},
    "name": {"fill": "#47606f", "font-size": "8"},
    # series
    "bar": {"fill": "#9cc3d8"},
    "line": {"fill": "none", "stroke": "#0b5c78", "stroke-width": "1.8"},
    "before": {"fill": "none", "stroke": "#8796a1", "stroke-width": "1.4", "stroke-dasharray": "4 3"},
    "marked": {"fill": "#c8452c"},
}


def attributes(style: str) -> str:
    """A style as the attributes of an SVG element; a style sheet's rule for its class wins over them."""
    return " ".join(f'{name}="{value}"' for name, value in STYLES[style].items())
