"""Other people's ways to divide a graph of atoms, each as one function, with a limit on the CPU time it may take."""

import multiprocessing
import random
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import pymetis
from gerrychain import Graph as ChainGraph
from gerrychain import Partition
from gerrychain.optimization import SingleMetricOptimizer
from gerrychain.proposals import recom
from libpysal.weights import W
from numpy.typing import NDArray
from spopt.region import RegionKMeansHeuristic, Skater, Spenc, WardSpatial

from gis.balance.graph import Graph
from gis.balance.propose import ROAD

Ints = NDArray[np.int64]
SCALE = 10_000
"""METIS wants whole numbers: costs of borders are told in parts of this of the largest."""
CUTS = 10
STEPS = 300


@dataclass(frozen=True)
class Case:
    """One community: its atoms as a graph, where they lie (metres), how many parts, and the bounds of a part."""

    graph: Graph
    places: NDArray[np.float64]
    parts: int
    low: float
    high: float
    seed: int

    @property
    def slack(self) -> float:
        """By what share of the mean a part may differ from it and still be in range."""
        mean = float(self.graph.weights.sum()) / self.parts
        return min(self.high / mean - 1.0, 1.0 - self.low / mean)


Partitioner = Callable[[Case], Ints]


def within_limit(partitioner: Partitioner, case: Case, limit_s: int) -> tuple[Ints | None, float]:
    """Labels, or None where it failed or ran out of time, and CPU seconds; in a process of its own, so that a limit holds."""
    here, there = multiprocessing.get_context("fork").Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=_alone, args=(partitioner, case, limit_s, there))
    child.start()
    there.close()
    try:
        labels, spent = here.recv()
    except EOFError:
        labels, spent = None, float(limit_s)
    child.join()
    return labels, spent


def _alone(partitioner: Partitioner, case: Case, limit_s: int, answer: Connection) -> None:
    used = int(time.process_time())
    resource.setrlimit(resource.RLIMIT_CPU, (used + limit_s, used + limit_s))
    began = time.process_time()
    try:
        labels = np.asarray(partitioner(case), dtype=np.int64)
    except Exception:  # noqa: BLE001  a peer that fails has failed, whatever it raises
        labels = None
    answer.send((labels, time.process_time() - began))


def metis(case: Case) -> Ints:
    """METIS k-way with contiguous parts, costs of borders as ours, its tolerance the range, the best of ten."""
    return _metis(case, recursive=False)


def metis_recursive(case: Case) -> Ints:
    """METIS by recursive bisection, otherwise the same; it cannot promise contiguous parts."""
    return _metis(case, recursive=True)


def _metis(case: Case, *, recursive: bool) -> Ints:
    graph, count = case.graph, len(case.graph)
    cost = graph.cost(ROAD)
    source, target = np.concatenate([graph.edges, graph.edges[:, ::-1]]).T
    order = np.lexsort((target, source))
    first = np.concatenate([[0], np.cumsum(np.bincount(source, minlength=count))])
    whole = np.maximum(1, np.rint(np.tile(cost, 2) / cost.max() * SCALE)).astype(np.int64)
    options = pymetis.Options(ufactor=max(1, int(case.slack * 1000)), ncuts=CUTS, seed=case.seed, contig=int(not recursive))
    parts = pymetis.part_graph(
        case.parts, pymetis.CSRAdjacency(first.tolist(), target[order].tolist()), eweights=whole[order].tolist(),
        vweights=np.rint(graph.weights).astype(np.int64).tolist(), recursive=recursive, options=options,
    )  # fmt: skip
    return np.array(parts.vertex_part, dtype=np.int64)


def ward(case: Case) -> Ints:
    """spopt: Ward's method over places, neighbours only."""
    return _spopt(lambda frame, w: WardSpatial(frame, w, ["x", "y"], n_clusters=case.parts), case)


def spenc(case: Case) -> Ints:
    """spopt: spectral clusters over places, neighbours only."""
    return _spopt(lambda frame, w: Spenc(frame, w, ["x", "y"], n_clusters=case.parts, random_state=case.seed, gamma=1e-6), case)


def skater(case: Case) -> Ints:
    """spopt: a minimum spanning tree cut where that makes places most alike."""
    return _spopt(lambda frame, w: Skater(frame, w, ["x", "y"], n_clusters=case.parts), case)


def region_k_means(case: Case) -> Ints:
    """spopt: k-means over places with contiguous regions."""
    solver = RegionKMeansHeuristic(case.places, case.parts, _neighbours(case.graph), seed=case.seed)
    solver.solve()
    return np.asarray(solver.labels_)


def _spopt(make: Callable[[gpd.GeoDataFrame, W], Any], case: Case) -> Ints:
    frame = gpd.GeoDataFrame({"x": case.places[:, 0], "y": case.places[:, 1]}, geometry=gpd.points_from_xy(*case.places.T))
    solver = make(frame, _neighbours(case.graph))
    solver.solve()
    return np.asarray(solver.labels_)


def _neighbours(graph: Graph) -> W:
    beside: dict[int, list[int]] = {atom: [] for atom in range(len(graph))}
    for one, two in graph.edges.tolist():
        beside[one].append(two)
        beside[two].append(one)
    return W(beside, silence_warnings=True)


def chain_seed(case: Case) -> Ints:
    """GerryChain: the plan its chains begin with, by random trees, blocks kept together."""
    return _labels(_begun(case))


def chain(case: Case) -> Ints:
    """GerryChain: 300 recombinations from there, the cheapest border that was seen, in bursts of ten."""
    begun = _begun(case)
    mean = float(case.graph.weights.sum()) / case.parts

    def step(partition: Partition, *, rng: random.Random | int | None = None) -> Partition:
        return recom(partition, "weight", mean, case.slack, region_surcharge={"block": 1.0}, rng=rng)

    search = SingleMetricOptimizer(step, [], begun, _border, maximize=False, rng=case.seed)
    for _ in search.short_bursts(10, STEPS // 10):
        pass
    return _labels(search.best_part)


def _begun(case: Case) -> Partition:
    plain = nx.Graph()
    cost = case.graph.cost(ROAD)
    for atom in range(len(case.graph)):
        plain.add_node(atom, atom=atom, weight=float(case.graph.weights[atom]), block=int(case.graph.block[atom]))
    for (one, two), each in zip(case.graph.edges.tolist(), cost.tolist(), strict=True):
        plain.add_edge(one, two, cost=each)
    return Partition.from_random_assignment(ChainGraph.from_networkx(plain), case.parts, case.slack, "weight", rng=case.seed)


def _border(partition: Partition) -> float:
    graph = partition.graph
    return sum(graph.edge_data(graph.get_edge_id_from_edge(edge))["cost"] for edge in partition["cut_edges"])


def _labels(partition: Partition) -> Ints:
    labels = np.zeros(len(partition.assignment), dtype=np.int64)
    for node, part in partition.assignment.items():
        labels[partition.graph.node_data(node)["atom"]] = part
    return labels
