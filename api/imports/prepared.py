"""One layer on its way in: its rows, the values read from them, its shapes in degrees, and who is refused so far."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from api.imports import fields, persons, places
from api.imports.fields import Value, Values
from api.imports.mapping import LayerMapping
from api.imports.places import District
from api.imports.report import FileReport
from data.files.layer import Layer
from gis.errors import BadFile
from gis.faces import polygonal


@dataclass
class Prepared:
    """Values and shapes by row (from 0); `refused` says why a row will not be loaded."""

    mapping: LayerMapping
    layer: Layer
    values: dict[str, Values]
    shapes: NDArray[np.object_]
    refused: dict[int, str]
    report: FileReport
    first: int = 0
    """Where the first of these rows stands in its file, from 0."""
    persons: dict[str, Values] = field(default_factory=dict)
    """Values of a [layer.resident], in no report and no errors file."""

    def number(self, row: int) -> int:
        """The number of a row in its file, from 1, as people are told it."""
        return self.first + int(row) + 1

    def refuse(self, row: int, why: str) -> None:
        """Refuse a row unless it is refused already."""
        self.refused.setdefault(int(row), why)

    @property
    def kept(self) -> NDArray[np.int64]:
        """Rows that are not refused."""
        keep = np.ones(len(self.layer), dtype=np.bool_)
        keep[list(self.refused)] = False
        return np.flatnonzero(keep)

    def column(self, name: str, default: Value = None) -> Values:
        """A field of every row; `default` where the mapping has no such field or the source no value."""
        values = self.values.get(name)
        if values is None:
            return np.full(len(self.layer), default, dtype=object)
        if default is None:
            return values
        filled = values.copy()
        filled[pd.isna(values)] = default
        return filled

    def value(self, name: str, row: int, default: Value = None) -> Value:
        """A field of a row; `default` where the mapping has no such field or the source no value."""
        column = self.values.get(name)
        found = None if column is None else column[row]
        return default if found is None else found

    def text(self, name: str, row: int, default: str = "") -> str:
        """The same as text."""
        return str(self.value(name, row, default))

    def need(self, *names: str) -> None:
        """Refuse rows in which a field that must be there is empty."""
        for name in names:
            for row in np.flatnonzero(pd.isna(self.column(name))):
                self.refuse(int(row), f"{name}: the source has no value")

    def only_polygons(self, *, repair: bool) -> int:
        """Refuse rows without a sound polygon; with `repair` broken rings are rebuilt. How many were."""
        mended = 0
        for row in self.kept:
            shape = self.shapes[row]
            if shape is None or shape.is_empty:
                self.refuse(row, "There is no shape.")
            elif shape.geom_type not in ("Polygon", "MultiPolygon"):
                self.refuse(row, f"The shape is a {shape.geom_type}, not a polygon.")
            elif not shape.is_valid:
                mended += self._mended(int(row), shape, repair)
            elif shape.area == 0:
                self.refuse(row, "The polygon has no ground.")
        return mended

    def _mended(self, row: int, shape: shapely.Geometry, repair: bool) -> bool:
        if not repair:
            self.refuse(row, f'The polygon is broken ({_plain_reason(shape)}). The mending step "valid" would rebuild it.')
            return False
        sound = polygonal(shapely.make_valid(shape))
        if sound.is_empty:
            self.refuse(row, "The polygon is broken beyond repair: no ground is left.")
            return False
        self.shapes[row] = sound
        return True

    def close(self) -> None:
        """Put the refused rows into the report; call once, at the end."""
        self.report.refuse(self.layer.rows, self.refused, first=self.first)


def prepare(layer: Layer, mapping: LayerMapping, report: FileReport, *, time_zone: str, district: District | None) -> Prepared:
    """Read fields and shapes of a layer, or of its next rows; personal columns are gone before anything else sees them."""
    first, report.read = report.read, report.read + len(layer)
    personal = mapping.personal([str(name) for name in layer.rows.columns])
    people = persons.read(layer.rows, mapping, time_zone)
    if personal:
        layer.rows = layer.rows.drop(columns=personal)
        report.note(f"Columns with persons were left out unread: {', '.join(personal)}.")
    if people.masked:
        layer.rows = layer.rows.assign(**people.masked)
    _refuse_unsure_encoding(layer, mapping)
    for note in layer.findings.notes:
        report.note(note)
    if layer.findings.encoding and layer.findings.encoding.upper() != "UTF-8" and layer.findings.kind != "excel":
        report.note(f"Encoding {layer.findings.encoding}: {layer.findings.encoding_how}.")
    read = fields.read(layer.rows, mapping, time_zone, first=first)
    placed = places.in_degrees(layer, mapping, district)
    for note in placed.notes:
        report.note(note)
    refused = {**people.refused, **read.refused, **placed.refused, **layer.broken}
    return Prepared(mapping, layer, read.values, placed.shapes, refused, report, first, people.values)


def _refuse_unsure_encoding(layer: Layer, mapping: LayerMapping) -> None:
    if layer.findings.encoding_sure or mapping.encoding:
        return
    sample = next((str(value) for column in layer.rows for value in layer.rows[column] if not str(value).isascii()), "")
    raise BadFile(
        f"The file does not say its encoding, and its bytes do not prove one; as {layer.findings.encoding} it reads {sample[:30]!r}."
        ' Say which it is, for instance encoding = "gb18030" or "cp1252".', guess=layer.findings.encoding,
    )  # fmt: skip


def _plain_reason(shape: shapely.Geometry) -> str:
    return str(shapely.is_valid_reason(shape)).split("[")[0]
