"""Proposals of balanced grids on the demo district, beside METIS, spopt's heuristics and GerryChain on the same atoms."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from bench import _partitioners as peers
from bench._partitioners import Case, Ints, Partitioner, within_limit
from bench.harness import BenchContext, Report
from data.demo.generate import begin
from gis.atoms import tessellate
from gis.balance.goal import count_of, goal_of
from gis.balance.graph import Graph, components, graph_of
from gis.balance.one_click import balance
from gis.balance.proposal import compactness
from gis.balance.propose import propose
from gis.crs import local_metres

NOW = datetime(2026, 10, 1, 4, tzinfo=UTC)
LOW, HIGH = 300.0, 500.0
SAMPLE = 8
"""Communities for all methods; those that are quick do the whole district, too."""
LIMIT_S = 40
THOROUGH = 1_500
"""Changes an atom that a proposal tries to be the equal of long searches; its default is a fifth of that."""
GROWTH = 0.35
"""By how much (sigma of its logarithm) the households of a block change before a plan is repaired."""
STAY = (0.0, 2.0, 10.0, 40.0)
CLICKS = 100


def _ours(case: Case) -> Ints:
    return propose(case.graph, low=case.low, high=case.high, parts=case.parts, seed=case.seed).labels


def _thorough(case: Case) -> Ints:
    moves = THOROUGH * len(case.graph)
    return propose(case.graph, low=case.low, high=case.high, parts=case.parts, seed=case.seed, moves=moves).labels


OURS = "ours"
METHODS: dict[str, Partitioner] = {
    OURS: _ours,
    "ours, thorough": _thorough,
    "METIS k-way": peers.metis,
    "METIS recursive": peers.metis_recursive,
    "spopt Ward": peers.ward,
    "spopt Spenc": peers.spenc,
    "spopt Skater": peers.skater,
    "spopt RegionKMeans": peers.region_k_means,
    "GerryChain seed": peers.chain_seed,
    "GerryChain ReCom 300": peers.chain,
}
WHOLE = (OURS, "ours, thorough", "METIS k-way", "METIS recursive", "spopt Ward")


@dataclass
class Tally:
    """What one method came to over some communities; arrays are over grids."""

    cpu_s: float = 0.0
    solved: int = 0
    asked: int = 0
    torn: int = 0
    in_range: list[bool] = field(default_factory=list)
    compact: list[float] = field(default_factory=list)
    border_m: float = 0.0
    road_m: float = 0.0
    split: int = 0

    def take(self, case: Case, labels: Ints | None, spent: float) -> None:
        """Count an answer; one that is missing or leaves parts empty is not solved."""
        self.cpu_s += spent
        self.asked += 1
        if labels is None or len(np.unique(labels)) != case.parts:
            return
        graph, (names, part) = case.graph, np.unique(labels, return_inverse=True)
        self.solved += 1
        weights = np.bincount(part, weights=graph.weights)
        self.in_range += ((weights >= case.low) & (weights <= case.high)).tolist()
        self.compact += compactness(graph, part, len(names)).tolist()
        inside = part[graph.edges[:, 0]] == part[graph.edges[:, 1]]
        self.torn += int(components(len(graph), graph.edges[inside]).max()) + 1 - len(names)
        self.border_m += float(graph.border_m[~inside].sum())
        self.road_m += float(graph.road_m[~inside].sum())
        self.split += len(np.unique(np.column_stack([graph.block, part]), axis=0)) - len(np.unique(graph.block))

    def figures(self) -> dict[str, float]:
        """All the figures; `splits`: how often a border parts a block, `torn`: pieces of grids beyond one each."""
        return {
            "in range": float(np.mean(self.in_range)), "PP": float(np.mean(self.compact)), "PP p10": float(np.quantile(self.compact, 0.1)),
            "roads": self.road_m / self.border_m, "border km": self.border_m / 1e3, "splits": float(self.split), "torn": float(self.torn),
        }  # fmt: skip


MORE_IS_BETTER = ("in range", "PP", "PP p10", "roads")


def run(context: BenchContext, report: Report) -> None:
    """All methods on a sample of communities in turn, then those that end in time on every community of the district."""
    del context  # atoms are made here, so that no database stands between the methods and their graph
    cases = list(_cases())
    _ours(cases[0])  # compiled
    by_size = sorted(cases, key=lambda case: len(case.graph))
    sample = by_size[len(by_size) // (2 * SAMPLE) :: len(by_size) // SAMPLE][:SAMPLE]
    _compare(report, f"{SAMPLE} communities", sample, list(METHODS))
    _compare(report, "district", cases, list(WHOLE))
    _repairs(report, cases)


def _compare(report: Report, name: str, cases: list[Case], methods: list[str]) -> None:
    tallies = {method: Tally() for method in methods}
    for turn, case in enumerate(cases):
        for method in methods if turn % 2 == 0 else reversed(methods):
            tallies[method].take(case, *within_limit(METHODS[method], case, LIMIT_S))
    atoms, parts = sum(len(case.graph) for case in cases), sum(case.parts for case in cases)
    report.note(f"{name}: {len(cases)} communities, {atoms:,} atoms, {parts} grids of {LOW:g} to {HIGH:g} households.")
    for method, tally in tallies.items():
        if method != OURS:
            report.add(f"{name}, CPU v {method}", ours=tallies[OURS].cpu_s, peer=tally.cpu_s, unit="s CPU")
    for method, tally in tallies.items():
        told = f"{method:<21} {tally.cpu_s:8.2f} s CPU, solved {tally.solved}/{tally.asked}"
        if tally.solved:
            told += "".join(f", {figure} {value:.4g}" for figure, value in tally.figures().items())
        report.note(f"{name}: {told}")
    for method in methods:
        if not method.startswith(OURS) and tallies[method].solved == tallies[method].asked:
            for mine in (each for each in methods if each.startswith(OURS)):
                report.note(f"{name}: {mine} is behind {method} on: {', '.join(_behind(tallies[mine], tallies[method])) or 'nothing'}.")


def _repairs(report: Report, cases: list[Case]) -> None:
    """Households change block by block; the plan is made anew or repaired, and bad grids are balanced by one click each."""
    chance = np.random.default_rng(7)
    ready = []
    for case in cases:
        factors = np.exp(chance.normal(0.0, GROWTH, int(case.graph.block.max()) + 1))[case.graph.block]
        ready.append((replace(case.graph, weights=np.round(case.graph.weights * factors)), _ours(case)))
    total = sum(float(later.weights.sum()) for later, _ in ready)
    began_with = float(np.mean(np.concatenate([_held(later, home) for later, home in ready])))
    report.note(f"repair: households of blocks change by a factor of e^N(0, {GROWTH}); {began_with:.1%} of the grids are still in range.")
    for stay in STAY:
        moved, held, began = 0.0, [], time.process_time()
        for later, home in ready:
            found = propose(later, low=LOW, high=HIGH, home=home, mu=stay)
            moved += found.moved_weight
            held.append(_held(later, found.labels))
        told = f"{moved / total:.1%} of the households move, {np.mean(np.concatenate(held)):.1%} in range"
        report.note(f"repair, mu {stay:g}: {told}, {time.process_time() - began:.2f} s CPU.")
    _clicks(report, ready)


def _clicks(report: Report, ready: list[tuple[Graph, Ints]]) -> None:
    """One click on each of some grids that are out of range."""
    spent, solved = [], 0
    for later, home in ready:
        for part in np.unique(home)[~_held(later, home)].tolist():
            began = time.process_time()
            solved += balance(later, home, part, low=LOW, high=HIGH).in_range
            spent.append((time.process_time() - began) * 1e3)
            if len(spent) == CLICKS:
                p95 = np.quantile(spent, 0.95)
                report.note(f"one click on a bad grid: {np.median(spent):.1f} ms CPU, p95 {p95:.1f}; {solved} of {CLICKS} mended.")
                return


def _held(graph: Graph, labels: Ints) -> NDArray[np.bool_]:
    weights = np.bincount(np.unique(labels, return_inverse=True)[1], weights=graph.weights)
    return (weights >= LOW) & (weights <= HIGH)


def _behind(ours: Tally, peer: Tally) -> Iterator[str]:
    for figure, value in ours.figures().items():
        other = peer.figures()[figure]
        if (value < other) if figure in MORE_IS_BETTER else (value > other):
            yield f"{figure} ({value:.4g} v {other:.4g})"


def _cases() -> Iterator[Case]:
    """The communities whose households allow a plan in range, with as many grids as a proposal aims at."""
    district = begin("district", seed=7, now=NOW).district
    base, houses = district.base, district.buildings
    lines = shapely.get_parts(np.array(base.geometry[base["layer"].isin(["road", "water"])].array, dtype=object))
    lines = np.where(shapely.get_dimensions(lines) == 2, shapely.boundary(lines), lines)
    tree = shapely.STRtree(lines)
    communities = district.areas[district.areas["level"] == "community"]
    goal = goal_of(float(houses["households"].sum()), len(houses), LOW, HIGH, None)
    for seed, (number, outline) in enumerate(communities.geometry.items()):
        near = lines[tree.query(outline, predicate="intersects")]
        graph, places = _atoms(outline, houses[houses["community"] == number], near)
        count = count_of(graph.weights, goal)
        if count.impossible is None and count.aim > 1:
            yield Case(graph, places, count.aim, LOW, HIGH, seed)


def _atoms(outline: shapely.Polygon, houses: gpd.GeoDataFrame, lines: NDArray[np.object_]) -> tuple[Graph, NDArray[np.float64]]:
    """A community's atoms as a graph, and the middle of each in metres."""
    middle = shapely.centroid(outline)
    metres = local_metres(middle.x, middle.y)
    atoms = tessellate(outline, np.array(houses.geometry.array, dtype=object), lines, metres)
    weights = np.bincount(atoms.atom_of, houses["households"], minlength=len(atoms.shapes))
    return graph_of(atoms.shapes, weights, metres, lines, atoms.block), shapely.get_coordinates(
        metres.to_metres(shapely.centroid(atoms.shapes))
    )
