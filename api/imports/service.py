"""Import, the use case: which files go through which layer, in which transaction, and what is kept of it. Knows no HTTP."""

import fnmatch
import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy.orm import Session

from api.imports import buildings, categories, counts, facilities, found, homes, incidents, prepared
from api.imports.mapping import GROUND, LayerMapping, Mapping
from api.imports.places import District
from api.imports.prepared import Prepared
from api.imports.report import FileReport, Report
from data.database import Database
from data.files.desk import Desk
from data.queries import audit, imports
from data.scope import Scope
from data.sealing import Keyring
from gis.errors import BadFile, BadMapping, Refusal

COMMAND_LINE = "command line"
Say = Callable[[str], None]
Transaction = Callable[[], Any]
PART_ROWS = 100_000
"""Rows of a long file that are held at a time; all parts are one transaction."""
TURN = {**dict.fromkeys(GROUND, 0), "category": 1, "building": 2, "facility": 2, "households": 3, "household": 4, "incident": 5}
WHOLE: dict[str, Callable[[Session, Scope, Prepared], None]] = {
    "building": buildings.store, "facility": facilities.store, "households": counts.store, "category": categories.store,
}  # fmt: skip


class Taker(Protocol):
    """What takes a file in, part by part."""

    def add(self, prepared: Prepared) -> None:
        """Store the next rows."""

    def finish(self, prepared: Prepared) -> None:
        """After the last part, which is given again."""


@dataclass(frozen=True)
class Job:
    """One file to be read through one layer of a mapping."""

    mapping: LayerMapping
    path: Path


@dataclass
class Run:
    """What every step of one import needs."""

    database: Database
    scope: Scope
    desk: Desk
    mapping: Mapping
    mapping_hash: bytes
    say: Say
    keys: Callable[[], Keyring]
    report: Report = field(default_factory=Report)


def jobs(mapping: Mapping, paths: list[Path], folder: Path | None) -> list[Job]:
    """Which file goes through which layer, in the order they build on each other. BadMapping for a layer or a path left over."""
    chosen = _from_paths(mapping, paths) if paths else _from_folder(mapping, folder or Path())
    return sorted(chosen, key=lambda job: TURN[job.mapping.noun])


def run(work: Run, todo: list[Job], *, dry_run: bool = False) -> Report:
    """Import all jobs: the ground in one transaction, every other file in one of its own; a refused file stops only itself.

    A dry run does the same work and takes it all back. If the ground is refused, nothing that stands on it is tried.
    """
    work.report.dry_run = dry_run
    ground_jobs = [job for job in todo if job.mapping.noun in GROUND]
    others = [job for job in todo if job.mapping.noun not in GROUND]
    with _transactions(work, dry_run=dry_run) as transaction:
        if ground_jobs and not _import_ground(work, ground_jobs, transaction):
            work.report.refused_files |= {_name(job): "Not tried, because the ground was refused." for job in others}
            return work.report
        for number, job in enumerate(others, 1):
            work.say(f"{number}/{len(others)} {job.path.name}")
            _import_file(work, job, transaction)
    return work.report


@contextmanager
def _transactions(work: Run, *, dry_run: bool) -> Iterator[Transaction]:
    """A transaction for each file; in a dry run savepoints in one that is rolled back at the end."""
    if not dry_run:
        yield lambda: work.database.unit_of_work(work.scope)
        return
    try:
        with work.database.unit_of_work(work.scope) as session:

            @contextmanager
            def savepoint() -> Iterator[Session]:
                with session.begin_nested():
                    yield session

            yield savepoint
            raise _TakeBack
    except _TakeBack:
        return


class _TakeBack(Exception):
    """Rolls a dry run back."""


def _import_ground(work: Run, todo: list[Job], transaction: Transaction) -> bool:
    started = time.monotonic()
    try:
        with transaction() as session:
            imports.wait_for_others(session, work.scope)
            ready = []
            for number, job in enumerate(todo, 1):
                work.say(f"reading {number}/{len(todo)} {job.path.name}")
                ready.append(_prepare(work, session, job))
            work.say("fitting the levels to each other")
            built = found.store_ground(session, work.scope, ready, work.mapping)
            work.say("proving the coverage")
            found.prove(session, work.scope)
            for job, each in zip(todo, ready, strict=True):
                each.report.seconds = (time.monotonic() - started) / len(ready)
                _keep(work, session, each.report, job.path)
        work.report.ground, work.report.defects = built.facts, built.defects
        work.report.files += [each.report for each in ready]
    except Refusal as refused:
        work.report.refused_files |= {_name(job): refused.message for job in todo}
        return False
    return True


def _import_file(work: Run, job: Job, transaction: Transaction) -> None:
    started = time.monotonic()
    try:
        with transaction() as session:
            imports.wait_for_others(session, work.scope)
            report = _store_whole(work, session, job) if job.mapping.noun in WHOLE else _store_parts(work, session, job)
            report.seconds = time.monotonic() - started
            _keep(work, session, report, job.path)
        work.report.files.append(report)
    except Refusal as refused:
        work.report.refused_files[_name(job)] = refused.message


