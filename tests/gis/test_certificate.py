"""The certificate passes exact tilings and catches every kind of seeded defect, however small."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Polygon, box

from gis.coverage import loose_edges, tiles_exactly
from gis.errors import BadGeometry
from gis.lattice import STEP, snap
from tests.gis.tessellations import tessellation

cities = st.tuples(st.integers(0, 30), st.integers(3, 25))


def moved(shape: Polygon, vertex: int, by: tuple[float, float]) -> Polygon:
    ring = shapely.get_coordinates(shape.exterior)[:-1]
    ring[vertex % len(ring)] += by
    return Polygon(ring, shape.interiors)


def seeded(kind: str, cells: list[Polygon], which: int) -> list[Polygon]:
    """The cells with one defect in cell `which`."""
    cell, rest = cells[which], cells[:which] + cells[which + 1 :]
    ring = shapely.get_coordinates(cell.exterior)[:-1]
    if kind == "vertex one step off":
        return [*rest, moved(cell, which, (STEP, 0))]
    if kind == "missing":
        return rest
    if kind == "twice":
        return [*cells, cell]
    if kind == "vertex dropped":
        return [*rest, Polygon(np.delete(ring, which % len(ring), axis=0))]
    if kind == "T-vertex":
        middle = snap(shapely.Point((ring[0] + ring[1]) / 2))
        return [*rest, Polygon(np.insert(ring, 1, [middle.x, middle.y], axis=0))]
    return [*rest, snap(cell.buffer(1e-5))]


@given(cities)
@settings(max_examples=40, deadline=None)
def test_a_tessellation_tiles_its_outline(city: tuple[int, int]) -> None:
    cells, outline = tessellation(*city)
    assert loose_edges(cells, outline) == []
    assert tiles_exactly(cells, outline)


@pytest.mark.parametrize("kind", ["vertex one step off", "missing", "twice", "vertex dropped", "T-vertex", "overlap"])
@given(cities, st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_each_seeded_defect_leaves_loose_edges(kind: str, city: tuple[int, int], pick: int) -> None:
    cells, outline = tessellation(*city)
    broken = seeded(kind, cells, pick % len(cells))
    assert loose_edges(broken, outline)
    assert not tiles_exactly(broken, outline)


def test_loose_edges_are_named_where_they_are() -> None:
    left, right, outline = box(0, 0, 1, 1), box(1, 0, 2, 1), Polygon([(0, 0), (1, 0), (2, 0), (2, 1), (1, 1), (0, 1)])
    assert loose_edges([left, right], outline) == []
    assert {edge.wkt for edge in loose_edges([left, right], box(0, 0, 2, 1))} == {
        "LINESTRING (0 0, 1 0)", "LINESTRING (1 0, 2 0)", "LINESTRING (0 0, 2 0)",
        "LINESTRING (0 1, 1 1)", "LINESTRING (1 1, 2 1)", "LINESTRING (0 1, 2 1)",
    }  # fmt: skip


def test_holes_islands_and_ring_direction_do_not_matter() -> None:
    outer, hole = box(0, 0, 4, 4), box(1, 1, 2, 2)
    ring = Polygon(outer.exterior.coords[::-1], [hole.exterior.coords])
    island = box(6, 0, 7, 1)
    assert tiles_exactly([ring, MultiPolygon([hole, island])], MultiPolygon([outer, island]))
    assert tiles_exactly([ring], ring)
    assert not tiles_exactly([ring], outer)


def test_several_outlines_count_as_one_ground() -> None:
    assert loose_edges([box(0, 0, 1, 1), box(5, 5, 6, 6)], [box(0, 0, 1, 1), box(5, 5, 6, 6)]) == []


def test_nothing_tiles_nothing_but_not_something() -> None:
    assert loose_edges([], []) == []
    assert len(loose_edges([], box(0, 0, 1, 1))) == 4


def test_an_invalid_polygon_never_tiles_and_one_off_the_lattice_is_refused() -> None:
    bow = Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    assert not tiles_exactly([bow], bow)
    assert not tiles_exactly([box(0, 0, 0.1, 1)], box(0, 0, 0.1, 1))
    with pytest.raises(BadGeometry):
        loose_edges([box(0, 0, 0.1, 1)], box(0, 0, 0.1, 1))
