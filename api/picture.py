"""GET /api/v1/picture: what the one screen shows beside the map, all of one moment, so that no two panels disagree."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel
from sqlalchemy.orm import Session

from api.deps import AppDatabase, CurrentActor
from api.incidents import service as incidents
from api.incidents.schemas import FeedItem
from api.period import AskedChoice, Period
from api.statistics import fills
from api.statistics import service as statistics
from api.statistics.schemas import FillOut, OverviewOut
from data.queries import stream

router = APIRouter(prefix="/api/v1", tags=["live"])


class PictureOut(BaseModel):
    """Panels, feed and fill as they were at one moment; `number` is the last change of `/events` that is certainly in it."""

    number: int
    overview: OverviewOut | None
    feed: list[FeedItem] | None
    fill: FillOut | None


@router.get("/picture")
def picture(
    database: AppDatabase,
    actor: CurrentActor,
    choice: AskedChoice,
    fill: Annotated[str | None, Query(description="A metric of /fills.", max_length=40)] = None,
    feed: Annotated[int, Query(ge=0, le=200, description="So many of the newest incidents.")] = 40,
    dated: Annotated[bool, Query(description="Take the feed from the period, not from the newest there are.")] = False,
) -> PictureOut:
    """Key figures, feed and fill of an area in a period, read in one moment; what the caller's role may not see is null."""
    actor.must("map")

    def read(session: Session) -> PictureOut:
        number = stream.newest(session, actor.scope)
        overview = statistics.overview(session, actor, choice) if actor.may("statistics") else None
        items = None
        if feed and actor.may("incidents"):
            items = incidents.feed(session, actor, choice if dated else replace(choice, period=Period()), feed)["items"]
        filled = fills.fill(session, actor, fill, replace(choice, area=None, grid=None)) if fill is not None else None
        return PictureOut.model_validate({"number": number, "overview": overview, "feed": items, "fill": filled})

    return database.at_one_moment(actor.scope, read)
