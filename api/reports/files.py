"""Every file of a report: the document on paper, the workbook, the layers for a GIS program, and each table as CSV."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import geopandas as gpd

from api.spreadsheet import csv_text
from data.files.styled_package import Fill, write_styled
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
    units, fills = _units(speech)
    layers = {"units": (units, fills)}
    found = [(each, shape) for each in outlined(speech) if (shape := shape_of(speech, each)) is not None]
    if found:
        told = {row["rank"]: row for row in rows["clusters"].rows}
        frame = gpd.GeoDataFrame(
            [{name: _flat(value) for name, value in told[each["rank"]].items()} for each, _ in found],
            geometry=[shape for _, shape in found], crs=STORAGE_EPSG,
        )  # fmt: skip
        layers["clusters"] = (frame, [Fill("", "", "#7a017728", "#7a0177", 0.8)])
    with tempfile.TemporaryDirectory(prefix="wangge-report-") as folder:
        path = Path(folder) / PACKAGE
        write_styled(path, layers)
        return path.read_bytes()


def _units(speech: Speech) -> tuple[gpd.GeoDataFrame, list[Fill]]:
    known = [(id, unit) for id, unit in speech.facts.units.items() if id in speech.facts.borders]
    styles = [fill_of(speech, unit) for _, unit in known]
    frame = gpd.GeoDataFrame(
        [{**{name: _flat(value) for name, value in unit.items()}, "fill": style} for (_, unit), style in zip(known, styles, strict=True)],
        geometry=[speech.facts.borders[id] for id, _ in known], crs=STORAGE_EPSG,
    )  # fmt: skip
    return frame, [Fill("fill", style, STYLES[style]["fill"], "#8a949b", 0.15, fill_words(speech, style)) for style in sorted(set(styles))]


def _flat(value: object) -> object:
    """What a cell of a GeoPackage can hold."""
    if isinstance(value, dict):
        return str(value.get("ratio", ""))
    return ", ".join("" if each is None else str(each) for each in value) if isinstance(value, list | tuple) else value
