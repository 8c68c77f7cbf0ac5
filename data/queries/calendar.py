"""The working calendar of the deployment: holidays and make-up days of the years it knows."""

from datetime import tzinfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from data.scope import Scope
from gis.clocks import Calendar

DAYS = text("SELECT day, kind FROM calendar_day")
YEARS = text("SELECT year FROM calendar_year")


def working_calendar(session: Session, scope: Scope, zone: tzinfo) -> Calendar:
    """The calendar as clocks ask it; it belongs to no area."""
    days = session.execute(DAYS).all()
    return Calendar(
        zone=zone,
        years=frozenset(session.scalars(YEARS)),
        holidays=frozenset(row.day for row in days if row.kind == "holiday"),
        make_up_days=frozenset(row.day for row in days if row.kind == "make_up"),
    )
