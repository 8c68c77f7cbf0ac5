"""HTTP shape of schedules and of what they wrote."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import FileResponse
from starlette.responses import Response

from api.analyses import scheduling
from api.analyses.schemas import ScheduleChange, ScheduleIn, ScheduleOut, ScheduleRunsOut, SchedulesOut
from api.deps import AppSettings, CurrentActor, Session
from api.idempotency import Once

router = APIRouter(prefix="/api/v1/schedules", tags=["schedules"])
Id = Annotated[int, Path(gt=0, lt=2**63)]
Numbered = Annotated[int | None, Query(gt=0, lt=2**63)]


@router.post("", status_code=201, response_model=ScheduleOut)
def put(told: ScheduleIn, session: Session, actor: CurrentActor, once: Once) -> Response:
    """A question to be asked every week or month."""
    return once.run(session, actor, 201, lambda: ScheduleOut.model_validate(scheduling.put(session, actor, told.model_dump())))


@router.get("")
def page(session: Session, actor: CurrentActor) -> SchedulesOut:
    """Schedules in scope, each with its last run."""
    return SchedulesOut.model_validate(scheduling.page(session, actor))


@router.get("/runs")
def runs(
    session: Session, actor: CurrentActor, schedule_id: Numbered = None, before: Numbered = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> ScheduleRunsOut:  # fmt: skip
    """What was run, newest first, with its files."""
    return ScheduleRunsOut.model_validate(scheduling.runs(session, actor, schedule_id, before, limit))


@router.get("/runs/{run_id}/files/{file_name}", response_class=FileResponse)
def file(
    run_id: Id, file_name: Annotated[str, Path(pattern=r"^[\w.-]{1,100}$")], session: Session, actor: CurrentActor, settings: AppSettings
) -> FileResponse:  # fmt: skip
    """One file that a run wrote."""
    path = scheduling.file_of(session, actor, settings.data_dir / "outbox", run_id, file_name)
    return FileResponse(path, filename=file_name, headers={"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"})


@router.patch("/{schedule_id}")
def change(schedule_id: Id, told: ScheduleChange, session: Session, actor: CurrentActor) -> ScheduleOut:
    """Rename, pause or go on."""
    return ScheduleOut.model_validate(scheduling.change(session, actor, schedule_id, told.model_dump(exclude_none=True)))


@router.delete("/{schedule_id}", status_code=204)
def remove(schedule_id: Id, session: Session, actor: CurrentActor) -> None:
    """Remove a schedule; what it wrote stays in the outbox folder."""
    scheduling.remove(session, actor, schedule_id)
