"""Use cases of analyses: ask, look, cancel, remove. Opening a result computes nothing."""

from typing import Any

import orjson
from sqlalchemy.orm import Session

from api.actor import Actor
from api.analyses.question import Asked, Complete, QuestionIn, code_version, complete
from api.analyses.study import present_version
from data import after_commit
from data.after_commit import Change
from data.queries import analyses, audit
from data.scope import Scope
from gis.errors import Conflict, NotPermitted

JOB = "analyses:work_out"
SCORED = frozenset({"gi", "moran", "rates", "scan", "emerging", "dbscan", "stdbscan", "hdbscan"})
"""Methods that name areas to go to: what they are worth shows in the period after theirs."""
CONFIRM_DIGITS = 8
Answer = dict[str, Any]


def ask(session: Session, actor: Actor, asked: QuestionIn) -> Answer:
    """Store a question and defer its work, or name the analysis that answers it already."""
    actor.must("analyses.write")
    question = complete(session, actor.scope, asked)
    stored = analyses.stored(session, actor.scope, question.hash, code_version())
    if stored is not None and still_true(session, actor.scope, question, stored):
        audit.record(session, actor, "ask_again", "analysis", stored.id, facts={"method": asked.method, "state": stored.state})
        return {"id": stored.id, "state": stored.state, "stored": stored.state == "done"}
    id = keep(session, actor.scope, question, origin="person", asked_by=actor.person_id)
    after_commit.defer(session, JOB, analysis_id=id)
    facts = {name: question.told[name] for name in ("method", "area", "from", "to", "category_ids")}
    audit.record(session, actor, "create", "analysis", id, facts=facts)
    return {"id": id, "state": "asked", "stored": False}


def keep(session: Session, scope: Scope, question: Complete, *, origin: str, asked_by: int | None) -> int:
    """Store a complete question that waits for whoever works it out; its id."""
    scored = question.told["method"] in SCORED
    id = analyses.ask(
        session, scope,
        {
            "asked_by": asked_by, "origin": origin, "scheme_id": question.scheme_id, "communities": question.ground,
            "method": question.told["method"], "starts": question.starts, "ends": question.ends, "is_map": question.is_map,
            "question": question.text, "question_hash": question.hash, "code_version": code_version(),
            "accuracy_due": question.ends + (question.ends - question.starts) if scored else None,
        },
    )  # fmt: skip
    after_commit.publish(session, Change("analysis", "insert", id))
    return id


def page(session: Session, actor: Actor, asked: Answer, limit: int) -> Answer:
    """Analyses the caller sees, newest first."""
    actor.must("statistics")
    rows = analyses.page(session, actor.scope, asked | {"limit": limit + 1})
    return {"items": [told(row) for row in rows[:limit]], "next": rows[limit - 1].id if len(rows) > limit else None}


def one(session: Session, actor: Actor, id: int) -> Answer:
    """An analysis, and once it is done its result as far as the caller may see it."""
    actor.must("statistics")
    row = analyses.one(session, actor.scope, id)
    result = analyses.document(session, actor.scope, id) if row.state == "done" else None
    return {"analysis": told(row), "result": result, "accuracy": None if row.cut else row.accuracy}


def cancel(session: Session, actor: Actor, id: int) -> Answer:
    """Stop the work; what is over stays as it is, with a Conflict."""
    actor.must("analyses.write")
    row = analyses.one(session, actor.scope, id)
    _must_own(row)
    if not analyses.cancel(session, actor.scope, id):
        raise Conflict("The analysis is over already.", state=row.state)
    after_commit.publish(session, Change("analysis", "update", id))
    audit.record(session, actor, "cancel", "analysis", id)
    return told(analyses.one(session, actor.scope, id))


def remove(session: Session, actor: Actor, id: int, confirm: str | None) -> None:
    """Remove an analysis with its result, once the caller says the word that the first refusal gave."""
    actor.must("analyses.write")
    row = analyses.one(session, actor.scope, id)
    _must_own(row)
    hanging = analyses.hanging(session, actor.scope, id)
    if hanging.alerts:
        raise Conflict("Alerts rest on this analysis; it stays.", alerts=hanging.alerts)
    if row.state in ("asked", "running"):
        raise Conflict("Somebody works on it; cancel it first.", state=row.state)
    word = bytes(row.question_hash).hex()[:CONFIRM_DIGITS]
    if confirm != word:
        raise Conflict("This cannot be undone. Say the word to remove it for good.", confirm=word, runs=hanging.runs)
    analyses.remove(session, actor.scope, id)
    after_commit.publish(session, Change("analysis", "delete", id))
    audit.record(session, actor, "delete", "analysis", id, facts={"question_hash": bytes(row.question_hash).hex(), "method": row.method})


def told(row: Any) -> Answer:
    """An analysis over the wire, without its result."""
    return {
        "id": row.id, "state": row.state, "progress": row.progress, "stage": row.stage, "question": orjson.loads(row.question),
        "question_hash": bytes(row.question_hash).hex(), "data_version": _hex(row.data_version), "code_version": row.code_version,
        "result_hash": _hex(row.result_hash), "asked_at": row.asked_at, "begun_at": row.begun_at, "done_at": row.done_at,
        "asked_by": row.asked_by, "origin": row.origin, "incidents": None if row.cut else row.incidents, "cut": row.cut,
        "refusal": row.refusal,
    }  # fmt: skip


def asked_of(row: Any) -> Asked:
    """A stored analysis as what it reads."""
    return Asked(orjson.loads(row.question), row.ground, row.period_from, row.period_to, row.scheme_id)


def still_true(session: Session, scope: Scope, question: Complete, stored: Any) -> bool:
    """Whether what is kept, or under way, is the answer on the rows of now."""
    if stored.state != "done":
        return True
    return bytes(stored.data_version) == present_version(session, scope, question.asked)


def _must_own(row: Any) -> None:
    if row.cut:
        raise NotPermitted("The analysis reaches beyond your scope.", analysis=row.id)


def _hex(value: bytes | None) -> str | None:
    return None if value is None else bytes(value).hex()
