"""The scan finds what the reference programs find, is as often wrong as it says, and refuses what it cannot answer."""

import json
import math

import numpy as np
import pytest

from gis.errors import BadCoordinate, BadValue, NothingToAnalyse, TooLarge
from gis.hotspots import circles as windows
from gis.hotspots.circles import circles, on_sphere
from gis.hotspots.scan import Scan, Sought, scan
from gis.hotspots.scan_kernels import BERNOULLI, POISSON, log_ratio
from gis.hotspots.scan_time import Cylinders, counts_of, permutation_scan, space_time_scan, steps_of
from tests.gis.tessellations import shared


def board(side: int, step: float = 100.0) -> np.ndarray:
    row, column = np.divmod(np.arange(side * side), side)
    return np.column_stack([column, row]) * step


def crooked(side: int, seed: int = 0) -> np.ndarray:
    return board(side) + np.random.default_rng(seed).normal(0, 10, (side * side, 2))


def fever() -> tuple[list[str], np.ndarray, np.ndarray]:
    """SaTScan's sample of fevers by postal zone: zones, their places, counts by day from 1 to 24 November."""
    zones = [line.split() for line in shared("hotspot/NYCfever.geo").read_text().splitlines()]
    cases = [line.split() for line in shared("hotspot/NYCfever.cas").read_text().splitlines()]
    row = {zone[0]: at for at, zone in enumerate(zones)}
    step, steps = steps_of([int(case[2].split("/")[2]) for case in cases], start=1, end=24)
    counts = counts_of([row[case[0]] for case in cases], step, places=len(zones), steps=steps, cases=[int(case[1]) for case in cases])
    return [zone[0] for zone in zones], on_sphere([float(zone[2]) for zone in zones], [float(zone[1]) for zone in zones]), counts


def test_lung_cancer_in_pennsylvania_equals_spatialepi() -> None:
    answer = json.loads(shared("hotspot/pennLC_spatialepi_binomial.json").read_text())
    for places in (on_sphere(answer["lon"], answer["lat"]), np.column_stack([answer["x"], answer["y"]])):
        found = scan(places, answer["cases"], answer["pop"], model="bernoulli", sought=Sought(max_share=0.5, seed=1))
        for ours, theirs in zip(found.clusters, [answer["mlc"], *answer["secondary"]], strict=False):
            assert ours.members.tolist() == theirs["ids0"]
            assert ours.log_ratio == pytest.approx(theirs["LLR"], rel=1e-8)
            assert (ours.observed, ours.expected) == (theirs["cases"], pytest.approx(theirs["expected"]))
            assert ours.p == pytest.approx(theirs["p"], abs=0.005)


def test_leukaemia_in_new_york_equals_spatialepi_but_for_its_truncated_total() -> None:
    answer = json.loads(shared("hotspot/NYleukemia_spatialepi_binomial.json").read_text())
    places = np.column_stack([answer["x"], answer["y"]])
    found = scan(places, answer["cases"], answer["pop"], model="bernoulli", sought=Sought(max_share=0.15, seed=1))
    first, second = found.clusters[:2]
    assert first.members.tolist() == answer["mlc"]["ids0"]
    assert second.members.tolist() == answer["secondary"][0]["ids0"]
    assert first.log_ratio == pytest.approx(13.286837, abs=1e-6)
    truncated = log_ratio(first.observed, first.at_risk * 591 / sum(answer["pop"]), 591.0, float(sum(answer["pop"])), BERNOULLI)
    assert truncated == pytest.approx(answer["mlc"]["LLR"], abs=1e-6)
    assert first.p == 0.001
    assert second.p == pytest.approx(answer["secondary"][0]["p"], abs=0.02)


def test_the_prospective_scan_of_fevers_equals_satscan() -> None:
    zones, places, counts = fever()
    sought = Sought(max_share=0.5, max_radius_m=3000, seed=1)
    found = permutation_scan(places, counts, cylinders=Cylinders(max_steps=7, prospective=True), sought=sought)
    satscan = [  # members, first and last day, cases, expected, statistic, p
        ("11418 11415 11419 11435 11416 11421 11451 11375 11417", 22, 24, 4, 0.67, 3.845418, 0.216),
        ("11372", 24, 24, 2, 0.16, 3.164201, 0.506),
        ("10472", 23, 24, 2, 0.29, 2.137259, 0.948),
        ("10469 10475 10467 10466", 24, 24, 2, 0.45, 1.427139, 0.999),
    ]
    for ours, (members, first, last, cases, expected, statistic, p) in zip(found.scan.clusters, satscan, strict=False):
        assert " ".join(zones[row] for row in ours.members) == members
        assert (ours.first_step + 1, ours.last_step + 1, ours.observed) == (first, last, cases)
        assert ours.expected == pytest.approx(expected, abs=0.005)
        assert ours.log_ratio == pytest.approx(statistic, abs=5e-7)
        assert ours.p == pytest.approx(p, abs=0.05)
    assert found.scan.clusters[0].radius_m == pytest.approx(2900, abs=5)
    assert found.recurrence_days is not None
    assert found.recurrence_days[0] == pytest.approx(1 / found.scan.clusters[0].p)


