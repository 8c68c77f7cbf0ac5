"""Gi*, Gi and local Moran equal the reference software, and their permutation p is the exact law, counted anew."""

import itertools
import json
import warnings

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binomtest, false_discovery_control

from gis.errors import BadValue, NothingToAnalyse
from gis.hotspots.gi import local_g, too_few_draws
from gis.hotspots.moran import local_moran
from gis.hotspots.permutation import judged, tails
from gis.hotspots.weights import Neighbours, distance_band, nearest, pairs_given, queen
from tests.gis.tessellations import shared, tessellation


def listed(neighbours: list[list[int]]) -> Neighbours:
    rows = [np.atleast_1d(each) for each in neighbours]
    return pairs_given(np.repeat(np.arange(len(rows)), [len(each) for each in rows]), np.concatenate(rows), len(rows))


def ring(size: int, reach: int) -> Neighbours:
    """Areas in a circle, each with `reach` neighbours on either side."""
    steps = [step for step in range(-reach, reach + 1) if step]
    return pairs_given(np.repeat(np.arange(size), len(steps)), (np.arange(size)[:, None] + steps).ravel() % size, size)


def exact_tails(values: NDArray[np.float64], neighbours: Neighbours) -> tuple[list[float], list[float]]:
    """The shares of all sets of other areas, every one of them looked at, that sum to at least, and at most, as much."""
    above, below = [], []
    for area in range(len(values)):
        seen = values[neighbours.of(area)].sum()
        others = np.delete(values, area)
        sums = np.array([sum(each) for each in itertools.combinations(others, len(neighbours.of(area)))])
        above.append(float((sums >= seen - 1e-9).mean()))
        below.append(float((sums <= seen + 1e-9).mean()))
    return above, below


@pytest.mark.parametrize("data", ["columbus_crime", "nc_sids74"])
def test_z_normal_p_and_false_discovery_control_equal_spdep(data: str) -> None:
    answer = json.loads(shared(f"hotspot/{data}.json").read_text())
    neighbours = listed(answer["neighbours0"])
    star = local_g(answer["value"], neighbours, permutations=999, seed=1)
    assert np.abs(star.z - answer["Gstar_B"]).max() < 1e-9
    assert np.abs(star.z - answer["Gstar_W"]).max() < 1e-9
    assert np.abs(star.p_normal - answer["Gstar_p_two_sided"]).max() < 1e-12
    assert np.abs(false_discovery_control(star.p_normal) - answer["Gstar_p_fdr_BH"]).max() < 1e-12
    assert ((star.p > 0) & (star.p <= 1)).all()
    assert np.abs(local_g(answer["value"], neighbours, star=False, permutations=999).z - answer["G_B"]).max() < 1e-9


@pytest.mark.parametrize("data", ["columbus_crime", "nc_sids74"])
def test_local_moran_equals_spdep(data: str) -> None:
    answer = json.loads(shared(f"hotspot/{data}.json").read_text())
    found = local_moran(answer["value"], listed(answer["neighbours0"]), permutations=999)
    assert np.abs(found.i - answer["localmoran"]["Ii"]).max() < 1e-9
    assert np.abs(found.z - answer["localmoran"]["Z"]).max() < 1e-9


@pytest.mark.parametrize("reach", [30, 60, 90, 120])
def test_the_worked_example_of_getis_and_ord_equals_spdep(reach: int) -> None:
    answer = json.loads(shared("hotspot/getisord_localG.json").read_text())
    neighbours = distance_band(np.column_stack([answer["x"], answer["y"]]), reach)
    for star, name in ((True, "Gstar"), (False, "G")):
        z = local_g(answer["val"], neighbours, star=star, permutations=99).z
        assert np.abs(z - answer[f"{name}{reach}"]).max() < 1e-9


def test_the_printed_values_of_getis_and_ord() -> None:
    answer = json.loads(shared("hotspot/getisord_localG.json").read_text())
    places = np.column_stack([answer["x"], answer["y"]])
    seen = [
        local_g(answer["val"], distance_band(places, reach), star=False, permutations=99).z[answer["index_published"] - 1]
        for reach in (30, 60, 90, 120)
    ]
    assert np.round(seen, 3).tolist() == [1.222, 1.748, 1.986, 1.893]


