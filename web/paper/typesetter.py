"""The typesetting process: `typesetter.py FOLDER FONTS SECONDS TAGS` reads FOLDER/paper.typ and writes FOLDER/paper.pdf.

It is a process of its own because typst keeps what it has laid out, up to a gigabyte, as long as its process lives.
"""

import resource
import sys
from datetime import UTC, datetime
from pathlib import Path

import typst

MEMORY_BYTES = 4 * 2**30


def main(root: str, fonts: str, seconds: str, tags: str) -> None:
    """Set one document. Our own font comes first; the machine's fonts stand in for the rare characters it lacks."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    found = typst.Fonts(include_system_fonts=True, include_embedded_fonts=True, font_paths=[fonts])
    compiler = typst.Compiler(f"{root}/paper.typ", root=root, font_paths=found)
    made_at = datetime.fromtimestamp(int(seconds), UTC)
    Path(root, "paper.pdf").write_bytes(compiler.compile(format="pdf", timestamp=made_at, pdf_tags=tags == "tags"))  # type: ignore[arg-type]


if __name__ == "__main__":
    main(*sys.argv[1:5])
