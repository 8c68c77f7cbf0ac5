"""Every method one can ask for: its parameters with defaults and bounds, what rates may be per, and what it refuses."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gis.errors import BadValue
from gis.hotspots import dbscan, emerging, gi, gi_star, kde, knox, scan, trend
from gis.hotspots.permutation import PERMUTATIONS

Metres = Annotated[float, Field(gt=0, le=50_000)]
Weights = Literal["queen", "rook", "distance", "nearest", "network"]
POPULATIONS = ("households", "residents", "incidents", "none")
MOST_BANDS = 12


class Parameters(BaseModel):
    """Of one method; what is left out takes its default."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class _Neighbourly(Parameters):
    weights: Weights = "queen"
    reach_m: Metres = Field(default=800.0, description="Of the weights distance and network.")
    nearest: int = Field(default=6, ge=1, le=50, description="Of the weights nearest.")
    permutations: int = Field(default=PERMUTATIONS, ge=99, le=999_999)


class Gi(_Neighbourly):
    """Getis-Ord Gi*."""

    star: bool = True
    alternate: bool = Field(default=True, description="Ask again at another size of area and tell what holds in both.")


class Moran(_Neighbourly):
    """Local Moran."""


class Rates(Parameters):
    """Rates, empirical Bayes, funnel limits."""

    smoothing: Literal["global", "neighbours"] = "global"


class Scan(Parameters):
    """Kulldorff's scan."""

    model: Literal["poisson", "bernoulli", "permutation"] = "poisson"
    max_share: float = Field(default=scan.MAX_SHARE, gt=0, le=0.5)
    max_radius_m: Metres | None = None
    permutations: int = Field(default=scan.PERMUTATIONS, ge=99, le=99_999)
    least_cases: int = Field(default=scan.LEAST_CASES, ge=2, le=1000)
    step_days: int | None = Field(
        default=None, ge=1, le=92, description="Length of a time step, model permutation; default a day, a week beyond 31."
    )
    max_steps: int | None = Field(default=None, ge=1, description="Longest cluster; default half the period. Model permutation.")


class Watch(Parameters):
    """The prospective scan of the live watch: a cluster lasts to the final day."""

    max_days: int = Field(default=14, ge=1, le=60)
    max_radius_m: Metres = 1_500.0
    max_share: float = Field(default=scan.MAX_SHARE, gt=0, le=0.5)
    permutations: int = Field(default=scan.PERMUTATIONS, ge=99, le=99_999)
    least_cases: int = Field(default=3, ge=2, le=1000)


class Dbscan(Parameters):
    """Density clusters of places."""

    reach_m: Metres = 50.0
    min_points: int = Field(default=10, ge=dbscan.LEAST_POINTS, le=100_000)


class StDbscan(Parameters):
    """Density clusters in space and time."""

    reach_m: Metres = 100.0
    reach_days: float = Field(default=7.0, ge=0, le=366)
    min_points: int = Field(default=8, ge=dbscan.LEAST_POINTS, le=100_000)


class Hdbscan(Parameters):
    """Density clusters at every density."""

    min_points: int = Field(default=25, ge=dbscan.LEAST_POINTS, le=10_000)


class Knox(Parameters):
    """Near repeats. The first band holds the same place."""

    bands_m: Annotated[list[Annotated[float, Field(ge=0, le=5_000)]], Field(min_length=2, max_length=MOST_BANDS)] = [0, 0.1, 100, 200, 400]
    bands_days: Annotated[list[Annotated[float, Field(ge=0, le=366)]], Field(min_length=2, max_length=MOST_BANDS)] = [0, 1, 7, 14]
    permutations: int = Field(default=knox.PERMUTATIONS, ge=99, le=9_999)


class Kde(Parameters):
    """Kernel density."""

    bandwidth_m: Metres | None = None
    cell_m: float = Field(default=50.0, ge=5, le=2_000)
    kernel: Literal["quartic", "gaussian"] = "quartic"


class Emerging(_Neighbourly):
    """Emerging hot spots over a space-time cube."""

    step: Literal["week", "month"] = "month"
    lag: int = Field(default=1, ge=0, le=12)


class Trend(Parameters):
    """Trends of areas."""

    step: Literal["week", "month"] = "month"


class Repeats(Parameters):
    """Places that come again and again."""

    by: Literal["building", "place"] = "building"
    least: int = Field(default=3, ge=2, le=1000)


@dataclass(frozen=True, slots=True)
class Method:
    """One method: its parameters, what rates may be per, its minimum samples, and how many days it asks about unless it is told."""

    parameters: type[Parameters]
    denominators: tuple[str, ...]
    minimums: dict[str, float]
    days: int = 90


AREAS = {"areas": gi.MINIMUM_AREAS, "incidents": gi_star.MINIMUM_INCIDENTS, "share_of_zeros": gi_star.MAXIMUM_SHARE_OF_ZEROS}
CUBE = {"areas": gi.MINIMUM_AREAS, "steps": emerging.MINIMUM_STEPS, "mean": emerging.LEAST_MEAN_COUNT}
# Whole months count: a year back from the middle of one holds eleven of them.
A_YEAR_OF_MONTHS, TWO_YEARS_OF_MONTHS = 396, 761
METHODS = {
    "gi": Method(Gi, POPULATIONS, AREAS),
    "moran": Method(Moran, POPULATIONS, AREAS),
    "rates": Method(Rates, ("households", "residents", "incidents"), {"incidents": 1}),
    "scan": Method(Scan, POPULATIONS, {"incidents": scan.MINIMUM_CASES}),
    "watch": Method(Watch, ("none",), {"incidents": scan.MINIMUM_CASES}),
    "dbscan": Method(Dbscan, ("none",), {"incidents": dbscan.LEAST_POINTS}),
    "stdbscan": Method(StDbscan, ("none",), {"incidents": dbscan.LEAST_POINTS}),
    "hdbscan": Method(Hdbscan, ("none",), {"incidents": 2 * dbscan.LEAST_POINTS}),
    "knox": Method(Knox, ("none",), {"incidents": knox.MINIMUM_EVENTS}),
    "kde": Method(Kde, ("none",), {"incidents": kde.MINIMUM_EVENTS}),
    "emerging": Method(Emerging, ("households", "residents", "none"), CUBE, days=A_YEAR_OF_MONTHS),
    "trend": Method(Trend, ("none",), {"incidents": 1, "steps": trend.LEAST_STEPS}, days=TWO_YEARS_OF_MONTHS),
    "repeats": Method(Repeats, ("none",), {"incidents": 1}),
}
POINT_METHODS = frozenset({"dbscan", "stdbscan", "hdbscan", "knox", "kde", "repeats"})


def completed(method: str, given: dict[str, Any]) -> dict[str, Any]:
    """Parameters with every default filled in; BadValue says which one is wrong and why."""
    try:
        return METHODS[method].parameters.model_validate(given).model_dump()
    except ValidationError as wrong:
        fields = [{"at": ".".join(str(part) for part in each["loc"]), "why": each["msg"][:200]} for each in wrong.errors()[:20]]
        raise BadValue(f"A parameter of {method} is wrong: {fields[0]['at']}.", fields=fields) from None


def told() -> list[dict[str, Any]]:
    """All of it, for a page that offers the methods."""
    return [
        {
            "method": name,
            "about": each.parameters.__doc__,
            "denominators": list(each.denominators),
            "minimums": each.minimums,
            "days": each.days,
            "parameters": each.parameters.model_json_schema()["properties"] if each.parameters.model_fields else {},
        }
        for name, each in METHODS.items()
    ]
