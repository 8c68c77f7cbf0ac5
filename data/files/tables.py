"""Reads tables: delimited text and workbooks, every cell as text in the source's own words."""

import csv
import datetime as dt
import itertools
import math
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import shapely

from data.files import encoding
from data.files.layer import Findings, Layer, Question, Shapes, unique_names
from gis.errors import BadFile

DELIMITERS = (",", "\t", ";", "|")
LOOK_AHEAD_ROWS = 60
PART_ROWS = 50_000
"""Rows that are held as lists of cells at a time, the most wasteful form they ever have."""
PLAIN_NUMBER = r"-?\d{1,3}(?:\.\d{1,16})?"
"""Degrees as almost every cell has them, which need no care."""
ABSENT = {"", "na", "n/a", "nan", "null", "none", "-", "无", "\\n"}
"""What published tables write where there is no value."""
Cells = list[list[str]]


def delimited(path: Path, question: Question) -> Iterator[Layer]:
    """Delimited text, part by part; encoding and delimiter are found, or taken from the question."""
    findings = Findings(kind="csv")
    with path.open("rb") as opened:
        sample = opened.read(encoding.SAMPLE_BYTES)
        cut = bool(opened.read(1))
    found = encoding.of_text(sample, cut=cut)
    if question.encoding:
        found = encoding.Found(encoding.known(question.encoding) or question.encoding, "the mapping says so")
    findings.encoding, findings.encoding_how, findings.encoding_sure = found.encoding, found.how, found.sure
    if not found.encoding.startswith("utf-16") and b"\x00" in sample:
        raise BadFile("It holds zero bytes: this is no text table.")
    try:
        text = sample.decode(found.encoding, "ignore" if cut else "strict")
        delimiter = question.delimiter or _delimiter(text)
        csv.field_size_limit(sys.maxsize)
        with path.open("r", encoding=found.encoding, newline="") as opened_text:
            yield from _parts(csv.reader(opened_text, delimiter=delimiter), question, findings)
    except (UnicodeDecodeError, LookupError) as broken:
        raise BadFile(f"The text is not {found.encoding}: {broken}. Say which encoding it is with encoding = …") from broken
    except csv.Error as broken:
        raise BadFile(f"The table is broken: {broken}") from broken


def workbook(path: Path, question: Question) -> Iterator[Layer]:
    """One sheet of an Excel workbook; merged cells carry their value into every row they span."""
    import python_calamine as calamine  # noqa: PLC0415  only workbooks need it

    findings = Findings(kind="excel", encoding="utf-8", encoding_how="a workbook says")
    try:
        book = calamine.load_workbook(str(path))
        findings.layers = list(book.sheet_names)
        sheet = book.get_sheet_by_name(_sheet(findings, question))
        raw = sheet.to_python(skip_empty_area=False)
        merged = sheet.merged_cell_ranges or []
    except (calamine.CalamineError, OSError, ValueError, IndexError) as broken:
        raise BadFile(f"The workbook cannot be read: {broken}") from broken
    cells = [[_cell(value) for value in row] for row in raw]
    spread = 0
    for (top, left), (bottom, right) in merged:
        for row in range(top, min(bottom + 1, len(cells))):
            for column in range(left, min(right + 1, len(cells[row]))):
                spread += cells[row][column] != cells[top][left]
                cells[row][column] = cells[top][left]
    if spread:
        findings.notes.append(f"{spread} cells took the value of the merged cell they belong to.")
    return _parts(cells, question, findings)


def well_known_text(path: Path, question: Question) -> Iterator[Layer]:
    """A text of geometries in WKT; one may run over several lines, until its brackets are closed."""
    lines: list[str] = []
    depth = 0
    for line in path.read_text("utf-8", "replace").splitlines():
        if depth > 0:
            lines[-1] += " " + line.strip()
        elif line.strip():
            lines.append(line.strip())
        depth += line.count("(") - line.count(")")
    lines = lines[: question.limit]
    findings = Findings(kind="wkt")
    rows = pd.DataFrame({"line": range(1, len(lines) + 1)})
    yield Layer(rows, _from_wkt(lines, findings), findings, spatial=True)


def _sheet(findings: Findings, question: Question) -> str:
    if question.layer is not None:
        if question.layer not in findings.layers:
            raise BadFile(f"There is no sheet {question.layer!r}. The workbook holds: {', '.join(findings.layers)}")
        return question.layer
    if len(findings.layers) != 1:
        raise BadFile(f"The workbook holds {len(findings.layers)} sheets; say which with layer = …: {', '.join(findings.layers)}")
    return findings.layers[0]


def _parts(cells: Iterable[list[str]], question: Question, findings: Findings) -> Iterator[Layer]:
    """The table below its header, some rows at a time; the last part completes the findings they share."""
    coming = iter(cells)
    top = list(itertools.islice(coming, max(LOOK_AHEAD_ROWS, question.header_row or 0)))
    head = _header(top, question, findings)
    names = unique_names(top[head])
    body = itertools.islice(_filled_lines(itertools.chain(top[head + 1 :], coming), findings), question.limit)
    above: dict[str, str] = {}
    first = short = 0
    while (part := list(itertools.islice(body, PART_ROWS))) or not first:
        short += _cut_to_header(part, len(names), first, findings)
        rows = pd.DataFrame(part, columns=pd.Index(names, dtype=object), dtype=object)
        _fill_down(rows, question, above)
        yield Layer(rows, _shapes(rows, question, findings, first), findings, spatial=bool(question.wkt or question.x))
        if not part:
            break
        first += len(part)
    if short:
        findings.notes.append(f"{short} rows are shorter than the header; their missing cells are empty.")


