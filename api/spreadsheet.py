"""Tables as spreadsheets read them: UTF-8 that says so, and no cell that is taken for a formula."""

import csv
import io
from collections.abc import Iterable, Sequence

MARK = "\ufeff"
FORMULA = ("=", "+", "-", "@", "\t", "\r", "|")


def csv_text(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A header and its rows as CSV; text that a spreadsheet would compute is quoted."""
    out = io.StringIO()
    out.write(MARK)
    writer = csv.writer(out)
    writer.writerow(head)
    writer.writerows([_plain(cell) for cell in row] for row in rows)
    return out.getvalue()


def _plain(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
