"""The dictionary of indicators: one formula each, over counts, with the denominator beside the rate."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gis.errors import BadValue


@dataclass(frozen=True)
class Indicator:
    """A formula: numerator / denominator, both names of counts; without a denominator the numerator itself."""

    id: str
    numerator: str
    denominator: str | None
    unit: str
    version: int = 1


@dataclass(frozen=True)
class Measured:
    """An indicator's value with the counts behind it; `value` is None where the denominator is 0."""

    id: str
    value: float | None
    numerator: float
    denominator: float | None
    unit: str
    version: int


# Due in a period: deadline up to the period's end, less voided, less suspended at its end.
INDICATORS: Mapping[str, Indicator] = MappingProxyType(
    {
        each.id: each
        for each in (
            Indicator("filing_rate", "filed", "reported", "share"),
            Indicator("closing_rate", "closed_of_due", "due", "share"),
            Indicator("on_time_closing_rate", "closed_on_time_of_due", "due", "share"),
            Indicator("on_spot_rate", "closed_at_grid", "closed", "share"),
            Indicator("mean_handling_hours", "running_hours", "closed", "hours"),
            Indicator("overdue_count", "overdue", None, "count"),
        )
    }
)


def measured(indicator_id: str, counts: Mapping[str, float]) -> Measured:
    """An indicator from counts; BadValue if the indicator is unknown, a count is missing or one is negative."""
    indicator = INDICATORS.get(indicator_id)
    if indicator is None:
        raise BadValue("There is no such indicator.", indicator=indicator_id, indicators=sorted(INDICATORS))
    top = _count(indicator.numerator, counts)
    bottom = _count(indicator.denominator, counts) if indicator.denominator else None
    return Measured(indicator.id, _quotient(top, bottom), top, bottom, indicator.unit, indicator.version)


def change(now: float | None, before: float | None) -> float | None:
    """By what share a value has changed since an earlier period; None where one is unknown or the earlier one is 0."""
    if now is None or not before:
        return None
    return (now - before) / before


def _quotient(top: float, bottom: float | None) -> float | None:
    if bottom is None:
        return top
    return top / bottom if bottom else None


def _count(name: str, counts: Mapping[str, float]) -> float:
    if name not in counts:
        raise BadValue("A count is missing.", count=name)
    if not counts[name] >= 0:
        raise BadValue("A count is negative or not a number.", count=name, value=counts[name])
    return counts[name]
