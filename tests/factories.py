"""A tiny district made by hand: two streets, four communities, eight grids, and people of every role, with ids that stand out.

    street b   | b1: grids 810005 810006 | b2: grids 810007 810008 |
    street a   | a1: grids 810001 810002 | a2: grids 810003 810004 |

Every id, code and name occurs once, so that a test may look for a foreign one in any answer.
"""

import hashlib
from dataclasses import dataclass, field

import psycopg
import shapely
from shapely import MultiPolygon, Point, Polygon

from gis import crs

TODAY = "(deployment_now() AT TIME ZONE deployment_time_zone())::date"
"""The deployment's day in SQL: for eight hours of each day it is not the server's `current_date`."""
CELL = 2**-8
"""Side of a grid in degrees, about 430 m of latitude; every corner lies on the lattice."""
WEST, SOUTH = 113.0, 28.0
ROLES = ("operator", "planner", "analyst", "clerk", "officer", "system_admin", "security_admin", "audit_admin", "integration", "wall")
SCHEME, CATALOGUE = 9, 41
CATEGORIES = {410: ("waste", "垃圾堆积", "Piled waste", "circle"), 420: ("noise", "噪声扰民", "Noise", "square")}


@dataclass(frozen=True)
class Place:
    """An area of the district: where it lies in the array of grids, and what it holds."""

    key: str
    id: int
    level: str
    parent: str | None
    code: str
    name: str
    name_en: str
    column: int
    row: int
    columns: int
    rows: int


AREAS = {
    each.key: each
    for each in (
        Place("district", 7100, "district", None, "990101000000", "测试区", "Testing District", 0, 0, 4, 2),
        Place("a", 7110, "street", "district", "990101001000", "枫桥街道", "Maple Street", 0, 0, 4, 1),
        Place("b", 7120, "street", "district", "990101002000", "柳岸街道", "Willow Street", 0, 1, 4, 1),
        Place("a1", 7111, "community", "a", "990101001001", "枫一社区", "Maple One", 0, 0, 2, 1),
        Place("a2", 7112, "community", "a", "990101001002", "枫二社区", "Maple Two", 2, 0, 2, 1),
        Place("b1", 7121, "community", "b", "990101002001", "柳一社区", "Willow One", 0, 1, 2, 1),
        Place("b2", 7122, "community", "b", "990101002002", "柳二社区", "Willow Two", 2, 1, 2, 1),
    )
}


@dataclass(frozen=True)
class Ids:
    """What one community holds; tests take the ids they need by name."""

    community: str
    area: int
    grids: tuple[int, ...]
    buildings: tuple[int, ...]
    households: tuple[int, ...]
    residents: tuple[int, ...]
    facilities: tuple[int, ...]
    officers: tuple[int, ...]
    assignments: tuple[int, ...]
    incidents: tuple[int, ...]
    plans: tuple[int, ...]
    proposals: tuple[int, ...]
    comments: tuple[int, ...]
    analyses: tuple[int, ...]
    alerts: tuple[int, ...]
    schedules: tuple[int, ...]
    runs: tuple[int, ...]
    map: int = 88001

    @property
    def words(self) -> frozenset[str]:
        """Codes and names that may appear in no answer to somebody of another community."""
        place = AREAS[self.community]
        serials = {f"{place.code}{serial:03d}" for serial in (1, 2)}
        return frozenset({place.code, place.name, place.name_en, *serials, *(f"{place.name}{mark}" for mark in "甲乙")})

    @property
    def numbers(self) -> frozenset[int]:
        """Ids that may appear in no answer to somebody of another community."""
        kinds = (
            self.grids,
            self.buildings,
            self.households,
            self.residents,
            self.facilities,
            self.officers,
            self.assignments,
            self.incidents,
            self.plans,
            self.proposals,
            self.comments,
            self.analyses,
            self.alerts,
            self.schedules,
            self.runs,
        )
        return frozenset({self.area}.union(*kinds))


