"""Gi*, local Moran and their weights against esda, pygeoda and libpysal, with equal answers."""

import contextlib
import io
import warnings
from collections.abc import Callable
from typing import Any

import geopandas as gpd
import numpy as np

from bench._methods import CELLS, GRIDS, as_peer, compared, coverage, ground
from bench.harness import BenchContext, Report, interleaved
from gis.hotspots.gi import analytic, local_g
from gis.hotspots.moran import local_moran
from gis.hotspots.permutation import PERMUTATIONS, tails
from gis.hotspots.permutation_kernels import neighbour_sums
from gis.hotspots.weights import Neighbours, queen

DRAWS = 999
SIGMAS = 6.0


def run(context: BenchContext, report: Report) -> None:
    """CPU seconds; z must be equal, p equal but for the chance of two sets of draws."""
    warnings.simplefilter("ignore")
    for count in (*GRIDS, CELLS):
        shapes, neighbours = ground(count)
        values = np.random.default_rng(count).gamma(0.6, size=len(neighbours))
        rounds = 3 if count < CELLS else 1
        _esda(report, values, neighbours, rounds)
        _pygeoda(report, shapes, values, neighbours, rounds)
        _default(report, values, neighbours)
    for count in GRIDS:
        _weights(report, coverage(count))


def _esda(report: Report, values: np.ndarray, neighbours: Neighbours, rounds: int) -> None:
    from esda.getisord import G_Local  # noqa: PLC0415  seconds to load
    from esda.moran import Moran_Local  # noqa: PLC0415

    w, few = as_peer(neighbours), f"{len(neighbours):,} areas"

    def z() -> np.ndarray:
        return analytic(values, neighbour_sums(values, neighbours.first, neighbours.index), neighbours.number, star=True)[1]

    def theirs(permutations: int) -> Any:
        return G_Local(values, w, transform="B", star=True, permutations=permutations, n_jobs=1, keep_simulations=False)

    compared(report, f"Gi* z, {few} v esda", z, lambda: theirs(0).Zs, rounds, _equal)
    same = _but_for_chance(values, neighbours)
    compared(report, f"Gi*, {DRAWS} draws, {few} v esda", lambda: local_g(values, neighbours, permutations=DRAWS).p,
             lambda: 2 * theirs(DRAWS).p_sim, rounds, same)  # fmt: skip
    compared(report, f"local Moran, {DRAWS} draws, {few} v esda", lambda: local_moran(values, neighbours, permutations=DRAWS).p,
             lambda: 2 * Moran_Local(values, w, permutations=DRAWS, n_jobs=1, keep_simulations=False).p_sim, rounds, same)  # fmt: skip


def _pygeoda(report: Report, shapes: list[Any], values: np.ndarray, neighbours: Neighbours, rounds: int) -> None:
    import pygeoda  # noqa: PLC0415  for benches only

    with contextlib.redirect_stdout(io.StringIO()):
        weights = pygeoda.queen_weights(pygeoda.open(gpd.GeoDataFrame({"value": values}, geometry=shapes)))
    if any(len(weights.get_neighbors(area)) != neighbours.number[area] for area in range(0, len(values), 97)):
        report.note(f"pygeoda finds other neighbours of {len(values):,} areas; left out.")
        return
    given = values.tolist()

    def peer() -> np.ndarray:
        found = pygeoda.local_gstar(weights, given, permutations=DRAWS, permutation_method="lookup", cpu_threads=1, seed=1)
        return 2 * np.array(found.lisa_pvalues())

    compared(report, f"Gi*, {DRAWS} draws, {len(values):,} areas v pygeoda look-up",
             lambda: local_g(values, neighbours, permutations=DRAWS).p, peer, rounds, _but_for_chance(values, neighbours))  # fmt: skip


def _default(report: Report, values: np.ndarray, neighbours: Neighbours) -> None:
    timing = interleaved(
        ours=lambda: local_g(values, neighbours, permutations=PERMUTATIONS), peer=lambda: local_g(values, neighbours, permutations=DRAWS),
        rounds=3, clock="cpu",
    )  # fmt: skip
    report.add(f"Gi*, {PERMUTATIONS:,} draws, {len(values):,} areas v ours with {DRAWS}", ours=timing.ours, peer=timing.peer, unit="cpu s",
               memory=timing.memory)  # fmt: skip


def _weights(report: Report, shapes: list[Any]) -> None:
    from libpysal.weights import Queen  # noqa: PLC0415  seconds to load

    frame = gpd.GeoDataFrame(geometry=shapes)

    def listed(pairs: list[Any]) -> np.ndarray:
        return np.array([len(pairs), sum(hash((area, tuple(sorted(map(int, each))))) % 2**40 for area, each in enumerate(pairs))])

    def peer() -> Any:
        found = Queen.from_dataframe(frame, use_index=False, silence_warnings=True)
        return [found.neighbors[area] for area in range(found.n)]

    def ours() -> Any:
        found = queen(shapes)
        return [found.of(area) for area in range(len(found))]

    compared(report, f"queen neighbours of {len(shapes):,} areas v libpysal", ours, peer, 3,
             lambda one, other: bool((listed(one) == listed(other)).all()))  # fmt: skip


def _equal(ours: np.ndarray, theirs: np.ndarray) -> bool:
    return bool(np.abs(ours - theirs).max() < 1e-9)


def _but_for_chance(values: np.ndarray, neighbours: Neighbours) -> Callable[[np.ndarray, np.ndarray], bool]:
    """Whether p are those of the same law, each from DRAWS draws of its own.

    The peers take the side on which fewer draws lie, we that of z: so what is compared with theirs is the smaller of our two
    tails, of which ours must be one. Nearly none may lie SIGMAS of both errors apart, and on average none does.
    """
    _, above, below = tails(values, neighbours, permutations=DRAWS, seed=0)
    sides = 2 * (np.stack([above, below]) + 1) / (DRAWS + 1)

    def same(ours: np.ndarray, theirs: np.ndarray) -> bool:
        smaller = sides.min(axis=0)
        tail = np.clip(theirs / 2, 1 / DRAWS, 0.5)
        apart = np.abs(smaller - theirs) / (2 * np.sqrt(2 * tail * (1 - tail) / DRAWS))
        own = np.abs(np.minimum(sides, 1) - ours).min(axis=0).max()
        return bool(own < 1e-12 and np.mean(apart > SIGMAS) < 1e-3 and abs(np.mean(smaller - theirs)) < 0.02)

    return same
