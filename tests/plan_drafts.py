"""Drafts written straight into the overlay, for tests of what happens to a plan after it is drawn."""

from dataclasses import dataclass, field

import psycopg
import shapely
from shapely import MultiPolygon, Polygon

from tests import factories
from tests.factories import AREAS, CELL, SCHEME, SOUTH, WEST

HALF = CELL / 2
"""Half a grid of the hand-made district, degrees; every multiple lies on the lattice."""


def ring(*corners: tuple[float, float]) -> MultiPolygon:
    """A polygon by its corners in halves of a grid, counted east and north from the district's south-west corner."""
    return MultiPolygon([Polygon([(WEST + x * HALF, SOUTH + y * HALF) for x, y in corners])])


@dataclass
class Draft:
    """A plan with the rows of its overlay; ids of new grids and communities are the caller's."""

    name: str = "试验方案"
    area: str = "a1"
    communities: tuple[str, ...] = ("a1",)
    by: tuple[str, str] = ("planner", "district")
    scheme: int = SCHEME
    grids: dict[int, MultiPolygon | None] = field(default_factory=dict)
    new: frozenset[int] = frozenset()
    noded: frozenset[int] = frozenset()
    homes: dict[int, int] = field(default_factory=dict)
    """Grids that go to a community."""
    names: dict[int, str] = field(default_factory=dict)
    areas: list[tuple[int, str, str, bool, bool]] = field(default_factory=list)
    """Communities: id, parent's key, name, whether new, whether ended."""


def store(connection: psycopg.Connection, district: factories.District, draft: Draft, *, state: str = "draft") -> int:
    """Write a draft as the owner of the schema; returns the plan's number. The caller commits."""
    communities = "{" + ",".join(f"[{AREAS[key].id},{AREAS[key].id + 1})" for key in draft.communities) + "}"
    row = connection.execute(
        "INSERT INTO plan (name, area_id, scheme_id, communities, household_min, household_max, made_by, state, revision)"
        " VALUES (%s, %s, %s, %s::int4multirange, 0, 500, %s, %s, 1) RETURNING id",
        (draft.name, AREAS[draft.area].id, draft.scheme, communities, district.people[draft.by], state),
    ).fetchone()
    assert row is not None
    for grid, border in draft.grids.items():
        _store_grid(connection, row[0], draft, grid, border)
    for id, parent, name, is_new, ended in draft.areas:
        connection.execute(
            "INSERT INTO plan_area (plan_id, area_id, base_version, parent_id, name, ended)"
            " VALUES (%s, %s, CASE WHEN NOT %s THEN (SELECT version FROM area WHERE id = %s) END, %s, %s, %s)",
            (row[0], id, is_new, id, AREAS[parent].id, name, ended),
        )
    return int(row[0])


def _store_grid(connection: psycopg.Connection, plan: int, draft: Draft, grid: int, border: MultiPolygon | None) -> None:
    connection.execute(
        "INSERT INTO plan_grid (plan_id, grid_id, base_version, community_id, name, households, geom, noded_only)"
        " SELECT %(plan)s, %(id)s, CASE WHEN NOT %(new)s THEN now.version END, coalesce(%(home)s, now.community_id),"
        "        coalesce(%(name)s, now.name, '新网格'), 0, %(border)s, %(noded)s"
        "   FROM (SELECT) AS one LEFT JOIN grid AS now ON now.id = %(id)s",
        {
            "plan": plan,
            "id": grid,
            "new": grid in draft.new,
            "home": draft.homes.get(grid),
            "name": draft.names.get(grid),
            "border": None if border is None else factories.wkb(border),
            "noded": grid in draft.noded,
        },
    )


def split_of_a1() -> Draft:
    """Grid 810001 cut from south to north: the east half becomes 910001; the grid above gains a vertex."""
    return Draft(
        grids={
            810001: ring((0, 0), (1, 0), (1, 2), (0, 2)),
            910001: ring((1, 0), (2, 0), (2, 2), (1, 2)),
            810005: ring((0, 2), (1, 2), (2, 2), (2, 4), (0, 4)),
        },
        new=frozenset({910001}),
        noded=frozenset({810005}),
        homes={910001: AREAS["a1"].id},
        names={910001: "枫一社区丙"},
    )


def merge_of_a1() -> Draft:
    """Both grids of a1 as one, which keeps the number of the first."""
    return Draft(grids={810001: ring((0, 0), (2, 0), (4, 0), (4, 2), (2, 2), (0, 2)), 810002: None})


def shift_of_a1() -> Draft:
    """The border between the two grids of a1 goes half a grid to the west."""
    return Draft(
        grids={
            810001: ring((0, 0), (1, 0), (1, 2), (0, 2)),
            810002: ring((1, 0), (2, 0), (4, 0), (4, 2), (2, 2), (1, 2)),
            810005: ring((0, 2), (1, 2), (2, 2), (2, 4), (0, 4)),
        },
        noded=frozenset({810005}),
    )


def a1_into_a2() -> Draft:
    """Community a1 ends and a2 takes both its grids."""
    return Draft(
        area="a", communities=("a1", "a2"), homes=dict.fromkeys((810001, 810002), AREAS["a2"].id),
        grids={810001: ring((0, 0), (2, 0), (2, 2), (0, 2)), 810002: ring((2, 0), (4, 0), (4, 2), (2, 2))},
        areas=[(AREAS["a1"].id, "a", AREAS["a1"].name, False, True)],
    )  # fmt: skip


def borders(connection: psycopg.Connection, at: str | None = None) -> dict[int, shapely.Geometry]:
    """Borders of the living grids, or of those at a moment."""
    where = "valid_to IS NULL" if at is None else "valid_from <= %(at)s AND (valid_to IS NULL OR valid_to > %(at)s)"
    rows = connection.execute(f"SELECT id, ST_AsBinary(geom) FROM grid_ever WHERE {where}", {"at": at}).fetchall()  # type: ignore[arg-type]
    return {row[0]: shapely.from_wkb(row[1]) for row in rows}
