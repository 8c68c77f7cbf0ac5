"""A layer: rows of a file as they came, with their shapes, and all that was noticed while reading."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.ipc
import shapely
from numpy.typing import NDArray

WKB = "__shape__"
Shapes = NDArray[np.object_]


@dataclass(frozen=True)
class Question:
    """What a mapping or a person says about a file, so that nothing needs to be guessed.

    `header_row` counts from 1; `limit` reads the first rows only (for a preview); `x`, `y`, `wkt` name columns of a table.
    """

    layer: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    header_row: int | None = None
    fill_down: tuple[str, ...] = ()
    x: str | None = None
    y: str | None = None
    wkt: str | None = None
    limit: int | None = None


@dataclass
class Findings:
    """What reading found out: how the file is made, and what is odd about it."""

    kind: str = ""
    layer: str = ""
    layers: list[str] = field(default_factory=list)
    crs: str | None = None
    encoding: str | None = None
    encoding_how: str = ""
    encoding_sure: bool = True
    notes: list[str] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)
    """Row number (as text, for JSON) → why its cells or its shape could not be read."""


@dataclass
class Layer:
    """`rows`: the source's own columns; `shapes`: one geometry or None for each row; `numbers`: row numbers in the file, from 1."""

    rows: pd.DataFrame
    shapes: Shapes
    findings: Findings
    spatial: bool

    @property
    def broken(self) -> dict[int, str]:
        """Rows (from 0) that could not be read, and why."""
        return {int(row): why for row, why in self.findings.broken.items()}

    def __len__(self) -> int:
        return len(self.rows)


def write(parts: Iterable[Layer], path: Path) -> None:
    """Store a layer that comes in parts as one Arrow file: no code travels with it, whatever the worker has read.

    All parts share one set of findings, which is complete when the last part has come.
    """
    with pa.OSFile(str(path), "wb") as sink:
        writer = last = None
        for last in parts:
            table = _table(last)
            writer = writer or pa.ipc.new_file(sink, table.schema)
            writer.write_table(table)
        assert writer is not None
        assert last is not None
        writer.close()
    facts = {"names": [str(name) for name in last.rows.columns], "spatial": last.spatial, "findings": asdict(last.findings)}
    path.with_suffix(".json").write_text(json.dumps(facts))


def read(path: Path) -> Layer:
    """The layer that `write` stored, as a whole."""
    [layer] = parts(path, None)
    return layer


def parts(path: Path, size: int | None) -> Iterator[Layer]:
    """The layer that `write` stored, at most `size` rows at a time; an empty layer is one empty part."""
    facts: dict[str, Any] = json.loads(path.with_suffix(".json").read_text())
    findings = Findings(**facts["findings"])
    with pa.memory_map(str(path)) as source:
        table = pa.ipc.open_file(source).read_all()
        step = size or max(len(table), 1)
        for first in range(0, max(len(table), 1), step):
            part = table.slice(first, step)
            shapes = np.asarray(shapely.from_wkb(part.column(WKB).to_pylist()), dtype=object)
            rows = part.drop_columns([WKB]).to_pandas(ignore_metadata=True)
            rows.columns = pd.Index(facts["names"], dtype=object)
            broken = {str(int(row) - first): why for row, why in findings.broken.items() if first <= int(row) < first + len(rows)}
            yield Layer(rows, shapes.reshape(len(rows)), replace(findings, broken=broken), facts["spatial"])


def unique_names(names: list[str]) -> list[str]:
    """Column names with a number where one comes twice, `column_3` where it is empty."""
    seen: dict[str, int] = {}
    result = []
    for place, raw in enumerate(names, 1):
        name = raw.strip() or f"column_{place}"
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return result


def _table(layer: Layer) -> pa.Table:
    columns = {f"c{place}": _column(layer.rows.iloc[:, place]) for place in range(layer.rows.shape[1])}
    columns[WKB] = pa.array(shapely.to_wkb(layer.shapes, include_srid=False), type=pa.large_binary())
    return pa.table(columns)


def _column(values: pd.Series) -> pa.Array:
    """Arrow's own type where the values have one, text elsewhere."""
    try:
        array = pa.Array.from_pandas(values)
        if pa.types.is_nested(array.type) or pa.types.is_null(array.type):
            raise pa.ArrowInvalid("kept as text")
        return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return pa.array([_as_text(each) for each in values], type=pa.large_string())


def _as_text(value: Any) -> str | None:
    if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict | list | np.ndarray):
        return json.dumps(value, default=str, ensure_ascii=False)
    return str(value).encode("utf-8", "replace").decode()
