"""On random ground, random operations keep the coverage exact, and everything can be taken back to the bit."""

from collections.abc import Callable

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Polygon

from bench._storm import City, Storm
from gis.borders.model import Change, Ground
from gis.borders.operations import give, merge, move_vertex, redraw, split
from gis.borders.relabelling import prove
from gis.certificate import tiles_exactly
from gis.errors import EditRefused
from gis.faces import polygonal
from gis.lattice import STEP, snap
from tests.gis.grounds import after, assert_sound, town
from tests.gis.tessellations import HEIGHT, METRES, SOUTH, WEST, WIDTH

towns = st.builds(town, st.integers(0, 40), st.integers(3, 30), communities=st.integers(1, 3))
share = st.floats(-0.05, 1.05)
places = st.builds(lambda x, y: (WEST + x * WIDTH, SOUTH + y * HEIGHT), share, share)
lines = st.lists(places, min_size=2, max_size=8, unique=True).map(LineString)
areas = st.lists(places, min_size=3, max_size=8, unique=True).map(Polygon).filter(lambda each: each.area > 1e-9)
picks = st.integers(0, 10_000)
crossings = st.booleans()


def sound_or_refused(ground: Ground, operation: Callable[[], Change]) -> Change | None:
    first = [shape.wkb for shape in ground.shapes]
    try:
        change = operation()
    except EditRefused as refusal:
        reason = refusal.facts["reason"]
        change = None
    else:
        reason = None
        assert_sound(ground, change)
    assert reason != "not_certified"
    assert [shape.wkb for shape in ground.shapes] == first
    return change


def one_of(ground: Ground, pick: int) -> int:
    return int(ground.ids[pick % len(ground.ids)])


@given(towns, lines, picks, st.integers(2, 5))
@settings(max_examples=150, deadline=None)
def test_any_line_splits_exactly_or_not_at_all(ground: Ground, line: LineString, pick: int, pieces: int) -> None:
    grid = one_of(ground, pick)
    change = sound_or_refused(ground, lambda: split(ground, grid, line, list(range(1000, 1000 + pieces))))
    if change is not None:
        assert change.touched & set(ground.ids.tolist()) == {grid}
        assert 2 <= len(set(change.after) & set(range(1000, 1000 + pieces))) <= pieces


@given(towns, lines, picks, picks, crossings, crossings)
@settings(max_examples=200, deadline=None)
def test_any_line_redraws_exactly_or_not_at_all(ground: Ground, line: LineString, one: int, other: int, named: bool, cross: bool) -> None:
    pair = (one_of(ground, one), one_of(ground, other)) if named else None
    change = sound_or_refused(ground, lambda: redraw(ground, line, pair, cross))
    if change is not None and not cross:
        homes = dict(zip(ground.ids.tolist(), ground.communities.tolist(), strict=True))
        assert_communities_keep_their_ground(ground, change, homes)


@given(towns, areas, picks, crossings)
@settings(max_examples=200, deadline=None)
def test_any_lasso_gives_exactly_or_not_at_all(ground: Ground, area: Polygon, pick: int, cross: bool) -> None:
    to = one_of(ground, pick)
    change = sound_or_refused(ground, lambda: give(ground, area, to, cross_communities=cross))
    if change is not None:
        lost = shapely.area(shapely.difference(change.before[to], change.after[to]))
        assert lost <= shapely.length(change.before[to]) * STEP
        homes = dict(zip(ground.ids.tolist(), ground.communities.tolist(), strict=True))
        if not cross:
            assert_communities_keep_their_ground(ground, change, homes)


@given(towns, picks, picks, st.tuples(st.floats(-1, 1), st.floats(-1, 1)), st.sampled_from([1e-8, 1e-5, 1e-4, 2e-3]), crossings)
@settings(max_examples=200, deadline=None)
def test_any_vertex_moves_in_all_its_grids_or_not_at_all(
    ground: Ground, pick: int, which: int, by: tuple[float, float], far: float, cross: bool
) -> None:
    coords = shapely.get_coordinates(ground.shapes[pick % len(ground.ids)])
    at = coords[which % len(coords)]
    to = (float(at[0] + by[0] * far), float(at[1] + by[1] * far))
    change = sound_or_refused(ground, lambda: move_vertex(ground, (float(at[0]), float(at[1])), to, cross))
    if change is not None:
        assert set(change.before) == set(change.after) == change.touched


@given(towns, picks, picks)
@settings(max_examples=80, deadline=None)
def test_any_two_neighbours_merge_and_strangers_do_not(ground: Ground, one: int, other: int) -> None:
    pair = [one_of(ground, one), one_of(ground, other)]
    a, b = (ground.shapes[ground.index[each]] for each in pair)
    change = sound_or_refused(ground, lambda: merge(ground, pair, pair[0]))
    same = ground.communities[ground.index[pair[0]]] == ground.communities[ground.index[pair[1]]]
    touching = pair[0] != pair[1] and shapely.relate(a, b)[4] == "1"
    assert (change is not None) == (touching and same)


