"""The tables of a document as a workbook. What people wrote stays text: no cell of ours is a formula."""

import io
from collections.abc import Mapping
from typing import Any

import xlsxwriter

from web.paper.document import Bullets, Column, Document, Facts, Heading, Table, Text
from web.telling import NUMBERS, told
from web.words import Language, word

FORMATS: Mapping[str, str] = {
    "count": "#,##0", "decimal": "#,##0.0", "decimal2": "#,##0.00", "times": "#,##0.0", "percent": "0.0%", "p": "0.000",
    "hectares": "#,##0.00", "metres": "#,##0", "signed": "+#,##0;-#,##0;0",
}  # fmt: skip
NARROW, WIDE = 9, 60
SHEET_NAME = 31
"""Characters that a sheet's name may have."""


def workbook(document: Document) -> bytes:
    """One sheet with the words, one for each table; numbers are numbers, filters are set, the head stays."""
    out = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "remove_timezone": True,
    }
    with xlsxwriter.Workbook(out, options) as book:
        book.set_properties({"title": document.title, "created": document.made_at.replace(tzinfo=None, microsecond=0)})
        styles = {kind: book.add_format({"num_format": form}) for kind, form in FORMATS.items()}
        styles["head"] = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top", "bg_color": "#EAF1F5"})
        styles["title"], styles["bold"] = book.add_format({"bold": True, "font_size": 15}), book.add_format({"bold": True})
        styles["text"] = book.add_format({"text_wrap": True, "valign": "top"})
        _words(book.add_worksheet(document.header.split(" · ")[-1][:SHEET_NAME]), document, styles)
        taken: set[str] = set()
        for table in document.tables():
            _sheet(book.add_worksheet(_name(table, taken)), table, document, styles)
    return out.getvalue()


def flat(table: Table, language: Language) -> tuple[list[str], list[list[Any]]]:
    """A table as one row of labels and rows of plain cells: what a CSV file holds."""
    head = [label for column in table.columns for label in _labels(column, language)]
    return head, [[cell for column in table.columns for cell in _cells(row.get(column.key), column)] for row in table.rows]


def _words(sheet: Any, document: Document, styles: Mapping[str, Any]) -> None:
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 100)
    sheet.write_string(0, 0, document.title, styles["title"])
    sheet.write_string(1, 0, document.subtitle)
    at = 3
    for block in document.blocks:
        match block:
            case Heading(text):
                sheet.write_string(at + 1, 0, text, styles["bold"])
                at += 2
            case Text(text):
                sheet.write_string(at, 1, text, styles["text"])
                at += 1
            case Bullets(items):
                for each in items:
                    sheet.write_string(at, 1, each, styles["text"])
                    at += 1
            case Facts(pairs):
                for label, value in pairs:
                    sheet.write_string(at, 0, label)
                    sheet.write_string(at, 1, value, styles["text"])
                    at += 1


def _sheet(sheet: Any, table: Table, document: Document, styles: Mapping[str, Any]) -> None:
    columns = [(column, label) for column in table.columns for label in _labels(column, document.language)]
    for at, (_, label) in enumerate(columns):
        sheet.write_string(0, at, label, styles["head"])
    for number, row in enumerate(table.rows, 1):
        cells = [(column, cell) for column in table.columns for cell in _cells(row.get(column.key), column)]
        for at, (column, cell) in enumerate(cells):
            if isinstance(cell, int | float) and not isinstance(cell, bool):
                sheet.write_number(number, at, cell, styles.get(column.kind))
            elif cell is not None:
                sheet.write_string(number, at, str(cell))
    for at, (column, _) in enumerate(columns):
        longest = max((len(told(row.get(column.key), column.kind, document.language)) for row in table.rows[:200]), default=0)
        sheet.set_column(at, at, min(WIDE, max(NARROW, longest * (1 if column.kind in NUMBERS else 1.6))))
    sheet.freeze_panes(1, 0)
    if table.rows:
        sheet.autofilter(0, 0, len(table.rows), len(columns) - 1)


def _name(table: Table, taken: set[str]) -> str:
    """The caption as a sheet's name: short, without what Excel forbids, and different from the others."""
    plain = "".join(sign for sign in table.caption if sign not in "[]:*?/\\'").split("　")[-1].split("  ")[-1].strip()
    name, number = plain[:SHEET_NAME] or table.key, 2
    while name.lower() in taken:
        name, number = f"{plain[: SHEET_NAME - 3]} {number}", number + 1
    taken.add(name.lower())
    return name


def _labels(column: Column, language: Language) -> tuple[str, ...]:
    """A pair of numbers is two columns of a sheet."""
    if column.kind != "interval":
        return (column.label,)
    return tuple(f"{column.label} {word(language, f'report.{end}')}" for end in ("low", "high"))


def _cells(value: Any, column: Column) -> tuple[Any, ...]:
    if column.kind == "interval":
        return tuple(value) if value is not None else (None, None)
    if column.kind.startswith("change_"):
        return (" → ".join("–" if each is None else str(each) for each in value or ()),)
    return (value,)