@pytest.mark.parametrize("model", ["poisson", "bernoulli"])
def test_the_likeliest_circle_is_that_of_brute_force(model: str) -> None:
    random = np.random.default_rng(3)
    for _ in range(10):
        places = random.random((25, 2)) * 1000
        trials = random.integers(5, 80, 25)
        cases = random.binomial(trials, random.choice([0.1, 0.4], 25))
        best = brute(places, cases, trials, 0.4, BERNOULLI if model == "bernoulli" else POISSON)
        found = scan(places, cases, trials, model=model, sought=Sought(max_share=0.4, permutations=99))
        assert found.clusters[0].log_ratio == pytest.approx(best, rel=1e-12)


@pytest.mark.parametrize("model", ["poisson", "bernoulli"])
@pytest.mark.parametrize("total", [60, 40_000])
def test_the_replicas_largest_ratios_are_those_of_brute_force(model: str, total: int) -> None:
    from gis.hotspots import scan_kernels  # noqa: PLC0415
    from gis.hotspots.scan_replicas import Null, Window, bernoulli_draw, largest_ratios, poisson_draw  # noqa: PLC0415

    random = np.random.default_rng(8)
    places, trials = random.random((30, 2)) * 1000, random.integers(2000, 9000, 30).astype(float)
    kind = scan_kernels.BERNOULLI if model == "bernoulli" else scan_kernels.POISSON
    draw = bernoulli_draw(trials, total) if model == "bernoulli" else poisson_draw(trials[:, None], total)
    around = circles(places, trials, max_share=0.5)
    expected = (trials * total / trials.sum())[:, None]
    null = Null(total, 2, kind, float(trials.sum()))
    ours = np.concatenate(list(largest_ratios(around, expected, Window(np.zeros(1, np.int64), 1), draw, null, seed=5, replicas=150)))
    counts = [draw(np.random.default_rng([5, block]), many)[:, 0, :many] for block, many in ((0, 128), (1, 22))]
    assert (np.concatenate(counts, axis=1).sum(axis=0) == total).all()
    slow = [brute(places, drawn, trials, 0.5, kind) for drawn in np.concatenate(counts, axis=1).T[::7]]
    assert ours[::7] == pytest.approx(slow, rel=1e-9)


def test_the_cylinders_of_replicas_are_those_of_brute_force() -> None:
    from gis.hotspots.scan_replicas import Null, Window, largest_ratios, permutation_draw  # noqa: PLC0415

    random = np.random.default_rng(4)
    places, cases = random.random((12, 2)) * 1000, random.poisson(0.7, (12, 9)).astype(np.int64)
    total, draw = int(cases.sum()), permutation_draw(cases, slice(0, 9))
    expected = np.outer(cases.sum(axis=1), cases.sum(axis=0)) / total
    around = circles(places, cases.sum(axis=1), max_share=0.5)
    window = Window(np.arange(9), 4)
    ours = next(iter(largest_ratios(around, expected, window, draw, Null(total, 2, POISSON), seed=2, replicas=40)))
    drawn = draw(np.random.default_rng([2, 0]), 40)
    for lane in range(40):
        mixed = drawn[:, :, lane]
        assert mixed.sum(axis=0).tolist() == cases.sum(axis=0).tolist()
        assert mixed.sum(axis=1).tolist() == cases.sum(axis=1).tolist()
        best = 0.0
        for centre in range(12):
            for k in range(around.first[centre], around.first[centre + 1]):
                inside = around.order[around.first[centre] : k + 1]
                for end in range(9):
                    for begin in range(max(0, end - 3), end + 1):
                        count, mean = mixed[inside, begin : end + 1].sum(), expected[inside, begin : end + 1].sum()
                        best = max(best, log_ratio(float(count), mean, float(total), 0.0, POISSON) if count >= 2 else 0.0)
        assert ours[lane] == pytest.approx(best, rel=1e-9)


