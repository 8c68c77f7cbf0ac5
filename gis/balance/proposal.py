"""What comes out: labels, the figures of each part, and why no plan can be in range where none can."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from gis.balance.graph import Floats, Graph, Ints, components

Reason = Literal["total", "atom", "piece", "granularity"]
EVEN_WEIGHT = 1e-9
"""Share of the mean by which a weight may pass a bound: what adding floats costs."""


@dataclass(frozen=True)
class Impossible:
    """Why no plan of some connected ground can have all parts in range, and the nearest there is.

    `reason`: "total" (no number of parts divides the weight into the range), "atom" (`atoms` are heavier than the upper
    bound), "piece" (like total, for ground that is cut off from the rest), "granularity" (every plan has been looked at).
    `total`: the weight of the ground. `parts`, `weights`: how many parts come nearest, and what each would weigh.
    """

    reason: Reason
    total: float
    parts: int
    weights: tuple[float, ...]
    atoms: tuple[int, ...] = ()


@dataclass(frozen=True)
class Proposal:
    """A plan: `labels` (n,) names the part of each atom; the arrays over parts are in the order of `parts`, its sorted names.

    `in_range`: every weight lies within the bounds (with a number of parts only: always). `contiguous`: each part that was
    drawn is one piece; one that was locked as a whole may lie in pieces as before. `deviation`: how far the worst
    weight is from the mean, as a share of the mean. `polsby_popper`: 4 pi area by outline squared, 1 for a circle.
    `border_m`: metres of border between parts, each once; `on_roads` the share of them along roads, None without any.
    `moved_weight`: weight of the atoms whose label is not their home's. `optimal`: proved that none is more even.
    `complete` is False if it was cancelled: then it is the best so far. The same seed gives the same proposal.
    """

    labels: Ints
    parts: Ints
    weights: Floats
    in_range: bool
    contiguous: bool
    deviation: float
    polsby_popper: Floats
    on_roads: float | None
    border_m: float
    moved_weight: float
    impossible: tuple[Impossible, ...] = ()
    optimal: bool = False
    complete: bool = True
    seed: int = 0

    @property
    def mean_polsby_popper(self) -> float:
        """The mean over parts."""
        return float(self.polsby_popper.mean())


def measured(  # noqa: PLR0913  what the figures are of
    graph: Graph, labels: Ints, *, low: float, high: float, home: Ints | None = None, impossible: Sequence[Impossible] = (),
    optimal: bool = False, complete: bool = True, seed: int = 0,
) -> Proposal:  # fmt: skip
    """A plan with its figures; `labels` (n,) of any whole numbers, bounds in units of weight."""
    parts, place = np.unique(labels, return_inverse=True)
    weights = np.bincount(place, weights=graph.weights, minlength=len(parts)).astype(np.float64)
    mean = weights.mean()
    cut = labels[graph.edges[:, 0]] != labels[graph.edges[:, 1]]
    border_m = float(graph.border_m[cut].sum())
    slack = EVEN_WEIGHT * max(mean, high if np.isfinite(high) else 0.0)
    return Proposal(
        labels=labels,
        parts=parts,
        weights=weights,
        in_range=bool(((weights >= low - slack) & (weights <= high + slack)).all()),
        contiguous=contiguous(graph, labels),
        deviation=float(np.abs(weights - mean).max() / mean) if mean > 0 else 0.0,
        polsby_popper=compactness(graph, place, len(parts)),
        on_roads=float(graph.road_m[cut].sum() / border_m) if border_m > 0 else None,
        border_m=border_m,
        moved_weight=0.0 if home is None else float(graph.weights[(home >= 0) & (home != labels)].sum()),
        impossible=tuple(impossible),
        optimal=optimal,
        complete=complete,
        seed=seed,
    )


def contiguous(graph: Graph, labels: Ints) -> bool:
    """Whether each part is connected through borders of some length."""
    inside = graph.edges[labels[graph.edges[:, 0]] == labels[graph.edges[:, 1]]]
    return bool(components(len(graph), inside).max(initial=-1) + 1 == len(np.unique(labels)))


def compactness(graph: Graph, part: Ints, count: int) -> Floats:
    """The Polsby-Popper figure of parts 0 to count - 1."""
    outline = np.bincount(part, weights=graph.rim_m, minlength=count)
    ends = part[graph.edges]
    cut = ends[:, 0] != ends[:, 1]
    for side in (0, 1):
        outline += np.bincount(ends[cut, side], weights=graph.border_m[cut], minlength=count)
    area = np.bincount(part, weights=graph.area_m2, minlength=count)
    figures: Floats = np.divide(4.0 * np.pi * area, outline**2, out=np.zeros(count), where=outline > 0)
    return figures