def assert_communities_keep_their_ground(ground: Ground, change: Change, homes: dict[int, int]) -> None:
    """Rounding where a line meets the border of a community may bend it by half a step, not more."""
    grids = after(ground, change)
    for home in set(homes.values()):
        first = shapely.coverage_union_all(
            np.array([shape for each, shape in zip(ground.ids.tolist(), ground.shapes, strict=True) if homes[each] == home], dtype=object)
        )
        last = shapely.coverage_union_all(np.array([shape for each, shape in grids.items() if homes[each] == home], dtype=object))
        assert shapely.hausdorff_distance(first, last) <= STEP  # fmt: skip


def planted(kind: str, grid: Polygon) -> list[Polygon]:
    """What becomes of a grid when somebody makes a mistake."""
    ring = shapely.get_coordinates(grid.exterior)[:-1]
    if kind == "grid missing":
        return []
    if kind == "grid twice":
        return [grid, grid]
    if kind == "vertex dropped":
        return [Polygon(np.delete(ring, 1, axis=0))]
    if kind == "T-vertex":
        middle = snap(shapely.Point((ring[0] + ring[1]) / 2))
        return [Polygon(np.insert(ring, 1, [middle.x, middle.y], axis=0))]
    ring[1] += (STEP, 0) if kind == "vertex moved one step" else (2.0**-14, 0)
    return [snap(Polygon(ring))]


DEFECTS = ["vertex moved one step", "vertex dropped", "T-vertex", "vertex moved 5 m", "grid missing", "grid twice"]


@pytest.mark.parametrize("kind", DEFECTS)
@given(towns, picks)
@settings(max_examples=40, deadline=None)
def test_an_answer_with_a_planted_defect_is_never_certified(kind: str, ground: Ground, pick: int) -> None:
    at = pick % len(ground.ids)
    grid = ground.shapes[at].geoms[0]
    before = dict(zip(ground.ids.tolist(), ground.shapes, strict=True))
    broken = {each: shape for each, shape in before.items() if each != ground.ids[at]}
    broken |= {1000 + number: shape for number, shape in enumerate(planted(kind, grid))}
    prove(before, before)
    with pytest.raises(EditRefused) as refusal:
        prove(before, broken)
    assert refusal.value.facts["reason"] == "not_certified"
    assert refusal.value.facts["place"] is not None


@pytest.mark.parametrize(("seed", "cells", "hard", "least"), [(1, 25, False, 180), (2, 60, True, 100)])
def test_hundreds_of_random_operations_hold_and_can_all_be_taken_back_to_the_bit(seed: int, cells: int, hard: bool, least: int) -> None:
    ground = town(seed, cells, communities=3)
    city = City(ground.shapes, ground.communities, METRES, np.array([], dtype=object))
    first = city.state()
    storm = Storm(city, seed)
    tally = storm.run(300, watch=True, hard=hard)
    assert tally.exceptions == []
    assert tally.broken == []
    assert tally.refused["not_certified"] == 0
    assert sum(tally.applied.values()) > least
    assert len(tally.applied) >= 7
    grids = [city.shapes[city.slot[int(each)]] for each in city.alive]
    outline = polygonal(shapely.coverage_union_all(np.array(grids, dtype=object)))
    assert tiles_exactly(grids, outline)
    assert shapely.hausdorff_distance(outline, polygonal(shapely.coverage_union_all(ground.shapes))) < 2 * STEP
    assert city.state() != first
    storm.undo_all()
    assert city.state() == first


def test_two_planners_on_different_ground_get_the_same_answer_in_either_order() -> None:
    ground = town(5, 40)
    west = LineString([(WEST, SOUTH + HEIGHT / 2), (WEST + WIDTH / 6, SOUTH + HEIGHT / 2)])
    first, last = (int(ground.ids[np.argmin([each.distance(shapely.Point(spot)) for each in ground.shapes])])
                   for spot in (west.coords[1], (WEST + WIDTH * 0.9, SOUTH + HEIGHT * 0.1)))  # fmt: skip

    def cut(ground: Ground, grid: int, new: list[int]) -> dict[int, shapely.Geometry]:
        shape = ground.shapes[ground.index[grid]]
        w, _, e, _ = shape.bounds
        change = split(ground, grid, LineString([(w, shape.centroid.y), (e, shape.centroid.y + 1e-5)]), new)
        return after(ground, change)

    def regrouped(grids: dict[int, shapely.Geometry]) -> Ground:
        ids = sorted(grids)
        return Ground(np.array(ids), np.array([grids[each] for each in ids], dtype=object), np.ones(len(ids), dtype=np.int64), METRES)

    one = cut(regrouped(cut(ground, first, [901, 902])), last, [903, 904])
    other = cut(regrouped(cut(ground, last, [903, 904])), first, [901, 902])
    assert {each: shape.normalize().wkb for each, shape in one.items()} == {each: shape.normalize().wkb for each, shape in other.items()}
