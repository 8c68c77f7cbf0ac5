"""Document: what a person reads on paper or as a report, in blocks; texts stay plain until a page or typst sets them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from web.telling import Kind, told
from web.words import Language

Cell = object
"""A text, number, pair or None; its column's kind says how it is told."""


@dataclass(frozen=True, slots=True)
class Heading:
    """The name of a part of the document; `key` is its anchor on a page."""

    text: str
    level: int = 1
    key: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """One paragraph; `lead` for what is read first, `small` for notes."""

    text: str
    tone: str = "plain"


@dataclass(frozen=True, slots=True)
class Bullets:
    """Sentences one below the other; `tone` lead or plain."""

    items: Sequence[str]
    tone: str = "plain"


@dataclass(frozen=True, slots=True)
class Facts:
    """Pairs of a label and what it says."""

    pairs: Sequence[tuple[str, str]]
    key: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing with its caption; `alt` says in words what it shows, for those who do not see it."""

    key: str
    svg: str
    caption: str
    alt: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `kind` says how its cells are told, `share` how wide it is beside the others (0: as its content asks)."""

    key: str
    label: str
    kind: Kind = "text"
    share: float = 0.0


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells by the keys of columns; `key` names it as a sheet, a layer and a file. `total` is a last row that sums up."""

    key: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Cell]]
    note: str = ""
    total: Mapping[str, Cell] | None = None
    empty: str = ""
    shown: int = 0
    """So many rows stand in the document and the rest in its files; 0: all."""
    rest: str = ""
    """What is said of the rows that are not shown."""

    def read(self) -> Sequence[Mapping[str, Cell]]:
        """The rows that stand in the document."""
        return self.rows[: self.shown] if self.shown else self.rows

    def notes(self) -> str:
        """The note, and what is said of rows that are not shown."""
        return " ".join(part for part in (self.rest if len(self.read()) < len(self.rows) else "", self.note) if part)

    def texts(self, language: Language, row: Mapping[str, Cell]) -> list[str]:
        """The cells of a row as a reader of the language sees them."""
        return [told(row.get(column.key), column.kind, language) for column in self.columns]


@dataclass(frozen=True, slots=True)
class Signatures:
    """Boxes in which people sign: who, and what for."""

    boxes: Sequence[tuple[str, str]]
    lines: tuple[str, str, str]
    """What stands before the signature, the seal and the date."""


@dataclass(frozen=True, slots=True)
class PageBreak:
    """What follows begins a new sheet of paper; a page on a screen shows nothing of it."""


Block = Heading | Text | Bullets | Facts | Figure | Table | Signatures | PageBreak


def kind_of(block: Block) -> str:
    """The name of a block's kind, for a template."""
    return type(block).__name__.lower()


@dataclass(frozen=True, slots=True)
class Document:
    """A whole document. `made_at` is a moment of the data, so that the same data make the same bytes."""

    language: Language
    title: str
    subtitle: str
    made_at: datetime
    header: str
    footer: str
    page_of: str
    """How pages are numbered, with {page} and {pages}."""
    blocks: Sequence[Block] = field(default_factory=tuple)

    def tables(self) -> list[Table]:
        """The tables in their order."""
        return [block for block in self.blocks if isinstance(block, Table)]

    def figures(self) -> list[Figure]:
        """The figures in their order."""
        return [block for block in self.blocks if isinstance(block, Figure)]
