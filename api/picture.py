"""GET /api/v1/picture: what the one screen shows beside the map, all of one moment, so that no two panels disagree."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, TypeVar

from fastapi import APIRouter, Query
from pydantic import BaseModel
from sqlalchemy.orm import Session

from api.analyses import alerting
from api.deps import AppDatabase, CurrentActor
from api.incidents import service as incidents
from api.incidents.schemas import FeedOut
from api.period import AskedChoice, Period
from api.statistics import fills
from api.statistics import service as statistics
from api.statistics.schemas import FillOut, OverviewOut
from data.queries import stream
from gis.errors import NotPermitted

router = APIRouter(prefix="/api/v1", tags=["live"])
Part = TypeVar("Part", bound=BaseModel)


class PictureOut(BaseModel):
    """Panels, feed, fill and the number of alerts that wait, as they were at one moment.

    `number` is the last change of `/events` that is certainly in it.
    """

    number: int
    overview: OverviewOut | None
    feed: FeedOut | None
    fill: FillOut | None
    alerts: int | None


@router.get("/picture")
def picture(
    database: AppDatabase,
    actor: CurrentActor,
    choice: AskedChoice,
    fill: Annotated[str | None, Query(description="A metric of /fills.", max_length=40)] = None,
    feed: Annotated[int, Query(ge=1, le=200, description="So many of the newest incidents.")] = 40,
    dated: Annotated[bool, Query(description="Take the feed from the period, not from the newest there are.")] = False,
) -> PictureOut:
    """Key figures, feed and fill of an area in a period, read in one moment; what the caller's role may not see is null."""
    actor.must("map")
    fed = choice if dated else replace(choice, period=Period())
    filled = replace(choice, area=None, grid=None)

    def read(session: Session) -> PictureOut:
        return PictureOut(
            number=stream.newest(session, actor.scope),
            overview=_if_permitted(OverviewOut, lambda: statistics.overview(session, actor, choice)),
            feed=_if_permitted(FeedOut, lambda: incidents.feed(session, actor, fed, feed)),
            fill=_if_permitted(FillOut, lambda: fills.fill(session, actor, fill, filled)) if fill else None,
            alerts=alerting.waiting(session, actor) if actor.may("statistics") else None,
        )

    return database.at_one_moment(actor.scope, read)


def _if_permitted(kind: type[Part], ask: Callable[[], object]) -> Part | None:
    try:
        return kind.model_validate(ask())
    except NotPermitted:
        return None
