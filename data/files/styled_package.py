"""A GeoPackage whose layers bring their colours along: QGIS takes the default style of `layer_styles` up by itself."""

import os
import sqlite3
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import quoteattr

import geopandas as gpd
import pyogrio

from data.files.plan_exchange import CONTENTS, STYLE, STYLE_TABLE

QML = """<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis version="3.22" styleCategories="Symbology|Labeling" labelsEnabled="{labelled}">
 <renderer-v2 type={kind}{attribute}>{categories}<symbols>{symbols}</symbols></renderer-v2>{labels}
</qgis>"""
LABELS = """<labeling type="simple"><settings><text-style fieldName={column} fontSize="11" fontSizeUnit="Point" fontWeight="75"
 textColor="33,37,41,255"><text-buffer bufferDraw="1" bufferSize="1" bufferSizeUnits="MM" bufferColor="255,255,255,255"/></text-style>
<placement placement="1" centroidInside="1"/></settings></labeling>"""
SYMBOL = """<symbol name="{name}" type="fill"><layer class="SimpleFill" enabled="1" pass="0"><Option type="Map">
<Option name="color" type="QString" value="{fill}"/><Option name="outline_color" type="QString" value="{line}"/>
<Option name="outline_width" type="QString" value="{width}"/><Option name="outline_width_unit" type="QString" value="MM"/>
<Option name="style" type="QString" value="solid"/></Option></layer></symbol>"""


class Fill(NamedTuple):
    """Rows whose `column` holds `value` (no column: all rows) are filled so; colours are #rrggbb or #rrggbbaa, `width` millimetres."""

    column: str
    value: str
    fill: str
    line: str
    width: float
    label: str = ""


class Look(NamedTuple):
    """How a layer is drawn; `named_by`: the column that is written on each shape, none: nothing."""

    fills: Sequence[Fill]
    named_by: str = ""


def write_styled(path: Path, layers: Mapping[str, tuple[gpd.GeoDataFrame, Look]]) -> None:
    """Polygon layers with a style for each, in place of what was at `path`."""
    with tempfile.TemporaryDirectory(prefix=".wangge-", dir=path.parent) as folder:
        target = Path(folder) / path.name
        for name, (frame, _) in layers.items():
            pyogrio.write_dataframe(frame, target, layer=name, driver="GPKG", geometry_type="Unknown" if _mixed(frame) else "MultiPolygon",
                                    promote_to_multi=not _mixed(frame))  # fmt: skip
        connection = sqlite3.connect(target)
        try:
            with connection:
                connection.execute(STYLE_TABLE)
                connection.execute(CONTENTS)
                for name, (_, look) in layers.items():
                    connection.execute(STYLE, (name, name, _qml(look)))
        finally:
            connection.close()
        os.replace(target, path)


def _mixed(frame: gpd.GeoDataFrame) -> bool:
    return not frame.geometry.geom_type.str.endswith("Polygon").all()


def _qml(look: Look) -> str:
    fills = look.fills
    symbols = "".join(
        SYMBOL.format(name=at, fill=_rgba(each.fill), line=_rgba(each.line), width=each.width) for at, each in enumerate(fills)
    )
    labels = {"labelled": int(bool(look.named_by)), "labels": LABELS.format(column=quoteattr(look.named_by)) if look.named_by else ""}
    column = fills[0].column
    if not column:
        return QML.format(kind='"singleSymbol"', attribute="", categories="", symbols=symbols, **labels)
    ranges = "".join(
        f'<category symbol="{at}" value={quoteattr(each.value)} label={quoteattr(each.label)} render="true"/>'
        for at, each in enumerate(fills)
    )
    return QML.format(
        kind='"categorizedSymbol"',
        attribute=f" attr={quoteattr(column)}",
        categories=f"<categories>{ranges}</categories>",
        symbols=symbols,
        **labels,
    )


def _rgba(colour: str) -> str:
    """#rrggbb or #rrggbbaa as QGIS writes it."""
    digits = colour.removeprefix("#").ljust(8, "f")
    return ",".join(str(int(digits[at : at + 2], 16)) for at in (0, 2, 4, 6))
