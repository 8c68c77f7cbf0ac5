"""Which communities a question reaches: those below an area, within what the caller may see."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from data.database import once
from data.scope import Scope
from gis.errors import NotFound

INSIDE = text("""
    WITH RECURSIVE inside AS (
        SELECT id, level, code FROM area
         WHERE CASE WHEN CAST(:code AS text) IS NULL THEN parent_id IS NULL ELSE code = :code END
        UNION
        SELECT area.id, area.level, area.code FROM area JOIN inside ON area.parent_id = inside.id
    )
    SELECT id, level, code = :code AS asked, (SELECT count(*) FROM area WHERE parent_id IS NULL) AS roots FROM inside
""")


@dataclass(frozen=True, slots=True)
class Reach:
    """An area and the communities below it in scope; `area_id` is None and `level` "scope" when no area was named.

    `communities` holds 0, the unplaced, when the whole ground is in scope and asked for; `whole` says that it is all there is.
    """

    area_id: int | None
    code: str | None
    level: str
    communities: tuple[int, ...]
    whole: bool = False


def reach(session: Session, scope: Scope, code: str | None = None) -> Reach:
    """What a question about `code` (an area, or None for all in scope) reaches; NotFound for an area that is not visible."""
    return once(session, ("reach", code), lambda: _reach(session, scope, code))


def _reach(session: Session, scope: Scope, code: str | None) -> Reach:
    rows = session.execute(INSIDE, {"code": code}).all()
    if code is not None and not rows:
        raise NotFound("There is no such area in your scope.", area=code)
    communities = [row.id for row in rows if row.level == "community" and scope.covers(row.id)]
    asked = next((row for row in rows if row.asked), None)
    if scope.everything and (asked is None or asked.level == "district"):
        communities.append(0)
    if code is not None and not communities:
        raise NotFound("There is no such area in your scope.", area=code)
    return Reach(
        area_id=None if asked is None else asked.id,
        code=code,
        level="scope" if asked is None else asked.level,
        communities=tuple(sorted(communities)),
        whole=scope.everything and (asked is None or (asked.level == "district" and asked.roots == 1)),
    )
