"""Use cases of reports: what a stored analysis says, as a document, a map, files; and two of them side by side."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy.orm import Session

from api.actor import Actor
from api.reports.files import bundle
from data.queries import analyses, analysis_rows, audit, categories, report_names
from data.queries.first_view import FirstView, first_view
from data.scope import Scope
from gis.errors import BadValue, Conflict, NotFound
from web.paper.document import Document
from web.report.comparison import comparison
from web.report.facts import Names, ReportFacts, Speech
from web.report.figures import features
from web.report.report import report
from web.words import Language, word

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Waiting:
    """An analysis that has no result: why, or how far it is."""

    analysis: Answer


def sources(session: Session, actor: Actor) -> list[str]:
    """Codes of the sources that ever reported anything."""
    actor.must("statistics")
    return analysis_rows.sources(session, actor.scope)


def document(session: Session, actor: Actor, id: int, language: Language) -> Document | Waiting:
    """The report of a finished analysis; else how far it is."""
    actor.must("statistics")
    found = facts(session, actor.scope, id, language, areas=actor.area_ids)
    return report(found, language) if isinstance(found, ReportFacts) else found


def compared(session: Session, actor: Actor, ids: tuple[int, int], language: Language) -> Document:
    """Two finished analyses of one method side by side. Conflict when one has no result, BadValue when they cannot be compared."""
    actor.must("statistics")
    first, second = (finished(session, actor.scope, id, language, areas=actor.area_ids) for id in ids)
    if first.method != second.method or first.question["unit"] != second.question["unit"]:
        raise BadValue("Compare two analyses of one method and one kind of unit.", methods=[first.method, second.method])
    return comparison(first, second, language)


def map_of(session: Session, actor: Actor, id: int, language: Language) -> Answer:
    """Units and clusters as GeoJSON for the page's map."""
    actor.must("statistics")
    found = finished(session, actor.scope, id, language, areas=actor.area_ids)
    return dict(features(Speech(found, language)))


def file(session: Session, actor: Actor, id: int, name: str, language: Language) -> bytes:
    """One file of a report by its name: report.pdf, report.xlsx, report.gpkg, or a table as CSV. Told to the audit trail."""
    actor.must("statistics")
    found = finished(session, actor.scope, id, language, areas=actor.area_ids)
    made = bundle(found, language, only=name)
    if name not in made:
        raise NotFound("The report has no such file.", file=name, files=sorted(bundle(found, language, only="")))
    audit.record(session, actor, "export", "analysis", id, facts={"file": name, "language": language})
    return made[name]


def finished(session: Session, scope: Scope, id: int, language: Language, *, areas: tuple[int, ...] = ()) -> ReportFacts:
    """The facts of a finished analysis; Conflict with its state when there is no result."""
    found = facts(session, scope, id, language, areas=areas)
    if isinstance(found, Waiting):
        raise Conflict("The analysis has no result.", state=found.analysis["state"], analysis=id)
    return found


def facts(session: Session, scope: Scope, id: int, language: Language, *, areas: tuple[int, ...] = ()) -> ReportFacts | Waiting:
    """An analysis as the caller sees it, with what its ids are called."""
    row = analyses.one(session, scope, id)
    told = _told(row)
    result = analyses.document(session, scope, id) if row.state == "done" else None
    if result is None:
        return Waiting(told)
    view = first_view(session, scope, areas)
    district = _either(view, language) or word(language, "product")
    return ReportFacts(
        analysis=told,
        result=result,
        accuracy=None if row.cut else row.accuracy,
        borders=analyses.borders(session, scope, id),
        names=_names(session, scope, result, told["question"], language),
        area=_area(session, scope, told["question"]["area"], view, language),
        district=district,
        time_zone=view.time_zone,
        review_number=view.review_number,
    )


def _told(row: Any) -> Answer:
    return {
        "id": row.id, "state": row.state, "progress": row.progress, "stage": row.stage, "question": orjson.loads(row.question),
        "question_hash": _hex(row.question_hash), "data_version": _hex(row.data_version), "result_hash": _hex(row.result_hash),
        "code_version": row.code_version, "asked_at": row.asked_at, "done_at": row.done_at, "cut": row.cut, "refusal": row.refusal,
        "origin": row.origin,
    }  # fmt: skip


def _hex(value: bytes | None) -> str | None:
    return None if value is None else bytes(value).hex()


def _either(row: FirstView | Any, language: Language) -> str:
    return str((language == "en" and row.name_en) or row.name or "")


def _area(session: Session, scope: Scope, code: str | None, view: FirstView, language: Language) -> str:
    row = None if code is None else report_names.area(session, scope, code)
    return _either(view, language) or word(language, "product") if row is None else _either(row, language)


def _names(session: Session, scope: Scope, result: Answer, question: Answer, language: Language) -> Names:
    clusters = result["clusters"]
    communities = {each["community_id"] for each in result["units"]} | {each for one in clusters for each in one["community_ids"]}
    told = [row for one in clusters for row in one["officers"] or []]
    officers = report_names.officers(session, scope, {row["officer_id"] for row in told})
    places = [row for one in clusters for row in (one["repeat"] or {}).get("top") or []] + list(result["table"] or [])
    return Names(
        areas={id: _either(row, language) for id, row in report_names.areas(session, scope, communities).items()},
        categories={row.id: _either(row, language) for row in categories.every(session, scope)},
        officers=officers,
        buildings=report_names.buildings(session, scope, _known(row.get("building_id") for row in places)),
    )


def _known(ids: Iterable[int | None]) -> set[int]:
    return {each for each in ids if each is not None}