@dataclass(frozen=True)
class District:
    """The district as tests see it."""

    communities: dict[str, Ids]
    people: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def own(self) -> Ids:
        """The community that a scope of "a1" holds."""
        return self.communities["a1"]

    @property
    def foreign(self) -> Ids:
        """A community of another street, which a scope of "a1" must never see."""
        return self.communities["b2"]


def token(role: str, area: str = "district") -> str:
    """The bearer token of the person `role.area` that `make_district` signed in."""
    return f"test-token-of-{role}-at-{area}-0123456789"


def outline(place: Place) -> MultiPolygon:
    """The border of an area or grid, with a vertex at every corner of the array, so that borders share all vertices."""
    west, south = WEST + place.column * CELL, SOUTH + place.row * CELL
    bottom = [(west + step * CELL, south) for step in range(place.columns)]
    right = [(west + place.columns * CELL, south + step * CELL) for step in range(place.rows)]
    top = [(west + step * CELL, south + place.rows * CELL) for step in range(place.columns, 0, -1)]
    left = [(west, south + step * CELL) for step in range(place.rows, 0, -1)]
    return MultiPolygon([Polygon(bottom + right + top + left)])


def wkb(shape: shapely.Geometry) -> bytes:
    """Well-known bytes with the storage CRS, as PostGIS reads them."""
    return shapely.to_wkb(shapely.set_srid(shape, 4490), include_srid=True)


def ids_of(key: str) -> Ids:
    """The ids of a community, each kind in its own hundred thousand."""
    number = [place.key for place in AREAS.values() if place.level == "community"].index(key)
    pair = (2 * number + 1, 2 * number + 2)

    def kind(base: int) -> tuple[int, ...]:
        return tuple(base + each for each in pair)

    return Ids(
        community=key,
        area=AREAS[key].id,
        grids=kind(810000),
        buildings=kind(820000),
        households=kind(830000),
        residents=kind(840000),
        facilities=kind(850000),
        officers=kind(860000),
        assignments=kind(870000),
        incidents=kind(890000),
        plans=kind(900000),
        proposals=kind(910000),
        comments=kind(920000),
        analyses=kind(930000),
        alerts=kind(940000),
        schedules=kind(950000),
        runs=kind(960000),
    )


def make_district(connection: psycopg.Connection) -> District:
    """Write the whole district as the owner of the schema; the caller commits."""
    from tests import insight_rows  # noqa: PLC0415  it knows the district

    _make_areas(connection)
    make_categories(connection)
    district = District({key: ids_of(key) for key, place in AREAS.items() if place.level == "community"})
    for ids in district.communities.values():
        _make_community(connection, ids)
    insight_rows.make(connection, district)
    for role in ROLES:
        for area in AREAS:
            district.people[role, area] = make_person(connection, f"{role}.{area}", [role], [area], token=token(role, area))
    for ids in district.communities.values():
        _make_plan(connection, ids, district.people["planner", ids.community])
    return district


def make_person(connection: psycopg.Connection, name: str, roles: list[str], areas: list[str], *, token: str | None = None) -> int:
    """A person with roles and a scope over `areas` (keys of AREAS); with `token`, signed in for a day."""
    row = connection.execute(
        "INSERT INTO person (sign_in_name, display_name, roles) VALUES (%s, %s, %s) RETURNING id",
        (name.replace("_", "-"), f"Person {name}", roles),
    ).fetchone()
    assert row is not None
    for area in areas:
        connection.execute("INSERT INTO person_scope (person_id, area_id) VALUES (%s, %s)", (row[0], AREAS[area].id))
    if token is not None:
        open_session(connection, row[0], token, kind={"integration": "token", "wall": "wall"}.get(roles[0], "browser"))
    return int(row[0])


def open_session(connection: psycopg.Connection, person_id: int, token: str, *, kind: str = "browser") -> None:
    """Sign somebody in for a day."""
    hashed = hashlib.sha256(token.encode()).digest()
    connection.execute("SELECT gate.open_session(%s, %s, %s, '1 day', NULL, 'test', NULL)", (person_id, hashed, kind))