@pytest.mark.parametrize("skew", [0.3, 3.0])
def test_gi_and_moran_equal_esda_on_random_coverages(skew: float) -> None:
    faces, _ = tessellation(11, 400)
    values = np.random.default_rng(2).gamma(skew, size=len(faces))
    neighbours = queen(faces)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from esda.getisord import G_Local  # noqa: PLC0415  takes seconds to load
        from esda.moran import Moran_Local  # noqa: PLC0415
        from libpysal.weights import Queen  # noqa: PLC0415

        w = Queen(faces)
        for star in (True, False):
            theirs = G_Local(values, w, transform="B", star=star, permutations=0)
            ours = local_g(values, neighbours, star=star, permutations=99)
            assert np.abs(ours.z - theirs.Zs).max() < 1e-9
        theirs = G_Local(values, w, transform="B", star=True, permutations=0)
        assert np.abs(local_g(values, neighbours, permutations=99).g - theirs.Gs).max() < 1e-12
        moran = Moran_Local(values, w, transformation="r", permutations=0)
    ours = local_moran(values, neighbours, permutations=99)
    size = len(values)
    assert np.abs(ours.i - moran.Is * size / (size - 1)).max() < 1e-9
    assert [["HH", "LH", "LL", "HL"][each - 1] for each in moran.q] == ours.quadrant.tolist()


@pytest.mark.slow  # esda compiles for most of a minute
def test_permutation_p_equals_that_of_esda_but_for_chance() -> None:
    faces, _ = tessellation(12, 150)
    values = np.random.default_rng(3).gamma(1.0, size=len(faces))
    draws = 9_999
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from esda.getisord import G_Local  # noqa: PLC0415  takes seconds to load
        from libpysal.weights import Queen  # noqa: PLC0415

        theirs = G_Local(values, Queen(faces), transform="B", star=False, permutations=draws, seed=5, n_jobs=1, keep_simulations=True)
    _, _, below = tails(values, queen(faces), permutations=draws, seed=6)
    share, other = below / draws, (theirs.rGs <= theirs.Gs[:, None]).mean(axis=1)
    error = np.sqrt(np.maximum(share * (1 - share), 1e-4) * 2 / draws)
    assert (np.abs(share - other) / error).max() < 5


@pytest.mark.parametrize(("size", "reach", "ties"), [(9, 1, False), (9, 2, True), (12, 2, False), (8, 3, True)])
def test_tails_are_those_of_all_possible_draws(size: int, reach: int, ties: bool) -> None:
    random = np.random.default_rng(size + reach)
    values = random.poisson(1.0, size).astype(float) if ties else random.gamma(0.7, size=size)
    neighbours, draws = ring(size, reach), 99_999
    _, above, below = tails(values, neighbours, permutations=draws, seed=4)
    for counted, shares in zip((above, below), exact_tails(values, neighbours), strict=True):
        for count, share in zip(counted.tolist(), shares, strict=True):
            assert binomtest(count, draws, share).pvalue > 1e-5 if 0 < share < 1 else count == draws * round(share)


def test_areas_with_unequal_numbers_of_neighbours_share_the_draws_and_stay_exact() -> None:
    random = np.random.default_rng(8)
    values = random.gamma(0.5, size=10)
    neighbours = listed([[1], [0, 2], [1, 3, 4], [2, 4, 5, 6], [2, 3, 5, 6, 7], [3, 4, 6, 7, 8], [3, 4, 5], [4, 5], [5, 9], [8]])
    draws = 99_999
    _, above, below = tails(values, neighbours, permutations=draws, seed=9)
    for counted, shares in zip((above, below), exact_tails(values, neighbours), strict=True):
        for count, share in zip(counted.tolist(), shares, strict=True):
            assert binomtest(count, draws, share).pvalue > 1e-5


