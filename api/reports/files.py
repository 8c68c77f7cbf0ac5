"""Every file of a report: the document on paper, the workbook, the layers for a GIS program, and each table as CSV."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import geopandas as gpd
from shapely import Geometry

from api.spreadsheet import csv_text
from data.files.styled_package import Fill, Look, write_styled
from gis.crs import STORAGE_EPSG
from web.figures.styles import STYLES
from web.paper.document import Table
from web.paper.sheets import flat, workbook
from web.paper.typeset import pdf
from web.report.facts import ReportFacts, Speech
from web.report.figures import fill_of, fill_words, outlined, shape_of
from web.report.report import report
from web.report.tables import tables
from web.words import Language

PDF, WORKBOOK, PACKAGE = "report.pdf", "report.xlsx", "report.gpkg"
WHOLE = ("rank", "cluster", "observed", "class")
"""Columns of whole numbers, also where some rows have none."""


def bundle(facts: ReportFacts, language: Language, *, only: str | None = None) -> dict[str, bytes]:
    """File name → content; with `only` the one of that name, the others empty, so that nothing is made in vain."""
    document = report(facts, language)
    makers: dict[str, Callable[[], bytes]] = {
        PDF: partial(pdf, document),
        WORKBOOK: partial(workbook, document),
        PACKAGE: partial(_package, facts, language),
        **{f"{table.key}.csv": partial(_csv, table, language) for table in document.tables()},
    }
    return {name: make() if only in (None, name) else b"" for name, make in makers.items()}


def _csv(table: Table, language: Language) -> bytes:
    return csv_text(*flat(table, language)).encode()


def _package(facts: ReportFacts, language: Language) -> bytes:
    """Units and clusters with their numbers and with styles that QGIS takes up."""
    speech = Speech(facts, language)
    rows = {table.key: table for table in tables(speech)}
    layers = {"units": _units(speech)}
    found = [(each, shape) for each in outlined(speech) if (shape := shape_of(speech, each)) is not None]
    if found:
        told = {row["rank"]: row for row in rows["clusters"].rows}
        frame = _layer([told[each["rank"]] for each, _ in found], [shape for _, shape in found])
        layers["clusters"] = (frame, Look([Fill("", "", "#7a017728", "#7a0177", 0.8)], named_by="rank"))
    with tempfile.TemporaryDirectory(prefix="wangge-report-") as folder:
        path = Path(folder) / PACKAGE
        write_styled(path, layers)
        return path.read_bytes()


def _units(speech: Speech) -> tuple[gpd.GeoDataFrame, Look]:
    known = [(id, unit) for id, unit in speech.facts.units.items() if id in speech.facts.borders]
    styles = [fill_of(speech, unit) for _, unit in known]
    rows = [{**unit, "fill": style} for (_, unit), style in zip(known, styles, strict=True)]
    fills = [Fill("fill", style, STYLES[style]["fill"], "#8a949b", 0.15, fill_words(speech, style)) for style in sorted(set(styles))]
    return _layer(rows, [speech.facts.borders[id] for id, _ in known]), Look(fills)


def _layer(rows: Sequence[Mapping[str, Any]], shapes: Sequence[Geometry]) -> gpd.GeoDataFrame:
    """Rows with their shapes; a column has one type, whatever this report's rows hold."""
    frame = gpd.GeoDataFrame([_flat(row) for row in rows], geometry=list(shapes), crs=STORAGE_EPSG)
    for name in frame.columns.drop("geometry"):
        if name in WHOLE:
            frame[name] = frame[name].astype("Int64")
        elif frame[name].isna().all():
            frame[name] = frame[name].astype("float64")
    return frame


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """What the cells of a GeoPackage can hold: an interval is two numbers, another list a text, a comparison its ratio."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if name == "interval":
            flat["interval_low"], flat["interval_high"] = value or (None, None)
        elif isinstance(value, dict):
            flat[name] = value.get("ratio")
        else:
            flat[name] = ", ".join("" if each is None else str(each) for each in value) if isinstance(value, list | tuple) else value
    return flat