def _store_whole(work: Run, session: Session, job: Job) -> FileReport:
    ready = _prepare(work, session, job)
    WHOLE[job.mapping.noun](session, work.scope, ready)
    ready.close()
    return ready.report


def _store_parts(work: Run, session: Session, job: Job) -> FileReport:
    """A long file, some rows at a time, in the transaction of its caller."""
    zone, district = _setting(work, session)
    report = FileReport(job.mapping.noun, job.mapping.source, job.path.name)
    taker: Taker | None = None
    ready: Prepared | None = None
    with closing(work.desk.parts(job.path, job.mapping.question(), PART_ROWS)) as parts:
        for layer in parts:
            ready = prepared.prepare(layer, job.mapping, report, time_zone=zone, district=district)
            taker = taker or _taker(work, session, job.mapping)
            taker.add(ready)
            ready.close()
            work.say(f"{job.path.name}: {report.read:,} rows")
    assert taker is not None
    assert ready is not None
    taker.finish(ready)
    return report


def _taker(work: Run, session: Session, mapping: LayerMapping) -> Taker:
    if mapping.noun == "household":
        return homes.Homes(session, work.scope, mapping, work.keys)
    return incidents.Incidents(session, work.scope, mapping)


def _setting(work: Run, session: Session) -> tuple[str, District | None]:
    """The time zone and the ground of this deployment, by which a file is read."""
    zone = found.zone_of(session, work.scope, work.mapping.district)
    stored = imports.ground(session, work.scope, "district")
    return zone, District(stored.borders[0]) if len(stored.ids) else None


def _prepare(work: Run, session: Session, job: Job) -> Prepared:
    """Read a whole file and its fields."""
    zone, district = _setting(work, session)
    report = FileReport(job.mapping.noun, job.mapping.source, job.path.name)
    return prepared.prepare(work.desk.read(job.path, job.mapping.question()), job.mapping, report, time_zone=zone, district=district)


def _keep(work: Run, session: Session, report: FileReport, path: Path) -> None:
    """The record of a file: nothing was lost, who did it, what became of it."""
    if not report.accounted:
        raise AssertionError(f"rows of {report.file} are not accounted for: {report.facts()}")
    file_hash = _digest(path)
    if imports.known_files(session, work.scope, file_hash, work.mapping_hash) and not report.loaded:
        report.notes.append("The same file came in through the same mapping before; nothing has changed.")
    row = {"noun": report.noun, "source": report.source, "file_name": report.file, "file_hash": file_hash,
           "mapping_hash": work.mapping_hash, "rows_read": report.read, "rows_loaded": report.loaded,
           "rows_unchanged": report.unchanged,
           "rows_mended": report.mended,
           "rows_refused": report.refused, "report": report.facts()}  # fmt: skip
    batch = imports.record_batch(session, work.scope, row)
    facts = {name: row[name] for name in ("noun", "source", "file_name", "rows_read", "rows_loaded", "rows_unchanged", "rows_refused")}
    audit.record(session, None, "import", "import_batch", batch, why=COMMAND_LINE, facts=facts)


def _from_paths(mapping: Mapping, paths: list[Path]) -> list[Job]:
    chosen = []
    for path in paths:
        fitting = [layer for layer in mapping.layer if any(fnmatch.fnmatch(path.name, Path(glob).name) for glob in layer.files)]
        if not fitting and len(mapping.layer) == 1:
            fitting = [mapping.layer[0]]
        if not fitting:
            raise BadMapping(f"No layer of the mapping reads {path.name}; its layers read: {_patterns(mapping)}.")
        chosen += [Job(layer, path) for layer in fitting]
    return chosen


def _from_folder(mapping: Mapping, folder: Path) -> list[Job]:
    if not folder.is_dir():
        raise BadFile(f"There is no folder {folder}. Say where the files are with --files DIR.")
    chosen = []
    for layer in mapping.layer:
        paths = sorted({path for glob in layer.files for path in folder.glob(glob) if path.is_file()})
        if not paths:
            raise BadMapping(
                f"No file for {layer.noun} ({layer.source}): there is no {' or '.join(layer.files) or 'files = … in it'} in {folder}."
            )
        chosen += [Job(layer, path) for path in paths]
    return chosen


def _patterns(mapping: Mapping) -> str:
    return ", ".join(sorted({glob for layer in mapping.layer for glob in layer.files}))


def _name(job: Job) -> str:
    return f"{job.mapping.source}: {job.path.name}"


def _digest(path: Path) -> bytes:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").digest()


def summary(report: FileReport) -> str:
    """One line for people."""
    parts = [f"{report.read} read", f"{report.loaded} loaded", f"{report.unchanged} unchanged", f"{report.refused} refused"]
    parts += [f"{report.mended} mended"] if report.mended else []
    parts += [f"{report.unplaced} without a grid"] if report.unplaced else []
    return ", ".join(parts)
