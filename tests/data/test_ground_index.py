"""The ground in memory agrees with the database, follows its changes, and the spatial indexes work under row-level security."""

import numpy as np
import pytest

from data.database import Database
from data.hot.ground import ground_index
from data.scope import Scope
from tests import factories
from tests.conftest import Clone

SIDE = factories.CELL
SCOPE = Scope(token=factories.token("planner", "district"), everything=True)


def test_one_place_and_many_places_get_the_same_answers(fresh_database: Database) -> None:
    index = ground_index(fresh_database)
    chance = np.random.default_rng(3)
    lon = np.concatenate([chance.uniform(112.999, 113.017, 500), 113.0 + SIDE * np.arange(5), [np.nan, 200.0]])
    lat = np.concatenate([chance.uniform(27.999, 28.009, 500), np.full(5, 28.0 + SIDE), [28.0, 28.0]])
    many = index.place_many(lon, lat)
    for number in range(len(lon)):
        one = index.place(float(lon[number]), float(lat[number]))
        assert (one.grid_id or -1) == many.grid_ids[number]
        assert one.community_id == many.community_ids[number]
        assert (one.grid_version or 0) == many.grid_versions[number]
        assert one.ambiguous == many.ambiguous[number]
        assert one.border_distance_m == pytest.approx(many.border_distance_m[number], rel=1e-4, nan_ok=True)


def test_a_place_on_a_border_names_how_it_was_placed(fresh_database: Database) -> None:
    index = ground_index(fresh_database)
    assert index.place(113.0 + SIDE / 2, 28.0 + SIDE / 2).placed_by == "covers"
    border = index.place(113.0 + SIDE, 28.0 + SIDE / 2)
    assert (border.grid_id, border.placed_by, border.border_distance_m, border.ambiguous) == (810001, "border", 0.0, True)
    outside = index.place(112.9, 28.0)
    assert (outside.grid_id, outside.community_id, outside.placed_by) == (None, 0, "none")


def test_the_same_index_serves_until_the_ground_changes(fresh_database: Database) -> None:
    first = ground_index(fresh_database)
    assert ground_index(fresh_database) is first
    with fresh_database.unit_of_work(SCOPE) as session:
        session.connection().exec_driver_sql("UPDATE grid SET name = '新名' WHERE id = 810001")
        assert ground_index(session).place(113.001, 28.001).grid_version == 2
        assert ground_index(fresh_database).place(113.001, 28.001).grid_version == 1
    assert ground_index(fresh_database).place(113.001, 28.001).grid_version == 2


def test_a_community_without_grids_still_owns_its_ground(fresh: Clone, fresh_database: Database) -> None:
    with fresh.owner() as owner:
        owner.execute("UPDATE coverage SET divided = false WHERE parent_id = 7111")  # as if it never had any: it may not lose them
        owner.execute("UPDATE grid SET valid_to = now() WHERE community_id = 7111")
    placed = ground_index(fresh_database).place(113.001, 28.001)
    assert (placed.grid_id, placed.community_id, placed.placed_by) == (None, 7111, "none")


@pytest.mark.parametrize(
    ("table", "column", "index"),
    [
        ("building", "geom", "building_geom"),
        ("building", "geom3857", "building_geom3857"),
        ("grid", "geom", "grid_geom"),
        ("incident", "place", "_place_idx"),
    ],
)
def test_spatial_indexes_are_used_under_row_level_security(fresh: Clone, table: str, column: str, index: str) -> None:
    box = "ST_MakeEnvelope(113, 28, 113.001, 28.001, 4490)"
    box = box if column != "geom3857" else f"ST_Transform({box}, 3857)"
    with fresh.as_app() as app:
        app.execute("SET enable_seqscan = off")
        app.execute("SELECT set_config('wangge.token', %s, true)", [factories.token("operator", "a1")])
        plan = app.execute(f"EXPLAIN SELECT id FROM {table} WHERE {column} && {box}").fetchall()
    assert any(index in row[0] and "Scan" in row[0] for row in plan), plan
