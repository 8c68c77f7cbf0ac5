"""A graph in the units of the compiled loops: weights in target weights, lengths in sides of a mean part."""

from math import sqrt

import numpy as np

from gis.balance.graph import Flags, Floats, Graph, Ints
from gis.balance.kernel_types import Net

AWAY = 3.5
"""What a metre of border beside roads costs more where those along roads cost nothing: few blocks are then cut."""


def net_of(graph: Graph, *, mean: float, parts: int, road: float, frozen: Flags | None = None, home: Ints | None = None) -> Net:
    """The net of a graph that is to have `parts` parts of the weight `mean`.

    A metre of border along a road costs `road`, one elsewhere 1 + AWAY (1 - road); where there are no roads, 1.
    """
    count, pairs = len(graph), len(graph.edges)
    unit = mean if mean > 0 else 1.0
    area = float(graph.area_m2.sum())
    side = sqrt(area / parts) if area > 0 else 1.0
    away = 1.0 + AWAY * (1.0 - road) if (graph.road_m > 0).any() else 1.0
    cost = (away * (graph.border_m - graph.road_m) + road * graph.road_m) / side
    border = graph.border_m / side
    source = np.concatenate([graph.edges[:, 0], graph.edges[:, 1]])
    target = np.concatenate([graph.edges[:, 1], graph.edges[:, 0]])
    order = np.lexsort((target, source))
    edge = np.tile(np.arange(pairs), 2)[order]
    first = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(np.bincount(source, minlength=count), out=first[1:])
    return Net(
        first=first,
        other=np.ascontiguousarray(target[order]),
        edge=edge,
        border=border[edge],
        cost=cost[edge],
        one=np.ascontiguousarray(graph.edges[:, 0]),
        two=np.ascontiguousarray(graph.edges[:, 1]),
        edge_cost=cost,
        weight=_plain(graph.weights / unit),
        area=_plain(graph.area_m2 / side**2),
        rim=_plain(graph.rim_m / side),
        block=np.ascontiguousarray(graph.block, dtype=np.int64),
        frozen=np.zeros(count, dtype=np.bool_) if frozen is None else np.ascontiguousarray(frozen, dtype=np.bool_),
        home=np.full(count, -1, dtype=np.int64) if home is None else np.ascontiguousarray(home, dtype=np.int64),
    )


def _plain(values: Floats) -> Floats:
    return np.ascontiguousarray(values, dtype=np.float64)
