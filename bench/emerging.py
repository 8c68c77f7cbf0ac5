"""Emerging hot spots against esda's Gi* step by step and pymannkendall's test area by area, with equal answers."""

import warnings

import numpy as np
import pymannkendall

from bench._methods import CELLS, GRIDS, as_peer, ground
from bench.harness import BenchContext, Report, interleaved
from gis.hotspots.emerging import Emerging, emerging

STEPS = 36
TESTED = 500
"""Areas whose trend the peer tests; counted as if it had tested all."""


def run(context: BenchContext, report: Report) -> None:
    """CPU seconds; z, tau and p of the trend must be equal."""
    warnings.simplefilter("ignore")
    for count in (*GRIDS, CELLS):
        _cube(report, count)
    report.note(f"pymannkendall tested {TESTED} areas and is counted as if it had tested all.")


def _cube(report: Report, count: int) -> None:
    from esda.getisord import G_Local  # noqa: PLC0415  seconds to load

    _, neighbours = ground(count)
    cube = np.random.default_rng(count).poisson(4.0, (len(neighbours), STEPS)).astype(float)
    w, few = as_peer(neighbours), f"{len(neighbours):,} areas × {STEPS} steps"
    some = np.linspace(0, len(cube) - 1, TESTED).astype(int)
    answers: dict[str, Emerging] = {}
    theirs: dict[str, np.ndarray] = {}

    def ours() -> None:
        answers["ours"] = emerging(cube, neighbours, lag=0, compare="step", chance="normal")

    def gi() -> None:
        theirs["z"] = np.column_stack([G_Local(cube[:, at], w, transform="B", star=True, permutations=0).Zs for at in range(STEPS)])

    def trend() -> None:
        found = [pymannkendall.original_test(theirs["z"][area]) for area in some]
        theirs["tau"], theirs["p"] = np.array([each.Tau for each in found]), np.array([each.p for each in found])

    first = interleaved(ours=ours, peer=gi, rounds=3 if count < CELLS else 1, clock="cpu")
    second = interleaved(ours=lambda: None, peer=trend, rounds=1, clock="cpu")
    found = answers["ours"]
    for own, their in ((found.z, theirs["z"]), (found.tau[some], theirs["tau"]), (found.trend_p[some], theirs["p"])):
        if np.abs(own - their).max() > 1e-7:
            raise RuntimeError(f"The answers differ by {np.abs(own - their).max()}.")
    peer = first.peer + second.peer * len(cube) / TESTED
    report.add(f"{few} v esda + pymannkendall", ours=first.ours, peer=peer, unit="cpu s", memory=first.memory)
    drawn = interleaved(ours=lambda: emerging(cube, neighbours), peer=ours, rounds=1, clock="cpu")
    report.add(f"{few}, 99,999 draws over the whole cube, v ours by the normal law", ours=drawn.ours, peer=drawn.peer, unit="cpu s",
               memory=drawn.memory)  # fmt: skip
