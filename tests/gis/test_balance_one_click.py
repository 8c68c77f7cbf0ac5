"""One click brings a part into range with the help of its neighbours, and leaves everybody else alone."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.balance.graph import Graph, graph_of
from gis.balance.one_click import balance
from gis.balance.propose import propose
from gis.errors import BadValue

SIDE = 50.0
COLUMNS = 18


def street(weights: object) -> Graph:
    """Two rows of squares."""
    count = len(np.asarray(weights))
    shapes = [shapely.box(x * SIDE, y * SIDE, (x + 1) * SIDE, (y + 1) * SIDE) for x in range(count // 2) for y in range(2)]
    return graph_of(shapes, weights, None)


def thirds(count: int, parts: int) -> np.ndarray:
    """Parts of equal length along the street."""
    return np.arange(count) * parts // count


def test_a_heavy_part_gives_to_its_neighbours_and_to_nobody_else() -> None:
    weights = np.full(40, 10.0)
    weights[8:16] = 16
    today = thirds(40, 5)
    done = balance(street(weights), today, 1, low=70, high=110)
    assert done.in_range
    assert done.contiguous
    assert (done.labels[today >= 3] == today[today >= 3]).all()
    assert done.weights.max() <= 110
    assert 0 < done.moved_weight < 60


def test_where_neighbours_are_full_theirs_help_too() -> None:
    weights = np.full(40, 10.0)
    weights[:8], weights[8:16], weights[16:24] = 15, 10.5, 8
    today = thirds(40, 5)
    done = balance(street(weights), today, 0, low=60, high=100)
    assert done.in_range
    assert done.contiguous
    assert (done.labels[today == 4] == 4).all()


def test_locked_neighbours_neither_give_nor_take() -> None:
    weights = np.full(40, 10.0)
    weights[16:24] = 14
    today = thirds(40, 5)
    locked = today == 1
    done = balance(street(weights), today, 2, low=70, high=100, locked=locked)
    assert done.in_range
    assert ((done.labels == 1) == locked).all()


def test_what_arithmetic_forbids_is_told() -> None:
    today = thirds(24, 3)
    done = balance(street(np.full(24, 20.0)), today, 1, low=70, high=110)
    [impossible] = done.impossible
    assert not done.in_range
    assert (impossible.total, impossible.parts) == (480.0, 3)


def test_an_even_plan_is_left_as_it_is() -> None:
    today = thirds(40, 5)
    done = balance(street(np.full(40, 10.0)), today, 2, low=70, high=110)
    assert done.in_range
    assert done.moved_weight == 0


def test_ground_of_nobody_stays_so() -> None:
    weights = np.full(40, 10.0)
    weights[8:16] = 16
    today = np.where(thirds(40, 5) == 4, -1, thirds(40, 5))
    done = balance(street(weights), today, 1, low=70, high=110)
    assert ((done.labels == -1) == (today == -1)).all()


@pytest.mark.parametrize("wish", [{"part": 9}, {"part": 1, "locked": True}, {"part": 1, "low": 200}])
def test_what_cannot_be_meant_is_refused(wish: dict[str, object]) -> None:
    today = thirds(40, 5)
    locked = np.full(40, fill_value=bool(wish.get("locked")))
    with pytest.raises(BadValue):
        balance(street(np.full(40, 10.0)), today, wish["part"], low=wish.get("low", 70), high=110, locked=locked)  # type: ignore[arg-type]


@given(st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_whatever_it_does_parts_hang_together_and_only_near_ones_change(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shapes = [shapely.box(x * SIDE, y * SIDE, (x + 1) * SIDE, (y + 1) * SIDE) for y in range(COLUMNS) for x in range(COLUMNS)]
    graph = graph_of(shapes, rng.integers(0, 20, len(shapes)), None)
    today = propose(graph, low=150, high=250, moves=3_000, seed=seed).labels
    changed = graph_of(shapes, np.round(graph.weights * rng.choice([0.5, 1.0, 1.8], len(shapes))), None)
    sums = np.bincount(today, weights=changed.weights)
    part = int(np.argmax(np.maximum(150 - sums, sums - 250)))
    done = balance(changed, today, part, low=150, high=250)
    assert done.contiguous
    assert len(done.parts) == len(np.unique(today))
    near = {part}
    for _ in range(2):
        near |= {int(two) for one, two in [*today[graph.edges].tolist(), *today[graph.edges][:, ::-1].tolist()] if one in near}
    far = ~np.isin(today, list(near))
    assert (done.labels[far] == today[far]).all()
    if done.in_range:
        assert 150 <= done.weights[done.parts == part][0] <= 250


def test_a_neighbour_in_pieces_that_nothing_joins_is_left_alone() -> None:
    weights = np.full(40, 10.0)
    weights[16:24] = 14
    today = thirds(40, 5)
    today[36:] = 3
    locked = today == 4
    done = balance(street(weights), today, 2, low=70, high=100, locked=locked)
    assert ((done.labels == 3) == (today == 3)).all()
    assert done.in_range


def test_a_part_in_pieces_that_nothing_joins_cannot_be_balanced_and_stays() -> None:
    today = thirds(40, 5)
    today[36:] = 1
    done = balance(street(np.full(40, 10.0)), today, 1, low=70, high=100, locked=today == 3)
    assert not done.in_range
    assert (done.labels == today).all()


def test_a_part_in_pieces_becomes_one_where_its_neighbours_join_them() -> None:
    today = thirds(40, 5)
    today[22:24] = 1
    done = balance(street(np.full(40, 10.0)), today, 1, low=70, high=100)
    assert done.in_range
    assert done.contiguous
