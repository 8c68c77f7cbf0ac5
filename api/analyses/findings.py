"""What a method found, before it is told: facts of each unit, clusters, and what else its answer has."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """One cluster. `members`: rows of the units; `incidents`: rows of the incidents, or None: those of the members in `days`
    (numbers of the first and the last). `place`: lon, lat, radius_m and a hull of what is not made of units. Else as docs/analyses.md says.
    """

    kind: str
    members: NDArray[np.int64]
    days: tuple[int, int] | None = None
    incidents: NDArray[np.int64] | None = None
    expected: float | None = None
    at_risk: float | None = None
    relative_risk: float | None = None
    llr: float | None = None
    p: float | None = None
    p_kind: str = "none"
    gumbel_p: float | None = None
    q: float | None = None
    recurrence_days: float | None = None
    confidence: int | None = None
    place: Facts = field(default_factory=dict)


@dataclass(slots=True)
class Findings:
    """The answer of one method. `units`: columns of facts by name, a value for each unit; `flags`: why a unit was left out, by its row."""

    units: dict[str, Any] = field(default_factory=dict)
    clusters: list[Found] = field(default_factory=list)
    flags: dict[int, str] = field(default_factory=dict)
    expected: NDArray[np.float64] | None = None
    smoothed: NDArray[np.float64] | None = None
    summary: Facts = field(default_factory=dict)
    series: Facts | None = None
    table: list[Facts] | None = None
    raster: Facts | None = None
    alternate: Facts | None = None
    caveats: list[tuple[str, Facts]] = field(default_factory=list)
    hot: NDArray[np.bool_] | None = None
    """Which units the map calls hot: what a later period is scored on."""


@dataclass(frozen=True, slots=True)
class Steps:
    """A period cut into whole weeks or months: the first day of each, and the days that are left over at both ends."""

    starts: list[date]
    number: NDArray[np.int64]
    lengths: NDArray[np.int64]
    left_over: tuple[int, int]
