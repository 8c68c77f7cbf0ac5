"""Atoms are made once, kept, and made anew when what they are made from changes; nobody sees those of another community."""

import threading

import numpy as np
import psycopg
import pytest
import shapely
from shapely.geometry import LineString, MultiPolygon

from data.database import Database, open_database
from data.queries.atoms import GroundAtoms, atoms_named, atoms_of, lines_of
from data.scope import Scope
from gis.certificate import tiles_exactly
from gis.errors import NotFound
from gis.faces import polygonal
from gis.lattice import on_lattice
from tests.conftest import Clone
from tests.factories import AREAS, CELL, SOUTH, WEST, District, outline, token, wkb


def scope_of(role: str, area: str) -> Scope:
    low = AREAS[area].id
    return Scope(token(role, area), ((low, low + 1),), everything=area == "district")


def ask(database: Database, district: District, role: str = "planner", area: str = "a1", of: str = "a1") -> GroundAtoms:
    scope = scope_of(role, area)
    with database.unit_of_work(scope) as session:
        return atoms_of(session, scope, district.communities[of].area)


def add_road(connection: psycopg.Connection, *points: tuple[float, float]) -> None:
    connection.execute(
        "INSERT INTO base_feature (layer, class, geom) VALUES ('road', 'lane', %s)",
        (wkb(LineString([(WEST + x * CELL, SOUTH + y * CELL) for x, y in points])),),
    )


def test_atoms_tile_the_community_hold_its_buildings_and_stay_as_they_are(database: Database, district: District) -> None:
    own = district.communities["a1"]
    first = ask(database, district)
    assert len(first) == 2
    assert sorted(first.building_ids.tolist()) == list(own.buildings)
    assert first.households.tolist() == [1, 1]
    assert (first.ids > 0).all()
    assert on_lattice(first.shapes).all()
    assert tiles_exactly(list(first.shapes), polygonal(shapely.coverage_union_all(first.shapes)))
    assert shapely.area(shapely.symmetric_difference(polygonal(shapely.coverage_union_all(first.shapes)), outline(AREAS["a1"]))) < 1e-12
    again = ask(database, district)
    assert again.ids.tolist() == first.ids.tolist()
    assert shapely.equals_exact(again.shapes, first.shapes).all()


@pytest.mark.parametrize("change", ["building", "households", "road"])
def test_atoms_are_made_anew_when_their_ground_changes(fresh: Clone, fresh_database: Database, district: District, change: str) -> None:
    own = district.communities["a1"]
    first = ask(fresh_database, district)
    with fresh.owner() as connection:
        if change == "building":
            connection.execute("UPDATE building SET geom = ST_Translate(geom, 1e-4, 0) WHERE id = %s", (own.buildings[0],))
        elif change == "households":
            connection.execute("UPDATE building SET households = 7 WHERE id = %s", (own.buildings[0],))
        else:
            add_road(connection, (-1, 0.25), (3, 0.25))
    second = ask(fresh_database, district)
    assert set(second.ids.tolist()).isdisjoint(first.ids.tolist())
    assert len(second) == (3 if change == "road" else 2)
    assert len(np.unique(second.block)) == (2 if change == "road" else 1)
    assert second.households.sum() == (8 if change == "households" else 2)
    with fresh.owner() as connection:
        assert connection.execute("SELECT count(*) FROM atom WHERE community_id = %s", (own.area,)).fetchone() == (len(second),)
        add_road(connection, (2.5, -1), (2.5, 2))
    assert ask(fresh_database, district).ids.tolist() == second.ids.tolist()


def test_who_may_not_change_plans_sees_fresh_atoms_without_storing_them(database: Database, district: District) -> None:
    seen = ask(database, district, role="analyst")
    assert (seen.ids < 0).all()
    stored = ask(database, district)
    assert (stored.ids > 0).all()
    assert shapely.equals_exact(seen.shapes, stored.shapes).all()
    assert ask(database, district, role="analyst").ids.tolist() == stored.ids.tolist()


def test_atoms_of_another_community_are_not_found(database: Database, district: District) -> None:
    with pytest.raises(NotFound):
        ask(database, district, area="a1", of="b2")
    theirs = ask(database, district, area="b2", of="b2")
    own = scope_of("planner", "a1")
    with database.unit_of_work(own) as session, pytest.raises(NotFound):
        atoms_named(session, own, theirs.ids.tolist())
    with database.unit_of_work(scope_of("planner", "b2")) as session:
        named = atoms_named(session, scope_of("planner", "b2"), theirs.ids[:1].tolist())
    assert shapely.equals_exact(named.shapes, theirs.shapes[:1]).all()


def test_two_who_ask_at_once_store_one_set(fresh: Clone, district: District) -> None:
    scope = scope_of("planner", "a1")
    opened = [open_database(fresh.app_url, pool_size=1) for _ in range(2)]
    answers: list[GroundAtoms] = []
    try:
        with opened[0].unit_of_work(scope) as first:
            ours = atoms_of(first, scope, district.own.area)
            second = threading.Thread(target=lambda: answers.append(ask(opened[1], district)))
            second.start()
            with fresh.owner() as connection:
                while connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone() == (0,):
                    assert second.is_alive()
        second.join()
    finally:
        for each in opened:
            each.close()
    assert ours.ids.tolist() == answers[0].ids.tolist()


def test_lines_to_snap_to_are_roads_and_banks_that_meet_the_box(fresh: Clone, fresh_database: Database) -> None:
    with fresh.owner() as connection:
        add_road(connection, (-1, 0.25), (3, 0.25))
        add_road(connection, (3, 1.5), (4, 1.5))
        pond = MultiPolygon([shapely.box(WEST, SOUTH, WEST + CELL / 4, SOUTH + CELL / 4)])
        connection.execute("INSERT INTO base_feature (layer, class, geom) VALUES ('water', 'lake', %s)", (wkb(pond),))
    scope = scope_of("planner", "a1")
    with fresh_database.unit_of_work(scope) as session:
        found = lines_of(session, scope, (WEST, SOUTH, WEST + CELL, SOUTH + CELL))
        nothing = lines_of(session, scope, (0, 0, 1, 1))
    assert [kind for kind, _ in found] == ["road", "water"]
    assert {line.geom_type for _, line in found} == {"LineString"}
    assert found[1][1].is_closed
    assert nothing == []
