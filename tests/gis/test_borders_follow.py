"""When an outline moves, other schemes' grids fit it again exactly, and those far from the change stay to the bit."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Polygon

from gis.borders.follow import follow, outline_of
from gis.borders.operations import redraw
from gis.certificate import tiles_exactly
from gis.errors import EditRefused
from gis.faces import polygonal
from gis.lattice import STEP, snap
from tests.gis.grounds import HERE, at, board, square
from tests.gis.tessellations import METRES, tessellation


def children_of(count: int) -> dict[int, Polygon | MultiPolygon]:
    """Strips that tile the unit square from south to north."""
    return {number + 1: MultiPolygon([square(0, number / count, 1, 1 / count)]) for number in range(count)}


def test_an_outline_that_did_not_move_changes_nothing() -> None:
    children = children_of(4)
    outline = outline_of(np.array(list(children.values()), dtype=object))
    assert follow(children, outline, outline, HERE).after == {}


def test_gained_ground_goes_to_the_longest_border_and_lost_ground_is_cut_off() -> None:
    children = children_of(4)
    old = outline_of(np.array(list(children.values()), dtype=object))
    new = polygonal(shapely.union(old, square(1, 0.25, 0.25, 0.25), grid_size=STEP))
    grown = follow(children, old, new, HERE)
    assert set(grown.after) == {2}
    assert grown.after[2].equals(square(0, 0.25, 1.25, 0.25))
    assert isinstance(grown.after[2], MultiPolygon)
    back = follow(children | grown.after, new, old, HERE)
    assert back.after[2].equals(children[2])
    assert back.moved_m2 == pytest.approx(grown.moved_m2)


def test_an_outline_that_only_gained_vertices_gives_them_to_the_children() -> None:
    children = children_of(2)
    old = outline_of(np.array(list(children.values()), dtype=object))
    new = Polygon([at(0, 0), at(1, 0), at(1, 0.25), at(1, 0.5), at(1, 1), at(0, 1), at(0, 0.5)])
    followed = follow(children, old, new, HERE)
    assert set(followed.after) == {1}
    assert followed.moved_m2 == 0
    assert tiles_exactly([followed.after[1], children[2]], new)


def test_a_border_that_would_end_between_two_vertices_of_the_outline_ends_at_the_nearer_one() -> None:
    children = children_of(2)
    old = outline_of(np.array(list(children.values()), dtype=object))
    new = Polygon([at(0, 0), at(1, 0), at(0.75, 0.375), at(1, 1), at(0, 1), at(0, 0.5)])
    followed = follow(children, old, new, HERE)
    assert tiles_exactly(list(followed.after.values()), new)
    assert {tuple(each) for each in shapely.get_coordinates(new)} >= {tuple(each) for each in shapely.get_coordinates(outline_of(np.array(list(followed.after.values()), dtype=object)))}  # fmt: skip


def test_a_child_whose_ground_is_all_lost_ends() -> None:
    children = children_of(2)
    old = outline_of(np.array(list(children.values()), dtype=object))
    followed = follow(children, old, children[1].geoms[0], HERE)
    assert followed.ended == {2}
    assert followed.after == {}


def test_children_that_did_not_fit_before_are_refused() -> None:
    children = children_of(4)
    old = outline_of(np.array(list(children.values()), dtype=object))
    new = polygonal(shapely.union(old, square(1, 0, 0.25, 0.25), grid_size=STEP))
    del children[2]
    with pytest.raises(EditRefused) as refusal:
        follow(children, old, new, HERE)
    assert refusal.value.facts["reason"] == "not_certified"


def test_a_street_follows_when_its_communities_do() -> None:
    ground = board(communities=[1, 1, 2] * 3)
    bow = shapely.LineString([at(2, 1.1), at(1.75, 1.3), at(2, 1.5)])
    change = redraw(ground, bow, (5, 6), cross_communities=True)
    grids = dict(zip(ground.ids.tolist(), ground.shapes, strict=True)) | change.after
    homes = dict(zip(ground.ids.tolist(), ground.communities.tolist(), strict=True))
    west, east = (outline_of(np.array([shape for each, shape in grids.items() if homes[each] == home], dtype=object)) for home in (1, 2))
    assert tiles_exactly([west, east], outline_of(np.array([west, east], dtype=object)))
    assert shapely.area(west) < 6 * square(0, 0).area < shapely.area(west) + shapely.area(east)


@given(st.integers(0, 40), st.integers(4, 40), st.integers(0, 1000), st.booleans(), st.floats(5e-5, 1e-3))
@settings(max_examples=80, deadline=None)
def test_any_bite_or_bulge_of_an_outline_is_followed_exactly(seed: int, cells: int, pick: int, bulge: bool, radius: float) -> None:
    shapes, old = tessellation(seed, cells)
    children = dict(enumerate(shapes, start=1))
    middle = shapely.Point(shapely.get_coordinates(old)[pick % (shapely.get_num_coordinates(old) - 1)])
    blob = snap(middle.buffer(radius, quad_segs=3))
    new = polygonal((shapely.union if bulge else shapely.difference)(old, blob, grid_size=STEP))
    try:
        followed = follow(children, old, new, METRES)
    except EditRefused as refusal:
        assert refusal.facts["reason"] in {"not_certified", "not_contiguous"}  # noqa: PT017
        return
    changed = {**children, **followed.after}
    for each in followed.ended:
        del changed[each]
    assert tiles_exactly(list(changed.values()), new)
    near = blob.buffer(1e-4)
    assert all(children[each].intersects(near) for each in followed.after)
