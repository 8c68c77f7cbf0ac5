"""The ground as a plan leaves it: drafts laid over today's grids, outlines that follow, codes for what is new. Writes nothing."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
import shapely
from shapely.geometry import MultiPolygon, Polygon
from sqlalchemy.orm import Session

from api.plans import disputes
from data.queries import plan_publish
from data.queries.plan_publish import shape
from data.scope import Scope
from gis.certificate import loose_edges
from gis.codes import CodePattern, NameRule, next_community_code, number, serial_or_zero
from gis.crs import LocalMetres, local_metres
from gis.errors import CoverageBroken, PlanRefused
from gis.noding import Claim, rebase, same_ground
from gis.rehoming import rehomed

Ground = Polygon | MultiPolygon


@dataclass
class Grid:
    """One grid as the plan leaves it; `was` and `community_was` are today's border and community, None for a new one."""

    id: int
    community_id: int
    name: str
    name_en: str
    kind: str
    border: Ground
    was: Ground | None = None
    community_was: int | None = None
    named_was: tuple[str, str] | None = None
    code: str | None = None
    households: int = 0
    noded_only: bool = False

    @property
    def is_new(self) -> bool:
        """Whether the plan makes it."""
        return self.was is None

    @property
    def changed(self) -> bool:
        """Whether its border, community or name differ from today's."""
        if self.was is None:
            return True
        told = (self.community_id, (self.name, self.name_en))
        return told != (self.community_was, self.named_was) or not same_edges(self.was, self.border)


@dataclass
class Area:
    """A community or an area above it as the plan leaves it."""

    id: int
    level: str
    parent_id: int | None
    code: str
    name: str
    name_en: str
    class_code: str | None
    border: Ground | None
    was: Ground | None = None
    is_new: bool = False
    ended: bool = False
    changed: bool = False


@dataclass
class NewGround:
    """Everything that is different afterwards; `before` are today's borders of the grids that change hands or end."""

    grids: dict[int, Grid]
    ended: dict[int, Any]
    areas: dict[int, Area]
    latest: datetime | None
    """The youngest validity among what changes: the new one begins after it."""
    others: dict[int, dict[int, Grid]] = field(default_factory=dict)
    """Grids of other schemes that follow, by scheme."""
    versions: dict[int, int] = field(default_factory=dict)
    """The versions the plan was laid over."""
    community_households: dict[int, int] = field(default_factory=dict)
    """Households of the communities today."""

    @property
    def before(self) -> dict[int, Ground]:
        """Today's borders of the grids whose ground changes or that end."""
        kept = {id: grid.was for id, grid in self.grids.items() if grid.was is not None and not grid.noded_only}
        return {**kept, **{id: row.border for id, row in self.ended.items()}}

    @property
    def after(self) -> dict[int, Ground]:
        """The borders of the same ground afterwards."""
        return {id: grid.border for id, grid in self.grids.items() if not grid.noded_only}

    @property
    def ended_areas(self) -> list[int]:
        """Communities that end."""
        return [area.id for area in self.areas.values() if area.ended]


@dataclass(frozen=True)
class EndedGrid:
    """A grid that ends, as it is today."""

    id: int
    community_id: int
    code: str
    border: Ground
    households: int


def lay(session: Session, scope: Scope, plan: Any) -> NewGround:
    """Lay a plan over today's ground.

    Raises StaleVersion with the grids over which the plan and what was published since disagree, CoverageBroken if ground
    would be lost, PlanRefused for a community left without ground or changed by a plan of another scheme, CodeRefused.
    """
    rows = plan_publish.overlay(session, scope, plan.id)
    if not any(not row.noded_only for row in rows) and not plan_publish.area_rows(session, scope, plan.id):
        raise PlanRefused("The plan changes nothing.", reason="nothing_changes", plan=plan.id)
    ground = _grids(session, scope, plan, rows)
    _refuse_lost_ground(ground)
    _outlines(session, scope, plan, ground)
    _let_others_follow(session, scope, plan, ground)
    _draw_above(session, scope, ground)
    _number_grids(session, scope, plan, ground)
    return ground


