"""The database itself refuses a broken coverage, at commit, without tolerance."""

import contextlib
import threading
from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon, Polygon, box, set_srid, to_wkb

from api.cluster import Cluster
from data import migrate
from tests.conftest import WORKER

STEP = 2**-27
WEST, SOUTH, SIDE, CELLS = 113.0, 28.0, 2**-7, 4
CELL = SIDE / CELLS


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with Cluster.for_tests() as cluster:
        name = f"coverage_constraint_{WORKER}"
        cluster.create_database(name)
        schema = cluster.url("schema", name)
        migrate.upgrade(schema)
        yield schema.replace("+psycopg", "")
        cluster.drop_database(name)


@pytest.fixture
def ground(url: str) -> Iterator[psycopg.Connection]:
    """A district of one street and one community, tiled by sixteen grids named `row-column`."""
    with psycopg.connect(url) as connection:
        connection.execute("TRUNCATE area, scheme, grid CASCADE")
        connection.execute(
            "INSERT INTO scheme (id, code, name, code_pattern, is_primary) VALUES (1, 'g', 'g', '{community}{serial}', true)"
        )
        for number, (level, code) in enumerate([("district", "1"), ("street", "11"), ("community", "111")], start=1):
            connection.execute(
                "INSERT INTO area (id, level, parent_id, code, name, geom, valid_from) VALUES (%s, %s, %s, %s, 'x', %s, '2020-01-01')",
                (number, level, number - 1 or None, code, wkb(outline())),
            )
        for name, shape in cells().items():
            add(connection, name, shape)
        connection.commit()
        yield connection
        connection.rollback()


def wkb(shape: Polygon) -> bytes:
    return bytes(to_wkb(set_srid(MultiPolygon([shape]), 4490), include_srid=True))


def corner(row: float, column: float) -> tuple[float, float]:
    return WEST + column * CELL, SOUTH + row * CELL


def cells() -> dict[str, Polygon]:
    """Sixteen squares that share every vertex."""
    return {
        f"{row}-{column}": Polygon([corner(row, column), corner(row, column + 1), corner(row + 1, column + 1), corner(row + 1, column)])
        for row in range(CELLS)
        for column in range(CELLS)
    }


def outline() -> Polygon:
    """The square around them, with every vertex its grids have on it."""
    south = [corner(0, column) for column in range(CELLS)]
    east = [corner(row, CELLS) for row in range(CELLS)]
    north = [corner(CELLS, column) for column in range(CELLS, 0, -1)]
    west = [corner(row, 0) for row in range(CELLS, 0, -1)]
    return Polygon(south + east + north + west)


def add(connection: psycopg.Connection, code: str, shape: Polygon) -> None:
    connection.execute(
        "INSERT INTO grid (scheme_id, community_id, code, name, geom, valid_from) VALUES (1, 3, %s, %s, %s, '2020-01-01')",
        (code, code, wkb(shape)),
    )


def redraw(connection: psycopg.Connection, code: str, shape: Polygon) -> None:
    connection.execute("UPDATE grid SET geom = %s WHERE code = %s", (wkb(shape), code))


def moved(shape: Polygon, vertex: tuple[float, float], by: tuple[float, float]) -> Polygon:
    return Polygon([(x + by[0], y + by[1]) if (x, y) == vertex else (x, y) for x, y in shape.exterior.coords[:-1]])


def refused(connection: psycopg.Connection) -> str:
    with pytest.raises(psycopg.errors.CheckViolation) as caught:
        connection.commit()
    assert caught.value.diag.constraint_name == "coverage_must_hold"
    return caught.value.diag.message_detail or ""


def test_a_grid_moved_by_one_lattice_step_is_refused_and_the_edges_are_named(ground: psycopg.Connection) -> None:
    redraw(ground, "1-1", moved(cells()["1-1"], corner(1, 1), (STEP, 0)))
    detail = refused(ground)
    assert '"area": "111"' in detail
    assert '"loose_edges": 4' in detail


def test_an_overlap_of_one_lattice_step_is_refused(ground: psycopg.Connection) -> None:
    redraw(ground, "1-1", moved(cells()["1-1"], corner(1, 1), (0, -STEP)))
    refused(ground)


def test_a_missing_grid_is_refused(ground: psycopg.Connection) -> None:
    ground.execute("DELETE FROM grid WHERE code = '2-2'")
    refused(ground)