def brute(places: np.ndarray, cases: np.ndarray, base: np.ndarray, share: float, model: int) -> float:
    """The largest ratio of any circle of 2 cases or more, one circle at a time."""
    total, everyone, best = float(cases.sum()), float(base.sum()), 0.0
    for centre in places:
        apart = np.hypot(*(places - centre).T)
        for reach in apart:
            inside = apart <= reach
            if base[inside].sum() <= share * everyone * (1 + 1e-12) and cases[inside].sum() >= 2:
                expected = base[inside].sum() * total / everyone
                best = max(best, log_ratio(float(cases[inside].sum()), expected, total, everyone, model))
    return best


def test_places_as_near_as_one_another_enter_a_circle_together() -> None:
    around = circles(board(5), np.ones(25), max_share=0.6)
    middle = around.order[around.first[12] : around.first[13]], around.whole[around.first[12] : around.first[13]]
    assert np.flatnonzero(middle[1]).tolist() == [0, 4, 8, 12]
    assert sorted(middle[0][:5].tolist()) == [7, 11, 12, 13, 17]


def test_many_places_get_the_circles_that_few_get(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(6)
    places, base = random.random((900, 2)) * 5000, random.integers(0, 50, 900).astype(float)
    slow = circles(places, base, max_share=0.03, max_radius_m=600)
    monkeypatch.setattr(windows, "TREE_FROM", 100)
    quick = circles(places, base, max_share=0.03, max_radius_m=600)
    assert (slow.first == quick.first).all() and (slow.order == quick.order).all() and (slow.whole == quick.whole).all()


def test_under_chance_p_is_as_often_small_as_it_says() -> None:
    random = np.random.default_rng(11)
    places, population = crooked(8), random.integers(20, 400, 64)
    p = []
    for run in range(400):
        cases = random.multinomial(120, population / population.sum())
        found = scan(places, cases, population, sought=Sought(max_share=0.25, permutations=199, seed=run))
        p.append(found.clusters[0].p if found.clusters else 1.0)
    for level in (0.05, 0.1, 0.25, 0.5):
        assert np.mean(np.array(p) <= level) == pytest.approx(level, abs=3.5 * math.sqrt(level * (1 - level) / 400))


def test_under_chance_the_daily_watch_alarms_as_often_as_it_says() -> None:
    random = np.random.default_rng(12)
    busy, places = random.integers(1, 9, 36), crooked(6)
    small = 0
    for run in range(300):
        counts = random.multinomial(200, np.outer(busy, np.ones(20)).ravel() / busy.sum() / 20).reshape(36, 20)
        watch = permutation_scan(places, counts, cylinders=Cylinders(5, prospective=True), sought=Sought(0.25, permutations=99, seed=run))
        small += bool(watch.scan.clusters) and watch.scan.clusters[0].p <= 0.1
    assert small / 300 == pytest.approx(0.1, abs=3.5 * math.sqrt(0.09 / 300))


def test_a_planted_cluster_is_found_where_and_when_it_was_planted() -> None:
    random = np.random.default_rng(2)
    side, places = 15, crooked(15)
    row, column = np.divmod(np.arange(side * side), side)
    planted = np.flatnonzero((row - 10) ** 2 + (column - 4) ** 2 <= 2)
    counts = random.poisson(0.1, (side * side, 40))
    counts[planted, 33:] += random.poisson(0.6, (len(planted), 7))
    watch = permutation_scan(places, counts, cylinders=Cylinders(14, prospective=True), sought=Sought(0.1, seed=4))
    first = watch.scan.clusters[0]
    assert first.p == 0.001
    assert first.gumbel_p < 0.001
    assert len(set(planted) & set(first.members)) >= 7 and len(first.members) <= 14
    assert abs(first.first_step - 33) <= 2 and first.last_step == 39
    whole = space_time_scan(places, counts, np.ones(side * side), cylinders=Cylinders(14), sought=Sought(0.1, seed=4))
    assert set(planted) & set(whole.scan.clusters[0].members)
    assert whole.recurrence_days is None


def test_clusters_share_no_place_and_the_same_seed_gives_the_same_answer() -> None:
    random = np.random.default_rng(9)
    population = random.integers(50, 300, 100)
    cases = random.poisson(population * 0.1)
    first, again = (scan(crooked(10), cases, population, sought=Sought(seed=7)) for _ in range(2))
    members = np.concatenate([each.members for each in first.clusters])
    assert len(members) == len(set(members.tolist()))
    assert [each.log_ratio for each in first.clusters] == sorted((each.log_ratio for each in first.clusters), reverse=True)
    assert (first.largest == again.largest).all()
    assert [each.p for each in first.clusters] == [each.p for each in again.clusters]
    assert (scan(crooked(10), cases, population, sought=Sought(seed=8)).largest != first.largest).any()


def test_replicas_end_early_only_where_the_first_cluster_is_chance() -> None:
    random = np.random.default_rng(10)
    population = np.full(100, 200)
    dull = scan(crooked(10), random.poisson(5, 100), population, sought=Sought(stop_after=20, seed=1))
    whole = scan(crooked(10), np.where(np.arange(100) < 2, 60, 5), population, sought=Sought(stop_after=20, seed=1))
    assert dull.stopped and len(dull.largest) < 999
    assert dull.clusters[0].p == 20 / len(dull.largest)
    assert not whole.stopped and len(whole.largest) == 999
    assert whole.clusters[0].p == 0.001


def test_critical_values_are_those_of_the_replicas() -> None:
    found = Scan([], 9, 9, 1, np.arange(1.0, 1000.0), False, 0.1, None, 0)
    assert found.critical(0.05) == 950
    assert found.critical(0.001) == 999
    assert found.critical(0.0005) == math.inf


def test_all_cases_in_one_place_are_one_cluster_of_infinite_relative_risk() -> None:
    cases = np.zeros(100)
    cases[44] = 12
    found = scan(crooked(10), cases, np.full(100, 50), sought=Sought(seed=1))
    assert found.clusters[0].members.tolist() == [44]
    assert found.clusters[0].relative_risk == math.inf
    assert len(found.clusters) == 1


@pytest.mark.parametrize(
    ("cases", "at_risk", "refusal", "words"),
    [
        ([np.nan, 9], [5, 5], BadValue, "missing"),
        ([-1, 9], [5, 5], BadValue, "negative"),
        ([3, 9], [0, 5], BadValue, "nobody"),
        ([1, 0], [5, 5], NothingToAnalyse, "few cases"),
        ([9, 9, 9], [9, 9], BadValue, "length"),
    ],
)
def test_bad_numbers_are_refused(cases: list[float], at_risk: list[float], refusal: type[Exception], words: str) -> None:
    with pytest.raises(refusal, match=words):
        scan([[0, 0], [9, 9]], cases, at_risk)


def test_what_cannot_be_compared_is_refused() -> None:
    places, cases = crooked(3), np.full(9, 3)
    for refusal, ask in (
        (NothingToAnalyse, lambda: scan(np.zeros((9, 2)), cases, cases)),
        (NothingToAnalyse, lambda: scan([[0, 0]], [9], [99])),
        (NothingToAnalyse, lambda: scan(places, cases, cases, model="bernoulli")),
        (BadValue, lambda: scan(places, cases, cases - 1, model="bernoulli")),
        (NothingToAnalyse, lambda: scan(places, cases, cases, sought=Sought(max_share=0.01))),
        (BadValue, lambda: scan(places, cases, cases, sought=Sought(max_share=1.5))),
        (BadValue, lambda: scan(places, cases, cases, sought=Sought(permutations=10))),
        (BadCoordinate, lambda: scan(np.full((9, 2), np.nan), cases, cases)),
        (BadValue, lambda: scan(places, cases, np.full(9, 1e9), model="bernoulli")),
        (NothingToAnalyse, lambda: permutation_scan(places, np.full((9, 1), 3))),
        (NothingToAnalyse, lambda: permutation_scan(places, np.outer(np.ones(9), [0, 4, 0]))),
        (BadValue, lambda: permutation_scan(places, np.full((9, 4), 0.5))),
        (BadValue, lambda: permutation_scan(places, np.full((9, 4), 1), cylinders=Cylinders(9))),
        (BadValue, lambda: space_time_scan(places, np.full((9, 4), 1), np.zeros(9))),
        (BadValue, lambda: steps_of([1, 2, 99], start=1, end=24)),
    ):
        with pytest.raises(refusal):
            ask()


def test_circles_beyond_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "MOST_ENTRIES", 100)
    with pytest.raises(TooLarge):
        circles(crooked(10), np.ones(100), max_share=0.5)


def test_steps_are_counted_back_from_the_end() -> None:
    step, steps = steps_of([1, 3, 4, 9.7, 10], start=1, end=10, step_days=7)
    assert (step.tolist(), steps) == ([0, 0, 1, 1, 1], 2)
