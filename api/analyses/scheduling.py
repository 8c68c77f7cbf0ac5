"""Use cases of schedules: make and change them, run what is due, write what is done into the outbox folder."""

import hashlib
import os
import shutil
import tempfile
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy.orm import Session

from api.actor import Actor
from api.analyses import service
from api.analyses.question import QuestionIn, complete
from api.report_files import report_files
from data import after_commit
from data.after_commit import Change
from data.queries import audit, schedules, statistics
from data.queries.statistics import Moment
from gis.errors import BadValue, NotFound, Refusal

AT = time(6)
"""When a schedule runs, on the deployment's clock: after the night's loads, before the first meeting."""
Answer = dict[str, Any]


def put(session: Session, actor: Actor, told: Answer) -> Answer:
    """A new schedule over the caller's part of the area."""
    actor.must("analyses.write")
    question = _question(told["question"])
    if question.first or question.last:
        raise BadValue("A schedule has its own periods; leave out from and to.", field="question")
    checked = complete(session, actor.scope, question)
    at = statistics.moment(session)
    kept = {name: value for name, value in checked.told.items() if name not in ("from", "to")}
    id = schedules.put(
        session, actor.scope,
        {
            "name": told["name"], "question": kept, "communities": checked.ground, "every": told["every"],
            "languages": sorted(set(told["languages"])), "next_at": next_run(told["every"], at, at.now), "made_by": actor.person_id,
        },
    )  # fmt: skip
    audit.record(session, actor, "create", "schedule", id, facts={"name": told["name"], "every": told["every"], "method": question.method})
    return one(session, actor, id)


def page(session: Session, actor: Actor) -> Answer:
    """Schedules the caller sees."""
    actor.must("statistics")
    rows = schedules.page(session, actor.scope)
    last = schedules.latest_runs(session, actor.scope, [row.id for row in rows])
    return {"items": [_told(row, last) for row in rows]}


def one(session: Session, actor: Actor, id: int) -> Answer:
    """One schedule."""
    actor.must("statistics")
    return _told(schedules.one(session, actor.scope, id), schedules.latest_runs(session, actor.scope, [id]))


def change(session: Session, actor: Actor, id: int, told: Answer) -> Answer:
    """Rename, pause or go on; what was missed while it was paused is not caught up."""
    actor.must("analyses.write")
    row = schedules.one(session, actor.scope, id)
    at = statistics.moment(session)
    woken = told.get("paused") is False and row.paused
    schedules.change(
        session,
        actor.scope,
        id,
        name=told.get("name"),
        paused=told.get("paused"),
        next_at=next_run(row.every, at, at.now) if woken else None,
    )
    audit.record(session, actor, "change", "schedule", id, facts=told)
    return one(session, actor, id)


def remove(session: Session, actor: Actor, id: int) -> None:
    """Remove a schedule; files that were written stay in the outbox folder."""
    actor.must("analyses.write")
    row = schedules.one(session, actor.scope, id)
    schedules.remove(session, actor.scope, id)
    audit.record(session, actor, "delete", "schedule", id, facts={"name": row.name})


def runs(session: Session, actor: Actor, schedule_id: int | None, before: int | None, limit: int) -> Answer:
    """What was run, newest first, with its files."""
    actor.must("statistics")
    rows = schedules.runs(session, actor.scope, schedule_id=schedule_id, before=before, limit=limit + 1)
    return {"items": [_run(row) for row in rows[:limit]], "next": rows[limit - 1].id if len(rows) > limit else None}


def file_of(session: Session, actor: Actor, outbox: Path, run_id: int, name: str) -> Path:
    """Where a file of a run lies; NotFound when the run wrote no such file, or it is gone."""
    actor.must("statistics")
    row = schedules.one_run(session, actor.scope, run_id)
    path = outbox / str(row.folder) / name
    if name not in {each["name"] for each in row.files} or not path.is_file():
        raise NotFound("The run has no such file.", run=run_id)
    return path


