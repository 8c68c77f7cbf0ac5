"""Where a draft and what was published since it copied its ground disagree: each is named, with what was, is and was wanted."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import shapely

from data.queries.plan_publish import shape
from gis.errors import StaleVersion

NAMES = ("name", "name_en")


def refuse_grids(rows: Sequence[Any], moved: Collection[int]) -> None:
    """StaleVersion with the grids of a draft whose ground moved since (`moved`), or which got another name or community."""
    disputed = [row for row in rows if row.grid_id in moved or _claimed_twice(row)]
    if disputed:
        told = [
            {"id": row.grid_id, "code": row.now_code, "name": row.now_name, "name_en": row.now_name_en, "yours": row.base_version,
             "now": row.now_version, "ended": bool(row.now_ended), "place": _inside(row.now or row.base or row.mine)} for row in disputed
        ]  # fmt: skip
        raise StaleVersion(f"{len(told)} grids were changed by another publication since this plan copied them.", grids=told)


def refuse_areas(stored: Iterable[Any], drafted: Mapping[int, Any]) -> None:
    """StaleVersion with the communities that somebody else ended, or named otherwise, since a draft copied them."""
    disputed = []
    for row in stored:
        mine = drafted.get(row.id)
        if row.level == "community" and (row.ended or (mine is not None and _named_twice(row, mine))):
            wanted = {} if mine is None or row.ended else {"was": mine.base_name, "wanted": mine.name}
            yours = None if mine is None else mine.base_version
            told = {"id": row.id, "code": row.code, "name": row.name, "name_en": row.name_en, "yours": yours, "now": row.version,
                    "ended": row.ended, "place": _inside(row.border)}  # fmt: skip
            disputed.append(told | wanted)
    if disputed:
        raise StaleVersion(f"{len(disputed)} communities were changed by another publication since this plan copied them.", areas=disputed)


def _inside(stored: bytes | memoryview | None) -> list[float] | None:
    """A place on some ground, degrees; None for no ground."""
    ground = shape(stored)
    if ground is None:
        return None
    point = shapely.point_on_surface(ground)
    return [round(point.x, 7), round(point.y, 7)]


def names_of(row: Any, drafted: Any) -> tuple[str, str]:
    """A community's names: those the draft gave, else today's."""
    kept = [
        getattr(row, each) if drafted is None or getattr(drafted, each) == getattr(drafted, f"base_{each}") else getattr(drafted, each)
        for each in NAMES
    ]
    return str(kept[0]), str(kept[1])


def _named_twice(row: Any, drafted: Any) -> bool:
    return any(_both_changed(getattr(drafted, each), getattr(drafted, f"base_{each}"), getattr(row, each)) for each in NAMES)


def _claimed_twice(row: Any) -> bool:
    """Whether the draft and somebody else gave one grid different names or communities."""
    if row.base_version is None or row.noded_only or row.now_ended or row.mine is None or row.base_name is None:
        return False
    mine, base = (row.name, row.name_en, row.community_id), (row.base_name, row.base_name_en, row.base_community)
    now = (row.now_name, row.now_name_en, row.now_community)
    return any(_both_changed(*each) for each in zip(mine, base, now, strict=True))


def _both_changed(mine: object, base: object, now: object) -> bool:
    return mine not in (base, now) and now != base