def test_an_ended_grid_without_a_successor_is_refused(ground: psycopg.Connection) -> None:
    ground.execute("UPDATE grid SET valid_to = now() WHERE code = '2-2'")
    refused(ground)


def test_a_grid_drawn_twice_is_refused(ground: psycopg.Connection) -> None:
    add(ground, "again", cells()["0-0"])
    refused(ground)


def test_a_vertex_on_one_side_only_is_refused(ground: psycopg.Connection) -> None:
    (x1, y1), (x2, y2) = corner(1, 1), corner(1, 2)
    shape = cells()["1-1"]
    coordinates = list(shape.exterior.coords[:-1])
    coordinates.insert(1, ((x1 + x2) / 2, (y1 + y2) / 2))
    redraw(ground, "1-1", Polygon(coordinates))
    refused(ground)


def test_an_outline_that_moves_alone_is_refused(ground: psycopg.Connection) -> None:
    ground.execute("UPDATE area SET geom = %s", (wkb(moved(outline(), corner(0, 0), (-STEP, 0))),))
    refused(ground)


def test_a_community_that_leaves_its_street_uncovered_is_refused(ground: psycopg.Connection) -> None:
    ground.execute("UPDATE area SET geom = %s WHERE code = '11'", (wkb(moved(outline(), corner(0, 0), (-STEP, 0))),))
    refused(ground)


def test_a_grid_lent_to_no_community_is_refused(ground: psycopg.Connection) -> None:
    ground.execute("UPDATE grid SET geom = %s WHERE code = '0-0'", (wkb(box(112, 27, 112.5, 27.5)),))
    refused(ground)


def test_constraints_made_immediate_do_not_open_a_way_around(ground: psycopg.Connection) -> None:
    ground.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(psycopg.errors.CheckViolation):
        redraw(ground, "1-1", moved(cells()["1-1"], corner(1, 1), (STEP, 0)))


def test_a_note_that_is_taken_away_before_the_end_does_not_open_a_way_around(ground: psycopg.Connection) -> None:
    redraw(ground, "1-1", moved(cells()["1-1"], corner(1, 1), (STEP, 0)))
    ground.execute("DELETE FROM coverage_due")
    refused(ground)


@pytest.mark.parametrize("undone", [True, False], ids=["the first change undone", "both kept"])
def test_changes_in_savepoints_are_checked_like_others(ground: psycopg.Connection, undone: bool) -> None:
    ground.execute("SAVEPOINT first")
    redraw(ground, "1-1", moved(cells()["1-1"], corner(1, 1), (STEP, 0)))
    ground.execute("ROLLBACK TO first" if undone else "RELEASE first")
    redraw(ground, "2-2", moved(cells()["2-2"], corner(2, 2), (STEP, 0)))
    refused(ground)


def test_an_edit_after_an_early_check_is_checked_again(ground: psycopg.Connection) -> None:
    shared = corner(1, 1)
    for name in ("0-0", "0-1", "1-0", "1-1"):
        redraw(ground, name, moved(cells()[name], shared, (STEP, STEP)))
    ground.execute("SET CONSTRAINTS ALL IMMEDIATE")
    ground.execute("SET CONSTRAINTS ALL DEFERRED")
    redraw(ground, "0-0", cells()["0-0"])
    refused(ground)


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param(Polygon([corner(0, 0), corner(1, 1), corner(1, 0), corner(0, 1)]), id="bow tie"),
        pytest.param("POLYGON((113 28, 113.1 28, NaN 28.1, 113 28))", id="NaN"),
        pytest.param(moved(cells()["0-0"], corner(0, 0), (STEP / 2, 0)), id="off the lattice"),
    ],
)
def test_a_shape_that_is_no_border_is_refused_at_once(ground: psycopg.Connection, shape: Polygon | str) -> None:
    value = f"SRID=4490;MULTI{shape.replace('((', '(((').replace('))', ')))')}" if isinstance(shape, str) else wkb(shape)
    with pytest.raises((psycopg.errors.CheckViolation, psycopg.errors.InternalError_)):
        ground.execute("UPDATE grid SET geom = %s WHERE code = '0-0'", (value,))


def test_a_border_moved_on_both_sides_is_accepted_and_its_past_is_kept(ground: psycopg.Connection) -> None:
    shared = corner(1, 1)
    for name in ("0-0", "0-1", "1-0", "1-1"):
        redraw(ground, name, moved(cells()[name], shared, (5 * STEP, -3 * STEP)))
    ground.commit()
    rows = ground.execute(
        "SELECT grid.version, grid_past.version, grid_past.valid_to = grid.valid_from FROM grid_past JOIN grid ON id = grid_id"
    ).fetchall()
    assert rows == [(2, 1, True)] * 4