def same_edges(one: Ground, other: Ground) -> bool:
    """Whether two borders are the same edge by edge, wherever their rings begin."""
    return bool(shapely.equals_exact(one, other)) or not loose_edges([one], other)


def many(border: Ground) -> MultiPolygon:
    """A border as the tables keep it."""
    return border if isinstance(border, MultiPolygon) else MultiPolygon([border])


def union(borders: Iterable[Ground]) -> Ground:
    """The exact union of borders that fit each other, with all their vertices."""
    return shapely.coverage_union_all(np.array(list(borders), dtype=object))  # type: ignore[return-value]


def _grids(session: Session, scope: Scope, plan: Any, rows: Iterable[Any]) -> NewGround:
    rows = list(rows)
    claims = {
        row.grid_id: Claim(shape(row.base), shape(row.mine), None if row.now_ended else shape(row.now), row.noded_only) for row in rows
    }
    near = plan_publish.around(session, scope, plan.scheme_id, [claim.mine for claim in claims.values() if claim.mine], list(claims))
    around = {row.id: row for row in near}
    rebased = rebase(claims, {id: _border(row) for id, row in around.items()})
    disputes.refuse_grids(rows, set(rebased.conflicts))
    by_id = {row.grid_id: row for row in rows}
    grids = {id: _grid(by_id[id], border) if id in by_id else _gifted(around[id], border) for id, border in rebased.shapes.items()}
    ended = {
        row.grid_id: EndedGrid(row.grid_id, row.now_community, row.now_code, _border_of(row.now), row.now_households)
        for row in rows
        if row.mine is None and row.base_version is not None
    }
    known = [row.now_from for row in rows if row.now_from] + [around[id].valid_from for id in grids if id in around]
    versions = {row.grid_id: row.now_version for row in rows if row.now_version is not None}
    return NewGround(
        {id: each for id, each in grids.items() if each.changed or not each.noded_only},
        ended,
        {},
        max(known, default=None),
        versions=versions,
    )


def _grid(row: Any, border: Ground) -> Grid:
    if row.base_version is None:
        return Grid(row.grid_id, row.community_id, row.name, row.name_en, row.kind, border)
    own = row.noded_only
    return Grid(
        id=row.grid_id,
        community_id=row.now_community if own or row.community_id == row.base_community else row.community_id,
        name=row.now_name if own or row.name == row.base_name else row.name,
        name_en=row.now_name_en if own or row.name_en == row.base_name_en else row.name_en,
        kind=row.now_kind if own else row.kind,
        border=border,
        was=_border_of(row.now),
        community_was=row.now_community,
        named_was=(row.now_name, row.now_name_en),
        code=row.now_code,
        households=row.now_households,
        noded_only=own,
    )


def _gifted(row: Any, border: Ground) -> Grid:
    """A neighbour that the draft did not know, which holds a border that the draft gives vertices to."""
    return Grid(
        row.id, row.community_id, row.name, row.name_en, row.kind, border, _border(row), row.community_id, (row.name, row.name_en),
        row.code, row.households, noded_only=True,
    )  # fmt: skip


def _border(row: Any) -> Ground:
    return _border_of(row.border)


def _border_of(stored: Any) -> Ground:
    border = shape(stored)
    assert border is not None, "a grid has a border"
    return border


def _refuse_lost_ground(ground: NewGround) -> None:
    """What the plan takes and what it leaves must be the same ground; only vertices may be new."""
    before = [grid.was for grid in ground.grids.values() if grid.was is not None] + [row.border for row in ground.ended.values()]
    after = [grid.border for grid in ground.grids.values()]
    if not before or not after:
        if before or after:
            raise CoverageBroken(
                "The plan would take or leave ground that nobody else holds.", grids=sorted([*ground.grids, *ground.ended])[:50]
            )
        return
    if loose_edges(after, before) and not same_ground(union(before), union(after)):
        place = loose_edges(after, before)[0].coords[0]
        raise CoverageBroken("The plan's grids do not hold exactly the ground they held before.", place=[place[0], place[1]])