def run_due(work: Any) -> list[int]:
    """Ask what is due, each for the newest whole period that is over; what was missed is caught up once. Returns the runs."""
    asked: list[int] = []
    with work.unit() as (session, scope):
        at = statistics.moment(session)
        for row in schedules.due(session, scope, at.now):
            first, last = period_before(row.every, at.today)
            question = complete(
                session, scope, QuestionIn.model_validate(row.question | {"from": first, "to": last}), ground=row.ground
            )  # fmt: skip
            id = service.keep(session, scope, question, origin="schedule", asked_by=row.made_by)
            facts = {"schedule_id": row.id, "analysis_id": id, "communities": row.ground, "first": first, "last": last}
            run = schedules.put_run(session, scope, facts)
            schedules.change(session, scope, row.id, next_at=next_run(row.every, at, at.now))
            if run is not None:
                after_commit.defer(session, service.JOB, analysis_id=id)
                asked.append(run)
    return asked


def write_done(work: Any) -> list[int]:
    """Write the files of runs whose analysis is over; each folder appears whole or not at all. Returns the runs written."""
    done: list[int] = []
    with work.unit() as (session, scope):
        for row in schedules.unwritten(session, scope):
            folder, files, state = f"{row.schedule_id}-{row.first:%Y%m%d}-{row.last:%Y%m%d}", [], "refused"
            if row.analysis_state == "done":
                try:
                    files = _written(work.outbox, folder, _files(session, scope, row))
                    state = "written"
                except (OSError, Refusal):
                    state = "failed"
            elif row.analysis_state != "refused":
                state = "failed"
            schedules.written(session, scope, row.id, state, folder if files else "", files)
            after_commit.publish(session, Change("schedule", "update", row.schedule_id))
            done.append(row.id)
    return done


def next_run(every: str, at: Moment, after: datetime) -> datetime:
    """The next Monday, or first of a month, at six after a moment."""
    day = after.astimezone(at.zone).date()
    while True:
        when = datetime.combine(day, AT, at.zone)
        if when > after and (day.weekday() == 0 if every == "week" else day.day == 1):
            return when
        day += timedelta(days=1)


def period_before(every: str, today: date) -> tuple[date, date]:
    """The first and the last day of the newest whole week (Monday to Sunday) or month that is over."""
    if every == "week":
        monday = today - timedelta(days=today.weekday())
        return monday - timedelta(days=7), monday - timedelta(days=1)
    last = today.replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last


def _question(told: Answer) -> QuestionIn:
    try:
        return QuestionIn.model_validate(told)
    except ValidationError as wrong:
        fields = [{"at": ".".join(str(part) for part in each["loc"]), "why": each["msg"][:200]} for each in wrong.errors()[:20]]
        raise BadValue("The question of the schedule is wrong.", field="question", fields=fields) from None


def _files(session: Session, scope: Any, row: Any) -> dict[str, bytes]:
    """What the report gives in each language; files that are the same in all are written once."""
    by_language = {language: report_files(session, scope, row.analysis_id, language) for language in row.languages}
    found: dict[str, bytes] = {}
    for language, files in by_language.items():
        for name, content in files.items():
            same = all(other.get(name) == content for other in by_language.values())
            stem, dot, end = name.rpartition(".")
            found[name if same else f"{stem}.{language}{dot}{end}"] = content
    return found


def _written(outbox: Path, folder: str, files: dict[str, bytes]) -> list[Answer]:
    outbox.mkdir(parents=True, exist_ok=True)
    there = outbox / folder
    with tempfile.TemporaryDirectory(dir=outbox, prefix=".writing-") as half:
        ready = Path(half) / folder
        ready.mkdir()
        for name, content in files.items():
            with (ready / name).open("wb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
        if there.exists():
            shutil.rmtree(there)
        ready.rename(there)
    return [{"name": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()} for name, content in sorted(files.items())]


def _told(row: Any, last: dict[int, Any]) -> Answer:
    names = ("id", "name", "question", "every", "languages", "next_at", "paused", "made_by", "made_at")
    run = last.get(row.id)
    return {name: getattr(row, name) for name in names} | {"area": row.question["area"], "last_run": None if run is None else _run(run)}


def _run(row: Any) -> Answer:
    return {
        "id": row.id, "schedule_id": row.schedule_id, "analysis_id": row.analysis_id, "state": row.state, "from": row.first, "to": row.last,
        "asked_at": row.asked_at, "written_at": row.written_at, "files": row.files, "refusal": row.refusal,
    }  # fmt: skip