def _make_areas(connection: psycopg.Connection) -> None:
    connection.execute(
        "INSERT INTO scheme (id, code, name, name_en, code_pattern, is_primary) VALUES (%s, 'governance', '治理网格', 'Governance grids', %s, true)",
        (SCHEME, "{community}{serial:03d}"),
    )
    for place in AREAS.values():
        parent = None if place.parent is None else AREAS[place.parent].id
        connection.execute(
            "INSERT INTO area (id, level, parent_id, code, name, name_en, geom, valid_from) VALUES (%s, %s, %s, %s, %s, %s, %s, '2020-01-01')",
            (place.id, place.level, parent, place.code, place.name, place.name_en, wkb(outline(place))),
        )


def make_categories(connection: psycopg.Connection) -> None:
    """The catalogue of the tests: two categories, each with its deadline."""
    connection.execute("INSERT INTO category_catalogue (id, code, version, name) VALUES (%s, 'test', '1', '测试分类')", (CATALOGUE,))
    for number, (code, name, name_en, symbol) in CATEGORIES.items():
        connection.execute(
            "INSERT INTO category (id, catalogue_id, code, name, name_en, symbol) VALUES (%s, %s, %s, %s, %s, %s)",
            (number, CATALOGUE, code, name, name_en, symbol),
        )
        connection.execute("INSERT INTO category_rule (category_id, limit_amount, limit_unit) VALUES (%s, 2, 'working_day')", (number,))
    connection.execute(
        "SELECT incident_partition(extract(year FROM now() - interval '9 days')::int), incident_partition(extract(year FROM now())::int)"
    )


def _make_community(connection: psycopg.Connection, ids: Ids) -> None:
    place = AREAS[ids.community]
    for serial in (0, 1):
        grid = Place("", ids.grids[serial], "grid", None, "", "", "", place.column + serial, place.row, 1, 1)
        centre = outline(grid).centroid
        mark = "甲乙"[serial]
        connection.execute(
            "INSERT INTO grid (id, scheme_id, community_id, code, name, name_en, households, geom, valid_from)"
            " VALUES (%s, %s, %s, %s, %s, %s, 1, %s, '2020-01-01')",
            (
                ids.grids[serial],
                SCHEME,
                ids.area,
                f"{place.code}{serial + 1:03d}",
                f"{place.name}{mark}",
                f"{place.name_en} {serial + 1}",
                wkb(outline(grid)),
            ),
        )
        _make_home(connection, ids, serial, centre)
        _make_officer(connection, ids, serial, centre)
        _make_incident(connection, ids, serial, centre)


def _make_home(connection: psycopg.Connection, ids: Ids, serial: int, centre: Point) -> None:
    place = AREAS[ids.community]
    cell = _cell(centre)
    walls = MultiPolygon([shapely.box(centre.x - 1e-4, centre.y - 1e-4, centre.x + 1e-4, centre.y + 1e-4)])
    connection.execute(
        "INSERT INTO building (cell, id, community_id, grid_id, code, name, address, use, levels, households, geom)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, 'residential', 6, 1, %s)",
        (
            cell,
            ids.buildings[serial],
            ids.area,
            ids.grids[serial],
            f"{serial + 1:05d}",
            f"{place.name}{serial + 1}号楼",
            f"{place.name}路{serial + 1}号",
            wkb(walls),
        ),
    )
    connection.execute(
        "INSERT INTO household (cell, id, building_id, community_id, unit, tenure, members) VALUES (%s, %s, %s, %s, '101', 'own', 1)",
        (cell, ids.households[serial], ids.buildings[serial], ids.area),
    )
    connection.execute(
        "INSERT INTO resident (cell, id, household_id, community_id, head, sex, birth_year) VALUES (%s, %s, %s, %s, true, 'female', 1950)",
        (cell, ids.residents[serial], ids.households[serial], ids.area),
    )
    connection.execute(
        "INSERT INTO care (cell, resident_id, class, community_id, since) VALUES (%s, %s, %s, %s, '2024-01-01')",
        (cell, ids.residents[serial], ("lone_elder", "mental_health")[serial], ids.area),
    )
    connection.execute(
        "INSERT INTO facility (cell, id, qk, community_id, grid_id, kind, code, name, name_en, geom) VALUES (%s, %s, %s, %s, %s, 'lamp', %s, %s, %s, %s)",
        (
            cell,
            ids.facilities[serial],
            _key(centre),
            ids.area,
            ids.grids[serial],
            f"lamp-{serial}",
            f"{place.name}路灯",
            f"{place.name_en} lamp",
            wkb(centre),
        ),
    )


