"""Which polygons share a border, and how long it is."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.balance.graph import GAP_M, graph_of
from gis.crs import local_metres
from gis.errors import BadGeometry, BadValue
from gis.lattice import snap

SIDE = 100.0


def squares(columns: int, rows: int, side: float = SIDE) -> list[shapely.Polygon]:
    """Squares in metres, row by row from the south."""
    return [shapely.box(x * side, y * side, (x + 1) * side, (y + 1) * side) for y in range(rows) for x in range(columns)]


def test_squares_share_their_sides_and_not_their_corners() -> None:
    graph = graph_of(squares(3, 2), np.ones(6), None)
    assert graph.edges.tolist() == [[0, 1], [0, 3], [1, 2], [1, 4], [2, 5], [3, 4], [4, 5]]
    assert graph.border_m.tolist() == [SIDE] * 7
    assert graph.rim_m.tolist() == [200.0, 100.0, 200.0, 200.0, 100.0, 200.0]
    assert graph.area_m2.tolist() == [SIDE**2] * 6


def test_lengths_are_metres_whatever_the_degrees() -> None:
    metres = local_metres(113.0, 28.2)
    degrees = snap(np.array(metres.to_degrees(np.array(squares(2, 1)))))
    graph = graph_of(degrees, [1, 1], metres)
    assert graph.border_m[0] == pytest.approx(SIDE, abs=0.01)
    assert graph.area_m2 == pytest.approx(SIDE**2, rel=1e-4)


def test_a_long_side_beside_two_short_ones_is_shared_with_both() -> None:
    tall = shapely.box(-100, 0, 0, 200)
    graph = graph_of([tall, *squares(1, 2)], np.ones(3), None)
    assert graph.edges.tolist() == [[0, 1], [0, 2], [1, 2]]
    assert graph.border_m == pytest.approx([100.0, 100.0, 100.0])
    assert graph.rim_m[0] == pytest.approx(400.0)


@pytest.mark.parametrize(("gap", "together"), [(GAP_M * 0.6, True), (GAP_M * 3, False)])
def test_a_crack_is_bridged_and_a_street_is_not(gap: float, together: bool) -> None:
    graph = graph_of([shapely.box(0, 0, 100, 100), shapely.box(100 + gap, 0, 200, 100)], [1, 1], None)
    assert (len(graph.edges) == 1) is together
    assert graph.pieces().max() == (0 if together else 1)


def test_small_polygons_are_not_joined_over_gaps_of_their_own_size() -> None:
    graph = graph_of([shapely.box(0, 0, 1, 1), shapely.box(1.4, 0, 2.4, 1)], [1, 1], None)
    assert len(graph.edges) == 0


def test_what_runs_between_two_blocks_is_road() -> None:
    graph = graph_of(squares(2, 2), np.ones(4), None, blocks=[0, 1, 0, 1])
    assert dict(zip(map(tuple, graph.edges.tolist()), graph.road_m.tolist(), strict=True)) == {
        (0, 1): 100,
        (0, 2): 0,
        (1, 3): 0,
        (2, 3): 100,
    }
    assert graph.cost(0.15).tolist() == pytest.approx([15.0, 100.0, 100.0, 15.0])


def test_roads_cut_blocks_apart() -> None:
    road = shapely.LineString([(100, -50), (100, 250)])
    graph = graph_of(squares(2, 2), np.ones(4), None, roads=[road])
    assert graph.road_m.tolist() == [100.0, 0.0, 0.0, 100.0]
    assert graph.block[0] == graph.block[2] != graph.block[1] == graph.block[3]


def test_the_graph_of_some_atoms_takes_borders_with_the_rest_for_rim() -> None:
    whole = graph_of(squares(3, 1), [1, 2, 3], None)
    part = whole.within([2, 1])
    assert part.weights.tolist() == [3, 2]
    assert part.edges.tolist() == [[0, 1]]
    assert part.rim_m.tolist() == [300.0, 300.0]


@given(st.integers(1, 5), st.integers(1, 5), st.data())
@settings(max_examples=30, deadline=None)
def test_borders_and_rims_make_up_all_outlines(columns: int, rows: int, data: st.DataObject) -> None:
    kept = data.draw(st.lists(st.sampled_from(range(columns * rows)), min_size=1, unique=True))
    shapes = [squares(columns, rows)[each] for each in kept]
    graph = graph_of(shapes, np.ones(len(shapes)), None)
    assert graph.rim_m.sum() + 2 * graph.border_m.sum() == pytest.approx(400.0 * len(shapes))
    assert graph.rim_m.sum() == pytest.approx(shapely.length(shapely.unary_union(shapes)))


@pytest.mark.parametrize("bad", [[1, np.nan], [1, -1], [np.inf, 1], [1], ["a", 1], [None, 1]])
def test_a_weight_that_is_none_is_refused(bad: list[object]) -> None:
    with pytest.raises(BadValue) as refused:
        graph_of(squares(2, 1), bad, None)
    assert refused.value.facts["field"] == "weights"


@pytest.mark.parametrize("bad", [shapely.Point(0, 0), None, shapely.Polygon(), shapely.box(0, 0, np.inf, 1)])
def test_what_is_no_polygon_is_refused_with_its_row(bad: shapely.Geometry | None) -> None:
    with pytest.raises(BadGeometry) as refused:
        graph_of([*squares(2, 1), bad], [1, 1, 1], None)
    assert refused.value.facts["row"] == 2
