"""Where this deployment lies: the box around its own districts, from which every sensible place is judged."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from data.hot.reads import HotReads, Question

Bounds = tuple[float, float, float, float]
MARGIN_DEGREES = 0.1
"""How far beyond the district a place may lie to be asked about, some ten kilometres."""
REPORT_MARGIN_DEGREES = 2.0
"""How far beyond it a report may lie and still wait for somebody to place it; farther off its numbers are wrong."""

BOUNDS = """
    SELECT min(ST_XMin(geom)), min(ST_YMin(geom)), max(ST_XMax(geom)), max(ST_YMax(geom))
      FROM area WHERE level = 'district' AND valid_to IS NULL"""


def bounds(session: Session) -> Bounds | None:
    """West, south, east, north of the districts, degrees; None before any ground is loaded."""
    return _bounds(session.execute(text(BOUNDS)).one())


async def bounds_of(reads: HotReads, token: str) -> Bounds | None:
    """The same on the hot path."""
    return _bounds((await reads.ask(token, Question(BOUNDS), {}))[0])


def around(box: Bounds | None, margin: float = MARGIN_DEGREES) -> Bounds | None:
    """The box in which a place may be asked about; `margin` in degrees."""
    if box is None:
        return None
    west, south, east, north = box
    return west - margin, south - margin, east + margin, north + margin


def _bounds(row) -> Bounds | None:  # type: ignore[no-untyped-def]
    return None if row[0] is None else (row[0], row[1], row[2], row[3])