def _filled_lines(lines: Iterable[list[str]], findings: Findings) -> Iterator[list[str]]:
    """The lines that hold something; how many do not is noted at the end."""
    blank = 0
    for line in lines:
        if any(line) and any(each.strip() for each in line):
            yield line
        else:
            blank += 1
    if blank:
        findings.notes.append(f"{blank} blank lines hold nothing and were passed over.")


def _cut_to_header(part: Cells, width: int, first: int, findings: Findings) -> int:
    """Give every row as many cells as the header has; how many were short."""
    short = 0
    for number, row in enumerate(part, first):
        if len(row) == width:
            continue
        if len(row) > width and any(each.strip() for each in row[width:]):
            findings.broken[str(number)] = f"The row has {len(row)} cells, the header {width}."
            row[width - 1] = "|".join(row[width - 1 :])
        short += len(row) < width
        row[:] = (row + [""] * width)[:width]
    return short


def _fill_down(rows: pd.DataFrame, question: Question, above: dict[str, str]) -> None:
    """Let empty cells take what stands above them; `above` remembers it from part to part."""
    for name in question.fill_down:
        if name not in rows:
            raise BadFile(f"There is no column {name!r} to fill down. The table has: {', '.join(map(str, rows.columns))}")
        rows[name] = rows[name].where(rows[name].str.strip() != "").ffill().fillna(above.get(name, ""))
        if len(rows):
            above[name] = str(rows[name].iloc[-1])


def _header(cells: Cells, question: Question, findings: Findings) -> int:
    """The place of the header: as asked, or the first row about as wide as the widest below it."""
    if question.header_row is not None:
        if not 1 <= question.header_row <= len(cells):
            raise BadFile(f"There is no row {question.header_row} to be the header; the table has {len(cells)} rows.")
        return question.header_row - 1
    widths = [sum(1 for each in row if each.strip()) for row in cells[:LOOK_AHEAD_ROWS]]
    if not any(widths):
        raise BadFile("The table is empty.")
    place = next(number for number, width in enumerate(widths) if width >= 0.6 * max(widths))
    if place:
        findings.notes.append(f"The header was found in row {place + 1}; what stands above it is a title.")
    return place


def _shapes(rows: pd.DataFrame, question: Question, findings: Findings, first: int) -> Shapes:
    """The places of rows that begin at row `first` of the file, from the columns the question names."""
    asked = [name for name in (question.wkt, question.x, question.y) if name]
    missing = [name for name in asked if name not in rows]
    if missing:
        raise BadFile(f"There is no column {', '.join(missing)}. The table has: {', '.join(map(str, rows.columns))}")
    if question.wkt:
        return _from_wkt(rows[question.wkt].tolist(), findings, first)
    shapes = np.full(len(rows), None, dtype=object)
    if not (question.x and question.y):
        return shapes
    x, y = (pd.to_numeric(rows[name].where(rows[name].str.fullmatch(PLAIN_NUMBER)), errors="coerce").to_numpy(float, copy=True)
            for name in (question.x, question.y))  # fmt: skip
    for row in np.flatnonzero(~(np.isfinite(x) & np.isfinite(y))):
        pair = (rows[question.x].iloc[row], rows[question.y].iloc[row])
        if absent(pair[0]) and absent(pair[1]):
            continue
        read = [number(each) for each in pair]
        if read[0] is None or read[1] is None:
            findings.broken[str(first + row)] = (
                f"The place is not two numbers: {question.x} = {str(pair[0])[:40]!r}, {question.y} = {str(pair[1])[:40]!r}."
            )
        else:
            x[row], y[row] = read
    there = np.isfinite(x) & np.isfinite(y)
    shapes[there] = shapely.points(x[there], y[there])
    return shapes


def _from_wkt(texts: list[str], findings: Findings, first: int = 0) -> Shapes:
    shapes = np.full(len(texts), None, dtype=object)
    for row, text in enumerate(texts):
        if absent(text):
            continue
        try:
            shapes[row] = shapely.force_2d(shapely.from_wkt(text))
        except shapely.errors.GEOSException as broken:
            findings.broken[str(first + row)] = f"The shape cannot be read: {str(broken).splitlines()[0][:200]}"
    return shapes


def absent(text: object) -> bool:
    """Whether a cell says that there is no value."""
    return text is None or str(text).strip().lower() in ABSENT


def number(text: object) -> float | None:
    """A number as people write it: "4,521", "-74.84%" (as -0.7484), full-width digits; None if it is none."""
    plain = str(text).strip().translate({65_248 + code: code for code in range(33, 127)}).replace(" ", "").replace("\u00a0", "")
    plain, scale = (plain[:-1], 0.01) if plain.endswith("%") else (plain, 1.0)
    if "," in plain:
        groups = plain.lstrip("+-").split(".")[0].split(",")
        if not all(len(each) == 3 for each in groups[1:]) or not 1 <= len(groups[0]) <= 3:
            return None
        plain = plain.replace(",", "")
    try:
        value = float(plain) * scale
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in plain else None


def _delimiter(text: str) -> str:
    """The delimiter that cuts the first lines into the most equal cells."""
    lines = text.splitlines()[:LOOK_AHEAD_ROWS]
    best, score = ",", 0.0
    for delimiter in DELIMITERS:
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        if widths and (middle := sorted(widths)[len(widths) // 2]) > 1:
            equal = sum(width == middle for width in widths) / len(widths)
            if equal * middle > score:
                best, score = delimiter, equal * middle
    return best


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    return str(value)