def test_a_community_that_never_had_grids_is_not_drawn_yet_and_no_defect(ground: psycopg.Connection) -> None:
    for change in (
        "INSERT INTO scheme (id, code, name, code_pattern) VALUES (2, 'own', 'own', '{community}{serial}')",
        "UPDATE area SET name = 'y', valid_from = '2021-01-01'",
        "DELETE FROM grid WHERE scheme_id = 2",
    ):
        ground.execute(change)  # type: ignore[arg-type]
        ground.commit()
    assert ground.execute("SELECT count(*) FROM loose_edges(2, 3)").fetchone() == (0,)


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM grid",
        "UPDATE grid SET valid_to = now()",
        "UPDATE grid SET geom = geom; DELETE FROM coverage_due; DELETE FROM grid",
        "DELETE FROM grid WHERE code = '0-0'; DELETE FROM coverage_due; DELETE FROM grid WHERE code <> '0-0'",
    ],
)
def test_a_divided_community_is_never_left_without_its_grids(ground: psycopg.Connection, change: str) -> None:
    for statement in change.split("; "):
        ground.execute(statement)  # type: ignore[arg-type]
    assert '"area": "111"' in refused(ground)


def test_grids_are_not_emptied_under_their_communities(ground: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="past"):  # which would go with them
        ground.execute("TRUNCATE grid CASCADE")


def test_a_scheme_may_be_given_up_with_all_its_grids(ground: psycopg.Connection) -> None:
    ground.execute("DELETE FROM grid")
    ground.execute("DELETE FROM scheme")
    ground.commit()
    assert ground.execute("SELECT count(*) FROM loose_edges(1, 3)").fetchone() == (0,)


def test_all_ground_together_may_be_emptied(ground: psycopg.Connection) -> None:
    ground.execute("TRUNCATE area, grid CASCADE")
    ground.commit()
    assert ground.execute("SELECT count(*) FROM area").fetchone() == (0,)


def test_a_grid_without_ground_is_refused(ground: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="border"):
        ground.execute(
            "INSERT INTO grid (scheme_id, community_id, code, name, geom) VALUES (1, 3, 'none', 'x', 'SRID=4490;MULTIPOLYGON EMPTY')"
        )


@pytest.mark.parametrize("parent", [1, 2])
def test_a_grid_lies_in_a_community_and_in_nothing_else(ground: psycopg.Connection, parent: int) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="no community"):
        ground.execute(
            "INSERT INTO grid (scheme_id, community_id, code, name, geom) VALUES (1, %s, 'wide', 'x', %s)", (parent, wkb(outline()))
        )
    ground.rollback()
    with pytest.raises(psycopg.errors.CheckViolation, match="no community"):
        ground.execute("UPDATE grid SET community_id = %s", (parent,))


@pytest.mark.parametrize(("level", "parent"), [("street", 2), ("street", 3), ("community", 1), ("community", 3)])
def test_an_area_lies_in_one_of_the_level_above(ground: psycopg.Connection, level: str, parent: int) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="wrong level"):
        ground.execute(
            "INSERT INTO area (id, level, parent_id, code, name, geom) VALUES (99, %s, %s, 'odd', 'x', %s)", (level, parent, wkb(outline()))
        )


def test_an_area_keeps_its_level(ground: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="for life"):
        ground.execute("UPDATE area SET level = 'street' WHERE code = '111'")


@pytest.mark.parametrize(
    "change", ["UPDATE grid_past SET geom = ST_Multi(ST_Envelope(geom))", "DELETE FROM grid_past", "TRUNCATE grid_past"]
)
def test_what_was_is_never_changed_afterwards(ground: psycopg.Connection, change: str) -> None:
    for name in ("0-0", "0-1", "1-0", "1-1"):
        redraw(ground, name, moved(cells()[name], corner(1, 1), (STEP, 0)))
    ground.commit()
    with pytest.raises(psycopg.errors.CheckViolation, match="past"):
        ground.execute(change)  # type: ignore[arg-type]


