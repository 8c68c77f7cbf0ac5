"""Categories of a catalogue: imported as a tree of their own, or made from a feed's column where the mapping allows it."""

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


def of_incidents(session: Session, scope: Scope, prepared: Prepared) -> dict[str, int]:
    """Category code → id for a feed; unknown ones are made, or their rows refused."""
    assert prepared.mapping.catalogue is not None
    catalogue = catalogue_id(session, scope, prepared.mapping)
    known = imports.categories(session, scope, catalogue)
    made = 0
    for row in prepared.kept:
        code = prepared.text("category", row)[:LONGEST_CODE]
        if code in known:
            continue
        if not prepared.mapping.catalogue.create:
            prepared.refuse(int(row), f"category: {code!r} is not in the catalogue {prepared.mapping.catalogue.code}")
            continue
        parent = prepared.text("category_parent", row)[:LONGEST_CODE]
        _make_parent(session, scope, catalogue, parent, known)
        name = prepared.text("category_name", row, code)
        facts = {"code": code, "name": name, "name_en": name, "parent": parent, "symbol": None}
        known[code] = (imports.put_category(session, scope, catalogue, facts, len(known)), name, name, parent)
        made += 1
    if made:
        prepared.report.notes.append(f"{made} categories were made from the source's own words.")
    return {code: row[0] for code, row in known.items()}


def _make_parent(session: Session, scope: Scope, catalogue: int, parent: str, known: dict[str, tuple[int, str, str, str]]) -> None:
    if parent and parent not in known:
        facts = {"code": parent, "name": parent, "name_en": parent, "parent": "", "symbol": None}
        known[parent] = (imports.put_category(session, scope, catalogue, facts, len(known)), parent, parent, "")