def _outlines(session: Session, scope: Scope, plan: Any, ground: NewGround) -> None:
    """Communities as the union of their grids, and every area above whose children changed."""
    drafted = {row.area_id: row for row in plan_publish.area_rows(session, scope, plan.id)}
    grids = ground.grids.values()
    touched = {grid.community_id for grid in grids} | {grid.community_was for grid in grids if grid.community_was is not None}
    touched |= {row.community_id for row in ground.ended.values()} | {id for id, row in drafted.items() if row.base_version is not None}
    moves = any(grid.community_was is not None and grid.community_id != grid.community_was for grid in grids) or bool(drafted)
    if moves and not plan.is_primary:
        raise PlanRefused(
            "Communities are changed by a plan of the primary scheme; other schemes follow.", reason="not_primary", plan=plan.id
        )
    fresh = {id: row for id, row in drafted.items() if row.base_version is None and not row.ended}
    stored = plan_publish.areas(session, scope, (touched - fresh.keys()) | {row.parent_id for row in fresh.values()})
    disputes.refuse_areas(stored, drafted)
    ground.areas = {row.id: _area(row, drafted.get(row.id)) for row in stored}
    _new_areas(session, scope, fresh, ground)
    ground.latest = max([row.valid_from for row in stored] + ([ground.latest] if ground.latest else []))
    ground.community_households = plan_publish.households_of(session, scope, plan.scheme_id, touched)
    held = _held(session, scope, plan.scheme_id, ground, touched | fresh.keys())
    for community, borders in held.items():
        area = ground.areas[community]
        if area.ended and borders:
            raise PlanRefused("A community would end while it still has grids.", reason="not_empty", area=area.code)
        if not area.ended and not borders:
            raise PlanRefused(
                "A community would be left without ground; end it, or leave it a grid.", reason="would_be_empty", area=area.code
            )
        if not area.ended:
            _redraw(area, union(borders))


def _area(row: Any, drafted: Any) -> Area:
    name, name_en = disputes.names_of(row, drafted)
    renamed = (name, name_en) != (row.name, row.name_en)
    ended = drafted is not None and drafted.ended
    border = shape(row.border)
    return Area(row.id, row.level, row.parent_id, row.code, name, name_en, row.class_code, border, border, ended=ended, changed=renamed)


def _new_areas(session: Session, scope: Scope, fresh: Mapping[int, Any], ground: NewGround) -> None:
    """New communities with codes after those of the street; each is numbered like the community most of its ground is from."""
    used = plan_publish.area_codes(session, scope) if fresh else set()
    for id, row in sorted(fresh.items()):
        origin = [grid.community_was for grid in ground.grids.values() if grid.community_id == id and grid.community_was in ground.areas]
        siblings = [ground.areas[each].code for each in origin if each is not None] or _sibling_codes(session, scope, row.parent_id, ground)
        code = next_community_code(min(siblings), used)
        used.add(code)
        ground.areas[id] = Area(
            id, "community", row.parent_id, code, row.name, row.name_en, row.class_code, None, is_new=True, changed=True
        )


def _sibling_codes(session: Session, scope: Scope, parent: int, ground: NewGround) -> list[str]:
    ids = [row.id for row in plan_publish.children_of(session, scope, [parent])]
    return [row.code for row in plan_publish.areas(session, scope, ids) if row.level == "community"] or [ground.areas[parent].code]


def _held(session: Session, scope: Scope, scheme: int, ground: NewGround, communities: Collection[int]) -> dict[int, list[Ground]]:
    """The grids of each community afterwards."""
    held: dict[int, list[Ground]] = {each: [] for each in communities}
    for row in plan_publish.grids_of(session, scope, scheme, communities):
        if row.id not in ground.grids and row.id not in ground.ended:
            held[row.community_id].append(_border(row))
    for grid in ground.grids.values():
        held[grid.community_id].append(grid.border)
    return held


def _redraw(area: Area, border: Ground) -> None:
    if area.border is None or not same_edges(area.border, border):
        area.border, area.changed = border, True