def _make_officer(connection: psycopg.Connection, ids: Ids, serial: int, centre: Point) -> None:
    place = AREAS[ids.community]
    officer = ids.officers[serial]
    connection.execute(
        "INSERT INTO officer (id, community_id, name, staff_number, on_duty, last_place, last_seen_at) VALUES (%s, %s, %s, %s, true, %s, now())",
        (officer, ids.area, f"{place.name}网格员{serial + 1}", f"S{officer}", wkb(centre)),
    )
    connection.execute(
        "INSERT INTO assignment (id, officer_id, grid_id, community_id, valid) VALUES (%s, %s, %s, %s, '[2024-01-01,)')",
        (ids.assignments[serial], officer, ids.grids[serial], ids.area),
    )


def _make_incident(connection: psycopg.Connection, ids: Ids, serial: int, centre: Point) -> None:
    place = AREAS[ids.community]
    number, cell = ids.incidents[serial], _cell(centre)
    closed = serial == 1
    connection.execute(
        "INSERT INTO incident (cell, id, reported_at, source, source_id, category_id, title, address, place, qk, community_id, grid_id, grid_version,"
        " placed_by, border_distance_m, state, severity, officer_id, closed_at, due_at)"
        " VALUES (%s, %s, now() - interval '3 days', 'test', %s, %s, %s, %s, %s, %s, %s, %s, 1, 'covers', 190, %s, 2, %s,"
        " CASE WHEN %s THEN now() - interval '1 day' END, now() - interval '2 hours')",
        (
            cell,
            number,
            f"T{number}",
            (410, 420)[serial],
            f"{place.name}事件{serial + 1}",
            f"{place.name}路{serial + 1}号",
            wkb(centre),
            _key(centre),
            ids.area,
            ids.grids[serial],
            "closed" if closed else "handling",
            ids.officers[serial],
            closed,
        ),
    )
    connection.execute(
        "INSERT INTO intake (source, source_id, cell, incident_id, reported_at, community_id) VALUES ('test', %s, %s, %s, now() - interval '3 days', %s)",
        (f"T{number}", cell, number, ids.area),
    )
    connection.execute(
        "INSERT INTO incident_log (cell, incident_id, serial, at, community_id, action, to_state, note)"
        " VALUES (%s, %s, 1, now() - interval '3 days', %s, 'report', 'reported', %s)",
        (cell, number, ids.area, f"{place.name}上报"),
    )


def _make_plan(connection: psycopg.Connection, ids: Ids, planner: int) -> None:
    """A draft over the community in which nothing has changed yet, with a remark and a question that waits."""
    place = AREAS[ids.community]
    connection.execute(
        "INSERT INTO plan (id, name, area_id, scheme_id, communities, household_min, household_max, made_by)"
        " VALUES (%s, %s, %s, %s, int4multirange(int4range(%s, %s)), 1, 2, %s)",
        (ids.plans[0], f"{place.name}方案", ids.area, SCHEME, ids.area, ids.area + 1, planner),
    )
    connection.execute(
        "INSERT INTO plan_comment (id, plan_id, grid_id, body, person_id) VALUES (%s, %s, %s, %s, %s)",
        (ids.comments[0], ids.plans[0], ids.grids[0], f"{place.name}的边界不直", planner),
    )
    connection.execute(
        "INSERT INTO plan_proposal (id, plan_id, asked_by, question, revision) VALUES (%s, %s, %s, '{}', 0)",
        (ids.proposals[0], ids.plans[0], planner),
    )


def _cell(place: Point) -> int:
    return int(crs.cell_of([place.x], [place.y])[0])


def _key(place: Point) -> int:
    return int(crs.morton_key([place.x], [place.y])[0])
