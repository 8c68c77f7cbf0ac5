"""Atoms tile their community exactly, hold one building each, and cross neither road nor water."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.affinity import rotate
from shapely.geometry import LineString, MultiPolygon, Polygon, box

from gis.atoms import Atoms, tessellate
from gis.certificate import tiles_exactly
from gis.crs import geometry_from, local_metres
from gis.errors import BadGeometry
from gis.lattice import STEP, on_lattice, snap
from tests.gis.tessellations import shared

HERE = local_metres(113.0, 28.0)
NONE = np.empty(0, dtype=object)


def ground(west: float, south: float, east: float, north: float) -> Polygon:
    """A rectangle in metres around the place, on the lattice."""
    return snap(HERE.to_degrees(box(west, south, east, north)))


def degrees(*shapes: shapely.Geometry) -> np.ndarray:
    return np.array([HERE.to_degrees(shape) for shape in shapes], dtype=object)


def is_exact(atoms: Atoms, outline: Polygon | MultiPolygon) -> bool:
    moved = HERE.to_metres(shapely.symmetric_difference(atoms.outline, outline)).area
    return tiles_exactly(list(atoms.shapes), atoms.outline) and moved < 2 * HERE.to_metres(outline).length * STEP * 1.2e5


def houses_at(random: np.random.Generator, count: int, side: float) -> list[Polygon]:
    """Houses of every angle; some touch, some overlap."""
    return [
        rotate(box(x, y, x + width, y + depth), angle)
        for (x, y), (width, depth), angle in zip(
            random.uniform(0, side, (count, 2)), random.uniform(3, 40, (count, 2)), random.uniform(0, 180, count), strict=True
        )
    ]


def test_each_building_has_the_ground_nearest_to_it() -> None:
    outline = ground(0, 0, 100, 40)
    atoms = tessellate(outline, degrees(box(10, 10, 30, 30), box(50, 10, 90, 30)), NONE, HERE)
    assert is_exact(atoms, outline)
    assert atoms.building.tolist() == atoms.atom_of.tolist() == [0, 1] or atoms.building.tolist() == atoms.atom_of.tolist() == [1, 0]
    west = HERE.to_metres(atoms.shapes[atoms.atom_of[0]])
    assert west.bounds == pytest.approx((0, 0, 40, 40), abs=0.5)


def test_houses_that_share_a_wall_are_divided_along_it() -> None:
    row = [box(10 + 6 * at, 10, 16 + 6 * at, 22) for at in range(8)]
    outline = ground(0, 0, 70, 40)
    atoms = tessellate(outline, degrees(*row), NONE, HERE)
    assert is_exact(atoms, outline)
    assert sorted(atoms.building.tolist()) == list(range(8))
    for house, atom in zip(row, HERE.to_metres(atoms.shapes[atoms.atom_of]), strict=True):
        assert house.difference(atom).area < 0.06 * house.area


def test_roads_and_water_divide_blocks_and_no_atom_crosses_them() -> None:
    outline = ground(0, 0, 200, 100)
    road, dead_end, pond = LineString([(100, -50), (100, 150)]), LineString([(-10, 50), (60, 50)]), box(150, 40, 170, 60)
    houses = [box(20, 40, 40, 48), box(20, 52, 40, 60), box(120, 20, 140, 30)]
    atoms = tessellate(outline, degrees(*houses), degrees(road, dead_end, pond), HERE)
    assert is_exact(atoms, outline)
    assert len(atoms.shapes) == 4  # the pond is ground without a building
    by_house = atoms.block[atoms.atom_of]
    assert by_house[0] == by_house[1] != by_house[2]
    assert sorted(np.unique(atoms.block).tolist()) == [0, 1, 2]
    assert not shapely.crosses(HERE.to_degrees(road), shapely.buffer(atoms.shapes, -2 * STEP)).any()
    assert sorted(atoms.building.tolist()) == [-1, 0, 1, 2]


def test_a_community_without_buildings_is_its_blocks() -> None:
    outline = ground(0, 0, 200, 100)
    atoms = tessellate(outline, NONE, degrees(LineString([(100, -50), (100, 150)])), HERE)
    assert is_exact(atoms, outline)
    assert atoms.building.tolist() == [-1, -1]
    assert atoms.block.tolist() == [0, 1]


def test_a_road_that_runs_beside_the_border_leaves_no_sliver() -> None:
    outline = ground(0, 0, 200, 100)
    atoms = tessellate(outline, degrees(box(50, 50, 60, 60)), degrees(LineString([(0.3, -20), (0.4, 120)])), HERE)
    assert is_exact(atoms, outline)
    assert len(atoms.shapes) == 1


def test_a_building_outside_or_without_ground_gets_the_nearest_atom_and_none_is_lost() -> None:
    outline = ground(0, 0, 200, 100)
    houses = [box(10, 10, 20, 20), box(180, 10, 190, 20), box(210, 10, 220, 20), box(10, 10, 20, 20), Polygon()]
    atoms = tessellate(outline, degrees(*houses), NONE, HERE)
    assert is_exact(atoms, outline)
    assert len(atoms.shapes) == 2
    assert atoms.atom_of[2] == atoms.atom_of[1]
    assert atoms.atom_of[3] == atoms.atom_of[0]
    assert set(atoms.atom_of.tolist()) == {0, 1}
    assert set(atoms.building.tolist()) <= {0, 1, 3}


def test_an_outline_of_two_parts_with_a_hole_is_divided_whole() -> None:
    parts = [ground(0, 0, 100, 100).difference(ground(40, 40, 60, 60)), ground(150, 0, 250, 100)]
    outline = MultiPolygon(parts)
    atoms = tessellate(outline, degrees(box(10, 10, 20, 20), box(70, 70, 80, 80), box(160, 10, 170, 20)), NONE, HERE)
    assert is_exact(atoms, outline)
    assert len(atoms.shapes) == 3


def test_a_broken_or_rough_outline_is_refused() -> None:
    bow = Polygon([(113, 28), (113.01, 28.01), (113.01, 28), (113, 28.01)])
    for outline in (bow, Polygon(), HERE.to_degrees(box(0, 0, 100, 100))):
        with pytest.raises(BadGeometry):
            tessellate(outline, NONE, NONE, HERE)


@given(st.integers(0, 10_000), st.integers(0, 60), st.integers(0, 12))
@settings(max_examples=40, deadline=None)
def test_any_muddle_of_buildings_and_roads_is_divided_exactly(seed: int, houses: int, roads: int) -> None:
    random = np.random.default_rng(seed)
    outline = snap(HERE.to_degrees(rotate(box(0, 0, 300, 260), float(random.uniform(0, 90)))))
    lines = [LineString(random.uniform(-60, 360, (int(random.integers(2, 6)), 2))) for _ in range(roads)]
    atoms = tessellate(outline, degrees(*houses_at(random, houses, 300)), degrees(*lines), HERE)
    assert is_exact(atoms, outline)
    assert (shapely.get_type_id(atoms.shapes) == shapely.GeometryType.POLYGON).all()
    assert len(atoms.atom_of) == houses
    assert not houses or (atoms.building[atoms.atom_of] >= -1).all()
    assert on_lattice(atoms.shapes).all()
    again = tessellate(outline, degrees(*houses_at(np.random.default_rng(seed), 0, 300)), degrees(*lines), HERE)
    assert len(again.shapes) <= len(atoms.shapes)


@pytest.mark.slow
def test_every_row_house_of_a_real_neighbourhood_gets_its_ground() -> None:
    communities = gpd.read_file(shared("realcity/communities/Pittsburgh_Neighborhoods.zip")).set_index("hood")
    outline = snap(geometry_from(4326, communities.geometry["Polish Hill"]))
    houses = np.array(gpd.read_parquet(shared("realcity/buildings/pittsburgh_buildings.parquet")).geometry.array, dtype=object)
    houses = houses[shapely.contains(outline, shapely.point_on_surface(houses))]
    blocks = gpd.read_file(shared("realcity/grids/Census_Blocks_2010_noprj.zip")).geometry.array
    atoms = tessellate(outline, houses, geometry_from(2272, np.array(blocks, dtype=object)), local_metres(-79.98, 40.43))
    assert tiles_exactly(list(atoms.shapes), atoms.outline)
    assert len(houses) > 300
    assert len(set(atoms.atom_of.tolist())) > 0.99 * len(houses)