def _draw_above(session: Session, scope: Scope, ground: NewGround) -> None:
    """Streets, then districts: the union of their children wherever one of those changed its border, began or ended."""
    for level in ("street", "district"):
        below = [area for area in ground.areas.values() if area.changed or area.ended]
        parents = {area.parent_id for area in below if area.parent_id is not None and ground.areas[area.parent_id].level == level}
        children = {row.id: (row.parent_id, _border(row)) for row in plan_publish.children_of(session, scope, sorted(parents))}
        for area in ground.areas.values():
            if area.parent_id in parents:
                children.pop(area.id, None)
                if not area.ended and area.border is not None:
                    children[area.id] = (area.parent_id, area.border)
        for parent in parents:
            _redraw(ground.areas[parent], union([border for above, border in children.values() if above == parent]))


def _number_grids(session: Session, scope: Scope, plan: Any, ground: NewGround) -> None:
    """Codes of the new grids of each community by the scheme's pattern; dead codes are not given again."""
    fresh = [grid for grid in ground.grids.values() if grid.is_new]
    used = plan_publish.grid_codes(session, scope, plan.scheme_id) if fresh else set()
    pattern = CodePattern(plan.code_pattern)
    for community in sorted({grid.community_id for grid in fresh}):
        own = [grid for grid in fresh if grid.community_id == community]
        places = [(point.x, point.y) for point in shapely.point_on_surface(np.array([grid.border for grid in own], dtype=object))]
        areas = _codes_above(ground, community)
        for grid, code in zip(own, number(places, pattern, areas, used=used).codes, strict=True):
            grid.code = code
        standing = {row.code: row for row in plan_publish.grids_of(session, scope, plan.scheme_id, [community])}
        serial = partial(serial_or_zero, pattern=pattern, areas=areas)
        for column in ("name", "name_en"):
            _name_by_code(own, column, {code: getattr(row, column) for code, row in standing.items()}, serial)


def _name_by_code(fresh: Iterable[Grid], column: str, standing: Mapping[str, str], serial: Callable[[str], int]) -> None:
    """Where the names of a community's grids hold the numbers of their codes, so do those of new grids named by the same rule."""
    rule = NameRule.of(list(standing.values()))
    if rule is None or any(rule.serial_of(name) not in (None, serial(code)) for code, name in standing.items()):
        return
    for grid in fresh:
        if rule.serial_of(getattr(grid, column)) is not None and grid.code is not None:
            setattr(grid, column, rule.name(serial(grid.code)))


def _codes_above(ground: NewGround, community: int) -> dict[str, str]:
    area: Area | None = ground.areas[community]
    codes = {"parent": ground.areas[community].code}
    while area is not None:
        codes[area.level] = area.code
        area = ground.areas.get(area.parent_id) if area.parent_id is not None else None
    return codes


def _let_others_follow(session: Session, scope: Scope, plan: Any, ground: NewGround) -> None:
    """Fit the grids of every other scheme to the communities' new outlines."""
    moved = [area for area in ground.areas.values() if area.level == "community" and (area.ended or _moved(area))]
    outlines = {area.id: area.border for area in moved if area.border is not None and not area.ended}
    for scheme in plan_publish.other_schemes(session, scope, plan.scheme_id) if moved else []:
        rows = plan_publish.grids_of(session, scope, scheme, [area.id for area in moved])
        fitted = rehomed({row.id: _border(row) for row in rows}, outlines, metres_of(ground)) if rows else {}
        if len(fitted) < len(rows):
            lost = [row.code for row in rows if row.id not in fitted]
            raise PlanRefused("Grids of another scheme would be left without ground.", reason="would_be_empty", grids=lost)
        known = [_gifted(row, fitted[row.id][1]) for row in rows]
        ground.others[scheme] = {grid.id: replace(grid, community_id=fitted[grid.id][0], noded_only=False) for grid in known}
        ground.latest = max([row.valid_from for row in rows] + ([ground.latest] if ground.latest else []))


def _moved(area: Area) -> bool:
    return area.is_new or area.was is None or area.border is None or not same_edges(area.was, area.border)


def metres_of(ground: NewGround) -> LocalMetres:
    """Metres around the ground that changes."""
    shapes = [grid.border for grid in ground.grids.values()] or [area.border for area in ground.areas.values() if area.border is not None]
    west, south, east, north = shapely.total_bounds(np.array(shapes, dtype=object))
    return local_metres((west + east) / 2, (south + north) / 2)
