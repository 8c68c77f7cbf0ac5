"""Plans: contiguous always, in range where one can be, as even as can be where that is asked, and nothing locked moves."""

import gzip
from itertools import product
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gis.balance.graph import Graph, graph_of
from gis.balance.propose import alternatives, propose
from gis.crs import geometry_from, local_metres
from gis.errors import BadValue

REDISTRICTING = Path(__file__).parents[3] / "shared" / "data" / "redistricting"
SIDE = 50.0


def town(columns: int, rows: int, weights: object = None, *, without: tuple[int, ...] = ()) -> Graph:
    """Square blocks of two by two atoms, roads between them; some atoms may be missing."""
    kept = [each for each in range(columns * rows) if each not in without]
    shapes = [shapely.box(x * SIDE, y * SIDE, (x + 1) * SIDE, (y + 1) * SIDE) for y, x in (divmod(each, columns) for each in kept)]
    blocks = [(each // columns // 2) * columns + each % columns // 2 for each in kept]
    amounts = np.random.default_rng(columns * rows).integers(0, 40, len(kept)) if weights is None else weights
    return graph_of(shapes, amounts, None, blocks=blocks)


def connected(graph: Graph, labels: np.ndarray) -> bool:
    """Whether each part hangs together, asked without the code under test."""
    for part in np.unique(labels):
        atoms = set(np.flatnonzero(labels == part).tolist())
        reached, waiting = set(), [min(atoms)]
        while waiting:
            here = waiting.pop()
            if here not in reached:
                reached.add(here)
                waiting += [b if a == here else a for a, b in graph.edges.tolist() if here in (a, b) and {a, b} <= atoms]
        if reached != atoms:
            return False
    return True


def every_plan(graph: Graph, most: int) -> list[np.ndarray]:
    """All contiguous plans of at most so many parts, each once."""
    plans = []
    for labels in product(range(most), repeat=len(graph)):
        first = list(dict.fromkeys(labels))
        if first == sorted(first) and first[-1] == len(first) - 1 and connected(graph, np.array(labels)):
            plans.append(np.array(labels))
    return plans


def worst(graph: Graph, labels: np.ndarray) -> float:
    sums = np.bincount(labels, weights=graph.weights)
    return float(np.abs(sums - sums.mean()).max() / sums.mean())


@given(st.lists(st.integers(0, 9), min_size=6, max_size=6), st.integers(2, 3))
@settings(max_examples=25, deadline=None)
def test_no_plan_of_a_small_graph_is_more_even(weights: list[int], parts: int) -> None:
    assume(sum(weights) > 0)
    graph = town(3, 2, weights)
    best = min(worst(graph, plan) for plan in every_plan(graph, parts) if plan.max() + 1 == parts)
    proposal = propose(graph, parts=parts)
    assert proposal.optimal
    assert proposal.deviation == pytest.approx(best, abs=1e-9)
    assert len(proposal.parts) == parts
    assert connected(graph, proposal.labels)


@given(st.lists(st.integers(0, 9), min_size=6, max_size=6), st.integers(1, 8), st.integers(0, 8))
@settings(max_examples=25, deadline=None)
def test_a_small_graph_is_in_range_whenever_some_plan_is(weights: list[int], low: int, width: int) -> None:
    graph = town(3, 2, weights)
    sums = [np.bincount(plan, weights=graph.weights) for plan in every_plan(graph, 6)]
    possible = any(((each >= low) & (each <= low + width)).all() for each in sums)
    proposal = propose(graph, low=low, high=low + width)
    assert proposal.in_range == possible
    assert bool(proposal.impossible) != possible
    assert connected(graph, proposal.labels)


@pytest.mark.skipif(not REDISTRICTING.exists(), reason="needs the shared data")
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_25_precincts_reach_their_known_optimum(seed: int) -> None:
    precincts = gpd.read_file(REDISTRICTING / "redist_fl25.geojson")
    graph = graph_of(geometry_from(4269, precincts.geometry.to_numpy()), precincts["pop"], local_metres(-81.8, 26.6))
    known = np.array(["0" + line.split(",")[1] for line in _plans()], dtype=np.float64)
    proposal = propose(graph, parts=3, seed=seed)
    assert len(known) == 117_688
    assert proposal.deviation == pytest.approx(known.min(), abs=1e-12)
    assert proposal.optimal
    assert proposal.contiguous


def _plans() -> list[str]:
    with gzip.open(REDISTRICTING / "fl25_enum_117688_plans.csv.gz", "rt") as lines:
        return [line.strip() for line in lines][1:]


@given(st.integers(2, 12), st.integers(2, 12), st.data())
@settings(max_examples=40, deadline=None)
def test_parts_hang_together_on_any_ground_with_holes_and_islands(columns: int, rows: int, data: st.DataObject) -> None:
    without = tuple(data.draw(st.lists(st.sampled_from(range(columns * rows)), max_size=columns * rows // 2, unique=True)))
    weights = data.draw(st.lists(st.integers(0, 60), min_size=columns * rows - len(without), max_size=columns * rows - len(without)))
    graph = town(columns, rows, weights, without=without)
    low, width = data.draw(st.integers(0, 200)), data.draw(st.integers(1, 200))
    proposal = propose(graph, low=low, high=low + width, seed=data.draw(st.integers(0, 5)), moves=5_000)
    assert connected(graph, proposal.labels)
    assert proposal.contiguous
    assert proposal.weights.sum() == pytest.approx(sum(weights))
    assert proposal.in_range == bool(((proposal.weights >= low) & (proposal.weights <= low + width)).all())


@given(st.integers(2, 9), st.integers(2, 9), st.data())
@settings(max_examples=20, deadline=None)
def test_as_many_parts_come_out_as_were_asked_for(columns: int, rows: int, data: st.DataObject) -> None:
    graph = town(columns, rows)
    parts = data.draw(st.integers(1, columns * rows))
    proposal = propose(graph, parts=parts, moves=5_000)
    assert len(proposal.parts) == parts
    assert connected(graph, proposal.labels)


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_locked_parts_stay_to_the_last_atom(data: st.DataObject) -> None:
    graph = town(10, 8)
    home = propose(graph, low=150, high=260, moves=5_000).labels
    locked_parts = data.draw(st.lists(st.sampled_from(np.unique(home).tolist()), unique=True))
    locked = np.isin(home, locked_parts)
    changed = np.random.default_rng(data.draw(st.integers(0, 9))).integers(0, 40, len(graph))
    graph = town(10, 8, changed)
    proposal = propose(graph, low=120, high=300, home=home, locked=locked, mu=data.draw(st.sampled_from([0.0, 2.0, 20.0])), moves=5_000)
    for part in locked_parts:
        assert ((proposal.labels == part) == (home == part)).all()
    assert connected(graph, proposal.labels)


def test_single_locked_atoms_keep_their_part() -> None:
    graph = town(10, 8)
    home = propose(graph, low=150, high=260, moves=5_000).labels
    locked = np.zeros(80, dtype=bool)
    locked[[0, 9, 35, 79]] = True
    graph = town(10, 8, np.random.default_rng(3).integers(0, 40, 80))
    for mu in (0.0, 10.0):
        proposal = propose(graph, low=120, high=300, home=home, locked=locked, mu=mu)
        assert (proposal.labels[locked] == home[locked]).all()
        assert connected(graph, proposal.labels)


def test_seeds_come_to_lie_in_different_parts() -> None:
    graph = town(12, 12)
    seeds = [0, 11, 66, 132, 143]
    for wish in ({"parts": 5}, {"parts": 8}, {"low": 300.0, "high": 700.0}):
        proposal = propose(graph, seeds=seeds, **wish)
        assert len(set(proposal.labels[seeds].tolist())) == len(seeds)
        assert connected(graph, proposal.labels)
    assert propose(graph, seeds=seeds, parts=5).deviation < 0.05


def test_the_same_seed_gives_the_same_plan_and_another_one_another() -> None:
    graph = town(14, 14)
    first, again, other = (propose(graph, low=200, high=320, seed=seed) for seed in (5, 5, 6))
    assert first.labels.tolist() == again.labels.tolist()
    assert first.labels.tolist() != other.labels.tolist()


def test_alternatives_differ_and_the_best_comes_first() -> None:
    plans = alternatives(town(14, 14), 4, seed=1, low=200, high=320)
    assert len({tuple(each.labels.tolist()) for each in plans}) == len(plans) > 1
    assert all(each.in_range for each in plans)
    costs = [each.border_m * (1 - 0.85 * (each.on_roads or 0)) for each in plans]
    assert costs == sorted(costs)


@pytest.mark.parametrize("mu", [0.0, 10.0])
@pytest.mark.parametrize("wish", [{"low": 200.0, "high": 400.0}, {"parts": 6}])
def test_seeds_of_one_part_of_today_come_to_lie_apart(wish: dict[str, float], mu: float) -> None:
    graph = town(12, 12)
    home = propose(graph, parts=6).labels
    seeds = np.flatnonzero(home == 0)[[0, 6, -1]]
    proposal = propose(graph, home=home, seeds=seeds, mu=mu, **wish)
    assert len(set(proposal.labels[seeds].tolist())) == 3
    assert connected(graph, proposal.labels)


def test_progress_rises_to_one() -> None:
    heard: list[float] = []
    propose(town(10, 10, without=tuple(range(40, 50))), low=100, high=300, progress=heard.append)
    assert heard == sorted(heard)
    assert heard[-1] == 1.0
    assert len(heard) > 5


@pytest.mark.parametrize("after", [0, 1, 5])
@pytest.mark.parametrize("wish", [{"low": 200.0, "high": 320.0}, {"parts": 9}])
def test_once_cancelled_the_best_so_far_comes_back(after: int, wish: dict[str, float]) -> None:
    asked: list[None] = []

    def cancelled() -> bool:
        asked.append(None)
        return len(asked) > after

    graph = town(14, 14)
    proposal = propose(graph, cancelled=cancelled, **wish)
    assert not proposal.complete
    assert len(asked) == after + 1
    assert connected(graph, proposal.labels)


def test_a_repair_moves_far_less_than_starting_over() -> None:
    graph = town(24, 24)
    home = propose(graph, low=200, high=320).labels
    rng = np.random.default_rng(4)
    grown = np.round(graph.weights * np.exp(rng.normal(0, 0.35, int(graph.block.max()) + 1))[graph.block])
    later = town(24, 24, grown)
    over, repair = (propose(later, low=200, high=320, home=home, mu=mu) for mu in (0.0, 10.0))
    assert repair.in_range
    assert repair.moved_weight < 0.15 * grown.sum()
    assert repair.moved_weight < 0.5 * over.moved_weight


def test_a_plan_that_is_in_range_is_left_as_it_is() -> None:
    graph = town(14, 14)
    home = propose(graph, low=200, high=320).labels + 7
    again = propose(graph, low=200, high=320, home=home, mu=40.0)
    assert again.moved_weight < 0.01 * graph.weights.sum()
    assert set(again.labels.tolist()) == set(home.tolist())


def test_atoms_without_a_home_join_a_part_that_keeps_its_name() -> None:
    graph = town(10, 10)
    home = propose(graph, low=200, high=400).labels * 3 + 5
    fresh = home.copy()
    fresh[[4, 55]] = -1
    proposal = propose(graph, low=200, high=400, home=fresh, mu=40.0)
    assert set(proposal.labels.tolist()) == set(home.tolist())
    assert connected(graph, proposal.labels)


@pytest.mark.parametrize(
    ("total", "parts", "weights"), [(217, 1, [217.0]), (580, 2, [290.0, 290.0]), (593, 2, [296.5, 296.5]), (550, 1, [550.0])]
)
def test_a_total_that_allows_no_plan_says_so_with_the_nearest(total: int, parts: int, weights: list[float]) -> None:
    amounts = np.ones(100)
    amounts[:17] += (total - 100) / 17
    proposal = propose(town(10, 10, amounts), low=300, high=500)
    [impossible] = proposal.impossible
    assert not proposal.in_range
    assert impossible.reason == "total"
    assert (impossible.parts, impossible.total) == (parts, pytest.approx(total))
    assert impossible.weights == pytest.approx(weights)
    assert len(proposal.parts) == parts


def test_an_atom_heavier_than_the_bound_is_named_and_the_rest_is_in_range() -> None:
    amounts = np.full(64, 20.0)
    amounts[27] = 900
    proposal = propose(town(8, 8, amounts), low=200, high=400)
    [impossible] = proposal.impossible
    assert impossible.reason == "atom"
    assert impossible.atoms == (27,)
    assert not proposal.in_range
    out_of_range = proposal.parts[(proposal.weights > 400) | (proposal.weights < 200)]
    assert out_of_range.tolist() == [proposal.labels[27]]


@pytest.mark.parametrize("size", [6, 9])  # all plans are looked at, and too many for that
@pytest.mark.parametrize("wish", [{"low": 5, "high": 10}, {"parts": 5}])
def test_an_atom_heavier_than_the_bound_does_not_hide_how_uneven_the_rest_is(size: int, wish: dict[str, float]) -> None:
    graph = town(size, size, [1000] + [1] * (size * size - 1))
    found = np.sort(np.bincount(propose(graph, **wish).labels))
    assert found[0] == 1
    if "parts" in wish:
        assert found[1] == (size * size - 1) // 4
    else:
        assert ((found[1:] >= 5) & (found[1:] <= 10)).all()


def test_ground_in_pieces_is_divided_piece_by_piece() -> None:
    cut = tuple(range(60, 72))
    graph = town(12, 12, np.full(132, 10.0), without=cut)
    proposal = propose(graph, low=150, high=250)
    assert proposal.in_range
    assert connected(graph, proposal.labels)
    islet = town(12, 12, np.full(141, 10.0), without=(1, 12, 13))
    lonely = propose(islet, low=150, high=250)
    assert [each.reason for each in lonely.impossible] == ["piece"]
    assert connected(islet, lonely.labels)


def test_the_plainest_cases_are_answered() -> None:
    one = town(1, 1, [5])
    assert propose(one, parts=1).labels.tolist() == [0]
    assert propose(one, low=1, high=9).in_range
    assert not propose(one, low=6, high=9).in_range
    assert propose(town(3, 3, np.ones(9)), parts=9).deviation == 0
    assert len(propose(town(3, 3, np.ones(9)), parts=1).parts) == 1
    nothing = propose(town(3, 3, np.zeros(9)), parts=3)
    assert (len(nothing.parts), nothing.deviation, nothing.contiguous) == (3, 0.0, True)
    assert not propose(town(3, 3, np.zeros(9)), low=1, high=2).in_range
    assert propose(town(4, 4, np.full(16, 0.001)), low=0.003, high=0.005).in_range
    assert propose(town(4, 4, np.full(16, 1e9)), low=3e9, high=5e9).in_range


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({}, "parts"),
        ({"low": 5.0}, "min"),
        ({"low": 9.0, "high": 3.0}, "min"),
        ({"low": -1.0, "high": 3.0}, "min"),
        ({"low": 0.0, "high": np.nan}, "min"),
        ({"parts": 0}, "parts"),
        ({"parts": 10}, "parts"),
        ({"parts": 2, "mu": -1.0}, "mu"),
        ({"parts": 2, "road": np.nan}, "road"),
        ({"parts": 2, "home": [0, 1]}, "home"),
        ({"parts": 2, "locked": np.ones(9, dtype=bool)}, "locked"),
        ({"parts": 2, "seeds": [9]}, "seeds"),
        ({"parts": 2, "seeds": [0, 1, 2]}, "seeds"),
        ({"parts": 2, "home": [0, 0, 1, 1, 1, 1, 1, 1, 0], "locked": [True] + [False] * 7 + [True]}, "locked"),
        ({"parts": 2, "home": np.arange(9), "locked": [True] * 3 + [False] * 6}, "parts"),
    ],
)
def test_wishes_that_contradict_themselves_are_refused(wish: dict[str, object], field: str) -> None:
    with pytest.raises(BadValue) as refused:
        propose(town(3, 3, np.ones(9)), **wish)  # type: ignore[arg-type]
    assert refused.value.facts["field"] == field


def test_more_pieces_than_parts_are_refused() -> None:
    with pytest.raises(BadValue, match="do not touch"):
        propose(town(3, 3, np.ones(6), without=(1, 4, 7)), parts=1)


@pytest.mark.parametrize("mu", [0.0, 10.0])
@pytest.mark.parametrize("wish", [{"low": 120.0, "high": 300.0}, {"parts": 8}])
def test_a_locked_part_in_pieces_stays_as_it_is_and_the_rest_is_divided(wish: dict[str, float], mu: float) -> None:
    graph = town(10, 8)
    home = propose(graph, low=150, high=260, moves=5_000).labels
    torn = home.max() + 1
    home[[0, 1, 44, 45, 79]] = torn
    proposal = propose(graph, home=home, locked=home == torn, mu=mu, moves=5_000, **wish)
    assert ((proposal.labels == torn) == (home == torn)).all()
    free = home != torn
    assert connected(graph.within(np.flatnonzero(free)), proposal.labels[free])
    assert proposal.contiguous, "what was drawn is in one piece each; what was locked was not drawn"


def test_single_locked_atoms_in_two_pieces_of_a_part_are_still_refused() -> None:
    home = np.repeat([0, 1, 0], [20, 40, 20])
    locked = np.zeros(80, dtype=bool)
    locked[[0, 79]] = True
    with pytest.raises(BadValue, match="not contiguous"):
        propose(town(10, 8), low=150, high=600, home=home, locked=locked)
