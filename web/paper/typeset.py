"""Typesetting: a document becomes a PDF. Texts reach typst as data in a file, never as markup; no package is fetched."""

import json
import logging
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from gis.errors import Unavailable
from web.paper.document import Block, Bullets, Document, Facts, Figure, Heading, PageBreak, Signatures, Table, Text
from web.telling import NUMBERS
from web.words import HTML_LANGUAGE, Language

FOLDER = Path(__file__).parent
FONTS = FOLDER.parent / "static" / "vendor" / "fonts"
TEMPLATE = "paper.typ"
AT_MOST_S = 120
LOG = logging.getLogger("wangge.paper")
TAGGED_CELLS = 20_000
"""Tags for screen readers cost a kilobyte a cell, so that a document of thousands of rows goes without."""


def pdf(document: Document) -> bytes:
    """The document on A4 sheets, with searchable text and tags for screen readers; the same document gives the same bytes.

    Raises Unavailable when it takes longer than two minutes or more memory than is allowed to it.
    """
    with tempfile.TemporaryDirectory(prefix="wangge-paper-") as root:
        folder = Path(root)
        for figure in document.figures():
            (folder / f"{figure.key}.svg").write_text(figure.svg, "utf-8")
        (folder / "data.json").write_text(json.dumps(_data(document), ensure_ascii=False), "utf-8")
        (folder / TEMPLATE).write_bytes((FOLDER / TEMPLATE).read_bytes())
        tags = "tags" if _cells(document) <= TAGGED_CELLS else "plain"
        words = [sys.executable, "-I", str(FOLDER / "typesetter.py"), root, str(FONTS), str(int(document.made_at.timestamp())), tags]
        try:
            subprocess.run(words, check=True, capture_output=True, timeout=AT_MOST_S)
        except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as failed:
            LOG.error("typesetting failed: %s", (failed.stderr or b"").decode(errors="replace")[-2_000:])
            raise Unavailable("The document could not be set. Ask for a smaller part of it, or try again later.") from None
        return (folder / "paper.pdf").read_bytes()


def _cells(document: Document) -> int:
    return sum(len(table.read()) * len(table.columns) for table in document.tables())


def _data(document: Document) -> dict[str, Any]:
    made = document.made_at
    return {
        "language": document.language,
        "lang": HTML_LANGUAGE[document.language].split("-")[0],
        "title": document.title,
        "subtitle": document.subtitle,
        "header": document.header,
        "footer": document.footer,
        "page_of": document.page_of,
        "made": [made.year, made.month, made.day],
        "blocks": [_block(block, document.language) for block in document.blocks],
    }


def _block(block: Block, language: Language) -> dict[str, Any]:
    match block:
        case Heading(text, level):
            return {"kind": "heading", "text": text, "level": level}
        case Text(text, tone):
            return {"kind": "text", "text": text, "tone": tone}
        case Bullets(items, tone):
            return {"kind": "bullets", "items": list(items), "tone": tone}
        case Facts(pairs):
            return {"kind": "facts", "pairs": [list(pair) for pair in pairs]}
        case Figure(key, _, caption, alt, note):
            return {"kind": "figure", "file": f"{key}.svg", "caption": caption, "alt": alt, "note": note}
        case Table():
            return _table(block, language)
        case Signatures(boxes, lines):
            return {"kind": "signatures", "boxes": [list(box) for box in boxes], "lines": list(lines)}
        case PageBreak():
            return {"kind": "page_break"}


def _table(table: Table, language: Language) -> dict[str, Any]:
    return {
        "kind": "table",
        "caption": table.caption,
        "labels": [column.label for column in table.columns],
        "right": [column.kind in NUMBERS for column in table.columns],
        "shares": [column.share for column in table.columns],
        "rows": [table.texts(language, row) for row in table.read()],
        "total": None if table.total is None else table.texts(language, table.total),
        "note": table.notes(),
        "empty": table.empty,
    }
