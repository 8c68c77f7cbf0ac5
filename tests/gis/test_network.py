"""Neighbours along roads are those of networkx on the same graph, and places without a road are islands."""

from itertools import pairwise

import networkx
import numpy as np
import pytest
import shapely
from shapely.geometry import LineString, MultiLineString, Point

from gis.errors import BadGeometry, BadValue, NothingToAnalyse, TooLarge
from gis.hotspots import network
from gis.hotspots.network import network_band
from gis.hotspots.weights import Neighbours


def ours(found: Neighbours) -> list[list[int]]:
    return [found.of(place).tolist() for place in range(len(found))]


def streets(seed: int) -> list[LineString]:
    """A crooked net of streets, some missing."""
    random = np.random.default_rng(seed)
    node = np.stack(np.meshgrid(np.arange(7) * 100.0, np.arange(7) * 100.0), axis=2) + random.normal(0, 12, (7, 7, 2))
    lines = [LineString([node[r, c], node[r, c + 1]]) for r in range(7) for c in range(6)]
    lines += [LineString([node[r, c], node[r + 1, c]]) for r in range(6) for c in range(7)]
    return [line for line in lines if random.random() < 0.85]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("metres", [90.0, 250.0])
def test_neighbours_are_those_of_networkx(seed: int, metres: float) -> None:
    roads = streets(seed)
    random = np.random.default_rng(seed + 100)
    places = random.random((40, 2)) * 600
    graph = networkx.Graph()
    merged = shapely.get_parts(shapely.union_all(roads, grid_size=0.01))
    feet: dict[int, list[tuple[float, int]]] = {}
    ways = {}
    for place, (x, y) in enumerate(places):
        apart = shapely.distance(merged, Point(x, y))
        if apart.min() <= 60:
            feet.setdefault(int(apart.argmin()), []).append((merged[apart.argmin()].project(Point(x, y)), place))
            ways[place] = float(apart.min())
    for number, line in enumerate(merged):
        ends = [tuple(np.round(each, 2)) for each in (line.coords[0], line.coords[-1])]
        stops = [(0.0, ends[0]), *((at, ("foot", place)) for at, place in sorted(feet.get(number, []))), (line.length, ends[1])]
        for (start, one), (end, two) in pairwise(stops):
            graph.add_edge(one, two, weight=min(end - start, graph.get_edge_data(one, two, {"weight": np.inf})["weight"]))
    for place, way in ways.items():
        graph.add_edge(("foot", place), place, weight=way)
    theirs = []
    for place in range(40):
        reached = networkx.single_source_dijkstra_path_length(graph, place, cutoff=metres) if place in ways else {}
        theirs.append(sorted(each for each in reached if isinstance(each, int) and each != place))
    assert ours(network_band(places, roads, metres, access_m=60)) == theirs


def test_a_river_without_a_bridge_keeps_both_banks_apart() -> None:
    north, south = LineString([(0, 20), (1000, 20)]), LineString([(0, 0), (1000, 0)])
    places = [(500, 22), (500, -2), (600, -2)]
    assert ours(network_band(places, [north, south], 150)) == [[], [2], [1]]
    bridge = LineString([(450, 0), (450, 20)])
    assert ours(network_band(places, [north, south, bridge], 150)) == [[1], [0, 2], [1]]


def test_roads_that_cross_are_joined_and_a_place_without_a_road_is_an_island() -> None:
    cross = MultiLineString([[(0, 50), (100, 50)], [(50, 0), (50, 100)]])
    found = network_band([(0, 50), (50, 100), (5000, 5000)], [cross], 120)
    assert ours(found) == [[1], [0], []]
    assert found.islands.tolist() == [2] and found.kind == "network:120"


def test_two_places_at_one_door_are_neighbours() -> None:
    assert ours(network_band([(5, 0), (5, 0), (60, 0)], [LineString([(0, 0), (100, 0)])], 10)) == [[1], [0], []]


def test_what_is_no_network_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    road, places = [LineString([(0, 0), (100, 0)])], [(0, 0), (50, 0), (90, 0)]
    for refusal, ask in (
        (BadValue, lambda: network_band(places, road, 0)),
        (BadValue, lambda: network_band([[np.nan, 0]], road, 10)),
        (BadGeometry, lambda: network_band(places, [Point(0, 0)], 10)),
        (NothingToAnalyse, lambda: network_band(places, [], 10)),
    ):
        with pytest.raises(refusal):
            ask()
    monkeypatch.setattr(network, "MAX_PAIRS", 2)
    with pytest.raises(TooLarge):
        network_band(places, road, 1000)
