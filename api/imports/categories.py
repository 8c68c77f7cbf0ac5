"""Categories of a catalogue: imported as a tree of their own, or made from a feed's column where the mapping allows it."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from api.imports.mapping import Catalogue, LayerMapping
from api.imports.prepared import Prepared
from data.queries import imports
from data.scope import Scope

LONGEST_CODE = 120


def catalogue_id(session: Session, scope: Scope, mapping: LayerMapping) -> int:
    """The catalogue a layer's categories belong to, made if it is new."""
    wanted = mapping.catalogue
    assert isinstance(wanted, Catalogue)
    return imports.catalogue(session, scope, code=wanted.code, version=wanted.version, name=wanted.name, name_en=wanted.name_en)


def store(session: Session, scope: Scope, prepared: Prepared) -> None:
    """Store a catalogue's categories, parents first; a parent that is only named is made too."""
    prepared.need("code", "name")
    catalogue = catalogue_id(session, scope, prepared.mapping)
    known = imports.categories(session, scope, catalogue)
    seen: set[str] = set()
    for row in sorted(prepared.kept, key=lambda each: prepared.value("parent", each) is not None):
        code, parent = prepared.text("code", row)[:LONGEST_CODE], prepared.text("parent", row)[:LONGEST_CODE]
        wanted = (prepared.text("name", row), prepared.text("name_en", row), parent)
        if code in seen:
            prepared.refuse(int(row), f"code: {code!r} comes twice")
            continue
        seen.add(code)
        if code in known and known[code][1:] == wanted:
            prepared.report.unchanged += 1
            continue
        _make_parent(session, scope, catalogue, parent, known)
        facts = {"code": code, "name": wanted[0], "name_en": wanted[1], "parent": parent, "symbol": prepared.value("symbol", row)}
        known[code] = (imports.put_category(session, scope, catalogue, facts, len(known)), *wanted)
        prepared.report.loaded += 1


class OfFeed:
    """The categories of a feed: known ones by their code, unknown ones made or their rows refused."""

    def __init__(self, session: Session, scope: Scope, mapping: LayerMapping) -> None:
        assert mapping.catalogue is not None
        self.session, self.scope, self.create, self.code = session, scope, mapping.catalogue.create, mapping.catalogue.code
        self.catalogue = catalogue_id(session, scope, mapping)
        self.known = imports.categories(session, scope, self.catalogue)
        self.made = 0

    def ids(self, prepared: Prepared) -> NDArray[np.int64]:
        """The category of each row, 0 for rows that are refused."""
        rows = prepared.kept
        codes, texts = pd.factorize(prepared.values["category"][rows])
        ids = np.zeros(len(prepared.layer), dtype=np.int64)
        for number, text in enumerate(texts):
            code, like = str(text)[:LONGEST_CODE], rows[codes == number]
            if code not in self.known and self.create:
                self._make(prepared, code, int(like[0]))
            if code in self.known:
                ids[like] = self.known[code][0]
                continue
            for row in like:
                prepared.refuse(int(row), f"category: {code!r} is not in the catalogue {self.code}")
        return ids

    def _make(self, prepared: Prepared, code: str, row: int) -> None:
        parent = prepared.text("category_parent", row)[:LONGEST_CODE]
        _make_parent(self.session, self.scope, self.catalogue, parent, self.known)
        name = prepared.text("category_name", row, code)
        facts = {"code": code, "name": name, "name_en": name, "parent": parent, "symbol": None}
        self.known[code] = (imports.put_category(self.session, self.scope, self.catalogue, facts, len(self.known)), name, name, parent)
        self.made += 1


def _make_parent(session: Session, scope: Scope, catalogue: int, parent: str, known: dict[str, tuple[int, str, str, str]]) -> None:
    if parent and parent not in known:
        facts = {"code": parent, "name": parent, "name_en": parent, "parent": "", "symbol": None}
        known[parent] = (imports.put_category(session, scope, catalogue, facts, len(known)), parent, parent, "")