@pytest.mark.parametrize(("size", "draws"), [(1, 99), (40, 99), (300, 999), (50, 9_999)])
def test_counted_false_discovery_control_equals_scipys(size: int, draws: int) -> None:
    for seed in range(20):
        tail = np.minimum(np.random.default_rng(seed).geometric(4 / draws, size) - 1, draws)
        p, q = judged(tail, draws)
        assert np.abs(p - np.minimum(1, 2 * (tail + 1) / (draws + 1))).max() == 0
        assert np.abs(q - false_discovery_control(p)).max() < 1e-14


def test_many_blocks_of_draws_count_like_one(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(1).gamma(1.0, size=200)
    neighbours = nearest(np.random.default_rng(2).random((200, 2)), 5)
    whole = tails(values, neighbours, permutations=9_999, seed=3)
    monkeypatch.setattr("gis.hotspots.permutation.BLOCK", 1_000)
    told: list[tuple[int, int]] = []
    parts = tails(values, neighbours, permutations=9_999, seed=3, progress=lambda done, of: told.append((done, of)))
    assert all(np.array_equal(one, other) for one, other in zip(whole, parts, strict=True))
    assert told[-1] == (9_999, 9_999)
    assert len(told) == 10


def test_a_tie_counts_as_extreme_on_both_sides() -> None:
    values = np.tile([0.1, 0.2, 0.3], 20)
    _, above, below = tails(values, ring(60, 1), permutations=999, seed=1)
    # 0.1 + 0.2 and 0.3 + 0 differ in their last bit; the draws that tie are in both counts.
    assert (above + below > 999).all()


def test_same_seed_same_answer_and_another_seed_another() -> None:
    values = np.random.default_rng(1).gamma(1.0, size=100)
    one, again, other = (local_g(values, ring(100, 2), permutations=999, seed=seed) for seed in (7, 7, 8))
    assert np.array_equal(one.p, again.p)
    assert not np.array_equal(one.p, other.p)


def test_z_does_not_depend_on_the_unit_of_the_values() -> None:
    values = np.random.default_rng(1).gamma(1.0, size=100)
    one, other = (local_g(each, ring(100, 2), permutations=999, seed=7) for each in (values, 1e6 + 40 * values))
    assert np.abs(one.z - other.z).max() < 1e-6
    assert np.array_equal(one.p, other.p)


def test_islands_are_left_out_of_everything() -> None:
    values = np.random.default_rng(1).gamma(1.0, size=61)
    values[60] = 1e9
    alone = ring(60, 2)
    with_island = Neighbours(np.append(alone.first, alone.first[-1]), alone.index)
    one, other = local_g(values[:60], alone, permutations=999), local_g(values, with_island, permutations=999)
    assert np.array_equal(one.z, other.z[:60])
    assert np.isnan([other.z[60], other.p[60], other.q[60], other.g[60]]).all()
    assert local_moran(values, with_island, permutations=99).quadrant[60] == ""


@pytest.mark.parametrize(
    ("values", "neighbours", "refusal"),
    [
        (np.arange(20.0), ring(20, 1), NothingToAnalyse),
        (np.ones(40), ring(40, 1), NothingToAnalyse),
        (np.append(np.ones(39), np.nan), ring(40, 1), BadValue),
        (np.arange(39.0), ring(40, 1), BadValue),
        (np.arange(40.0), distance_band(np.zeros((40, 2)), 1), BadValue),
    ],
)
def test_too_little_and_what_is_no_number_are_refused(
    values: NDArray[np.float64], neighbours: Neighbours, refusal: type[Exception]
) -> None:
    for method in (local_g, local_moran):
        with pytest.raises(refusal):
            method(values, neighbours, permutations=99)


def test_fewer_than_99_permutations_are_refused() -> None:
    with pytest.raises(BadValue):
        local_g(np.arange(40.0), ring(40, 1), permutations=98)


def test_how_many_areas_the_draws_could_find_at_all() -> None:
    # 999 draws: no p is below 0.002, so of 100,965 cells 4,039 would have to be at that floor before one passes.
    assert too_few_draws(100_965, 999) == 4_039
    assert too_few_draws(1_007, 99_999) == 1
    assert too_few_draws(3_461, 99_999) == 2