@pytest.mark.parametrize("isolation", list(psycopg.IsolationLevel)[1:])
def test_two_who_draw_the_same_community_on_old_snapshots_are_never_both_believed(
    ground: psycopg.Connection, url: str, isolation: psycopg.IsolationLevel
) -> None:
    ground.execute("INSERT INTO scheme (id, code, name, code_pattern) VALUES (2, 'own', 'own', '{community}{serial}')")
    ground.commit()
    with psycopg.connect(url) as first, psycopg.connect(url) as second:
        saved = 0
        for connection in (first, second):
            connection.isolation_level = isolation
            connection.execute("SELECT count(*) FROM grid")
        for name, connection in (("first", first), ("second", second)):
            with contextlib.suppress(psycopg.Error):
                connection.execute(
                    "INSERT INTO grid (scheme_id, community_id, code, name, geom) VALUES (2, 3, %s, 'x', %s)", (name, wkb(outline()))
                )
                connection.commit()
                saved += 1
            connection.rollback()
    assert saved <= 1
    assert ground.execute("SELECT count(*) FROM loose_edges(2, 3)").fetchone() == (0,)


def test_a_split_is_accepted_when_the_outline_carries_the_new_vertices(ground: psycopg.Connection) -> None:
    (west, south), (east, north) = corner(0, 0), corner(1, 1)
    middle = west + CELL / 2
    redraw(ground, "0-0", Polygon([(west, south), (middle, south), (middle, north), (west, north)]))
    add(ground, "0-0b", Polygon([(middle, south), (east, south), (east, north), (middle, north)]))
    above = list(cells()["1-0"].exterior.coords[:-1])
    above.insert(1, (middle, north))
    redraw(ground, "1-0", Polygon(above))
    around = list(outline().exterior.coords[:-1])
    around.insert(1, (middle, south))
    ground.execute("UPDATE area SET geom = %s", (wkb(Polygon(around)),))
    ground.commit()
    assert ground.execute("SELECT count(*) FROM grid WHERE valid_to IS NULL").fetchone() == (CELLS * CELLS + 1,)


def test_a_code_is_for_life(ground: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="for life"):
        ground.execute("UPDATE grid SET code = 'other' WHERE code = '0-0'")


def test_two_halves_of_a_broken_coverage_never_meet_at_commit(ground: psycopg.Connection, url: str) -> None:
    """Each writer moves one side of a border by itself; whichever comes second sees the first and is refused."""
    outcomes: list[str] = []

    def write(names: tuple[str, ...]) -> None:
        with psycopg.connect(url) as connection:
            try:
                for name in names:
                    redraw(connection, name, moved(cells()[name], corner(2, 2), (STEP, 0)))
                connection.commit()
                outcomes.append("saved")
            except psycopg.errors.CheckViolation:
                outcomes.append("refused")

    writers = [threading.Thread(target=write, args=(names,)) for names in (("1-1", "1-2"), ("2-1", "2-2"))]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert outcomes == ["refused", "refused"]
    assert ground.execute("SELECT count(*) FROM loose_edges(1, 3)").fetchone() == (0,)


edits = st.lists(
    st.tuples(st.integers(1, CELLS - 1), st.integers(1, CELLS - 1), st.integers(-40, 40), st.integers(-40, 40), st.integers(1, 15)),
    min_size=1,
    max_size=4,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits)
def test_an_edit_is_accepted_if_and_only_if_all_four_neighbours_follow(ground: psycopg.Connection, moves: list[tuple[int, ...]]) -> None:
    """`follow` is a bit mask of the grids around a vertex that move with it; the truth is told by plain set arithmetic."""
    shapes = cells()
    for row, column, right, up, follow in moves:
        around = [f"{row + down}-{column + left}" for down in (-1, 0) for left in (-1, 0)]
        for bit, name in enumerate(around):
            if follow >> bit & 1:
                shapes[name] = moved(shapes[name], corner(row, column), (right * STEP, up * STEP))
    places: dict[tuple[int, int], set[tuple[float, float]]] = {}
    for name, shape in shapes.items():
        row, column = map(int, name.split("-"))
        ring = list(shape.exterior.coords[:-1])
        for (down, left), point in zip([(0, 0), (0, 1), (1, 1), (1, 0)], ring, strict=True):
            places.setdefault((row + down, column + left), set()).add(point)
    whole = all(len(points) == 1 for points in places.values())
    for name, shape in shapes.items():
        redraw(ground, name, shape)
    if whole:
        ground.execute("SET CONSTRAINTS ALL IMMEDIATE")
    else:
        with pytest.raises(psycopg.errors.CheckViolation):
            ground.execute("SET CONSTRAINTS ALL IMMEDIATE")
    ground.rollback()
